/*
 * Calls and returns: Fibonacci, Ackermann's function (deep) and the towers of
 * Hanoi (with memory). gcc may not make loops of them.
 */
#include "bench.h"

#pragma GCC optimize("no-optimize-sibling-calls")
#define CALLED __attribute__((noinline, noclone))

static uint32_t discs[3][24], height[3];

static CALLED uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static CALLED uint32_t ackermann(uint32_t m, uint32_t n)
{
    if (m == 0) {
        return n + 1;
    }
    return ackermann(m - 1, n ? ackermann(m, n - 1) : 1);
}

static CALLED uint32_t hanoi(uint32_t n, uint32_t from, uint32_t to)
{
    if (n == 0) {
        return 0;
    }
    uint32_t over = 3 - from - to;
    uint32_t moves = hanoi(n - 1, from, over);
    discs[to][height[to]++] = discs[from][--height[from]];
    return moves + 1 + hanoi(n - 1, over, to);
}

uint32_t workload(uint32_t size)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < 16; i++) {
        discs[0][height[0]++] = 16 - i;
    }
    for (uint32_t i = 0; i < size; i++) {
        sum = mix(sum, fib(hide(18)));
        sum = mix(sum, ackermann(2, hide(40)));
        sum = mix(sum, ackermann(3, hide(3)));
        sum = mix(sum, hanoi(hide(12), i & 1, !(i & 1)));
        sum = mix(sum, discs[0][0] + height[1] * 16);
    }
    return sum;
}
