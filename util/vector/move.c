/*
 * Vectors: moves of single lanes between vectors, and to and from integers (SDM
 * vol. 2, MOVSS, MOVQ, PINSRB, PEXTRB, PMOVMSKB).
 */
#include "lanes.h"

VEC_EACH(MOVLO64, 64, (n ? v->a : v->b).w[n])
VEC_EACH(MOVLO32, 32, vec_u32(n ? &v->a : &v->b, n))
VEC_EACH(ZLO64, 64, n ? 0 : v->a.w[0])
VEC_EACH(ZLO32, 32, n ? 0 : vec_u32(&v->a, 0))
VEC_EACH(FROM32, 32, n ? 0 : v->x)
VEC_EACH(FROM64, 64, n ? 0 : v->x)

#define VEC_ONE_LANE(bits)                                              \
    void vec_INS##bits(VecArgs *v, SfEnv *env)                          \
    {                                                                   \
        v->out = v->a;                                                  \
        vec_set_lane(&v->out, bits, v->imm % (128 / bits), v->x);       \
    }                                                                   \
    void vec_EXT##bits(VecArgs *v, SfEnv *env)                          \
    {                                                                   \
        v->r = vec_lane(&v->a, bits, v->imm % (128 / bits));            \
    }
VEC_ONE_LANE(8)
VEC_ONE_LANE(16)
VEC_ONE_LANE(32)
VEC_ONE_LANE(64)

/* The top bits of all lanes, side by side. */
static inline uint64_t top_bits(const V128 *v, unsigned bits)
{
    uint64_t r = 0;
    for (unsigned n = 0; n < 128 / bits; n++) {
        r |= vec_lane(v, bits, n) >> (bits - 1) << n;
    }
    return r;
}

void vec_MASK8(VecArgs *v, SfEnv *env)
{
    v->r = top_bits(&v->a, 8);
}

void vec_MASK32(VecArgs *v, SfEnv *env)
{
    v->r = top_bits(&v->a, 32);
}

void vec_MASK64(VecArgs *v, SfEnv *env)
{
    v->r = top_bits(&v->a, 64);
}
