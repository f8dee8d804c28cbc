/*
 * Exceptions, hints, PSTATE and system registers of A64 (C4.1.87).
 */
#include "sysreg.h"
#include "translate.h"

void trans_svc(A64Trans *t, const A64_imm *a)
{
    t_raise(t, EC_SVC, a->imm);
}

/* Without EL2 it is undefined, unless it is how firmware is called. */
void trans_hvc(A64Trans *t, const A64_imm *a)
{
    CALL(t, hvc, k64(t, a->imm));
    t_end(t, IR_EXIT_LOOP);
}

/* There is no EL3. */
void trans_smc(A64Trans *t, const A64_imm *a)
{
    t_undefined(t);
}

void trans_brk(A64Trans *t, const A64_imm *a)
{
    t_raise(t, EC_BRK, a->imm);
}

/* Halting debug is not there. */
void trans_hlt(A64Trans *t, const A64_imm *a)
{
    t_undefined(t);
}

/* Hints (C6.2.124); those of extensions that a model lacks do nothing. */
enum { HINT_YIELD = 1, HINT_WFE, HINT_WFI };

void trans_hint(A64Trans *t, const A64_imm *a)
{
    if (a->imm == HINT_WFI || a->imm == HINT_WFE || a->imm == HINT_YIELD) {
        CALL(t, wfi, k64(t, a->imm != HINT_WFI));
        t_end(t, IR_EXIT_LOOP);
    }
}

void trans_barrier(A64Trans *t, const A64_imm_isb *a)
{
}

void trans_eret(A64Trans *t, const A64_nothing *a)
{
    if (t_el(t) == 0) {
        t_undefined(t);
        return;
    }
    CALL0(t, eret);
    /* A software step is as PSTATE says now, which the return has set. */
    ir_exit(t->ir, ir_get(t->ir, ARM_PC), IR_EXIT_LOOP);
    t->tc->ended = true;
}

void trans_msr_imm(A64Trans *t, const A64_imm_op1_op2 *a)
{
    unsigned which = a->op1 << 3 | a->op2;
    if (!arm_pstate_field_is_known(which)) {
        t_undefined(t);
        return;
    }
    CALL(t, msr_imm, k64(t, which), k64(t, a->imm));
    t_end(t, IR_EXIT_LOOP);
}

/* --- system registers ----------------------------------------------------- */

/* What EL0 may not have is undefined there (D19.1.1). */
static const ArmSysReg *find(A64Trans *t, unsigned key, bool write)
{
    const ArmSysReg *r = arm_sysreg_find(arm_cpu(t->tc->cpu), key);
    unsigned wrong = write ? SYS_RO : SYS_WO;
    unsigned el0 = write ? SYS_EL0_W : SYS_EL0_R;
    if (r && !(r->flags & wrong) && (t_el(t) || (r->flags & el0))) {
        return r;
    }
    t_undefined(t);
    return NULL;
}

static void end_after_access(A64Trans *t, const ArmSysReg *r)
{
    if (r->flags & SYS_IO) {
        t_end(t, IR_EXIT_LOOP);
    }
}

void trans_mrs(A64Trans *t, const A64_crm_crn_o0_op1_op2_rt *a)
{
    unsigned key = ARM_KEY(2 + a->o0, a->op1, a->crn, a->crm, a->op2);
    const ArmSysReg *r = find(t, key, false);
    if (!r) {
        return;
    }
    IrVal v = r->read ? CALL(t, mrs, k64(t, arm_sysreg_index(r)), k64(t, key))
                      : ir_ldenv(t->ir, IR_I64, r->offset, IR_MEM_64);
    t_set(t, a->rt, v, true);
    end_after_access(t, r);
}

void trans_msr(A64Trans *t, const A64_crm_crn_o0_op1_op2_rt *a)
{
    unsigned key = ARM_KEY(2 + a->o0, a->op1, a->crn, a->crm, a->op2);
    const ArmSysReg *r = find(t, key, true);
    if (!r) {
        return;
    }
    IrVal v = t_get(t, a->rt, true);
    if (r->write) {
        CALL(t, msr, k64(t, arm_sysreg_index(r)), v, k64(t, key));
        t_forget_flags(t);
        t_end(t, IR_EXIT_LOOP);
    } else {
        ir_stenv(t->ir, r->offset, v, IR_MEM_64);
        end_after_access(t, r);
    }
}

/* --- SYS: caches, translations (C5.3, C5.5) ------------------------------- */

#define SYS_KEY(a) ARM_KEY(1, (a)->op1, (a)->crn, (a)->crm, (a)->op2)

static bool is_allowed(A64Trans *t, bool el0)
{
    if (!el0 && t_el(t) == 0) {
        t_undefined(t);
        return false;
    }
    return true;
}

/* Cached code and translations are never older than memory, so that most of
 * these have nothing to do. */
void trans_sys(A64Trans *t, const A64_crm_crn_op1_op2_read_rt *a)
{
    unsigned key = SYS_KEY(a);
    bool is_cache = a->crn == 7, is_tlbi = a->crn == 8;
    if (a->read || (!is_cache && !is_tlbi)) {
        t_undefined(t);
    } else if (is_allowed(t, is_cache && a->op1 == 3) &&
               key == ARM_KEY(1, 3, 7, 4, 1)) {
        CALL(t, dc_zva, t_get(t, a->rt, true), k64(t, t_mem(t, 3, false)));
    } else if (!t->tc->ended && is_cache && a->crm == 8) {
        CALL(t, at, k64(t, a->op2), t_get(t, a->rt, true));
    }
}
