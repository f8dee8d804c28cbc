/*
 * The parts of a PC, for the files that put one together: pc.c (processors,
 * chips and lines that every PC has), pc-firmware.c (what firmware is told),
 * pc-plug.c (what the command line plugs in); and for the boards, each of
 * which adds its bridges: pc-i440fx.c, pc-q35.c.
 *
 * A board with bridges is built by pc_build(), which calls it back; one without
 * (microvm.c) calls pc_new() and what it has of the rest itself.
 */
#ifndef HW_BOARDS_PC_H
#define HW_BOARDS_PC_H

#include "hw/apic.h"
#include "hw/hpet.h"
#include "hw/ide.h"
#include "hw/isa.h"
#include "hw/pc-chips.h"
#include "hw/pci.h"
#include "hw/pflash.h"
#include "vm/turn.h"

#define PC_FIRMWARE   "bios-256k.bin"
/* The hard disk first, then floppy and CD-ROM. */
#define PC_BOOT_ORDER "cad"

#define PC_FLASHES 2u

/* A device without a guest's view, so that the machine owns the wiring. */
typedef struct Pc {
    Device dev;
    Cpu *cpu;              /* the boot processor */
    IsaBus isa;
    Device *pic, *pit, *rtc, *a20, *kbc, *port92, *dma, *fpu_error, *fw_cfg;
    Device *flash[PC_FLASHES];
    Device *apic_bus, *ioapic, *hpet;
    Device *apics[TURN_MOST_CPUS]; /* NULL: that vCPU has none */
    NondetPort *rtc_base;
    MemRegion bios, isa_bios;

    /* Of the board. */
    PciBus *pci;           /* the root bus; NULL: there is none */
    MemRegion *pci_memory; /* where firmware lies, and BARs */
    uint64_t below_4g, above_4g; /* bytes of RAM */
    unsigned ide_channels; /* for -drive if=ide: the machine's first so many */
    bool firmware_in_ram;  /* below 1 MiB the board copies it */
    const char *ide_path;  /* their controller, as Open Firmware names it; NULL:
                            * it is a PCI function that knows by itself */
    Device *bridge, *south, *disks, *pm; /* its chips; NULL: not there */
} Pc;

/* --- for boards (pc.c) ------------------------------------------------------- */

/* What a board has of its own. */
typedef struct PcBridges {
    /* Makes the bridges and fills in the fields "of the board". */
    void (*add)(Pc *pc);
    /* Their lines, when all chips are there. */
    void (*connect)(Pc *pc);
    AddressSpace *(*smm_memory)(Device *bridge);
    /* Makes the ACPI tables; opaque: the Pc. */
    void (*describe_acpi)(void *pc);
    /* It is to be called again whenever firmware moves what the tables name. */
    void (*on_move)(Pc *pc);
} PcBridges;

/* The whole of such a board. */
bool pc_build(Machine *m, const PcBridges *bridges, Error **errp);
/* Checks what every PC wants of the configuration and makes the processors. */
Pc *pc_new(Machine *m, Error **errp);
/* Makes a chip of the board on the root bus; it cannot fail. */
Device *pc_pci_device(Pc *pc, const DeviceClass *cls);
/* Local APICs, the I/O APIC and the HPET, if the processors have them. */
void pc_add_apics(Pc *pc);
/* Lines to and from the processors. smm_memory: what they see in system
 * management mode; NULL: nothing else. */
void pc_connect_cpus(Pc *pc, AddressSpace *smm_memory);
/* BoardClass.power_on of every PC. */
void pc_power_on(Machine *m);

/* Receivers of lines, each an IrqFn (opaque: the Pc). An ISA IRQ goes to both
 * kinds of controller; a global system interrupt below 16 is that ISA IRQ; the
 * next two reach one kind alone; rising SMI# reaches the boot processor. */
void pc_irq(void *pc, int irq, bool level);
void pc_gsi(void *pc, int gsi, bool level);
void pc_pic_irq(void *pc, int irq, bool level);
void pc_apic_pin(void *pc, int pin, bool level);
void pc_smi(void *pc, int n, bool level);

/* --- between the files of a PC ------------------------------------------------- */

/* Channel n < ide_channels. */
static inline IdeBus *pc_ide_bus(const Pc *pc, unsigned n)
{
    return machine_bus_at(pc->dev.machine, "IDE", n);
}

/* Maps config.firmware below 4 GiB and below 1 MiB. */
bool pc_add_firmware(Pc *pc, Error **errp);
/* fw_cfg items and CMOS, once all devices are there. */
void pc_describe(Pc *pc);
/* -drive, -serial, -device and what is there by default. */
bool pc_plug_all(Pc *pc, Error **errp);

#endif
