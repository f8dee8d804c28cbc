/*
 * Checkpoints: points of a replay that can be gone back to in the time it
 * takes to copy what changed since. When they are taken, and which there are.
 *
 * They are taken at a regular distance while running (farther apart where the
 * guest writes the same pages again and again, as each is copied once per
 * checkpoint), and at growing distances shortly before a place that was
 * arrived at by going back, so that the next step back is short.
 */
#include "timeline.h"

/* What of the memory lines of data in the coverage may take. */
#define LINES_PART       8u
#define REGULAR_INSNS    (UINT64_C(1) << 25)
/* A page is copied once between two checkpoints, which takes the time of a
 * thousand instructions or two. If that is more than a tenth of the time, the distance
 * grows, as long as that helps: pages that are written again and again are
 * then copied less often, but not those of a guest that goes on to others. */
#define INSNS_PER_PAGE   8192u
#define FARTHEST_INSNS   (UINT64_C(1) << 30)
#define TRY_AGAIN        16u   /* checkpoints later */
/* Distances of the checkpoints before a place: every third power of two. */
#define APPROACH_FIRST_BITS 10u
#define APPROACH_LAST_BITS  22u
#define APPROACH_STEP_BITS  3u

/* --- all of them --------------------------------------------------------------------- */

Timeline *timeline_new(Replay *r, uint64_t budget_bytes, uint64_t spacing)
{
    Timeline *t = g_new0(Timeline, 1);
    t->r = r;
    t->budget_bytes = budget_bytes;
    t->regular = t->gap = spacing ? spacing : REGULAR_INSNS;
    t->adapts = !spacing;
    t->points = g_ptr_array_new();
    t->approach = ICOUNT_NONE;
    t->store = page_store_new(r->m);
    t->coverage = coverage_new(r->m, machine_icount(r->m),
                               budget_bytes / LINES_PART);
    timeline_open(t);
    return t;
}

void timeline_free(Timeline *t)
{
    if (t) {
        for (guint i = 0; i < t->points->len; i++) {
            checkpoint_free(t, point(t, i));
        }
        g_ptr_array_free(t->points, TRUE);
        coverage_free(t->coverage);
        page_store_free(t->store);
        g_free(t);
    }
}

void timeline_set_dense(Timeline *t, uint64_t insns)
{
    t->dense = insns;
}

uint64_t timeline_spacing(const Timeline *t)
{
    return t->gap;
}

Coverage *timeline_coverage(Timeline *t)
{
    return t->coverage;
}

uint64_t timeline_bytes(const Timeline *t)
{
    return page_store_bytes(t->store) + coverage_bytes(t->coverage) +
           t->state_bytes + timeline_disk_bytes(t);
}

void timeline_approach(Timeline *t, Icount icount)
{
    t->approach = icount;
}

Icount timeline_start(const Timeline *t)
{
    return point(t, 0)->icount;
}

