/*
 * The host's processor, asked by CPUID itself: compilers disagree about most
 * names that __builtin_cpu_supports() knows. Intel SDM volume 2, CPUID.
 */
#include "x64-host.h"

#include <cpuid.h>

typedef struct Leaf {
    uint32_t a, b, c, d;
} Leaf;

/* All zeroes if the processor does not have that leaf. */
static Leaf leaf_get(uint32_t number, uint32_t sub)
{
    Leaf l = { 0 };
    __get_cpuid_count(number, sub, &l.a, &l.b, &l.c, &l.d);
    return l;
}

static uint32_t has(uint32_t word, uint32_t bit, uint32_t what)
{
    return word & bit ? what : 0;
}

static uint32_t vector_extensions(const Leaf *basic, const Leaf *extended)
{
    uint32_t avx = 0;
    /* The compiler's function looks whether the system saves YMM registers. */
    if (__builtin_cpu_supports("avx")) {
        avx = has(basic->c, bit_AVX, HOST_AVX) |
              has(basic->c, bit_FMA, HOST_FMA) |
              has(basic->c, bit_F16C, HOST_F16C) |
              has(extended->b, bit_AVX2, HOST_AVX2);
    }
    return avx | has(basic->c, bit_SSE3, HOST_SSE3) |
           has(basic->c, bit_SSSE3, HOST_SSSE3) |
           has(basic->c, bit_SSE4_1, HOST_SSE41) |
           has(basic->c, bit_SSE4_2, HOST_SSE42) |
           has(basic->c, bit_AES, HOST_AES) |
           has(basic->c, bit_PCLMUL, HOST_CLMUL) |
           has(extended->b, bit_SHA, HOST_SHA) |
           has(extended->c, bit_GFNI, HOST_GFNI);
}

uint32_t x64_host(void)
{
    Leaf basic = leaf_get(1, 0), extended = leaf_get(7, 0);
    Leaf amd = leaf_get(0x80000001, 0);
    return vector_extensions(&basic, &extended) |
           has(basic.c, bit_POPCNT, HOST_POPCNT) |
           has(extended.b, bit_BMI, HOST_BMI1) |
           has(extended.b, bit_BMI2, HOST_BMI2) |
           has(amd.c, bit_LZCNT, HOST_LZCNT) |
           has(amd.c, bit_LAHF_LM, HOST_LAHF);
}
