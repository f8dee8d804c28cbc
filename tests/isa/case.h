/*
 * Random cases for the comparison with the host: which rows of the opcode map
 * qualify, encodings and states for them, and what the manual leaves open.
 */
#ifndef TESTS_ISA_CASE_H
#define TESTS_ISA_CASE_H

#include "decode.h"
#include "isa.h"

enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800 };

/* --- case.c ---------------------------------------------------------------- */

/* Features that rows may use, by ORDER x86-feat. */
extern uint32_t case_features[FEAT_WORDS];

void random_seed(uint64_t seed);
uint64_t random64(void);
unsigned random_below(unsigned n);
bool chance(unsigned percent);

/* True if name is one of the words of list. */
bool is_one_of(const char *name, const char *list);
/* User code can execute the row, and its results are architected. */
bool row_is_user(const OpRow *row);
bool row_offered(const OpRow *row);
/* FXSAVE, XSAVE and their kin. */
bool row_is_area(const OpRow *row);
/* Any row that user code of a mode can execute and the CPU has. */
const OpRow *random_user_row(bool code64);
bool is_branch(const OpRow *row);
bool is_string(const OpRow *row);
void random_state(IsaCase *c);
/* Numbers at which floating point turns, in lanes of 2, 4 or 8 bytes. */
void random_vectors(IsaCase *c);
/* Two lanes of f32, one of f64, small integers, or anything (0 to 3). */
uint64_t random_word(unsigned kind);
void random_indices(IsaCase *c, const X86Insn *in);
/* An area for FXRSTOR, XRSTOR, XSAVE, and which components of it. Returns its
 * address; 0: registers are in the way. */
uint64_t random_area(IsaCase *c, const X86Insn *in);
/* From now on memory operands lie around the end of the data, or as before. */
void case_at_guard(bool on);
/* The instruction at c->insn[at]. */
DecodeResult decode_case(IsaCase *c, unsigned at, X86Insn *in);
/* Appends a random instruction of the row; register operands only if
 * `registers`. False: this attempt failed. */
bool append_bytes(IsaCase *c, const OpRow *row, bool registers, X86Insn *in);
/* A whole case of one instruction. False: try again. */
bool make_case(IsaCase *c, const OpRow *row, X86Insn *in);

/* --- undefined.c ------------------------------------------------------------- */

/* Flags that the manual leaves undefined after this instruction. */
uint32_t undefined_flags(const IsaCase *c, const X86Insn *in);
/* True if the destination is undefined, too. */
bool result_is_undefined(const IsaCase *c, const X86Insn *in);
/* Without knowing CL: flags certainly defined by the instruction, flags that
 * may become undefined, and flags that it reads. */
uint32_t flags_defined(const X86Insn *in);
uint32_t flags_lost(const X86Insn *in);
uint32_t flags_read(const X86Insn *in);

#endif
