/*
 * Near branches, calls and returns; far ones by helpers.
 */
#include "translate.h"

static uint64_t wrap_target(const X86Trans *t, uint64_t target)
{
    if (t_code64(t)) {
        return target;
    }
    return target & bits_mask(t->in.opsize * 8);
}

static uint64_t relative_target(const X86Trans *t)
{
    return wrap_target(t, t->next + t->in.imm[0]);
}

static unsigned linear_bits(const X86Trans *t)
{
    return t->tc->flags & TB_LA57 ? 57 : 48;
}

/* Whether a constant target can be beyond the CS limit or not canonical. */
static bool may_exceed_limit(const X86Trans *t, uint64_t target)
{
    unsigned flags = t->tc->flags;
    if (flags & TB_CS64) {
        return (uint64_t)bits_sext(target, linear_bits(t)) != target;
    }
    if (flags & (TB_FLAT | TB_CS4G)) {
        return false;
    }
    return !(flags & TB_CS64K) || target > 0xffff;
}

/* The same for targets known at run time: 64 KiB hold any 16-bit offset. */
static void check_target(X86Trans *t, IrVal target)
{
    uint64_t most = t->in.opsize == 2 ? 0xffff : UINT64_MAX;
    if (t_code64(t)) {
        ir_canon(t->ir, target, linear_bits(t));
    } else if (may_exceed_limit(t, most)) {
        CALL(t, near_target, target);
    }
}

static void check_constant(X86Trans *t, uint64_t target)
{
    if (may_exceed_limit(t, target)) {
        CALL(t, near_target, k64(t, target));
    }
}

static void check_taken(X86Trans *t, Cond c, uint64_t taken)
{
    if (may_exceed_limit(t, taken)) {
        CALL(t, near_target, ir_select(t->ir, c.cond, c.x, c.y,
                                       k64(t, taken), k64(t, t->pc)));
    }
}

void trans_jcc(X86Trans *t)
{
    if (t->st->cc_op < 0 && !may_exceed_limit(t, relative_target(t))) {
        flags_set_eflags(t, flags_all(t)); /* for those that come after */
    }
    Cond c = flags_cond(t, t->in.opcode & 15);
    check_taken(t, c, relative_target(t));
    t_branch(t, c, relative_target(t));
}

void trans_jmp_near(X86Trans *t)
{
    check_constant(t, relative_target(t));
    t_branch_to(t, k64(t, relative_target(t)), IR_EXIT_CHAIN0);
}

void trans_call_near(X86Trans *t)
{
    check_constant(t, relative_target(t));
    stack_push(t, k64(t, wrap_target(t, t->next)), t->in.opsize);
    t_branch_to(t, k64(t, relative_target(t)), IR_EXIT_CHAIN0);
}

void trans_jmp_ind(X86Trans *t)
{
    IrVal target = op_load(t, 0);
    check_target(t, target);
    t_branch_to(t, target, IR_EXIT_JUMP);
}

void trans_call_ind(X86Trans *t)
{
    IrVal target = op_load(t, 0);
    check_target(t, target);
    stack_push(t, k64(t, wrap_target(t, t->next)), t->in.opsize);
    t_branch_to(t, target, IR_EXIT_JUMP);
}

void trans_ret(X86Trans *t)
{
    IrVal target = stack_top(t, t->in.opsize);
    check_target(t, target);
    sp_set(t, sp_add(t, sp_get(t), t->in.opsize + t->in.imm[0]));
    t_branch_to(t, target, IR_EXIT_JUMP);
}

/* LOOP, LOOPE, LOOPNE; the count is as wide as addresses. */
void trans_loop(X86Trans *t)
{
    unsigned bytes = t->in.addrsize;
    IrVal count = clean(t, ir_op2i(t->ir, IR_SUB, ir_get(t->ir, X86_RCX), 1),
                        bytes);
    Cond c = { IR_NE, count, k64(t, 0) };
    if (t->in.opcode != 0xe2) {
        Cond z = flags_cond(t, t->in.opcode == 0xe1 ? 4 : 5);
        IrVal both = ir_op2(t->ir, IR_AND, cond_value(t, c),
                            cond_value(t, z));
        c = (Cond){ IR_NE, both, k64(t, 0) };
    }
    check_taken(t, c, relative_target(t));
    reg_set(t, X86_RCX, count, bytes);
    t_branch(t, c, relative_target(t));
}

void trans_jcxz(X86Trans *t)
{
    Cond c = { IR_EQ, reg_get(t, X86_RCX, t->in.addrsize), k64(t, 0) };
    check_taken(t, c, relative_target(t));
    t_branch(t, c, relative_target(t));
}

/* --- far -------------------------------------------------------------------*/

static void far_transfer(X86Trans *t, X86HelperId id, IrVal sel, IrVal offset)
{
    IrVal args[4] = { sel, offset, k64(t, t->in.opsize), k64(t, t->next) };
    t_end_shadow_now(t);
    t_call(t, id, args);
    flags_forget(t);
    t_jump_rip(t);
}

void trans_jmp_far_imm(X86Trans *t)
{
    far_transfer(t, X86_HELPER_ljmp, k64(t, t->in.imm[1]),
                 k64(t, t->in.imm[0]));
}

void trans_call_far_imm(X86Trans *t)
{
    far_transfer(t, X86_HELPER_lcall, k64(t, t->in.imm[1]),
                 k64(t, t->in.imm[0]));
}

static void far_memory(X86Trans *t, X86HelperId id)
{
    unsigned bytes = t->in.opsize;
    IrVal linear = mem_operand(t, bytes + 2);
    IrVal offset = mem_ld(t, linear, bytes);
    IrVal sel = mem_ld(t, linear_add(t, linear, bytes), 2);
    far_transfer(t, id, sel, offset);
}

void trans_jmp_far_mem(X86Trans *t)
{
    far_memory(t, X86_HELPER_ljmp);
}

void trans_call_far_mem(X86Trans *t)
{
    far_memory(t, X86_HELPER_lcall);
}

void trans_retf(X86Trans *t)
{
    CALL(t, lret, k64(t, t->in.opsize), k64(t, t->in.imm[0]));
    t_jump_rip(t);
}

void trans_iret(X86Trans *t)
{
    t_end_shadow_now(t);
    CALL(t, iret, k64(t, t->in.opsize), k64(t, t->next));
    t_jump_rip(t);
}

/* The handler is entered with TF clear: no trap after INT. */
static void soft_int(X86Trans *t, unsigned vector)
{
    t_end_shadow_now(t);
    CALL(t, soft_int, k64(t, vector), k64(t, t->next));
    t->st->no_step = true;
    t_jump_rip(t);
}

void trans_int(X86Trans *t)
{
    soft_int(t, t->in.imm[0] | SOFT_INT_N);
}

void trans_int3(X86Trans *t)
{
    soft_int(t, EXC_BP);
}

void trans_int1(X86Trans *t)
{
    soft_int(t, EXC_DB);
}

void trans_into(X86Trans *t)
{
    IrVal taken = cond_value(t, flags_cond(t, 0));
    t_end_shadow_now(t);
    CALL(t, into, taken, k64(t, t->next));
    t->st->no_step = true; /* the helper's */
    t_jump_rip(t);
}
