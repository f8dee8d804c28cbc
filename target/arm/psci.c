/*
 * The Power State Coordination Interface, version 1.0 (DEN 0022): what firmware
 * would do for a kernel that calls it by HVC.
 */
#include "cpu.h"
#include "vm/runstate.h"
#include "vm/turn.h"

/* Function numbers, SMC32; bit 30 makes SMC64. */
enum {
    PSCI_VERSION = 0x84000000, PSCI_CPU_SUSPEND = 0x84000001,
    PSCI_CPU_OFF = 0x84000002, PSCI_CPU_ON = 0x84000003,
    PSCI_AFFINITY_INFO = 0x84000004, PSCI_MIGRATE_INFO_TYPE = 0x84000006,
    PSCI_SYSTEM_OFF = 0x84000008, PSCI_SYSTEM_RESET = 0x84000009,
    PSCI_FEATURES = 0x8400000a,
};
#define SMC64 0x40000000u

/* Answers */
enum { PSCI_OK = 0, PSCI_NOT_SUPPORTED = -1, PSCI_INVALID = -2,
       PSCI_ALREADY_ON = -4, PSCI_NO_TRUSTED_OS = 2 };

void arm_start(ArmCpu *cpu, const ArmStart *start)
{
    cpu->s.off = cpu->s.halted = false;
    cpu->s.pc = start->pc;
    cpu->s.x[0] = start->x0;
    cpu_kick(&cpu->parent);
}

static ArmCpu *cpu_of(Machine *m, uint64_t affinity)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        if (arm_pin_table.affinity(i) == (affinity & 0xff00ffffff)) {
            return g_ptr_array_index(m->cpus, i);
        }
    }
    return NULL;
}

/* As at power-on, but for the lines that others drive. */
static void reset_cpu(ArmCpu *cpu)
{
    const CpuClass *cls = cpu->parent.cls;
    bool irq = cpu->s.irq, fiq = cpu->s.fiq;
    for (unsigned n = 0; n < ARM_TIMERS; n++) {
        timer_cancel(&cpu->timers[n]);
    }
    state_reset(cls->state(), &cpu->s);
    cls->reset(&cpu->parent);
    cpu->s.irq = irq;
    cpu->s.fiq = fiq;
    cls->rewire(&cpu->parent);
}

static int64_t cpu_on(ArmCpu *caller, uint64_t affinity, uint64_t pc,
                      uint64_t x0)
{
    ArmCpu *cpu = cpu_of(caller->parent.machine, affinity);
    if (!cpu) {
        return PSCI_INVALID;
    }
    if (!cpu->s.off) {
        return PSCI_ALREADY_ON;
    }
    reset_cpu(cpu);
    arm_start(cpu, &(ArmStart){ pc, x0 });
    return PSCI_OK;
}

static int64_t affinity_info(ArmCpu *caller, uint64_t affinity)
{
    ArmCpu *cpu = cpu_of(caller->parent.machine, affinity);
    return !cpu ? PSCI_INVALID : cpu->s.off;
}

static int64_t features(uint32_t function)
{
    switch (function & ~SMC64) {
    case PSCI_VERSION: case PSCI_CPU_SUSPEND: case PSCI_CPU_OFF:
    case PSCI_CPU_ON: case PSCI_AFFINITY_INFO: case PSCI_MIGRATE_INFO_TYPE:
    case PSCI_SYSTEM_OFF: case PSCI_SYSTEM_RESET: case PSCI_FEATURES:
        return PSCI_OK;
    default:
        return PSCI_NOT_SUPPORTED;
    }
}

static int64_t answer(ArmCpu *cpu, uint32_t function)
{
    ArmState *s = &cpu->s;
    Machine *m = cpu->parent.machine;
    switch (function & ~SMC64) {
    case PSCI_VERSION:
        return 1 << 16;
    case PSCI_CPU_SUSPEND:     /* a standby, whatever was asked for */
        s->halted = !arm_has_work(&cpu->parent);
        return PSCI_OK;
    case PSCI_CPU_OFF:
        s->off = true;
        return PSCI_OK;
    case PSCI_CPU_ON:
        return cpu_on(cpu, s->x[1], s->x[2], s->x[3]);
    case PSCI_AFFINITY_INFO:
        return affinity_info(cpu, s->x[1]);
    case PSCI_MIGRATE_INFO_TYPE:
        return PSCI_NO_TRUSTED_OS;
    case PSCI_SYSTEM_OFF:
        runstate_request_shutdown(m, CAUSE_GUEST_SHUTDOWN, 0);
        s->halted = true;
        return PSCI_OK;
    case PSCI_SYSTEM_RESET:
        runstate_request_reset(m, CAUSE_GUEST_RESET);
        s->halted = true;
        return PSCI_OK;
    case PSCI_FEATURES:
        return features(s->x[1]);
    default:
        return PSCI_NOT_SUPPORTED;
    }
}

void arm_psci(ArmCpu *cpu)
{
    cpu->s.x[0] = answer(cpu, cpu->s.x[0]);
}
