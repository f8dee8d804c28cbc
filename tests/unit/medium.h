/*
 * A medium in memory that stands in for block/file.c: it knows what would be
 * lost in a power cut, can be looked at after each change, and can fail.
 *
 * Implemented by medium.c; used by tests of what images survive.
 */
#ifndef MEDIUM_H
#define MEDIUM_H

#include "block/file.h"
#include "io/image.h"

enum { MEDIUM_SECTOR = 512, MEDIUM_MAX = 4 << 20 };

struct BlockFile {
    uint8_t *now;          /* as a reader sees it */
    uint8_t *safe;         /* as it was at the last sync */
    uint64_t size_bytes, safe_bytes;
    GArray *pending;       /* of MediumPending, in order */
    void (*before_sync)(void *opaque); /* may be NULL */
    void (*changed)(void *opaque); /* after each change; may be NULL */
    void *opaque;
    /* Which call that changes or syncs fails, counted from 1 (0: none); how
     * many bytes of it are done nevertheless, in 1/8 of them; for how many
     * calls that goes on. */
    unsigned calls, fail_at, fail_part, fail_calls;
    unsigned failed;       /* calls that did */
};

/* A sector that was written since the last sync. */
typedef struct MediumPending {
    uint64_t at;
    uint8_t data[MEDIUM_SECTOR];
} MediumPending;

/* The one that every image is on. */
extern struct BlockFile *medium;

BlockFile *medium_new(void);
void medium_free(BlockFile *f);
/* As it is after the process was killed: all that was written. */
BlockFile *medium_copy(const BlockFile *f);
/* What may be left after a power cut: all that is safe, any of the rest. */
BlockFile *medium_cut(const BlockFile *f, GRand *rand);

/* A disk on the medium; the test fails if there is none. */
BlockDev *medium_open(void);
/* The image on it has leaks at most; how many. */
uint64_t medium_check(void);

#endif
