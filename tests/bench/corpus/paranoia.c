/*
 * What arithmetic is like, found out by arithmetic (after W. Kahan's idea):
 * radix, precision, guard digits, rounding of each operation, sticky bits,
 * where numbers overflow and underflow, how 0, infinity and NaN behave.
 */
#include "corpus.h"

/* Nothing is known when the program is compiled. */
static double hide(double v)
{
    __asm__ volatile("" : CORPUS_ANY(v));
    return v;
}

static float hide_float(float v)
{
    __asm__ volatile("" : CORPUS_ANY(v));
    return v;
}

static uint32_t radix_and_precision(uint32_t sum, double one)
{
    double w = one;
    do {
        w = hide(w + w);
    } while (hide(hide(w + one) - w) - one == 0);
    double y = one, radix;
    do {
        radix = hide(hide(w + y) - w);
        y = hide(y + y);
    } while (radix == 0);
    unsigned digits = 0;
    for (w = one; hide(hide(w + one) - w) == one; w = hide(w * radix)) {
        digits++;
    }
    return mix(mix_double(sum, radix), digits);
}

static uint32_t precision_float(uint32_t sum, float one)
{
    unsigned digits = 0;
    for (float w = one; hide_float(hide_float(w + one) - w) == one;
         w = hide_float(w * 2)) {
        digits++;
    }
    return mix(sum, digits);
}

/* Ties, just below and just above them, for each operation. */
static uint32_t rounding(uint32_t sum, double one)
{
    double ulp = 1.0 / (1ull << 52), half = ulp / 2;
    double near[] = { half * 0.5, half - half * half, half,
                      half + half * ulp, half * 1.5 };
    for (unsigned n = 0; n < sizeof near / sizeof *near; n++) {
        double d = hide(near[n]);
        sum = mix_double(sum, one + d);
        sum = mix_double(sum, (one + ulp) + d);
        sum = mix_double(sum, one - d);
        sum = mix_double(sum, (one + ulp) * (one - d));
        sum = mix_double(sum, (one + d) / (one - ulp));
        sum = mix_double(sum, (one - half) / (3 * one + d));
    }
    return sum;
}

static uint32_t limits(uint32_t sum, double one)
{
    unsigned steps = 0;
    double v = one, last = one;
    for (; v != hide(v * 2) ; v = hide(v * 2)) {
        last = v;
        steps++;
    }
    sum = mix(mix_double(mix_double(sum, last), v), steps);
    for (steps = 0, v = one; v != 0; v = hide(v / 2)) {
        last = v;
        steps++;
    }
    sum = mix(mix_double(sum, last), steps);
    double smallest = last;
    sum = mix_double(sum, hide(smallest * 1.5));
    sum = mix_double(sum, hide(smallest / 3) * 3);
    return mix_double(sum, hide(smallest * 3) / 2);
}

static uint32_t special(uint32_t sum, double zero)
{
    double inf = 1 / zero, nan = inf - inf, minus = -zero;
    double v[] = { zero, minus, inf, -inf, nan, 1, -2.5 };
    for (unsigned a = 0; a < 7; a++) {
        for (unsigned b = 0; b < 7; b++) {
            double x = hide(v[a]), y = hide(v[b]);
            sum = mix_double(mix_double(sum, x + y), x - y);
            sum = mix_double(mix_double(sum, x * y), x / y);
            sum = mix(sum, (x < y) | (x <= y) << 1 | (x == y) << 2 |
                           (x != y) << 3 | (x > y) << 4 |
                           __builtin_isunordered(x, y) << 5);
            sum = mix(sum, (int32_t)(int64_t)hide(b < 5 ? 3.99 * a : y));
        }
    }
    return sum;
}

uint32_t paranoia(uint32_t size)
{
    uint32_t sum = 0;
    for (uint32_t round = 0; round < size; round++) {
        sum = radix_and_precision(sum, hide(1));
        sum = precision_float(sum, hide_float(1));
        sum = rounding(sum, hide(1));
        sum = special(sum, hide(0));
        if (round % 16 == 0) {
            sum = limits(sum, hide(1));
        }
    }
    return sum;
}
