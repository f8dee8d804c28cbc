/*
 * Code that is written while it runs: small functions made anew, constants
 * patched in old ones, and most calls to code that has not changed since the
 * last, on the same pages.
 */
#include "bench.h"

enum { FUNCTIONS = 256, SPACING = 32, CALLS = 24 };

typedef uint32_t Function(uint32_t);

/* The argument comes in EAX in 32-bit code and in EDI in 64-bit code; the
 * instructions below mean the same in both. */
#ifdef __x86_64__
#define FIRST 0x89, 0xf8                /* mov %edi, %eax */
#define CALLED
#else
#define FIRST 0x89, 0xc0                /* mov %eax, %eax */
#define CALLED __attribute__((regparm(1)))
#endif

enum { OP_AT = 2, FIRST_CONSTANT = 3, SECOND_CONSTANT = 9 };

static void put32(volatile uint8_t *p, uint32_t v)
{
    *(volatile uint32_t *)p = v;
}

static void make(volatile uint8_t *at, uint32_t r)
{
    /* eax OP imm32 */
    static const uint8_t ops[] = { 0x05, 0x2d, 0x35, 0x0d };
    static const uint8_t code[] = {
        FIRST, 0x05, 0, 0, 0, 0, /* OP $first, %eax */
        0x69, 0xc0, 0, 0, 0, 0,  /* imul $second, %eax, %eax */
        0xc3,
    };

    for (unsigned i = 0; i < sizeof code; i++) {
        at[i] = code[i];
    }
    at[OP_AT] = ops[r % sizeof ops];
    put32(at + FIRST_CONSTANT, r);
    put32(at + SECOND_CONSTANT, r | 1);
}

static uint32_t call(volatile uint8_t *at, uint32_t v)
{
    return ((CALLED Function *)(uintptr_t)at)(v);
}

uint32_t workload(uint32_t size)
{
    volatile uint8_t *code = heap();
    uint32_t state = hide(40503u), sum = 0;

    for (uint32_t i = 0; i < FUNCTIONS; i++) {
        make(code + i * SPACING, random_next(&state));
    }
    for (uint32_t round = 0; round < size; round++) {
        uint32_t r = random_next(&state);
        volatile uint8_t *fresh = code + r % FUNCTIONS * SPACING;
        volatile uint8_t *old = code + (r >> 8) % FUNCTIONS * SPACING;
        make(fresh, r);
        sum = call(fresh, sum);
        put32(old + FIRST_CONSTANT, round);
        sum = call(old, sum);
        for (uint32_t i = 0; i < CALLS; i++) {
            sum = call(code + (r + i * 37) % FUNCTIONS * SPACING, sum);
        }
    }
    return sum;
}
