/*
 * Programs of floating point and vectors. Each is one C function, compiled once
 * for each compiler and level of x86-64, and for the x87, and linked twice: into
 * a guest on the bare machine (guest.c) and into a program of the host's
 * (host.c). The same code runs in both, so the digest of all that it computed
 * must be the same.
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

/* An asm's constraint for a number in a register, or where there is none. */
#ifdef CORPUS_X87
#define CORPUS_ANY "+m"
#else
#define CORPUS_ANY "+x"
#endif

/* Numbers of 80 bits, by the x87, in all that follows. Intrinsics' headers come
 * before this one. */
#ifdef CORPUS_X87
static inline uint32_t mix_long(uint32_t sum, long double v)
{
    uint32_t words[3] = { 0 };
    __builtin_memcpy(words, &v, 10);
    return mix(mix_64(sum, words[0] | (uint64_t)words[1] << 32), words[2]);
}

#define double long double
#define mix_double mix_long
#define __builtin_fabs __builtin_fabsl
#endif

#endif
