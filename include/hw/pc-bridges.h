/*
 * The PCI side of the i440FX/PIIX chip set, as the board that wires it sees
 * it.
 *
 * Implemented by hw/pci/{i440fx,piix3}.c, hw/acpi/piix4-pm.c and
 * hw/ide/piix3-ide.c; called by hw/boards/pc-i440fx.c. Order: i440fx_new(), then the
 * functions below the bus, each with device_new(), dev->bus = the PciBus,
 * device_realize(), then the lines.
 */
#ifndef HW_PC_BRIDGES_H
#define HW_PC_BRIDGES_H

#include "hw/ide.h"
#include "hw/isa.h"
#include "hw/pci.h"

/* --- i440FX host bridge, 00:00.0 -------------------------------------------- */

extern const DeviceClass i440fx_class;

/* Where RAM ends below 4 GiB at most; the rest continues at 4 GiB. */
#define I440FX_LOW_RAM_MAX (3 * GIB + 512 * MIB)

/* Makes the bridge, the root bus "pci.0", and the memory map of the machine:
 * RAM, and behind it the PCI memory space. */
Device *i440fx_new(Machine *m, RamBlock *ram);
PciBus *i440fx_bus(Device *bridge);
/* What PCI (and ISA) memory cycles see: firmware and BARs go here. */
MemRegion *i440fx_pci_memory(Device *bridge);
/* Memory as a CPU in system management mode sees it. */
AddressSpace *i440fx_smm_memory(Device *bridge);
uint64_t i440fx_ram_below_4g(Device *bridge);
uint64_t i440fx_ram_above_4g(Device *bridge);
/* Who answers byte accesses to port 0xcf9, in the middle of the bridge's own
 * configuration ports. */
void i440fx_set_reset_port(Device *bridge, const MemOps *ops, void *opaque);

/* --- PIIX3 ISA bridge, 00:01.0 ------------------------------------------------ */

extern const DeviceClass piix3_class;

/* Routes the bus's interrupt lines to ISA IRQs. */
void piix3_connect(Device *piix3, PciBus *bus, const IsaBus *isa);
/* The reset control register at port 0xcf9; opaque is the device. */
extern const MemOps piix3_reset_ops;
/* An IrqFn (opaque: the Device): the ACPI interrupt, which shares ISA IRQ 9
 * with PCI interrupts. */
void piix3_sci(void *piix3, int n, bool level);

/* --- PIIX4 power management, 00:01.3 ------------------------------------------ */

extern const DeviceClass piix4_pm_class;

IrqLine *piix4_pm_sci(Device *pm);
/* Pulsed when software writes the APM command port with SMIs enabled. */
IrqLine *piix4_pm_smi(Device *pm);
/* The power button was pressed. */
void piix4_pm_power_button(void *pm);
/* The port at which firmware has put the fixed registers; 0: nowhere. */
uint16_t piix4_pm_base(Device *pm);
/* Who is told when that has changed, by the guest, a reset or a load. */
void piix4_pm_on_move(Device *pm, void (*moved)(void *opaque), void *opaque);

/* --- PIIX3 IDE, 00:01.1 -------------------------------------------------------- */

extern const DeviceClass piix3_ide_class;

/* Channel 0 or 1, "ide.0" and "ide.1"; drives are plugged in here. */
IdeBus *piix3_ide_bus(Device *ide, unsigned channel);
/* To ISA IRQ 14 and 15. */
IrqLine *piix3_ide_irq(Device *ide, unsigned channel);

#endif
