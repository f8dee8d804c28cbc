/*
 * Vectors: sums and differences of integers, averages, signs (SDM vol. 2,
 * PADDB to PSUBUSW, PAVGB, PABSB, PSIGNB, PHADDW to PHSUBSW).
 */
#include "lanes.h"

VEC_U(ADD8, 8, a + b)
VEC_U(ADD16, 16, a + b)
VEC_U(ADD32, 32, a + b)
VEC_U(ADD64, 64, a + b)
VEC_U(SUB8, 8, a - b)
VEC_U(SUB16, 16, a - b)
VEC_U(SUB32, 32, a - b)
VEC_U(SUB64, 64, a - b)
VEC_S(ADDS8, 8, sat_signed(a + b, 8))
VEC_S(ADDS16, 16, sat_signed(a + b, 16))
VEC_S(SUBS8, 8, sat_signed(a - b, 8))
VEC_S(SUBS16, 16, sat_signed(a - b, 16))
VEC_U(ADDU8, 8, sat_unsigned((int64_t)(a + b), 8))
VEC_U(ADDU16, 16, sat_unsigned((int64_t)(a + b), 16))
VEC_U(SUBU8, 8, sat_unsigned((int64_t)(a - b), 8))
VEC_U(SUBU16, 16, sat_unsigned((int64_t)(a - b), 16))

VEC_U(AVG8, 8, (a + b + 1) >> 1)
VEC_U(AVG16, 16, (a + b + 1) >> 1)
VEC_S1(ABS8, 8, a < 0 ? -a : a)
VEC_S1(ABS16, 16, a < 0 ? -a : a)
VEC_S1(ABS32, 32, a < 0 ? -a : a)
VEC_S(SIGN8, 8, b < 0 ? -a : b ? a : 0)
VEC_S(SIGN16, 16, b < 0 ? -a : b ? a : 0)
VEC_S(SIGN32, 32, b < 0 ? -a : b ? a : 0)

/* Of neighbours, a's and then b's. */
#define VEC_PAIRS(NAME, bits, expr)                             \
    static inline int64_t pair_##NAME(int64_t even, int64_t odd) \
    {                                                           \
        return expr;                                            \
    }                                                           \
    VEC_EACH(NAME, bits,                                        \
             pair_##NAME(bits_sext(vec_pair(v, bits, n, 0), bits), \
                         bits_sext(vec_pair(v, bits, n, 1), bits)))
VEC_PAIRS(HADD16, 16, even + odd)
VEC_PAIRS(HADD32, 32, even + odd)
VEC_PAIRS(HADDS16, 16, sat_signed(even + odd, 16))
VEC_PAIRS(HSUB16, 16, even - odd)
VEC_PAIRS(HSUB32, 32, even - odd)
VEC_PAIRS(HSUBS16, 16, sat_signed(even - odd, 16))
