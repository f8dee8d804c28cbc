/*
 * Numbers of 80 bits: guest registers, which are stored when somebody may look.
 * See x64-x80.c.
 */
#include "x64-x80-stack.h"

static void leave_regs(Gen *g, uint8_t regs);

void x64_x80_get(Gen *g, unsigned r)
{
    IrVal old = g->x80.reg[r];
    unsigned i = old == entry_value(g, r) ? x64_x80_place(g, old) : NOWHERE;
    if (i != NOWHERE) {
        *x64_x80_entry(g, i) = g->n;
        g->x80.reg[r] = g->n;
        return;
    }
    if (old != IR_NO_VAL && old != entry_value(g, r)) {
        x64_x80_flush(g);              /* two values in one place */
        leave_regs(g, 1u << r);
    }
    g->x80.reg[r] = g->n;
    value(g, g->n)->reg = first_reg(g) + r;
}

/* The value loses its place in register r, which is about to change. */
static void rescue(Gen *g, unsigned r)
{
    IrVal old = g->x80.reg[r];
    if (old == IR_NO_VAL || value(g, old)->reg != (int)(first_reg(g) + r)) {
        return;
    }
    bool needed = value(g, old)->last > g->n && value(g, old)->slot < 0 &&
                  x64_x80_place(g, old) == NOWHERE;
    if (needed) {
        x64_x80_ensure(g);
        x64_x80_tell_c1(g);
        x64_x80_make_room(g, old, IR_NO_VAL);
        fld80(g, x80_mem(g, r));
        x64_x80_pushed(g, old);
    }
    value(g, old)->reg = -1;
}

void x64_x80_set(Gen *g, unsigned r, IrVal v)
{
    if (g->x80.reg[r] == v) {
        return;
    }
    rescue(g, r);
    if (x64_x80_place(g, v) == NOWHERE) {
        x64_x80_ensure(g);
        x64_x80_tell_c1(g);
        x64_x80_use(g, v, IR_NO_VAL);
    }
    g->x80.reg[r] = v;
    g->x80.dirty |= 1u << r;
}

void x64_x80_after_call(Gen *g, bool writes)
{
    if (g->x80.used && writes) {
        memset(g->x80.reg, 0xff, sizeof g->x80.reg);
    }
}

void x64_x80_flush(Gen *g)
{
    if (!g->x80.used) {
        return;
    }
    x64_x80_tell(g);
    while (g->x80.depth) {
        x64_x80_pop_home(g);
    }
}

/* Values in guest registers' places move to slots: those may change. */
static void leave_regs(Gen *g, uint8_t regs)
{
    for (; regs; regs &= regs - 1) {
        unsigned r = __builtin_ctz(regs);
        IrVal v = g->x80.reg[r];
        g->x80.reg[r] = IR_NO_VAL;
        if (v == IR_NO_VAL || value(g, v)->reg != (int)(first_reg(g) + r)) {
            continue;
        }
        if (value(g, v)->last > g->n && value(g, v)->slot < 0) {
            fld80(g, x80_mem(g, r));
            fstp80(g, x64_frame(g, FRAME_SLOTS + x64_pair_new(g, v)));
        }
        value(g, v)->reg = -1;
    }
}

void x64_x80_save_for_call(Gen *g, bool writes)
{
    x64_x80_flush(g);
    if (g->x80.used && writes) {
        leave_regs(g, 0xff);
    }
}

static uint8_t overlapped(const Gen *g, const IrInst *i)
{
    uint8_t regs = 0;
    for (unsigned r = 0; r < g->x->x80_count; r++) {
        regs |= ir_env_overlaps(g->ir, i, first_reg(g) + r) << r;
    }
    return regs;
}

static bool is_flags(const IrInst *i)
{
    size_t at = offsetof(Cpu, fp80);
    return i->imm + ir_mem_size(i->mem) > at &&
           i->imm < at + sizeof(SfEnv);
}

void x64_x80_env_read(Gen *g, const IrInst *i)
{
    if (!g->x80.used) {
        return;
    }
    if (overlapped(g, i)) {
        x64_x80_flush(g);
    } else if (is_flags(i)) {
        x64_x80_tell(g);
    }
}

void x64_x80_env_before_write(Gen *g, const IrInst *i)
{
    x64_x80_env_read(g, i);
    if (g->x80.used) {
        leave_regs(g, overlapped(g, i));
    }
}
