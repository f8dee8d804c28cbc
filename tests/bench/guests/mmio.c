/*
 * Accesses to memory space outside RAM. The machine has no device there that
 * both emulators know, so these are accesses to addresses where nothing
 * answers and to the firmware's ROM, whose writes have no effect. What is read
 * from nowhere is the board's business: only whether it stays the same counts.
 */
#include "bench.h"

#define NOWHERE 0xfeb00000ul
#define ROM     0xfffc0000ul

static volatile uint32_t *word(uintptr_t base, uint32_t offset)
{
    return (volatile uint32_t *)(base + (offset & 0xffc));
}

uint32_t workload(uint32_t size)
{
    uint32_t state = hide(65537u), sum = 0;

    for (uint32_t i = 0; i < size; i++) {
        uint32_t r = random_next(&state);
        volatile uint32_t *nowhere = word(NOWHERE, r);
        volatile uint32_t *rom = word(ROM, r >> 12);
        uint32_t before = *nowhere, inside = *rom;
        *nowhere = r;
        *rom = r;
        sum = mix(sum, (*nowhere == before) + 2 * (*rom == inside));
    }
    return sum;
}
