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
/* The points that are set now. */
uint64_t hits_points(Machine *m);
/* True if the list tells something of what is before `before`. */
bool hits_valid(const HitList *l, Machine *m, Icount before);
/* The last hit before `before`, or NULL. */
const Hit *hits_last(const HitList *l, Icount before);
/* A new list that reaches up to `to`, empty there. */
void hits_begin(HitList *l, Machine *m, Icount to);
/* A list without hits reaches back to from, with these (Hit, in order) in
 * between. Only the later ones are kept if they are very many. */
void hits_extend(HitList *l, Icount from, const GArray *hits);

#endif
