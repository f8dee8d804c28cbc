/*
 * BMI1 and BMI2 (SDM vol. 1, 5.1.16): general registers in three-operand form.
 * VEX.W, as REX.W elsewhere, chooses between 32 and 64 bits; outside 64-bit
 * mode it is not looked at.
 */
#include "translate.h"

/* ZF and SF of the result, CF as given (0 or 1); OF, AF and PF become 0. */
static void result_flags(X86Trans *t, IrVal result, IrVal carry)
{
    unsigned top = op_bytes(t, 0) * 8 - 1;
    IrVal zero = cond_value(t, (Cond){ IR_EQ, result, k64(t, 0) });
    IrVal flags = ir_deposit(t->ir, carry, zero, 6, 1);
    IrVal sign = ir_extract(t->ir, result, top, 1);
    flags_set_eflags(t, ir_deposit(t->ir, flags, sign, 7, 1));
}

void trans_andn(X86Trans *t)
{
    IrVal a = op_load(t, 1), b = op_load(t, 2);
    IrVal r = ir_op2(t->ir, IR_ANDC, b, a);
    op_store(t, 0, r);
    result_flags(t, r, k64(t, 0));
}

/* How the lowest one of a source is singled out: a with a - 1, or with -a. */
static void lowest_one(X86Trans *t, IrOp op, bool minus, IrCond carry)
{
    IrVal a = op_load(t, 1);
    IrVal b = minus ? ir_op1(t->ir, IR_NEG, a)
                    : ir_op2i(t->ir, IR_SUB, a, 1);
    IrVal r = clean(t, ir_op2(t->ir, op, a, b), op_bytes(t, 0));
    op_store(t, 0, r);
    result_flags(t, r, cond_value(t, (Cond){ carry, a, k64(t, 0) }));
}

void trans_blsr(X86Trans *t)
{
    lowest_one(t, IR_AND, false, IR_EQ);
}

void trans_blsmsk(X86Trans *t)
{
    lowest_one(t, IR_XOR, false, IR_EQ);
}

void trans_blsi(X86Trans *t)
{
    lowest_one(t, IR_AND, true, IR_NE);
}

/* The low n bits of v, all from 64 on. */
static IrVal low_bits(X86Trans *t, IrVal v, IrVal n)
{
    IrVal one = ir_op2(t->ir, IR_SHL, k64(t, 1), n);
    IrVal mask = ir_op2i(t->ir, IR_SUB, one, 1);
    IrVal part = ir_op2(t->ir, IR_AND, v, mask);
    return ir_select(t->ir, IR_LTU, n, k64(t, 64), part, v);
}

void trans_bextr(X86Trans *t)
{
    IrVal v = op_load(t, 1), control = op_load(t, 2);
    IrVal start = ir_extract(t->ir, control, 0, 8);
    IrVal shifted = ir_op2(t->ir, IR_SHR, v, start);
    shifted = ir_select(t->ir, IR_LTU, start, k64(t, 64), shifted, k64(t, 0));
    IrVal r = low_bits(t, shifted, ir_extract(t->ir, control, 8, 8));
    op_store(t, 0, r);
    result_flags(t, r, k64(t, 0));
}

void trans_bzhi(X86Trans *t)
{
    unsigned bits = op_bytes(t, 0) * 8;
    IrVal v = op_load(t, 1);
    IrVal n = ir_extract(t->ir, op_load(t, 2), 0, 8);
    IrVal r = low_bits(t, v, n);
    op_store(t, 0, r);
    result_flags(t, r, cond_value(t, (Cond){ IR_GEU, n, k64(t, bits) }));
}

/* The high half last: it stays where both go to one register. */
void trans_mulx(X86Trans *t)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal a = reg_get(t, X86_RDX, bytes), b = op_load(t, 2);
    IrVal full = ir_op2(t->ir, IR_MUL, a, b);
    IrVal high = bytes == 8 ? ir_op2(t->ir, IR_MULUH, a, b)
                            : ir_extract(t->ir, full, 32, 32);
    op_store(t, 1, clean(t, full, bytes));
    op_store(t, 0, high);
}

void trans_pdep(X86Trans *t)
{
    IrVal v = op_load(t, 1), mask = op_load(t, 2);
    op_store(t, 0, CALL(t, pdep, v, mask));
}

void trans_pext(X86Trans *t)
{
    IrVal v = op_load(t, 1), mask = op_load(t, 2);
    op_store(t, 0, CALL(t, pext, v, mask));
}

static void shift_by(X86Trans *t, IrOp op, bool is_signed)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal v = op_load(t, 1);
    IrVal n = ir_op2i(t->ir, IR_AND, op_load(t, 2), bytes * 8 - 1);
    if (is_signed) {
        v = widen_signed(t, v, bytes);
    }
    op_store(t, 0, clean(t, ir_op2(t->ir, op, v, n), bytes));
}

void trans_shlx(X86Trans *t)
{
    shift_by(t, IR_SHL, false);
}

void trans_shrx(X86Trans *t)
{
    shift_by(t, IR_SHR, false);
}

void trans_sarx(X86Trans *t)
{
    shift_by(t, IR_SAR, true);
}

void trans_rorx(X86Trans *t)
{
    unsigned bits = op_bytes(t, 0) * 8, n = t->in.imm[0] & (bits - 1);
    IrVal v = op_load(t, 1);
    if (n) {
        IrVal low = ir_op2i(t->ir, IR_SHR, v, n);
        IrVal high = ir_op2i(t->ir, IR_SHL, v, bits - n);
        v = clean(t, ir_op2(t->ir, IR_OR, low, high), bits / 8);
    }
    op_store(t, 0, v);
}
