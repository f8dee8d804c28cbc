/*
 * Softfloat where neither the host nor MPFR can judge: RISC-V's and Arm's NaNs,
 * flushing and conversions, by cases from their manuals; every half as every
 * integer; the x87's kinds of numbers; environments from control registers.
 */
#include "base/bits.h"
#include "base/softfloat.h"

#define QNAN32 0x7fc00123u
#define SNAN32 0x7f800456u
#define INF32  0x7f800000u
#define ONE32  0x3f800000u
#define NEG_0  0x80000000u

static void test_riscv_nans(void)
{
    SfEnv env = sf_env_riscv(0);
    g_assert_cmphex(sf32_add(QNAN32, ONE32, &env), ==, 0x7fc00000);
    g_assert_cmphex(env.flags, ==, 0);
    g_assert_cmphex(sf32_add(ONE32, SNAN32, &env), ==, 0x7fc00000);
    g_assert_cmphex(env.flags, ==, SF_INVALID);
    /* "F", 11.6: inf * 0 + quiet NaN is invalid, too. */
    env.flags = 0;
    g_assert_cmphex(sf32_fma(INF32, 0, QNAN32, 0, &env), ==, 0x7fc00000);
    g_assert_cmphex(env.flags, ==, SF_INVALID);
    env.flags = 0;
    g_assert_cmphex(sf64_to_sf32(UINT64_C(0xfff8000000000001), &env), ==,
                    0x7fc00000);
    g_assert_cmphex(env.flags, ==, 0);
}

static void test_riscv_minmax(void)
{
    SfEnv env = sf_env_riscv(0);
    SfMinMax rule = SF_MM_NUMBER_2019;
    g_assert_cmphex(sf32_min(0, NEG_0, rule, &env), ==, NEG_0);
    g_assert_cmphex(sf32_max(NEG_0, 0, rule, &env), ==, 0);
    g_assert_cmphex(sf32_min(QNAN32, ONE32, rule, &env), ==, ONE32);
    g_assert_cmphex(sf32_min(QNAN32, QNAN32, rule, &env), ==, 0x7fc00000);
    g_assert_cmphex(env.flags, ==, 0);
    g_assert_cmphex(sf32_max(ONE32, SNAN32, rule, &env), ==, ONE32);
    g_assert_cmphex(env.flags, ==, SF_INVALID);
}

static void test_riscv_integers(void)
{
    SfEnv env = sf_env_riscv(0);
    g_assert_cmphex(sf32_to_int(QNAN32, SF_INT(32), &env), ==, INT32_MAX);
    g_assert_cmphex(sf32_to_int(0xff800000, SF_INT(32) | SF_INT_UNSIGNED,
                                &env), ==, 0);
    g_assert_cmphex(sf32_to_int(0xff800000, SF_INT(32), &env), ==,
                    (uint64_t)INT32_MIN);
    g_assert_cmphex(sf32_to_int(QNAN32, SF_INT(64) | SF_INT_UNSIGNED, &env),
                    ==, UINT64_MAX);
    g_assert_cmphex(env.flags, ==, SF_INVALID);
    /* -0.5 becomes 0 and is inexact; -1 does not fit. */
    env.flags = 0;
    unsigned how = SF_INT(32) | SF_INT_UNSIGNED | SF_INT_TRUNCATE;
    g_assert_cmphex(sf32_to_int(0xbf000000, how, &env), ==, 0);
    g_assert_cmphex(env.flags, ==, SF_INEXACT);
    g_assert_cmphex(sf32_to_int(0xbf800000, how, &env), ==, 0);
    g_assert_cmphex(env.flags, ==, SF_INEXACT | SF_INVALID);
}

