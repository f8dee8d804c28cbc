/*
 * Sequences of register instructions for the comparison with the host.
 */
#ifndef TESTS_ISA_SEQUENCE_H
#define TESTS_ISA_SEQUENCE_H

#include "case.h"

/* Most instructions of 15 bytes that fit in a case. */
#define SEQUENCE_MAX 4

/* A case of `count` instructions; returns the flags that are undefined at its
 * end. */
uint32_t make_sequence(IsaCase *c, unsigned count);
/* A case full of x87 instructions; most run with all exceptions masked. */
void make_x87_sequence(IsaCase *c);

#endif
