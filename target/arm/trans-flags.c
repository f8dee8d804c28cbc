/*
 * The condition flags. They are four registers of the IR in the shape in which
 * they cost least: N and V are sign bits, Z says that a value is zero, C is 0
 * or 1. Who overwrites them makes what was never read disappear (the pass
 * dce), and a condition behind a comparison in the same TB compares its
 * operands.
 */
#include "translate.h"

/* --- setting -------------------------------------------------------------- */

void t_set_flags(A64Trans *t, const Flags *f)
{
    ir_set(t->ir, ARM_NF, f->n);
    ir_set(t->ir, ARM_ZF, f->z);
    ir_set(t->ir, ARM_CF, f->c);
    ir_set(t->ir, ARM_VF, f->v);
    t_forget_flags(t);
}

void t_forget_flags(A64Trans *t)
{
    t->st->kind = FLAGS_UNKNOWN;
}

/* A value whose sign bit is that of a result. */
static IrVal sign(A64Trans *t, IrVal v, bool sf)
{
    return sf ? v : ir_sext(t->ir, v, 32);
}

static IrVal condition_bit(A64Trans *t, IrCond cond, IrVal x, IrVal y)
{
    return ir_op1(t->ir, IR_ZEXT64, ir_setcond(t->ir, cond, x, y));
}

Flags t_flags_sub(A64Trans *t, IrVal a, IrVal b, bool sf, IrVal *result)
{
    IrBlock *ir = t->ir;
    IrVal r = t_clean(t, ir_op2(ir, IR_SUB, a, b), sf);
    IrVal differ = ir_op2(ir, IR_XOR, a, b);
    IrVal over = ir_op2(ir, IR_AND, differ, ir_op2(ir, IR_XOR, a, r));
    *result = r;
    return (Flags){ sign(t, r, sf), r, condition_bit(t, IR_GEU, a, b),
                    sign(t, over, sf) };
}

Flags t_flags_add(A64Trans *t, IrVal a, IrVal b, bool sf, IrVal *result)
{
    IrBlock *ir = t->ir;
    IrVal sum = ir_op2(ir, IR_ADD, a, b);
    IrVal r = t_clean(t, sum, sf);
    IrVal changed = ir_op2(ir, IR_XOR, a, r);
    IrVal over = ir_op2(ir, IR_AND, changed, ir_op2(ir, IR_XOR, b, r));
    *result = r;
    return (Flags){ sign(t, r, sf), r, condition_bit(t, IR_LTU, r, a),
                    sign(t, over, sf) };
}

IrVal t_add_flags(A64Trans *t, IrVal a, IrVal b, bool sf)
{
    IrVal r;
    Flags f = t_flags_add(t, a, b, sf, &r);
    t_set_flags(t, &f);
    return r;
}

IrVal t_sub_flags(A64Trans *t, IrVal a, IrVal b, bool sf)
{
    IrVal r;
    Flags f = t_flags_sub(t, a, b, sf, &r);
    t_set_flags(t, &f);
    *t->st = (TransState){ .kind = FLAGS_SUB, .sf = sf, .a = a, .b = b,
                           .exit = t->st->exit };
    return r;
}

IrVal t_adc_flags(A64Trans *t, IrVal a, IrVal b, IrVal carry, bool sf)
{
    IrBlock *ir = t->ir;
    IrVal first, r;
    Flags one = t_flags_add(t, a, b, sf, &first);
    Flags two = t_flags_add(t, first, carry, sf, &r);
    /* The carry of either; an overflow of one that the other does not undo. */
    Flags f = { two.n, two.z, ir_op2(ir, IR_OR, one.c, two.c),
                ir_op2(ir, IR_XOR, one.v, two.v) };
    t_set_flags(t, &f);
    return r;
}

void t_logic_flags(A64Trans *t, IrVal v, bool sf)
{
    Flags f = { sign(t, v, sf), v, k64(t, 0), k64(t, 0) };
    t_set_flags(t, &f);
    *t->st = (TransState){ .kind = FLAGS_LOGIC, .sf = sf, .a = v,
                           .exit = t->st->exit };
}

