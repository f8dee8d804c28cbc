/*
 * Lazy arithmetic flags at translation time (cpu.h, CcOp).
 *
 * While the op that set the flags is in the same TB, conditions become direct
 * comparisons of its operands; cond_OP() below derive them one op at a time.
 * Otherwise a helper computes the flags from the lazy registers.
 *
 * Flags that the manual leaves undefined are what cc_compute() makes of the
 * lazy form; helper-cc.c lists them.
 */
#include "translate.h"

enum { CC_O, CC_B, CC_Z, CC_BE, CC_S, CC_P, CC_L, CC_LE };

static unsigned log2_bytes(unsigned bytes)
{
    return __builtin_ctz(bytes);
}

static uint64_t sign_mask(unsigned bytes)
{
    return BIT(bytes * 8 - 1);
}

/* --- setting ---------------------------------------------------------------*/

static void set_op(X86Trans *t, uint32_t op)
{
    if (t->st->cc_op != (int32_t)op) {
        ir_set(t->ir, X86_CC_OP, ir_const(t->ir, IR_I32, op));
    }
    t->st->cc_op = op;
    t->st->cc_left = IR_NO_VAL;
}

void flags_set(X86Trans *t, CcOp op, unsigned bytes, IrVal dst, IrVal src)
{
    set_op(t, op + log2_bytes(bytes));
    ir_set(t->ir, X86_CC_DST, dst);
    if (src != IR_NO_VAL) {
        ir_set(t->ir, X86_CC_SRC, src);
    }
    t->st->cc_dst = dst;
    t->st->cc_src = src;
}

void flags_set_carry(X86Trans *t, CcOp op, unsigned bytes, IrVal dst,
                     IrVal src, IrVal carry)
{
    flags_set(t, op, bytes, dst, src);
    ir_set(t->ir, X86_CC_SRC2, carry);
    t->st->cc_src2 = carry;
}

void flags_set_sub(X86Trans *t, unsigned bytes, IrVal a, IrVal b, IrVal dst)
{
    flags_set(t, CC_SUB, bytes, dst, b);
    t->st->cc_left = a;
}

void flags_set_eflags(X86Trans *t, IrVal eflags)
{
    set_op(t, CC_EFLAGS);
    ir_set(t->ir, X86_CC_SRC, eflags);
    t->st->cc_src = eflags;
}

static IrVal keep_if_zero(X86Trans *t, IrVal count, unsigned reg, IrVal v)
{
    return ir_select(t->ir, IR_EQ, count, k64(t, 0), ir_get(t->ir, reg), v);
}

void flags_set_if(X86Trans *t, IrVal count, CcOp op, unsigned bytes,
                  IrVal dst, IrVal src)
{
    IrVal cc_op = ir_const(t->ir, IR_I32, op + log2_bytes(bytes));
    IrVal new_op = keep_if_zero(t, count, X86_CC_OP, cc_op);
    IrVal new_dst = keep_if_zero(t, count, X86_CC_DST, dst);
    IrVal new_src = keep_if_zero(t, count, X86_CC_SRC, src);
    ir_set(t->ir, X86_CC_OP, new_op);
    ir_set(t->ir, X86_CC_DST, new_dst);
    ir_set(t->ir, X86_CC_SRC, new_src);
    flags_forget(t);
}

void flags_forget(X86Trans *t)
{
    t->st->cc_op = -1;
}

/* --- reading ---------------------------------------------------------------*/

static IrVal call_cc(X86Trans *t, X86HelperId id)
{
    IrVal op = t->st->cc_op < 0
        ? ir_op1(t->ir, IR_ZEXT64, ir_get(t->ir, X86_CC_OP))
        : k64(t, t->st->cc_op);
    IrVal args[4] = { op, ir_get(t->ir, X86_CC_DST),
                      ir_get(t->ir, X86_CC_SRC), ir_get(t->ir, X86_CC_SRC2) };
    return t_call(t, id, args);
}

IrVal flags_all(X86Trans *t)
{
    return t->st->cc_op == CC_EFLAGS ? t->st->cc_src
                                     : call_cc(t, X86_HELPER_cc_all);
}

IrVal cond_value(X86Trans *t, Cond c)
{
    return ir_op1(t->ir, IR_ZEXT64, ir_setcond(t->ir, c.cond, c.x, c.y));
}

static CcOp op_kind(const X86Trans *t)
{
    return t->st->cc_op & ~3;
}

