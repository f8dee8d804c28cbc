/*
 * A disk from inside, for the rooms of its front:
 *
 *   block.c            opening, and requests
 *   block-digest.c     a digest of what is on it
 *   block-snapshot.c   snapshots in its image
 *   block-past.c       the past of a recording
 */
#ifndef BLOCK_DEV_H
#define BLOCK_DEV_H

#include "driver.h"

struct BlockDev {
    BlockDevHead head;
    char *file;
    BlockNode *image;      /* NULL: an empty drive */
    BlockNode *top;        /* what requests go to; the image or an overlay */
    bool readonly;         /* for the guest */
    bool replay;
    bool write_through, no_flush, detect_zeroes, keep_discarded;
    Undo *undo;            /* while the image's past is kept, or NULL */
    bool away;             /* in the past of a recording */
    NondetPort *errors;    /* NULL until bound */
    BlockStats stats[BLOCK_REQUEST_COUNT];
};

static inline uint64_t disk_size_bytes(const BlockDev *b)
{
    return b->top ? b->top->size_bytes : 0;
}

#endif
