/*
 * The pins of an x86 CPU: how a PC board drives it without knowing the target.
 *
 * Implemented by target/i386; called by hw/boards and by chips that are wired
 * to the CPU. All calls are on the machine thread, between instructions or in
 * a device access; their effect is seen at the next instruction boundary. What
 * a pin latches is state of the CPU (its intr, smi_pending, a20 … rows), so a
 * board need not drive pins again after a load.
 */
#ifndef VM_X86_PINS_H
#define VM_X86_PINS_H

#include "vm/memory.h"

/* INTR, a level: the interrupt controller has something to deliver. */
void x86_cpu_set_intr(Cpu *cpu, bool level);
/* NMI: a rising edge latches one NMI. */
void x86_cpu_set_nmi(Cpu *cpu, bool level);
/* SMI#: latches one system management interrupt. */
void x86_cpu_set_smi(Cpu *cpu);
/* A20M#, inverted: false masks address line 20. */
void x86_cpu_set_a20(Cpu *cpu, bool open);

/* Whom to ask for the vector when INTR is taken (the INTA cycle). ack() is
 * called once per interrupt, may lower INTR, and answers 0..255. */
void x86_cpu_connect_pic(Cpu *cpu, int (*ack)(void *opaque), void *opaque);
/* The address space to use while in SMM (SMRAM visible); NULL, the default:
 * the machine's memory. */
void x86_cpu_set_smram(Cpu *cpu, AddressSpace *smm_memory);

#endif
