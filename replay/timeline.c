/*
 * Checkpoints: points of a replay that can be gone back to in the time it
 * takes to copy what changed since.
 *
 * They are taken at a regular distance while running (farther apart where the
 * guest writes many pages, as each has to be copied once per checkpoint), and
 * at growing distances shortly before a place that was arrived at by going
 * back, so that the next step back is short. When there are too many, or they take too much
 * memory, the one goes whose gap is smallest in proportion to how far in the
 * past it lies: dense near the present, sparse long ago.
 */
#include "internal.h"

#define MOST_CHECKPOINTS 256u
#define REGULAR_INSNS    (UINT64_C(1) << 23)
/* A page is copied once between two checkpoints, which takes the time of some
 * 800 instructions. If that is more than a tenth of the time, the distance
 * grows, as long as that helps: pages that are written again and again are
 * then copied less often, but not those of a guest that goes on to others. */
#define INSNS_PER_PAGE   8192u
#define FARTHEST_INSNS   (UINT64_C(1) << 30)
#define TRY_AGAIN        16u   /* checkpoints later */
/* Distances of the checkpoints before a place: every third power of two. */
#define APPROACH_FIRST_BITS 10u
#define APPROACH_LAST_BITS  22u
#define APPROACH_STEP_BITS  3u

struct Timeline {
    Replay *r;
    PageStore *store;
    Coverage *coverage;
    uint64_t budget_bytes;
    uint64_t regular, gap; /* instructions between checkpoints: at least, now */
    bool adapts;           /* the user did not say how many */
    double dearer;         /* cost before the distance grew, or 0 */
    unsigned stay;         /* checkpoints until it may grow again */
    uint64_t dense;        /* while a search looks at an interval, or 0 */
    uint64_t state_bytes;
    guint section_bytes;   /* of one checkpoint's state */
    uint64_t was_bytes;    /* timeline_bytes() after the last checkpoint */
    GPtrArray *points;     /* Checkpoint *, by icount */
    Icount approach;       /* ICOUNT_NONE: none */
    Icount tried;          /* where a checkpoint was taken last */
};

/* --- one checkpoint ------------------------------------------------------------------ */

static void copy_out(void *opaque, const Section *s)
{
    g_byte_array_append(opaque, s->object, s->table->size_bytes);
}

typedef struct CopyIn {
    const uint8_t *p;
} CopyIn;

static void copy_in(void *opaque, const Section *s)
{
    CopyIn *in = opaque;
    if (s->table->size_bytes) {
        memcpy(s->object, in->p, s->table->size_bytes);
        in->p += s->table->size_bytes;
    }
}

static BlockDev *drive(Machine *m, guint i)
{
    const DriveConfig *d = g_ptr_array_index(m->config.drives, i);
    return d->dev;
}

static guint drive_count(Machine *m)
{
    return m->config.drives ? m->config.drives->len : 0;
}

Checkpoint *checkpoint_take(Timeline *t)
{
    Machine *m = t->r->m;
    Checkpoint *cp = g_new0(Checkpoint, 1);
    cp->icount = machine_icount(m);
    cp->at_boundary = m->at_boundary;
    cp->excursion = t->r->present;
    cp->position = replay_log_position(t->r);
    if (t->r->mode == REPLAY_PLAY) {
        cp->cursor = t->r->play.at;
        cp->generation = t->r->log_generation;
    }
    cp->state = g_byte_array_sized_new(t->section_bytes);
    machine_sections(m, copy_out, cp->state);
    t->section_bytes = cp->state->len;
    cp->ram = mem_image_take(t->store);
    t->state_bytes += cp->state->len;
    cp->disks = g_ptr_array_new();
    for (guint i = 0; i < drive_count(m); i++) {
        BlockDev *b = drive(m, i);
        g_ptr_array_add(cp->disks, b ? blockdev_mark(b) : NULL);
    }
    return cp;
}

/* What runs from now on may be news. */
static void timeline_open(Timeline *t)
{
    coverage_open(t->coverage, machine_icount(t->r->m));
    page_store_trace(t->store);
}

