/*
 * Operands of vector instructions, for trans-vec.c, trans-avx.c and trans-mmx.c:
 * XMM and YMM registers by halves of 128 bits, MMX registers as vectors of which
 * the low half counts, memory.
 */
#ifndef TARGET_I386_TRANS_VEC_H
#define TARGET_I386_TRANS_VEC_H

#include "translate.h"

/* True if operand n is a vector in memory. */
bool vec_is_memory(const X86Trans *t, unsigned n);
/* 2 if operand n has 32 bytes, else 1. */
unsigned vec_parts(const X86Trans *t, unsigned n);
/* Half `part` of operand n; the whole if it has 16 bytes or less, whatever part
 * says. Memory is loaded once. */
IrVal vec_load(X86Trans *t, unsigned n, unsigned part);
/* Stores operand n; high: IR_NO_VAL if it has 16 bytes or less. With VEX the
 * upper half of a register then becomes zero. */
void vec_store(X86Trans *t, unsigned n, IrVal low, IrVal high);
/* The row of the vector table that the instruction names. */
VecOp vec_row(const X86Trans *t);
/* The numbers of the last `count` operands that are vectors, in order. Returns
 * how many there are. */
unsigned vec_sources(const X86Trans *t, unsigned count, unsigned *which);
/* What row `op` makes of the operands' halves `part`: as many vectors, from the
 * last, as it takes; the general register; the immediate. */
IrVal vec_apply(X86Trans *t, VecOp op, unsigned part);
/* Before a row is applied to the two halves of registers of 32 bytes, `which` being
 * its operands: loads memory whole, so that no flag is set if that faults; and if
 * exceptions may be unmasked, takes those of all lanes together (vol. 1, 11.5.3). */
void vec_both_halves(X86Trans *t, VecOp op, unsigned imm,
                     const unsigned *which);
/* Around every MMX instruction but EMMS: #MF if an x87 exception is pending, and
 * what becomes of TOP and tags. Nothing behind the first one of a TB, until
 * something else may have changed the x87 (TransState.mmx). */
void mmx_begin(X86Trans *t);
void mmx_end(X86Trans *t);

#endif
