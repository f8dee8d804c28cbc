/*
 * GF(2^8) modulo x^8 + x^4 + x^3 + x + 1: the field of AES (FIPS 197, 4.2) and
 * of GFNI.
 */
#ifndef VECTOR_GF_H
#define VECTOR_GF_H

#include "base/types.h"

/* a times x. */
static inline uint8_t gf_double(uint8_t a)
{
    return (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
}

static inline uint8_t gf_multiply(uint8_t a, uint8_t b)
{
    uint8_t r = 0;
    for (; b; b >>= 1, a = gf_double(a)) {
        r ^= b & 1 ? a : 0;
    }
    return r;
}

/* The inverse, and 0 of 0: a to the power of 254 = 2 + 4 + ... + 128. */
static inline uint8_t gf_inverse(uint8_t a)
{
    uint8_t power = a, r = 1;
    for (unsigned n = 1; n < 8; n++) {
        power = gf_multiply(power, power);
        r = gf_multiply(r, power);
    }
    return r;
}

#endif
