/*
 * Interrupts: the PIT ticks 10,000 times a second of virtual time while the
 * main program computes, until enough ticks have come.
 */
#include "ticks.h"

enum { DIVISOR = 119 };

static volatile uint32_t ticks, work;

static __attribute__((interrupt)) void on_tick(struct frame *frame)
{
    (void)frame;
    ticks++;
    work = mix(work, ticks);
    tick_done();
}

uint32_t workload(uint32_t size)
{
    uint32_t state = hide(271828183u), sum = 0;

    ticks_start(on_tick, DIVISOR);
    while (ticks < size) {
        sum = mix(sum, random_next(&state));
    }
    __asm__ volatile("cli" : : "r"(sum));
    /* How far the main program came depends on when the first tick came. */
    return work + (ticks == size);
}
