/*
 * Going to an icount: the nearest checkpoint or snapshot at or before it, then
 * forward. Everything that travels does it with these functions.
 *
 * Meanwhile the machine is `travelling`: what it sends to the world was sent
 * before, run state listeners are not told, and a shutdown that happens on the
 * way (the recording went on after it) does not end the process. If anything
 * goes wrong the machine returns to where it was.
 */
#include "travel.h"

/* A poll costs little, but a breakpoint may be hit at every instruction. */
#define POLL_INSNS (UINT64_C(1) << 20)
/* What a stop at a breakpoint costs, in instructions; and one after a whole
 * slice's work (vm/work.h). */
#define STOP_INSNS 2048u
#define WORK_INSNS (POLL_INSNS / 8)
/* Who waits hears how far it got twice a second. */
#define TELL_US    500000

bool travel_allowed(Machine *m, Error **errp)
{
    if (m->debug.travelling) {
        error_set(errp, "the machine is on its way to another icount");
    }
    return !m->debug.travelling;
}

bool travel_possible(const Replay *r, Error **errp)
{
    if (replay_can_reverse(r)) {
        return true;
    }
    error_set(errp, r && r->timeline_off
              ? "there is no way back: the timeline is off (-replay-timeline)"
              : "going back is only possible in replay mode, or in a "
                "recording with a debugger or -replay-timeline");
    return false;
}

void travel_begin(Travel *t, Replay *r)
{
    Machine *m = r->m;
    replay_diversion_end(r);
    t->r = r;
    t->origin = checkpoint_take(r->timeline);
    t->state = runstate(m);
    t->no_shutdown = m->no_shutdown;
    t->begin = machine_icount(m);
    t->told_us = g_get_monotonic_time();
    m->no_shutdown = true;
    m->debug.travelling = true;
    r->interrupt = false;
    travel_quiet(t, true);
    sched_set_step(m, NULL);
    if (r->mute) {
        r->mute(r->mute_opaque, true);
    }
}

/* What the TLB knows of watched pages is of one kind or the other. */
void travel_quiet(Travel *t, bool quiet)
{
    Machine *m = t->r->m;
    m->debug.quiet = quiet;
    for (guint i = 0; i < m->cpus->len; i++) {
        const Cpu *cpu = g_ptr_array_index(m->cpus, i);
        if (cpu->watchpoints->len) {
            tlb_flush_all(m);
            return;
        }
    }
}

/* Tells listeners how far it got, now and then. */
static void tell_progress(Travel *t)
{
    int64_t now_us = g_get_monotonic_time();
    RunEvent ev = { .type = RUN_EVENT_TRAVEL, .begin = t->begin };
    ev.travel = t->searching ? "search" : "seek";
    ev.at = t->searching ? t->searched : machine_icount(t->r->m);
    if (now_us - t->told_us >= TELL_US) {
        t->told_us = now_us;
        runstate_tell(t->r->m, &ev);
    }
}

void replay_interrupt(Replay *r)
{
    if (r && r->m->debug.travelling) {
        r->interrupt = true;
    }
}

void travel_end(Travel *t, bool back)
{
    Replay *r = t->r;
    Machine *m = r->m;
    timeline_set_dense(r->timeline, 0);
    timeline_approach(r->timeline, ICOUNT_NONE);
    if (back) {
        checkpoint_restore(r->timeline, t->origin);
    }
    checkpoint_free(r->timeline, t->origin);
    timeline_arrived(r->timeline);
    if (machine_icount(m) >= replay_end(r)) {
        /* What ended the recording is not to end the replay's process. */
        runstate_rewind(m);
    }
    travel_quiet(t, false);
    runstate_set(m, t->state);
    m->no_shutdown = t->no_shutdown;
    m->debug.travelling = false;
    if (r->mute && !r->present) {
        r->mute(r->mute_opaque, false);
    }
    runstate_tell(m, &(RunEvent){ .type = RUN_EVENT_TRAVEL });
}

/* --- forward ------------------------------------------------------------------------ */

static void tell_hit(Travel *t, SchedStop stop, TravelHit *hit, void *opaque)
{
    Machine *m = t->r->m;
    Icount now = machine_icount(m);
    for (guint i = 0; stop == SCHED_WATCHPOINT && i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        if (cpu->watch_hit.valid) {
            WatchHit copy = cpu->watch_hit;
            cpu->watch_hit.valid = false;
            if (hit) {
                hit(opaque, now, &copy);
            }
        }
    }
    if (stop == SCHED_BREAKPOINT && hit) {
        hit(opaque, now, NULL);
    }
}

/* Meanwhile the world may speak: a monitor's `stop`, a debugger's ^C. */
static bool give_up(Travel *t, SchedStop stop, uint64_t ran)
{
    int code;
    t->ran += MAX(ran, stop == SCHED_WORK ? WORK_INSNS : STOP_INSNS);
    if (t->ran >= POLL_INSNS) {
        t->ran = 0;
        while (g_main_context_iteration(NULL, FALSE)) {
        }
        tell_progress(t);
        t->r->interrupt |= t->poll && t->poll(t->opaque);
    }
    return t->r->interrupt || runstate_quit_requested(t->r->m, &code);
}

