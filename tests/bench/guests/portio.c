/*
 * Port accesses: the mask register of the interrupt controller and the
 * battery-backed memory of the clock, written and read back.
 */
#include "bench.h"

enum { PIC_MASK = 0x21, CMOS_INDEX = 0x70, CMOS_DATA = 0x71, NMI_OFF = 0x80,
       CMOS_FREE = 0x50 };

uint32_t workload(uint32_t size)
{
    uint32_t state = hide(6700417u), sum = 0;

    for (uint32_t i = 0; i < size; i++) {
        uint32_t r = random_next(&state);
        outb(PIC_MASK, r >> 24);
        sum = mix(sum, inb(PIC_MASK));
        outb(CMOS_INDEX, NMI_OFF | (CMOS_FREE + (i & 7)));
        outb(CMOS_DATA, r >> 16);
        sum = mix(sum, inb(CMOS_DATA));
    }
    return sum;
}
