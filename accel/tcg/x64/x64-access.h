/*
 * What the rooms of guest memory share: x64-memory.c (loads and stores),
 * x64-probe.c (the TLB, inline), x64-slow.c (an access's cold part).
 */
#ifndef ACCEL_TCG_X64_ACCESS_H
#define ACCEL_TCG_X64_ACCESS_H

#include "x64-gen.h"
#include "x64-vec-emit.h"

/* An access being compiled. */
typedef struct Access {
    const IrInst *i;
    MmuAccess kind;
    MmuAccess asks;        /* what its page must be good for */
    unsigned size, mode;
    bool constant;         /* the address is va */
    uint64_t va;
    unsigned base;         /* else it is base + i->imm */
    int32_t from, to;      /* bytes to probe for, relative to the address */
    unsigned s1, s2;       /* scratch */
    uint8_t *unaligned;    /* rel32 of the jump for such addresses, or NULL */
} Access;

static inline bool is_vector(const IrInst *i)
{
    return i->type == IR_V128;
}

/* Both halves of 32 bytes at once. */
static inline bool is_pair(const Gen *g, const IrInst *i)
{
    return g->val[i - g->inst].pair == PAIR_MEMORY;
}

static inline bool is_big(const IrInst *i)
{
    return ir_is_big(i->type);
}

/* ORDER load-op: [sign-extends][log2 of the size] */
extern const uint32_t x64_load_ops[2][4];

/* --- x64-memory.c ----------------------------------------------------------------- */

/* dst = what is at m, extended as the load asks for. */
void x64_load_value(Gen *g, const IrInst *i, unsigned dst, HostMem m);
/* Vectors of 4, 8 or 16 bytes, or two of them. */
void x64_load_vector(Gen *g, const IrInst *i, unsigned dst, HostMem m);
void x64_store_vector(Gen *g, const IrInst *i, HostMem m, unsigned src);

/* --- x64-probe.c ------------------------------------------------------------------ */

void x64_access_begin(Gen *g, const IrInst *i, MmuAccess kind, Access *a);
/* Emits the probe up to the jump to the cold part; the host's address of the
 * bytes is the result. */
HostMem x64_access_host(Gen *g, Access *a, uint8_t **miss);
/* The probe alone: the flags say whether it hit; and what is done then. */
void x64_probe(Gen *g, const Access *a);
/* The host's address minus the guest's, into s1. */
void x64_load_addend(Gen *g, const Access *a);
/* Notes the lines of a store at base + its offset that has hit the TLB. */
void x64_note_lines(Gen *g, const Access *a, unsigned scratch);

/* --- x64-slow.c ------------------------------------------------------------------- */

/* 64 bits to memory, without a register. */
void x64_store_imm64(Gen *g, HostMem m, uint64_t v);
/* The access's cold part; what it does not know yet is the caller's to fill in. */
Cold *x64_access_cold(Gen *g, const Access *a, uint8_t *miss, unsigned site);
/* The rest is known. */
void x64_access_end(Gen *g, const Access *a, Cold *c);

#endif
