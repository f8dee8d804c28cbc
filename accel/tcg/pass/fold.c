/*
 * Constant folding, algebraic identities, and copies, in one forward pass.
 *
 * Guest registers are followed too: a GET behind a SET or another GET of the
 * same register is the value itself, until something else may have written
 * it. Replaced instructions stay behind without users; ir_dce() drops them.
 */
#include "tb.h"

typedef struct Fold {
    IrBlock *b;
    IrVal *is;             /* what each value turned out to be */
    IrVal *reg;            /* the value each guest register holds, or none */
    unsigned regs;
} Fold;

static IrInst *inst(const Fold *f, IrVal v)
{
    return &g_array_index(f->b->insts, IrInst, v);
}

static bool constant(const Fold *f, IrVal v, uint64_t *out)
{
    const IrInst *i = inst(f, v);
    *out = i->imm;
    return i->op == IR_CONST;
}

static unsigned width(const IrInst *i)
{
    return i->type == IR_I32 ? 32 : 64;
}

/* --- evaluation ----------------------------------------------------------------- */

static void become_constant(Fold *f, IrVal n, uint64_t v)
{
    IrInst *i = inst(f, n);
    IrType type = i->type;
    *i = (IrInst){ .op = IR_CONST, .type = type,
                   .imm = type == IR_I32 ? (uint32_t)v : v };
}

/* a op a, where that is a constant. */
static bool same_operands(const IrInst *i, uint64_t *out)
{
    switch (i->op) {
    case IR_SUB:
    case IR_XOR:
    case IR_ANDC:
        *out = 0;
        return true;
    case IR_SETCOND:
        if (i->cond == IR_TST || i->cond == IR_TSTZ) {
            return false;
        }
        *out = ir_holds(i->cond, 64, 0, 0);
        return true;
    default:
        return false;
    }
}

static bool eval_cond(const Fold *f, const IrInst *i, bool *out)
{
    uint64_t a, b;
    if (!constant(f, i->arg[0], &a) || !constant(f, i->arg[1], &b)) {
        return false;
    }
    *out = ir_holds(i->cond, width(inst(f, i->arg[0])), a, b);
    return true;
}

/* All operands are constants, or nothing bears on the result. */
static bool eval(const Fold *f, const IrInst *i, uint64_t *out)
{
    uint64_t arg[IR_MAX_ARGS];
    if (i->nargs == 2 && i->arg[0] == i->arg[1] && same_operands(i, out)) {
        return true;
    }
    if (!ir_is_pure(i) || !i->nargs) {
        return false;
    }
    for (unsigned k = 0; k < i->nargs; k++) {
        if (!constant(f, i->arg[k], &arg[k])) {
            return false;
        }
    }
    *out = ir_eval(i, width(inst(f, i->arg[0])), arg);
    return true;
}

static bool fold_constants(Fold *f, IrVal n)
{
    uint64_t v;
    bool ok = eval(f, inst(f, n), &v);
    if (ok) {
        become_constant(f, n, v);
    }
    return ok;
}

/* --- identities -------------------------------------------------------------------- */

/* Constants stand right of what commutes, so that rules need one form. */
static void constant_to_right(Fold *f, IrInst *i)
{
    uint64_t a, b;
    if (ir_commutes(i) && constant(f, i->arg[0], &a) &&
        !constant(f, i->arg[1], &b)) {
        IrVal left = i->arg[0];
        i->arg[0] = i->arg[1];
        i->arg[1] = left;
    }
}

/* (x op k) op l, for AND and OR where one mask contains the other. The inner
 * op may have other users; then it is computed for them alone. */
static void merge_masks(Fold *f, IrInst *i)
{
    uint64_t k, l;
    if ((i->op != IR_AND && i->op != IR_OR) || !constant(f, i->arg[1], &l)) {
        return;
    }
    const IrInst *inner = inst(f, i->arg[0]);
    if (inner->op != i->op || !constant(f, inner->arg[1], &k)) {
        return;
    }
    uint64_t both = i->op == IR_AND ? k & l : k | l;
    if (both == k || both == l) {
        i->arg[1] = both == l ? i->arg[1] : inner->arg[1];
        i->arg[0] = inner->arg[0];
    }
}

/* x op 0 == x, and the like: the value that n is, or n itself. */
static IrVal identity(Fold *f, IrVal n)
{
    const IrInst *i = inst(f, n);
    uint64_t b;
    if (i->nargs != 2) {
        return n;
    }
    if ((i->op == IR_AND || i->op == IR_OR) && i->arg[0] == i->arg[1]) {
        return i->arg[0];
    }
    if (!constant(f, i->arg[1], &b)) {
        return n;
    }
    uint64_t ones = bits_mask(width(i));
    switch (i->op) {
    case IR_ADD:
    case IR_SUB:
    case IR_XOR:
    case IR_ANDC:
        return b == 0 ? i->arg[0] : n;
    case IR_OR:
        return b == 0 ? i->arg[0] : b == ones ? i->arg[1] : n;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROTL:
    case IR_ROTR:
        return (b & (width(i) - 1)) == 0 ? i->arg[0] : n;
    case IR_AND:
        return b == ones ? i->arg[0] : b == 0 ? i->arg[1] : n;
    case IR_MUL:
        return b == 1 ? i->arg[0] : b == 0 ? i->arg[1] : n;
    default:
        return n;
    }
}

