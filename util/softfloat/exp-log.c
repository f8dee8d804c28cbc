/*
 * F2XM1, FYL2X and FYL2XP1 (SDM vol. 2): series in 128 bits.
 */
#include "fix.h"

/* e^t - 1 for |t| < 1/256: t * (1 + t/2! + t^2/3! ...) */
static Parts exp_series(const Parts *t, SfEnv *env)
{
    U128 sum =
        fix_series(fix_from_parts(t), fix_inverse_factorial, 1, 13, t->sign);
    Parts factor = t->sign ? parts_one_minus(sum) : parts_one_plus(sum);
    return parts_mul(t, &factor, env);
}

/* e^2t - 1 = (e^t - 1) * ((e^t - 1) + 2) brings a halved t back. */
static Parts exp_minus_one(const Parts *t, SfEnv *env)
{
    static const int halvings = 9;
    Parts two = parts_number(false, 1, U128_TOP), small = *t;
    bool halved = t->exp > -halvings;
    small.exp -= halved ? halvings : 0;
    Parts e = exp_series(&small, env);
    for (int i = 0; halved && i < halvings; i++) {
        Parts sum = parts_add(&e, &two, false, env);
        e = parts_mul(&e, &sum, env);
    }
    return e;
}

/* Outside [-1, 1] the result is undefined; the operand is left as it is. */
static Parts parts_f2xm1(const Parts *a, SfEnv *env)
{
    Parts ln2 = parts_ln2();
    if (parts_is_nan(a)) {
        return parts_nan1(a, env);
    }
    if (a->kind == PARTS_INF) {
        return a->sign ? parts_number(true, 0, U128_TOP) : *a;
    }
    parts_note_denormal(a, env);
    if (a->kind == PARTS_ZERO || a->exp > 0) {
        return *a;
    }
    if (a->exp == 0) {
        return a->sig != U128_TOP ? *a
               : a->sign          ? parts_number(true, -1, U128_TOP)
                                  : *a;
    }
    Parts t = parts_mul(a, &ln2, env);
    Parts r = exp_minus_one(&t, env);
    r.sig |= 1; /* never exact */
    return r;
}

Sf80 sf80_f2xm1(Sf80 a, SfEnv *env)
{
    Parts pa = sf80_unpack(a, env);
    Parts r = parts_f2xm1(&pa, env);
    parts_round(&r, &sf80_format, env);
    return sf80_pack(&r);
}

/* log2((1 + s) / (1 - s)) = 2/ln2 * (s + s^3/3 + s^5/5 ...), |s| < 0.18 */
static Parts log2_series(const Parts *s, SfEnv *env)
{
    U128 f = fix_from_parts(s);
    U128 sum = fix_series(fix_mul(f, f), fix_inverse_odd, 1, 26, false);
    Parts factor = parts_one_plus(sum), scale = parts_two_over_ln2();
    Parts r = parts_mul(s, &factor, env);
    r = parts_mul(&r, &scale, env);
    r.sig |= 1; /* never exact */
    return r;
}

/* sqrt(2) * 2^127 */
#define LOG_SPLIT u128_make(0xb504f333f9de6484, 0x597d89b3754abe9f)

/* log2 of a positive number: its exponent and the logarithm of what is left,
 * which is between sqrt(1/2) and sqrt(2). */
static Parts log2_number(const Parts *x, SfEnv *env)
{
    bool up = x->sig > LOG_SPLIT;
    int n = x->exp + up;
    Parts whole =
        n ? parts_normalize(n < 0, 127, n < 0 ? -n : n) : parts_zero(false);
    if (x->sig == U128_TOP) {
        return whole;
    }
    Parts one = parts_number(false, 0, U128_TOP);
    Parts m = parts_number(false, up ? -1 : 0, x->sig);
    Parts above = parts_add(&m, &one, false, env);
    Parts below = parts_add(&m, &one, true, env);
    Parts s = parts_div(&below, &above, env);
    Parts r = log2_series(&s, env);
    return n ? parts_add(&whole, &r, false, env) : r;
}

/* log2(1 + x) for x near 0, where 1 + x would lose digits. */
static Parts log2_near_one(const Parts *x, SfEnv *env)
{
    Parts two = parts_number(false, 1, U128_TOP);
    Parts sum = parts_add(x, &two, false, env);
    Parts s = parts_div(x, &sum, env);
    return log2_series(&s, env);
}

/* y times a logarithm, whose operand was `x`. Processors call every number
 * inexact, those of x = 2^n too. */
static Parts log2_times(const Parts *x, const Parts *log, const Parts *y,
                        SfEnv *env)
{
    Parts r = parts_mul(y, log, env);
    if (r.kind != PARTS_QNAN) {
        parts_note_denormal(x, env);
    }
    if (r.kind == PARTS_NUMBER) {
        env->flags |= SF_INEXACT;
    }
    return r;
}

/* SDM vol. 2, FYL2X, table 3-60: multiplication tells them all. */
static Parts parts_yl2x(const Parts *x, const Parts *y, SfEnv *env)
{
    if (parts_any_nan(x, y)) {
        return parts_nan2(x, y, env);
    }
    if (x->kind == PARTS_ZERO) {
        if (y->kind == PARTS_NUMBER) {
            env->flags |= SF_DIV_ZERO;
            return parts_inf(!y->sign);
        }
        Parts log = parts_inf(true);
        return log2_times(x, &log, y, env);
    }
    if (x->sign) {
        return parts_invalid(env);
    }
    Parts log = x->kind == PARTS_INF ? *x : log2_number(x, env);
    return log2_times(x, &log, y, env);
}

/* The same for FYL2XP1: the operand may be anything above -1. */
static Parts parts_yl2xp1(const Parts *x, const Parts *y, SfEnv *env)
{
    if (parts_any_nan(x, y)) {
        return parts_nan2(x, y, env);
    }
    Parts log = *x, one = parts_number(false, 0, U128_TOP);
    if (x->kind == PARTS_NUMBER && x->exp < -2) {
        log = log2_near_one(x, env);
    } else if (x->kind == PARTS_NUMBER) {
        Parts sum = parts_add(x, &one, false, env);
        if (sum.sign || sum.kind == PARTS_ZERO) {
            return parts_invalid(env);
        }
        log = log2_number(&sum, env);
    } else if (x->kind == PARTS_INF && x->sign) {
        return parts_invalid(env);
    }
    return log2_times(x, &log, y, env);
}

Sf80 sf80_yl2x(Sf80 x, Sf80 y, SfEnv *env)
{
    Parts px = sf80_unpack(x, env), py = sf80_unpack(y, env);
    Parts r = parts_yl2x(&px, &py, env);
    parts_round(&r, &sf80_format, env);
    return sf80_pack(&r);
}

Sf80 sf80_yl2xp1(Sf80 x, Sf80 y, SfEnv *env)
{
    Parts px = sf80_unpack(x, env), py = sf80_unpack(y, env);
    Parts r = parts_yl2xp1(&px, &py, env);
    parts_round(&r, &sf80_format, env);
    return sf80_pack(&r);
}
