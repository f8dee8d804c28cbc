/*
 * The parts of a PC, for the files that put one together: pc.c (chips and
 * lines), pc-firmware.c (what firmware is told), pc-plug.c (what the command
 * line plugs in).
 */
#ifndef HW_BOARDS_PC_H
#define HW_BOARDS_PC_H

#include "hw/apic.h"
#include "hw/hpet.h"
#include "hw/isa.h"
#include "hw/pc-bridges.h"
#include "hw/pc-chips.h"
#include "hw/pflash.h"
#include "vm/turn.h"

#define PC_FLASHES 2u

/* A device without a guest's view, so that the machine owns the wiring. */
typedef struct Pc {
    Device dev;
    Cpu *cpu;              /* the boot processor */
    IsaBus isa;
    PciBus *pci;
    Device *bridge, *pic, *pit, *rtc, *a20, *kbc, *port92, *dma;
    Device *fpu_error;
    Device *flash[PC_FLASHES];
    Device *apic_bus, *ioapic, *hpet;
    Device *apics[TURN_MOST_CPUS]; /* NULL: that vCPU has none */
    Device *piix3, *ide, *pm, *fw_cfg;
    NondetPort *rtc_base;
    MemRegion bios, isa_bios;
} Pc;

/* Maps config.firmware below 4 GiB and below 1 MiB. */
bool pc_add_firmware(Pc *pc, Error **errp);
/* fw_cfg items and CMOS, once all devices are there. */
void pc_describe(Pc *pc);

/* -drive, -serial, -device and what is there by default. */
bool pc_plug_all(Pc *pc, Error **errp);

#endif
