/*
 * Lowering: registers of 32 bytes. The IR has them as two vectors, their halves,
 * and two operations; where the host does both at once, the second is left to
 * the first. A value and its twin are the halves of one such register, mostly
 * in one YMM register, which nothing but speed depends on: halves may part, and
 * any two vectors may be brought together again (x64-vec-pair.c).
 */
#include "x64-lower.h"
#include "x64-vec.h"

/* The halves' operations are that near to each other. */
#define PAIR_GAP 24

typedef struct Pairs {
    Gen *g;
    IrVal got[UINT8_MAX + 1]; /* by register: its value, when that was read */
} Pairs;

/* Where a value is computed. */
static IrVal made_at(const Gen *g, IrVal v)
{
    const Value *x = &g->val[v];
    return x->second ? x->twin : v;
}

static void join(Gen *g, IrVal first, IrVal second, PairKind kind)
{
    g->val[first].twin = second;
    g->val[second].twin = first;
    g->val[second].second = true;
    g->val[first].pair = kind;
}

static bool are_twins(const Gen *g, IrVal a, IrVal b)
{
    return g->val[a].twin == b && !g->val[a].second;
}

static bool same_constant(const Gen *g, IrVal a, IrVal b)
{
    uint64_t x, y;
    return x64_const(g, a, &x) && x64_const(g, b, &y) && x == y;
}

/* --- registers ------------------------------------------------------------------ */

static void see_get(Pairs *p, unsigned n)
{
    Gen *g = p->g;
    const IrReg *regs = g->ir->cls->regs;
    unsigned reg = inst(g, n)->imm, other = regs[reg].upper;
    bool lower = other;
    for (unsigned r = 0; !other && r < reg; r++) {
        other = regs[r].upper == reg ? r : 0;
    }
    p->got[reg] = n;
    if (other && p->got[other] != IR_NO_VAL) {
        join(g, lower ? n : p->got[other], lower ? p->got[other] : n,
             PAIR_NONE);
        p->got[reg] = p->got[other] = IR_NO_VAL;
    }
}

/* --- memory --------------------------------------------------------------------- */

/* True if access m is the other half of n. */
static bool is_other_half(const Gen *g, unsigned n, unsigned m)
{
    const IrInst *a = inst(g, n), *b = inst(g, m);
    if (a->op != b->op || b->type != IR_V128 ||
        b->mem != (a->mem & ~(IR_MEM_PAIR | IR_MEM_ALIGN))) {
        return false;
    }
    uint64_t at, next;
    if (x64_const(g, a->arg[0], &at)) {
        return x64_const(g, b->arg[0], &next) && next == at + 16;
    }
    Place x = x64_place_of(g, a), y = x64_place_of(g, b);
    return x.base == y.base && !x.narrow && !y.narrow &&
           y.offset == x.offset + 16;
}

static void see_access(Gen *g, unsigned n)
{
    const IrInst *i = inst(g, n);
    if (!(i->mem & IR_MEM_PAIR)) {
        return;
    }
    for (unsigned m = n + 1; m < g->count && m < n + PAIR_GAP; m++) {
        if (inst(g, m)->op == IR_INSN) {
            return;
        }
        if (g->val[m].form == FORM_OP && is_other_half(g, n, m) &&
            (i->op == IR_LD || made_at(g, inst(g, m)->arg[1]) < n)) {
            IrVal address = inst(g, m)->arg[0];
            join(g, n, m, PAIR_MEMORY);
            g->val[m].form = FORM_NONE;
            g->val[address].uses--;
            g->val[address].address_uses--;
            return;
        }
    }
}

/* --- operations ------------------------------------------------------------------ */

/* How operand k of the two halves' operations is: halves of one register,
 * anything else that can be brought together, or not what the kind wants. */
typedef enum Match { MATCH_NO, MATCH_WEAK, MATCH_TWINS } Match;

static Match match_operand(const Gen *g, IrVal a, IrVal b, unsigned n)
{
    if (inst(g, a)->type != IR_V128) {
        return a == b ? MATCH_WEAK : MATCH_NO;
    }
    if (made_at(g, b) >= n) {
        return MATCH_NO;
    }
    return are_twins(g, a, b)         ? MATCH_TWINS
           : same_constant(g, a, b) ? MATCH_TWINS : MATCH_WEAK;
}

static bool match_lanes(const Gen *g, unsigned n, unsigned m, PairKind kind)
{
    const IrInst *a = inst(g, n), *b = inst(g, m);
    bool twins = false;
    for (unsigned k = 0; k < a->nargs; k++) {
        bool shared = kind == PAIR_TABLE ? k < 2 : kind == PAIR_COUNT && k;
        Match match = match_operand(g, a->arg[k], b->arg[k], n);
        if (shared ? a->arg[k] != b->arg[k] : match == MATCH_NO) {
            return false;
        }
        twins |= !shared && match == MATCH_TWINS;
    }
    return twins;
}

/* The second half is made of the same vector, shifted to the right. */
static bool match_widening(const Gen *g, unsigned n, unsigned m, unsigned bytes)
{
    const IrInst *shift = inst(g, inst(g, m)->arg[0]);
    return ir_is_vec(shift) && ir_vec_op(shift) == VEC_SHRB &&
           ir_vec_imm(shift) == bytes && shift->arg[0] == inst(g, n)->arg[0];
}

static bool match_immediates(const IrInst *a, const IrInst *b,
                             const VecWide *w)
{
    unsigned x = ir_vec_imm(a), y = ir_vec_imm(b);
    return w->kind == PAIR_WIDENS || !w->bits ? x == y
                                              : y < 1u << w->bits ||
                                                y == x >> w->bits;
}

static bool match(const Gen *g, unsigned n, unsigned m, const VecWide *w)
{
    const IrInst *a = inst(g, n), *b = inst(g, m);
    if (g->val[m].form != FORM_OP || b->op != a->op || b->type != IR_V128 ||
        ir_vec_op(a) != ir_vec_op(b) || !match_immediates(a, b, w)) {
        return false;
    }
    switch (w->kind) {
    case PAIR_SAME:
        return a->arg[0] == b->arg[0];
    case PAIR_WIDENS:
        return match_widening(g, n, m, w->bits);
    default:
        return match_lanes(g, n, m, w->kind);
    }
}

static void see_operation(Gen *g, unsigned n)
{
    const VecWide *w = x64_vec_wide(g, inst(g, n));
    for (unsigned m = n + 1; w && m < g->count && m < n + PAIR_GAP; m++) {
        if (inst(g, m)->op == IR_INSN) {
            return;
        }
        if (match(g, n, m, w)) {
            join(g, n, m, w->kind);
            g->val[m].form = FORM_NONE;
            if (w->kind == PAIR_SAME || w->kind == PAIR_WIDENS) {
                g->val[inst(g, m)->arg[0]].uses--;
            }
            return;
        }
    }
}

void x64_find_pairs(Gen *g)
{
    Pairs p = { .g = g };
    g_assert(g->ir->cls->reg_count <= G_N_ELEMENTS(p.got));
    memset(p.got, 0xff, sizeof p.got);
    for (unsigned n = 0; n < g->count; n++) {
        const IrInst *i = inst(g, n);
        if (g->val[n].form != FORM_OP || i->type != IR_V128) {
            continue;
        }
        if (i->op == IR_GET) {
            see_get(&p, n);
        } else if (i->op == IR_LD || i->op == IR_ST) {
            see_access(g, n);
        } else if (ir_is_vec(i)) {
            see_operation(g, n);
        }
    }
}
