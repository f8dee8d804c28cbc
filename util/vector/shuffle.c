/*
 * Vectors: lanes that change places (SDM vol. 2, PSHUFB, PSHUFD, PSHUFLW,
 * SHUFPS, VPERMILPS, VPERMD, INSERTPS), are interleaved, chosen or repeated
 * (PUNPCKLBW, PBLENDW, PBLENDVB, VPBROADCASTB, MOVSLDUP).
 */
#include "lanes.h"

VEC_EACH(SHUF8, 8,
         vec_u8(&v->b, n) & 0x80 ? 0 : vec_u8(&v->a, vec_u8(&v->b, n) & 15))

/* Field n of two bits of the immediate. */
static inline unsigned imm_lane(const VecArgs *v, unsigned n)
{
    return v->imm >> (n % 4 * 2) & 3;
}
VEC_EACH(SHUF32, 32, vec_u32(&v->a, imm_lane(v, n)))
VEC_EACH(SHUFLO16, 16, vec_u16(&v->a, n < 4 ? imm_lane(v, n) : n))
VEC_EACH(SHUFHI16, 16, vec_u16(&v->a, n < 4 ? n : 4 + imm_lane(v, n)))
VEC_EACH(SHUF2X32, 32, vec_u32(n < 2 ? &v->a : &v->b, imm_lane(v, n)))
VEC_EACH(SHUF2X64, 64, (n ? v->b : v->a).w[v->imm >> n & 1])
VEC_EACH(PERM32E, 32, vec_u32(&v->a, vec_u32(&v->b, n) & 3))
VEC_EACH(PERM64E, 64, v->a.w[v->b.w[n] >> 1 & 1])

static inline uint32_t lane_of_eight(const VecArgs *v, unsigned n)
{
    return vec_u32(n & 4 ? &v->b : &v->a, n & 3);
}
VEC_EACH(PERM8X32, 32, lane_of_eight(v, vec_u32(&v->c, n)))

/* Lane n of a and b interleaved from lane `from` on. */
static inline uint64_t unpack_lane(const VecArgs *v, unsigned bits, unsigned n,
                                   unsigned from)
{
    return vec_lane(n & 1 ? &v->b : &v->a, bits, from + n / 2);
}
#define VEC_UNPACK(bits)                                        \
    VEC_EACH(UNPKLO##bits, bits, unpack_lane(v, bits, n, 0))    \
    VEC_EACH(UNPKHI##bits, bits, unpack_lane(v, bits, n, 64 / bits))
VEC_UNPACK(8)
VEC_UNPACK(16)
VEC_UNPACK(32)
VEC_UNPACK(64)

#define VEC_BLEND(bits) \
    VEC_EACH(BLEND##bits, bits, \
             vec_lane(v->imm >> n & 1 ? &v->b : &v->a, bits, n))
VEC_BLEND(16)
VEC_BLEND(32)
VEC_BLEND(64)

#define VEC_BLEND_BY(bits)                                              \
    VEC_EACH(BLENDV##bits, bits,                                        \
             vec_lane(vec_signed(&v->c, bits, n) < 0 ? &v->b : &v->a,   \
                      bits, n))
VEC_BLEND_BY(8)
VEC_BLEND_BY(32)
VEC_BLEND_BY(64)

VEC_EACH(BCAST8, 8, vec_u8(&v->a, 0))
VEC_EACH(BCAST16, 16, vec_u16(&v->a, 0))
VEC_EACH(BCAST32, 32, vec_u32(&v->a, 0))
VEC_EACH(BCAST64, 64, v->a.w[0])
VEC_EACH(DUPEVEN32, 32, vec_u32(&v->a, n & ~1u))
VEC_EACH(DUPODD32, 32, vec_u32(&v->a, n | 1))

/* imm: ZMASK at bits 0..3, where to at 4, 5, from where at 6, 7. */
void vec_INSERTPS(VecArgs *v, SfEnv *env)
{
    V128 r = v->a;
    vec_set_lane(&r, 32, v->imm >> 4 & 3, vec_u32(&v->b, v->imm >> 6 & 3));
    for (unsigned n = 0; n < 4; n++) {
        if (v->imm >> n & 1) {
            vec_set_lane(&r, 32, n, 0);
        }
    }
    v->out = r;
}
