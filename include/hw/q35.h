/*
 * The chip set of the board q35, as the board that wires it sees it: the MCH
 * (82Q35, host bridge) and the ICH9's functions.
 *
 * Implemented by hw/pci/q35-mch.c, hw/pci/ich9-lpc.c and hw/misc/ich9-smbus.c;
 * called by hw/boards/pc-q35.c. Order: q35_mch_new(), then the functions below
 * the bus, then the lines.
 */
#ifndef HW_Q35_H
#define HW_Q35_H

#include "hw/isa.h"
#include "hw/pci.h"

/* --- MCH, 00:00.0 ------------------------------------------------------------- */

extern const DeviceClass q35_mch_class;

/* RAM ends here below 4 GiB, so that the window of PCI Express configuration,
 * which firmware puts there, and PCI memory have room. */
#define Q35_LOW_RAM_MAX   UINT64_C(0xb0000000)
#define Q35_LOW_RAM_LARGE (2 * GIB)

/* Makes the bridge, the root bus "pcie.0", and the memory map of the machine. */
Device *q35_mch_new(Machine *m, RamBlock *ram);
PciBus *q35_mch_bus(Device *mch);
MemRegion *q35_mch_pci_memory(Device *mch);
AddressSpace *q35_mch_smm_memory(Device *mch);
uint64_t q35_mch_ram_below_4g(Device *mch);
uint64_t q35_mch_ram_above_4g(Device *mch);
/* Who answers byte accesses to port 0xcf9. */
void q35_mch_set_reset_port(Device *mch, const MemOps *ops, void *opaque);
/* Where firmware has put the configuration window, and how many buses it has;
 * buses 0: nowhere. */
uint64_t q35_mch_ecam(Device *mch, unsigned *buses);
/* Who is told when that changes. */
void q35_mch_on_move(Device *mch, void (*moved)(void *opaque), void *opaque);

/* --- ICH9 LPC bridge, 00:1f.0 -------------------------------------------------- */

extern const DeviceClass ich9_lpc_class;

/* Where the bridge's interrupts go: the lines to the 8259s, and the inputs of
 * the I/O APIC. Both get ISA IRQ 0..15; PIRQA# to PIRQH# are inputs 16..23. */
typedef struct Ich9Lines {
    IrqFn *pic, *apic;
    void *opaque;
} Ich9Lines;
void ich9_lpc_connect(Device *lpc, PciBus *bus, const Ich9Lines *lines);
/* The reset control register at port 0xcf9; opaque is the device. */
extern const MemOps ich9_reset_ops;
IrqLine *ich9_lpc_smi(Device *lpc);
void ich9_lpc_power_button(void *lpc);
/* The port of the ACPI registers; 0: nowhere. Who is told when it changes. */
uint16_t ich9_lpc_pm_base(Device *lpc);
void ich9_lpc_on_move(Device *lpc, void (*moved)(void *opaque), void *opaque);
/* Of its general-purpose events, from that port on. */
enum { ICH9_GPE = 0x20, ICH9_GPE_BYTES = 16 };

/* --- ICH9 SMBus, 00:1f.3 --------------------------------------------------------- */

extern const DeviceClass ich9_smbus_class;

#endif
