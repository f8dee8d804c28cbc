/*
 * Lowering: what can be decided about a block before registers are.
 *
 * Values of which only the low half is wanted are computed with 32-bit
 * instructions, which also clear the upper half; so most extensions cost
 * nothing and become aliases. Sums end up in the addressing modes of loads,
 * stores and LEA. And it is found out which values will soon be SET to a
 * pinned register, so that they are computed in it.
 */
#include "x64-gen.h"

static const IrInst *inst(const Gen *g, unsigned n)
{
    return &g->inst[n];
}

static const IrHelper *helper(const Gen *g, const IrInst *i)
{
    return g_ptr_array_index(g->ir->helpers, i->imm);
}

static const IrFrame *frame_row(const Gen *g, guint n)
{
    return &g_array_index(g->ir->frames, IrFrame, n);
}

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
static void all_leaves(Gen *g, LeafFn *fn)
{
    g->stamp++;
    for (guint k = 0; k < g->ir->frames->len; k++) {
        x64_leaves(g, frame_row(g, k)->value, fn, NULL);
    }
}

/* --- extensions that a store or a field would cut off ----------------------------- */

static void skip_extension(Gen *g, IrVal *v, unsigned bits)
{
    const IrInst *e = inst(g, *v);
    if ((e->op == IR_ZEXT || e->op == IR_SEXT) && e->imm >= bits) {
        *v = e->arg[0];
    }
}

static void skip_extensions(Gen *g)
{
    for (unsigned n = 0; n < g->count; n++) {
        IrInst *i = &g->inst[n];
        if (i->lazy) {
            continue;
        }
        if (i->op == IR_ST) {
            skip_extension(g, &i->arg[1], 8 * ir_mem_size(i->mem));
        } else if (i->op == IR_DEPOSIT) {
            skip_extension(g, &i->arg[1], i->imm >> 8);
        }
    }
}

/* --- which values are wanted in 32 bits only ----------------------------------- */

/* Ops whose low bits depend on the low bits of their operands. */
static bool is_low_op(const Gen *g, const IrInst *i)
{
    uint64_t count;
    switch (i->op) {
    case IR_ADD: case IR_SUB: case IR_MUL: case IR_AND: case IR_OR:
    case IR_XOR: case IR_ANDC: case IR_NOT: case IR_NEG:
        return true;
    case IR_SHL:
        return x64_const(g, i->arg[1], &count) && (count & 63) < 32;
    default:
        return false;
    }
}

static bool shifts_below(const Gen *g, const IrInst *i, unsigned bits)
{
    uint64_t count;
    return x64_const(g, i->arg[1], &count) && (count & 63) < bits;
}

static bool short_arg(const Gen *g, const IrInst *i, unsigned k)
{
    return g->val[i->arg[k]].short_value;
}

/* True if the upper half of an i64 value is zero whatever the operands are. */
static bool is_short(const Gen *g, const IrInst *i)
{
    switch (i->op) {
    case IR_CONST:
        return i->imm <= UINT32_MAX;
    case IR_LD: case IR_LDENV:
        return !(i->mem & IR_MEM_SIGN) && ir_mem_size(i->mem) <= 4;
    case IR_ZEXT:
        return true;
    case IR_ZEXT64: case IR_POPCNT: case IR_CLZ: case IR_CTZ:
        return true;
    case IR_EXTRACT:
        return (i->imm >> 8) <= 32;
    case IR_SHR:
        return short_arg(g, i, 0);
    case IR_AND:
        return short_arg(g, i, 0) || short_arg(g, i, 1);
    case IR_OR: case IR_XOR:
        return short_arg(g, i, 0) && short_arg(g, i, 1);
    case IR_SELECT:
        return short_arg(g, i, 2) && short_arg(g, i, 3);
    case IR_DEPOSIT:
        return short_arg(g, i, 0) && (i->imm & 255) + (i->imm >> 8) <= 32;
    default:
        return false;
    }
}

/* Ops that 32 bits do because of that. */
static bool is_short_op(const Gen *g, unsigned n)
{
    const IrInst *i = inst(g, n);
    return g->val[n].short_value &&
           (i->op == IR_AND || i->op == IR_OR || i->op == IR_XOR ||
            (i->op == IR_SHR && shifts_below(g, i, 32)));
}

