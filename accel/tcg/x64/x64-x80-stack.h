/*
 * The host's register stack as the rooms of numbers of 80 bits see it: x64-x80.c,
 * x64-x80-regs.c, x64-x80-ops.c, x64-x80-memory.c.
 */
#ifndef ACCEL_TCG_X64_X80_STACK_H
#define ACCEL_TCG_X64_X80_STACK_H

#include "x64-gen.h"
#include "x64-host.h"

#define NOWHERE 0xff

static inline Value *value(Gen *g, IrVal v)
{
    return &g->val[v];
}

static inline unsigned first_reg(const Gen *g)
{
    return g->x->x80_first;
}

static inline HostMem x80_mem(const Gen *g, unsigned r)
{
    return x64_env(g, g->ir->cls->regs[first_reg(g) + r].offset);
}

static inline void x80_rr(Gen *g, unsigned op, unsigned modrm)
{
    asm_8(&g->a, op);
    asm_8(&g->a, modrm);
}

static inline void x80_rm(Gen *g, unsigned op, unsigned digit, HostMem m)
{
    asm_rm(&g->a, op, false, digit, m);
}

static inline void fld80(Gen *g, HostMem m)
{
    x80_rm(g, 0xdb, 5, m);
}

static inline void fstp80(Gen *g, HostMem m)
{
    x80_rm(g, 0xdb, 7, m);
}

/* What a register of the entry holds at first: a value that no instruction of
 * the block makes. ORDER x80-entry (x64.c has room for them) */
static inline IrVal entry_value(const Gen *g, unsigned r)
{
    return g->count + r;
}

/* --- x64-x80-stack.c: in terms of values ------------------------------------------- */

/* Where it is on the stack, or NOWHERE; what is there. */
unsigned x64_x80_place(const Gen *g, IrVal v);
IrVal *x64_x80_entry(Gen *g, unsigned i);
/* Registers that have the value, and memory does not. */
uint8_t x64_x80_dirty_with(const Gen *g, IrVal v);
/* The value is on top now. */
void x64_x80_pushed(Gen *g, IrVal v);
/* The top goes to where it is to be, if anywhere. */
void x64_x80_pop_home(Gen *g);
void x64_x80_exchange(Gen *g, unsigned i);
/* The entry goes, and the top takes its place. */
void x64_x80_forget(Gen *g, unsigned i);
void x64_x80_drop_dead(Gen *g);
/* Moves within the stack are next, and nobody sets C1 anew. */
void x64_x80_tell_c1(Gen *g);
/* Room for one more; a and b stay. */
void x64_x80_make_room(Gen *g, IrVal a, IrVal b);
/* The value is on the stack; its place. */
unsigned x64_x80_use(Gen *g, IrVal v, IrVal other);
/* The value is on top: itself if it dies, else a copy, which is to become the
 * present instruction's. */
void x64_x80_use_up(Gen *g, IrVal v, IrVal other);

/* --- x64-x80-regs.c ---------------------------------------------------------------- */

void x64_x80_get(Gen *g, unsigned r);
void x64_x80_set(Gen *g, unsigned r, IrVal v);

/* --- x64-x80-ops.c ----------------------------------------------------------------- */

/* What becomes of flags and C1 by an operation of a row. */
void x64_x80_done(Gen *g, X80C1 c1);

#endif
