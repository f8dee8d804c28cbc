/*
 * Shifts and rotates (vol. 2, SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD, SHRD).
 *
 * A count of zero, after masking, leaves the flags alone. Counts that are
 * constants are handled at translation time; for others both outcomes are
 * computed and one is selected.
 */
#include "translate.h"

typedef struct Shift {
    unsigned bytes;
    bool constant;
    uint64_t n;            /* the masked count, if constant */
    IrVal count;           /* the masked count */
} Shift;

/* The count is operand n; masked to 5 bits, or 6 for 64-bit operands. */
static Shift shift_count(X86Trans *t, unsigned n)
{
    Shift s = { .bytes = op_bytes(t, 0) };
    uint64_t mask = s.bytes == 8 ? 63 : 31;
    const OpSpec *op = &t->in.row->op[n];
    s.constant = op->method == OPM_I || op->method == OPM_ONE;
    if (s.constant) {
        s.n = (op->method == OPM_ONE ? 1 : t->in.imm[0]) & mask;
        s.count = k64(t, s.n);
    } else {
        s.count = ir_op2i(t->ir, IR_AND, op_load(t, n), mask);
    }
    return s;
}

static IrVal count_less_one(X86Trans *t, const Shift *s)
{
    return s->constant ? k64(t, s->n - 1)
                       : ir_op2i(t->ir, IR_SUB, s->count, 1);
}

static void set_flags(X86Trans *t, const Shift *s, CcOp op, IrVal dst,
                      IrVal last)
{
    if (s->constant) {
        flags_set(t, op, s->bytes, dst, last);
    } else {
        flags_set_if(t, s->count, op, s->bytes, dst, last);
    }
}

/* Shifts by zero still write a register (32 bits clear the upper half). */
static void shift(X86Trans *t, IrOp op, CcOp cc)
{
    Shift s = shift_count(t, 1);
    IrVal a = op_modify(t, 0);
    if (s.constant && s.n == 0) {
        op_store(t, 0, a);
        return;
    }
    IrVal wide = op == IR_SAR ? widen_signed(t, a, s.bytes) : a;
    IrVal last = ir_op2(t->ir, op, wide, count_less_one(t, &s));
    IrVal dst = ir_op2(t->ir, op, wide, s.count);
    last = clean(t, last, s.bytes);
    dst = clean(t, dst, s.bytes);
    op_store(t, 0, dst);
    set_flags(t, &s, cc, dst, last);
}

void trans_shl(X86Trans *t)
{
    shift(t, IR_SHL, CC_SHL);
}

void trans_shr(X86Trans *t)
{
    shift(t, IR_SHR, CC_SAR);
}

void trans_sar(X86Trans *t)
{
    shift(t, IR_SAR, CC_SAR);
}

/* --- double shifts ---------------------------------------------------------*/

/* 16 bits: the count may exceed the width; then the first operand comes in
 * again, as on existing processors (the manual leaves it undefined). */
static IrVal shld(X86Trans *t, IrVal a, IrVal b, IrVal count, unsigned bytes)
{
    if (bytes == 8) {
        IrVal in = ir_op2i(t->ir, IR_SHR, b, 1);
        IrVal down = ir_op2(t->ir, IR_XOR, count, k64(t, 63));
        return ir_op2(t->ir, IR_OR, ir_op2(t->ir, IR_SHL, a, count),
                      ir_op2(t->ir, IR_SHR, in, down));
    }
    IrVal pair = ir_deposit(t->ir, bytes == 4 ? b
                            : ir_deposit(t->ir, a, b, 16, 16), a, 32, 32);
    IrVal moved = ir_op2(t->ir, IR_SHL, pair, count);
    return ir_extract(t->ir, moved, 32, bytes * 8);
}

static IrVal shrd(X86Trans *t, IrVal a, IrVal b, IrVal count, unsigned bytes)
{
    if (bytes == 8) {
        IrVal in = ir_op2i(t->ir, IR_SHL, b, 1);
        IrVal up = ir_op2(t->ir, IR_XOR, count, k64(t, 63));
        return ir_op2(t->ir, IR_OR, ir_op2(t->ir, IR_SHR, a, count),
                      ir_op2(t->ir, IR_SHL, in, up));
    }
    IrVal pair = ir_deposit(t->ir, a, b, bytes * 8, bytes * 8);
    if (bytes == 2) {
        pair = ir_deposit(t->ir, pair, a, 32, 16);
    }
    return clean(t, ir_op2(t->ir, IR_SHR, pair, count), bytes);
}

