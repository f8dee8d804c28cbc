/*
 * Translation of x87 instructions: what its two files share.
 *
 * trans-x87.c knows the instructions' forms, and calls a helper for each;
 * trans-x87-known.c does without helpers where TOP, tags and control word are
 * known, no exception is pending or unmasked, and the stack does not fault.
 */
#ifndef TARGET_I386_TRANS_X87_H
#define TARGET_I386_TRANS_X87_H

#include "translate.h"
#include "x87.h"

/* An instruction's memory operand. */
typedef struct X87Mem {
    uint8_t kind;          /* X80Kind or X87_BCD */
    IrVal offset, linear;
} X87Mem;

/* FOP. */
unsigned x87_fop(const X86Insn *in);

/* Each translates the instruction and is true, or false and it has emitted
 * nothing that matters. */
bool x87_known_arith(X86Trans *t, unsigned op, unsigned pops, bool to_sti);
bool x87_known_arith_mem(X86Trans *t, unsigned op, const X87Mem *m);
bool x87_known_comi(X86Trans *t, bool unordered, unsigned pops);
bool x87_known_cmov(X86Trans *t, unsigned cc);
bool x87_known_top(X86Trans *t, unsigned op, unsigned pops);
bool x87_known_load(X86Trans *t, const X87Mem *m);
bool x87_known_store(X86Trans *t, const X87Mem *m, unsigned pops);
bool x87_known_wait(X86Trans *t);
/* The status word, i64. */
IrVal x87_status(X86Trans *t);
/* A helper was called: how the stack will have moved, most likely. */
void x87_guess_push(X86Trans *t);
void x87_guess_pops(X86Trans *t, unsigned pops);

#endif