/* Comparisons of short values, unsigned or for equality, need 32 bits. */
static bool compares_short(const Gen *g, const IrInst *i)
{
    bool compares = i->op == IR_SETCOND || i->op == IR_SELECT ||
                    i->op == IR_EXIT_IF;
    return compares && (i->cond < IR_LT || i->cond >= IR_TST) &&
           short_arg(g, i, 0) && short_arg(g, i, 1);
}

/* True if operand k of an instruction is looked at below bit 32 only. */
static bool wants_low(const Gen *g, const IrInst *i, unsigned k,
                      bool low_result)
{
    switch (i->op) {
    case IR_SETCOND: case IR_EXIT_IF:
        return k < 2 && compares_short(g, i);
    case IR_TRUNC: case IR_SEXT: case IR_ZEXT:
        return i->op == IR_TRUNC || i->imm <= 32;
    case IR_EXTRACT:
        return (i->imm & 255) + (i->imm >> 8) <= 32;
    case IR_DEPOSIT:
        return k == 0 ? low_result : (i->imm >> 8) <= 32;
    case IR_SELECT:
        return k >= 2 ? low_result : compares_short(g, i);
    case IR_SHR:
        return k == 1 || (is_short_op(g, i - g->inst));
    case IR_SAR: case IR_ROTL: case IR_ROTR:
        return k == 1;
    case IR_ST:
        return k == 1 && ir_mem_size(i->mem) <= 4;
    case IR_STENV:
        return ir_mem_size(i->mem) <= 4;
    case IR_SHL:
        return k == 1 || (low_result && is_low_op(g, i));
    default:
        return low_result && is_low_op(g, i);
    }
}

static void want_whole(Gen *g, IrVal v, void *opaque)
{
    g->val[v].low = false;
}

static void find_narrow(Gen *g)
{
    for (unsigned n = 0; n < g->count; n++) {
        g->val[n].low = true;
        g->val[n].short_value = is_short(g, inst(g, n));
    }
    all_leaves(g, want_whole);
    for (unsigned n = g->count; n-- > 0;) {
        const IrInst *i = inst(g, n);
        if (i->lazy) {
            continue;
        }
        Value *v = &g->val[n];
        v->compares_wide = i->nargs && !compares_short(g, i) &&
                           inst(g, i->arg[0])->type == IR_I64;
        v->narrow = i->type == IR_I32 || is_short_op(g, n) ||
                    (is_low_op(g, i) && v->low);
        bool low_result = v->low || is_short_op(g, n);
        for (unsigned k = 0; k < i->nargs; k++) {
            g->val[i->arg[k]].low &= inst(g, i->arg[k])->type == IR_I32 ||
                                     wants_low(g, i, k, low_result);
        }
    }
}

/* --- aliases ------------------------------------------------------------------------ */

/* True if the op leaves bits 32 to 63 of its register zero. */
static bool is_clean(const Gen *g, unsigned n)
{
    const IrInst *i = inst(g, n);
    uint64_t count;
    switch (i->op) {
    case IR_CONST:
        return i->imm <= UINT32_MAX;
    case IR_LD:
    case IR_LDENV:
        return i->type == IR_I32 ||
               (!(i->mem & IR_MEM_SIGN) && ir_mem_size(i->mem) <= 4);
    case IR_ZEXT: case IR_ZEXT64: case IR_SETCOND: case IR_POPCNT:
    case IR_CLZ: case IR_CTZ:
        return true;
    case IR_EXTRACT:
        return (i->imm >> 8) <= 32;
    case IR_SHR:
        return i->type == IR_I32 || g->val[n].narrow ||
               (x64_const(g, i->arg[1], &count) && (count & 63) >= 32);
    case IR_TRUNC: case IR_DEPOSIT: case IR_CALL:
        return false;
    default:
        return i->type == IR_I32 || g->val[n].narrow;
    }
}

static bool is_alias(const Gen *g, const IrInst *i)
{
    if (i->op == IR_TRUNC) {
        return true;
    }
    bool extends = i->op == IR_ZEXT64 || (i->op == IR_ZEXT && i->imm == 32);
    return extends && (g->val[i - g->inst].low ||
                       g->val[x64_root(g, i->arg[0])].clean);
}

