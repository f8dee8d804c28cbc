/*
 * Numbers of 80 bits: the host's register stack, with the values that are on it.
 * See x64-x80.c.
 */
#include "x64-x80-stack.h"

unsigned x64_x80_place(const Gen *g, IrVal v)
{
    for (unsigned i = 0; i < g->x80.depth; i++) {
        if (g->x80.at[g->x80.depth - 1 - i] == v) {
            return i;
        }
    }
    return NOWHERE;
}

IrVal *x64_x80_entry(Gen *g, unsigned i)
{
    return &g->x80.at[g->x80.depth - 1 - i];
}

/* Registers that have the value, and memory does not. */
uint8_t x64_x80_dirty_with(const Gen *g, IrVal v)
{
    uint8_t regs = 0;
    for (unsigned r = 0; r < X80_DEPTH; r++) {
        regs |= (g->x80.reg[r] == v) << r;
    }
    return regs & g->x80.dirty;
}

bool x64_x80_dies(Gen *g, IrVal v)
{
    return value(g, v)->last <= g->n &&
           !(x64_x80_dirty_with(g, v) & ~g->x80.over[g->n]);
}

/* Dead before this instruction already. */
static bool is_dead(Gen *g, IrVal v)
{
    return value(g, v)->last < g->n && x64_x80_dies(g, v);
}

/* It can be loaded from somewhere. */
static bool has_home(Gen *g, IrVal v)
{
    return value(g, v)->reg >= 0 || value(g, v)->slot >= 0;
}

static HostMem home(Gen *g, IrVal v)
{
    const Value *x = value(g, v);
    return x->slot >= 0 ? x64_frame(g, FRAME_SLOTS + x->slot)
                        : x80_mem(g, x->reg - first_reg(g));
}

void x64_x80_pushed(Gen *g, IrVal v)
{
    g_assert(g->x80.depth < X80_DEPTH);
    g->x80.at[g->x80.depth++] = v;
}

/* The top goes to where it is to be, if anywhere. */
void x64_x80_pop_home(Gen *g)
{
    IrVal v = *x64_x80_entry(g, 0);
    uint8_t regs = x64_x80_dirty_with(g, v);
    g->x80.depth--;
    if (regs) {
        unsigned first = __builtin_ctz(regs);
        fstp80(g, x80_mem(g, first));
        g->x80.dirty &= ~regs;
        value(g, v)->reg = first_reg(g) + first;
        for (regs &= regs - 1; regs; regs &= regs - 1) {
            fld80(g, x80_mem(g, first));
            fstp80(g, x80_mem(g, __builtin_ctz(regs)));
        }
    } else if (value(g, v)->last > g->n && !has_home(g, v)) {
        fstp80(g, x64_frame(g, FRAME_SLOTS + x64_pair_new(g, v)));
    } else {
        x80_rr(g, 0xdd, 0xd8);             /* fstp st(0) */
    }
}

void x64_x80_exchange(Gen *g, unsigned i)
{
    if (i) {
        x80_rr(g, 0xd9, 0xc8 + i);         /* fxch st(i) */
        IrVal v = *x64_x80_entry(g, i);
        *x64_x80_entry(g, i) = *x64_x80_entry(g, 0);
        *x64_x80_entry(g, 0) = v;
    }
}

/* The entry goes, and the top takes its place. */
void x64_x80_forget(Gen *g, unsigned i)
{
    x80_rr(g, 0xdd, 0xd8 + i);             /* fstp st(i) */
    *x64_x80_entry(g, i) = *x64_x80_entry(g, 0);
    g->x80.depth--;
}

/* Moves within the stack are next, and nobody sets C1 anew. */
void x64_x80_tell_c1(Gen *g)
{
    if (g->x80.told == X80_IN_HOST || g->x80.told == X80_EITHER) {
        x64_x80_tell(g);
    }
}

void x64_x80_drop_dead(Gen *g)
{
    for (unsigned i = 0; i < g->x80.depth;) {
        if (is_dead(g, *x64_x80_entry(g, i))) {
            x64_x80_forget(g, i);
            i = 0;
        } else {
            i++;
        }
    }
}

/* Which entry goes when there must be room: the deader, the better. */
static unsigned score(Gen *g, IrVal v)
{
    const Value *x = value(g, v);
    unsigned next = x->next == UINT16_MAX ? x->last : x->next;
    return is_dead(g, v) ? UINT32_MAX
                         : next + (has_home(g, v) ? 0x10000 : 0);
}

/* Room for one more; a and b stay. */
void x64_x80_make_room(Gen *g, IrVal a, IrVal b)
{
    unsigned best = NOWHERE, best_score = 0;
    if (g->x80.depth < X80_DEPTH) {
        return;
    }
    for (unsigned i = 0; i < X80_DEPTH; i++) {
        IrVal v = *x64_x80_entry(g, i);
        unsigned s = v == a || v == b ? 0 : score(g, v) | 1;
        if (s > best_score) {
            best = i;
            best_score = s;
        }
    }
    g_assert(best != NOWHERE);
    if (is_dead(g, *x64_x80_entry(g, best))) {
        x64_x80_forget(g, best);
    } else {
        x64_x80_exchange(g, best);
        /* It may be needed by this very instruction. */
        uint16_t last = value(g, *x64_x80_entry(g, 0))->last;
        value(g, *x64_x80_entry(g, 0))->last = MAX(last, g->n + 1);
        IrVal v = *x64_x80_entry(g, 0);
        x64_x80_pop_home(g);
        value(g, v)->last = last;
    }
}

/* The value is on the stack; its place. */
unsigned x64_x80_use(Gen *g, IrVal v, IrVal other)
{
    unsigned i = x64_x80_place(g, v);
    if (i == NOWHERE) {
        x64_x80_make_room(g, v, other);
        fld80(g, home(g, v));
        x64_x80_pushed(g, v);
        i = 0;
    }
    return i;
}

/* The value is on top: itself if it dies, else a copy, which is to become the
 * present instruction's. */
void x64_x80_use_up(Gen *g, IrVal v, IrVal other)
{
    unsigned i = x64_x80_use(g, v, other);
    if (x64_x80_dies(g, v)) {
        x64_x80_exchange(g, i);
    } else {
        x64_x80_make_room(g, v, other);
        x80_rr(g, 0xd9, 0xc0 + x64_x80_place(g, v)); /* fld st(i) */
        x64_x80_pushed(g, v);
    }
}
