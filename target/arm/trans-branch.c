/*
 * Branches of A64 (C4.1.87).
 */
#include "translate.h"

#define LINK 30

void trans_b(A64Trans *t, const A64_imm *a)
{
    t_jump(t, k64(t, t->pc + a->imm), IR_EXIT_CHAIN0);
}

void trans_bl(A64Trans *t, const A64_imm *a)
{
    t_set(t, LINK, k64(t, t->pc + 4), true);
    t_jump(t, k64(t, t->pc + a->imm), IR_EXIT_CHAIN0);
}

void trans_cb(A64Trans *t, const A64_imm_nz_rt_sf *a)
{
    Cond c = { a->nz ? IR_NE : IR_EQ, t_get(t, a->rt, a->sf), k64(t, 0) };
    t_branch(t, c, t->pc + a->imm);
}

void trans_tb(A64Trans *t, const A64_bit_imm_nz_rt *a)
{
    Cond c = { a->nz ? IR_TST : IR_TSTZ, t_get(t, a->rt, true),
               k64(t, BIT(a->bit)) };
    t_branch(t, c, t->pc + a->imm);
}

void trans_b_cond(A64Trans *t, const A64_cond_imm *a)
{
    t_branch(t, t_cond(t, a->cond), t->pc + a->imm);
}

void trans_br(A64Trans *t, const A64_rn *a)
{
    t_jump(t, t_branch_address(t, t_get(t, a->rn, true)), IR_EXIT_JUMP);
}

void trans_blr(A64Trans *t, const A64_rn *a)
{
    IrVal to = t_branch_address(t, t_get(t, a->rn, true));
    t_set(t, LINK, k64(t, t->pc + 4), true);
    t_jump(t, to, IR_EXIT_JUMP);
}

void trans_ret(A64Trans *t, const A64_rn *a)
{
    trans_br(t, a);
}
