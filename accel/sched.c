/*
 * THE run loop: inputs, timers, instructions, in that order, at every
 * instruction boundary where something may happen. See vm/sched.h.
 *
 * The loop is the same for a live, a recording and a replaying machine: what
 * differs is the NondetSource behind nondet_deliver(), nondet_next_icount()
 * and nondet_next_warp_ns().
 */
#include "vm/sched.h"

#include "vm/cpu.h"

static Cpu *sched_cpu(Machine *m)
{
    return g_ptr_array_index(m->cpus, 0);
}

/* The icount up to which nothing can happen between instructions. */
static Icount next_event(Machine *m, Icount limit)
{
    Icount timer = clock_icount_at(m->clock, clock_next_due_ns(m->clock));
    Icount input = nondet_next_icount(m);
    Icount stop = MIN(MIN(limit, m->log_end), m->step_limit);
    return MIN(MIN(timer, input), stop);
}

/* --- idling -------------------------------------------------------------------- */

int64_t sched_idle_due_ns(Machine *m)
{
    return clock_next_due_ns(m->clock);
}

void sched_idle_end(Machine *m, int64_t ns)
{
    clock_warp_to(m->clock, MIN(ns, sched_idle_due_ns(m)));
}

/* In replay: time moves to the next timer or to the next logged input,
 * whichever comes first. False when neither ever comes. */
static bool idle_replay(Machine *m)
{
    int64_t ns = MIN(clock_next_due_ns(m->clock), nondet_next_warp_ns(m));
    if (ns == TIME_NEVER) {
        return false;
    }
    clock_warp_to(m->clock, ns);
    return true;
}

/* All vCPUs are halted. True if the loop may go on at once. */
static bool sched_idle(Machine *m, SchedStop *stop)
{
    if (!nondet_wants_input(m)) {
        *stop = SCHED_LOG_END;
        return machine_icount(m) < m->log_end && idle_replay(m);
    }
    *stop = SCHED_WAIT;
    if (nondet_pending(m)) {
        return true;
    }
    int64_t due_ns = sched_idle_due_ns(m);
    if (m->idle_sleep || due_ns == TIME_NEVER) {
        return false;
    }
    clock_warp_to(m->clock, due_ns);
    return true;
}

/* --- running --------------------------------------------------------------------- */

/* Everything that happens at the present boundary before an instruction.
 * Inputs are taken on arrival at an icount, or while the CPU idles there: so
 * the icount, and when idle the time and the timers that have fired, say
 * exactly where between two instructions an input belongs. */
static void boundary(Machine *m, Cpu *cpu)
{
    Icount now = machine_icount(m);
    m->revisited = now == m->arrived;
    m->arrived = now;
    if (!m->revisited || cpu->cls->halted(cpu)) {
        nondet_deliver(m, now);
    }
    clock_run_timers(m->clock);
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

SchedStop sched_run(Machine *m, Icount limit)
{
    Cpu *cpu = sched_cpu(m);
    SchedStop stop;
    for (;;) {
        Icount now = machine_icount(m);
        if (now >= m->step_limit) {
            m->step_limit = ICOUNT_NONE;
            runstate_request_stop(m, RUN_DEBUG);
            return SCHED_REQUEST;
        }
        if (now >= limit) {
            return SCHED_LIMIT;
        }
        if (runstate_request_pending(m)) {
            return SCHED_REQUEST;
        }
        boundary(m, cpu);
        if (runstate_request_pending(m)) {
            return SCHED_REQUEST;
        }
        if (now >= m->log_end) {
            return SCHED_LOG_END;
        }
        Icount until = next_event(m, limit);
        uint64_t retired;
        ExecStop why = cpu_exec(cpu, until > now ? until - now : 1, &retired);
        if (exec_stops(why, &stop)) {
            return stop;
        }
        if (why == EXEC_HALTED && !sched_idle(m, &stop)) {
            return stop;
        }
    }
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
    m->log_end = end;
}

void sched_set_step(Machine *m, Icount icount)
{
    m->step_limit = icount;
}

void sched_skip_breakpoint(Machine *m)
{
    Cpu *cpu = sched_cpu(m);
    TbKey key;
    cpu->cls->tb_key(cpu, &key);
    cpu->skip_break_icount = machine_icount(m);
    cpu->skip_break_pc = key.pc;
}
