/*
 * What the rooms of the made-up processor for the translator have in common:
 *
 *   tiny-cpu.c        registers, traps, interrupts, paging
 *   tiny-trans.c      its instructions as IR,
 *   tiny-trans-big.c  those on vectors and numbers of 80 bits
 *   tiny-help.c       helpers
 */
#ifndef TESTS_TCG_TINY_PARTS_H
#define TESTS_TCG_TINY_PARTS_H

#include "tiny.h"

/* ORDER tiny-reg: r0 to r7 are 0 to 7. */
enum { TINY_REG_DST = 8, TINY_REG_SRC, TINY_REG_OP, TINY_REG_PC, TINY_REG_V0,
       TINY_REG_F0 = TINY_REG_V0 + 8 };

/* --- tiny-trans.c ------------------------------------------------------------------ */

void tiny_translate_insn(TranslateContext *tc);
void tiny_translate_stop(TranslateContext *tc);
/* Of a load or store. */
IrVal tiny_address(IrBlock *b, const TinyInsn *in);

/* --- tiny-trans-big.c -------------------------------------------------------------- */

void tiny_trans_vector(TranslateContext *tc, const TinyInsn *in);
void tiny_trans_x80(TranslateContext *tc, const TinyInsn *in);

/* --- tiny-help.c ------------------------------------------------------------------- */

void tiny_raise(Cpu *c, uint64_t cause);
/* Rounding and flags from the rows to the Cpu, and the flags back. */
void tiny_fp_from_state(Cpu *c);
void tiny_fp_to_state(Cpu *c);

extern const IrHelper tiny_h_pure, tiny_h_faults, tiny_h_undef, tiny_h_reads,
    tiny_h_writes, tiny_h_io, tiny_h_table, tiny_h_enable, tiny_h_fpget,
    tiny_h_fpset, tiny_h_flush, tiny_h_retire, tiny_h_xget, tiny_h_xset,
    tiny_h_xspecial;

#endif
