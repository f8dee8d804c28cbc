/*
 * Images of other programs that are read and never written: a disk in units of
 * one size, each somewhere in the file, or nowhere. Private to foreign.c and
 * the drivers vdi.c and vmdk.c.
 */
#ifndef FOREIGN_H
#define FOREIGN_H

#include "base/bytes.h"
#include "driver.h"

/* No unit of a sane image is larger, and no table. */
#define FOREIGN_UNIT_MAX (64 * MIB)
#define FOREIGN_TABLE_MAX (64 * MIB)

typedef enum ForeignKind {
    FOREIGN_NONE,          /* reads as zeroes */
    FOREIGN_DATA,          /* at `offset`, as it is */
    FOREIGN_PACKED,        /* to be had by unpack() */
} ForeignKind;

typedef struct Foreign {
    BlockNode node;
    BlockFile *file;
    uint64_t unit;         /* bytes */
    char *subformat;       /* for `info` */
    uint64_t unpacked;     /* the unit that is in unit_data, plus 1; 0: none */
    uint8_t *unit_data;
    /* Where a unit is; negative errno if the image says nonsense. */
    int (*find)(struct Foreign *f, uint64_t index, ForeignKind *kind,
                uint64_t *offset);
    int (*unpack)(struct Foreign *f, uint64_t offset, uint8_t *out);
    void (*free)(struct Foreign *f);
} Foreign;

/* Sets up the common part: the driver, the file (taken over) and names.
 * `format` is a driver's name. */
void foreign_init(Foreign *f, const char *format, BlockFile *file,
                  const NodeOpen *how);
/* Sets an error that names the image and an offset in it; false. */
bool foreign_error(const Foreign *f, Error **errp, uint64_t offset,
                   const char *what);
/* Reads `bytes` of a header or table; false with an error if the file has not
 * that much. */
bool foreign_read(Foreign *f, uint64_t offset, void *buf, uint64_t bytes,
                  Error **errp);
/* Says it is for reading only, if it is to be written; false with an error. */
bool foreign_may_open(const NodeOpen *how, const char *format, Error **errp);

BlockNode *vdi_open(BlockFile *file, const NodeOpen *how, Error **errp);
BlockNode *vmdk_open(BlockFile *file, const NodeOpen *how, Error **errp);

#endif
