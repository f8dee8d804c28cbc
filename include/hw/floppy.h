/*
 * Floppy disks: the controller's cable, and the drives on it.
 *
 * hw/block/fdc.c makes the cable ("floppy-bus", ID.0) and asks the drives of
 * hw/block/floppy.c where their heads are and what is under them. Boards make
 * both for -drive if=floppy and tell firmware of the drives' types.
 */
#ifndef HW_FLOPPY_H
#define HW_FLOPPY_H

#include "io/blockdev.h"
#include "vm/device.h"

#define FLOPPY_UNITS 2u
#define FLOPPY_SECTOR_BYTES 512u

/* ORDER floppy-type (hw/block/floppy.c): the numbers of the AT's CMOS. */
typedef enum FloppyType {
    FLOPPY_NONE,
    FLOPPY_360,
    FLOPPY_1200,
    FLOPPY_720,
    FLOPPY_1440,
    FLOPPY_2880,
} FloppyType;

/* Data rates as CCR and DSR have them. */
enum { FLOPPY_500K, FLOPPY_300K, FLOPPY_250K, FLOPPY_1M };

/* What an image of that size is. */
typedef struct FloppyFormat {
    uint32_t kib;
    uint8_t tracks, heads, sectors;
    uint8_t rate;
    FloppyType type;       /* of the drives made for it */
} FloppyFormat;

typedef struct FloppyDrive FloppyDrive;

typedef struct FloppyBus {
    Machine *machine;
    FloppyDrive *drive[FLOPPY_UNITS];   /* NULL: none */
} FloppyBus;

extern const DeviceClass isa_fdc_class;    /* "isa-fdc" */
extern const DeviceClass floppy_class;     /* "floppy": drive, unit */

FloppyBus *isa_fdc_bus(Device *fdc);

/* FLOPPY_NONE where there is no drive. */
FloppyType floppy_type(const FloppyBus *bus, unsigned unit);

/* --- for the controller -------------------------------------------------------- */

/* The medium; NULL: there is none. */
const FloppyFormat *floppy_format(const FloppyDrive *d);
bool floppy_readonly(const FloppyDrive *d);
unsigned floppy_track(const FloppyDrive *d);
/* Steps to a track, as far as there are any. A step tells the drive that
 * somebody has seen a new medium. */
void floppy_seek(FloppyDrive *d, unsigned track);
bool floppy_changed(const FloppyDrive *d);
/* The sector (from 1 on) of a head under the present track, which must exist.
 * False: the medium cannot. */
bool floppy_read(FloppyDrive *d, unsigned head, unsigned sector, void *buf);
bool floppy_write(FloppyDrive *d, unsigned head, unsigned sector,
                  const void *buf);

#endif
