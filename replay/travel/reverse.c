/*
 * reverse-stepi and reverse-continue.
 */
#include "search.h"
#include "vm/turn.h"

bool replay_can_reverse(const Replay *r)
{
    return r && r->timeline;
}

/* From the boundary to the breakpoint there: what happens at the boundary
 * (an interrupt or a reset, say) may have led to it. */
static void run_into_breakpoint(Travel *t, Icount icount)
{
    Replay *r = t->r;
    Checkpoint *boundary = checkpoint_take(r->timeline);
    SchedStop stop;
    travel_quiet(t, false);
    while ((stop = sched_run(r->m, icount + 1)) == SCHED_REQUEST ||
           stop == SCHED_WORK) {
        runstate_handle_requests(r->m);
    }
    travel_quiet(t, true);
    if (stop == SCHED_BREAKPOINT && machine_icount(r->m) == icount) {
        r->m->sched.at_boundary = false;
    } else {
        checkpoint_restore(r->timeline, boundary);
    }
    checkpoint_free(r->timeline, boundary);
}

static TravelEnd go_to_hit(Travel *t, const Hit *hit, Error **errp)
{
    Replay *r = t->r;
    timeline_approach(r->timeline, hit->icount);
    TravelEnd end = travel_to(t, hit->icount, errp);
    if (end == TRAVEL_ARRIVED && !hit->access) {
        timeline_add(r->timeline, false);
        run_into_breakpoint(t, hit->icount);
    }
    return end;
}

bool search_allowed(Replay *r, Error **errp)
{
    if (!travel_possible(r, errp)) {
        return false;
    }
    if (!travel_allowed(r->m, errp)) {
        return false;
    }
    replay_diversion_end(r);
    return live_leave(r, errp);
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

/* Goes to the hit, or to the start of history if there is none. */
static TravelEnd go_back(Travel *t, const Hit *hit, ReverseStop *stop,
                         Error **errp)
{
    Timeline *tl = t->r->timeline;
    if (!hit) {
        *stop = REVERSE_BEGIN;
        checkpoint_restore(tl, timeline_find(tl, timeline_start(tl)));
        return TRAVEL_ARRIVED;
    }
    *stop = hit->access ? REVERSE_WATCHPOINT : REVERSE_BREAKPOINT;
    return go_to_hit(t, hit, errp);
}

bool replay_reverse_continue(Replay *r, ReplayPoll *poll, void *opaque,
                             ReverseStop *stop, WatchHit *hit, Error **errp)
{
    if (!search_allowed(r, errp)) {
        return false;
    }
    Icount before = machine_icount(r->m);
    Travel t = { 0 };
    SearchPlan plan;
    hit->valid = false;
    search_plan_points(&plan, r->m);
    travel_begin(&t, r);
    t.poll = poll;
    t.opaque = opaque;
    TravelEnd end = search_back(&t, &plan, &r->hits, before, errp);
    if (end == TRAVEL_ARRIVED) {
        const Hit *last = hits_last(&r->hits, before);
        end = go_back(&t, last, stop, errp);
        if (last && last->access) {
            *hit = last->watch;
        }
    }
    if (end == TRAVEL_INTERRUPTED) {
        *stop = REVERSE_INTERRUPTED;
    }
    g_array_unref(plan.queries);
    travel_end(&t, end != TRAVEL_ARRIVED);
    if (end == TRAVEL_ARRIVED) {
        wake(r);
    }
    travel_home(r);
    return end != TRAVEL_FAILED;
}

/* Others may have run since; its state says where it did last. */
bool replay_reverse_step(Replay *r, const Cpu *cpu, ReverseStop *stop,
                         Error **errp)
{
    if (!search_allowed(r, errp)) {
        return false;
    }
    Icount start = timeline_start(r->timeline);
    Icount ran = cpu ? cpu_ran_until(cpu) : machine_icount(r->m);
    if (machine_icount(r->m) <= start) {
        *stop = REVERSE_BEGIN;
        travel_home(r);
        return true;
    }
    bool begin = ran <= start;
    Icount to = begin ? start : ran - 1;
    Travel t = { 0 };
    travel_begin(&t, r);
    timeline_approach(r->timeline, to);
    TravelEnd end = travel_to(&t, to, errp);
    *stop = end == TRAVEL_INTERRUPTED ? REVERSE_INTERRUPTED
            : begin                   ? REVERSE_BEGIN : REVERSE_STEP;
    travel_end(&t, end != TRAVEL_ARRIVED);
    if (end == TRAVEL_ARRIVED) {
        wake(r);
    }
    travel_home(r);
    return end != TRAVEL_FAILED;
}
