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

VEC_U(GFMUL8, 64, gf_multiply(a, b))

/* Of each byte: bit n of the result is the parity of the byte and of a row of
 * the matrix, the row of bit 0 being its top byte; then imm is added. */
static uint64_t gf_affine(uint64_t v, uint64_t matrix, uint32_t imm)
{
    const uint64_t low_bits = UINT64_C(0x0101010101010101);
    uint64_t r = 0;
    for (unsigned bit = 0; bit < 8; bit++) {
        uint64_t row = matrix >> (7 - bit) * 8 & 0xff;
        uint64_t p = v & row * low_bits;
        p ^= p >> 4; /* only the lowest bit of a byte is its own in the end */
        p ^= p >> 2;
        p ^= p >> 1;
        r |= (p & low_bits) << bit;
    }
    return r ^ (imm & 0xff) * low_bits;
}

VEC_EACH(GFAFFINE, 64, gf_affine(v->a.w[n], v->b.w[n], v->imm))
VEC_EACH(GFAFFINEINV, 64,
         gf_affine(gf_inverse(v->a.w[n]), v->b.w[n], v->imm))
