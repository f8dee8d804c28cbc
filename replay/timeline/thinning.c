/*
 * Which checkpoints go when there are too many, or they take too much memory.
 *
 * Mostly the one whose gap is smallest in proportion to how far in the past it
 * lies: dense near the present, sparse long ago.
 *
 * Where the memory is far too small for the run, what makes the next step back
 * short stays all the same: a few points just before the present. They cost
 * what the guest has written since, which is little. And two things are not
 * held against the others: what a journey keeps of the place where it began is
 * given back at its end; and the end of the run, which stays if it can, is
 * given up as soon as it is what takes the memory.
 */
#include "timeline.h"

/* In a run of 10^11 instructions some 10^9 lie between two at its far end. */
#define MOST_CHECKPOINTS 1024u
/* So many points at most, and no farther back, are near the present. */
#define NEAR_POINTS 8u
#define NEAR_INSNS  (UINT64_C(1) << 23)

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

/* True if point i shortens the next steps back. */
static bool is_near(const Timeline *t, guint i, Icount now)
{
    guint last = i + NEAR_POINTS;
    Icount at = point(t, i)->icount;
    return at <= now && now - at <= NEAR_INSNS &&
           (last >= t->points->len || point(t, last)->icount > now);
}

/* The end of the run, with no name of its own. */
static bool is_mere_end(const Timeline *t, guint i)
{
    Icount at = point(t, i)->icount;
    return at >= replay_end(t->r) && !bookmark_at(t->r, at);
}

/* True if point i does not go for want of memory. */
static bool stays(const Timeline *t, guint i, Icount now)
{
    return is_near(t, i, now) || (point(t, i)->pinned && !is_mere_end(t, i));
}

static bool drop_one(Timeline *t, Icount now)
{
    guint best = 0;
    double least = 0;
    for (guint i = 1; i + 1 < t->points->len; i++) {
        double cost = drop_cost(t, i, now);
        if (!point(t, i)->pinned && !is_near(t, i, now) &&
            (!best || cost < least)) {
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
    while (first < last && stays(t, first, now)) {
        first++;
    }
    while (last > first && stays(t, last, now)) {
        last--;
    }
    if (first >= t->points->len || stays(t, first, now)) {
        return false;
    }
    Icount from = point(t, first)->icount, to = point(t, last)->icount;
    timeline_drop_at(t, from < now && (to < now || now - from > to - now) ? first
                                                                 : last);
    return true;
}

/* What the points take. */
static uint64_t points_bytes(const Timeline *t)
{
    uint64_t bytes = timeline_bytes(t);
    return bytes - MIN(bytes, t->left_bytes);
}

/* Points that share little with their neighbours give little back: then the
 * run is cut off at its far end, rather than thinned out for nothing. */
static void save_memory(Timeline *t, Icount now)
{
    uint64_t bytes = points_bytes(t);
    /* The next interval may take as much as this one did. */
    uint64_t grew = bytes > t->was_bytes ? bytes - t->was_bytes : 0;
    uint64_t most = t->budget_bytes - t->budget_bytes / 32 -
                    MIN(grew, t->budget_bytes / 2);
    bool any = true, pays = true;
    while (any && bytes > most) {
        uint64_t fair = bytes / (4 * t->points->len);
        pays = pays && drop_one(t, now);
        any = pays || drop_farthest(t, now);
        pays = pays && bytes - points_bytes(t) >= fair;
        bytes = points_bytes(t);
    }
    t->was_bytes = bytes;
}

void timeline_thin_out(Timeline *t, Icount now)
{
    while (t->points->len > MOST_CHECKPOINTS && drop_one(t, now)) {
    }
    save_memory(t, now);
}
