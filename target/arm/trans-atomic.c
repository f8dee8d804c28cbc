/*
 * Exclusive, ordered and atomic accesses of A64 (C4.1.88). vCPUs take turns
 * between instructions, so order needs nothing, and a load and a store of one
 * instruction are atomic.
 */
#include "translate.h"

#define STATE(member) offsetof(ArmCpu, s.member)

/* These must be aligned in any mode (B2.9.2). */
static IrVal aligned_base(A64Trans *t, unsigned rn, unsigned log2)
{
    IrVal at = t_base(t, rn);
    t_check_align(t, at, log2, true);
    return at;
}

/* --- ordered -------------------------------------------------------------- */

void trans_ldar(A64Trans *t, const A64_o0_rn_rt_size *a)
{
    IrVal at = aligned_base(t, a->rn, a->size);
    t_set(t, a->rt, t_load(t, at, a->size, false, false), true);
}

void trans_stlr(A64Trans *t, const A64_o0_rn_rt_size *a)
{
    IrVal at = aligned_base(t, a->rn, a->size);
    t_store(t, at, t_get(t, a->rt, true), a->size, false);
}

static IrVal offset_base(A64Trans *t, unsigned rn, int64_t imm)
{
    return ir_op2i(t->ir, IR_ADD, t_base(t, rn), imm);
}

void trans_ldapur(A64Trans *t, const A64_imm_rn_rt_size *a)
{
    IrVal at = offset_base(t, a->rn, a->imm);
    t_set(t, a->rt, t_load(t, at, a->size, false, false), true);
}

void trans_ldapurs(A64Trans *t, const A64_imm_rn_rt_size_x64 *a)
{
    IrVal at = offset_base(t, a->rn, a->imm);
    t_set(t, a->rt, t_load(t, at, a->size, true, false), a->x64);
}

void trans_stlur(A64Trans *t, const A64_imm_rn_rt_size *a)
{
    IrVal at = offset_base(t, a->rn, a->imm);
    t_store(t, at, t_get(t, a->rt, true), a->size, false);
}

/* --- exclusive ------------------------------------------------------------ */

static void set_monitor(A64Trans *t, IrVal at, unsigned bytes)
{
    ir_stenv(t->ir, STATE(excl_addr), at, IR_MEM_64);
    ir_stenv(t->ir, STATE(excl_bytes), k64(t, bytes), IR_MEM_8);
    ir_stenv(t->ir, STATE(exclusive), k64(t, 1), IR_MEM_8);
}

void trans_ldxr(A64Trans *t, const A64_o0_rn_rt_size *a)
{
    IrVal at = aligned_base(t, a->rn, a->size);
    IrVal v = t_load(t, at, a->size, false, false);
    set_monitor(t, at, 1u << a->size);
    ir_stenv(t->ir, STATE(excl_value), v, IR_MEM_64);
    t_set(t, a->rt, v, true);
}

void trans_ldxp(A64Trans *t, const A64_o0_rn_rt_rt2_sz *a)
{
    unsigned log2 = 2 + a->sz;
    IrVal at = aligned_base(t, a->rn, log2 + 1);
    IrVal v = t_load(t, at, log2, false, false);
    IrVal w = t_load(t, ir_op2i(t->ir, IR_ADD, at, BIT(log2)), log2, false,
                     false);
    set_monitor(t, at, 2u << log2);
    ir_stenv(t->ir, STATE(excl_value), v, IR_MEM_64);
    ir_stenv(t->ir, STATE(excl_value) + 8, w, IR_MEM_64);
    t_set(t, a->rt, v, true);
    t_set(t, a->rt2, w, true);
}

static uint64_t how_words(A64Trans *t, unsigned log2)
{
    return t_mem(t, log2, false) | (t->tc->flags & TB_BIG ? BIT(32) : 0);
}

void trans_stxr(A64Trans *t, const A64_o0_rn_rs_rt_size *a)
{
    IrVal at = aligned_base(t, a->rn, a->size);
    t_set(t, a->rs, CALL(t, stxr, at, t_get(t, a->rt, true),
                         k64(t, how_words(t, a->size))), false);
}

void trans_stxp(A64Trans *t, const A64_o0_rn_rs_rt_rt2_sz *a)
{
    unsigned log2 = 2 + a->sz;
    IrVal at = aligned_base(t, a->rn, log2 + 1);
    t_set(t, a->rs, CALL(t, stxp, at, t_get(t, a->rt, true),
                         t_get(t, a->rt2, true), k64(t, how_words(t, log2))),
          false);
}

