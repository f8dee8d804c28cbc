/*
 * Advanced interrupts of a PC: the local APIC of each vCPU, I/O APICs, and the
 * bus that carries messages between them (SDM vol. 3, chapter "Advanced
 * Programmable Interrupt Controller"; Intel 82093AA data sheet).
 *
 * Implemented by hw/intc/{apic,apic-bus,apic-timer,ioapic}.c; made and wired by
 * boards. A message signalled interrupt of a PCI function is a store to
 * APIC_MSI_BASE in the machine's memory, which the bus receives like any other.
 */
#ifndef HW_APIC_H
#define HW_APIC_H

#include "vm/cpu.h"
#include "vm/device.h"
#include "vm/irq.h"

#define APIC_BASE      UINT64_C(0xfee00000)
#define APIC_MSI_BASE  APIC_BASE
#define APIC_MSI_SIZE  UINT64_C(0x100000)
#define IOAPIC_BASE    UINT64_C(0xfec00000)
#define IOAPIC_PINS    24u

/* Delivery modes, as ICR, LVT, I/O APIC entries and MSI data have them. */
typedef enum ApicMode {
    APIC_FIXED, APIC_LOWEST, APIC_SMI, APIC_RESERVED, APIC_NMI, APIC_INIT,
    APIC_STARTUP, APIC_EXTINT
} ApicMode;

/* What goes over the bus. */
typedef struct ApicMessage {
    uint32_t dest;         /* an id, or a set of logical ones */
    bool logical;
    bool level;            /* its end is told by an EOI */
    ApicMode mode;
    uint8_t vector;
} ApicMessage;

/* --- the bus ------------------------------------------------------------- */

extern const DeviceClass apic_bus_class;   /* memory at APIC_BASE, 1 MiB */

/* Sends to whom it names. */
void apic_bus_send(Device *bus, const ApicMessage *msg);
/* An interrupt of a level is over. */
void apic_bus_eoi(Device *bus, uint8_t vector);

/* --- the local APIC ------------------------------------------------------- */

extern const DeviceClass apic_class;

/* Makes the APIC of a vCPU, connects both and puts it on the bus. To be called
 * in the order of the vCPUs' numbers. */
Device *apic_new(Device *bus, Cpu *cpu);
/* INTR of the interrupt controller, an IrqFn (opaque: the Device; n: 0), and
 * whom to ask for its vector. */
void apic_lint0(void *apic, int n, bool level);
void apic_connect_pic(Device *apic, int (*ack)(void *opaque), void *pic);
/* A pulse of LINT1, which systems use for NMIs. */
void apic_lint1_pulse(Device *apic);
/* `info lapic`. */
void apic_print(Device *apic, GString *out);

/* --- the I/O APIC ------------------------------------------------------------ */

extern const DeviceClass ioapic_class;

/* On the bus, at an address, with the id that firmware tables tell. */
Device *ioapic_new(Device *bus, PhysAddr base, unsigned id);
/* Level of an input, an IrqFn (opaque: the Device). */
void ioapic_irq(void *ioapic, int pin, bool level);

#endif
