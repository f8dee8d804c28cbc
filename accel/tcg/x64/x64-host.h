/*
 * What the host's processor can do, as far as the x86_64 back end uses it.
 * Results never depend on it, only the choice of instructions.
 */
#ifndef X64_HOST_H
#define X64_HOST_H

#include "base/types.h"

/* Extensions that vector instructions belong to, a bit each. SSE2 is always
 * there. AVX and what builds on it only where the system keeps the registers. */
enum {
    HOST_SSE3 = 1, HOST_SSSE3 = 2, HOST_SSE41 = 4, HOST_SSE42 = 8,
    HOST_AVX = 16, HOST_AVX2 = 32, HOST_FMA = 64, HOST_F16C = 128,
    HOST_AES = 256, HOST_CLMUL = 512, HOST_SHA = 1024, HOST_GFNI = 2048,
    HOST_LAHF = 4096,
};

typedef struct X64Host {
    bool bmi1, bmi2, lzcnt, popcnt;
    uint16_t vec;          /* HOST_* */
} X64Host;

/* Asks the processor. */
X64Host x64_host(void);

#endif
