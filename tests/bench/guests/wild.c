/*
 * A wild jump into zeroes: ADD [EAX], AL again and again, in code that is run
 * once only. Half of it with EAX where nothing answers, half with EAX in RAM.
 * Nothing can be gained by translating such code well.
 */
#include "bench.h"

#define NOWHERE 0xfeb00000ul
#define RET     0xc3

/* Runs the zeroes at `code`, size of them, with eax. */
static void run_zeroes(uint8_t *code, uint32_t size, uintptr_t eax)
{
    code[size] = RET;
    __asm__ volatile("call *%1" : "+a"(eax) : "r"(code) : "memory", "cc");
}

uint32_t workload(uint32_t size)
{
    static uint32_t target;
    run_zeroes(heap(), size, NOWHERE);
    run_zeroes((uint8_t *)heap() + size + 1, size, (uintptr_t)&target);
    return target;
}
