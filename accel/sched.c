/*
 * THE run loop: inputs, timers, instructions, in that order, at every
 * instruction boundary where something may happen. See vm/sched.h.
 *
 * The loop is the same for a live, a recording and a replaying machine: what
 * differs is the NondetSource behind nondet_deliver(), nondet_next_icount()
 * and nondet_next_warp_ns().
 */
#include "vm/sched.h"

#include "vm/turn.h"
#include "vm/work.h"

/* --- what comes next -------------------------------------------------------------- */

/* The icount up to which nothing can happen between instructions. */
static Icount next_event(Machine *m, Icount limit)
{
    Icount timer = clock_icount_at(m->clock, clock_next_due_ns(m->clock));
    Icount input = nondet_next_icount(m);
    Icount stop = MIN(MIN(limit, m->sched.log_end), m->sched.step_limit);
    return MIN(MIN(MIN(timer, input), stop), turn_end(m));
}

/* --- idling -------------------------------------------------------------------- */

/* A machine that is stopped at an icount takes inputs as one that arrives
 * there; if it did before, they come after what has happened since. */
void sched_take_inputs(Machine *m)
{
    Icount now = machine_icount(m);
    m->sched.revisited = now == m->sched.arrived || machine_has_begun(m);
    m->sched.arrived = m->sched.touched = now;
    nondet_deliver(m, now);
    clock_run_timers(m->clock);
}

int64_t sched_idle_due_ns(Machine *m)
{
    return clock_next_due_ns(m->clock);
}

static void idle_until(Machine *m, int64_t ns)
{
    m->sched.touched = machine_icount(m);
    clock_warp_to(m->clock, ns);
}

void sched_idle_end(Machine *m, int64_t ns)
{
    idle_until(m, MIN(ns, sched_idle_due_ns(m)));
}

/* In replay: time moves to the next timer or to the next logged input,
 * whichever comes first. False when neither ever comes. */
static bool idle_replay(Machine *m)
{
    int64_t ns = MIN(clock_next_due_ns(m->clock), nondet_next_warp_ns(m));
    if (ns == TIME_NEVER) {
        return false;
    }
    idle_until(m, ns);
    return true;
}

/* All vCPUs are halted. True if the loop may go on at once. */
static bool sched_idle(Machine *m, SchedStop *stop)
{
    if (!nondet_wants_input(m)) {
        *stop = SCHED_LOG_END;
        return machine_icount(m) < m->sched.log_end && idle_replay(m);
    }
    *stop = SCHED_WAIT;
    if (nondet_pending(m)) {
        return true;
    }
    int64_t due_ns = sched_idle_due_ns(m);
    if (m->sched.idle_sleep || due_ns == TIME_NEVER) {
        return false;
    }
    idle_until(m, due_ns);
    return true;
}

/* --- running --------------------------------------------------------------------- */

/* Fires what is due. While nothing runs, inputs are taken between timers, too;
 * and a reset that one of them asks for comes before the next: so it makes no
 * difference where a slice's work happens to be done. False if it is, and
 * timers are left. */
static bool run_timers(Machine *m, Icount now)
{
    while (!runstate_request_pending(m) &&
           clock_next_due_ns(m->clock) <= clock_now_ns(m->clock)) {
        if (!machine_work_left(m)) {
            return false;
        }
        machine_work(m, WORK_TIMER);
        clock_run_timer(m->clock);
        if (machine_is_idle(m)) {
            m->sched.revisited = true;
            nondet_deliver(m, now);
        }
    }
    return true;
}

/* Everything that happens at the present boundary before an instruction; false
 * if some of it is left for another slice. Inputs are taken on arrival at an
 * icount, which is over once an exception was delivered there, or while the
 * machine idles there: so the icount, and when idle the time and the timers
 * that have fired, say exactly where between two instructions an input
 * belongs. */
static bool boundary(Machine *m)
{
    Icount now = machine_icount(m);
    machine_work(m, WORK_BOUNDARY);
    m->sched.revisited = now == m->sched.arrived || machine_has_begun(m);
    m->sched.arrived = m->sched.touched = now;
    if (!m->sched.revisited || machine_is_idle(m)) {
        nondet_deliver(m, now);
    }
    bool whole = run_timers(m, now);
    if (whole && now == m->sched.late_icount && !runstate_request_pending(m)) {
        nondet_deliver_late(m, now);
    }
    turn_pass(m); /* to one that this woke */
    return whole;
}

