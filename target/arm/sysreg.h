/*
 * System registers: one row each (sysreg.c), found by their encoding.
 */
#ifndef TARGET_ARM_SYSREG_H
#define TARGET_ARM_SYSREG_H

#include "cpu.h"

#define ARM_KEY(op0, op1, crn, crm, op2) \
    ((unsigned)((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2)))

enum {
    SYS_RO = 1,
    SYS_WO = 2,
    SYS_EL0_R = 4,         /* EL0 may, if no trap says otherwise */
    SYS_EL0_W = 8,
    SYS_IO = 16,           /* depends on time: last of its TB */
    SYS_MODES = 32,        /* translated code depends on it */
    SYS_NUMBERED = 64,     /* CRm is n, the n-th of an array */
};

typedef struct ArmSysReg {
    unsigned key;
    const char *name;
    uint32_t offset;       /* of its 8 bytes in ArmCpu; plain ones */
    unsigned flags;
    /* NULL: the bytes at offset. key says which, where a row is many. */
    uint64_t (*read)(ArmCpu *cpu, unsigned key);
    void (*write)(ArmCpu *cpu, unsigned key, uint64_t v);
} ArmSysReg;

/* NULL: there is none. The GIC's exist if one is connected. */
const ArmSysReg *arm_sysreg_find(const ArmCpu *cpu, unsigned key);
unsigned arm_sysreg_index(const ArmSysReg *r);
const ArmSysReg *arm_sysreg_at(unsigned index);

/* --- functions of rows: sysreg-id.c, sysreg-time.c ------------------------ */

uint64_t sysreg_read_midr(ArmCpu *cpu, unsigned key);
uint64_t sysreg_read_mpidr(ArmCpu *cpu, unsigned key);
uint64_t sysreg_read_revidr(ArmCpu *cpu, unsigned key);
uint64_t sysreg_read_ctr(ArmCpu *cpu, unsigned key);
uint64_t sysreg_read_dczid(ArmCpu *cpu, unsigned key);
uint64_t sysreg_read_clidr(ArmCpu *cpu, unsigned key);
uint64_t sysreg_read_ccsidr(ArmCpu *cpu, unsigned key);
uint64_t sysreg_read_id(ArmCpu *cpu, unsigned key);
uint64_t sysreg_read_counter(ArmCpu *cpu, unsigned key);
uint64_t sysreg_read_cntfrq(ArmCpu *cpu, unsigned key);
uint64_t sysreg_read_timer(ArmCpu *cpu, unsigned key);
void sysreg_write_timer(ArmCpu *cpu, unsigned key, uint64_t v);
uint64_t sysreg_read_zero(ArmCpu *cpu, unsigned key);
void sysreg_write_mdscr(ArmCpu *cpu, unsigned key, uint64_t v);
void sysreg_write_oslar(ArmCpu *cpu, unsigned key, uint64_t v);
uint64_t sysreg_read_oslsr(ArmCpu *cpu, unsigned key);
uint64_t sysreg_read_debug(ArmCpu *cpu, unsigned key);
void sysreg_write_debug(ArmCpu *cpu, unsigned key, uint64_t v);

/* --- helpers.c ------------------------------------------------------------ */

/* Of MSR (immediate): op1 << 3 | op2. */
bool arm_pstate_field_is_known(unsigned which);

#endif
