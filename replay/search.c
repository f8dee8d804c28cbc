/*
 * reverse-stepi and reverse-continue.
 *
 * Nothing runs backwards. A search takes the intervals between checkpoints
 * from the newest to the oldest, runs each forward with the debugger's
 * breakpoints and watchpoints in place, and remembers the last hit before the
 * place where it began; the first interval that has one holds the answer.
 *
 * Order in time: a breakpoint at icount N comes before the instruction that
 * ends at N + 1; an access that ended at N + 1 lies between the two. So hits
 * are ordered by 2N for the breakpoint and 2N + 1 for the access.
 */
#include "travel.h"

/* While an interval is searched, checkpoints are left in it for the way to
 * the hit and for the next search. */
#define SEARCH_PARTS        8u
#define SEARCH_MIN_SPACING  (UINT64_C(1) << 16)

typedef struct Hit {
    bool found;
    bool access;
    Icount icount;         /* where to go */
    WatchHit watch;
} Hit;

typedef struct Search {
    Travel travel;
    Icount before;         /* the place where it began */
    Hit last;              /* in the present interval */
} Search;

bool replay_can_reverse(const Replay *r)
{
    return r && r->timeline;
}

static void remember(void *opaque, Icount icount, const WatchHit *hit)
{
    Search *s = opaque;
    Icount at = hit ? icount - 1 : icount;
    if (at >= s->before) {
        return;
    }
    s->last.found = true;
    s->last.access = hit;
    s->last.icount = at;
    if (hit) {
        s->last.watch = *hit;
    }
}

static TravelEnd search_interval(Search *s, const Checkpoint *from, Icount to,
                                 Error **errp)
{
    Timeline *t = s->travel.r->timeline;
    uint64_t part = (to - from->icount) / SEARCH_PARTS;
    s->last.found = false;
    timeline_set_spacing(t, MIN(MAX(part, SEARCH_MIN_SPACING),
                                s->travel.spacing));
    checkpoint_restore(t, from);
    return travel_forward(&s->travel, to, remember, s, errp);
}

/* Goes through intervals until one has a hit or history begins. */
static TravelEnd search_back(Search *s, Error **errp)
{
    Timeline *t = s->travel.r->timeline;
    Icount to = s->before;
    Icount start = timeline_start(t);
    while (to > start) {
        const Checkpoint *cp = timeline_find(t, to - 1);
        Icount from = cp->icount;
        TravelEnd end = search_interval(s, cp, to, errp);
        if (end != TRAVEL_ARRIVED || s->last.found) {
            return end;
        }
        to = from;
    }
    return TRAVEL_ARRIVED;
}

/* From the boundary to the breakpoint there: what happens at the boundary
 * (an interrupt, say) may have led to it. */
static void run_into_breakpoint(Replay *r, Icount icount)
{
    SchedStop stop = sched_run(r->m, icount + 1);
    if (stop == SCHED_BREAKPOINT && machine_icount(r->m) == icount) {
        r->m->at_boundary = false;
    } else {
        checkpoint_restore(r->timeline, timeline_find(r->timeline, icount));
    }
}

static TravelEnd go_to_hit(Search *s, Error **errp)
{
    Replay *r = s->travel.r;
    timeline_set_spacing(r->timeline, s->travel.spacing);
    timeline_approach(r->timeline, s->last.icount);
    TravelEnd end = travel_to(&s->travel, s->last.icount, errp);
    if (end == TRAVEL_ARRIVED && !s->last.access) {
        timeline_add(r->timeline, false);
        run_into_breakpoint(r, s->last.icount);
    }
    return end;
}

static ReverseStop reason(const Search *s, TravelEnd end)
{
    if (end == TRAVEL_INTERRUPTED) {
        return REVERSE_INTERRUPTED;
    }
    if (!s->last.found) {
        return REVERSE_BEGIN;
    }
    return s->last.access ? REVERSE_WATCHPOINT : REVERSE_BREAKPOINT;
}

static bool check_reverse(Replay *r, Error **errp)
{
    if (!replay_can_reverse(r)) {
        error_set(errp, "going back is possible in a replay only");
        return false;
    }
    if (!travel_allowed(r->m, errp)) {
        return false;
    }
    replay_diversion_end(r);
    return true;
}

/* Back from a place where the machine had stopped for good. */
static void wake(Replay *r)
{
    RunState s = runstate(r->m);
    r->end_told = false;
    if (s == RUN_SHUTDOWN || s == RUN_INTERNAL_ERROR || s == RUN_IO_ERROR) {
        runstate_set(r->m, RUN_PAUSED);
    }
}

bool replay_reverse_continue(Replay *r, ReplayPoll *poll, void *opaque,
                             ReverseStop *stop, WatchHit *hit, Error **errp)
{
    if (!check_reverse(r, errp)) {
        return false;
    }
    Search s = { .before = machine_icount(r->m) };
    hit->valid = false;
    travel_begin(&s.travel, r);
    s.travel.poll = poll;
    s.travel.opaque = opaque;
    TravelEnd end = search_back(&s, errp);
    if (end == TRAVEL_ARRIVED && s.last.found) {
        end = go_to_hit(&s, errp);
    } else if (end == TRAVEL_ARRIVED) {
        Icount start = timeline_start(r->timeline);
        checkpoint_restore(r->timeline, timeline_find(r->timeline, start));
    }
    *stop = reason(&s, end);
    if (*stop == REVERSE_WATCHPOINT) {
        *hit = s.last.watch;
    }
    travel_end(&s.travel, end != TRAVEL_ARRIVED);
    if (end == TRAVEL_ARRIVED) {
        wake(r);
    }
    return end != TRAVEL_FAILED;
}

bool replay_reverse_step(Replay *r, ReverseStop *stop, Error **errp)
{
    if (!check_reverse(r, errp)) {
        return false;
    }
    Icount now = machine_icount(r->m);
    if (now <= timeline_start(r->timeline)) {
        *stop = REVERSE_BEGIN;
        return true;
    }
    Travel t = { 0 };
    travel_begin(&t, r);
    timeline_approach(r->timeline, now - 1);
    TravelEnd end = travel_to(&t, now - 1, errp);
    *stop = end == TRAVEL_INTERRUPTED ? REVERSE_INTERRUPTED : REVERSE_STEP;
    travel_end(&t, end != TRAVEL_ARRIVED);
    if (end == TRAVEL_ARRIVED) {
        wake(r);
    }
    return end != TRAVEL_FAILED;
}
