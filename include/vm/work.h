/*
 * Work: what the host does for the guest, in units that are no time.
 *
 * A call of sched_run() has to end soon, whatever the guest is like: one that
 * retires nothing, sleeps for ever from timer to timer, or never runs the same
 * code twice is answered for by the same thread as the monitor. The guest side
 * may not look at the host's clock, so what is known to take long is counted:
 * whoever does such a thing says so here, and sched_run() and cpu_exec() return
 * at the next instruction boundary once enough was done. Where they return
 * cannot be seen by the guest.
 *
 * A unit is about what a host does in a tenth of a microsecond; only the order
 * of magnitude matters. Plain instructions cost nothing: whoever asks for a
 * slice of them knows how fast they are.
 */
#ifndef VM_WORK_H
#define VM_WORK_H

#include "vm/machine.h"

#define WORK_SLICE     20000   /* what one sched_run() may do */
#define WORK_BOUNDARY  2       /* sched looks at everything once */
#define WORK_TIMER     5
#define WORK_EVENT     10      /* an exception or interrupt is delivered */
#define WORK_LEAVE     1       /* translated code comes back to the loop */
#define WORK_ACCESS    1       /* a device is accessed */
#define WORK_WALK      1       /* page tables are walked */
#define WORK_TB        50      /* a TB is translated: whatever its length, */
#define WORK_TB_INSN   15      /* and for each instruction */
#define WORK_ONCE      4       /* an instruction is interpreted */
#define WORK_COPY_BYTES 1024   /* as many bytes move in one unit */
/* Nobody counts. */
#define WORK_UNLIMITED INT64_MAX

/* The slice's work is done: the TB that runs is the last. */
void machine_work_done(Machine *m);

static inline void machine_work(Machine *m, uint64_t units)
{
    m->sched.work_left -= units;
    if (m->sched.work_left <= 0) {
        machine_work_done(m);
    }
}

static inline bool machine_work_left(const Machine *m)
{
    return m->sched.work_left > 0;
}

#endif
