/*
 * The Mandelbrot set in long doubles: everything in registers, each step
 * waiting for the one before, and a comparison at its end.
 */
#include "x87.h"

enum { WIDTH = 64, MOST = 200 };

static unsigned steps(long double re, long double im)
{
    long double x = 0, y = 0;
    unsigned n = 0;
    for (; n < MOST; n++) {
        long double xx = x * x, yy = y * y;
        if (xx + yy > 4) {
            break;
        }
        y = 2 * x * y + im;
        x = xx - yy + re;
    }
    return n;
}

uint32_t workload(uint32_t size)
{
    uint32_t sum = 0;
    x87_start();
    for (uint32_t round = 0; round < size; round++) {
        for (unsigned p = 0; p < WIDTH * WIDTH; p++) {
            long double re = (p % WIDTH) * (3.0L / WIDTH) - 2.2L;
            long double im = (p / WIDTH) * (3.0L / WIDTH) - 1.5L;
            sum = mix(sum, steps(re + round * 1e-3L, im));
        }
    }
    return sum;
}
