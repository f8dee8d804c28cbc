/*
 * The registers that say what the CPU is, from its model.
 */
#include "base/bits.h"
#include "sysreg.h"

/* --- identity ------------------------------------------------------------- */

uint64_t sysreg_read_midr(ArmCpu *cpu, unsigned key)
{
    return cpu->model->midr;
}

/* Bit 31 is RES1, U is 0: one of several, or the only one. */
uint64_t sysreg_read_mpidr(ArmCpu *cpu, unsigned key)
{
    return BIT(31) | arm_pin_table.affinity(cpu->parent.index);
}

uint64_t sysreg_read_revidr(ArmCpu *cpu, unsigned key)
{
    return cpu->model->revidr;
}

uint64_t sysreg_read_ctr(ArmCpu *cpu, unsigned key)
{
    return cpu->model->ctr;
}

uint64_t sysreg_read_dczid(ArmCpu *cpu, unsigned key)
{
    bool denied = !cpu->s.el && !(cpu->s.sctlr & SCTLR_DZE);
    return cpu->model->dczid | (denied ? 16 : 0);
}

uint64_t sysreg_read_clidr(ArmCpu *cpu, unsigned key)
{
    return cpu->model->clidr;
}

uint64_t sysreg_read_ccsidr(ArmCpu *cpu, unsigned key)
{
    unsigned select = cpu->s.csselr & 15;
    return select < G_N_ELEMENTS(cpu->model->ccsidr)
               ? cpu->model->ccsidr[select] : 0;
}

/* ID_AA64*: op0 3, op1 0, CRn 0, CRm 4 to 7; the others of the block are zero,
 * as those of AArch32 are where it is not there. */
uint64_t sysreg_read_id(ArmCpu *cpu, unsigned key)
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
