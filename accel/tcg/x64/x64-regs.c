/*
 * Register allocation: guest registers, in pins and in the CPU struct; what C
 * code sees of them, and what becomes of values when it may change them.
 */
#include "x64-alloc.h"

/* --- guest registers ----------------------------------------------------------------- */

void x64_get(Gen *g, unsigned reg)
{
    int pin = g->x->pin_of[reg];
    IrVal *holder = pin == NO_PIN ? &g->in_reg[reg] : &g->in_pin[pin];
    if (*holder != IR_NO_VAL && needed_later(g, *holder)) {
        /* Two values in one place: the second gets a copy. */
        unsigned t = x64_scratch(g);
        x64_copy_to(g, t, *holder);
        x64_temp_hold(g, t, g->n);
        return;
    }
    if (pin == NO_PIN) {
        x64_reg_forget(g, reg);
        value(g, g->n)->reg = reg;
    } else {
        x64_pin_forget(g, pin);
        value(g, g->n)->pins |= BIT(pin);
    }
    *holder = g->n;
}

/* A value that is about to lose its only place moves to a temporary. */
void x64_rescue(Gen *g, IrVal v)
{
    if (g->inst[v].type == IR_V128) {
        uint16_t locked = g->vec_locked;
        x64_vec_use(g, v);
        g->vec_locked = locked;
        return;
    }
    unsigned t = x64_scratch(g);
    x64_copy_to(g, t, v);
    x64_temp_hold(g, t, v);
    g->locked &= ~BIT(t);
}

static void set_pin(Gen *g, unsigned pin, IrVal v)
{
    IrVal old = g->in_pin[pin];
    if (old == v) {
        return;
    }
    if (!x64_pin_is_free(g, pin)) {
        g->locked |= value(g, v)->temp < HOST_REGS ? BIT(value(g, v)->temp)
                                                   : 0;
        x64_rescue(g, old);
    }
    x64_pin_forget(g, pin);
    x64_copy_to(g, x64_pin_host[pin], v);
    g->in_pin[pin] = v;
    value(g, v)->pins |= BIT(pin);
    g->dirty |= BIT(pin);
    if (value(g, v)->temp != HOST_NONE) {
        x64_temp_forget(g, value(g, v)->temp); /* the pin is as good */
    }
}

bool x64_only_in_reg(Gen *g, unsigned reg)
{
    IrVal old = g->in_reg[reg];
    if (old == IR_NO_VAL || !needed_later(g, old)) {
        return false;
    }
    const Value *x = value(g, old);
    return x->temp == HOST_NONE && !x->pins && x->slot < 0 && x->vreg < 0;
}

static void set_memory(Gen *g, unsigned reg, IrVal v)
{
    if (g->in_reg[reg] == v) {
        return;
    }
    bool wide = guest_reg(g, reg)->type == IR_I64;
    Src s = x64_src(g, v, wide);
    if (s.kind == SRC_MEM) {
        s.reg = x64_use(g, v);
    }
    if (x64_only_in_reg(g, reg)) {
        x64_rescue(g, g->in_reg[reg]);
    }
    x64_reg_forget(g, reg);
    if (s.kind == SRC_IMM) {
        asm_store_imm(&g->a, wide ? 3 : 2, reg_mem(g, reg), s.imm);
    } else {
        asm_store(&g->a, wide, reg_mem(g, reg), s.reg);
    }
    /* A value of another type than its register's lost half of itself. */
    if (value(g, v)->reg < 0 && is_wide(g, v) == wide) {
        value(g, v)->reg = reg;
        g->in_reg[reg] = v;
    }
}

void x64_set(Gen *g, unsigned reg, IrVal v)
{
    int pin = g->x->pin_of[reg];
    if (pin == NO_PIN) {
        set_memory(g, reg, v);
    } else {
        set_pin(g, pin, v);
    }
    x64_release_args(g);
}

/* --- what C code sees ------------------------------------------------------------------ */

void x64_sync_pin(Gen *g, unsigned pin)
{
    if (g->dirty & BIT(pin)) {
        asm_store(&g->a, true, reg_mem(g, g->x->pin_reg[pin]),
                  x64_pin_host[pin]);
        g->dirty &= ~BIT(pin);
    }
}

void x64_sync_pins(Gen *g, bool all)
{
    for (unsigned p = 0; p < g->x->pin_count; p++) {
        if (all || PIN_IS_VOLATILE(x64_pin_host[p])) {
            x64_sync_pin(g, p);
        }
    }
}

/* Guest registers whose places may have values. */
unsigned x64_regs_in_use(const Gen *g)
{
    return g->vectors ? g->ir->cls->reg_count : g->x->int_regs;
}

static bool must_be_saved(Gen *g, IrVal v)
{
    return v != IR_NO_VAL && needed_later(g, v) && value(g, v)->slot < 0 &&
           g->inst[v].op != IR_CONST;
}

void x64_save_regs(Gen *g)
{
    for (unsigned p = 0; p < g->x->pin_count; p++) {
        if (must_be_saved(g, g->in_pin[p])) {
            x64_spill(g, g->in_pin[p], x64_pin_host[p]);
        }
    }
    for (unsigned r = 0; r < x64_regs_in_use(g); r++) {
        if (must_be_saved(g, g->in_reg[r])) {
            if (g->inst[g->in_reg[r]].type == IR_V128) {
                x64_vec_spill(g, g->in_reg[r]);
                continue;
            }
            uint32_t locked = g->locked;
            x64_spill(g, g->in_reg[r], x64_use(g, g->in_reg[r]));
            g->locked = locked;
        }
    }
}

void x64_reload_pins(Gen *g, bool all)
{
    for (unsigned p = 0; p < g->x->pin_count; p++) {
        if (all || PIN_IS_VOLATILE(x64_pin_host[p])) {
            asm_load(&g->a, true, x64_pin_host[p],
                     reg_mem(g, g->x->pin_reg[p]));
        }
        if (all) {
            x64_pin_forget(g, p);
        }
    }
}

/* --- LDENV and STENV that meet guest registers -------------------------------------------- */

void x64_env_read(Gen *g, const IrInst *i)
{
    x64_x80_env_read(g, i);
    for (unsigned p = 0; p < g->x->pin_count; p++) {
        if (ir_env_overlaps(g->ir, i, g->x->pin_reg[p])) {
            x64_sync_pin(g, p);
        }
    }
}

void x64_env_before_write(Gen *g, const IrInst *i)
{
    x64_x80_env_before_write(g, i);
    for (unsigned p = 0; p < g->x->pin_count; p++) {
        if (!ir_env_overlaps(g->ir, i, g->x->pin_reg[p])) {
            continue;
        }
        x64_sync_pin(g, p);
        if (!x64_pin_is_free(g, p)) {
            x64_rescue(g, g->in_pin[p]);
        }
        x64_pin_forget(g, p);
    }
    for (unsigned r = 0; r < x64_regs_in_use(g); r++) {
        if (g->x->pin_of[r] == NO_PIN && ir_env_overlaps(g->ir, i, r)) {
            if (x64_only_in_reg(g, r)) {
                x64_rescue(g, g->in_reg[r]);
            }
            x64_reg_forget(g, r);
        }
    }
}

void x64_env_written(Gen *g, const IrInst *i)
{
    for (unsigned p = 0; p < g->x->pin_count; p++) {
        if (ir_env_overlaps(g->ir, i, g->x->pin_reg[p])) {
            asm_load(&g->a, true, x64_pin_host[p],
                     reg_mem(g, g->x->pin_reg[p]));
        }
    }
}
