/*
 * Softfloat beside GNU MPFR: every operation of every format in every rounding
 * mode, results and flags, tininess seen before and after rounding; all
 * operands there are for functions of one half; constants and functions of
 * the x87 correctly rounded.
 */
#include "softfloat-mpfr.h"
#include "softfloat-operands.h"

#include <inttypes.h>

static Bits from_small(uint64_t v)
{
    return v;
}

static Bits from_sf80(Sf80 v)
{
    return (Bits)v.sign_exp << 64 | v.frac;
}

static Bits from_sf128(Sf128 v)
{
    return (Bits)v.hi << 64 | v.lo;
}
#define from_sf16 from_small
#define from_sfb16 from_small
#define from_sf32 from_small
#define from_sf64 from_small
#define to_sf16(b) ((Sf16)(b))
#define to_sfb16(b) ((SfB16)(b))
#define to_sf32(b) ((Sf32)(b))
#define to_sf64(b) ((Sf64)(b))
#define to_sf80(b) ((Sf80){ (uint64_t)(b), (uint16_t)((b) >> 64) })
#define to_sf128(b) ((Sf128){ (uint64_t)(b), (uint64_t)((b) >> 64) })

typedef enum Format {
    F_sf16, F_sfb16, F_sf32, F_sf64, F_sf80, F_sf128, FORMATS
} Format;

static const JudgeFormat formats[FORMATS] = {
    { "f16", 5, 10, false }, { "bf16", 8, 7, false },
    { "f32", 8, 23, false }, { "f64", 11, 52, false },
    { "f80", 15, 64, true }, { "f128", 15, 112, false },
};

typedef Bits (*OurFn)(const Bits v[3], SfEnv *env);

#define OURS(p, name, call)                                 \
    static Bits p##_do_##name(const Bits v[3], SfEnv *env)  \
    {                                                       \
        return from_##p(call);                              \
    }