/* After a stop short of icount. False with an error if there is no way on. */
static bool go_on(Travel *t, SchedStop stop, TravelHit *hit, void *opaque,
                  Error **errp)
{
    Machine *m = t->r->m;
    switch (stop) {
    case SCHED_BREAKPOINT:
    case SCHED_WATCHPOINT:
        tell_hit(t, stop, hit, opaque);
        if (stop == SCHED_BREAKPOINT) {
            sched_skip_breakpoint(m);
        }
        return true;
    case SCHED_REQUEST:
        runstate_handle_requests(m);
        return true;
    case SCHED_LIMIT:
    case SCHED_WORK:
        return true;
    case SCHED_WAIT:
    case SCHED_LOG_END:
        break;
    }
    error_set(errp, "the recording ends at icount %" G_GUINT64_FORMAT,
              machine_icount(m));
    return false;
}

TravelEnd travel_forward(Travel *t, Icount icount, TravelHit *hit,
                         void *opaque, Error **errp)
{
    Replay *r = t->r;
    Icount now;
    while ((now = machine_icount(r->m)) < icount) {
        SchedStop stop = replay_advance(r, MIN(icount, now + POLL_INSNS));
        Icount reached = machine_icount(r->m);
        if (r->divergence) {
            error_set(errp, "%s", r->divergence);
            return TRAVEL_FAILED;
        }
        if (reached >= icount && stop == SCHED_WATCHPOINT) {
            tell_hit(t, stop, hit, opaque);
        } else if (reached < icount && !go_on(t, stop, hit, opaque, errp)) {
            return TRAVEL_FAILED;
        }
        if (give_up(t, stop, reached - now)) {
            return TRAVEL_INTERRUPTED;
        }
    }
    if (icount == replay_end(r) && r->m->sched.at_boundary && !r->present) {
        timeline_add(r->timeline, true);
    }
    return TRAVEL_ARRIVED;
}

/* --- where to start ------------------------------------------------------------------- */

/* Goes to the nearest place from which icount can be reached: a snapshot, a
 * checkpoint, or where we are. */
static void start_from(Travel *t, const Checkpoint *cp, bool here,
                       Icount icount)
{
    Replay *r = t->r;
    Icount now = machine_icount(r->m);
    bool stay = here && now >= cp->icount;
    MarksResult mark = marks_approach(r, stay ? now : cp->icount, icount);
    if (mark == MARKS_LOADED) {
        timeline_add(r->timeline, false);
    } else if (!stay || mark == MARKS_SPOILT) {
        checkpoint_restore(r->timeline, cp);
    }
}

TravelEnd travel_to(Travel *t, Icount icount, Error **errp)
{
    Replay *r = t->r;
    Icount now = machine_icount(r->m);
    const Checkpoint *cp = timeline_find(r->timeline, icount);
    g_assert(cp);
    bool here = !r->divergence &&
                (now < icount || (now == icount && r->m->sched.at_boundary));
    start_from(t, cp, here, icount);
    return travel_forward(t, icount, NULL, NULL, errp);
}

/* --- replay-seek ----------------------------------------------------------------------- */

static bool check_target(Replay *r, Icount icount, Error **errp)
{
    if (!travel_possible(r, errp)) {
        return false;
    }
    if (!travel_allowed(r->m, errp) || !live_leave(r, errp)) {
        return false;
    }
    if (icount > replay_end(r)) {
        error_set(errp, "cannot seek to icount %" G_GUINT64_FORMAT ": the "
                  "recording ends at %" G_GUINT64_FORMAT, icount,
                  replay_end(r));
        return false;
    }
    if (icount < timeline_start(r->timeline)) {
        error_set(errp, "cannot seek to icount %" G_GUINT64_FORMAT ": the "
                  "replay began at %" G_GUINT64_FORMAT, icount,
                  timeline_start(r->timeline));
        return false;
    }
    return true;
}

/* The machine stands somewhere else now: whatever it did before, it waits. */
static void arrive(Replay *r)
{
    RunState s = runstate(r->m);
    r->end_told = false;
    if (s != RUN_PAUSED && s != RUN_DEBUG && s != RUN_PRELAUNCH) {
        runstate_set(r->m, RUN_PAUSED);
    }
}

void travel_home(Replay *r)
{
    if (r && r->present && machine_icount(r->m) >= replay_end(r)) {
        replay_return_to_present(r);
    }
}

bool replay_seek(Replay *r, Icount icount, Error **errp)
{
    if (!check_target(r, icount, errp)) {
        travel_home(r);
        return false;
    }
    replay_diversion_end(r);
    Travel t = { 0 };
    bool forward = icount > machine_icount(r->m);
    travel_begin(&t, r);
    if (forward && r->mute && !r->present) {
        /* This part of the run was not shown yet. */
        r->mute(r->mute_opaque, false);
    }
    if (!forward) {
        timeline_approach(r->timeline, icount);
    }
    TravelEnd end = travel_to(&t, icount, errp);
    if (end == TRAVEL_INTERRUPTED) {
        error_set(errp, "seeking was interrupted");
    }
    travel_end(&t, end != TRAVEL_ARRIVED);
    if (end == TRAVEL_ARRIVED) {
        arrive(r);
    }
    travel_home(r);
    return end == TRAVEL_ARRIVED;
}
