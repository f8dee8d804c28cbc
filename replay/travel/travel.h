/*
 * Moving through a recording without anyone noticing; shared by seek.c,
 * search.c and marks.c.
 */
#ifndef REPLAY_TRAVEL_H
#define REPLAY_TRAVEL_H

#include "internal.h"

typedef enum TravelEnd {
    TRAVEL_ARRIVED,
    TRAVEL_INTERRUPTED,    /* poll said so, or the process is to end */
    TRAVEL_FAILED,         /* with an error */
} TravelEnd;

typedef struct Travel {
    Replay *r;
    ReplayPoll *poll;      /* may be NULL */
    void *opaque;
    Checkpoint *origin;    /* where it began */
    RunState state;        /* before it began */
    bool no_shutdown;      /* the user's setting */
    uint64_t ran;          /* instructions since the last poll */
    bool quiet;            /* debuggers' points are off */
    Icount begin;          /* where it began, for those who are told */
    bool searching;        /* all that is behind `searched` was looked at */
    Icount searched;
    int64_t told_us;       /* host time of the last time they were */
} Travel;

/* Told of each breakpoint or watchpoint on the way. hit is NULL for a
 * breakpoint, which is at icount; an access ended at icount. */
typedef void TravelHit(void *opaque, Icount icount, const WatchHit *hit);

/* False with an error while a journey is under way: its poll lets monitors
 * speak. */
bool travel_allowed(Machine *m, Error **errp);
/* False with an error if there is no way back at all. */
bool travel_possible(const Replay *r, Error **errp);
void travel_begin(Travel *t, Replay *r);
/* Breakpoints and watchpoints stop nobody, as from the beginning, or do. */
void travel_quiet(Travel *t, bool quiet);
/* After it: a recording that was left and is in the present again goes on. */
void travel_home(Replay *r);
/* Ends it where the machine is now, or (back) where it began. */
void travel_end(Travel *t, bool back);
/* Runs forward to the boundary at icount. */
TravelEnd travel_forward(Travel *t, Icount icount, TravelHit *hit,
                         void *opaque, Error **errp);
/* Goes to the boundary at icount, which is not before history, from the
 * nearest point before it. */
TravelEnd travel_to(Travel *t, Icount icount, Error **errp);

/* --- marks.c -------------------------------------------------------------- */

typedef enum MarksResult {
    MARKS_NONE,            /* nothing worth loading; nothing was changed */
    MARKS_LOADED,
    MARKS_SPOILT,          /* loading failed: the machine is nowhere */
} MarksResult;

/* Loads the snapshot of the recording from which the way to icount's boundary
 * is shortest, if it is much shorter than the one from `from`. */
MarksResult marks_approach(Replay *r, Icount from, Icount icount);

#endif
