/*
 * Every operation on operands that are awkward (zeroes, denormals, neighbours of
 * powers of two, infinities, NaNs of both kinds) and on random ones, in every
 * rounding mode, with and without FTZ and DAZ: results and flags of MXCSR.
 */
#include <immintrin.h>

#include "corpus.h"
#undef double /* by SSE, whatever does the others */

enum { POOL = 48, FLAGS = 0x3f, MASKS = 0x1f80 };

static const uint64_t awkward[] = {
    0, 1, 0x000fffffffffffff, 0x0010000000000000, 0x0010000000000001,
    0x3fefffffffffffff, 0x3ff0000000000000, 0x3ff0000000000001,
    0x3810000000000000, 0x3690000000000001, 0x47efffffe0000000,
    0x47f0000000000000, 0x41dfffffffc00000, 0x41e0000000000000,
    0x43dfffffffffffff, 0x43e0000000000000, 0x7fefffffffffffff,
    0x7ff0000000000000, 0x7ff0000000000001, 0x7ff8000000000000,
    0x7ff800000000dead,
};

static uint64_t next_operand(uint32_t *seed, unsigned n)
{
    uint64_t v = (uint64_t)random_next(seed) << 32 | random_next(seed);
    unsigned count = sizeof awkward / sizeof *awkward;
    if (n < count) {
        return awkward[n];
    }
    return n < 2 * count ? awkward[n - count] | 1ull << 63 : v;
}

/* Operands that the compiler does not know, an operation that it cannot move
 * out of its mode. */
#define OP(insn, type, x, y) \
    ({ type r = x; __asm__ volatile(insn : "+x"(r) : "x"(y)); r; })
#define TO(insn, type, x) \
    ({ type r; __asm__ volatile(insn : "=r"(r) : "x"(x)); r; })

static uint32_t doubles(uint32_t sum, double x, double y)
{
    sum = mix_double(sum, OP("addsd %1, %0", double, x, y));
    sum = mix_double(sum, OP("subsd %1, %0", double, x, y));
    sum = mix_double(sum, OP("mulsd %1, %0", double, x, y));
    sum = mix_double(sum, OP("divsd %1, %0", double, x, y));
    sum = mix_double(sum, OP("minsd %1, %0", double, x, y));
    sum = mix_double(sum, OP("maxsd %1, %0", double, x, y));
    sum = mix_double(sum, OP("sqrtsd %1, %0", double, x, y));
    sum = mix_double(sum, OP("cmpltsd %1, %0", double, x, y));
    sum = mix_double(sum, OP("cmpunordsd %1, %0", double, x, y));
    sum = mix_64(sum, TO("cvtsd2si %1, %0", uint64_t, x));
    sum = mix(sum, TO("cvttsd2si %1, %0", uint32_t, y));
    sum = mix_float(sum, OP("cvtsd2ss %1, %0", float, 0, x));
    return mix(sum, (x < y) | (x == y) << 1 | (x >= y) << 2);
}

static uint32_t floats32(uint32_t sum, float x, float y)
{
    sum = mix_float(sum, OP("addss %1, %0", float, x, y));
    sum = mix_float(sum, OP("subss %1, %0", float, x, y));
    sum = mix_float(sum, OP("mulss %1, %0", float, x, y));
    sum = mix_float(sum, OP("divss %1, %0", float, x, y));
    sum = mix_float(sum, OP("sqrtss %1, %0", float, x, y));
    sum = mix_float(sum, OP("maxss %1, %0", float, x, y));
    sum = mix_float(sum, OP("cmpless %1, %0", float, x, y));
    sum = mix(sum, TO("cvtss2si %1, %0", uint32_t, x));
    return mix_double(sum, OP("cvtss2sd %1, %0", double, 0, y));
}

static uint32_t packed(uint32_t sum, __m128d x, __m128d y)
{
    double out[2];
    __asm__ volatile("addpd %1, %0" : "+x"(x) : "x"(y));
    __asm__ volatile("mulpd %1, %0" : "+x"(y) : "x"(x));
    __asm__ volatile("divpd %1, %0" : "+x"(x) : "x"(y));
    __asm__ volatile("sqrtpd %0, %0" : "+x"(x));
#ifdef __FMA__
    __asm__ volatile("vfmadd231pd %1, %0, %0" : "+x"(x) : "x"(y));
#endif
    _mm_storeu_pd(out, x);
    return mix_double(mix_double(sum, out[0]), out[1]);
}

static uint32_t mode(uint32_t sum, const uint64_t *pool, unsigned control)
{
    for (int a = 0; a < POOL; a++) {
        for (int b = 0; b < POOL; b += 1 + a % 3) {
            double x, y;
            float f, g;
            uint32_t low = pool[a] >> 29, high = pool[b] >> 32;
            __builtin_memcpy(&x, &pool[a], 8);
            __builtin_memcpy(&y, &pool[b], 8);
            __builtin_memcpy(&f, &low, 4);
            __builtin_memcpy(&g, &high, 4);
            _mm_setcsr(control | MASKS);
            sum = doubles(sum, x, y);
            sum = mix(sum, _mm_getcsr() & FLAGS);
            _mm_setcsr(control | MASKS);
            sum = floats32(sum, f, g);
            sum = packed(sum, _mm_set_pd(x, y), _mm_set_pd(y, f));
            sum = mix(sum, _mm_getcsr() & FLAGS);
        }
    }
    return sum;
}

uint32_t floats(uint32_t size)
{
    uint64_t *pool = (uint64_t *)corpus_heap;
    uint32_t seed = 6, sum = 0;
    for (uint32_t round = 0; round < size; round++) {
        for (unsigned n = 0; n < POOL; n++) {
            pool[n] = next_operand(&seed, n);
        }
        for (unsigned k = 0; k < 16; k++) {
            unsigned control = (k & 3) << 13 | (k & 4 ? 0x8000 : 0) |
                               (k & 8 ? 0x40 : 0);
            sum = mode(sum, pool, control);
        }
    }
    _mm_setcsr(MASKS);
    return sum;
}
