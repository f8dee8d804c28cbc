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

static bool cond_holds(IrCond cond, uint64_t x, uint64_t y, unsigned bits)
{
    int64_t sx = bits_sext(x, bits), sy = bits_sext(y, bits);
    switch (cond) {
    case IR_EQ: return x == y;
    case IR_NE: return x != y;
    case IR_LTU: return x < y;
    case IR_GEU: return x >= y;
    case IR_LEU: return x <= y;
    case IR_GTU: return x > y;
    case IR_LT: return sx < sy;
    case IR_GE: return sx >= sy;
    case IR_LE: return sx <= sy;
    case IR_GT: return sx > sy;
    case IR_TST: return x & y;
    case IR_TSTZ: return !(x & y);
    }
    g_assert_not_reached();
}

static bool eval1(const IrInst *i, unsigned bits, uint64_t a, uint64_t *out)
{
    switch (i->op) {
    case IR_NOT: *out = ~a; return true;
    case IR_NEG: *out = -a; return true;
    case IR_ZEXT: *out = a & bits_mask(i->imm); return true;
    case IR_SEXT: *out = bits_sext(a, i->imm); return true;
    case IR_ZEXT64: *out = a; return true;
    case IR_SEXT64: *out = bits_sext(a, 32); return true;
    case IR_TRUNC: *out = (uint32_t)a; return true;
    case IR_EXTRACT:
        *out = bits_extract(a, i->imm & 255, i->imm >> 8);
        return true;
    case IR_BSWAP:
        *out = bits == 32 ? __builtin_bswap32(a) : __builtin_bswap64(a);
        return true;
    default:
        return false;
    }
}

static bool eval2(const IrInst *i, unsigned bits, uint64_t a, uint64_t b,
                  uint64_t *out)
{
    unsigned n = b & (bits - 1);
    switch (i->op) {
    case IR_ADD: *out = a + b; return true;
    case IR_SUB: *out = a - b; return true;
    case IR_MUL: *out = a * b; return true;
    case IR_AND: *out = a & b; return true;
    case IR_OR: *out = a | b; return true;
    case IR_XOR: *out = a ^ b; return true;
    case IR_ANDC: *out = a & ~b; return true;
    case IR_SHL: *out = a << n; return true;
    case IR_SHR: *out = a >> n; return true;
    case IR_SAR: *out = bits_sext(a, bits) >> n; return true;
    case IR_DEPOSIT:
        *out = bits_deposit(a, i->imm & 255, i->imm >> 8, b);
        return true;
    default:
        return false;
    }
}

static void become_constant(Fold *f, IrVal n, uint64_t v)
{
    IrInst *i = inst(f, n);
    IrType type = i->type;
    *i = (IrInst){ .op = IR_CONST, .type = type,
                   .imm = type == IR_I32 ? (uint32_t)v : v };
}

static bool fold_constants(Fold *f, IrVal n)
{
    IrInst *i = inst(f, n);
    uint64_t a, b, v;
    if (!i->nargs || !constant(f, i->arg[0], &a)) {
        return false;
    }
    unsigned bits = width(inst(f, i->arg[0]));
    bool ok = i->nargs == 1 ? eval1(i, bits, a, &v)
              : i->nargs == 2 && constant(f, i->arg[1], &b) &&
                    (i->op == IR_SETCOND
                         ? (v = cond_holds(i->cond, a, b, bits), true)
                         : eval2(i, bits, a, b, &v));
    if (ok) {
        become_constant(f, n, v);
    }
    return ok;
}

/* --- identities -------------------------------------------------------------------- */

/* x op 0 == x, and the like: the value that n is, or n itself. */
static IrVal identity(Fold *f, IrVal n)
{
    const IrInst *i = inst(f, n);
    uint64_t b;
    if (i->nargs != 2 || !constant(f, i->arg[1], &b)) {
        return n;
    }
    uint64_t ones = bits_mask(width(i));
    switch (i->op) {
    case IR_ADD:
    case IR_SUB:
    case IR_OR:
    case IR_XOR:
    case IR_ANDC:
        return b == 0 ? i->arg[0] : n;
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
    uint64_t a, b;
    if (i->op != IR_SELECT || !constant(f, i->arg[0], &a) ||
        !constant(f, i->arg[1], &b)) {
        return n;
    }
    unsigned bits = width(inst(f, i->arg[0]));
    return i->arg[cond_holds(i->cond, a, b, bits) ? 2 : 3];
}

/* --- guest registers ------------------------------------------------------------------ */

static void forget_regs(Fold *f)
{
    memset(f->reg, 0xff, f->regs * sizeof *f->reg);
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
        forget_regs(f);
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
    uint64_t a, b;
    if (i->op != IR_EXIT_IF || !constant(f, i->arg[0], &a) ||
        !constant(f, i->arg[1], &b)) {
        return false;
    }
    unsigned bits = width(inst(f, i->arg[0]));
    if (!cond_holds(i->cond, a, b, bits)) {
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
        if (!fold_constants(&f, n)) {
            f.is[n] = select_known(&f, conversion(&f, identity(&f, n)));
        }
        follow_reg(&f, n);
    }
    g_free(f.is);
    g_free(f.reg);
}
