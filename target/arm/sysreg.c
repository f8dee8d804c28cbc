/*
 * The system registers of EL0 and EL1 (Arm ARM, D19.2), one row each. What a
 * register does beyond holding its bits is in its write function, here or in
 * sysreg-id.c and sysreg-time.c.
 */
#include "sysreg.h"

#include "base/bits.h"

/* --- PSTATE --------------------------------------------------------------- */

static uint64_t read_el(ArmCpu *cpu, unsigned key)
{
    return cpu->s.el << 2;
}

/* What is pending, masked or not: I and F. */
static uint64_t read_isr(ArmCpu *cpu, unsigned key)
{
    return (cpu->s.irq ? BIT(7) : 0) | (cpu->s.fiq ? BIT(6) : 0);
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

/* --- control -------------------------------------------------------------- */

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

/* --- the interrupt controller's ------------------------------------------- */

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

static const ArmSysReg gic_register = {
    0, "ICC", 0, SYS_IO, read_gic, write_gic
};

/* --- the rows ------------------------------------------------------------- */

#define AT(member) offsetof(ArmCpu, s.member)
#define PLAIN(key, name, member)                                               \
    {                                                                          \
        key, name, AT(member), 0, NULL, NULL                                   \
    }
#define ACTS(key, name, member, write)                                         \
    {                                                                          \
        key, name, AT(member), 0, NULL, write                                  \
    }
#define ID(crm, op2)                                                           \
    {                                                                          \
        ARM_KEY(3, 0, 0, crm, op2), "ID", 0, SYS_RO, sysreg_read_id, NULL      \
    }
#define IDS(crm)                                                               \
    ID(crm, 0), ID(crm, 1), ID(crm, 2), ID(crm, 3), ID(crm, 4), ID(crm, 5),    \
        ID(crm, 6), ID(crm, 7)
#define EL0 (SYS_EL0_R | SYS_EL0_W)
#define TIMER(crm, op2, name)                                                  \
    {                                                                          \
        ARM_KEY(3, 3, 14, crm, op2), name, 0, EL0 | SYS_IO, sysreg_read_timer, \
            sysreg_write_timer                                                 \
    }
#define DEBUG(n, op2, name)                                                    \
    {                                                                          \
        ARM_KEY(2, 0, 0, n, op2), name, 0, 0, sysreg_read_debug,               \
            sysreg_write_debug                                                 \
    }
#define DEBUGS(n)                                                              \
    DEBUG(n, 4, "DBGBVR"), DEBUG(n, 5, "DBGBCR"), DEBUG(n, 6, "DBGWVR"),       \
        DEBUG(n, 7, "DBGWCR")

static const ArmSysReg rows[] = {
    { ARM_KEY(3, 0, 0, 0, 0), "MIDR_EL1", 0, SYS_RO, sysreg_read_midr, NULL },
    { ARM_KEY(3, 0, 0, 0, 5), "MPIDR_EL1", 0, SYS_RO, sysreg_read_mpidr, NULL },
    { ARM_KEY(3, 0, 0, 0, 6), "REVIDR_EL1", 0, SYS_RO, sysreg_read_revidr,
      NULL },
    IDS(1),
    IDS(2),
    IDS(3),
    IDS(4),
    IDS(5),
    IDS(6),
    IDS(7),
    { ARM_KEY(3, 1, 0, 0, 0), "CCSIDR_EL1", 0, SYS_RO, sysreg_read_ccsidr,
      NULL },
    { ARM_KEY(3, 1, 0, 0, 1), "CLIDR_EL1", 0, SYS_RO, sysreg_read_clidr, NULL },
    { ARM_KEY(3, 1, 0, 0, 7), "AIDR_EL1", 0, SYS_RO, sysreg_read_zero, NULL },
    PLAIN(ARM_KEY(3, 2, 0, 0, 0), "CSSELR_EL1", csselr),
    { ARM_KEY(3, 3, 0, 0, 1), "CTR_EL0", 0, SYS_RO | SYS_EL0_R, sysreg_read_ctr,
      NULL },
    { ARM_KEY(3, 3, 0, 0, 7), "DCZID_EL0", 0, SYS_RO | SYS_EL0_R,
      sysreg_read_dczid, NULL },
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
    { ARM_KEY(3, 0, 12, 1, 0), "ISR_EL1", 0, SYS_RO, read_isr, NULL },
    PLAIN(ARM_KEY(3, 0, 13, 0, 1), "CONTEXTIDR_EL1", contextidr),
    PLAIN(ARM_KEY(3, 0, 13, 0, 4), "TPIDR_EL1", tpidr_el1),
    { ARM_KEY(3, 3, 13, 0, 2), "TPIDR_EL0", AT(tpidr_el0), EL0, NULL, NULL },
    { ARM_KEY(3, 3, 13, 0, 3), "TPIDRRO_EL0", AT(tpidrro_el0), SYS_EL0_R, NULL,
      NULL },
    PLAIN(ARM_KEY(3, 0, 14, 1, 0), "CNTKCTL_EL1", cntkctl),
    { ARM_KEY(3, 3, 14, 0, 0), "CNTFRQ_EL0", 0, SYS_RO | SYS_EL0_R,
      sysreg_read_cntfrq, NULL },
    { ARM_KEY(3, 3, 14, 0, 1), "CNTPCT_EL0", 0, SYS_RO | SYS_EL0_R | SYS_IO,
      sysreg_read_counter, NULL },
    { ARM_KEY(3, 3, 14, 0, 2), "CNTVCT_EL0", 0, SYS_RO | SYS_EL0_R | SYS_IO,
      sysreg_read_counter, NULL },
    TIMER(2, 0, "CNTP_TVAL_EL0"),
    TIMER(2, 1, "CNTP_CTL_EL0"),
    TIMER(2, 2, "CNTP_CVAL_EL0"),
    TIMER(3, 0, "CNTV_TVAL_EL0"),
    TIMER(3, 1, "CNTV_CTL_EL0"),
    TIMER(3, 2, "CNTV_CVAL_EL0"),
    { ARM_KEY(2, 0, 0, 2, 2), "MDSCR_EL1", AT(mdscr), 0, NULL,
      sysreg_write_mdscr },
    { ARM_KEY(2, 0, 1, 0, 4), "OSLAR_EL1", 0, SYS_WO, NULL,
      sysreg_write_oslar },
    { ARM_KEY(2, 0, 1, 1, 4), "OSLSR_EL1", 0, SYS_RO, sysreg_read_oslsr, NULL },
    PLAIN(ARM_KEY(2, 0, 1, 3, 4), "OSDLR_EL1", osdlr),
    { ARM_KEY(2, 0, 1, 0, 0), "MDRAR_EL1", 0, SYS_RO, sysreg_read_zero, NULL },
    { ARM_KEY(2, 3, 0, 1, 0), "MDCCSR_EL0", 0, SYS_RO | SYS_EL0_R,
      sysreg_read_zero, NULL },
    DEBUGS(0),
    DEBUGS(1),
    DEBUGS(2),
    DEBUGS(3),
    DEBUGS(4),
    DEBUGS(5),
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
