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

void search_plan_points(SearchPlan *plan, Machine *m)
{
    *plan = (SearchPlan){ .points = hits_points(m) };
    plan->queries = g_array_new(FALSE, FALSE, sizeof(PageQuery));
    for (guint i = 0; i < m->cpus->len; i++) {
        add_points(plan->queries, g_ptr_array_index(m->cpus, i));
    }
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

static void arm(Travel *t, const SearchPlan *plan, GArray *hits)
{
    if (plan->arm) {
        plan->arm(plan->opaque, hits);
    } else {
        travel_quiet(t, !hits);
    }
}

/* Runs [from, to) with everything on. */
static TravelEnd run_armed(Travel *t, const SearchPlan *plan, Icount to,
                           Scan *s, Error **errp)
{
    arm(t, plan, s->hits);
    TravelEnd end = travel_forward(t, to, remember, s, errp);
    arm(t, plan, NULL);
    return end;
}

static TravelEnd scan(Travel *t, const SearchPlan *plan, HitList *list,
                      const Icount span[2], Error **errp)
{
    Timeline *tl = t->r->timeline;
    Scan s = { span[1], g_array_new(FALSE, FALSE, sizeof(Hit)) };
    TravelEnd end = travel_to(t, span[0], errp);
    if (end == TRAVEL_ARRIVED) {
        timeline_set_dense(tl, MAX((span[1] - span[0]) / SEARCH_PARTS,
                                   SEARCH_MIN_SPACING));
        end = run_armed(t, plan, span[1], &s, errp);
        timeline_set_dense(tl, 0);
    }
    if (end == TRAVEL_ARRIVED) {
        hits_extend(list, span[0], s.hits);
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

/* Where the search has to go on: before what the list knows. */
static Icount search_start(HitList *list, const SearchPlan *plan,
                           Icount before)
{
    bool valid = hits_valid(list, plan->points, before);
    Icount to = valid ? list->from : before;
    if (!valid || list->hits->len) {
        hits_begin(list, plan->points, to);
    }
    return to;
}

TravelEnd search_back(Travel *t, const SearchPlan *plan, HitList *list,
                      Icount before, Error **errp)
{
    Timeline *tl = t->r->timeline;
    TravelEnd end = TRAVEL_ARRIVED;
    if (hits_valid(list, plan->points, before) && hits_last(list, before)) {
        return end;
    }
    Icount span[2] = { 0, search_start(list, plan, before) };
    t->searching = true;
    while (end == TRAVEL_ARRIVED && !hits_last(list, before) &&
           coverage_find(timeline_coverage(tl), span[1], plan->queries,
                         &span[0], &span[1])) {
        span[0] = part_from(tl, span[0], span[1]);
        t->searched = span[1];
        end = scan(t, plan, list, span, errp);
        span[1] = span[0];
    }
    t->searching = false;
    return end;
}
