/*
 * Vectors: polynomials over GF(2): carry-less products, and GF(2^8) modulo
 * 11Bh (SDM vol. 2, PCLMULQDQ, GF2P8MULB, GF2P8AFFINEQB).
 */
#include "gf.h"
#include "lanes.h"

void vec_CLMUL(VecArgs *v, SfEnv *env)
{
    uint64_t a = v->a.w[v->imm & 1], b = v->b.w[v->imm >> 4 & 1];
    V128 r = { { b & 1 ? a : 0, 0 } };
    for (unsigned n = 1; n < 64; n++) {
        uint64_t chosen = lane_mask(b >> n & 1);
        r.w[0] ^= a << n & chosen;
        r.w[1] ^= a >> (64 - n) & chosen;
    }
    v->out = r;
}

VEC_U(GFMUL8, 8, gf_multiply((uint8_t)a, (uint8_t)b))

/* Each bit of the result is the parity of the byte and a row of the matrix, the
 * row of bit 0 being its top byte; then imm is added. */
static uint8_t gf_affine(uint8_t x, uint64_t matrix, uint8_t imm)
{
    uint8_t r = 0;
    for (unsigned bit = 0; bit < 8; bit++) {
        uint8_t row = (uint8_t)(matrix >> (7 - bit) * 8);
        r |= (uint8_t)(__builtin_parity(row & x) << bit);
    }
    return r ^ imm;
}

VEC_EACH(GFAFFINE, 8,
         gf_affine(vec_u8(&v->a, n), v->b.w[n / 8], (uint8_t)v->imm))
VEC_EACH(GFAFFINEINV, 8,
         gf_affine(gf_inverse(vec_u8(&v->a, n)), v->b.w[n / 8],
                   (uint8_t)v->imm))
