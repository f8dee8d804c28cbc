/*
 * Arithmetic in registers: additions, subtractions, logic, shifts, rotates,
 * multiplications, comparisons with branches and moves, and one division in
 * sixteen rounds. Words are as wide as the machine's.
 */
#include "bench.h"

typedef unsigned long Word;
enum { BITS = 8 * sizeof(Word) };

static Word rotate(Word v, unsigned n)
{
    return v << n | v >> (BITS - n);
}

static Word branches(Word a, Word b)
{
    if ((a & 7) == 3) {
        a -= b;
    } else if (a > b) {
        a ^= b >> 3;
    }
    return (long)a < 0 ? ~a : a + 1;
}

uint32_t workload(uint32_t size)
{
    Word a = hide(0x12345678), b = hide(0x9e3779b9), c = hide(1);

    for (uint32_t i = 0; i < size; i++) {
        a += b;
        c ^= rotate(a, 7);
        b = b * 1664525u + 1013904223u;
        a = branches(a ^ c >> 5, b);
        c += (a << (i & 15)) - (b >> (i & 7));
        c = rotate(c, 11) + (b & a) - (b | i);
        if (!(i & 15)) {
            c += a / (b | 1) + b % ((a & 0xffff) + 3);
        }
    }
    Word sum = a ^ b ^ c;
    return mix(mix(0, sum), sum >> (BITS / 2));
}
