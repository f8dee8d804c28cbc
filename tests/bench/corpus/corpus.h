/*
 * Programs of floating point and vectors. Each is one C function, compiled once
 * for each compiler and level of x86-64 and linked twice: into a guest on the
 * bare machine (guest.c) and into a program of the host's (host.c). The same
 * code runs in both, so the digest of all that it computed must be the same.
 *
 * No function of a C library is used but those that compilers themselves ask
 * for: memcpy, memmove, memset, memcmp.
 */
#ifndef CORPUS_H
#define CORPUS_H

#include <stddef.h>
#include <stdint.h>

/* size: how often it is done, or how large it is; 1 is little work. */
typedef uint32_t Program(uint32_t size);

#define PROGRAM(name, bench, what) Program name;
#include "programs.def"
#undef PROGRAM

/* What the program before left is in it; aligned to a page. */
#define HEAP_BYTES (16u << 20)
extern unsigned char *corpus_heap;

/* Marsaglia's xorshift32; *state must not be zero. */
static inline uint32_t random_next(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

/* At least 0, below 1. */
static inline double random_unit(uint32_t *state)
{
    return (random_next(state) >> 1) * (1.0 / 2147483648.0);
}

/* One word into a digest (the finalizer's constant of MurmurHash3). */
static inline uint32_t mix(uint32_t sum, uint32_t v)
{
    sum = (sum ^ v) * 0x85ebca6bu;
    return sum ^ sum >> 15;
}

static inline uint32_t mix_64(uint32_t sum, uint64_t v)
{
    return mix(mix(sum, v), v >> 32);
}

/* Numbers count with all their bits. */
static inline uint32_t mix_double(uint32_t sum, double v)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &v, sizeof bits);
    return mix_64(sum, bits);
}

static inline uint32_t mix_float(uint32_t sum, float v)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &v, sizeof bits);
    return mix(sum, bits);
}

static inline uint32_t mix_bytes(uint32_t sum, const void *data, size_t len)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++) {
        sum = mix(sum, p[i]);
    }
    return sum;
}

#endif
