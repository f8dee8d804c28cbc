/*
 * Extensions that nobody looks at.
 *
 * Targets keep short values clean: each result is zero-extended, so that it
 * may be compared, shifted and stored without thought. Most of those
 * extensions make bits that their users do not look at, or that are zero
 * anyway. Two facts about each value find them:
 *   may     bits that may be one; found forward, from how the value is made
 *   wanted  bits that somebody looks at; found backward, from its users
 * A use that wants no bit that an extension changes takes the extension's
 * operand instead. The extension stays for other uses; ir_dce() drops it if
 * there are none.
 *
 * A value keeps all the bits that are wanted of it, so what `may` says about
 * those stays true while the block changes; only such bits are relied on.
 *
 * Comparisons that are decided by the low halves of their operands become
 * comparisons of i32 values.
 */
#include "bitflow.h"

#define LOW  ((uint64_t)UINT32_MAX)
#define HIGH (~LOW)

/* Instructions that one may become: a comparison with its operands. */
#define MOST_PARTS 6
/* Extensions that one use sees through, so that the pass stays linear. */
#define MOST_STEPS 16

typedef struct Narrow {
    IrBlock *b;
    Bits x;                /* the block anew */
    uint64_t *wanted;
    bool *hot;             /* not for the sake of frame states only */
    IrVal *trunc;          /* TRUNC of each value, or none */
    bool *overwritten;     /* per register: SET before anybody looks */
} Narrow;

/* --- seeing through --------------------------------------------------------------- */

/* Whether low bits of its operand are all that is wanted of an i64 TRUNCated
 * and extended again; v: that operand. */
static bool through_half(const Narrow *w, const IrInst *i, uint64_t wanted,
                         IrVal *v)
{
    const IrInst *trunc = bits_inst(&w->x, i->arg[0]);
    if (trunc->op != IR_TRUNC) {
        return false;
    }
    *v = trunc->arg[0];
    return !(wanted & HIGH & (i->op == IR_SEXT64 ? HIGH : w->x.may[*v]));
}

/* The operand of v that has all bits wanted of v, or v. */
static IrVal step_through(const Narrow *w, IrVal v, uint64_t wanted)
{
    const IrInst *i = bits_inst(&w->x, v);
    IrVal a = i->nargs ? i->arg[0] : v;
    uint64_t k, changed;   /* bits that the op may change */
    switch (i->op) {
    case IR_ZEXT:
        changed = w->x.may[a] & ~bits_mask(i->imm);
        break;
    case IR_SEXT:
        changed = w->x.may[a] & ~bits_mask(i->imm - 1) ? ~bits_mask(i->imm) : 0;
        break;
    case IR_AND:
        changed = bits_constant(&w->x, i->arg[1], &k) ? w->x.may[a] & ~k : UINT64_MAX;
        break;
    case IR_OR:
    case IR_XOR:
        changed = bits_constant(&w->x, i->arg[1], &k) ? k : UINT64_MAX;
        break;
    case IR_EXTRACT:
        changed = field_pos(i) ? UINT64_MAX : w->x.may[a] & ~field_mask(i);
        break;
    case IR_DEPOSIT:
        k = field_mask(i) << field_pos(i);
        if (!field_pos(i) && !(wanted & ~k)) {
            return i->arg[1];
        }
        changed = k;
        break;
    case IR_ZEXT64:
    case IR_SEXT64:
        return through_half(w, i, wanted, &a) ? a : v;
    default:
        return v;
    }
    return wanted & changed ? v : a;
}

/* The value to use instead of v where these bits are wanted. */
static IrVal see_through(const Narrow *w, IrVal v, uint64_t wanted)
{
    for (unsigned step = 0; step < MOST_STEPS; step++) {
        IrVal next = step_through(w, v, wanted);
        if (next == v) {
            break;
        }
        v = next;
    }
    return v;
}

/* The i32 that the low half of i64 v is already, or IR_NO_VAL; *v: what its
 * TRUNC should be made of. */
static IrVal low_half(const Narrow *w, IrVal *v)
{
    *v = see_through(w, *v, LOW);
    const IrInst *i = bits_inst(&w->x, *v);
    return i->op == IR_ZEXT64 || i->op == IR_SEXT64 ? i->arg[0]
                                                    : w->trunc[*v];
}

/* --- forward: comparisons, may ---------------------------------------------------- */

static IrVal append(Narrow *w, IrInst i)
{
    IrVal n = w->x.insts->len;
    g_assert(n < IR_NO_VAL);
    g_array_append_val(w->x.insts, i);
    w->x.may[n] = bits_may_be(&w->x, &i);
    w->trunc[n] = IR_NO_VAL;
    if (i.op == IR_TRUNC) {
        w->trunc[i.arg[0]] = n;
    }
    return n;
}

static IrVal append_const(Narrow *w, IrType type, uint64_t k)
{
    return append(w, (IrInst){ .op = IR_CONST, .type = type, .imm = k });
}

static IrVal half_of(Narrow *w, IrVal v)
{
    uint64_t k;
    if (bits_constant(&w->x, v, &k)) {
        return append_const(w, IR_I32, (uint32_t)k);
    }
    IrVal half = low_half(w, &v);
    return half != IR_NO_VAL ? half
        : append(w, (IrInst){ .op = IR_TRUNC, .type = IR_I32, .nargs = 1,
                              .arg = { v } });
}

/* True if the low halves decide an i64 comparison, and in the same way. */
static bool halves_decide(const Narrow *w, const IrInst *i)
{
    uint64_t x = w->x.may[i->arg[0]], y = w->x.may[i->arg[1]];
    switch (i->cond) {
    case IR_TST:
    case IR_TSTZ:
        return !(x & y & HIGH);
    case IR_LT:
    case IR_GE:
    case IR_LE:
    case IR_GT:
        return (x | y) <= INT32_MAX;
    default:
        return (x | y) <= LOW;
    }
}

