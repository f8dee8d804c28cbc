/*
 * Multiplication (IEEE 754-2019, 5.4.1).
 */
#include "formats.h"

static Parts mul_numbers(const Parts *a, const Parts *b, bool sign)
{
    U128 high;
    if (!(uint64_t)a->sig && !(uint64_t)b->sig) {
        high = (U128)u128_hi(a->sig) * u128_hi(b->sig);
    } else {
        U256 all = u128_mul(a->sig, b->sig);
        high = all.hi | (all.lo != 0);
    }
    int32_t exp = a->exp + b->exp;
    if (high & U128_TOP) {
        return parts_number(sign, exp + 1, high);
    }
    return parts_number(sign, exp, high << 1);
}

Parts parts_mul(const Parts *a, const Parts *b, SfEnv *env)
{
    if (parts_any_nan(a, b)) {
        return parts_nan2(a, b, env);
    }
    bool sign = a->sign ^ b->sign;
    bool inf = a->kind == PARTS_INF || b->kind == PARTS_INF;
    bool zero = a->kind == PARTS_ZERO || b->kind == PARTS_ZERO;
    if (inf && zero) {
        return parts_invalid(env);
    }
    parts_note_denormal(a, env);
    parts_note_denormal(b, env);
    if (inf) {
        return parts_inf(sign);
    }
    return zero ? parts_zero(sign) : mul_numbers(a, b, sign);
}

#define SF_DEFINE(T, p)                                                        \
    T p##_mul(T a, T b, SfEnv *env)                                            \
    {                                                                          \
        Parts pa = p##_unpack(a, env), pb = p##_unpack(b, env);                \
        Parts r = parts_mul(&pa, &pb, env);                                    \
        parts_round_pc(&r, &p##_format, env);                                  \
        return p##_pack(&r);                                                   \
    }
SF_FORMATS(SF_DEFINE)
