/*
 * Vectors: fused multiply-add (SDM vol. 2, VFMADD132PS to VFNMSUB231SD).
 */
#include "fp.h"

enum {
    FMA_HOW = 7,             /* SF_FMA_* */
    FMA_EVEN_SUBTRACTS = 16, /* lanes 0, 2 ... subtract c */
    FMA_ODD_SUBTRACTS = 32,
};

/* SF_FMA_* of lane n. */
static inline unsigned fma_how(uint32_t imm, unsigned n)
{
    bool subtracts = imm & (n & 1 ? FMA_ODD_SUBTRACTS : FMA_EVEN_SUBTRACTS);
    return (imm & FMA_HOW) ^ (subtracts ? SF_FMA_NEG_ADDEND : 0);
}

/* The vector whose upper lanes a scalar form keeps. */
static inline const V128 *fma_kept(const VecArgs *v)
{
    unsigned which = v->imm >> 6 & 3;
    return which == 1 ? &v->b : which == 2 ? &v->c : &v->a;
}

#define VEC_FMA(bits)                                                       \
    VEC_F(FMA##bits, bits,                                                  \
          sf##bits##_fma(FP_A(bits, n), FP_B(bits, n), FP_C(bits, n),       \
                         fma_how(v->imm, n), &e))                           \
    void vec_FMA##bits##S(VecArgs *v, SfEnv *env)                           \
    {                                                                       \
        SfEnv e = fp_begin(env);                                            \
        V128 r = *fma_kept(v);                                              \
        vec_set_lane(&r, bits, 0,                                           \
                     sf##bits##_fma(FP_A(bits, 0), FP_B(bits, 0),           \
                                    FP_C(bits, 0), v->imm & FMA_HOW, &e));  \
        v->out = r;                                                         \
        fp_end(env, &e);                                                    \
    }
VEC_FMA(32)
VEC_FMA(64)
