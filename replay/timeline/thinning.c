/*
 * Which checkpoints go when there are too many, or they take too much memory.
 *
 * Mostly the one whose gap is smallest in proportion to how far in the past it
 * lies: dense near the present, sparse long ago.
 */
#include "timeline.h"

#define MOST_CHECKPOINTS 256u

void timeline_drop_at(Timeline *t, guint i)
{
    checkpoint_free(t, point(t, i));
    g_ptr_array_remove_index(t->points, i);
}

/* The gap that dropping point i leaves, in proportion to its age. */
static double drop_cost(const Timeline *t, guint i, Icount now)
{
    Icount at = point(t, i)->icount;
    double gap = point(t, i + 1)->icount - point(t, i - 1)->icount;
    double age = now > at ? now - at : at - now;
    return gap / (age + 1.0);
}

static bool drop_one(Timeline *t, Icount now)
{
    guint best = 0;
    double least = 0;
    for (guint i = 1; i + 1 < t->points->len; i++) {
        double cost = drop_cost(t, i, now);
        if (!point(t, i)->pinned && (!best || cost < least)) {
            best = i;
            least = cost;
        }
    }
    if (best) {
        timeline_drop_at(t, best);
    }
    return best;
}

/* The point that is farthest from now, at one end or the other. */
static bool drop_farthest(Timeline *t, Icount now)
{
    guint first = 1, last = t->points->len - 1;
    while (first < last && point(t, first)->pinned) {
        first++;
    }
    while (last > first && point(t, last)->pinned) {
        last--;
    }
    if (first >= t->points->len || point(t, first)->pinned) {
        return false;
    }
    Icount from = point(t, first)->icount, to = point(t, last)->icount;
    timeline_drop_at(t, from < now && (to < now || now - from > to - now) ? first
                                                                 : last);
    return true;
}

/* Points that share little with their neighbours give little back: then the
 * run is cut off at its far end, rather than thinned out for nothing. */
static void save_memory(Timeline *t, Icount now)
{
    uint64_t bytes = timeline_bytes(t);
    /* The next interval may take as much as this one did. */
    uint64_t grew = bytes > t->was_bytes ? bytes - t->was_bytes : 0;
    uint64_t most = t->budget_bytes - t->budget_bytes / 32 -
                    MIN(grew, t->budget_bytes / 2);
    bool any = true, pays = true;
    while (any && bytes > most) {
        uint64_t fair = bytes / (4 * t->points->len);
        any = pays ? drop_one(t, now) : drop_farthest(t, now);
        pays = pays && bytes - timeline_bytes(t) >= fair;
        bytes = timeline_bytes(t);
    }
    t->was_bytes = bytes;
}

void timeline_thin_out(Timeline *t, Icount now)
{
    while (t->points->len > MOST_CHECKPOINTS && drop_one(t, now)) {
    }
    save_memory(t, now);
}
