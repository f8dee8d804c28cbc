/*
 * The timeline from inside: what timeline.c, checkpoint.c and thinning.c share.
 */
#ifndef REPLAY_TIMELINE_H
#define REPLAY_TIMELINE_H

#include "internal.h"

struct Timeline {
    Replay *r;
    PageStore *store;
    Coverage *coverage;
    uint64_t budget_bytes;
    uint64_t regular, gap; /* instructions between checkpoints: at least, now */
    bool adapts;           /* the user did not say how many */
    double dearer;         /* cost before the distance grew, or 0 */
    unsigned stay;         /* checkpoints until it may grow again */
    uint64_t dense;        /* while a search looks at an interval, or 0 */
    uint64_t state_bytes;
    guint section_bytes;   /* of one checkpoint's state */
    uint64_t was_bytes;    /* what points took after the last checkpoint */
    uint64_t left_bytes;   /* on a journey: what its beginning keeps */
    GPtrArray *points;     /* Checkpoint *, by icount */
    Icount approach;       /* ICOUNT_NONE: none */
    Icount tried;          /* where a checkpoint was taken last */
};

static inline Checkpoint *point(const Timeline *t, guint i)
{
    return g_ptr_array_index(t->points, i);
}

/* --- checkpoint.c ----------------------------------------------------------------- */

/* What runs from now on may be news. */
void timeline_open(Timeline *t);
/* Memory that the past of disks takes. */
uint64_t timeline_disk_bytes(const Timeline *t);

/* --- thinning.c ------------------------------------------------------------------- */

void timeline_drop_at(Timeline *t, guint i);
/* There may be too many, or they may take too much memory. */
void timeline_thin_out(Timeline *t, Icount now);

#endif
