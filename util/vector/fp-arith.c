/*
 * Vectors: arithmetic of floating point (SDM vol. 2, ADDPS to SQRTSD, ADDSUBPS,
 * HADDPS, DPPS, RCPPS).
 */
#include "fp.h"

#define VEC_FP2(NAME, op, ...)                                               \
    VEC_F(NAME##32, 32, sf32_##op(FP_A(32, n), FP_B(32, n), __VA_ARGS__))    \
    VEC_F(NAME##64, 64, sf64_##op(FP_A(64, n), FP_B(64, n), __VA_ARGS__))    \
    VEC_FS(NAME##32S, 32, sf32_##op(FP_A(32, 0), FP_B(32, 0), __VA_ARGS__))  \
    VEC_FS(NAME##64S, 64, sf64_##op(FP_A(64, 0), FP_B(64, 0), __VA_ARGS__))
VEC_FP2(FADD, add, &e)
VEC_FP2(FSUB, sub, &e)
VEC_FP2(FMUL, mul, &e)
VEC_FP2(FDIV, div, &e)
VEC_FP2(FMIN, min, SF_MM_X86, &e)
VEC_FP2(FMAX, max, SF_MM_X86, &e)

VEC_F(FSQRT32, 32, sf32_sqrt(FP_A(32, n), &e))
VEC_F(FSQRT64, 64, sf64_sqrt(FP_A(64, n), &e))
VEC_FS(FSQRT32S, 32, sf32_sqrt(FP_B(32, 0), &e))
VEC_FS(FSQRT64S, 64, sf64_sqrt(FP_B(64, 0), &e))
VEC_EACH(FRCP32, 32, sf32_rcp_estimate(vec_u32(&v->a, n)))
VEC_EACH(FRSQRT32, 32, sf32_rsqrt_estimate(vec_u32(&v->a, n)))
VEC_EACH(FRCP32S, 32,
         n ? vec_u32(&v->a, n) : sf32_rcp_estimate(vec_u32(&v->b, 0)))
VEC_EACH(FRSQRT32S, 32,
         n ? vec_u32(&v->a, n) : sf32_rsqrt_estimate(vec_u32(&v->b, 0)))

VEC_F(FADDSUB32, 32,
      (n & 1 ? sf32_add : sf32_sub)(FP_A(32, n), FP_B(32, n), &e))
VEC_F(FADDSUB64, 64,
      (n & 1 ? sf64_add : sf64_sub)(FP_A(64, n), FP_B(64, n), &e))

#define VEC_FP_PAIRS(NAME, bits, op)                                    \
    VEC_F(NAME##bits, bits, sf##bits##_##op(                            \
        (uint##bits##_t)vec_pair(v, bits, n, 0),                       \
        (uint##bits##_t)vec_pair(v, bits, n, 1), &e))
VEC_FP_PAIRS(FHADD, 32, add)
VEC_FP_PAIRS(FHADD, 64, add)
VEC_FP_PAIRS(FHSUB, 32, sub)
VEC_FP_PAIRS(FHSUB, 64, sub)

/* Whether an unmasked exception has stopped an operation of several steps. */
static bool fp_stopped(const SfEnv *e)
{
    return e->flags & e->unmasked;
}

/* DPPS: the products that imm's bits 4..7 ask for, the sum of the lower two, of
 * the upper two, and of both; the lanes of bits 0..3 get it. */
static Sf32 dot_product32(const VecArgs *v, SfEnv *e)
{
    Sf32 p[4];
    for (unsigned n = 0; n < 4; n++) {
        p[n] = v->imm & 0x10u << n ? sf32_mul(FP_A(32, n), FP_B(32, n), e) : 0;
    }
    if (fp_stopped(e)) {
        return 0;
    }
    Sf32 low = sf32_add(p[0], p[1], e), high = sf32_add(p[2], p[3], e);
    return fp_stopped(e) ? 0 : sf32_add(low, high, e);
}

void vec_FDP32(VecArgs *v, SfEnv *env)
{
    SfEnv e = fp_begin(env);
    Sf32 sum = dot_product32(v, &e);
    V128 r = { { 0, 0 } };
    for (unsigned n = 0; n < 4; n++) {
        vec_set_lane(&r, 32, n, v->imm >> n & 1 ? sum : 0);
    }
    v->out = r;
    fp_end(env, &e);
}

static Sf64 dot_product64(const VecArgs *v, SfEnv *e)
{
    Sf64 low = v->imm & 0x10 ? sf64_mul(v->a.w[0], v->b.w[0], e) : 0;
    Sf64 high = v->imm & 0x20 ? sf64_mul(v->a.w[1], v->b.w[1], e) : 0;
    return fp_stopped(e) ? 0 : sf64_add(low, high, e);
}

void vec_FDP64(VecArgs *v, SfEnv *env)
{
    SfEnv e = fp_begin(env);
    Sf64 sum = dot_product64(v, &e);
    v->out.w[0] = v->imm & 1 ? sum : 0;
    v->out.w[1] = v->imm & 2 ? sum : 0;
    fp_end(env, &e);
}
