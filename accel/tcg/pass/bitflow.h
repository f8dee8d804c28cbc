/*
 * Facts about the bits of IR values, op by op; narrow.c puts them together.
 */
#ifndef ACCEL_TCG_BITFLOW_H
#define ACCEL_TCG_BITFLOW_H

#include "tb.h"

/* A block and what is known of its values so far. */
typedef struct Bits {
    GArray *insts;         /* IrInst */
    uint64_t *may;         /* per value: bits that may be one */
} Bits;

static inline IrInst *bits_inst(const Bits *x, IrVal v)
{
    return &g_array_index(x->insts, IrInst, v);
}

static inline bool bits_constant(const Bits *x, IrVal v, uint64_t *out)
{
    const IrInst *i = bits_inst(x, v);
    *out = i->imm;
    return i->op == IR_CONST;
}

static inline unsigned bits_width(const IrInst *i)
{
    return i->type == IR_I32 ? 32 : 64;
}

/* The field of an EXTRACT or DEPOSIT. */
static inline unsigned field_pos(const IrInst *i)
{
    return i->imm & 255;
}

static inline uint64_t field_mask(const IrInst *i)
{
    return bits_mask(i->imm >> 8);
}

/* Bits of a result that may be one. */
uint64_t bits_may_be(const Bits *x, const IrInst *i);
/* Bits of operand k that matter if those of the result do. The others may
 * change, but a bit that matters keeps its value, and with it what `may` says
 * of it. */
uint64_t bits_want(const Bits *x, const IrInst *i, unsigned k,
                   uint64_t wanted);

#endif
