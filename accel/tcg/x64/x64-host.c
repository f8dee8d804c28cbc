/*
 * The host's processor, asked by CPUID itself: compilers disagree about the
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

X64Host x64_host(void)
{
    Leaf basic = leaf_get(1, 0), extended = leaf_get(7, 0);
    Leaf amd = leaf_get(0x80000001, 0);
    return (X64Host){
        .popcnt = basic.c & bit_POPCNT,
        .bmi1 = extended.b & bit_BMI,
        .bmi2 = extended.b & bit_BMI2,
        .lzcnt = amd.c & bit_LZCNT,
    };
}
