/*
 * The x87's functions beside GNU MPFR: every result must be the mathematical
 * one, correctly rounded, of the operand (of the trigonometric functions:
 * reduced by the x87's own pi of 66 bits), in every rounding mode and with the
 * flags that belong to it.
 */
#include "softfloat-mpfr.h"
#include "softfloat-operands.h"

#include <inttypes.h>

static const JudgeFormat f80 = { "f80", 15, 64, true };

static Bits bits_of(Sf80 v)
{
    return (Bits)v.sign_exp << 64 | v.frac;
}

typedef Sf80 (*OurFn)(Sf80 a, Sf80 b, SfEnv *env);

static Sf80 our_f2xm1(Sf80 a, Sf80 b, SfEnv *env)
{
    return sf80_f2xm1(a, env);
}

static Sf80 our_sin(Sf80 a, Sf80 b, SfEnv *env)
{
    Sf80 r;
    g_assert_true(sf80_sincos(a, &r, NULL, env));
    return r;
}

static Sf80 our_cos(Sf80 a, Sf80 b, SfEnv *env)
{
    Sf80 r;
    g_assert_true(sf80_sincos(a, NULL, &r, env));
    return r;
}

static Sf80 our_tan(Sf80 a, Sf80 b, SfEnv *env)
{
    Sf80 r;
    g_assert_true(sf80_tan(a, &r, env));
    return r;
}

static int judge_f2xm1(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return mpfr_exp2m1(r, in[0], rnd);
}

static int judge_patan(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return mpfr_atan2(r, in[1], in[0], rnd);
}

/* y times a logarithm with 400 bits more than are asked for. */
static int times_log(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd,
                     int (*log)(mpfr_t, const mpfr_t, mpfr_rnd_t))
{
    mpfr_exp_t emin = mpfr_get_emin(), emax = mpfr_get_emax();
    mpfr_set_emin(-200000);
    mpfr_set_emax(200000);
    mpfr_t wide;
    mpfr_init2(wide, 700);
    log(wide, in[0], MPFR_RNDN);
    mpfr_mul(wide, wide, in[1], MPFR_RNDN);
    mpfr_set_emin(emin);
    mpfr_set_emax(emax);
    int ternary = mpfr_set(r, wide, rnd);
    mpfr_clear(wide);
    return ternary;
}

static int log2_of(mpfr_t r, const mpfr_t x, mpfr_rnd_t rnd)
{
    return mpfr_log2(r, x, rnd);
}

static int log2p1_of(mpfr_t r, const mpfr_t x, mpfr_rnd_t rnd)
{
    return mpfr_log2p1(r, x, rnd);
}

static int judge_yl2x(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return times_log(r, in, rnd, log2_of);
}

static int judge_yl2xp1(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return times_log(r, in, rnd, log2p1_of);
}

/* x less the nearest multiple of the x87's pi/2; returns which, modulo 4. */
static unsigned reduce(mpfr_t rest, const mpfr_t x)
{
    mpfr_t half_pi;
    mpfr_init2(half_pi, 80);
    mpfr_set_str(half_pi, "0xc90fdaa22168c234c", 16, MPFR_RNDN);
    mpfr_div_2ui(half_pi, half_pi, 67, MPFR_RNDN);
    mpfr_set_prec(rest, 200);
    long quotient;
    mpfr_remquo(rest, &quotient, x, half_pi, MPFR_RNDN);
    mpfr_clear(half_pi);
    return quotient & 3;
}

static mpfr_rnd_t mirrored(mpfr_rnd_t rnd)
{
    return rnd == MPFR_RNDU ? MPFR_RNDD : rnd == MPFR_RNDD ? MPFR_RNDU : rnd;
}

/* The sine of quadrant * pi/2 + rest. */
static int quadrant_sin(mpfr_t r, mpfr_t rest, unsigned quadrant,
                        mpfr_rnd_t rnd)
{
    bool negative = quadrant & 2;
    rnd = negative ? mirrored(rnd) : rnd;
    int ternary = quadrant & 1 ? mpfr_cos(r, rest, rnd)
                               : mpfr_sin(r, rest, rnd);
    if (negative) {
        mpfr_neg(r, r, MPFR_RNDN);
    }
    return negative ? -ternary : ternary;
}

static int judge_trig(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd,
                      unsigned further)
{
    mpfr_exp_t emin = mpfr_get_emin(), emax = mpfr_get_emax();
    mpfr_t rest;
    mpfr_init(rest);
    mpfr_set_emin(-200000);
    mpfr_set_emax(200000);
    unsigned quadrant = reduce(rest, in[0]) + further;
    mpfr_set_emin(emin);
    mpfr_set_emax(emax);
    int ternary = quadrant_sin(r, rest, quadrant, rnd);
    mpfr_clear(rest);
    return ternary;
}

