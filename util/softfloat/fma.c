/*
 * Fused multiply-add (IEEE 754-2019, 5.4.1): the product is exact in 256 bits,
 * the sum is rounded once.
 */
#include "formats.h"

/* A number as v / 2^255 * 2^exp, bit 255 of v set. */
typedef struct Fused {
    U256 v;
    int32_t exp;
    bool sign;
} Fused;

static Fused fused_product(const Parts *a, const Parts *b, bool sign)
{
    Fused r = { u128_mul(a->sig, b->sig), a->exp + b->exp + 1, sign };
    if (!(r.v.hi & U128_TOP)) {
        r.v = u256_shl(r.v, 1);
        r.exp--;
    }
    return r;
}

static Parts fused_parts(Fused r)
{
    int n = u256_clz(r.v);
    r.v = u256_shl(r.v, n);
    return parts_number(r.sign, r.exp - n, r.v.hi | (r.v.lo != 0));
}

static bool fused_less(const Fused *a, const Fused *b)
{
    return a->exp != b->exp ? a->exp < b->exp : u256_less(a->v, b->v);
}

/* As in add.c, with twice the width. */
static Parts fused_add(const Fused *a, const Fused *b, const SfEnv *env)
{
    bool less = fused_less(a, b);
    Fused big = less ? *b : *a, small = less ? *a : *b;
    unsigned distance = MIN(big.exp - small.exp, 400);
    if (a->sign != b->sign) {
        big.v = u256_sub(big.v, u256_shr_jam(small.v, distance));
        bool zero = u256_is_zero(big.v);
        return zero ? parts_zero(env->rounding == SF_DOWN) : fused_parts(big);
    }
    big.v =
        u256_add(u256_shr_jam(big.v, 1), u256_shr_jam(small.v, distance + 1));
    big.exp++;
    return fused_parts(big);
}

/* x86 lets a quiet NaN win over 0 * inf silently (SDM vol. 1, 14.5.3); Arm
 * (FPMulAdd) and RISC-V ("F", 11.6) call it invalid. */
static Parts fma_nan(const Parts *a, const Parts *b, const Parts *c, SfEnv *env)
{
    bool product_bad = !parts_any_nan(a, b) &&
                       (a->kind == PARTS_INF || b->kind == PARTS_INF) &&
                       (a->kind == PARTS_ZERO || b->kind == PARTS_ZERO);
    bool x86 = env->nan_rule == SF_NAN_SSE || env->nan_rule == SF_NAN_X87;
    if (product_bad && !x86 && c->kind == PARTS_QNAN) {
        return parts_invalid(env);
    }
    return parts_nan3(a, b, c, env);
}

/* No NaNs, c already negated if it must be. */
static Parts fma_sum(const Parts *a, const Parts *b, const Parts *c, bool sign,
                     SfEnv *env)
{
    if (a->kind == PARTS_NUMBER && b->kind == PARTS_NUMBER &&
        c->kind == PARTS_NUMBER) {
        Fused product = fused_product(a, b, sign);
        Fused addend = { { c->sig, 0 }, c->exp, c->sign };
        return fused_add(&product, &addend, env);
    }
    SfEnv quiet = *env;
    Parts product = parts_mul(a, b, &quiet);
    if (product.kind == PARTS_QNAN) {
        return parts_invalid(env);
    }
    product.sign = sign;
    if (product.kind == PARTS_NUMBER && c->kind == PARTS_ZERO) {
        return fused_parts(fused_product(a, b, sign));
    }
    quiet.flags = 0; /* a denormal counts as an operand, not here */
    Parts sum = parts_add(&product, c, false, &quiet);
    env->flags |= quiet.flags & SF_INVALID;
    return sum;
}

static Parts parts_fma(const Parts *a, const Parts *b, const Parts *c,
                       unsigned how, SfEnv *env)
{
    if (parts_any_nan(a, b) || parts_is_nan(c)) {
        return fma_nan(a, b, c, env);
    }
    bool sign = a->sign ^ b->sign ^ !!(how & SF_FMA_NEG_PRODUCT);
    Parts addend = *c;
    addend.sign ^= !!(how & SF_FMA_NEG_ADDEND);
    Parts r = fma_sum(a, b, &addend, sign, env);
    if (r.kind != PARTS_QNAN) {
        parts_note_denormal(a, env);
        parts_note_denormal(b, env);
        parts_note_denormal(c, env);
    }
    return r;
}

#define SF_DEFINE(T, p)                                                        \
    T p##_fma(T a, T b, T c, unsigned how, SfEnv *env)                         \
    {                                                                          \
        Parts pa = p##_unpack(a, env), pb = p##_unpack(b, env);                \
        Parts pc = p##_unpack(c, env);                                         \
        Parts r = parts_fma(&pa, &pb, &pc, how, env);                          \
        parts_round(&r, &p##_format, env);                                     \
        r.sign ^= !parts_is_nan(&r) && (how & SF_FMA_NEG_RESULT);              \
        return p##_pack(&r);                                                   \
    }
SF_FORMATS(SF_DEFINE)
