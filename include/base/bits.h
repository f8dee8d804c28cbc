/*
 * Bit fields of integers. Header only.
 */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include "base/types.h"

#define BIT(n) (UINT64_C(1) << (n))

/* A mask of the low `len` bits, 0 <= len <= 64. */
static inline uint64_t bits_mask(unsigned len)
{
    return len >= 64 ? UINT64_MAX : (UINT64_C(1) << len) - 1;
}

/* Bits [pos, pos + len) of v, right-aligned. */
static inline uint64_t bits_extract(uint64_t v, unsigned pos, unsigned len)
{
    return (v >> pos) & bits_mask(len);
}

/* v with bits [pos, pos + len) replaced by the low bits of field. */
static inline uint64_t bits_deposit(uint64_t v, unsigned pos, unsigned len,
                                    uint64_t field)
{
    uint64_t mask = bits_mask(len) << pos;
    return (v & ~mask) | ((field << pos) & mask);
}

/* The low `len` bits of v (1..64) as a signed number. */
static inline int64_t bits_sext(uint64_t v, unsigned len)
{
    unsigned up = 64 - len;
    return (int64_t)(v << up) >> up;
}

static inline bool bits_is_pow2(uint64_t v)
{
    return v && !(v & (v - 1));
}

/* v rounded up to a multiple of align, a power of two. */
static inline uint64_t bits_align_up(uint64_t v, uint64_t align)
{
    return (v + align - 1) & ~(align - 1);
}

#endif