/* What a debugger left in the CPUs belongs to the place we leave. */
static void forget_stops(Machine *m)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        cpu->watch_hit.valid = false;
        cpu->skip_break_icount = ICOUNT_NONE;
    }
}

/* The log may have grown or been another one when the checkpoint was made. */
static void play_from(Replay *r, const Checkpoint *cp)
{
    LogCursor c = cp->cursor;
    Error *err = NULL;
    if (cp->generation != r->log_generation &&
        !log_reader_seek(r->play.log, cp->position, &c, &err)) {
        replay_diverged(r, "%s", error_message(err));
        error_free(err);
        return;
    }
    player_seek(&r->play, &c);
}

void checkpoint_restore(Timeline *t, const Checkpoint *cp)
{
    Machine *m = t->r->m;
    coverage_close(t->coverage, machine_icount(m));
    mem_image_restore(t->store, cp->ram);
    CopyIn in = { cp->state->data };
    machine_sections(m, copy_in, &in);
    for (guint i = 0; i < cp->disks->len; i++) {
        const BlockMark *mark = g_ptr_array_index(cp->disks, i);
        if (mark) {
            blockdev_return_to(drive(m, i), mark);
        }
    }
    machine_rewire(m);
    m->at_boundary = cp->at_boundary;
    m->arrived = ICOUNT_NONE;
    runstate_rewind(m);
    forget_stops(m);
    replay_forgive(t->r);
    play_from(t->r, cp);
    timeline_open(t);
}

void checkpoint_free(Timeline *t, Checkpoint *cp)
{
    if (!cp) {
        return;
    }
    for (guint i = 0; i < cp->disks->len; i++) {
        if (g_ptr_array_index(cp->disks, i)) {
            blockdev_mark_free(g_ptr_array_index(cp->disks, i));
        }
    }
    g_ptr_array_free(cp->disks, TRUE);
    t->state_bytes -= cp->state->len;
    g_byte_array_free(cp->state, TRUE);
    mem_image_free(t->store, cp->ram);
    g_free(cp);
}

/* --- all of them --------------------------------------------------------------------- */

static Checkpoint *point(const Timeline *t, guint i)
{
    return g_ptr_array_index(t->points, i);
}

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
    t->coverage = coverage_new(r->m, machine_icount(r->m));
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
    uint64_t disks = 0;
    for (guint i = 0; i < drive_count(t->r->m); i++) {
        const BlockDev *b = drive(t->r->m, i);
        disks += b ? blockdev_past_bytes(b) : 0;
    }
    return page_store_bytes(t->store) + coverage_bytes(t->coverage) +
           t->state_bytes + disks;
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

/* --- thinning ------------------------------------------------------------------------- */

static void drop_at(Timeline *t, guint i)
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
        drop_at(t, best);
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
    drop_at(t, from < now && (to < now || now - from > to - now) ? first
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

static void thin_out(Timeline *t, Icount now)
{
    while (t->points->len > MOST_CHECKPOINTS && drop_one(t, now)) {
    }
    save_memory(t, now);
}

void timeline_add(Timeline *t, bool pinned)
{
    Icount now = machine_icount(t->r->m);
    guint i = count_until(t, now);
    if (i && point(t, i - 1)->icount == now &&
        (point(t, i - 1)->at_boundary || !t->r->m->at_boundary)) {
        point(t, i - 1)->pinned |= pinned;
        return;
    }
    Checkpoint *cp = checkpoint_take(t);
    t->tried = now;
    cp->pinned = pinned;
    g_ptr_array_insert(t->points, i, cp);
    thin_out(t, now);
}

void timeline_cut(Timeline *t, Icount icount)
{
    while (t->points->len > 1 &&
           point(t, t->points->len - 1)->icount > icount) {
        drop_at(t, t->points->len - 1);
    }
    coverage_cut(t->coverage, icount);
    timeline_open(t);
}

void timeline_drop_excursion(Timeline *t)
{
    for (guint i = t->points->len; i-- > 0;) {
        if (point(t, i)->excursion) {
            drop_at(t, i);
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
    if (m->at_boundary && !runstate_request_pending(m) &&
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
