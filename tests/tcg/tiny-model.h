/*
 * What the rooms of the plain made-up processor have in common:
 *
 *   tiny-model.c         instructions, traps, interrupts
 *   tiny-model-memory.c  every access
 *   tiny-model-alu.c     integers
 *   tiny-model-big.c     vectors and numbers of 80 bits
 */
#ifndef TESTS_TCG_TINY_MODEL_H
#define TESTS_TCG_TINY_MODEL_H

#include "tiny.h"

/* An instruction under way. */
typedef struct Step {
    TinyModel *m;
    uint64_t cause;        /* of the trap, or 0 */
    MmuAccess access;
    uint64_t code_page;    /* fetched from in this instruction … */
    uint64_t code_phys;    /* … and where it is */
} Step;

/* --- tiny-model.c ------------------------------------------------------------------ */

/* Of a load or store. */
uint64_t model_address(const TinyState *s, const TinyInsn *in);

/* --- tiny-model-memory.c: false, or cause is set: it trapped ------------------------- */

/* Where each byte of an access is; one entry if it is within a page. */
bool model_resolve(Step *st, uint64_t va, unsigned size, MmuAccess access,
                   uint64_t *pa);
bool model_ld(Step *st, uint64_t va, unsigned size, uint64_t *v);
bool model_st(Step *st, uint64_t va, uint64_t v, unsigned size);
/* The same of up to 16 bytes. */
bool model_access(Step *st, uint64_t va, IrMem mem, uint64_t *v,
                  MmuAccess access);
void model_phys_st(TinyModel *m, uint64_t pa, uint64_t v, unsigned size);
/* A byte of code; opaque: the Step. */
uint8_t model_fetch(void *opaque, unsigned offset);

/* --- tiny-model-alu.c --------------------------------------------------------------- */

bool model_holds(unsigned cond, uint64_t a, uint64_t b, unsigned bits);
/* ALU and ALUI; b: the second operand. */
void model_alu(TinyState *s, const TinyInsn *in, uint64_t b);

/* --- tiny-model-big.c: false: it trapped -------------------------------------------- */

bool model_vec(Step *st, const TinyInsn *in);
bool model_vector_memory(Step *st, const TinyInsn *in);
void model_xop(TinyState *s, const TinyInsn *in);
bool model_x80_memory(Step *st, const TinyInsn *in);

#endif
