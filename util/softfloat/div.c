/*
 * Division (IEEE 754-2019, 5.4.1).
 */
#include "formats.h"

/* n / d, as 2^128 * n / d rounded down with a sticky last bit; n < d. */
static U128 divide_by_64(U128 n, uint64_t d)
{
    uint64_t q1 = (uint64_t)(n / d);
    U128 rest = n - (U128)q1 * d;
    if (!rest) {
        return (U128)q1 << 64;
    }
    U128 n0 = rest << 64;
    uint64_t q0 = (uint64_t)(n0 / d);
    rest = n0 - (U128)q0 * d;
    return u128_make(q1, q0) | (rest != 0);
}

/* The same for a wide divisor, bit by bit: a quotient of 126 bits, that is
 * 2^127 * n / d; n < d. */
static U128 divide_by_128(U128 n, U128 d)
{
    U128 quotient = 0;
    for (int i = 0; i < 127; i++) {
        bool carry = n & U128_TOP;
        n <<= 1;
        quotient <<= 1;
        if (carry || n >= d) {
            n -= d;
            quotient |= 1;
        }
    }
    return quotient | (n != 0);
}

static Parts div_numbers(const Parts *a, const Parts *b, bool sign)
{
    int32_t exp = a->exp - b->exp;
    if (!(uint64_t)b->sig && !(uint64_t)a->sig) {
        /* n * 2^64 / d with n < d * 2^63: the first digit fits. */
        U128 q = divide_by_64(a->sig >> 1, u128_hi(b->sig));
        return parts_normalize(sign, exp, q);
    }
    return parts_normalize(sign, exp + 1, divide_by_128(a->sig >> 1, b->sig));
}

Parts parts_div(const Parts *a, const Parts *b, SfEnv *env)
{
    if (parts_any_nan(a, b)) {
        return parts_nan2(a, b, env);
    }
    bool sign = a->sign ^ b->sign;
    if (a->kind == b->kind && a->kind != PARTS_NUMBER) {
        return parts_invalid(env); /* 0 / 0, inf / inf */
    }
    if (b->kind == PARTS_ZERO && a->kind == PARTS_NUMBER) {
        env->flags |= SF_DIV_ZERO; /* and no denormal operand is told of */
        return parts_inf(sign);
    }
    parts_note_denormal(a, env);
    parts_note_denormal(b, env);
    if (a->kind == PARTS_INF || b->kind == PARTS_ZERO) {
        return parts_inf(sign);
    }
    if (a->kind == PARTS_ZERO || b->kind == PARTS_INF) {
        return parts_zero(sign);
    }
    return div_numbers(a, b, sign);
}

#define SF_DEFINE(T, p)                                                        \
    T p##_div(T a, T b, SfEnv *env)                                            \
    {                                                                          \
        Parts pa = p##_unpack(a, env), pb = p##_unpack(b, env);                \
        Parts r = parts_div(&pa, &pb, env);                                    \
        parts_round_pc(&r, &p##_format, env);                                  \
        return p##_pack(&r);                                                   \
    }
SF_FORMATS(SF_DEFINE)
