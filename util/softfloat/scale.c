/*
 * Exponents: scaling by powers of two, and taking a number apart (IEEE
 * 754-2019, 5.3.3; SDM vol. 2, FSCALE, FXTRACT).
 */
#include "formats.h"

/* Beyond this, every format is over its end whatever it started from. */
#define SCALE_MAX 100000

static Parts parts_scalbn(const Parts *a, int n, SfEnv *env)
{
    Parts r = *a;
    if (parts_is_nan(a)) {
        return parts_nan1(a, env);
    }
    parts_note_denormal(a, env);
    r.exp += CLAMP(n, -SCALE_MAX, SCALE_MAX);
    return r;
}

/* An integer of few bits as a number. */
static Parts parts_small_int(int n)
{
    U128 magnitude = n < 0 ? -n : n;
    return n ? parts_normalize(n < 0, 127, magnitude) : parts_zero(false);
}

static Parts parts_logb(const Parts *a, SfEnv *env)
{
    if (parts_is_nan(a)) {
        return parts_nan1(a, env);
    }
    if (a->kind == PARTS_INF) {
        return parts_inf(false);
    }
    if (a->kind == PARTS_ZERO) {
        env->flags |= SF_DIV_ZERO;
        return parts_inf(true);
    }
    parts_note_denormal(a, env);
    return parts_small_int(a->exp);
}

#define SF_DEFINE(T, p)                                                        \
    T p##_scalbn(T a, int n, SfEnv *env)                                       \
    {                                                                          \
        Parts pa = p##_unpack(a, env);                                         \
        Parts r = parts_scalbn(&pa, n, env);                                   \
        parts_round(&r, &p##_format, env);                                     \
        return p##_pack(&r);                                                   \
    }                                                                          \
    T p##_logb(T a, SfEnv *env)                                                \
    {                                                                          \
        Parts pa = p##_unpack(a, env);                                         \
        Parts r = parts_logb(&pa, env);                                        \
        parts_round(&r, &p##_format, env);                                     \
        return p##_pack(&r);                                                   \
    }
SF_FORMATS(SF_DEFINE)

Sf80 sf80_xtract(Sf80 a, Sf80 *significand, SfEnv *env)
{
    Parts pa = sf80_unpack(a, env);
    Parts exponent = parts_logb(&pa, env);
    if (parts_is_nan(&pa)) {
        pa = exponent;
    }
    pa.exp = 0;
    *significand = sf80_pack(&pa);
    return sf80_pack(&exponent);
}

/* The integer part of a number that is no NaN, within +-SCALE_MAX. */
static int scale_int(const Parts *b)
{
    if (b->kind == PARTS_ZERO || (b->kind == PARTS_NUMBER && b->exp < 0)) {
        return 0;
    }
    bool huge = b->kind == PARTS_INF || b->exp > 16;
    int n = huge ? SCALE_MAX : (int)(b->sig >> (127 - b->exp));
    return b->sign ? -n : n;
}

/* Infinite scales (SDM vol. 2, FSCALE, table 3-29). */
static Parts scale_by_inf(const Parts *a, const Parts *b, SfEnv *env)
{
    PartsKind bad = b->sign ? PARTS_INF : PARTS_ZERO;
    if (a->kind == bad) {
        return parts_invalid(env);
    }
    parts_note_denormal(a, env);
    return b->sign ? parts_zero(a->sign) : parts_inf(a->sign);
}

Sf80 sf80_scale(Sf80 a, Sf80 b, SfEnv *env)
{
    Parts pa = sf80_unpack(a, env), pb = sf80_unpack(b, env), r;
    SfEnv still = { 0 }; /* by zero, nothing is done: nothing underflows */
    if (parts_any_nan(&pa, &pb)) {
        r = parts_nan2(&pa, &pb, env);
    } else if (pb.kind == PARTS_INF) {
        r = scale_by_inf(&pa, &pb, env);
    } else {
        parts_note_denormal(&pb, env);
        r = parts_scalbn(&pa, scale_int(&pb), env);
    }
    parts_round(&r, &sf80_format, pb.kind == PARTS_ZERO ? &still : env);
    return sf80_pack(&r);
}
