/*
 * The pins of an x86 CPU: how a PC board drives it without knowing the target.
 *
 * target/i386 fills the table in and puts it into its CpuClass; hw/boards and
 * chips that are wired to the CPU call through it. All calls are on the machine
 * thread, between instructions or in a device access; their effect is seen at
 * the next instruction boundary. What a pin latches is state of the CPU (its
 * intr, smi_pending, a20 … rows), so a board need not drive pins again after a
 * load.
 */
#ifndef PINS_X86_H
#define PINS_X86_H

#include "vm/cpu.h"

/* What a CPU asks its local APIC (SDM vol. 3, chapter 11). Implemented by the
 * chip, given by the board; on the machine thread. */
typedef struct X86ApicOps {
    /* INTR is taken: the vector, 0..255. */
    int (*acknowledge)(void *apic);
    /* CR8: the task priority's upper four bits. */
    unsigned (*cr8)(void *apic);
    void (*set_cr8)(void *apic, unsigned priority);
    /* IA32_APIC_BASE, IA32_TSC_DEADLINE and, in x2APIC mode, its registers.
     * False: #GP. */
    bool (*rdmsr)(void *apic, uint32_t number, uint64_t *value);
    bool (*wrmsr)(void *apic, uint32_t number, uint64_t value);
    /* The CPU has received an INIT, which resets most of the APIC, too. */
    void (*init)(void *apic);
    /* The time stamp counter was written: deadlines move. */
    void (*tsc_moved)(void *apic);
    /* The bits of CPUID.1 that are up to it, and its x2APIC id. */
    bool (*enabled)(void *apic);
    uint32_t (*id)(void *apic);
} X86ApicOps;

typedef struct X86Pins {
    /* INTR, a level: the interrupt controller has something to deliver. */
    void (*set_intr)(Cpu *cpu, bool level);
    /* NMI: a rising edge latches one NMI. */
    void (*set_nmi)(Cpu *cpu, bool level);
    /* SMI#: latches one system management interrupt. */
    void (*set_smi)(Cpu *cpu);
    /* A20M#, inverted: false masks address line 20. */
    void (*set_a20)(Cpu *cpu, bool open);
    /* Whom to ask for the vector when INTR is taken (the INTA cycle). ack() is
     * called once per interrupt, may lower INTR, and answers 0..255. */
    void (*connect_pic)(Cpu *cpu, int (*ack)(void *opaque), void *opaque);
    /* The address space to use while in SMM (SMRAM visible); NULL, the
     * default: the machine's memory. */
    void (*set_smram)(Cpu *cpu, AddressSpace *smm_memory);
    /* Whom FERR# drives: an x87 exception waits with CR0.NE clear (rises
     * between instructions), or no longer. */
    void (*connect_ferr)(Cpu *cpu, void (*ferr)(void *opaque, bool level),
                         void *opaque);
    /* IGNNE#: x87 instructions run in spite of it. The CPU drops it with the
     * exception. */
    void (*set_ignne)(Cpu *cpu, bool level);
    /* INIT (SDM vol. 3, 10.1): the registers become those of power-on, but for
     * those that it leaves alone. One that is not the boot processor (number
     * 0) then waits for a start-up message. */
    void (*init)(Cpu *cpu);
    /* A start-up IPI (11.4.4.2): if it waits for one, it begins in real mode at
     * vector << 12; otherwise it is ignored. */
    void (*startup)(Cpu *cpu, uint8_t vector);
    /* True if the model has a local APIC: the board then makes one. */
    bool (*has_apic)(const Cpu *cpu);
    /* The virtual time at which the time stamp counter reaches a value: now, if
     * it has; TIME_NEVER, if that is further than CLOCK_FAR_NS. */
    int64_t (*tsc_due_ns)(Cpu *cpu, uint64_t tsc);
    /* Its local APIC, which stands between INTR and the interrupt controller.
     * Without one the CPU has no APIC. */
    void (*connect_apic)(Cpu *cpu, const X86ApicOps *ops, void *apic);
} X86Pins;

/* Bits that number `count` things. */
static inline unsigned x86_id_bits(unsigned count)
{
    return count > 1 ? 32 - __builtin_clz(count - 1) : 0;
}

/* The APIC id of the n-th vCPU: its thread, core, die and socket, each in a
 * field of its own (SDM vol. 3, "Hierarchical Mapping of Shared Resources"). */
static inline uint32_t x86_apic_id(const MachineSmp *smp, unsigned n)
{
    unsigned thread = n % smp->threads, core = n / smp->threads % smp->cores;
    unsigned die = n / smp->threads / smp->cores % smp->dies;
    unsigned socket = n / smp->threads / smp->cores / smp->dies;
    unsigned core_at = x86_id_bits(smp->threads);
    unsigned die_at = core_at + x86_id_bits(smp->cores);
    unsigned socket_at = die_at + x86_id_bits(smp->dies);
    return thread | core << core_at | die << die_at | socket << socket_at;
}

/* The pins of a CPU whose target is x86. */
static inline const X86Pins *x86_pins(const Cpu *cpu)
{
    return cpu->cls->pins;
}

#endif
