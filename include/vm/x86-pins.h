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
#ifndef VM_X86_PINS_H
#define VM_X86_PINS_H

#include "vm/cpu.h"

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
} X86Pins;

/* The pins of a CPU whose target is x86. */
static inline const X86Pins *x86_pins(const Cpu *cpu)
{
    return cpu->cls->pins;
}

#endif
