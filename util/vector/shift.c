/*
 * Vectors: shifts of lanes by one count or by many, and of the whole by bytes
 * (SDM vol. 2, PSLLW, PSRLW, PSRAW, VPSLLVD, PSLLDQ, PALIGNR).
 */
#include "lanes.h"

/* Counts may have 64 bits: from the width on, only zeroes or the sign stay. */
static inline uint64_t shift_left(uint64_t a, unsigned bits, uint64_t count)
{
    return count < bits ? a << count : 0;
}

static inline uint64_t shift_right(uint64_t a, unsigned bits, uint64_t count)
{
    return count < bits ? a >> count : 0;
}

static inline uint64_t shift_signed(uint64_t a, unsigned bits, uint64_t count)
{
    return (uint64_t)(bits_sext(a, bits) >> MIN(count, bits - 1));
}

/* By imm; …V by the low word of b; …E by the lanes of b. */
#define VEC_SHIFT(NAME, bits, fn)                                            \
    VEC_EACH(NAME, bits, fn(vec_lane(&v->a, bits, n), bits, v->imm))         \
    VEC_EACH(NAME##V, bits, fn(vec_lane(&v->a, bits, n), bits, v->b.w[0]))
#define VEC_SHIFT_EACH(NAME, bits, fn)                                       \
    VEC_EACH(NAME##E, bits, fn(vec_lane(&v->a, bits, n), bits,               \
                               vec_lane(&v->b, bits, n)))
VEC_SHIFT(SHL16, 16, shift_left)
VEC_SHIFT(SHL32, 32, shift_left)
VEC_SHIFT(SHL64, 64, shift_left)
VEC_SHIFT(SHR16, 16, shift_right)
VEC_SHIFT(SHR32, 32, shift_right)
VEC_SHIFT(SHR64, 64, shift_right)
VEC_SHIFT(SAR16, 16, shift_signed)
VEC_SHIFT(SAR32, 32, shift_signed)
VEC_SHIFT_EACH(SHL32, 32, shift_left)
VEC_SHIFT_EACH(SHL64, 64, shift_left)
VEC_SHIFT_EACH(SHR32, 32, shift_right)
VEC_SHIFT_EACH(SHR64, 64, shift_right)
VEC_SHIFT_EACH(SAR32, 32, shift_signed)

/* Byte n of low and high side by side, and of the zeroes on top of them. */
static inline uint8_t byte_of_two(const V128 *low, const V128 *high, unsigned n)
{
    return n < 16 ? vec_u8(low, n) : n < 32 ? vec_u8(high, n - 16) : 0;
}
VEC_EACH(SHLB, 8, n < v->imm ? 0 : vec_u8(&v->a, n - v->imm))
VEC_EACH(SHRB, 8, v->imm > 15 - n ? 0 : vec_u8(&v->a, n + v->imm))
VEC_EACH(ALIGN, 8, byte_of_two(&v->b, &v->a, n + MIN(v->imm, 32)))
