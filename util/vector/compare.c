/*
 * Vectors: minimum, maximum and comparison of integers (SDM vol. 2, PMINSB,
 * PCMPEQB, PCMPGTB, PHMINPOSUW).
 */
#include "lanes.h"

VEC_S(MINS8, 8, MIN(a, b))
VEC_S(MINS16, 16, MIN(a, b))
VEC_S(MINS32, 32, MIN(a, b))
VEC_U(MINU8, 8, MIN(a, b))
VEC_U(MINU16, 16, MIN(a, b))
VEC_U(MINU32, 32, MIN(a, b))
VEC_S(MAXS8, 8, MAX(a, b))
VEC_S(MAXS16, 16, MAX(a, b))
VEC_S(MAXS32, 32, MAX(a, b))
VEC_U(MAXU8, 8, MAX(a, b))
VEC_U(MAXU16, 16, MAX(a, b))
VEC_U(MAXU32, 32, MAX(a, b))

VEC_U(CMPEQ8, 8, lane_mask(a == b))
VEC_U(CMPEQ16, 16, lane_mask(a == b))
VEC_U(CMPEQ32, 32, lane_mask(a == b))
VEC_U(CMPEQ64, 64, lane_mask(a == b))
VEC_S(CMPGT8, 8, lane_mask(a > b))
VEC_S(CMPGT16, 16, lane_mask(a > b))
VEC_S(CMPGT32, 32, lane_mask(a > b))
VEC_S(CMPGT64, 64, lane_mask(a > b))

void vec_HMINPOS16(VecArgs *v, SfEnv *env)
{
    unsigned least = 0;
    for (unsigned n = 1; n < 8; n++) {
        least = vec_u16(&v->a, n) < vec_u16(&v->a, least) ? n : least;
    }
    v->out = (V128){ { vec_u16(&v->a, least) | least << 16, 0 } };
}
