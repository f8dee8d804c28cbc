/*
 * An ATA channel: between an IDE controller and its one or two drives.
 *
 * Made by a controller (hw/ide/piix3-ide.c), which routes port accesses here
 * and lends its DMA engine; joined by drives (hw/ide/drive.c) that are plugged
 * with dev->bus pointing at one.
 */
#ifndef HW_IDE_H
#define HW_IDE_H

#include "vm/device.h"
#include "vm/irq.h"
#include "vm/machine.h"

typedef struct IdeDrive IdeDrive;

typedef struct IdeBus {
    Machine *machine;
    const char *name;      /* "ide.0" */
    unsigned units;        /* drives that it takes, 1 or 2 */
    IdeDrive *drive[2];    /* by unit; NULL: nothing plugged in */

    /* The controller's side. */
    void *host;
    /* INTRQ moved. */
    void (*irq)(void *host, bool level);
    /* Whether the bus master has been started, and in that direction. */
    bool (*dma_ready)(void *host, bool to_memory);
    /* Moves up to len bytes between buf and the guest's scatter list; the
     * number moved, less than len when the list has ended. */
    size_t (*dma_move)(void *host, void *buf, size_t len, bool to_memory);
    /* The drive has no more to move; failed: it ended the transfer early. */
    void (*dma_end)(void *host);

    /* A serial link, whose controller is told by frames and not by registers
     * and a line; NULL on a channel. A data block is in the drive's buffer, or
     * is wanted there. */
    void (*data_block)(void *host);
    /* The registers are those of the end of a command or of a reset. */
    void (*registers)(void *host);
    /* The log of the last error of the link's command queue, 512 bytes. */
    void (*queue_log)(void *host, uint8_t *log);
} IdeBus;

extern const DeviceClass ide_hd_class;     /* property drive, unit */
extern const DeviceClass ide_cd_class;

/* --- for controllers ------------------------------------------------------- */

/* Lets -device and boards plug drives in; from realize(), with machine, name
 * and units set. */
void ide_bus_offer(IdeBus *bus);

/* Command block registers 0..7 (offset from 0x1f0); 0 is the data port, whose
 * accesses may be 1, 2 or 4 bytes. */
uint32_t ide_bus_read(IdeBus *bus, unsigned reg, unsigned size);
void ide_bus_write(IdeBus *bus, unsigned reg, uint32_t v, unsigned size);
/* Alternate status and device control (0x3f6). */
uint8_t ide_bus_read_alt(IdeBus *bus);
void ide_bus_write_control(IdeBus *bus, uint8_t v);
/* The bus master was started: a drive that waits for it goes on. */
void ide_bus_dma_start(IdeBus *bus);
/* The level that the drives drive on INTRQ now. */
bool ide_bus_irq_level(const IdeBus *bus);
/* Bit n: unit n is there and can do DMA. */
unsigned ide_bus_dma_capable(const IdeBus *bus);

/* The property bootindex of a drive; UINT32_MAX: not given, or no drive. */
uint32_t ide_bus_boot_index(const IdeBus *bus, unsigned unit);

/* The geometry that the BIOS should assume for a disk (CMOS, info). */
bool ide_bus_geometry(const IdeBus *bus, unsigned unit, uint32_t *cylinders,
                      uint32_t *heads, uint32_t *sectors);

#endif
