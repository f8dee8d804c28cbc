/*
 * Checking a recording by running it, and showing states so that two runs can
 * be compared.
 *
 * Implemented by replay/check/verify.c, bisect.c and parting.c; called by the roof
 * for -replay-verify, -replay-state and -replay-bisect.
 */
#ifndef SVC_VERIFY_H
#define SVC_VERIFY_H

#include "svc/timeline.h"

/* How a whole replay went. Strings are the replay's. */
typedef struct ReplayVerdict {
    Icount start, stop;        /* of the run */
    Icount end;                /* of the log */
    bool complete;             /* false: the log was cut off there */
    const char *end_reason;    /* NULL: cut off */
    uint64_t digests, digests_recorded;    /* checked and good; in the log */
    uint64_t marks, marks_recorded;        /* snapshots' states, as well */
    uint64_t marks_amid;       /* of them made amid a boundary, whose state no
                                * replay can see */
    uint64_t events, events_recorded;      /* delivered; in the log */
    uint64_t longest;          /* instructions between two checks, at most */
    Icount agreed;             /* the last check that was good, ICOUNT_NONE */
    const char *divergence;    /* NULL: none */
    double seconds;            /* of host time */
} ReplayVerdict;

/* Replays all that is left of the log at full speed and checks it against its
 * digests and the snapshots' marks. What the guest sends to the world is
 * dropped. r must be a replay that was just started. */
void replay_verify(Replay *r, ReplayVerdict *v);

/* Runs forward to the boundary at icount; true: the machine stands there,
 * even if the state was found not to be the recorded one just there. False:
 * it diverged before, the log ends, or icount is in the past. */
bool replay_walk_to(Replay *r, Icount icount);
/* The last icount where the state was known to be the recorded one. */
Icount replay_agreed(const Replay *r);

/* The digest of the present state. */
uint64_t replay_state_digest(Replay *r);
/* Appends every field of every state table as "SECTION.FIELD = VALUE" or
 * "SECTION.FIELD[INDEX] = VALUE" lines, and every page of RAM as "ram
 * BLOCK+0xOFFSET = DIGEST"; elements of arrays and pages that are zero are left
 * out. */
void replay_print_state(Replay *r, GString *out);
/* Appends a page of RAM, eight bytes a line; place is "BLOCK+0xOFFSET" as
 * above. False with an error if there is no such page. */
bool replay_print_page(Replay *r, const char *place, GString *out,
                       Error **errp);

/* --- two runs ---------------------------------------------------------------- */

/* Looks at two runs at icounts from, from + step, … and at `to`; *first: the
 * first of these where they differ, ICOUNT_NONE: they do not. */
typedef bool BisectProbe(void *opaque, Icount from, Icount to, uint64_t step,
                         Icount *first, Error **errp);

/* The first icount in (same, until] where two runs differ that do not at
 * `same`; ICOUNT_NONE: they do not at any icount that was looked at. Differences
 * that come and go between these are not seen. */
bool replay_bisect(Icount same, Icount until, BisectProbe *probe,
                   void *opaque, Icount *first, Error **errp);

/* Where two logs part. */
typedef struct LogParting {
    char *identity;            /* lines that differ; NULL: none */
    char *event, *other_event; /* the first that differ, as text ("nothing
                                * more"); NULL: none */
    Icount event_icount;       /* of the earlier of the two */
    Icount same;               /* the last digest of both, before they part,
                                * that is the same; ICOUNT_NONE: none */
    Icount differs;            /* the first that is not; ICOUNT_NONE: none */
    Icount end;                /* of the shorter one */
} LogParting;

/* Compares two logs without running them; free with log_parting_clear(). */
bool replay_logs_compare(const char *path, const char *other, LogParting *out,
                         Error **errp);
void log_parting_clear(LogParting *p);
/* Appends what crossed the boundary at icount, a line each. */
bool replay_log_print_events(const char *path, Icount icount, GString *out,
                             Error **errp);
/* The name of the last snapshot that a log says was made at or before icount,
 * but not at 0; the caller frees it. NULL: none. */
char *replay_log_snapshot(const char *path, Icount icount);

#endif
