/*
 * The system registers of EL0 and EL1 (Arm ARM, D19.2), one row each. What a
 * register does beyond holding its bits is in its write function.
 */
#include "sysreg.h"

#include "base/bits.h"

/* --- identity ------------------------------------------------------------------------- */

static uint64_t read_midr(ArmCpu *cpu, unsigned key)
{
    return cpu->model->midr;
}

/* Bit 31 is RES1, U is 0: one of several, or the only one. */
static uint64_t read_mpidr(ArmCpu *cpu, unsigned key)
{
    return BIT(31) | arm_pin_table.affinity(cpu->parent.index);
}

static uint64_t read_revidr(ArmCpu *cpu, unsigned key)
{
    return cpu->model->revidr;
}

static uint64_t read_ctr(ArmCpu *cpu, unsigned key)
{
    return cpu->model->ctr;
}

static uint64_t read_dczid(ArmCpu *cpu, unsigned key)
{
    bool denied = !cpu->s.el && !(cpu->s.sctlr & SCTLR_DZE);
    return cpu->model->dczid | (denied ? 16 : 0);
}

static uint64_t read_clidr(ArmCpu *cpu, unsigned key)
{
    return cpu->model->clidr;
}

static uint64_t read_ccsidr(ArmCpu *cpu, unsigned key)
{
    unsigned select = cpu->s.csselr & 15;
    return select < G_N_ELEMENTS(cpu->model->ccsidr)
               ? cpu->model->ccsidr[select] : 0;
}

/* ID_AA64*: op0 3, op1 0, CRn 0, CRm 4 to 7; the others of the block are zero,
 * as those of AArch32 are where it is not there. */
static uint64_t read_id(ArmCpu *cpu, unsigned key)
{
    const ArmModel *m = cpu->model;
    switch (key) {
    case ARM_KEY(3, 0, 0, 4, 0): return m->pfr0;
    case ARM_KEY(3, 0, 0, 4, 1): return m->pfr1;
    case ARM_KEY(3, 0, 0, 5, 0): return m->dfr0;
    case ARM_KEY(3, 0, 0, 6, 0): return m->isar0;
    case ARM_KEY(3, 0, 0, 6, 1): return m->isar1;
    case ARM_KEY(3, 0, 0, 6, 2): return m->isar2;
    case ARM_KEY(3, 0, 0, 7, 0): return m->mmfr0;
    case ARM_KEY(3, 0, 0, 7, 1): return m->mmfr1;
    case ARM_KEY(3, 0, 0, 7, 2): return m->mmfr2;
    default: return 0;
    }
}

/* --- PSTATE ----------------------------------------------------------------------------- */

static uint64_t read_el(ArmCpu *cpu, unsigned key)
{
    return cpu->s.el << 2;
}

static uint64_t read_nzcv(ArmCpu *cpu, unsigned key)
{
    return arm_nzcv(cpu);
}

static void write_nzcv(ArmCpu *cpu, unsigned key, uint64_t v)
{
    arm_set_nzcv(cpu, v);
}

static void check_uma(ArmCpu *cpu)
{
    if (!cpu->s.el && !(cpu->s.sctlr & SCTLR_UMA)) {
        arm_raise_undefined(cpu);
    }
}

static uint64_t read_daif(ArmCpu *cpu, unsigned key)
{
    check_uma(cpu);
    return cpu->s.daif << 6;
}

static void write_daif(ArmCpu *cpu, unsigned key, uint64_t v)
{
    check_uma(cpu);
    cpu->s.daif = v >> 6 & 15;
}

static uint64_t read_spsel(ArmCpu *cpu, unsigned key)
{
    return cpu->s.spsel;
}

static void write_spsel(ArmCpu *cpu, unsigned key, uint64_t v)
{
    arm_switch_sp(cpu, cpu->s.el, v & 1);
    arm_update_modes(cpu);
}

static uint64_t read_pan(ArmCpu *cpu, unsigned key)
{
    return cpu->s.pan ? BIT(22) : 0;
}

