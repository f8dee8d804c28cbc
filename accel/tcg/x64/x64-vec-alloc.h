/*
 * Where vectors are: what x64-vec-alloc.c, x64-vec-regs.c and x64-vec-pair.c offer.
 * Included by x64-gen.h.
 */
#ifndef ACCEL_TCG_X64_VEC_ALLOC_H
#define ACCEL_TCG_X64_VEC_ALLOC_H

#include "x64-emit.h"
#include "x64-value.h"

typedef struct Gen Gen;

/* --- x64-vec-alloc.c -------------------------------------------------------------------- */

void x64_vec_alloc_begin(Gen *g);
/* The value in an XMM register, locked. */
unsigned x64_vec_use(Gen *g, IrVal v);
/* The value into a register that holds none. */
void x64_vec_copy_to(Gen *g, unsigned host, IrVal v);
/* An operand of a VEX instruction: in memory (reg HOST_NONE) where it is in no
 * register and has no later use. */
typedef struct VecSrc {
    uint8_t reg;
    HostMem mem;
} VecSrc;
VecSrc x64_vec_src(Gen *g, IrVal v);
/* A free register, locked. */
unsigned x64_vec_scratch(Gen *g);
/* Frees that register, whose values move elsewhere, and locks it. */
void x64_vec_take(Gen *g, unsigned host);
/* x64_release_args(), and registers of vectors likewise. */
void x64_vec_release_args(Gen *g);
/* Where the present instruction's result goes, and that of the other half if it
 * makes both: into `prefer` if that is free. Locked registers are not chosen. */
unsigned x64_vec_def(Gen *g, unsigned prefer);
void x64_vec_def_end(Gen *g);
/* The value is (not any more) in that register, or its upper half. */
void x64_vec_hold(Gen *g, unsigned host, bool upper, IrVal v);
void x64_vec_forget(Gen *g, IrVal v);
/* Two slots for a value of 16 bytes; the first. */
unsigned x64_pair_new(Gen *g, IrVal v);
/* The value gets slots, if it has none. */
void x64_vec_spill(Gen *g, IrVal v);
/* host = a vector of which both halves are imm; of wide: all four quarters. */
void x64_vec_constant(Gen *g, unsigned host, uint64_t imm, bool wide);

/* --- x64-vec-regs.c --------------------------------------------------------------------- */

void x64_vec_get(Gen *g, unsigned reg);
void x64_vec_set(Gen *g, unsigned reg, IrVal v);
/* A call is next, or was: no register survives. */
void x64_vec_save_for_call(Gen *g);
void x64_vec_after_call(Gen *g);
/* A guest instruction begins: frees registers of what is not needed. */
void x64_vec_alloc_insn(Gen *g);
/* True if a register has a value that is needed behind this instruction. */
bool x64_vec_is_live(Gen *g);

/* --- x64-vec-pair.c --------------------------------------------------------------------- */

/* Two vectors as the halves of a YMM register, locked. */
unsigned x64_vec_both(Gen *g, IrVal low, IrVal high);
/* Slow paths of loads and stores of 32 bytes, as tlb_load_vec() is. */
void x64_load_pair_slow(Cpu *cpu, GuestAddr va, V128 *out, IrMem mem);
void x64_store_pair_slow(Cpu *cpu, GuestAddr va, const V128 *v, IrMem mem);

/* --- x64-vec.c ---------------------------------------------------------------------------- */

/* Compiles VEC, FVEC and FVECX. */
void x64_vec(Gen *g, const IrInst *i);

#endif