static unsigned op_width(const X86Trans *t)
{
    return 1u << (t->st->cc_op & 3);
}

/* CF of a + b + carry in or of a - b - carry in: with a carry in, equality
 * carries as well. x < y without, x <= y with it. */
static IrVal carry_with(X86Trans *t, IrVal x, IrVal y)
{
    IrVal lt = ir_setcond(t->ir, IR_LTU, x, y);
    IrVal le = ir_setcond(t->ir, IR_LEU, x, y);
    IrVal out = ir_select(t->ir, IR_NE, t->st->cc_src2, k64(t, 0), le, lt);
    return ir_op1(t->ir, IR_ZEXT64, out);
}

/* SBB: the first operand, dst + src + carry in. */
static IrVal sbb_left(X86Trans *t)
{
    IrVal sum = ir_op2(t->ir, IR_ADD, t->st->cc_dst, t->st->cc_src);
    sum = ir_op2(t->ir, IR_ADD, sum, t->st->cc_src2);
    return clean(t, sum, op_width(t));
}

IrVal flags_carry(X86Trans *t)
{
    const TransState *st = t->st;
    if (st->cc_op < 0) {
        return call_cc(t, X86_HELPER_cc_carry);
    }
    switch (op_kind(t)) {
    case CC_ADC:
        return carry_with(t, st->cc_dst, st->cc_src);
    case CC_SBB:
        return carry_with(t, sbb_left(t), st->cc_src);
    case CC_LOGIC:
        return k64(t, 0);
    case CC_INC:
    case CC_DEC:
        return st->cc_src;
    case CC_EFLAGS:
    case CC_SAR:
        return ir_op2i(t->ir, IR_AND, st->cc_src, 1);
    case CC_SHL:
        return ir_extract(t->ir, st->cc_src, op_width(t) * 8 - 1, 1);
    default:
        return cond_value(t, flags_cond(t, CC_B << 1));
    }
}

/* --- conditions ------------------------------------------------------------*/

static Cond compare(X86Trans *t, IrCond cond, IrVal x, uint64_t y)
{
    return (Cond){ cond, x, k64(t, y) };
}

static Cond never(X86Trans *t)
{
    IrVal zero = k64(t, 0);
    return (Cond){ IR_NE, zero, zero };
}

/* A signed comparison of clean values. */
static Cond compare_signed(X86Trans *t, IrCond cond, IrVal x, IrVal y,
                           unsigned bytes)
{
    if (bytes == 4) {
        x = ir_op1(t->ir, IR_TRUNC, x);
        y = ir_op1(t->ir, IR_TRUNC, y);
    } else {
        x = widen_signed(t, x, bytes);
        y = widen_signed(t, y, bytes);
    }
    return (Cond){ cond, x, y };
}

static IrVal xor2(X86Trans *t, IrVal a, IrVal b)
{
    return ir_op2(t->ir, IR_XOR, a, b);
}

/* Conditions on EFLAGS bits. */
static Cond cond_eflags(X86Trans *t, unsigned cc, IrVal f)
{
    static const uint32_t masks[8] = { FLAG_OF, FLAG_CF, FLAG_ZF,
                                       FLAG_CF | FLAG_ZF, FLAG_SF, FLAG_PF,
                                       FLAG_SF, FLAG_SF | FLAG_ZF };
    if (cc == CC_L || cc == CC_LE) {
        /* OF onto SF. */
        IrVal of = ir_op2i(t->ir, IR_SHR, f, 4);
        f = xor2(t, f, ir_op2i(t->ir, IR_AND, of, FLAG_SF));
    }
    return compare(t, IR_TST, f, masks[cc]);
}

/* Conditions that depend on the result only. True if cc is one of them. */
static bool cond_result(X86Trans *t, unsigned cc, Cond *c)
{
    IrVal dst = t->st->cc_dst;
    switch (cc) {
    case CC_Z:
        *c = compare(t, IR_EQ, dst, 0);
        return true;
    case CC_S:
        *c = compare(t, IR_TST, dst, sign_mask(op_width(t)));
        return true;
    case CC_P: {
        IrVal ones = ir_op1(t->ir, IR_POPCNT, ir_zext(t->ir, dst, 8));
        *c = compare(t, IR_TSTZ, ones, 1);
        return true;
    }
    default:
        return false;
    }
}

