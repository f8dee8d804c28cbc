/*
 * A disk beside a plain array that says what must be on it; for tests of
 * block/.
 */
#ifndef DISK_MODEL_H
#define DISK_MODEL_H

#include "io/image.h"

typedef struct DiskModel {
    BlockDev *disk;
    BlockOpenOptions opts;
    uint8_t *bytes;
    uint64_t size;
    GRand *rand;
} DiskModel;

/* A path in the test's own folder, which disappears at exit. */
char *disk_path(const char *name);
/* Opens; the array is of the disk's size and read from it. */
DiskModel *disk_model_open(const BlockOpenOptions *opts, uint32_t seed);
void disk_model_close(DiskModel *d);
void disk_model_reopen(DiskModel *d);
/* Random requests, each checked. */
void disk_model_requests(DiskModel *d, unsigned count);
/* The whole disk is what the array says. */
void disk_model_check(DiskModel *d);
/* Opens an image that must open; frees nothing of opts. */
BlockDev *disk_open(const BlockOpenOptions *opts);
/* An image that qcow2's check finds nothing wrong with. */
void disk_check_clean(const char *path);

#endif
