/*
 * What benchmark guests share. A workload is one function, compiled once for
 * 32-bit and once for 64-bit code; its checksum must come out of all that it
 * did, so that neither the compiler nor an emulator can leave anything out.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

/* Implemented by every workload. size is BENCH_SIZE of meson.build, hidden
 * from the compiler. */
uint32_t workload(uint32_t size);

/* 16 MiB to 48 MiB, zero at first; the stack grows down from its end. */
#define HEAP_BYTES (24u << 20)
static inline void *heap(void)
{
    uintptr_t at = 16u << 20;
    __asm__ volatile("" : "+r"(at));
    return (void *)at;
}

/* Keeps a value from being computed when the guest is compiled. */
static inline uint32_t hide(uint32_t v)
{
    __asm__ volatile("" : "+r"(v));
    return v;
}

/* Marsaglia's xorshift32; *state must not be zero. */
static inline uint32_t random_next(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

/* One word into a checksum (the finalizer's constant of MurmurHash3). */
static inline uint32_t mix(uint32_t sum, uint32_t v)
{
    sum = (sum ^ v) * 0x85ebca6bu;
    return sum ^ sum >> 15;
}

static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
    return v;
}

#endif
