/*
 * Vectors: lanes that become narrower or wider (SDM vol. 2, PACKSSWB, PMOVSXBW,
 * PMOVZXBW).
 */
#include "lanes.h"

/* Lane n, signed and twice as wide, of a and then b. */
static inline int64_t wide_lane(const VecArgs *v, unsigned bits, unsigned n)
{
    unsigned lanes = 128 / bits;
    return vec_signed(n < lanes ? &v->a : &v->b, bits, n % lanes);
}
VEC_EACH(PACKS16, 8, sat_signed(wide_lane(v, 16, n), 8))
VEC_EACH(PACKS32, 16, sat_signed(wide_lane(v, 32, n), 16))
VEC_EACH(PACKU16, 8, sat_unsigned(wide_lane(v, 16, n), 8))
VEC_EACH(PACKU32, 16, sat_unsigned(wide_lane(v, 32, n), 16))

#define VEC_EXTEND(from, to)                                    \
    VEC_EACH(SEXT##from##TO##to, to, vec_signed(&v->a, from, n)) \
    VEC_EACH(ZEXT##from##TO##to, to, vec_lane(&v->a, from, n))
VEC_EXTEND(8, 16)
VEC_EXTEND(8, 32)
VEC_EXTEND(8, 64)
VEC_EXTEND(16, 32)
VEC_EXTEND(16, 64)
VEC_EXTEND(32, 64)
