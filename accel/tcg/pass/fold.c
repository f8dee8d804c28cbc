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
    case IR_CLZ:
        *out = a ? __builtin_clzll(a) - (64 - bits) : bits;
        return true;
    case IR_CTZ: *out = a ? __builtin_ctzll(a) : bits; return true;
    case IR_POPCNT: *out = __builtin_popcountll(a); return true;
    case IR_BSWAP:
        *out = bits == 32 ? __builtin_bswap32(a) : __builtin_bswap64(a);
        return true;
    default:
        return false;
    }
}

static uint64_t high_half(uint64_t a, uint64_t b, unsigned bits, bool sign)
{
    if (bits == 32) {
        return sign ? (uint64_t)((int64_t)(int32_t)a * (int32_t)b) >> 32
                    : (a * b) >> 32;
    }
    return sign ? ((__int128)(int64_t)a * (int64_t)b) >> 64
                : ((unsigned __int128)a * b) >> 64;
}

static uint64_t rotate_left(uint64_t a, unsigned n, unsigned bits)
{
    return a << n | a >> ((bits - n) & (bits - 1));
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
    case IR_ROTL: *out = rotate_left(a, n, bits); return true;
    case IR_ROTR:
        *out = rotate_left(a, (bits - n) & (bits - 1), bits);
        return true;
    case IR_MULUH: *out = high_half(a, b, bits, false); return true;
    case IR_MULSH: *out = high_half(a, b, bits, true); return true;
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

uint64_t ir_eval(const IrInst *i, unsigned bits, const uint64_t *arg)
{
    uint64_t out = 0;
    if (i->op == IR_SETCOND || i->op == IR_SELECT) {
        bool yes = cond_holds(i->cond, arg[0], arg[1], bits);
        out = i->op == IR_SETCOND ? yes : arg[yes ? 2 : 3];
    } else {
        bool known = i->nargs == 1 ? eval1(i, bits, arg[0], &out)
                                   : eval2(i, bits, arg[0], arg[1], &out);
        g_assert(known);
    }
    return i->type == IR_I32 ? (uint32_t)out : out;
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
        *out = cond_holds(i->cond, 0, 0, 64);
        return true;
    default:
        return false;
    }
}

static bool eval_cond(const Fold *f, const IrInst *i, uint64_t *out)
{
    uint64_t a, b;
    if (!constant(f, i->arg[0], &a) || !constant(f, i->arg[1], &b)) {
        return false;
    }
    *out = cond_holds(i->cond, a, b, width(inst(f, i->arg[0])));
    return true;
}

static bool fold_constants(Fold *f, IrVal n)
{
    const IrInst *i = inst(f, n);
    uint64_t a, b, v;
    bool ok = i->nargs == 2 && i->arg[0] == i->arg[1] && same_operands(i, &v);
    if (i->op == IR_SETCOND) {
        ok = ok || eval_cond(f, i, &v);
    } else if (!ok && i->nargs && constant(f, i->arg[0], &a)) {
        unsigned bits = width(inst(f, i->arg[0]));
        ok = i->nargs == 1 ? eval1(i, bits, a, &v)
                           : i->nargs == 2 && constant(f, i->arg[1], &b) &&
                                 eval2(i, bits, a, b, &v);
    }
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
    bool commutes = i->op == IR_ADD || i->op == IR_MUL || i->op == IR_AND ||
                    i->op == IR_OR || i->op == IR_XOR || i->op == IR_MULUH ||
                    i->op == IR_MULSH;
    if (commutes && constant(f, i->arg[0], &a) &&
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
    uint64_t yes;
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
    uint64_t yes;
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