static void count_use(Gen *g, IrVal v, void *opaque)
{
    g->val[x64_root(g, v)].uses++;
}

static void find_roots(Gen *g)
{
    for (unsigned n = 0; n < g->count; n++) {
        IrInst *i = &g->inst[n];
        Value *v = &g->val[n];
        if (i->lazy) {
            v->form = FORM_LAZY;
            continue;
        }
        bool alias = i->nargs == 1 && is_alias(g, i);
        v->form = alias ? FORM_ALIAS : FORM_OP;
        v->root = alias ? x64_root(g, i->arg[0]) : n;
        for (unsigned k = 0; k < i->nargs; k++) {
            bool half = inst(g, i->arg[k])->type == IR_I32;
            i->arg[k] = x64_root(g, i->arg[k]);
            g->val[i->arg[k]].uses += !alias;
            v->unclean_args |= (half && !g->val[i->arg[k]].clean) << k;
        }
        if ((i->op == IR_LD || i->op == IR_ST) && !alias) {
            g->val[i->arg[0]].address_uses++;
        }
        v->clean = alias ? g->val[v->root].clean : is_clean(g, n);
    }
    all_leaves(g, count_use);
}

/* What the shortcuts above have left without a user. */
static void drop_unused(Gen *g)
{
    for (unsigned n = g->count; n-- > 0;) {
        const IrInst *i = inst(g, n);
        Value *v = &g->val[n];
        bool pure = ir_is_pure(i) || i->op == IR_GET;
        if (!pure || v->uses || v->form != FORM_OP) {
            continue;
        }
        v->form = FORM_NONE;
        for (unsigned k = 0; k < i->nargs; k++) {
            g->val[i->arg[k]].uses--;
        }
    }
}

/* --- groups of accesses ------------------------------------------------------------- */

#define GROUP_BYTES 256    /* longest range */
#define GROUP_GAP   80     /* most instructions from one access to the next */

#define ALIKE_SLOTS 64

static IrVal alike(const Gen *g, const IrInst *i, unsigned k)
{
    return k < i->nargs ? g->val[i->arg[k]].alike : 0;
}

static bool are_alike(const Gen *g, IrVal m, IrVal n)
{
    const IrInst *a = inst(g, m), *b = inst(g, n);
    return a->op == b->op && a->type == b->type && a->imm == b->imm &&
           g->val[m].narrow == g->val[n].narrow &&
           alike(g, a, 0) == alike(g, b, 0) && alike(g, a, 1) == alike(g, b, 1);
}

/* Compilers compute an address anew where registers are short. Of sums, scaled
 * indices and constants the first that is the same is found; a few that are not
 * found do not matter. */
static void number_values(Gen *g)
{
    IrVal seen[ALIKE_SLOTS];
    memset(seen, 0xff, sizeof seen);
    for (unsigned n = 0; n < g->count; n++) {
        const IrInst *i = inst(g, n);
        g->val[n].alike = x64_root(g, n);
        if (i->lazy || (i->op != IR_ADD && i->op != IR_SHL &&
                        i->op != IR_CONST)) {
            continue;
        }
        unsigned h = (i->op + alike(g, i, 0) * 7 + alike(g, i, 1) * 31 +
                      (unsigned)i->imm) % ALIKE_SLOTS;
        if (seen[h] != IR_NO_VAL && are_alike(g, seen[h], n)) {
            g->val[n].alike = seen[h];
        } else {
            seen[h] = n;
        }
    }
}

/* An address as base + offset. */
typedef struct Place {
    IrVal base;
    bool narrow;
    int64_t offset;
} Place;

static Place place_of(const Gen *g, const IrInst *access)
{
    Place p = { access->arg[0], g->val[access->arg[0]].narrow, 0 };
    for (;;) {
        const IrInst *i = inst(g, p.base);
        uint64_t k;
        if ((i->op != IR_ADD && i->op != IR_SUB) ||
            g->val[p.base].narrow != p.narrow ||
            !x64_const(g, i->arg[1], &k)) {
            p.base = g->val[p.base].alike;
            return p;
        }
        p.offset += i->op == IR_ADD ? k : -k;
        p.offset = p.narrow ? (int32_t)p.offset : p.offset;
        p.base = i->arg[0];
    }
}