static void test_arm_nans(void)
{
    SfEnv env = sf_env_arm(0, false);
    g_assert_cmphex(sf32_add(QNAN32, SNAN32, &env), ==, SNAN32 | 0x400000);
    g_assert_cmphex(env.flags, ==, SF_INVALID);
    env.flags = 0;
    g_assert_cmphex(sf32_add(0xffc00001, QNAN32, &env), ==, 0xffc00001);
    g_assert_cmphex(sf32_fma(0x7fc00001, 0x7fc00002, 0x7fc00003, 0, &env), ==,
                    0x7fc00003);
    g_assert_cmphex(env.flags, ==, 0);
    g_assert_cmphex(sf32_fma(INF32, 0, QNAN32, 0, &env), ==, 0x7fc00000);
    g_assert_cmphex(env.flags, ==, SF_INVALID);
    env = sf_env_arm(1u << 25, false);
    g_assert_cmphex(sf32_add(0xffc00001, ONE32, &env), ==, 0x7fc00000);
    g_assert_cmphex(env.flags, ==, 0);
}

static void test_arm_minmax(void)
{
    SfEnv env = sf_env_arm(0, false);
    g_assert_cmphex(sf32_min(QNAN32, ONE32, SF_MM_NUM_2008, &env), ==, ONE32);
    g_assert_cmphex(sf32_min(QNAN32, ONE32, SF_MM_PROPAGATE_2019, &env), ==,
                    QNAN32);
    g_assert_cmphex(env.flags, ==, 0);
    g_assert_cmphex(sf32_min(SNAN32, ONE32, SF_MM_NUM_2008, &env), ==,
                    SNAN32 | 0x400000);
    g_assert_cmphex(env.flags, ==, SF_INVALID);
    env.flags = 0;
    g_assert_cmphex(sf32_max(NEG_0, 0, SF_MM_PROPAGATE_2019, &env), ==, 0);
    g_assert_cmphex(sf32_min(0, NEG_0, SF_MM_NUM_2008, &env), ==, NEG_0);
}

static void test_arm_flush(void)
{
    SfEnv env = sf_env_arm(1u << 24, false);
    g_assert_cmphex(sf32_add(0x80000001, NEG_0, &env), ==, NEG_0);
    g_assert_cmphex(env.flags, ==, SF_DENORMAL);
    env.flags = 0; /* the smallest normal by a half: only underflow is told */
    g_assert_cmphex(sf32_mul(0x80800000, 0x3f000000, &env), ==, NEG_0);
    g_assert_cmphex(env.flags, ==, SF_UNDERFLOW);
    env = sf_env_arm(1u << 19, true);
    g_assert_cmphex(sf16_add(1, 1, &env), ==, 0);
    g_assert_cmphex(env.flags, ==, 0);
    env = sf_env_arm(1u << 24, true); /* FZ is not for halves */
    g_assert_cmphex(sf16_add(1, 1, &env), ==, 2);
}

static void test_arm_integers(void)
{
    SfEnv env = sf_env_arm(0, false);
    unsigned how = SF_INT(32) | SF_INT_TRUNCATE | SF_INT_NAN_ZERO;
    g_assert_cmphex(sf32_to_int(QNAN32, how, &env), ==, 0);
    g_assert_cmphex(sf32_to_int(INF32, how, &env), ==, INT32_MAX);
    /* FJCVTZS of 2^32 + 5 and of 2^84. */
    how = SF_INT(32) | SF_INT_TRUNCATE | SF_INT_WRAP;
    g_assert_cmphex(sf64_to_int(UINT64_C(0x41f0000000500000), how, &env), ==,
                    5);
    g_assert_cmphex(sf64_to_int(UINT64_C(0x4530000000000000), how, &env), ==,
                    0);
    g_assert_cmphex(env.flags, ==, SF_INVALID);
}

/* 2^-126 * (1 + 2^-13) * (1 - 2^-13) is below 2^-126 and rounds to it, however
 * small exponents may be. */
static void test_tininess(void)
{
    SfEnv after = { 0 }, before = { .tiny_before = true };
    SfEnv flushed = { .tiny_before = true,
                      .denormal_out = SF_OUT_ZERO_BEFORE };
    Sf32 a = 0x20800400, b = 0x1f7ff800;
    g_assert_cmphex(sf32_mul(a, b, &after), ==, 0x00800000);
    g_assert_cmphex(sf32_mul(a, b, &before), ==, 0x00800000);
    g_assert_cmphex(sf32_mul(a, b, &flushed), ==, 0);
    g_assert_cmphex(after.flags & SF_ALL, ==, SF_INEXACT);
    g_assert_cmphex(before.flags & SF_ALL, ==, SF_INEXACT | SF_UNDERFLOW);
    g_assert_cmphex(flushed.flags & SF_ALL, ==, SF_UNDERFLOW);
}

