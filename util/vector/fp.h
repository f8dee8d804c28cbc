/*
 * What the floating-point rows are written with. Each operation runs with
 * flags of its own, so that they can be told as a processor tells those of a
 * packed instruction: of all lanes together (SDM vol. 1, 11.5.3).
 */
#ifndef VECTOR_FP_H
#define VECTOR_FP_H

#include "lanes.h"

/* The environment of one operation: as env, with no flags yet. */
static inline SfEnv fp_begin(const SfEnv *env)
{
    SfEnv e = *env;
    e.flags = 0;
    return e;
}

static inline void fp_end(SfEnv *env, const SfEnv *e)
{
    env->flags |= sf_flags_told(e);
}

/* Names of the formats by their width. */
#define SF_32(op) sf32_##op
#define SF_64(op) sf64_##op

/* A row whose result is `expr` in each lane n, e being the environment. */
#define VEC_F(NAME, bits, expr)                                 \
    void vec_##NAME(VecArgs *v, SfEnv *env)                     \
    {                                                           \
        SfEnv e = fp_begin(env);                                \
        V128 r = { { 0, 0 } };                                  \
        for (unsigned n = 0; n < 128 / (bits); n++) {           \
            vec_set_lane(&r, bits, n, expr);                    \
        }                                                       \
        v->out = r;                                             \
        fp_end(env, &e);                                        \
    }

/* One whose result is a with lane 0 = expr. */
#define VEC_FS(NAME, bits, expr)                                \
    void vec_##NAME(VecArgs *v, SfEnv *env)                     \
    {                                                           \
        SfEnv e = fp_begin(env);                                \
        V128 r = v->a;                                          \
        vec_set_lane(&r, bits, 0, expr);                        \
        v->out = r;                                             \
        fp_end(env, &e);                                        \
    }

/* One whose result is an integer. */
#define VEC_FI(NAME, expr)                                      \
    void vec_##NAME(VecArgs *v, SfEnv *env)                     \
    {                                                           \
        SfEnv e = fp_begin(env);                                \
        v->r = expr;                                            \
        fp_end(env, &e);                                        \
    }

/* Lanes of that width. */
#define FP_A(bits, n) ((uint##bits##_t)vec_lane(&v->a, bits, n))
#define FP_B(bits, n) ((uint##bits##_t)vec_lane(&v->b, bits, n))
#define FP_C(bits, n) ((uint##bits##_t)vec_lane(&v->c, bits, n))

#endif
