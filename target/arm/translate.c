/*
 * The A64 translator's three hooks (vm/cpu.h), and what is common to all
 * instructions: registers, faults and the ways out of a TB.
 */
#include "show.h"
#include "translate.h"

G_STATIC_ASSERT(sizeof(TransState) <=
                sizeof(((TranslateContext *)NULL)->scratch));

static TransState *trans_state(TranslateContext *tc)
{
    return (TransState *)tc->scratch;
}

IrVal t_call(A64Trans *t, ArmHelperId id, const IrVal *args)
{
    return ir_call(t->ir, &arm_helpers[id], args);
}

/* --- registers ------------------------------------------------------------ */

IrVal t_clean(A64Trans *t, IrVal v, bool sf)
{
    return sf ? v : ir_zext(t->ir, v, 32);
}

IrVal t_get(A64Trans *t, unsigned r, bool sf)
{
    return r == 31 ? k64(t, 0) : t_clean(t, ir_get(t->ir, ARM_X0 + r), sf);
}

IrVal t_get_sp(A64Trans *t, unsigned r, bool sf)
{
    return t_clean(t, ir_get(t->ir, r == 31 ? ARM_SP : ARM_X0 + r), sf);
}

void t_set(A64Trans *t, unsigned r, IrVal v, bool sf)
{
    if (r != 31) {
        ir_set(t->ir, ARM_X0 + r, t_clean(t, v, sf));
    }
}

void t_set_sp(A64Trans *t, unsigned r, IrVal v, bool sf)
{
    ir_set(t->ir, r == 31 ? ARM_SP : ARM_X0 + r, t_clean(t, v, sf));
}

/* --- ways out ------------------------------------------------------------- */

void t_end(A64Trans *t, IrExit how)
{
    t->tc->end_after = true;
    t->st->exit = MAX(t->st->exit, how);
}

void t_raise(A64Trans *t, unsigned ec, unsigned iss)
{
    CALL(t, raise, k64(t, ec), k64(t, iss));
    ir_exit(t->ir, k64(t, t->pc), IR_EXIT_LOOP);
    t->tc->ended = true;
}

void t_undefined(A64Trans *t)
{
    t_raise(t, EC_UNKNOWN, 0);
}

/* Software step: the step is over when the instruction has retired. */
static IrExit step_over(A64Trans *t, IrExit how)
{
    if (t->tc->flags & TB_STEP) {
        CALL0(t, step_over);
        return IR_EXIT_LOOP;
    }
    return how;
}

void t_jump(A64Trans *t, IrVal pc, IrExit how)
{
    how = step_over(t, how);
    ir_exit(t->ir, pc, how);
    t->tc->ended = true;
}

void t_branch(A64Trans *t, Cond c, uint64_t taken)
{
    IrVal to = k64(t, taken), next = k64(t, t->pc + 4);
    if (t->tc->flags & TB_STEP) {
        t_jump(t, ir_select(t->ir, c.cond, c.x, c.y, to, next),
               IR_EXIT_LOOP);
        return;
    }
    ir_exit_if(t->ir, c.cond, c.x, c.y, to, IR_EXIT_CHAIN0);
    t_jump(t, next, IR_EXIT_CHAIN1);
}

IrVal t_branch_address(A64Trans *t, IrVal v)
{
    IrBlock *ir = t->ir;
    uint32_t flags = t->tc->flags;
    if (!(flags & (TB_TBI0 | TB_TBI1))) {
        return v;
    }
    IrVal upper = ir_op2i(ir, IR_AND, v, BIT(55));
    IrVal zero = k64(t, 0);
    IrVal low = flags & TB_TBI0 ? ir_op2i(ir, IR_AND, v, BIT(56) - 1) : v;
    IrVal high = flags & TB_TBI1
                     ? ir_op2i(ir, IR_OR, v, ~(BIT(56) - 1)) : v;
    return ir_select(ir, IR_NE, upper, zero, high, low);
}

/* --- the hooks ------------------------------------------------------------ */

void a64_translate_start(TranslateContext *tc)
{
    *trans_state(tc) = (TransState){ .exit = IR_EXIT_CHAIN0 };
}

static uint32_t fetch(TranslateContext *tc)
{
    uint32_t word = 0;
    for (unsigned i = 0; i < 4; i++) {
        word |= (uint32_t)translate_byte(tc, i) << 8 * i;
    }
    return word;
}

/* IFSC of a debug exception (D19.2.37). */
#define ISS_DEBUG 0x22

/* What comes before any instruction (Arm ARM, D1.3.5): true if that is all. */
static bool raise_instead(A64Trans *t)
{
    uint32_t flags = t->tc->flags;
    if (flags & TB_STEP_PENDING) {
        t_raise(t, EC_STEP_LOWER, ISS_DEBUG);
    } else if (t->pc & 3) {
        t_raise(t, EC_PC_ALIGN, 0);
    } else if (flags & TB_IL) {
        t_raise(t, EC_ILLEGAL, 0);
    } else {
        return false;
    }
    return true;
}

static void translate_word(A64Trans *t)
{
    int row = a64_decode32(t->word);
    if (row < 0) {
        t_undefined(t);
        return;
    }
    unsigned flags = a64_rows[row].flags;
    if ((flags & INSN_FP) && !(t->tc->flags & TB_FP)) {
        t_raise(t, EC_FP, 0x1e << 20);
        return;
    }
    if (flags & INSN_IO) {
        t_end(t, IR_EXIT_LOOP);
    } else if (flags & INSN_END) {
        t_end(t, IR_EXIT_LOOKUP);
    }
    if (t->tc->flags & TB_STEP) {
        t_end(t, IR_EXIT_LOOP);
    }
    a64_translate(t, row, t->word);
}

void a64_translate_insn(TranslateContext *tc)
{
    A64Trans t = { .tc = tc, .ir = tc->ir, .st = trans_state(tc),
                   .pc = tc->pc };
    bool whole = !(tc->pc & 3) && !(tc->flags & (TB_STEP_PENDING | TB_IL));
    t.word = whole ? fetch(tc) : 0;
    ir_insn_start(tc->ir, t.pc, 0);
    if (!raise_instead(&t)) {
        translate_word(&t);
    }
    tc->pc += 4;
}

void a64_translate_stop(TranslateContext *tc)
{
    A64Trans t = { .tc = tc, .ir = tc->ir, .st = trans_state(tc) };
    t_jump(&t, k64(&t, tc->pc), t.st->exit);
}