/* An overflow to odd is the largest number, which is odd. */
static void test_odd(void)
{
    SfEnv env = { .rounding = SF_ODD };
    g_assert_cmphex(sf64_to_sf32(UINT64_C(0x7fe0000000000000), &env), ==,
                    0x7f7fffff);
    g_assert_cmphex(env.flags & SF_ALL, ==, SF_OVERFLOW | SF_INEXACT);
    g_assert_cmphex(sf64_to_sf32(UINT64_C(0x3ff0000000000001), &env), ==,
                    0x3f800001);
}

static void test_classes(void)
{
    static const struct {
        uint16_t sign_exp;
        uint64_t frac;
        SfClass class;
    } kinds[] = {
        { 0x8000, 0, SF_CLASS_ZERO },
        { 0, 1, SF_CLASS_DENORMAL },
        { 0, BIT(63), SF_CLASS_PSEUDO_DENORMAL },
        { 1, BIT(63), SF_CLASS_NORMAL },
        { 1, BIT(62), SF_CLASS_UNNORMAL },
        { 0x4000, 0, SF_CLASS_UNNORMAL },
        { 0xffff, BIT(63), SF_CLASS_INF },
        { 0x7fff, 0, SF_CLASS_PSEUDO_INF },
        { 0x7fff, BIT(62), SF_CLASS_PSEUDO_NAN },
        { 0x7fff, BIT(63) | 1, SF_CLASS_SNAN },
        { 0x7fff, 3 * BIT(62), SF_CLASS_QNAN },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        Sf80 v = { kinds[i].frac, kinds[i].sign_exp };
        g_assert_cmpint(sf80_classify(v), ==, kinds[i].class);
    }
    g_assert_cmpint(sf32_classify(SNAN32), ==, SF_CLASS_SNAN);
    g_assert_cmpint(sf32_classify(QNAN32), ==, SF_CLASS_QNAN);
    g_assert_cmpint(sf16_classify(0x83ff), ==, SF_CLASS_DENORMAL);
    g_assert_cmpint(sfb16_classify(0x0080), ==, SF_CLASS_NORMAL);
    Sf128 inf = { 0, UINT64_C(0xffff000000000000) };
    g_assert_cmpint(sf128_classify(inf), ==, SF_CLASS_INF);
}

/* The value of a finite half in units of 2^-24. */
static int64_t half_units(uint16_t h)
{
    int exp = h >> 10 & 31, frac = h & 1023;
    int64_t v = exp ? (int64_t)(1024 + frac) << (exp - 1) : frac;
    return h & 0x8000 ? -v : v;
}

/* units / 2^24 as an integer, in the plainest way. */
static int64_t round_units(int64_t units, SfRound mode)
{
    int64_t low = units >> 24, rest = units - low * (1 << 24);
    int64_t half = 1 << 23;
    bool negative = units < 0;
    switch (rest ? mode : SF_DOWN) {
    case SF_NEAREST_EVEN:
        return low + (rest > half || (rest == half && (low & 1)));
    case SF_NEAREST_AWAY:
        return low + (rest > half || (rest == half && !negative));
    case SF_UP:
        return low + 1;
    case SF_ZERO:
        return low + negative;
    case SF_ODD:
        return low | 1;
    default:
        return low;
    }
}

