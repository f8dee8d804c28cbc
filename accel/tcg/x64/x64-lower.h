/*
 * What the rooms of the lowering share: x64-lower.c, x64-narrow.c,
 * x64-groups.c.
 */
#ifndef ACCEL_TCG_X64_LOWER_H
#define ACCEL_TCG_X64_LOWER_H

#include "x64-gen.h"

static inline const IrInst *inst(const Gen *g, unsigned n)
{
    return &g->inst[n];
}

static inline const IrHelper *helper(const Gen *g, const IrInst *i)
{
    return g_ptr_array_index(g->ir->helpers, i->imm);
}

static inline const IrFrame *frame_row(const Gen *g, guint n)
{
    return &g_array_index(g->ir->frames, IrFrame, n);
}

/* Walks over all frame states, each value once. */
void x64_all_leaves(Gen *g, LeafFn *fn);

/* --- x64-narrow.c ----------------------------------------------------------------- */

/* Drops extensions that a store or a field would cut off. */
void x64_skip_extensions(Gen *g);
/* Which values are wanted in 32 bits only. */
void x64_find_narrow(Gen *g);
/* Which values share a place, and how often each is used. */
void x64_find_roots(Gen *g);

/* --- x64-groups.c ----------------------------------------------------------------- */

#define GROUP_BYTES 256    /* longest range */

/* An address as base + offset. */
typedef struct Place {
    IrVal base;
    bool narrow;
    int64_t offset;
} Place;

/* Finds values that are computed the same way. */
void x64_number_values(Gen *g);
/* What an access's address is made of; behind x64_number_values(). */
Place x64_place_of(const Gen *g, const IrInst *access);
/* Which accesses share a probe of the TLB. */
void x64_find_groups(Gen *g);

/* --- x64-pair.c ------------------------------------------------------------------- */

/* Which values and operations are halves of what the host does at once. */
void x64_find_pairs(Gen *g);

#endif
