/*
 * Bitmaps of what was written to a disk, kept in a qcow2 image. Private to
 * qcow2-bitmap*.c and the checker.
 *
 * The directory and the tables are what the file has; bits are in memory while
 * they are looked at or changed. What changed is stored in clusters that were
 * free, and one write of the header makes it true. While an image is written,
 * each automatic bitmap is marked "in use" in the file: who is killed leaves
 * bitmaps that say of themselves that they are out of date.
 */
#ifndef QCOW2_BITMAP_H
#define QCOW2_BITMAP_H

#include "qcow2.h"

#define BITMAP_IN_USE 1u
#define BITMAP_AUTO 2u
/* Its bits, at most; other programs have the same limit. */
#define BITMAP_BYTES_MAX (512 * MIB)

enum {
    BITMAP_GRANULARITY_MIN = 9,
    BITMAP_GRANULARITY_MAX = 31,
    BITMAP_NAME_MAX = 1023,
    BITMAPS_MAX = 65535,
};

typedef struct Qcow2Bitmap {
    char *name;
    uint32_t flags;
    uint8_t type, granularity;
    GBytes *extra;         /* kept as it is */
    uint64_t *table;       /* of what the file has */
    uint64_t table_offset;
    uint32_t table_entries;
    uint64_t flags_at;     /* where in the file the flags are */
    uint8_t *bits;         /* NULL: not loaded; as in the file */
    bool changed;          /* bits are to be stored */
} Qcow2Bitmap;

typedef struct Qcow2Bitmaps {
    uint32_t count;
    uint64_t directory_offset, directory_bytes;
    GPtrArray *rows;       /* of Qcow2Bitmap; NULL: not loaded */
    bool tracking;         /* writes are noted */
} Qcow2Bitmaps;

void bitmap_free(void *bitmap);
/* Bytes of bits for the disk as it is. */
uint64_t bitmap_bytes(const Qcow2 *q, const Qcow2Bitmap *b);
/* Loads the directory, or the bits of one. */
bool qcow2_bitmaps_load(Qcow2 *q, Error **errp);
bool bitmap_load_bits(Qcow2 *q, Qcow2Bitmap *b, Error **errp);
/* Stores what changed and the directory. */
bool qcow2_bitmaps_store(Qcow2 *q, Error **errp);
/* All that a bitmap has in the file loses a reference. */
void bitmap_table_forget(Qcow2 *q, uint64_t offset, const uint64_t *table,
                         uint32_t entries);
Qcow2Bitmap *bitmap_find(const Qcow2 *q, const char *name);

#endif
