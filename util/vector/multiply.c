/*
 * Vectors: products of integers, sums of products and of distances (SDM vol. 2,
 * PMULLW to PMADDUBSW, PSADBW, MPSADBW).
 */
#include "lanes.h"

VEC_U(MUL16, 16, (a * b))
VEC_U(MUL32, 32, (a * b))
VEC_S(MULH16, 16, (a * b) >> 16)
VEC_U(MULHU16, 16, (a * b) >> 16)
VEC_S(MULHR16, 16, ((a * b >> 14) + 1) >> 1)
VEC_S(MULE32, 64, (int64_t)(int32_t)a * (int32_t)b)
VEC_U(MULEU32, 64, (a & UINT32_MAX) * (b & UINT32_MAX))

static inline int64_t product_s16(const VecArgs *v, unsigned n)
{
    return vec_signed(&v->a, 16, n) * vec_signed(&v->b, 16, n);
}
VEC_EACH(MADD16, 32, product_s16(v, 2 * n) + product_s16(v, 2 * n + 1))

/* a's byte is unsigned, b's signed. */
static inline int64_t product_us8(const VecArgs *v, unsigned n)
{
    return (int64_t)vec_u8(&v->a, n) * vec_signed(&v->b, 8, n);
}
VEC_EACH(MADDU8, 16,
         sat_signed(product_us8(v, 2 * n) + product_us8(v, 2 * n + 1), 16))

/* The sum of |a[i + k] - b[j + k]| of `count` bytes. */
static inline unsigned distance8(const VecArgs *v, unsigned i, unsigned j,
                                 unsigned count)
{
    unsigned sum = 0;
    for (unsigned k = 0; k < count; k++) {
        sum += abs(vec_u8(&v->a, i + k) - vec_u8(&v->b, j + k));
    }
    return sum;
}
VEC_EACH(SAD8, 64, distance8(v, 8 * n, 8 * n, 8))
VEC_EACH(MPSAD8, 16,
         distance8(v, (v->imm >> 2 & 1) * 4 + n, (v->imm & 3) * 4, 4))