/* How many points are at or before icount. */
static guint count_until(const Timeline *t, Icount icount)
{
    guint lo = 0, hi = t->points->len;
    while (lo < hi) {
        guint mid = lo + (hi - lo) / 2;
        if (point(t, mid)->icount <= icount) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

const Checkpoint *timeline_find(Timeline *t, Icount icount)
{
    for (guint i = count_until(t, icount); i-- > 0;) {
        const Checkpoint *cp = point(t, i);
        if (cp->icount < icount || cp->at_boundary) {
            return cp;
        }
    }
    return NULL;
}

void timeline_add(Timeline *t, bool pinned)
{
    Icount now = machine_icount(t->r->m);
    guint i = count_until(t, now);
    if (i && point(t, i - 1)->icount == now &&
        (point(t, i - 1)->at_boundary || !t->r->m->sched.at_boundary)) {
        point(t, i - 1)->pinned |= pinned;
        return;
    }
    Checkpoint *cp = checkpoint_take(t);
    t->tried = now;
    cp->pinned = pinned;
    g_ptr_array_insert(t->points, i, cp);
    timeline_thin_out(t, now);
}

void timeline_arrived(Timeline *t)
{
    if (t->left_bytes) {
        t->left_bytes = 0;
        timeline_thin_out(t, machine_icount(t->r->m));
    }
}

void timeline_cut(Timeline *t, Icount icount)
{
    while (t->points->len > 1 &&
           point(t, t->points->len - 1)->icount > icount) {
        timeline_drop_at(t, t->points->len - 1);
    }
    coverage_cut(t->coverage, icount);
    timeline_open(t);
}

void timeline_drop_excursion(Timeline *t)
{
    for (guint i = t->points->len; i-- > 0;) {
        if (point(t, i)->excursion) {
            timeline_drop_at(t, i);
        }
    }
}

void timeline_unpin(Timeline *t, Icount icount)
{
    for (guint i = count_until(t, icount);
         i-- > 1 && point(t, i)->icount == icount;) {
        point(t, i)->pinned = false;
    }
}

/* --- when ------------------------------------------------------------------------------ */

/* True if a point lies in [from, to). */
static bool have_between(const Timeline *t, Icount from, Icount to)
{
    guint n = count_until(t, to - 1);
    return n && point(t, n - 1)->icount >= from;
}

static Icount due_approach(const Timeline *t, Icount now)
{
    if (t->approach == ICOUNT_NONE) {
        return ICOUNT_NONE;
    }
    for (int bits = APPROACH_LAST_BITS; bits >= (int)APPROACH_FIRST_BITS;
         bits -= APPROACH_STEP_BITS) {
        uint64_t far = UINT64_C(1) << bits;
        if (t->approach < far || t->approach - far <= now) {
            continue;
        }
        Icount at = t->approach - far;
        if (!have_between(t, at - MIN(far, at), at + far / 2)) {
            return at;
        }
    }
    return ICOUNT_NONE;
}

/* A spacing behind the last point until now, or behind later ones that are
 * there already. */
static Icount due_regular(const Timeline *t, Icount now)
{
    guint i = count_until(t, now);
    uint64_t gap = t->dense ? t->dense : t->gap;
    Icount last = i ? point(t, i - 1)->icount : now;
    /* One that was dropped at once for want of memory is not taken again. */
    Icount at = (t->tried <= now ? MAX(last, t->tried) : last) + gap;
    for (; i < t->points->len && point(t, i)->icount < at + gap / 2; i++) {
        at = point(t, i)->icount + gap;
    }
    return MAX(at, now + 1);
}

Icount timeline_due(Timeline *t, Icount now)
{
    return MIN(coverage_due(t->coverage, now),
               MIN(due_regular(t, now), due_approach(t, now)));
}

/* How far the next checkpoint is to be from this one. */
static void adapt(Timeline *t)
{
    double cost = (double)page_store_changed(t->store) * INSNS_PER_PAGE /
                  t->gap;
    if (!t->adapts || t->dense) {
        return;
    }
    if (t->dearer && cost > 0.8 * t->dearer) {
        t->gap /= 2;
        t->stay = TRY_AGAIN;
    } else if (cost > 1 && !t->stay && t->gap < FARTHEST_INSNS) {
        t->gap *= 2;
        t->dearer = cost;
        return;
    } else if (cost < 0.5 && t->gap > t->regular) {
        t->gap /= 2;
    }
    t->dearer = 0;
    t->stay -= t->stay > 0;
}

void timeline_arrive(Timeline *t)
{
    Machine *m = t->r->m;
    if (m->sched.at_boundary && !runstate_request_pending(m) &&
        !t->r->divergence) {
        coverage_close(t->coverage, machine_icount(m));
        adapt(t);
        timeline_add(t, false);
        timeline_open(t);
    }
}

/* --- for people --------------------------------------------------------------------- */

void replay_print_timeline(const Replay *r, GString *out)
{
    const Timeline *t = r ? r->timeline : NULL;
    if (!t) {
        g_string_append(out, "There is no timeline\n");
        return;
    }
    g_string_append_printf(
        out, "%u checkpoints from icount %" G_GUINT64_FORMAT " to %"
        G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
        " MiB; the next %" G_GUINT64_FORMAT " instructions after the last\n",
        t->points->len, point(t, 0)->icount,
        point(t, t->points->len - 1)->icount, timeline_bytes(t) / MIB,
        t->budget_bytes / MIB, timeline_spacing(t));
    coverage_print(t->coverage, out);
}