static void write_pan(ArmCpu *cpu, unsigned key, uint64_t v)
{
    cpu->s.pan = v & BIT(22);
    arm_update_modes(cpu);
}

/* Of EL0, from EL1 that uses its own. */
static uint64_t read_sp_el0(ArmCpu *cpu, unsigned key)
{
    if (!cpu->s.spsel) {
        arm_raise_undefined(cpu);
    }
    return cpu->s.sp_el[0];
}

static void write_sp_el0(ArmCpu *cpu, unsigned key, uint64_t v)
{
    if (!cpu->s.spsel) {
        arm_raise_undefined(cpu);
    }
    cpu->s.sp_el[0] = v;
}

/* --- control --------------------------------------------------------------------------------- */

/* Translations were made under other rules. */
static void write_sctlr(ArmCpu *cpu, unsigned key, uint64_t v)
{
    cpu->s.sctlr = v;
    tlb_flush(&cpu->parent);
    arm_update_modes(cpu);
}

static void write_cpacr(ArmCpu *cpu, unsigned key, uint64_t v)
{
    cpu->s.cpacr = v & 0x30330000;
    arm_update_modes(cpu);
}

static void write_tcr(ArmCpu *cpu, unsigned key, uint64_t v)
{
    cpu->s.tcr = v;
    tlb_flush(&cpu->parent);
    arm_update_modes(cpu);
}

static void write_ttbr(ArmCpu *cpu, unsigned key, uint64_t v)
{
    unsigned n = key & 1;
    uint64_t before = cpu->s.ttbr[n];
    cpu->s.ttbr[n] = v;
    arm_ttbr_changed(cpu, n, before);
}

static void write_vbar(ArmCpu *cpu, unsigned key, uint64_t v)
{
    cpu->s.vbar = v & ~UINT64_C(0x7ff);
}

/* --- timers (D12.2) ------------------------------------------------------------------------------ */

/* CNTKCTL_EL1 lets EL0 in: EL0PCTEN, EL0VCTEN; EL0VTEN, EL0PTEN. */
static void check_timer(ArmCpu *cpu, unsigned bit)
{
    if (!cpu->s.el && !(cpu->s.cntkctl & BIT(bit))) {
        arm_raise_undefined(cpu);
    }
}

static uint64_t read_counter(ArmCpu *cpu, unsigned key)
{
    check_timer(cpu, (key & 7) == 2);
    return arm_counter(cpu);
}

static uint64_t read_cntfrq(ArmCpu *cpu, unsigned key)
{
    if (!cpu->s.el && !(cpu->s.cntkctl & 3)) {
        arm_raise_undefined(cpu);
    }
    return cpu->s.cntfrq;
}

/* CRm 2: the physical timer, 3: the virtual one. */
static unsigned timer_of(ArmCpu *cpu, unsigned key)
{
    unsigned n = (key >> 3 & 15) == 3 ? ARM_TIMER_VIRT : ARM_TIMER_PHYS;
    check_timer(cpu, n == ARM_TIMER_VIRT ? 8 : 9);
    return n;
}

static uint64_t read_timer(ArmCpu *cpu, unsigned key)
{
    unsigned n = timer_of(cpu, key);
    switch (key & 7) {
    case 0:
        return (uint32_t)(cpu->s.cval[n] - arm_counter(cpu));
    case 1:
        return arm_timer_ctl(cpu, n);
    default:
        return cpu->s.cval[n];
    }
}

static void write_timer(ArmCpu *cpu, unsigned key, uint64_t v)
{
    unsigned n = timer_of(cpu, key);
    switch (key & 7) {
    case 0:
        cpu->s.cval[n] = arm_counter(cpu) + (int32_t)v;
        break;
    case 1:
        cpu->s.cctl[n] = v & 3;
        break;
    default:
        cpu->s.cval[n] = v;
    }
    arm_timer_changed(cpu, n);
}

/* --- debug ----------------------------------------------------------------------------------------- */