#define A(p) to_##p(v[0])
#define B(p) to_##p(v[1])
#define C(p) to_##p(v[2])
#define ALL_OURS(T, p)                                                   \
    OURS(p, add, p##_add(A(p), B(p), env))                               \
    OURS(p, sub, p##_sub(A(p), B(p), env))                               \
    OURS(p, mul, p##_mul(A(p), B(p), env))                               \
    OURS(p, div, p##_div(A(p), B(p), env))                               \
    OURS(p, sqrt, p##_sqrt(A(p), env))                                   \
    OURS(p, fma, p##_fma(A(p), B(p), C(p), 0, env))                      \
    OURS(p, rem, p##_remainder(A(p), B(p), env))                         \
    OURS(p, rint, p##_round_int(A(p), env->rounding, true, env))         \
    OURS(p, scalbn, p##_scalbn(A(p), (int16_t)(uint64_t)v[1], env))      \
    OURS(p, from_int64, p##_from_int64((int64_t)v[2], env))              \
    OURS(p, from_uint64, p##_from_uint64((uint64_t)v[2], env))
ALL_OURS(Sf16, sf16)
ALL_OURS(SfB16, sfb16)
ALL_OURS(Sf32, sf32)
ALL_OURS(Sf64, sf64)
ALL_OURS(Sf80, sf80)
ALL_OURS(Sf128, sf128)

/* The raw third operand, for functions of integers. */
static uint64_t raw_integer;
static int16_t raw_scale;

static int judge_add(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return mpfr_add(r, in[0], in[1], rnd);
}

static int judge_sub(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return mpfr_sub(r, in[0], in[1], rnd);
}

static int judge_mul(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return mpfr_mul(r, in[0], in[1], rnd);
}

static int judge_div(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return mpfr_div(r, in[0], in[1], rnd);
}

static int judge_sqrt(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return mpfr_sqrt(r, in[0], rnd);
}

static int judge_fma(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return mpfr_fma(r, in[0], in[1], in[2], rnd);
}

static int judge_rem(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return mpfr_remainder(r, in[0], in[1], rnd);
}

static int judge_scalbn(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return mpfr_mul_2si(r, in[0], raw_scale, rnd);
}

static int judge_set(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return mpfr_set(r, in[0], rnd);
}

static int judge_from_int64(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return mpfr_set_si(r, (long)raw_integer, rnd);
}

static int judge_from_uint64(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return mpfr_set_ui(r, raw_integer, rnd);
}

typedef struct Op {
    const char *name;
    OurFn ours[FORMATS];
    JudgeFn judge;
    int operands; /* of the format; 0: an integer */
} Op;

#define OP(name, operands)                                                  \
    { #name,                                                                \
      { sf16_do_##name, sfb16_do_##name, sf32_do_##name, sf64_do_##name,    \
        sf80_do_##name, sf128_do_##name },                                  \
      judge_##name, operands }
static const Op ops[] = {
    OP(add, 2), OP(sub, 2), OP(mul, 2), OP(div, 2), OP(sqrt, 1), OP(fma, 3),
    OP(rem, 2), OP(scalbn, 1), OP(from_int64, 0), OP(from_uint64, 0),
};

#define DO_TO(T, p, U, q)                                           \
    static Bits p##_do_to_##q(const Bits v[3], SfEnv *env)          \
    {                                                               \
        return from_##q(p##_to_##q(A(p), env));                     \
    }
SF_CONVERSIONS(DO_TO)
static const struct {
    Format from, to;
    OurFn ours;
} conversions[] = {
#define ROW_TO(T, p, U, q) { F_##p, F_##q, p##_do_to_##q },
    SF_CONVERSIONS(ROW_TO)
};

static SfEnv random_env(Operands *o)
{
    SfEnv env = { .rounding = operands_random(o) % 6,
                  .tiny_before = operands_random(o) & 1 };
    return env;
}

static Bits random_bits(Operands *o, Format f)
{
    const JudgeFormat *j = &formats[f];
    if (f == F_sf80) {
        return from_sf80(operands_next80(o, true));
    }
    if (f == F_sf128) {
        uint64_t low = operands_random(o), kind = operands_random(o) % 4;
        low = kind == 0 ? 0 : kind == 1 ? UINT64_MAX : low;
        return (Bits)operands_next(o, 15, 48) << 64 | low;
    }
    return operands_next(o, j->exp_bits, j->frac_bits);
}

static bool is_nan(Format f, Bits b)
{
    return judge_is_nan(&formats[f], b);
}

/* Compares what we say with what MPFR says. A division by zero is no flag of
 * MPFR's rounding: it is whatever is infinite of finite operands. */
static void compare(const char *name, Format f, const Bits v[3], Bits mine,
                    const SfEnv *env, Judgement j)
{
    unsigned flags = env->flags & (SF_ALL & ~SF_DIV_ZERO);
    bool same = j.nan ? is_nan(f, mine) : mine == j.bits;
    if (!same || flags != j.flags) {
        g_test_message("%s %s rounding %d tiny %d: %" PRIx64 ":%" PRIx64
                       " %" PRIx64 ":%" PRIx64 " %" PRIx64 ":%" PRIx64,
                       formats[f].name, name, env->rounding, env->tiny_before,
                       (uint64_t)(v[0] >> 64), (uint64_t)v[0],
                       (uint64_t)(v[1] >> 64), (uint64_t)v[1],
                       (uint64_t)(v[2] >> 64), (uint64_t)v[2]);
        g_test_message("  ours %" PRIx64 ":%" PRIx64 " flags %x, MPFR %" PRIx64
                       ":%" PRIx64 " flags %x", (uint64_t)(mine >> 64),
                       (uint64_t)mine, flags, (uint64_t)(j.bits >> 64),
                       (uint64_t)j.bits, j.flags);
        g_test_fail();
    }
}

static void values_init(mpfr_t v[3])
{
    for (int i = 0; i < 3; i++) {
        mpfr_init2(v[i], 128);
        mpfr_set_zero(v[i], 1);
    }
}

static void values_clear(mpfr_t v[3])
{
    for (int i = 0; i < 3; i++) {
        mpfr_clear(v[i]);
    }
}

static void check_op(const Op *op, Format f, const Bits bits[3], SfEnv env)
{
    mpfr_t v[3];
    for (int i = 0; i < op->operands; i++) {
        if (is_nan(f, bits[i])) {
            return; /* NaNs are compared with processors' */
        }
    }
    values_init(v);
    for (int i = 0; i < op->operands; i++) {
        judge_value(v[i], &formats[f], bits[i]);
    }
    raw_integer = (uint64_t)bits[2];
    raw_scale = (int16_t)(uint64_t)bits[1];
    Judgement j = judge(&formats[f], op->judge, v, &env);
    Bits mine = op->ours[f](bits, &env);
    compare(op->name, f, bits, mine, &env, j);
    values_clear(v);
}

static void test_format(gconstpointer data)
{
    Format f = GPOINTER_TO_INT(data);
    Operands o = { .rand = g_rand_new_with_seed(g_test_rand_int()) };
    unsigned cases = operands_cases(2000);
    for (unsigned k = 0; k < G_N_ELEMENTS(ops); k++) {
        const Op *op = &ops[k];
        for (unsigned i = 0; i < cases && !g_test_failed(); i++) {
            Bits v[3] = { random_bits(&o, f), random_bits(&o, f),
                          random_bits(&o, f) };
            v[2] = op->operands ? v[2] : operands_integer(&o);
            check_op(op, f, v, random_env(&o));
        }
    }
    g_rand_free(o.rand);
}

static void test_conversions(void)
{
    Operands o = { .rand = g_rand_new_with_seed(g_test_rand_int()) };
    unsigned cases = operands_cases(1000);
    mpfr_t in[3];
    values_init(in);
    for (unsigned k = 0; k < G_N_ELEMENTS(conversions); k++) {
        for (unsigned i = 0; i < cases && !g_test_failed(); i++) {
            Format from = conversions[k].from, to = conversions[k].to;
            Bits v[3] = { random_bits(&o, from) };
            SfEnv env = random_env(&o);
            if (!is_nan(from, v[0])) {
                judge_value(in[0], &formats[from], v[0]);
                Judgement j = judge(&formats[to], judge_set, in, &env);
                Bits mine = conversions[k].ours(v, &env);
                compare(formats[from].name, to, v, mine, &env, j);
            }
        }
    }
    values_clear(in);
    g_rand_free(o.rand);
}

/* One operand: all there are. */
static void test_all_halves(void)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(ops); k++) {
        for (uint32_t a = 0; a < 0x10000 && ops[k].operands == 1; a++) {
            Bits v[3] = { a, (a * 7 % 61) - 30 };
            check_op(&ops[k], F_sf16, v, (SfEnv){ .rounding = a * 5 % 6 });
            check_op(&ops[k], F_sfb16, v, (SfEnv){ .rounding = a * 5 % 6 });
        }
    }
}

/* Rounding to integers, into the format and out of it. */
static void check_integer(Format f, Bits bits, OurFn ours, SfEnv env)
{
    static const mpfr_rnd_t modes[] = { MPFR_RNDN, MPFR_RNDD, MPFR_RNDU,
                                        MPFR_RNDZ };
    Bits v[3] = { bits };
    mpfr_t in[3];
    values_init(in);
    judge_value(in[0], &formats[f], bits);
    mpfr_t exact;
    mpfr_init2(exact, 128);
    mpfr_set(exact, in[0], MPFR_RNDN);
    if (mpfr_regular_p(in[0])) { /* rint is to even in MPFR's RNDN */
        env.rounding == SF_NEAREST_AWAY ? mpfr_round(in[0], exact)
        : env.rounding == SF_ODD ? mpfr_trunc(in[0], exact)
                                 : mpfr_rint(in[0], exact, modes[env.rounding]);
    }
    bool inexact = !mpfr_equal_p(in[0], exact);
    mpfr_t half;
    mpfr_init2(half, 128);
    mpfr_div_2ui(half, in[0], 1, MPFR_RNDN);
    if (env.rounding == SF_ODD && inexact && mpfr_integer_p(half)) {
        mpfr_add_si(in[0], in[0], mpfr_signbit(exact) ? -1 : 1, MPFR_RNDN);
    }
    Judgement j = judge(&formats[f], judge_set, in, &env);
    j.flags = inexact ? SF_INEXACT : 0;
    Bits mine = ours(v, &env);
    compare("rint", f, v, mine, &env, j);
    mpfr_clears(half, exact, (mpfr_ptr)0);
    values_clear(in);
}

static void test_integers(void)
{
    static const OurFn ours[] = { sf16_do_rint, sfb16_do_rint, sf32_do_rint,
                                  sf64_do_rint, sf80_do_rint, sf128_do_rint };
    Operands o = { .rand = g_rand_new_with_seed(g_test_rand_int()) };
    for (unsigned a = 0; a < 0x10000 * 6; a++) {
        if (!is_nan(F_sf16, a / 6)) {
            check_integer(F_sf16, a / 6, ours[F_sf16], (SfEnv){ .rounding = a % 6 });
        }
    }
    for (unsigned i = 0; i < operands_cases(10000) && !g_test_failed(); i++) {
        Format f = i % FORMATS;
        Bits v = random_bits(&o, f);
        if (!is_nan(f, v)) {
            check_integer(f, v, ours[f], random_env(&o));
        }
    }
    g_rand_free(o.rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (int f = 0; f < FORMATS; f++) {
        g_autofree char *path = g_strdup_printf("/softfloat/mpfr/%s",
                                                formats[f].name);
        g_test_add_data_func(path, GINT_TO_POINTER(f), test_format);
    }
    g_test_add_func("/softfloat/mpfr/conversions", test_conversions);
    g_test_add_func("/softfloat/mpfr/all-halves", test_all_halves);
    g_test_add_func("/softfloat/mpfr/integers", test_integers);
    return g_test_run();
}
