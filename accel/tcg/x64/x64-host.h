/*
 * What the host's processor can do, as far as the x86_64 back end uses it.
 * Results never depend on it, only the choice of instructions.
 */
#ifndef X64_HOST_H
#define X64_HOST_H

#include "base/types.h"

typedef struct X64Host {
    bool bmi1, bmi2, lzcnt, popcnt;
} X64Host;

/* Asks the processor. */
X64Host x64_host(void);

#endif