static bool cond_sub(X86Trans *t, unsigned cc, Cond *c)
{
    unsigned bytes = op_width(t);
    IrVal a = t->st->cc_left, b = t->st->cc_src;
    switch (cc) {
    case CC_Z:
        *c = (Cond){ IR_EQ, a, b };
        return true;
    case CC_B:
        *c = (Cond){ IR_LTU, a, b };
        return true;
    case CC_BE:
        *c = (Cond){ IR_LEU, a, b };
        return true;
    case CC_L:
        *c = compare_signed(t, IR_LT, a, b, bytes);
        return true;
    case CC_LE:
        *c = compare_signed(t, IR_LE, a, b, bytes);
        return true;
    case CC_O: {
        IrVal o = ir_op2(t->ir, IR_AND, xor2(t, a, b),
                         xor2(t, a, t->st->cc_dst));
        *c = compare(t, IR_TST, o, sign_mask(bytes));
        return true;
    }
    default:
        return cond_result(t, cc, c);
    }
}

static bool cond_add(X86Trans *t, unsigned cc, Cond *c)
{
    IrVal dst = t->st->cc_dst, b = t->st->cc_src;
    if (cc == CC_B) {
        *c = (Cond){ IR_LTU, dst, b };
        return true;
    }
    if (cc == CC_O) {
        IrVal a = ir_op2(t->ir, IR_SUB, dst, b);
        IrVal o = ir_op2(t->ir, IR_AND, xor2(t, a, dst), xor2(t, b, dst));
        *c = compare(t, IR_TST, o, sign_mask(op_width(t)));
        return true;
    }
    return cond_result(t, cc, c);
}

static bool cond_logic(X86Trans *t, unsigned cc, Cond *c)
{
    switch (cc) {
    case CC_O:
    case CC_B:
        *c = never(t);
        return true;
    case CC_BE:
        return cond_result(t, CC_Z, c);
    case CC_L:
        return cond_result(t, CC_S, c);
    case CC_LE:
        *c = compare_signed(t, IR_LE, t->st->cc_dst, k64(t, 0), op_width(t));
        return true;
    default:
        return cond_result(t, cc, c);
    }
}

/* a + 1 or a - 1: signed conditions compare the operand with -1 or 1. */
static bool cond_incdec(X86Trans *t, unsigned cc, Cond *c)
{
    bool inc = op_kind(t) == CC_INC;
    unsigned bytes = op_width(t);
    IrVal dst = t->st->cc_dst;
    uint64_t one = inc ? bits_mask(bytes * 8) : 1;
    switch (cc) {
    case CC_O:
        *c = compare(t, IR_EQ, dst, sign_mask(bytes) - !inc);
        return true;
    case CC_B:
        *c = compare(t, IR_NE, t->st->cc_src, 0);
        return true;
    case CC_L:
    case CC_LE: {
        IrVal a = clean(t, ir_op2i(t->ir, IR_ADD, dst, one), bytes);
        *c = compare_signed(t, cc == CC_L ? IR_LT : IR_LE, a, k64(t, one),
                            bytes);
        return true;
    }
    default:
        return cond_result(t, cc, c);
    }
}

/* Shifts, multiplication, ADC, SBB: only what is cheap. */
static bool cond_other(X86Trans *t, unsigned cc, Cond *c)
{
    if (cc == CC_B && op_kind(t) != CC_MUL) {
        *c = compare(t, IR_NE, flags_carry(t), 0);
        return true;
    }
    if ((cc == CC_B || cc == CC_O) && op_kind(t) == CC_MUL) {
        *c = compare(t, IR_NE, t->st->cc_src, 0);
        return true;
    }
    return cond_result(t, cc, c);
}

static bool cond_known(X86Trans *t, unsigned cc, Cond *c)
{
    switch (op_kind(t)) {
    case CC_EFLAGS:
        return false;
    case CC_SUB:
        return cond_sub(t, cc, c);
    case CC_ADD:
        return cond_add(t, cc, c);
    case CC_LOGIC:
        return cond_logic(t, cc, c);
    case CC_INC:
    case CC_DEC:
        return cond_incdec(t, cc, c);
    default:
        return cond_other(t, cc, c);
    }
}

Cond flags_cond(X86Trans *t, unsigned cc)
{
    Cond c;
    if (t->st->cc_op < 0 || !cond_known(t, cc >> 1, &c)) {
        c = cond_eflags(t, cc >> 1, flags_all(t));
    }
    return cc & 1 ? cond_invert(c) : c;
}
