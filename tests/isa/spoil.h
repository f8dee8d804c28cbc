/*
 * Cases with encodings that are forbidden or reserved.
 */
#ifndef TESTS_ISA_SPOIL_H
#define TESTS_ISA_SPOIL_H

#include "case.h"

/* Changes the encoding of a case that make_case() made, `in` being what it
 * decodes to. False: try another. */
bool spoil_case(IsaCase *c, const X86Insn *in);

#endif
