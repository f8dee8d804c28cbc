/*
 * DIV and IDIV.
 *
 * They fault where the quotient does not fit, and a helper that may fault is
 * dear. What programs divide by a register nearly always fits for a reason that
 * is quickly seen: the dividend's upper half is only there because the
 * instruction wants one. A TB assumes that (docs/devel/translator.md,
 * "Assumptions") and divides in place; one that finds it otherwise is made anew,
 * at last with the helper. So are those that divide by what is in memory: an
 * instruction that begins again must not have read a device. Vol. 2, DIV, IDIV;
 * flags, which the manual leaves undefined, stay.
 */
#include "translate.h"

static IrVal pc_of(X86Trans *t)
{
    return k64(t, t->pc);
}

/* An upper half less than the divisor, which is then no zero: the quotient fits
 * (below 64 bits, where both halves are one value). */
static IrVal quotient(X86Trans *t, IrVal low, IrVal d, unsigned bytes)
{
    IrVal high = reg_get(t, X86_RDX, bytes);
    if (bytes == 8) {
        ir_exit_stale_if(t->ir, IR_NE, high, k64(t, 0), pc_of(t));
        ir_exit_stale_if(t->ir, IR_EQ, d, k64(t, 0), pc_of(t));
        return CALL(t, divu, low, d, k64(t, 8));
    }
    ir_exit_stale_if(t->ir, IR_GEU, high, d, pc_of(t));
    IrVal whole = ir_op2(t->ir, IR_OR, ir_op2i(t->ir, IR_SHL, high, 32), low);
    return CALL(t, divu, whole, d, k64(t, 8));
}

/* An upper half that repeats the lower one's sign, and a divisor that is neither
 * 0 nor -1. */
static IrVal signed_quotient(X86Trans *t, IrVal low, IrVal d, unsigned bytes)
{
    IrVal high = reg_get(t, X86_RDX, bytes);
    IrVal sign = ir_op2i(t->ir, IR_SAR, widen_signed(t, low, bytes), 63);
    IrVal next = ir_op2i(t->ir, IR_ADD, d, 1);
    ir_exit_stale_if(t->ir, IR_NE, high, clean(t, sign, bytes), pc_of(t));
    ir_exit_stale_if(t->ir, IR_LEU, clean(t, next, bytes), k64(t, 1),
                     pc_of(t));
    return CALL(t, divs, low, d, k64(t, bytes));
}

static bool may_divide(const X86Trans *t)
{
    return t->tc->may_assume && op_bytes(t, 0) >= 4 && !op_is_memory(t, 0);
}

typedef IrVal QuotientFn(X86Trans *t, IrVal low, IrVal d, unsigned bytes);

static void divide(X86Trans *t, QuotientFn *fn)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal low = reg_get(t, X86_RAX, bytes), d = op_load(t, 0);
    IrVal q = fn(t, low, d, bytes);
    IrVal rest = ir_op2(t->ir, IR_SUB, low, ir_op2(t->ir, IR_MUL, q, d));
    reg_set(t, X86_RAX, clean(t, q, bytes), bytes);
    reg_set(t, X86_RDX, clean(t, rest, bytes), bytes);
}

void trans_div(X86Trans *t)
{
    if (may_divide(t)) {
        divide(t, quotient);
    } else {
        CALL(t, div, op_load(t, 0), k64(t, op_bytes(t, 0)));
    }
}

void trans_idiv(X86Trans *t)
{
    if (may_divide(t)) {
        divide(t, signed_quotient);
    } else {
        CALL(t, idiv, op_load(t, 0), k64(t, op_bytes(t, 0)));
    }
}
