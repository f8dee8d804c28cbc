/* What the rooms of simple ops share: x64-ops.c, x64-bits.c, x64-compare.c. */
#ifndef ACCEL_TCG_X64_OPS_H
#define ACCEL_TCG_X64_OPS_H

#include "x64-gen.h"

static inline bool op_is_wide(const Gen *g)
{
    return !g->val[g->n].narrow;
}

static inline bool type_is_wide(const IrInst *i)
{
    return i->type == IR_I64;
}

static inline bool is_reg(Src s, unsigned host)
{
    return s.kind == SRC_REG && s.reg == host;
}

static inline unsigned prefer_reg(Src s)
{
    return s.kind == SRC_REG ? s.reg : HOST_NONE;
}

/* A move that need not clear the upper half. */
void x64_move_if_other(Gen *g, bool wide, unsigned host, Src s);
/* host = host alu s, by an ALU_*. */
void x64_alu_src(Gen *g, unsigned alu, bool wide, unsigned host, Src s);
/* Counts of bits, extensions and fields; false: not one of those. */
bool x64_bits(Gen *g, const IrInst *i);
/* SETCOND and SELECT; false: not one of those. */
bool x64_condition(Gen *g, const IrInst *i);

#endif
