/*
 * The pins of the CPU, which boards drive and chips are wired to. See
 * pins/arm.h.
 */
#include "cpu.h"

static void pin_set_irq(Cpu *cpu, bool level)
{
    arm_cpu(cpu)->s.irq = level;
    cpu_kick(cpu);
}

static void pin_set_fiq(Cpu *cpu, bool level)
{
    arm_cpu(cpu)->s.fiq = level;
    cpu_kick(cpu);
}

static IrqLine *pin_timer_line(Cpu *cpu, unsigned timer)
{
    return &arm_cpu(cpu)->timer_line[timer];
}

static void pin_connect_gic(Cpu *cpu, const ArmGicOps *ops, void *gic)
{
    arm_cpu(cpu)->gic_ops = ops;
    arm_cpu(cpu)->gic = gic;
}

static void pin_set_start(Cpu *cpu, const ArmStart *start, bool on)
{
    ArmCpu *c = arm_cpu(cpu);
    c->start = *start;
    c->starts_on = on;
}

static void pin_enable_psci(Cpu *cpu)
{
    arm_cpu(cpu)->psci_hvc = true;
}

/* Eight in a cluster, as in a GICv2. */
static uint64_t pin_affinity(unsigned n)
{
    return (uint64_t)(n / 8) << 8 | n % 8;
}

const ArmPins arm_pin_table = {
    .set_irq = pin_set_irq,
    .set_fiq = pin_set_fiq,
    .timer_line = pin_timer_line,
    .connect_gic = pin_connect_gic,
    .set_start = pin_set_start,
    .enable_psci = pin_enable_psci,
    .affinity = pin_affinity,
};
