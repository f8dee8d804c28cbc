/*
 * Flash chips that hold firmware and its variables. Implemented by
 * hw/block/pflash.c; made by boards for -drive if=pflash.
 */
#ifndef HW_PFLASH_H
#define HW_PFLASH_H

#include "io/blockdev.h"
#include "vm/device.h"
#include "vm/memory.h"

#define PFLASH_MOST_BYTES (16 * MIB)

extern const DeviceClass pflash_class;

/* A chip with the drive's content and size, in the machine's memory just below
 * `end`. NULL with an error that names it. */
Device *pflash_new(Machine *m, const char *name, BlockDev *drive,
                   PhysAddr end, Error **errp);
/* What it shows in memory, for aliases; its size. */
MemRegion *pflash_array(Device *flash);
uint64_t pflash_bytes(Device *flash);

#endif
