/*
 * Where vectors are: guest registers, calls, and what is forgotten from one guest
 * instruction to the next. See x64-vec-alloc.c.
 */
#include "x64-alloc.h"
#include "x64-vec-emit.h"

/* --- guest registers -------------------------------------------------------------------- */

void x64_vec_get(Gen *g, unsigned reg)
{
    IrVal old = g->in_reg[reg];
    if (old != IR_NO_VAL && needed_later(g, old)) {
        /* Two values in one place: the second gets a copy. */
        unsigned t = x64_vec_scratch(g);
        x64_vec_copy_to(g, t, old);
        x64_vec_hold(g, t, false, g->n);
        return;
    }
    x64_reg_forget(g, reg);
    value(g, g->n)->reg = reg;
    g->in_reg[reg] = g->n;
}

/* The value from its register, of which it may be the upper half. */
static void store(Gen *g, HostMem m, IrVal v)
{
    if (value(g, v)->vreg >= 0 && value(g, v)->upper) {
        asm_vec_store_upper(&g->a, m, value(g, v)->vreg);
    } else {
        asm_vec_store(&g->a, m, x64_vec_use(g, v));
    }
}

void x64_vec_set(Gen *g, unsigned reg, IrVal v)
{
    if (g->in_reg[reg] != v) {
        if (value(g, v)->vreg < 0) {
            x64_vec_use(g, v);
        }
        g->vec_locked |= BIT(value(g, v)->vreg);
        if (x64_only_in_reg(g, reg)) {
            x64_rescue(g, g->in_reg[reg]);
        }
        x64_reg_forget(g, reg);
        store(g, reg_mem(g, reg), v);
        if (value(g, v)->reg < 0) {
            value(g, v)->reg = reg;
            g->in_reg[reg] = v;
        }
    }
    x64_vec_release_args(g);
}

/* --- all registers ------------------------------------------------------------------------ */

typedef void ValueFn(Gen *g, IrVal v);

static void for_all(Gen *g, ValueFn *fn)
{
    for (unsigned t = 0; t < HOST_VECS; t++) {
        IrVal halves[2] = { g->in_vec[t], g->in_upper[t] };
        for (unsigned k = 0; k < 2; k++) {
            if (halves[k] != IR_NO_VAL) {
                fn(g, halves[k]);
            }
        }
    }
}

static void forget_old(Gen *g, IrVal v)
{
    if (value(g, v)->last <= g->n) {
        x64_vec_forget(g, v);
    }
}

void x64_vec_alloc_insn(Gen *g)
{
    for_all(g, forget_old);
}

static bool is_live(const Gen *g, IrVal v)
{
    return v != IR_NO_VAL && v != g->n && needed_later(g, v);
}

bool x64_vec_is_live(Gen *g)
{
    for (unsigned t = 0; t < HOST_VECS; t++) {
        if (is_live(g, g->in_vec[t]) || is_live(g, g->in_upper[t])) {
            return true;
        }
    }
    return false;
}

static void save(Gen *g, IrVal v)
{
    if (needed_later(g, v) && value(g, v)->reg < 0) {
        x64_vec_spill(g, v);
    }
}

void x64_vec_save_for_call(Gen *g)
{
    for_all(g, save);
}

void x64_vec_after_call(Gen *g)
{
    for_all(g, x64_vec_forget);
}