static int judge_sin(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return judge_trig(r, in, rnd, 0);
}

static int judge_cos(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    return judge_trig(r, in, rnd, 1);
}

static int judge_tan(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd)
{
    mpfr_t rest;
    mpfr_init(rest);
    bool odd = reduce(rest, in[0]) & 1;
    if (odd) { /* tan(x + pi/2) = cot(-x) */
        mpfr_neg(rest, rest, MPFR_RNDN);
    }
    int ternary = odd ? mpfr_cot(r, rest, rnd) : mpfr_tan(r, rest, rnd);
    mpfr_clear(rest);
    return ternary;
}

typedef struct Row {
    const char *name;
    OurFn ours;
    JudgeFn judge;
    int low, high; /* biased exponents of a */
    bool positive;
} Row;

static const Row rows[] = {
    { "f2xm1", our_f2xm1, judge_f2xm1, 0, 0x3ffe, false },
    { "yl2x", sf80_yl2x, judge_yl2x, 0, 0x7ffe, true },
    { "yl2xp1", sf80_yl2xp1, judge_yl2xp1, 0, 0x3ffc, false },
    { "patan", sf80_patan, judge_patan, 0, 0x7ffe, false },
    { "sin", our_sin, judge_sin, 0, 0x3fff + 62, false },
    { "cos", our_cos, judge_cos, 0, 0x3fff + 62, false },
    { "tan", our_tan, judge_tan, 0, 0x3fff + 62, false },
};

/* Most operands are where functions are interesting. */
static Sf80 random_operand(const Row *row, Operands *o)
{
    Sf80 v = operands_next80(o, true);
    unsigned exp = v.sign_exp & 0x7fff;
    if (operands_random(o) % 4) {
        exp = 0x3fff - 70 + operands_random(o) % 140;
    }
    exp = CLAMP((int)exp, row->low, row->high);
    v.frac = exp ? v.frac | BIT(63) : v.frac & INT64_MAX;
    v.sign_exp = (row->positive ? 0 : v.sign_exp & 0x8000) | exp;
    return v;
}

static Sf80 random_factor(Operands *o)
{
    Sf80 v = operands_next80(o, true);
    if ((v.sign_exp & 0x7fff) == 0x7fff) {
        v.sign_exp -= operands_random(o) % 0x7fff + 1;
    }
    if (!(v.sign_exp & 0x7fff)) {
        v.frac = (v.frac & INT64_MAX) | 1;
    }
    return v;
}

static void check(const Row *row, Sf80 a, Sf80 b, SfEnv env, mpfr_t *const in)
{
    judge_value(in[0], &f80, bits_of(a));
    judge_value(in[1], &f80, bits_of(b));
    Judgement j = judge(&f80, row->judge, in, &env);
    Sf80 mine = row->ours(a, b, &env);
    unsigned flags = env.flags & SF_ALL;
    if (row->judge == judge_yl2x && flags & SF_INEXACT) {
        j.flags |= SF_INEXACT; /* always, as processors do */
    }
    if (bits_of(mine) != j.bits || flags != j.flags) {
        g_test_message("%s a %04x:%016" PRIx64 " b %04x:%016" PRIx64
                       " rounding %d: ours %04x:%016" PRIx64 " flags %x, MPFR "
                       "%04x:%016" PRIx64 " flags %x", row->name, a.sign_exp,
                       a.frac, b.sign_exp, b.frac, env.rounding, mine.sign_exp,
                       mine.frac, flags, (unsigned)(j.bits >> 64),
                       (uint64_t)j.bits, j.flags);
        g_test_fail();
    }
}

static void test_row(gconstpointer data)
{
    const Row *row = data;
    Operands o = { .rand = g_rand_new_with_seed(g_test_rand_int()) };
    unsigned cases = operands_cases(1500);
    mpfr_t in[3];
    mpfr_inits2(128, in[0], in[1], in[2], (mpfr_ptr)0);
    for (unsigned i = 0; i < cases && !g_test_failed(); i++) {
        SfEnv env = { .rounding = i % 4 };
        Sf80 a = random_operand(row, &o), b = random_factor(&o);
        if (a.frac) {
            check(row, a, b, env, in);
        }
    }
    mpfr_clears(in[0], in[1], in[2], (mpfr_ptr)0);
    g_rand_free(o.rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    mpfr_set_emin(-200000);
    mpfr_set_emax(200000);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/softfloat/functions/%s",
                                                rows[i].name);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    return g_test_run();
}
