/*
 * The run loop, as those who want the machine to move see it.
 *
 * Implemented by accel/sched.c, the only caller of nondet_deliver(),
 * clock_run_timers() and cpu_exec(). Called by the roof's main loop and by
 * replay/ and gdbstub/ when they travel. Host time does not exist here: how
 * long a slice may be is the caller's choice and cannot be seen by the guest.
 *
 * "At icount N" means: just after the N-th instruction retired and before
 * anything that happens at that boundary (inputs, timers, interrupts). Every
 * stop at a limit leaves the machine there.
 */
#ifndef VM_SCHED_H
#define VM_SCHED_H

#include "vm/machine.h"

typedef enum SchedStop {
    SCHED_LIMIT,           /* icount == limit */
    SCHED_WAIT,            /* all vCPUs halted; sleep until a timer or input */
    SCHED_BREAKPOINT,      /* before the instruction at a breakpoint */
    SCHED_WATCHPOINT,      /* after the access; see cpu->watch_hit */
    SCHED_REQUEST,         /* runstate_request_pending() */
    SCHED_LOG_END,         /* replay: nothing more is recorded */
    SCHED_WORK,            /* enough was done (vm/work.h): call again, after
                            * looking at the world */
} SchedStop;

/* Runs until icount `limit` (exact), or an earlier reason to stop, one of which
 * is SCHED_WORK: it returns after a bounded amount of work, whatever the guest
 * does, perhaps at an icount at which something has happened already. Idle time
 * is skipped if the machine does not sleep (replay, sleep=off); otherwise
 * SCHED_WAIT is returned and the caller waits, then calls sched_idle_end().
 * In record and live mode with nothing that could ever wake the CPUs it also
 * returns SCHED_WAIT; in replay SCHED_LOG_END. */
SchedStop sched_run(Machine *m, Icount limit);

/* -accel qtest: what has come in is delivered and timers that are due fire;
 * no CPU runs and time stands. */
void sched_run_devices(Machine *m);
/* -accel qtest: moves the clock forward to ns, firing timers on the way at
 * their time. A time that is past: it stays. */
void sched_clock_to(Machine *m, int64_t ns);
/* Delivers what waits and fires what is due, and runs nothing: for a machine
 * that is off and may be switched on. Not in replay. */
void sched_take_inputs(Machine *m);

/* The virtual time at which idling ends by itself; TIME_NEVER: only an input
 * can end it. Valid after SCHED_WAIT. */
int64_t sched_idle_due_ns(Machine *m);
/* Idling ended at virtual time ns (at most sched_idle_due_ns()). */
void sched_idle_end(Machine *m, int64_t ns);

/* The last icount of the recording in replay, ICOUNT_NONE otherwise; sched
 * does not run beyond it. Set by replay/. */
void sched_set_log_end(Machine *m, Icount end);

/* Requests a stop (RUN_DEBUG) behind the next instruction of that vCPU, until
 * which others run as they would: a debugger's step. NULL: none. One shot. */
void sched_set_step(Machine *m, const Cpu *cpu);

/* The breakpoint at the present icount is not reported again: execution goes
 * on from a stop. */
void sched_skip_breakpoint(Machine *m);

#endif
