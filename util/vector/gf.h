/*
 * GF(2^8) modulo x^8 + x^4 + x^3 + x + 1: the field of AES (FIPS 197, 4.2) and
 * of GFNI.
 */
#ifndef VECTOR_GF_H
#define VECTOR_GF_H

#include "base/types.h"

/* Eight numbers in a word; all times x. */
static inline uint64_t gf_double(uint64_t v)
{
    uint64_t top = v >> 7 & UINT64_C(0x0101010101010101);
    return (v << 1 & UINT64_C(0xfefefefefefefefe)) ^ top * 0x1b;
}

static inline uint64_t gf_multiply(uint64_t a, uint64_t b)
{
    uint64_t r = 0;
    for (unsigned bit = 0; bit < 8; bit++, a = gf_double(a)) {
        r ^= a & (b >> bit & UINT64_C(0x0101010101010101)) * 0xff;
    }
    return r;
}

/* The inverse, and 0 of 0: v to the power of 254 = 2 + 4 + ... + 128. */
static inline uint64_t gf_inverse(uint64_t v)
{
    uint64_t power = gf_multiply(v, v), r = power;
    for (unsigned n = 2; n < 8; n++) {
        power = gf_multiply(power, power);
        r = gf_multiply(r, power);
    }
    return r;
}

#endif