static uint64_t read_zero(ArmCpu *cpu, unsigned key)
{
    return 0;
}

static void write_nothing(ArmCpu *cpu, unsigned key, uint64_t v)
{
}

static void write_mdscr(ArmCpu *cpu, unsigned key, uint64_t v)
{
    cpu->s.mdscr = v;
    arm_update_modes(cpu);
}

static void write_oslar(ArmCpu *cpu, unsigned key, uint64_t v)
{
    cpu->s.os_lock = v & 1;
    arm_update_modes(cpu);
}

/* OSLM says that there is such a lock. */
static uint64_t read_oslsr(ArmCpu *cpu, unsigned key)
{
    return 8 | (cpu->s.os_lock ? 2 : 0);
}

/* op2 4: DBGBVR, 5: DBGBCR, 6: DBGWVR, 7: DBGWCR; NULL: the model has not so
 * many. */
static uint64_t *debug_register(ArmCpu *cpu, unsigned key)
{
    unsigned n = key >> 3 & 15;
    switch (key & 7) {
    case 4:
        return n < 6 ? &cpu->s.dbgbvr[n] : NULL;
    case 5:
        return n < 6 ? &cpu->s.dbgbcr[n] : NULL;
    case 6:
        return n < 4 ? &cpu->s.dbgwvr[n] : NULL;
    default:
        return n < 4 ? &cpu->s.dbgwcr[n] : NULL;
    }
}

static uint64_t read_debug(ArmCpu *cpu, unsigned key)
{
    const uint64_t *r = debug_register(cpu, key);
    if (!r) {
        arm_raise_undefined(cpu);
    }
    return *r;
}

static void write_debug(ArmCpu *cpu, unsigned key, uint64_t v)
{
    uint64_t *r = debug_register(cpu, key);
    if (!r) {
        arm_raise_undefined(cpu);
    }
    *r = v;
}

/* --- the interrupt controller's ---------------------------------------------------------------------- */

static uint64_t read_gic(ArmCpu *cpu, unsigned key)
{
    uint64_t v = 0;
    if (!cpu->gic_ops->read(cpu->gic, key, &v)) {
        arm_raise_undefined(cpu);
    }
    return v;
}

static void write_gic(ArmCpu *cpu, unsigned key, uint64_t v)
{
    if (!cpu->gic_ops->write(cpu->gic, key, v)) {
        arm_raise_undefined(cpu);
    }
}

static const ArmSysReg gic_register = { 0, "ICC", 0, SYS_IO, read_gic,
                                        write_gic };

/* --- the rows ---------------------------------------------------------------------------------------- */

#define AT(member) offsetof(ArmCpu, s.member)
#define PLAIN(key, name, member) { key, name, AT(member), 0, NULL, NULL }
#define ACTS(key, name, member, write) { key, name, AT(member), 0, NULL, write }
#define ID(crm, op2) { ARM_KEY(3, 0, 0, crm, op2), "ID", 0, SYS_RO, read_id, \
                       NULL }
#define IDS(crm) ID(crm, 0), ID(crm, 1), ID(crm, 2), ID(crm, 3), ID(crm, 4), \
                 ID(crm, 5), ID(crm, 6), ID(crm, 7)
#define EL0 (SYS_EL0_R | SYS_EL0_W)
#define TIMER(crm, op2, name) { ARM_KEY(3, 3, 14, crm, op2), name, 0, \
                                EL0 | SYS_IO, read_timer, write_timer }
#define DEBUG(n, op2, name) { ARM_KEY(2, 0, 0, n, op2), name, 0, 0, \
                              read_debug, write_debug }
#define DEBUGS(n) DEBUG(n, 4, "DBGBVR"), DEBUG(n, 5, "DBGBCR"), \
                  DEBUG(n, 6, "DBGWVR"), DEBUG(n, 7, "DBGWCR")

