/*
 * Searching the past for breakpoints and watchpoints.
 *
 * Nothing runs backwards. A search goes through the intervals of the run from
 * the newest to the oldest, skipping those that touched none of the pages in
 * question (coverage.c), runs each forward with the debugger's breakpoints and
 * watchpoints on, and remembers what it hits. The last hit of the first
 * interval that has any is the answer; the others are kept (hits.c).
 *
 * Order in time: a breakpoint at icount N comes before the instruction that
 * ends at N + 1; an access that ended at N + 1 lies between the two. To stand
 * before either one goes to N.
 */
#include "search.h"

/* While an interval is searched, checkpoints are left in it for the way to
 * the hit and for the next search. */
#define SEARCH_PARTS        8u
#define SEARCH_MIN_SPACING  (UINT64_C(1) << 16)

/* --- what is searched for -------------------------------------------------------- */

static void add_query(GArray *q, MmuAccess access, GuestAddr addr,
                      uint64_t len)
{
    PageQuery one = { access, addr, addr + MAX(len, 1) - 1 };
    g_array_append_val(q, one);
}

static void add_points(GArray *q, const Cpu *cpu)
{
    for (guint i = 0; i < cpu->breakpoints->len; i++) {
        const Breakpoint *b = &g_array_index(cpu->breakpoints, Breakpoint, i);
        if (b->owner == BREAK_GDB) {
            add_query(q, MMU_FETCH, b->addr, 1);
        }
    }
    for (guint i = 0; i < cpu->watchpoints->len; i++) {
        const Watchpoint *w = &g_array_index(cpu->watchpoints, Watchpoint, i);
        for (MmuAccess a = MMU_LOAD; a <= MMU_STORE; a++) {
            if (w->owner == BREAK_GDB && (w->access & BIT(a))) {
                add_query(q, a, w->addr, w->len);
            }
        }
    }
}

static GArray *queries(Machine *m)
{
    GArray *q = g_array_new(FALSE, FALSE, sizeof(PageQuery));
    for (guint i = 0; i < m->cpus->len; i++) {
        add_points(q, g_ptr_array_index(m->cpus, i));
    }
    return q;
}

/* --- one interval ------------------------------------------------------------------ */

typedef struct Scan {
    Icount before;
    GArray *hits;          /* Hit */
} Scan;

static void remember(void *opaque, Icount icount, const WatchHit *hit)
{
    Scan *s = opaque;
    Hit h = { .access = hit, .icount = hit ? icount - 1 : icount };
    if (h.icount >= s->before) {
        return;
    }
    if (hit) {
        h.watch = *hit;
    }
    g_array_append_val(s->hits, h);
}

/* Runs [from, to) with everything on. */
static TravelEnd scan(Travel *t, Icount from, Icount to, HitList *list,
                      Error **errp)
{
    Timeline *tl = t->r->timeline;
    Scan s = { to, g_array_new(FALSE, FALSE, sizeof(Hit)) };
    TravelEnd end = travel_to(t, from, errp);
    if (end == TRAVEL_ARRIVED) {
        timeline_set_dense(tl, MAX((to - from) / SEARCH_PARTS,
                                   SEARCH_MIN_SPACING));
        travel_quiet(t, false);
        end = travel_forward(t, to, remember, &s, errp);
        travel_quiet(t, true);
        timeline_set_dense(tl, 0);
    }
    if (end == TRAVEL_ARRIVED) {
        hits_extend(list, from, s.hits);
    }
    g_array_unref(s.hits);
    return end;
}

/* A long interval is taken in parts, so that what is near is found soon. */
static Icount part_from(Timeline *t, Icount from, Icount to)
{
    const Checkpoint *cp = timeline_find(t, to - 1);
    return MAX(from, cp->icount);
}

TravelEnd search_back(Travel *t, HitList *list, Icount before, Error **errp)
{
    Replay *r = t->r;
    Icount to = before, from;
    GArray *q = queries(r->m);
    TravelEnd end = TRAVEL_ARRIVED;
    if (hits_valid(list, r->m, before)) {
        to = hits_last(list, before) ? timeline_start(r->timeline)
                                     : list->from;
    }
    if (!hits_valid(list, r->m, before) ||
        (list->hits->len && !hits_last(list, before))) {
        hits_begin(list, r->m, to);
    }
    while (end == TRAVEL_ARRIVED && !hits_last(list, before) &&
           coverage_find(timeline_coverage(r->timeline), to, q, &from, &to)) {
        from = part_from(r->timeline, from, to);
        travel_tell(t, "search", to);
        end = scan(t, from, to, list, errp);
        to = from;
    }
    g_array_unref(q);
    return end;
}