/* --- conditions (Arm ARM, C1.2.4) ----------------------------------------- */

enum { EQ, CS = 2, MI = 4, VS = 6, HI = 8, GE = 10, GT = 12, AL = 14 };

/* The opposite of each stands behind it. ORDER ir-cond */
static Cond negated(Cond c, bool negate)
{
    static const uint8_t opposite[] = {
        [IR_EQ] = IR_NE,   [IR_NE] = IR_EQ,   [IR_LTU] = IR_GEU,
        [IR_GEU] = IR_LTU, [IR_LEU] = IR_GTU, [IR_GTU] = IR_LEU,
        [IR_LT] = IR_GE,   [IR_GE] = IR_LT,   [IR_LE] = IR_GT,
        [IR_GT] = IR_LE,   [IR_TST] = IR_TSTZ, [IR_TSTZ] = IR_TST,
    };
    c.cond = negate ? opposite[c.cond] : c.cond;
    return c;
}

/* After a - b: true if the condition is one of theirs. */
static bool cond_of_sub(A64Trans *t, unsigned cond, Cond *c)
{
    const TransState *st = t->st;
    bool is_signed = cond == GE || cond == GT;
    switch (cond) {
    case EQ: c->cond = IR_EQ; break;
    case CS: c->cond = IR_GEU; break;
    case HI: c->cond = IR_GTU; break;
    case GE: c->cond = IR_GE; break;
    case GT: c->cond = IR_GT; break;
    default: return false;
    }
    c->x = is_signed ? sign(t, st->a, st->sf) : st->a;
    c->y = is_signed ? sign(t, st->b, st->sf) : st->b;
    return true;
}

/* After a logical operation, whose C and V are 0. */
static bool cond_of_logic(A64Trans *t, unsigned cond, Cond *c)
{
    static const uint8_t conds[] = { [EQ] = IR_EQ, [MI] = IR_LT, [GE] = IR_GE,
                                     [GT] = IR_GT };
    if (cond != EQ && cond != MI && cond != GE && cond != GT) {
        return false;
    }
    *c = (Cond){ conds[cond], sign(t, t->st->a, t->st->sf), k64(t, 0) };
    return true;
}

/* From the registers. */
static Cond cond_of_flags(A64Trans *t, unsigned cond)
{
    IrBlock *ir = t->ir;
    IrVal zero = k64(t, 0);
    IrVal n = ir_get(ir, ARM_NF), z = ir_get(ir, ARM_ZF);
    IrVal differ;
    switch (cond) {
    case EQ:
        return (Cond){ IR_EQ, z, zero };
    case CS:
        return (Cond){ IR_NE, ir_get(ir, ARM_CF), zero };
    case MI:
        return (Cond){ IR_LT, n, zero };
    case VS:
        return (Cond){ IR_LT, ir_get(ir, ARM_VF), zero };
    case HI:
        return (Cond){ IR_NE, ir_select(ir, IR_NE, ir_get(ir, ARM_CF), zero,
                                        z, zero), zero };
    default:
        differ = ir_op2(ir, IR_XOR, n, ir_get(ir, ARM_VF));
        if (cond == GE) {
            return (Cond){ IR_GE, differ, zero };
        }
        return (Cond){ IR_NE, ir_select(ir, IR_GE, differ, zero, z, zero),
                       zero };
    }
}

Cond t_cond(A64Trans *t, unsigned cond)
{
    Cond c;
    unsigned kind = cond & ~1u;
    if (kind == AL) {
        return (Cond){ IR_EQ, k64(t, 0), k64(t, 0) };
    }
    bool known = t->st->kind == FLAGS_SUB     ? cond_of_sub(t, kind, &c)
                 : t->st->kind == FLAGS_LOGIC ? cond_of_logic(t, kind, &c)
                                              : false;
    return negated(known ? c : cond_of_flags(t, kind), cond & 1);
}
