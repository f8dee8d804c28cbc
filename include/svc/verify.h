/*
 * Checking a recording by running it, and showing states so that two runs can
 * be compared.
 *
 * Implemented by replay/verify.c, parting.c and bisect.c; called by the roof
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

#endif
