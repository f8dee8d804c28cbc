/*
 * What the rooms of register allocation share: x64-alloc.c (values), x64-regs.c
 * (guest registers), x64-site.c (frame states).
 */
#ifndef ACCEL_TCG_X64_ALLOC_H
#define ACCEL_TCG_X64_ALLOC_H

#include "x64-gen.h"

static inline Value *value(Gen *g, IrVal v)
{
    return &g->val[v];
}

static inline bool is_wide(const Gen *g, IrVal v)
{
    return g->inst[v].type == IR_I64;
}

static inline bool needed_later(const Gen *g, IrVal v)
{
    return g->val[v].last > g->n;
}

static inline const IrReg *guest_reg(const Gen *g, unsigned reg)
{
    return &g->ir->cls->regs[reg];
}

static inline HostMem reg_mem(const Gen *g, unsigned reg)
{
    return x64_env(g, guest_reg(g, reg)->offset);
}

static inline HostMem slot_mem(const Gen *g, unsigned slot)
{
    return x64_frame(g, FRAME_SLOTS + slot);
}

/* Where in its class the value is not any more, and is. */
void x64_temp_forget(Gen *g, unsigned host);
void x64_temp_hold(Gen *g, unsigned host, IrVal v);
void x64_pin_forget(Gen *g, unsigned pin);
/* True if the value can be had again without a temporary. */
bool x64_elsewhere(Gen *g, IrVal v);
/* A slot for the value, which is in a host register. */
void x64_spill(Gen *g, IrVal v, unsigned host);
/* The pin's old value is not needed there any more. */
bool x64_pin_is_free(Gen *g, unsigned pin);
/* Stores a pin that is newer than memory. */
void x64_sync_pin(Gen *g, unsigned pin);
/* Guest registers whose places may have values. */
unsigned x64_regs_in_use(const Gen *g);

/* A call that may change guest registers is next: values in their places move to
 * slots. Behind it: the pins (all, or those that calls change) come back. */
void x64_save_regs(Gen *g);
void x64_reload_pins(Gen *g, bool all);

static inline unsigned pin_host_of(const Value *x)
{
    return x64_pin_host[__builtin_ctz(x->pins)];
}


#endif
