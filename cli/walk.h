/*
 * Walks: replays in processes of their own that print states (-replay-state).
 * What the accelerator does is decided once for a process, so that two ways of
 * running need two.
 *
 * Implemented by walk.c; used by bisect.c and bisect-report.c. Private to cli/.
 */
#ifndef CLI_WALK_H
#define CLI_WALK_H

#include "options.h"

/* A way of running a recording. */
typedef struct Way {
    char *name;                /* for people */
    const char *accel;         /* of -accel tcg, or NULL: as asked */
    const char *log;           /* the recording, or NULL: as asked */
    const char *snapshot;      /* begin there, or NULL: as asked */
    bool checkpoint;           /* come back by a checkpoint */
} Way;

typedef struct Walk Walk;

/* Starts a process that prints states at from, from + step, … and `to`. more:
 * further keys of -replay-state ("" or ",whole=on"). NULL with an error. */
Walk *walk_start(const Options *o, const Way *way, Icount from, Icount to,
                 uint64_t step, const char *more, Error **errp);
/* Waits for its end. False with an error if it could not begin. */
bool walk_finish(Walk *w, Error **errp);
void walk_free(Walk *w);

/* The first icount where a state of two walks differs, or that only one of
 * them reached; ICOUNT_NONE: none. */
Icount walk_compare(const Walk *a, const Walk *b);
/* Where it ended; where it last agreed with its log (0: nowhere); why it
 * could not go on, or NULL. */
Icount walk_stop(const Walk *w);
Icount walk_agreed(const Walk *w);
const char *walk_divergence(const Walk *w);
/* "KEY = VALUE" lines of the state at icount as a table of strings; NULL: it
 * did not get there. "insn" is the instruction that comes next. */
GHashTable *walk_fields(const Walk *w, Icount icount);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Walk, walk_free)

/* --- bisect-report.c ------------------------------------------------------------ */

/* Prints what differs at icount `first` between two ways that were the same
 * before. */
bool bisect_print(const Options *o, const Way *a, const Way *b, Icount first,
                  Error **errp);

#endif
