/*
 * Addition and subtraction (IEEE 754-2019, 5.4.1).
 */
#include "formats.h"

/* |a| + |b|, both numbers, a's exponent not the smaller. One bit is given up
 * below for the carry above; what is lost there is sticky. */
static Parts add_magnitudes(const Parts *a, const Parts *b)
{
    unsigned distance = a->exp - b->exp;
    U128 sum =
        u128_shr_jam(a->sig, 1) + u128_shr_jam(b->sig, MIN(distance, 200) + 1);
    if (sum & U128_TOP) {
        return parts_number(a->sign, a->exp + 1, sum);
    }
    return parts_number(a->sign, a->exp, sum << 1);
}

/* |a| - |b|, |a| > |b|, with a's sign. A sticky bit in b only matters when it
 * was shifted by two or more, and then the difference loses at most one bit
 * on top: it stays below what rounding looks at. */
static Parts sub_magnitudes(const Parts *a, const Parts *b)
{
    unsigned distance = a->exp - b->exp;
    U128 rest = a->sig - u128_shr_jam(b->sig, MIN(distance, 200));
    return parts_normalize(a->sign, a->exp, rest);
}

static Parts add_numbers(const Parts *a, const Parts *b, const SfEnv *env)
{
    bool less = a->exp != b->exp ? a->exp < b->exp : a->sig < b->sig;
    const Parts *big = less ? b : a, *small = less ? a : b;
    if (a->sign == b->sign) {
        return add_magnitudes(big, small);
    }
    if (a->exp == b->exp && a->sig == b->sig) {
        return parts_zero(env->rounding == SF_DOWN);
    }
    return sub_magnitudes(big, small);
}

/* One of them, at least, is a zero or an infinity. */
static Parts add_special(const Parts *a, const Parts *b, SfEnv *env)
{
    if (a->kind == PARTS_INF && b->kind == PARTS_INF) {
        return a->sign == b->sign ? *a : parts_invalid(env);
    }
    if (a->kind == PARTS_ZERO && b->kind == PARTS_ZERO) {
        bool down = env->rounding == SF_DOWN;
        return parts_zero(a->sign == b->sign ? a->sign : down);
    }
    return a->kind == PARTS_INF || b->kind == PARTS_ZERO ? *a : *b;
}

Parts parts_add(const Parts *a, const Parts *b, bool subtract, SfEnv *env)
{
    if (parts_any_nan(a, b)) {
        return parts_nan2(a, b, env);
    }
    parts_note_denormal(a, env);
    parts_note_denormal(b, env);
    Parts c = *b;
    c.sign ^= subtract;
    if (a->kind != PARTS_NUMBER || b->kind != PARTS_NUMBER) {
        return add_special(a, &c, env);
    }
    return add_numbers(a, &c, env);
}

#define SF_DEFINE(T, p)                                                        \
    T p##_add(T a, T b, SfEnv *env)                                            \
    {                                                                          \
        Parts pa = p##_unpack(a, env), pb = p##_unpack(b, env);                \
        Parts r = parts_add(&pa, &pb, false, env);                             \
        parts_round_pc(&r, &p##_format, env);                                  \
        return p##_pack(&r);                                                   \
    }                                                                          \
    T p##_sub(T a, T b, SfEnv *env)                                            \
    {                                                                          \
        Parts pa = p##_unpack(a, env), pb = p##_unpack(b, env);                \
        Parts r = parts_add(&pa, &pb, true, env);                              \
        parts_round_pc(&r, &p##_format, env);                                  \
        return p##_pack(&r);                                                   \
    }
SF_FORMATS(SF_DEFINE)