static bool exec_stops(ExecStop why, SchedStop *stop)
{
    switch (why) {
    case EXEC_BREAKPOINT:
        *stop = SCHED_BREAKPOINT;
        return true;
    case EXEC_WATCHPOINT:
        *stop = SCHED_WATCHPOINT;
        return true;
    case EXEC_BUDGET:
    case EXEC_EVENT:
    case EXEC_HALTED:
        return false;
    }
    g_assert_not_reached();
}

void sched_set_step(Machine *m, const Cpu *cpu)
{
    m->sched.step_limit = ICOUNT_NONE;
    m->sched.step_done = ICOUNT_NONE;
    m->sched.step_cpu = cpu;
}

/* The vCPU that a debugger steps runs now: one instruction. */
static void step_if_its_turn(Machine *m, Icount now)
{
    if (m->sched.step_cpu && cpu_has_turn(m->sched.step_cpu) &&
        m->sched.step_limit == ICOUNT_NONE) {
        m->sched.step_limit = now + 1;
    }
}

/* What ends a slice before the boundary's own events. */
static bool stops_before(Machine *m, Icount now, Icount limit, SchedStop *stop)
{
    *stop = SCHED_REQUEST;
    if (now >= m->sched.step_limit) {
        sched_set_step(m, NULL);
        m->sched.step_done = now;
        runstate_request_stop(m, RUN_DEBUG);
        return true;
    }
    if (now >= limit) {
        *stop = SCHED_LIMIT;
        return true;
    }
    if (runstate_request_pending(m)) {
        return true;
    }
    *stop = SCHED_WORK;
    return !machine_work_left(m);
}

/* One boundary, and the instructions up to the next. True if the slice ends. */
static bool run_on(Machine *m, Icount limit, SchedStop *stop)
{
    Icount now = machine_icount(m);
    if (stops_before(m, now, limit, stop)) {
        return true;
    }
    *stop = SCHED_WORK;
    bool whole = boundary(m);
    if (runstate_request_pending(m)) {
        *stop = SCHED_REQUEST;
        return true;
    }
    if (!whole) {
        return true;
    }
    if (now >= m->sched.log_end) {
        *stop = SCHED_LOG_END;
        return true;
    }
    step_if_its_turn(m, now);
    Icount until = next_event(m, limit);
    uint64_t retired;
    ExecStop why = cpu_exec(machine_cpu(m), until > now ? until - now : 1,
                            &retired);
    turn_pass(m);
    if (exec_stops(why, stop)) {
        return true;
    }
    return why == EXEC_HALTED && machine_is_idle(m) && !sched_idle(m, stop);
}

SchedStop sched_run(Machine *m, Icount limit)
{
    SchedStop stop;
    m->sched.work_left = WORK_SLICE;
    while (!run_on(m, limit, &stop)) {
    }
    m->sched.work_left = WORK_UNLIMITED;
    return stop;
}

/* --- without a CPU ----------------------------------------------------------------- */

void sched_run_devices(Machine *m)
{
    nondet_deliver(m, machine_icount(m));
    clock_run_timers(m->clock);
}

void sched_clock_to(Machine *m, int64_t ns)
{
    sched_run_devices(m);
    int64_t due_ns = clock_next_due_ns(m->clock);
    while (due_ns <= ns) {
        clock_warp_to(m->clock, due_ns);
        clock_run_timers(m->clock);
        due_ns = clock_next_due_ns(m->clock);
    }
    clock_warp_to(m->clock, ns);
}

void sched_set_log_end(Machine *m, Icount end)
{
    m->sched.log_end = end;
}

void sched_skip_breakpoint(Machine *m)
{
    Cpu *cpu = machine_cpu(m);
    TbKey key;
    cpu->cls->tb_key(cpu, &key);
    cpu->skip_break_icount = machine_icount(m);
    cpu->skip_break_pc = key.pc;
}
