/*
 * The stack: PUSH, POP, ENTER, LEAVE and the stack pointer's width
 * (SDM vol. 1, 6.2).
 */
#include "translate.h"

unsigned sp_bytes(const X86Trans *t)
{
    unsigned flags = t->tc->flags;
    return flags & TB_CS64 ? 8 : flags & TB_SS32 ? 4 : 2;
}

IrVal sp_get(X86Trans *t)
{
    return reg_get(t, X86_RSP, sp_bytes(t));
}

IrVal sp_add(X86Trans *t, IrVal sp, int64_t n)
{
    return clean(t, ir_op2i(t->ir, IR_ADD, sp, n), sp_bytes(t));
}

void sp_set(X86Trans *t, IrVal sp)
{
    reg_set(t, X86_RSP, sp, sp_bytes(t));
}

void stack_push(X86Trans *t, IrVal v, unsigned bytes)
{
    IrVal sp = sp_add(t, sp_get(t), -(int64_t)bytes);
    mem_st(t, mem_linear(t, SEG_SS, sp, bytes, true), v, bytes);
    sp_set(t, sp);
}

IrVal stack_top(X86Trans *t, unsigned bytes)
{
    return mem_ld(t, mem_linear(t, SEG_SS, sp_get(t), bytes, false), bytes);
}

void trans_push(X86Trans *t)
{
    stack_push(t, op_load(t, 0), t->in.opsize);
}

void trans_pop(X86Trans *t)
{
    unsigned bytes = t->in.opsize;
    IrVal v = stack_top(t, bytes);
    sp_set(t, sp_add(t, sp_get(t), bytes));
    op_store(t, 0, v); /* last: POP SP keeps the popped value */
}

/* An address based on RSP sees it as it is after the pop (vol. 2, POP). */
void trans_pop_ev(X86Trans *t)
{
    if (!op_is_memory(t, 0)) {
        trans_pop(t);
        return;
    }
    unsigned bytes = t->in.opsize;
    IrVal v = stack_top(t, bytes);
    IrVal sp = sp_add(t, sp_get(t), bytes);
    t->sp_override = sp_bytes(t) == 2
        ? ir_deposit(t->ir, ir_get(t->ir, X86_RSP), sp, 0, 16) : sp;
    op_store(t, 0, v);
    sp_set(t, sp);
}

void trans_pusha(X86Trans *t)
{
    CALL(t, pusha, k64(t, t->in.opsize), k64(t, sp_bytes(t)));
}

void trans_popa(X86Trans *t)
{
    CALL(t, popa, k64(t, t->in.opsize), k64(t, sp_bytes(t)));
}

void trans_enter(X86Trans *t)
{
    CALL(t, enter, k64(t, t->in.imm[0]), k64(t, t->in.imm[1] & 31),
         k64(t, t->in.opsize), k64(t, sp_bytes(t)));
}

void trans_leave(X86Trans *t)
{
    unsigned bytes = t->in.opsize;
    IrVal bp = reg_get(t, X86_RBP, sp_bytes(t));
    IrVal v = mem_ld(t, mem_linear(t, SEG_SS, bp, bytes, false), bytes);
    sp_set(t, sp_add(t, bp, bytes));
    reg_set(t, X86_RBP, v, bytes);
}

void trans_pushf(X86Trans *t)
{
    unsigned bytes = t->in.opsize;
    stack_push(t, CALL(t, pushf, k64(t, bytes)), bytes);
}

void trans_popf(X86Trans *t)
{
    unsigned bytes = t->in.opsize;
    IrVal image = stack_top(t, bytes);
    t_end_shadow_now(t);
    CALL(t, popf, image, k64(t, bytes));
    flags_forget(t);
    sp_set(t, sp_add(t, sp_get(t), bytes));
}

/* --- segment registers -----------------------------------------------------*/

void trans_push_seg(X86Trans *t)
{
    stack_push(t, seg_selector(t, t->in.row->op[0].reg), t->in.opsize);
}

/* Interrupts and traps wait until the next instruction has retired, which is
 * to load the other half of SS:SP (6.8.3). */
static void stack_segment_loaded(X86Trans *t)
{
    t->st->no_step = true;
    if (!(t->tc->flags & TB_SHADOW)) {
        t_end_shadow_now(t); /* RF */
        CALL0(t, set_shadow);
        t->st->shadow_ended = true;
        t_end(t, IR_EXIT_LOOP);
    }
}

void trans_pop_seg(X86Trans *t)
{
    unsigned seg = t->in.row->op[0].reg;
    IrVal v = stack_top(t, t->in.opsize);
    IrVal sp = sp_add(t, sp_get(t), t->in.opsize);
    CALL(t, load_seg, k64(t, seg), clean(t, v, 2));
    sp_set(t, sp);
    if (seg == SEG_SS) {
        stack_segment_loaded(t);
    }
}

void trans_mov_to_seg(X86Trans *t)
{
    unsigned seg = t->in.reg & 7;
    if (seg == SEG_CS || seg >= SEG_COUNT) {
        t_raise(t, EXC_UD);
        return;
    }
    CALL(t, load_seg, k64(t, seg), op_load(t, 1));
    if (seg == SEG_SS) {
        stack_segment_loaded(t);
    }
}

void trans_mov_from_seg(X86Trans *t)
{
    unsigned seg = t->in.reg & 7;
    if (seg >= SEG_COUNT) {
        t_raise(t, EXC_UD);
        return;
    }
    op_store(t, 0, seg_selector(t, seg));
}

static unsigned far_load_segment(const X86Trans *t)
{
    switch (t->in.opcode) {
    case 0xc4:
        return SEG_ES;
    case 0xc5:
        return SEG_DS;
    case 0xb2:
        return SEG_SS;
    default:
        return t->in.opcode == 0xb4 ? SEG_FS : SEG_GS;
    }
}

/* LDS, LES, LFS, LGS, LSS. */
void trans_load_far(X86Trans *t)
{
    unsigned bytes = t->in.opsize;
    IrVal linear = mem_operand(t, bytes + 2);
    IrVal offset = mem_ld(t, linear, bytes);
    IrVal sel = mem_ld(t, linear_add(t, linear, bytes), 2);
    CALL(t, load_seg, k64(t, far_load_segment(t)), sel);
    op_store(t, 0, offset);
}