static const ArmSysReg rows[] = {
    { ARM_KEY(3, 0, 0, 0, 0), "MIDR_EL1", 0, SYS_RO, read_midr, NULL },
    { ARM_KEY(3, 0, 0, 0, 5), "MPIDR_EL1", 0, SYS_RO, read_mpidr, NULL },
    { ARM_KEY(3, 0, 0, 0, 6), "REVIDR_EL1", 0, SYS_RO, read_revidr, NULL },
    IDS(1), IDS(2), IDS(3), IDS(4), IDS(5), IDS(6), IDS(7),
    { ARM_KEY(3, 1, 0, 0, 0), "CCSIDR_EL1", 0, SYS_RO, read_ccsidr, NULL },
    { ARM_KEY(3, 1, 0, 0, 1), "CLIDR_EL1", 0, SYS_RO, read_clidr, NULL },
    { ARM_KEY(3, 1, 0, 0, 7), "AIDR_EL1", 0, SYS_RO, read_zero, NULL },
    PLAIN(ARM_KEY(3, 2, 0, 0, 0), "CSSELR_EL1", csselr),
    { ARM_KEY(3, 3, 0, 0, 1), "CTR_EL0", 0, SYS_RO | SYS_EL0_R, read_ctr,
      NULL },
    { ARM_KEY(3, 3, 0, 0, 7), "DCZID_EL0", 0, SYS_RO | SYS_EL0_R, read_dczid,
      NULL },
    ACTS(ARM_KEY(3, 0, 1, 0, 0), "SCTLR_EL1", sctlr, write_sctlr),
    PLAIN(ARM_KEY(3, 0, 1, 0, 1), "ACTLR_EL1", actlr),
    ACTS(ARM_KEY(3, 0, 1, 0, 2), "CPACR_EL1", cpacr, write_cpacr),
    ACTS(ARM_KEY(3, 0, 2, 0, 0), "TTBR0_EL1", ttbr[0], write_ttbr),
    ACTS(ARM_KEY(3, 0, 2, 0, 1), "TTBR1_EL1", ttbr[1], write_ttbr),
    ACTS(ARM_KEY(3, 0, 2, 0, 2), "TCR_EL1", tcr, write_tcr),
    PLAIN(ARM_KEY(3, 0, 4, 0, 0), "SPSR_EL1", spsr),
    PLAIN(ARM_KEY(3, 0, 4, 0, 1), "ELR_EL1", elr),
    { ARM_KEY(3, 0, 4, 1, 0), "SP_EL0", 0, 0, read_sp_el0, write_sp_el0 },
    { ARM_KEY(3, 0, 4, 2, 0), "SPSel", 0, 0, read_spsel, write_spsel },
    { ARM_KEY(3, 0, 4, 2, 2), "CurrentEL", 0, SYS_RO, read_el, NULL },
    { ARM_KEY(3, 0, 4, 2, 3), "PAN", 0, 0, read_pan, write_pan },
    { ARM_KEY(3, 3, 4, 2, 0), "NZCV", 0, EL0, read_nzcv, write_nzcv },
    { ARM_KEY(3, 3, 4, 2, 1), "DAIF", 0, EL0, read_daif, write_daif },
    PLAIN(ARM_KEY(3, 0, 5, 1, 0), "AFSR0_EL1", afsr[0]),
    PLAIN(ARM_KEY(3, 0, 5, 1, 1), "AFSR1_EL1", afsr[1]),
    PLAIN(ARM_KEY(3, 0, 5, 2, 0), "ESR_EL1", esr),
    PLAIN(ARM_KEY(3, 0, 6, 0, 0), "FAR_EL1", far),
    PLAIN(ARM_KEY(3, 0, 7, 4, 0), "PAR_EL1", par),
    PLAIN(ARM_KEY(3, 0, 10, 2, 0), "MAIR_EL1", mair),
    PLAIN(ARM_KEY(3, 0, 10, 3, 0), "AMAIR_EL1", amair),
    ACTS(ARM_KEY(3, 0, 12, 0, 0), "VBAR_EL1", vbar, write_vbar),
    { ARM_KEY(3, 0, 12, 1, 0), "ISR_EL1", 0, SYS_RO, read_zero, NULL },
    PLAIN(ARM_KEY(3, 0, 13, 0, 1), "CONTEXTIDR_EL1", contextidr),
    PLAIN(ARM_KEY(3, 0, 13, 0, 4), "TPIDR_EL1", tpidr_el1),
    { ARM_KEY(3, 3, 13, 0, 2), "TPIDR_EL0", AT(tpidr_el0), EL0, NULL, NULL },
    { ARM_KEY(3, 3, 13, 0, 3), "TPIDRRO_EL0", AT(tpidrro_el0), SYS_EL0_R,
      NULL, NULL },
    PLAIN(ARM_KEY(3, 0, 14, 1, 0), "CNTKCTL_EL1", cntkctl),
    { ARM_KEY(3, 3, 14, 0, 0), "CNTFRQ_EL0", 0, SYS_RO | SYS_EL0_R,
      read_cntfrq, NULL },
    { ARM_KEY(3, 3, 14, 0, 1), "CNTPCT_EL0", 0, SYS_RO | SYS_EL0_R | SYS_IO,
      read_counter, NULL },
    { ARM_KEY(3, 3, 14, 0, 2), "CNTVCT_EL0", 0, SYS_RO | SYS_EL0_R | SYS_IO,
      read_counter, NULL },
    TIMER(2, 0, "CNTP_TVAL_EL0"), TIMER(2, 1, "CNTP_CTL_EL0"),
    TIMER(2, 2, "CNTP_CVAL_EL0"), TIMER(3, 0, "CNTV_TVAL_EL0"),
    TIMER(3, 1, "CNTV_CTL_EL0"), TIMER(3, 2, "CNTV_CVAL_EL0"),
    { ARM_KEY(2, 0, 0, 2, 2), "MDSCR_EL1", AT(mdscr), 0, NULL, write_mdscr },
    { ARM_KEY(2, 0, 1, 0, 4), "OSLAR_EL1", 0, SYS_WO, NULL, write_oslar },
    { ARM_KEY(2, 0, 1, 1, 4), "OSLSR_EL1", 0, SYS_RO, read_oslsr, NULL },
    PLAIN(ARM_KEY(2, 0, 1, 3, 4), "OSDLR_EL1", osdlr),
    { ARM_KEY(2, 0, 1, 0, 0), "MDRAR_EL1", 0, SYS_RO, read_zero, NULL },
    { ARM_KEY(2, 0, 7, 8, 6), "DBGCLAIMSET_EL1", 0, 0, read_zero,
      write_nothing },
    { ARM_KEY(2, 3, 0, 1, 0), "MDCCSR_EL0", 0, SYS_RO | SYS_EL0_R, read_zero,
      NULL },
    DEBUGS(0), DEBUGS(1), DEBUGS(2), DEBUGS(3), DEBUGS(4), DEBUGS(5),
};

/* ICC_*: CRn 12, and ICC_PMR_EL1. */
static bool is_gic(unsigned key)
{
    unsigned crn = key >> 7 & 15, crm = key >> 3 & 15;
    return key >> 14 == 3 && (key >> 11 & 7) == 0 &&
           ((crn == 12 && crm >= 8) || key == ARM_KEY(3, 0, 4, 6, 0));
}

const ArmSysReg *arm_sysreg_find(const ArmCpu *cpu, unsigned key)
{
    if (is_gic(key)) {
        return cpu->gic ? &gic_register : NULL;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].key == key) {
            return &rows[i];
        }
    }
    return NULL;
}

/* The GIC's row, which is not in the table, has the number behind it. */
unsigned arm_sysreg_index(const ArmSysReg *r)
{
    return r == &gic_register ? G_N_ELEMENTS(rows) : r - rows;
}

const ArmSysReg *arm_sysreg_at(unsigned index)
{
    return index < G_N_ELEMENTS(rows) ? &rows[index] : &gic_register;
}
