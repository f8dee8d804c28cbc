/*
 * The pins of an Arm CPU: how a board drives it without knowing the target.
 *
 * target/arm fills the table in and puts it into its CpuClass; hw/boards and
 * the interrupt controllers call through it, on the machine thread. What a pin
 * latches is state of the CPU.
 */
#ifndef PINS_ARM_H
#define PINS_ARM_H

#include "vm/cpu.h"
#include "vm/irq.h"

/* The generic timer's frequency, and its timers (Arm ARM, D12.2). */
#define ARM_TIMER_HZ     62500000u
#define ARM_TIMER_NS     16        /* of virtual time a tick */
enum { ARM_TIMER_PHYS, ARM_TIMER_VIRT, ARM_TIMERS };

/* Where a vCPU begins. */
typedef struct ArmStart {
    uint64_t pc, x0;
} ArmStart;

/* What a CPU asks of a GICv3: its interface registers, ICC_* (IHI 0069,
 * 12.2); key: op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2. False:
 * there is none. */
typedef struct ArmGicOps {
    bool (*read)(void *gic, unsigned key, uint64_t *value);
    bool (*write)(void *gic, unsigned key, uint64_t value);
} ArmGicOps;

typedef struct ArmPins {
    /* IRQ and FIQ, levels. */
    void (*set_irq)(Cpu *cpu, bool level);
    void (*set_fiq)(Cpu *cpu, bool level);
    /* What a timer's interrupt drives. */
    IrqLine *(*timer_line)(Cpu *cpu, unsigned timer);
    /* The interface registers; NULL, the default: there are none. */
    void (*connect_gic)(Cpu *cpu, const ArmGicOps *ops, void *gic);
    /* What a reset begins with; on: it runs, else it waits for PSCI's CPU_ON.
     * For the board, before every reset. */
    void (*set_start)(Cpu *cpu, const ArmStart *start, bool on);
    /* Power-off by PSCI and the like is answered to HVC. */
    void (*enable_psci)(Cpu *cpu);
    /* MPIDR_EL1's affinity fields of the n-th vCPU. */
    uint64_t (*affinity)(unsigned n);
} ArmPins;

static inline const ArmPins *arm_pins(const Cpu *cpu)
{
    return cpu->cls->pins;
}

#endif