void trans_clrex(A64Trans *t, const A64_imm *a)
{
    ir_stenv(t->ir, STATE(exclusive), k64(t, 0), IR_MEM_8);
}

/* --- read, modify, write (FEAT_LSE) --------------------------------------- */

/* ORDER a64-atomic (insn.decode) */
enum { OP_ADD, OP_CLR, OP_EOR, OP_SET, OP_SMAX, OP_SMIN, OP_UMAX, OP_UMIN,
       OP_SWP };

static IrVal extreme(A64Trans *t, IrCond cond, IrVal old, IrVal v,
                     unsigned log2)
{
    IrBlock *ir = t->ir;
    IrVal x = old, y = v;
    if (cond == IR_GT || cond == IR_LT) {
        x = log2 < 3 ? ir_sext(ir, x, 8u << log2) : x;
        y = log2 < 3 ? ir_sext(ir, y, 8u << log2) : y;
    }
    return ir_select(ir, cond, x, y, old, v);
}

static IrVal modified(A64Trans *t, unsigned op, IrVal old, IrVal v,
                      unsigned log2)
{
    IrBlock *ir = t->ir;
    v = log2 < 3 ? ir_zext(ir, v, 8u << log2) : v;
    switch (op) {
    case OP_ADD:
        return ir_op2(ir, IR_ADD, old, v);
    case OP_CLR:
        return ir_op2(ir, IR_ANDC, old, v);
    case OP_EOR:
        return ir_op2(ir, IR_XOR, old, v);
    case OP_SET:
        return ir_op2(ir, IR_OR, old, v);
    case OP_SMAX:
        return extreme(t, IR_GT, old, v, log2);
    case OP_SMIN:
        return extreme(t, IR_LT, old, v, log2);
    case OP_UMAX:
        return extreme(t, IR_GTU, old, v, log2);
    case OP_UMIN:
        return extreme(t, IR_LTU, old, v, log2);
    default:
        return v;
    }
}

void trans_atomic(A64Trans *t, const A64_a_op_r_rn_rs_rt_size *a)
{
    IrVal at = aligned_base(t, a->rn, a->size);
    IrVal old = t_load(t, at, a->size, false, false);
    IrVal v = modified(t, a->op, old, t_get(t, a->rs, true), a->size);
    t_store(t, at, v, a->size, false);
    t_set(t, a->rt, old, true);
}

/* What is not equal is stored as it was, which asks for the right to write, as
 * the architecture allows. */
void trans_cas(A64Trans *t, const A64_l_o0_rn_rs_rt_size *a)
{
    IrBlock *ir = t->ir;
    IrVal at = aligned_base(t, a->rn, a->size);
    IrVal want = t_get(t, a->rs, true);
    want = a->size < 3 ? ir_zext(ir, want, 8u << a->size) : want;
    IrVal old = t_load(t, at, a->size, false, false);
    t_store(t, at, ir_select(ir, IR_EQ, old, want, t_get(t, a->rt, true),
                             old), a->size, false);
    t_set(t, a->rs, old, true);
}

void trans_casp(A64Trans *t, const A64_l_o0_rn_rs_rt_sz *a)
{
    IrBlock *ir = t->ir;
    unsigned log2 = 2 + a->sz;
    if ((a->rs | a->rt) & 1) {
        t_undefined(t);
        return;
    }
    IrVal at = aligned_base(t, a->rn, log2 + 1);
    IrVal next = ir_op2i(ir, IR_ADD, at, BIT(log2));
    IrVal v = t_load(t, at, log2, false, false);
    IrVal w = t_load(t, next, log2, false, false);
    IrVal differ = ir_op2(
        ir, IR_OR, ir_op2(ir, IR_XOR, v, t_get(t, a->rs, a->sz)),
        ir_op2(ir, IR_XOR, w, t_get(t, a->rs + 1, a->sz)));
    IrVal zero = k64(t, 0);
    t_store(t, at, ir_select(ir, IR_EQ, differ, zero, t_get(t, a->rt, true),
                             v), log2, false);
    t_store(t, next, ir_select(ir, IR_EQ, differ, zero,
                               t_get(t, a->rt + 1, true), w), log2, false);
    t_set(t, a->rs, v, true);
    t_set(t, a->rs + 1, w, true);
}
