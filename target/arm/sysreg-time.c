/*
 * The registers of the generic timer and of self-hosted debug.
 */
#include "base/bits.h"
#include "sysreg.h"

/* --- timers (D12.2) ------------------------------------------------------- */

/* CNTKCTL_EL1 lets EL0 in: EL0PCTEN, EL0VCTEN; EL0VTEN, EL0PTEN. */
static void check_timer(ArmCpu *cpu, unsigned bit)
{
    if (!cpu->s.el && !(cpu->s.cntkctl & BIT(bit))) {
        arm_raise_undefined(cpu);
    }
}

uint64_t sysreg_read_counter(ArmCpu *cpu, unsigned key)
{
    check_timer(cpu, (key & 7) == 2);
    return arm_counter(cpu);
}

uint64_t sysreg_read_cntfrq(ArmCpu *cpu, unsigned key)
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

uint64_t sysreg_read_timer(ArmCpu *cpu, unsigned key)
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

void sysreg_write_timer(ArmCpu *cpu, unsigned key, uint64_t v)
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

/* --- debug ---------------------------------------------------------------- */

uint64_t sysreg_read_zero(ArmCpu *cpu, unsigned key)
{
    return 0;
}

void sysreg_write_mdscr(ArmCpu *cpu, unsigned key, uint64_t v)
{
    cpu->s.mdscr = v;
    arm_update_modes(cpu);
}

void sysreg_write_oslar(ArmCpu *cpu, unsigned key, uint64_t v)
{
    cpu->s.os_lock = v & 1;
    arm_update_modes(cpu);
}

/* OSLM says that there is such a lock. */
uint64_t sysreg_read_oslsr(ArmCpu *cpu, unsigned key)
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

uint64_t sysreg_read_debug(ArmCpu *cpu, unsigned key)
{
    const uint64_t *r = debug_register(cpu, key);
    if (!r) {
        arm_raise_undefined(cpu);
    }
    return *r;
}

void sysreg_write_debug(ArmCpu *cpu, unsigned key, uint64_t v)
{
    uint64_t *r = debug_register(cpu, key);
    if (!r) {
        arm_raise_undefined(cpu);
    }
    *r = v;
}
