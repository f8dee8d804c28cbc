/*
 * From TB to TB with numbers on the host's x87 stack.
 *
 * Storing a number of 80 bits costs the host ten cycles, and a loop would store
 * all that it has changed in each round. So the exits of a TB that may be chained
 * leave on the stack what is newer than memory, and a TB has a second entry that
 * expects the registers it uses there. When an exit is chained both ends are
 * known, and code between them is made where they differ: what the target does
 * not expect is stored, what it misses is loaded, and the rest is put in order.
 * All other ways out of a TB store everything, and its first entry loads.
 */
#include "x64-gen.h"

/* More than what all that takes. */
#define EDGE_BYTES 512

static X80Edges *edges_of(Gen *g)
{
    if (!g->tb->x80) {
        g->tb->x80 = g_new0(X80Edges, 1);
    }
    g->tb->x80->mode = g->x80.mode;
    return g->tb->x80;
}

void x64_x80_note_exit(Gen *g, unsigned slot, bool loops)
{
    if (g->x80.exit == X80_NOT_SAVED) {
        if (g->tb->x80) {
            g->tb->x80->exit[slot] = (X80Layout){ .told = X80_TOLD };
        }
        return;
    }
    const X80Saved *s = &g_array_index(g->x80.saved, X80Saved, g->x80.exit);
    X80Layout *l = &edges_of(g)->exit[slot];
    l->depth = s->depth;
    l->told = s->told;
    memcpy(l->regs, s->regs, sizeof l->regs);
    if (loops) {
        g->x80.end = *l;
    }
}

void x64_x80_note_entry(Gen *g, uint32_t at)
{
    edges_of(g)->entry = g->x80.entry;
    edges_of(g)->entry_at = at;
}

void x64_x80_edges_free(X80Edges *e)
{
    g_free(e);
}

/* --- code between two TBs ---------------------------------------------------------- */

typedef struct Edge {
    const X64State *x;
    Asm a;
    X80Layout now;
    uint8_t wanted;        /* registers, a bit each */
} Edge;

static HostMem reg_mem(const Edge *e, unsigned r)
{
    size_t offset = e->x->cls->regs[e->x->x80_first + r].offset;
    return host_mem(HOST_ENV, (int32_t)((int64_t)offset - e->x->bias));
}

static void fld80(Edge *e, unsigned r)
{
    asm_rm(&e->a, 0xdb, false, 5, reg_mem(e, r));
}

static void fstp80(Edge *e, unsigned r)
{
    asm_rm(&e->a, 0xdb, false, 7, reg_mem(e, r));
}

static uint8_t *at(Edge *e, unsigned i)
{
    return &e->now.regs[e->now.depth - 1 - i];
}

static void exchange(Edge *e, unsigned i)
{
    if (i) {
        asm_8(&e->a, 0xd9);
        asm_8(&e->a, 0xc8 + i);                    /* fxch st(i) */
        uint8_t regs = *at(e, i);
        *at(e, i) = *at(e, 0);
        *at(e, 0) = regs;
    }
}

/* The top goes to all its registers, and to one again if that is wanted. */
static void store_top(Edge *e)
{
    uint8_t regs = *at(e, 0), first = __builtin_ctz(regs);
    fstp80(e, first);
    for (uint8_t r = regs & (regs - 1); r; r &= r - 1) {
        fld80(e, first);
        fstp80(e, __builtin_ctz(r));
    }
    e->now.depth--;
}

/* What is not wanted, or wanted twice, is stored: the latter comes back. */
static void drop(Edge *e)
{
    for (unsigned i = 0; i < e->now.depth;) {
        uint8_t regs = *at(e, i);
        bool stays = !(regs & (regs - 1)) && (regs & e->wanted);
        if (stays) {
            i++;
        } else {
            exchange(e, i);
            store_top(e);
            i = 0;
        }
    }
}

static void fetch(Edge *e)
{
    uint8_t missing = e->wanted;
    for (unsigned i = 0; i < e->now.depth; i++) {
        missing &= ~*at(e, i);
    }
    for (; missing; missing &= missing - 1) {
        fld80(e, __builtin_ctz(missing));
        e->now.depth++;
        *at(e, 0) = missing & -missing;
    }
}

static unsigned place_in(const X80Layout *l, uint8_t reg)
{
    unsigned k = 0;
    while (l->regs[k] != reg) {
        k++;
    }
    return l->depth - 1 - k;
}

static void put_in_order(Edge *e, const X80Layout *to)
{
    for (unsigned i = 0; i < to->depth;) {
        unsigned top = place_in(to, *at(e, 0));
        if (top) {
            exchange(e, top);
        } else if (*at(e, i) != to->regs[to->depth - 1 - i]) {
            exchange(e, i);
        } else {
            i++;
        }
    }
}

static bool same_order(const X80Layout *a, const X80Layout *b)
{
    return a->depth == b->depth && !memcmp(a->regs, b->regs, a->depth);
}

/* The host's C1 becomes 0, as the guest's is. */
static void clear_c1(Edge *e)
{
    asm_8(&e->a, 0xd9);
    asm_8(&e->a, 0xc8);                            /* fxch st(0) */
}

/* Flags and C1 go to cpu->fp80. */
static void tell(Edge *e)
{
    x64_x80_tell_fixed(e->x, &e->a, e->now.told);
    e->now.told = X80_TOLD;
}

/* To nobody who has numbers on the stack. */
static void leave_stack(Edge *e)
{
    static const X80Layout nothing;
    tell(e);
    drop(e);
    g_assert(same_order(&e->now, &nothing));
}

/* Moves change C1, unless it is 0. */
static void pass_stack(Edge *e, const X80Layout *want)
{
    bool stays = e->now.told == X80_ZERO ||
                 ((e->now.told == X80_IN_HOST || e->now.told == X80_EITHER) &&
                  same_order(&e->now, want));
    if (!stays) {
        tell(e);
    }
    drop(e);
    fetch(e);
    put_in_order(e, want);
    if (e->now.told == X80_ZERO) {
        clear_c1(e);
    }
    if (e->now.told != X80_EITHER) {
        x64_x80_say(e->x, &e->a, e->now.told != X80_TOLD);
    }
}

static bool has_nothing(const X80Layout *l)
{
    return !l->depth && l->told == X80_TOLD;
}

static void edge_begin(Edge *e, X64State *x, const X80Layout *from)
{
    *e = (Edge){ .x = x, .a = { x->buf.rw + x->buf.used, x->buf.rx },
                 .now = *from };
}

uint8_t *x64_x80_edge(X64State *x, const Tb *tb, int slot, const Tb *to)
{
    const X80Edges *from = tb->x80, *next = to->x80;
    CodeBuf *buf = &x->buf;
    uint8_t *plain = (uint8_t *)to->code - buf->rx, *start = buf->rw + buf->used;
    if (!from || has_nothing(&from->exit[slot])) {
        return plain;
    }
    if (buf->used + EDGE_BYTES > buf->size) {
        return NULL;
    }
    Edge e;
    edge_begin(&e, x, &from->exit[slot]);
    if (next && next->entry.depth && next->mode == from->mode) {
        for (unsigned k = 0; k < next->entry.depth; k++) {
            e.wanted |= next->entry.regs[k];
        }
        pass_stack(&e, &next->entry);
        plain = buf->rw + next->entry_at;
    } else {
        leave_stack(&e);
    }
    if (e.a.p == start) {
        return plain;
    }
    asm_jmp_to(&e.a, plain);
    buf->used = e.a.p - buf->rw;
    return start;
}
