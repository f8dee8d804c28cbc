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

/* Ends step n of an operation that has several, each with its own exceptions;
 * false if an unmasked one stops it there, or it was the last one wanted. */
static bool fp_step(const VecArgs *v, SfEnv *env, SfEnv *e, unsigned n)
{
    bool stopped = (e->flags & e->unmasked) || v->imm >> VEC_STEPS_SHIFT == n;
    fp_end(env, e);
    e->flags = 0;
    return !stopped;
}

/* DPPS: the products that imm's bits 4..7 ask for, the sums of the lower two
 * and of the upper two, their sum; the lanes of bits 0..3 get it. Which NaN
 * they get the manual leaves open: here, the one of Intel's processors, that
 * add in each lane in another order. */
void vec_FDP32(VecArgs *v, SfEnv *env)
{
    SfEnv e = fp_begin(env);
    Sf32 p[4], pair[4];
    for (unsigned n = 0; n < 4; n++) {
        bool wanted = v->imm >> (4 + n) & 1;
        p[n] = wanted ? sf32_mul(FP_A(32, n), FP_B(32, n), &e) : 0;
    }
    bool going = fp_step(v, env, &e, 1);
    for (unsigned n = 0; n < 4 && going; n++) {
        pair[n] = sf32_add(p[n ^ 1], p[n], &e);
    }
    going = going && fp_step(v, env, &e, 2);
    V128 r = { { 0, 0 } };
    for (unsigned n = 0; n < 4 && going; n++) {
        Sf32 sum = sf32_add(pair[n], pair[n ^ 2], &e);
        vec_set_lane(&r, 32, n, v->imm >> n & 1 ? sum : 0);
    }
    v->out = r;
    fp_end(env, &e);
}

void vec_FDP64(VecArgs *v, SfEnv *env)
{
    SfEnv e = fp_begin(env);
    Sf64 p[2];
    for (unsigned n = 0; n < 2; n++) {
        bool wanted = v->imm >> (4 + n) & 1;
        p[n] = wanted ? sf64_mul(v->a.w[n], v->b.w[n], &e) : 0;
    }
    bool going = fp_step(v, env, &e, 1);
    V128 r = { { 0, 0 } };
    for (unsigned n = 0; n < 2 && going; n++) {
        Sf64 sum = sf64_add(p[n], p[n ^ 1], &e);
        r.w[n] = v->imm >> n & 1 ? sum : 0;
    }
    v->out = r;
    fp_end(env, &e);
}
