/*
 * The generic timer (Arm ARM, D12): a counter that is virtual time, and for
 * each timer a value to compare it with. The virtual counter has no offset,
 * since there is no EL2.
 */
#include "cpu.h"

enum { CTL_ENABLE = 1, CTL_IMASK = 2, CTL_ISTATUS = 4 };

uint64_t arm_counter(ArmCpu *cpu)
{
    return clock_now_ns(cpu->parent.machine->clock) / ARM_TIMER_NS;
}

static bool is_met(ArmCpu *cpu, unsigned n)
{
    return (cpu->s.cctl[n] & CTL_ENABLE) &&
           arm_counter(cpu) >= cpu->s.cval[n];
}

uint32_t arm_timer_ctl(ArmCpu *cpu, unsigned n)
{
    return cpu->s.cctl[n] | (is_met(cpu, n) ? CTL_ISTATUS : 0);
}

/* When the counter gets there; TIME_NEVER: not in the life of a machine. */
static int64_t due_ns(const ArmCpu *cpu, unsigned n)
{
    uint64_t cval = cpu->s.cval[n];
    return cval > STATE_TIME_MAX / ARM_TIMER_NS
               ? TIME_NEVER : (int64_t)(cval * ARM_TIMER_NS);
}

void arm_timer_changed(ArmCpu *cpu, unsigned n)
{
    bool met = is_met(cpu, n);
    int64_t due = due_ns(cpu, n);
    irq_set(&cpu->timer_line[n], met && !(cpu->s.cctl[n] & CTL_IMASK));
    if ((cpu->s.cctl[n] & CTL_ENABLE) && !met && due != TIME_NEVER) {
        timer_arm(&cpu->timers[n], due);
    } else {
        timer_cancel(&cpu->timers[n]);
    }
}

static void phys_is_due(void *opaque)
{
    arm_timer_changed(opaque, ARM_TIMER_PHYS);
}

static void virt_is_due(void *opaque)
{
    arm_timer_changed(opaque, ARM_TIMER_VIRT);
}

void arm_timers_init(ArmCpu *cpu)
{
    Clock *clock = cpu->parent.machine->clock;
    timer_init(&cpu->timers[ARM_TIMER_PHYS], clock, "cntp",
               &cpu->s.due[ARM_TIMER_PHYS], phys_is_due, cpu);
    timer_init(&cpu->timers[ARM_TIMER_VIRT], clock, "cntv",
               &cpu->s.due[ARM_TIMER_VIRT], virt_is_due, cpu);
}
