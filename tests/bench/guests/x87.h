/*
 * What the guests of the x87 share. They are compiled for it with -O3, and
 * linked as programs of the host's as well (x87-host.c): the same code there
 * must come to the same checksum.
 */
#ifndef X87_H
#define X87_H

#include "bench.h"

/* The processor's state at power-on has every exception unmasked. */
static inline void x87_start(void)
{
    __asm__ volatile("fninit");
}

/* All bits of a number that count. */
static inline uint32_t mix_long(uint32_t sum, long double v)
{
    uint32_t words[3] = { 0 };
    __builtin_memcpy(words, &v, 10);
    return mix(mix(mix(sum, words[0]), words[1]), words[2]);
}

static inline long double random_long(uint32_t *state)
{
    return (long double)(int32_t)random_next(state) / 2147483648.0L;
}

#endif
