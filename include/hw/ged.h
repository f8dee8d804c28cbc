/*
 * The registers of a machine with reduced ACPI hardware: events (ACPI 6.4,
 * 5.6.9), sleep control and status (4.8.3.7), reset (4.8.3.6), in memory.
 *
 * Implemented by hw/acpi/ged.c; made and wired by the microvm board, whose tables
 * say where they are.
 */
#ifndef HW_GED_H
#define HW_GED_H

#include "vm/device.h"
#include "vm/irq.h"

/* ORDER ged-register (dsdt-microvm.asl has the first) */
#define GED_BASE      UINT64_C(0xfea00000)
#define GED_SLEEP     (GED_BASE + 0x200)
#define GED_STATUS    (GED_BASE + 0x201)
#define GED_RESET     (GED_BASE + 0x202)
#define GED_RESET_VALUE 0x42u
#define GED_IRQ       9u

extern const DeviceClass ged_class;

/* The level of its interrupt. */
IrqLine *ged_irq(Device *ged);
/* A MachineButton (opaque: the Device). */
void ged_power_button(void *ged);

#endif