static void check_half(uint16_t h, unsigned bits, bool is_unsigned,
                       SfRound mode)
{
    int64_t top = is_unsigned ? BIT(bits) - 1 : BIT(bits - 1) - 1;
    int64_t bottom = is_unsigned ? 0 : -(int64_t)BIT(bits - 1);
    int64_t units = half_units(h), want = round_units(units, mode);
    unsigned flags = units & (BIT(24) - 1) ? SF_INEXACT : 0;
    bool inf = (h & 0x7fff) == 0x7c00, nan = (h & 0x7fff) > 0x7c00;
    if (inf || nan || want > top || want < bottom) {
        bool down = (h & 0x8000) && !nan;
        want = down ? bottom : top;
        flags = SF_INVALID;
    }
    SfEnv env = { .rounding = mode };
    unsigned how = SF_INT(bits) | (is_unsigned ? SF_INT_UNSIGNED : 0);
    g_assert_cmphex(sf16_to_int(h, how, &env), ==, want);
    g_assert_cmphex(env.flags & SF_ALL, ==, flags);
    bool out = flags == SF_INVALID;
    uint64_t indefinite = is_unsigned ? (uint64_t)top : (uint64_t)bottom;
    g_assert_cmphex(sf16_to_int(h, how | SF_INT_INDEFINITE, &env), ==,
                    out ? indefinite : (uint64_t)want);
}

static void test_half_integers(void)
{
    for (unsigned h = 0; h < 0x10000; h++) {
        for (int mode = SF_NEAREST_EVEN; mode <= SF_ODD; mode++) {
            check_half(h, 8, h & 1, mode);
            check_half(h, 16, h & 1, mode);
            check_half(h, 32, !(h & 1), mode);
        }
    }
}

/* The operand is too large to be reduced: C2, nothing else. */
static void test_trig_range(void)
{
    SfEnv env = sf_env_x87(0x37f);
    Sf80 a = { BIT(63), 0x3fff + 63 }, r = { 1, 2 };
    g_assert_false(sf80_sincos(a, &r, &r, &env));
    g_assert_false(sf80_tan(a, &r, &env));
    g_assert_cmphex(r.frac, ==, 1);
    g_assert_cmphex(env.flags, ==, 0);
    a.sign_exp--;
    g_assert_true(sf80_tan(a, &r, &env));
    g_assert_cmphex(env.flags & SF_ALL, ==, SF_INEXACT);
}

static void test_environments(void)
{
    SfEnv sse = sf_env_sse(0x1f80 | 0x8040 | SF_UP << 13);
    g_assert_cmpint(sse.rounding, ==, SF_UP);
    g_assert_cmpint(sse.denormal_in, ==, SF_IN_ZERO);
    g_assert_cmpint(sse.denormal_out, ==, SF_OUT_ZERO_AFTER);
    g_assert_cmphex(sse.unmasked, ==, 0);
    g_assert_cmphex(sf_env_sse(0x1f80 & ~(1u << 11)).unmasked, ==,
                    SF_UNDERFLOW);
    g_assert_cmpint(sf_env_x87(0x27f).precision, ==, 53);
    g_assert_cmphex(sf_env_x87(0x37e).unmasked, ==, SF_INVALID);
    static const uint8_t riscv[] = { SF_NEAREST_EVEN, SF_ZERO, SF_DOWN, SF_UP,
                                     SF_NEAREST_AWAY };
    for (unsigned rm = 0; rm < G_N_ELEMENTS(riscv); rm++) {
        g_assert_cmpint(sf_env_riscv(rm).rounding, ==, riscv[rm]);
    }
    g_assert_cmpint(sf_env_arm(1u << 22, false).rounding, ==, SF_UP);
    g_assert_cmpint(sf_env_arm(2u << 22, false).rounding, ==, SF_DOWN);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/softfloat/riscv/nans", test_riscv_nans);
    g_test_add_func("/softfloat/riscv/minmax", test_riscv_minmax);
    g_test_add_func("/softfloat/riscv/integers", test_riscv_integers);
    g_test_add_func("/softfloat/arm/nans", test_arm_nans);
    g_test_add_func("/softfloat/arm/minmax", test_arm_minmax);
    g_test_add_func("/softfloat/arm/flush", test_arm_flush);
    g_test_add_func("/softfloat/arm/integers", test_arm_integers);
    g_test_add_func("/softfloat/tininess", test_tininess);
    g_test_add_func("/softfloat/odd", test_odd);
    g_test_add_func("/softfloat/classes", test_classes);
    g_test_add_func("/softfloat/half-integers", test_half_integers);
    g_test_add_func("/softfloat/trig-range", test_trig_range);
    g_test_add_func("/softfloat/environments", test_environments);
    return g_test_run();
}