typedef IrVal DoubleShift(X86Trans *t, IrVal a, IrVal b, IrVal count,
                          unsigned bytes);

static void double_shift(X86Trans *t, DoubleShift *fn, CcOp cc)
{
    Shift s = shift_count(t, 2);
    IrVal a = op_modify(t, 0), b = op_load(t, 1);
    if (s.constant && s.n == 0) {
        op_store(t, 0, a);
        return;
    }
    IrVal last = fn(t, a, b, count_less_one(t, &s), s.bytes);
    IrVal dst = fn(t, a, b, s.count, s.bytes);
    op_store(t, 0, dst);
    set_flags(t, &s, cc, dst, last);
}

void trans_shld(X86Trans *t)
{
    double_shift(t, shld, CC_SHL);
}

void trans_shrd(X86Trans *t)
{
    double_shift(t, shrd, CC_SAR);
}

/* --- rotates ---------------------------------------------------------------*/

/* Sets CF and OF (given as 0 or 1) if count != 0; the others stay. */
static void set_cf_of(X86Trans *t, const Shift *s, IrVal old, IrVal cf,
                      IrVal of)
{
    IrVal f = ir_deposit(t->ir, old, cf, 0, 1);
    f = ir_deposit(t->ir, f, of, 11, 1);
    if (!s->constant) {
        f = ir_select(t->ir, IR_EQ, s->count, k64(t, 0), old, f);
    }
    flags_set_eflags(t, f);
}

static IrVal rotate_value(X86Trans *t, IrOp op, IrVal a, const Shift *s)
{
    if (s->bytes == 8) {
        return ir_op2(t->ir, op, a, s->count);
    }
    IrVal v = a;
    if (s->bytes < 4) {
        v = ir_op2i(t->ir, IR_MUL, a, s->bytes == 1 ? 0x01010101 : 0x10001);
    }
    IrVal r = ir_op2(t->ir, op, ir_op1(t->ir, IR_TRUNC, v),
                     ir_op1(t->ir, IR_TRUNC, s->count));
    return clean(t, ir_op1(t->ir, IR_ZEXT64, r), s->bytes);
}

static IrVal bit_of(X86Trans *t, IrVal v, unsigned n)
{
    return ir_extract(t->ir, v, n, 1);
}

static void rotate(X86Trans *t, IrOp op)
{
    Shift s = shift_count(t, 1);
    IrVal a = op_modify(t, 0);
    if (s.constant && s.n == 0) {
        op_store(t, 0, a);
        return;
    }
    unsigned top = s.bytes * 8 - 1;
    IrVal old = flags_all(t);
    IrVal dst = rotate_value(t, op, a, &s);
    op_store(t, 0, dst);
    IrVal high = bit_of(t, dst, top);
    IrVal cf = op == IR_ROTL ? bit_of(t, dst, 0) : high;
    IrVal other = op == IR_ROTL ? high : bit_of(t, dst, top - 1);
    set_cf_of(t, &s, old, cf, ir_op2(t->ir, IR_XOR, cf, other));
}

void trans_rol(X86Trans *t)
{
    rotate(t, IR_ROTL);
}

void trans_ror(X86Trans *t)
{
    rotate(t, IR_ROTR);
}

/* Through carry: the helpers rotate width + 1 bits. OF is, as for a count of
 * one, the exclusive or of the two topmost bits of carry:result. */
static void rotate_carry(X86Trans *t, X86HelperId value, X86HelperId carry)
{
    Shift s = shift_count(t, 1);
    IrVal a = op_modify(t, 0);
    if (s.constant && s.n == 0) {
        op_store(t, 0, a);
        return;
    }
    IrVal old = flags_all(t);
    IrVal args[4] = { a, s.count, ir_op2i(t->ir, IR_AND, old, 1),
                      k64(t, s.bytes) };
    IrVal dst = t_call(t, value, args);
    IrVal cf = t_call(t, carry, args);
    op_store(t, 0, dst);
    unsigned top = s.bytes * 8 - 1;
    IrVal high = bit_of(t, dst, top);
    IrVal other = value == X86_HELPER_rcl ? cf : bit_of(t, dst, top - 1);
    set_cf_of(t, &s, old, cf, ir_op2(t->ir, IR_XOR, high, other));
}

void trans_rcl(X86Trans *t)
{
    rotate_carry(t, X86_HELPER_rcl, X86_HELPER_rcl_carry);
}

void trans_rcr(X86Trans *t)
{
    rotate_carry(t, X86_HELPER_rcr, X86_HELPER_rcr_carry);
}
