/*
 * Hits of breakpoints and watchpoints that a search has seen; private to
 * replay/. The next reverse-continue, or one after a condition that did not
 * hold, finds them without running the interval again.
 */
#ifndef REPLAY_HITS_H
#define REPLAY_HITS_H

#include "vm/cpu.h"
#include "vm/machine.h"

typedef struct Hit {
    bool access;           /* a watchpoint; else a breakpoint */
    Icount icount;         /* where to go to stand before it */
    WatchHit watch;
} Hit;

/* All hits in [from, to) of the points that were set then. */
typedef struct HitList {
    Icount from, to;
    uint64_t points;       /* what they were, as a number; 0: no list */
    GArray *hits;          /* Hit, in order of time */
} HitList;

void hits_clear(HitList *l);
/* A number, not 0, for the points that a debugger has set. */
uint64_t hits_points(Machine *m);
/* True if the list tells something of these points before `before`. */
bool hits_valid(const HitList *l, uint64_t points, Icount before);
/* The last hit before `before`, or NULL. */
const Hit *hits_last(const HitList *l, Icount before);
/* A new list that reaches up to `to`, empty there. */
void hits_begin(HitList *l, uint64_t points, Icount to);
/* A list without hits reaches back to from, with these (Hit, in order) in
 * between. Only the later ones are kept if they are very many. */
void hits_extend(HitList *l, Icount from, const GArray *hits);

#endif
