/*
 * Operands that floating-point arithmetic stumbles over, for the tests of
 * softfloat: numbers at the ends of ranges, near each other, with few bits or
 * long runs of bits, and NaNs and denormals of every kind.
 */
#ifndef SOFTFLOAT_OPERANDS_H
#define SOFTFLOAT_OPERANDS_H

#include "base/bits.h"
#include "base/softfloat.h"

typedef struct Operands {
    GRand *rand;
    uint64_t last; /* the last one given, to which the next may be near */
} Operands;

uint64_t operands_random(Operands *o);
/* A value of a format with `exp_bits` and `frac_bits` (their sum below 64). */
uint64_t operands_next(Operands *o, unsigned exp_bits, unsigned frac_bits);
/* x87 registers, invalid encodings among them unless `valid`. */
Sf80 operands_next80(Operands *o, bool valid);
/* An integer of up to 64 bits with an interesting magnitude. */
uint64_t operands_integer(Operands *o);
/* How many random cases to run: REPRISE_CASES, or `standard`. */
unsigned operands_cases(unsigned standard);

#endif