/* TRUNC of ZEXT64 or SEXT64, ZEXT of something as narrow already. */
static IrVal conversion(Fold *f, IrVal n)
{
    const IrInst *i = inst(f, n);
    if (i->nargs != 1) {
        return n;
    }
    const IrInst *a = inst(f, i->arg[0]);
    if (i->op == IR_TRUNC && (a->op == IR_ZEXT64 || a->op == IR_SEXT64)) {
        return a->arg[0];
    }
    if (i->op == IR_ZEXT) {
        bool narrow = (a->op == IR_ZEXT && a->imm <= i->imm) ||
                      (a->op == IR_ZEXT64 && i->imm >= 32) ||
                      (a->op == IR_LD && !(a->mem & IR_MEM_SIGN) &&
                       ir_mem_size(a->mem) * 8 <= i->imm);
        return narrow ? i->arg[0] : n;
    }
    return n;
}

static IrVal select_known(Fold *f, IrVal n)
{
    const IrInst *i = inst(f, n);
    bool yes;
    if (i->op != IR_SELECT) {
        return n;
    }
    if (i->arg[2] == i->arg[3]) {
        return i->arg[2];
    }
    return eval_cond(f, i, &yes) ? i->arg[yes ? 2 : 3] : n;
}

/* --- vectors ----------------------------------------------------------------------------- */

/* How zero and all ones are made, which depends on no register: a op a. */
static void fold_vector(Fold *f, IrVal n)
{
    const IrInst *i = inst(f, n);
    if (i->op != IR_VEC || i->nargs != 2 || i->arg[0] != i->arg[1]) {
        return;
    }
    switch (ir_vec_op(i)) {
    case VEC_XOR: case VEC_ANDN:
    case VEC_SUB8: case VEC_SUB16: case VEC_SUB32: case VEC_SUB64:
    case VEC_CMPGT8: case VEC_CMPGT16: case VEC_CMPGT32: case VEC_CMPGT64:
        become_constant(f, n, 0);
        break;
    case VEC_CMPEQ8: case VEC_CMPEQ16: case VEC_CMPEQ32: case VEC_CMPEQ64:
        become_constant(f, n, UINT64_MAX);
        break;
    case VEC_AND: case VEC_OR:
        f->is[n] = i->arg[0];
        break;
    default:
        break;
    }
}

/* --- guest registers ------------------------------------------------------------------ */

static void forget_regs(Fold *f)
{
    memset(f->reg, 0xff, f->regs * sizeof *f->reg);
}

static void forget_env(Fold *f, const IrInst *i)
{
    for (unsigned r = 0; r < f->regs; r++) {
        if (ir_env_overlaps(f->b, i, r)) {
            f->reg[r] = IR_NO_VAL;
        }
    }
}

static void follow_reg(Fold *f, IrVal n)
{
    const IrInst *i = inst(f, n);
    if (i->op == IR_SET) {
        f->reg[i->imm] = i->arg[0];
    } else if (i->op == IR_GET) {
        if (f->reg[i->imm] == IR_NO_VAL) {
            f->reg[i->imm] = n;
        } else {
            f->is[n] = f->reg[i->imm];
        }
    } else if (i->op == IR_STENV) {
        forget_env(f, i);
    } else if (i->op == IR_CALL) {
        const IrHelper *h = g_ptr_array_index(f->b->helpers, i->imm);
        if (h->effects & IR_WRITES) {
            forget_regs(f);
        }
    }
}

/* A side exit that is never or always taken. True if the block ends here. */
static bool decide_exit(Fold *f, IrVal n)
{
    IrInst *i = inst(f, n);
    bool yes;
    if (i->op != IR_EXIT_IF || !eval_cond(f, i, &yes)) {
        return false;
    }
    if (!yes) {
        *i = (IrInst){ .op = IR_CONST, .type = IR_I32 };
        return false;
    }
    *i = (IrInst){ .op = IR_EXIT, .cond = i->mem, .nargs = 1, .insn = i->insn,
                   .arg = { i->arg[2] } };
    g_array_set_size(f->b->insts, n + 1);
    return true;
}

void ir_fold(IrBlock *b)
{
    Fold f = {
        .b = b,
        .is = g_new(IrVal, b->insts->len),
        .reg = g_new(IrVal, b->cls->reg_count),
        .regs = b->cls->reg_count,
    };
    forget_regs(&f);
    for (guint n = 0; n < b->insts->len; n++) {
        IrInst *i = inst(&f, n);
        f.is[n] = n;
        for (unsigned k = 0; k < i->nargs; k++) {
            i->arg[k] = f.is[i->arg[k]];
        }
        if (decide_exit(&f, n)) {
            break;
        }
        if (ir_is_big(i->type) || ir_is_vec(i) || i->op == IR_X80) {
            fold_vector(&f, n);
            follow_reg(&f, n);
            continue;
        }
        if (i->nargs == 2) {
            constant_to_right(&f, i);
            merge_masks(&f, i);
        }
        if (!fold_constants(&f, n)) {
            f.is[n] = select_known(&f, conversion(&f, identity(&f, n)));
        }
        follow_reg(&f, n);
    }
    g_free(f.is);
    g_free(f.reg);
}