/* ZEXT(x) == 0 asks for some bits of x. */
static void test_bits_for_zero(Narrow *w, IrInst *i)
{
    uint64_t k;
    const IrInst *x = bits_inst(&w->x, i->arg[0]);
    if ((i->cond != IR_EQ && i->cond != IR_NE) || x->op != IR_ZEXT ||
        x->imm == 32 || !bits_constant(&w->x, i->arg[1], &k) || k) {
        return;
    }
    IrType type = x->type;
    uint64_t mask = bits_mask(x->imm);
    i->cond = i->cond == IR_EQ ? IR_TSTZ : IR_TST;
    i->arg[0] = x->arg[0];
    i->arg[1] = append_const(w, type, mask);
}

/* A test of the sign needs no mask. */
static void test_sign(Narrow *w, IrInst *i)
{
    uint64_t k;
    const IrInst *x = bits_inst(&w->x, i->arg[0]);
    if ((i->cond == IR_TST || i->cond == IR_TSTZ) &&
        bits_constant(&w->x, i->arg[1], &k) && k == BIT(bits_width(x) - 1)) {
        i->cond = i->cond == IR_TST ? IR_LT : IR_GE;
        i->arg[1] = append_const(w, x->type, 0);
    }
}

static void narrow_compare(Narrow *w, IrInst *i)
{
    test_bits_for_zero(w, i);
    if (bits_inst(&w->x, i->arg[0])->type == IR_I64 && halves_decide(w, i)) {
        i->arg[0] = half_of(w, i->arg[0]);
        i->arg[1] = half_of(w, i->arg[1]);
    }
    test_sign(w, i);
}

static bool compares(const IrInst *i)
{
    return i->op == IR_SETCOND || i->op == IR_SELECT || i->op == IR_EXIT_IF;
}

static void rebuild(Narrow *w)
{
    const GArray *old = w->b->insts;
    g_autofree IrVal *now = g_new(IrVal, old->len);
    for (guint n = 0; n < old->len; n++) {
        IrInst i = g_array_index(old, IrInst, n);
        for (unsigned k = 0; k < i.nargs; k++) {
            i.arg[k] = now[i.arg[k]];
        }
        if (compares(&i)) {
            narrow_compare(w, &i);
        }
        now[n] = i.op == IR_TRUNC ? half_of(w, i.arg[0]) : append(w, i);
    }
}

/* --- backward: wanted ------------------------------------------------------------- */

/* True if a SET's value is written; otherwise only a fault asks for it. Code
 * for faults is not worth shortening: what it uses instead might have to be
 * kept for it. */
static bool set_is_seen(Narrow *w, const IrInst *i)
{
    bool seen = !w->overwritten[i->imm] || w->b->cls->regs[i->imm].hot;
    w->overwritten[i->imm] = true;
    return seen;
}

static uint8_t effects(const Narrow *w, const IrInst *i)
{
    const IrHelper *h = g_ptr_array_index(w->b->helpers, i->imm);
    return h->effects;
}

/* True if the instruction stays and is executed for its own sake. */
static bool is_root(Narrow *w, const IrInst *i)
{
    switch (i->op) {
    case IR_SET:
        return set_is_seen(w, i);
    case IR_GET:
        w->overwritten[i->imm] = false;
        return false;
    case IR_EXIT: case IR_EXIT_IF: case IR_LDENV: case IR_STENV:
        break;
    case IR_CALL:
        if (!effects(w, i)) {
            return false;
        }
        break;
    default:
        return !ir_is_pure(i);
    }
    memset(w->overwritten, 0, w->b->cls->reg_count);
    return true;
}

static bool is_pure(const Narrow *w, const IrInst *i)
{
    return ir_is_pure(i) || (i->op == IR_CALL && !effects(w, i));
}

static void visit(Narrow *w, IrVal n)
{
    IrInst *i = bits_inst(&w->x, n);
    bool hot = is_root(w, i) || w->hot[n];
    if (is_pure(w, i) && !w->wanted[n]) {
        return;
    }
    uint64_t want[IR_MAX_ARGS];
    for (unsigned k = 0; k < i->nargs; k++) {
        want[k] = bits_want(&w->x, i, k, w->wanted[n]);
    }
    for (unsigned k = 0; k < i->nargs; k++) {
        if (hot) {
            i->arg[k] = see_through(w, i->arg[k], want[k]);
        }
        w->wanted[i->arg[k]] |= want[k];
        w->hot[i->arg[k]] |= hot;
    }
}

void ir_narrow(IrBlock *b)
{
    guint most = b->insts->len * MOST_PARTS;
    Narrow w = {
        .b = b,
        .x = { g_array_sized_new(FALSE, FALSE, sizeof(IrInst), most),
               g_new(uint64_t, most) },
        .wanted = g_new0(uint64_t, most),
        .hot = g_new0(bool, most),
        .trunc = g_new(IrVal, most),
        .overwritten = g_new0(bool, b->cls->reg_count),
    };
    g_assert(!b->frames->len);
    rebuild(&w);
    for (guint n = w.x.insts->len; n-- > 0;) {
        visit(&w, n);
    }
    g_array_free(b->insts, TRUE);
    b->insts = w.x.insts;
    b->room = b->insts->len;
    g_free(w.x.may);
    g_free(w.wanted);
    g_free(w.hot);
    g_free(w.trunc);
    g_free(w.overwritten);
}