/* An access that may be in a group. */
typedef struct GroupAccess {
    uint16_t n, calls;     /* calls before it */
    Place place;
} GroupAccess;

/* Those of a block; more are too rare to matter. */
#define MOST_ACCESSES 160
typedef struct Accesses {
    GroupAccess at[MOST_ACCESSES];
    unsigned count;
} Accesses;

static void find_accesses(const Gen *g, Accesses *all)
{
    unsigned calls = 0;
    uint64_t unused;
    all->count = 0;
    for (unsigned n = 0; n < g->count && all->count < MOST_ACCESSES; n++) {
        const IrInst *i = inst(g, n);
        if (g->val[n].form != FORM_OP) {
            continue;
        }
        calls += i->op == IR_CALL;
        if ((i->op == IR_LD || i->op == IR_ST) &&
            !x64_const(g, i->arg[0], &unused)) {
            all->at[all->count++] = (GroupAccess){ n, calls, place_of(g, i) };
        }
    }
}

/* A page that may be stored to may be loaded from, so a group that has a store
 * probes for one; but a load must notice watchpoints of its own. */
static bool may_follow(const Gen *g, const IrInst *first, const IrInst *next)
{
    return ir_mem_mode(first->mem) == ir_mem_mode(next->mem) &&
           (first->op == next->op || !g->cpu->watchpoints->len);
}

/* True if access b is near enough to a's group, whose range it widens. */
static bool joins(const Gen *g, const GroupAccess *a, const GroupAccess *b)
{
    Value *first = &g->val[a->n];
    const IrInst *i = inst(g, b->n);
    if (b->place.base != a->place.base || b->place.narrow != a->place.narrow ||
        g->val[b->n].role != GROUP_NONE ||
        !may_follow(g, inst(g, a->n), i)) {
        return false;
    }
    int64_t at = b->place.offset - a->place.offset;
    int64_t low = MIN(first->range_from, at);
    int64_t high = MAX(first->range_to, at + ir_mem_span(i->mem));
    if (high - low > GROUP_BYTES) {
        return false;
    }
    first->range_from = low;
    first->range_to = high;
    first->stores |= i->op == IR_ST;
    return true;
}

/* Makes access k the first of a group if others follow. */
static void make_group(Gen *g, const Accesses *all, unsigned k, unsigned lane)
{
    const GroupAccess *a = &all->at[k];
    Value *first = &g->val[a->n];
    first->range_to = ir_mem_span(inst(g, a->n)->mem);
    first->group_end = a->n;
    for (unsigned m = k + 1; m < all->count; m++) {
        const GroupAccess *b = &all->at[m];
        if (b->calls != a->calls || b->n - first->group_end >= GROUP_GAP) {
            break;
        }
        if (joins(g, a, b)) {
            g->val[b->n].role = GROUP_NEXT;
            g->val[b->n].lane = lane;
            first->role = GROUP_FIRST;
            first->lane = lane;
            first->group_end = b->n;
        }
    }
}

static void find_groups(Gen *g)
{
    Accesses all;
    unsigned busy[LANES] = { 0 }; /* up to here a lane has a group */
    number_values(g);
    find_accesses(g, &all);
    for (unsigned k = 0; k < all.count; k++) {
        unsigned n = all.at[k].n, lane = 0;
        while (lane < LANES && busy[lane] >= n) {
            lane++;
        }
        if (lane < LANES && g->val[n].role == GROUP_NONE) {
            make_group(g, &all, k, lane);
            busy[lane] = g->val[n].group_end;
        }
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

static void find_uses(Gen *g)
{
    for (unsigned n = g->count; n-- > 0;) {
        const IrInst *i = inst(g, n);
        if (g->val[n].form != FORM_OP) {
            continue;
        }
        for (unsigned k = 0; k < i->nargs; k++) {
            g->next_use[n * IR_MAX_ARGS + k] = g->val[i->arg[k]].next;
        }
        for (unsigned k = 0; k < i->nargs; k++) {
            Value *v = &g->val[i->arg[k]];
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
                             .vreg = -1 };
        g->vectors |= inst(g, n)->type == IR_V128;
    }
    skip_extensions(g);
    find_narrow(g);
    find_roots(g);
    drop_unused(g);
    find_groups(g);
    find_addressing(g);
    find_uses(g);
    extend_lives(g);
    find_hints(g);
}
