/*
 * Lowering: widths. Values of which only the low half is wanted are computed
 * with 32-bit instructions, which also clear the upper half; so most extensions
 * cost nothing and become aliases of what they extend.
 */
#include "x64-lower.h"

/* --- extensions that a store or a field would cut off ----------------------------- */

static void skip_extension(Gen *g, IrVal *v, unsigned bits)
{
    const IrInst *e = inst(g, *v);
    if ((e->op == IR_ZEXT || e->op == IR_SEXT) && e->imm >= bits) {
        *v = e->arg[0];
    }
}

void x64_skip_extensions(Gen *g)
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

void x64_find_narrow(Gen *g)
{
    for (unsigned n = 0; n < g->count; n++) {
        g->val[n].low = true;
        g->val[n].short_value = is_short(g, inst(g, n));
    }
    x64_all_leaves(g, want_whole);
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

void x64_find_roots(Gen *g)
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
    x64_all_leaves(g, count_use);
}
