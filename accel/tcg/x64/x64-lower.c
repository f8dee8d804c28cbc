/*
 * Lowering: what can be decided about a block before registers are.
 *
 * Values of which only the low half is wanted are computed with 32-bit
 * instructions, which also clear the upper half; so most extensions cost
 * nothing and become aliases. Sums end up in the addressing modes of loads,
 * stores and LEA. And it is found out which values will soon be SET to a
 * pinned register, so that they are computed in it.
 */
#include "x64-lower.h"

bool x64_const(const Gen *g, IrVal v, uint64_t *out)
{
    const IrInst *i = inst(g, x64_root(g, v));
    if (i->op == IR_CONST) {
        *out = i->imm;
    }
    return i->op == IR_CONST;
}

/* --- lazy values ------------------------------------------------------------------- */

void x64_leaves(Gen *g, IrVal v, LeafFn *fn, void *opaque)
{
    const IrInst *i = inst(g, v);
    if (g->val[v].stamp == g->stamp) {
        return;
    }
    g->val[v].stamp = g->stamp;
    if (!i->lazy) {
        fn(g, v, opaque);
        return;
    }
    for (unsigned k = 0; k < i->nargs; k++) {
        x64_leaves(g, i->arg[k], fn, opaque);
    }
}

/* Walks over all frame states, each value once. */
void x64_all_leaves(Gen *g, LeafFn *fn)
{
    g->stamp++;
    for (guint k = 0; k < g->ir->frames->len; k++) {
        x64_leaves(g, frame_row(g, k)->value, fn, NULL);
    }
}

/* --- addressing modes --------------------------------------------------------------- */

/* ADD with cond 1 is LEA: arg0 + (arg1 << mem) + imm. */
static bool is_shifted_index(const Gen *g, IrVal v, uint64_t *scale)
{
    const IrInst *i = inst(g, v);
    return i->op == IR_SHL && g->val[v].uses == 1 &&
           x64_const(g, i->arg[1], scale) && *scale >= 1 && *scale <= 3;
}

static void take_index(Gen *g, IrInst *i)
{
    uint64_t scale;
    if (is_shifted_index(g, i->arg[0], &scale)) {
        IrVal t = i->arg[0];
        i->arg[0] = i->arg[1];
        i->arg[1] = t;
    }
    uint64_t unused;
    if (!is_shifted_index(g, i->arg[1], &scale) ||
        x64_const(g, i->arg[0], &unused)) {
        return;
    }
    g->val[i->arg[1]].form = FORM_NONE;
    i->arg[1] = inst(g, i->arg[1])->arg[0];
    i->cond = 1;
    i->mem = scale;
}

static void take_displacement(Gen *g, IrInst *i)
{
    uint64_t disp, unused;
    const IrInst *a = inst(g, i->arg[0]);
    if (i->cond || !x64_const(g, i->arg[1], &disp) || !fits32(disp) ||
        a->op != IR_ADD || g->val[i->arg[0]].uses != 1 ||
        g->val[i->arg[0]].form != FORM_OP || a->imm ||
        x64_const(g, a->arg[1], &unused)) {
        return;
    }
    g->val[i->arg[0]].form = FORM_NONE;
    i->arg[0] = a->arg[0];
    i->arg[1] = a->arg[1];
    i->mem = a->mem;
    i->cond = 1;
    i->imm = disp;
}

/* The address of a load or store is base + imm. */
static void take_base(Gen *g, IrInst *i)
{
    IrVal v = i->arg[0];
    const IrInst *a = inst(g, v);
    uint64_t disp;
    i->imm = 0;
    if (a->op == IR_ADD && !a->cond && !g->val[v].narrow &&
        g->val[v].uses == g->val[v].address_uses &&
        x64_const(g, a->arg[1], &disp) && fits32(disp) &&
        fits32(disp + GROUP_BYTES) && fits32(disp - GROUP_BYTES)) {
        g->val[v].form = FORM_NONE;
        i->arg[0] = a->arg[0];
        i->imm = disp;
    }
}

static void find_addressing(Gen *g)
{
    for (unsigned n = 0; n < g->count; n++) {
        IrInst *i = &g->inst[n];
        if (i->op == IR_ADD && g->val[n].form == FORM_OP) {
            i->cond = 0;
            i->imm = 0;
            i->mem = 0;
            if (g->val[n].address_uses != g->val[n].uses ||
                g->val[n].narrow) {
                take_displacement(g, i);
            }
            if (!i->cond) {
                take_index(g, i);
            }
        } else if (i->op == IR_LD || i->op == IR_ST) {
            take_base(g, i);
        }
    }
}

