/*
 * Searching the past; shared by reverse.c and query.c.
 */
#ifndef REPLAY_SEARCH_H
#define REPLAY_SEARCH_H

#include "timeline/hits.h"
#include "travel.h"

/* What is searched for. */
typedef struct SearchPlan {
    GArray *queries;       /* PageQuery: where it may be; the caller's */
    uint64_t points;       /* a number for it, as HitList.points */
    /* Hits are to be appended to hits from now on; NULL: no more. Without it
     * the debugger's points are meant. */
    void (*arm)(void *opaque, GArray *hits);
    void *opaque;
} SearchPlan;

/* The plan for the points that are set in the CPUs. */
void search_plan_points(SearchPlan *plan, Machine *m);

/* Fills the list until it has a hit before `before`, or reaches the start of
 * history. Leaves the machine somewhere in the past. */
TravelEnd search_back(Travel *t, const SearchPlan *plan, HitList *list,
                      Icount before, Error **errp);

/* False with an error where nothing can go back. Ends a diversion. */
bool search_allowed(Replay *r, Error **errp);

#endif
