/* The Mandelbrot set, point by point: a loop of scalar doubles that ends when a
 * comparison says so. */
#include "corpus.h"

enum { WIDTH = 64, LIMIT = 100 };

static unsigned escape(double cr, double ci)
{
    double r = 0, i = 0;
    unsigned n = 0;
    while (n < LIMIT && r * r + i * i < 4.0) {
        double t = r * r - i * i + cr;
        i = 2 * r * i + ci;
        r = t;
        n++;
    }
    return n;
}

uint32_t mandel(uint32_t size)
{
    uint32_t sum = 0;
    for (uint32_t y = 0; y < size * 8; y++) {
        for (uint32_t x = 0; x < WIDTH; x++) {
            sum = mix(sum, escape(x * (3.0 / WIDTH) - 2.2,
                                  (y % 61) * (2.4 / 61) - 1.2));
        }
    }
    return sum;
}