/* --- lives ------------------------------------------------------------------------------ */

/* What the shortcuts above have left without a user. */
static void drop_unused(Gen *g)
{
    for (unsigned n = g->count; n-- > 0;) {
        const IrInst *i = inst(g, n);
        Value *v = &g->val[n];
        bool pure = ir_is_pure(i) || i->op == IR_GET;
        const Value *second = x64_other_half(g, n);
        if (!pure || v->uses || v->form != FORM_OP ||
            (second && second->uses)) {
            continue;
        }
        v->form = FORM_NONE;
        for (unsigned k = 0; k < i->nargs; k++) {
            g->val[i->arg[k]].uses--;
        }
        for (unsigned k = 0; k < x64_operands(g, n) - i->nargs; k++) {
            g->val[x64_operand(g, n, i->nargs + k)].uses--;
        }
    }
}

static void find_uses(Gen *g)
{
    for (unsigned n = g->count; n-- > 0;) {
        if (g->val[n].form != FORM_OP) {
            continue;
        }
        unsigned operands = x64_operands(g, n);
        for (unsigned k = 0; k < operands; k++) {
            *x64_next_use(g, n, k) = g->val[x64_operand(g, n, k)].next;
        }
        for (unsigned k = 0; k < operands; k++) {
            Value *v = &g->val[x64_operand(g, n, k)];
            v->next = n;
            v->last = MAX(v->last, n);
        }
    }
}

static bool may_fault(const Gen *g, const IrInst *i)
{
    return i->op == IR_LD || i->op == IR_ST || i->op == IR_CANON ||
           i->op == IR_FVECX ||
           (i->op == IR_CALL && helper(g, i)->effects);
}

static void extend_life(Gen *g, IrVal v, void *end)
{
    Value *x = &g->val[x64_root(g, v)];
    x->last = MAX(x->last, *(unsigned *)end);
}

/* What a frame state names must be there until the last op of its instruction
 * that may fault. */
static void extend_lives(Gen *g)
{
    unsigned end = 0;
    guint left = g->ir->frames->len;
    for (unsigned n = g->count; n-- > 0;) {
        if (may_fault(g, inst(g, n)) && !end) {
            end = n;
        }
        if (inst(g, n)->op != IR_INSN) {
            continue;
        }
        g->stamp++;
        for (; left && frame_row(g, left - 1)->insn == inst(g, n)->imm;
             left--) {
            x64_leaves(g, frame_row(g, left - 1)->value, extend_life, &end);
        }
        end = 0;
    }
}

static bool is_barrier(const Gen *g, const IrInst *i)
{
    return may_fault(g, i) || i->op == IR_EXIT_IF || i->op == IR_EXIT ||
           i->op == IR_LDENV || i->op == IR_STENV;
}

/* A value may be computed in the pin it will be SET to if nobody can look at
 * the register in between. */
static void find_hints(Gen *g)
{
    IrVal coming[PINS];
    memset(coming, 0xff, sizeof coming);
    for (unsigned n = g->count; n-- > 0;) {
        const IrInst *i = inst(g, n);
        for (unsigned p = 0; p < PINS && g->val[n].form == FORM_OP; p++) {
            if (coming[p] == n) {
                g->val[n].hint = p;
            }
        }
        if (is_barrier(g, i)) {
            memset(coming, 0xff, sizeof coming);
        }
        if ((i->op == IR_SET || i->op == IR_GET) &&
            g->x->pin_of[i->imm] != NO_PIN) {
            coming[g->x->pin_of[i->imm]] =
                i->op == IR_SET ? x64_root(g, i->arg[0]) : IR_NO_VAL;
        }
    }
}

void x64_lower(Gen *g)
{
    g->vectors = false;
    for (unsigned n = 0; n < g->count; n++) {
        g->val[n] = (Value){ .root = n, .next = UINT16_MAX, .hint = NO_PIN,
                             .temp = HOST_NONE, .reg = -1, .slot = -1,
                             .vreg = -1, .twin = IR_NO_VAL };
        g->vectors |= inst(g, n)->type == IR_V128;
    }
    x64_skip_extensions(g);
    x64_find_narrow(g);
    x64_find_roots(g);
    x64_number_values(g);
    if (g->vectors && g->x->pairs) {
        x64_find_pairs(g);
    }
    drop_unused(g);
    x64_find_groups(g);
    find_addressing(g);
    find_uses(g);
    extend_lives(g);
    find_hints(g);
}
