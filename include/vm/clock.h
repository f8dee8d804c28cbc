/*
 * Virtual time and its timers: the only clock the guest side has.
 *
 * Implemented by softmmu/clock.c. Virtual time in ns is
 * (icount << shift) + warp. It moves only because instructions retire or
 * because the machine idles (DESIGN, section 2). Read by every device; timers
 * are fired by accel/sched.c, between instructions.
 */
#ifndef VM_CLOCK_H
#define VM_CLOCK_H

#include "base/types.h"

#define TIME_NEVER INT64_MAX
/* 18 years. A timer of 64 bits that a guest sets to later than that never
 * fires: a machine that sleeps until then (and need not wait for it) would
 * leave the times that a snapshot may have. */
#define CLOCK_FAR_NS (INT64_C(1) << 59)

typedef void TimerFn(void *opaque);

/* Wiring of one timer. Its due time is state: it lives in a STATE_TIME row of
 * the owner, to which due_ns points. */
struct Timer {
    Clock *clock;
    int64_t *due_ns;
    TimerFn *fn;
    void *opaque;
    const char *name;
};

Clock *clock_new(void);
void clock_free(Clock *c);

/* Virtual time at the present instruction, in ns since power-on. */
int64_t clock_now_ns(Clock *c);
/* The same for an instruction between the last boundary and the next event. */
int64_t clock_ns_at(const Clock *c, Icount icount);

/* Registers a timer whose due time is *due_ns; the order of registration
 * decides between timers due at the same ns, so it must be fixed by the
 * machine's construction. fn runs on the machine thread between
 * instructions, once per arming, with *due_ns already TIME_NEVER. */
void timer_init(Timer *t, Clock *c, const char *name, int64_t *due_ns,
                TimerFn *fn, void *opaque);
/* Arms (or re-arms) at an absolute virtual time; a past one fires as soon as
 * the present instruction has retired. */
void timer_arm(Timer *t, int64_t due_ns);
void timer_cancel(Timer *t);
/* Unregisters; for devices that go away. */
void timer_destroy(Timer *t);

/* --- for accel/sched.c, migration and replay ------------------------- */

/* The earliest due time of all timers, TIME_NEVER if none is armed. */
int64_t clock_next_due_ns(Clock *c);
/* Fires the earliest of the timers that are due now; false: none is. */
bool clock_run_timer(Clock *c);
/* Fires all that are due now, earliest first. */
void clock_run_timers(Clock *c);
/* How many timers have fired since power-on. Together with the icount it says
 * where between two instructions an idle machine is. */
uint64_t clock_fired(const Clock *c);
/* Moves virtual time forward to ns while the machine idles. */
void clock_warp_to(Clock *c, int64_t ns);
/* The first icount at which virtual time, without further warp, is >= ns. */
Icount clock_icount_at(Clock *c, int64_t ns);
/* Called when a timer is armed that is due before all others: the budget of
 * a CPU that is running may be too long now. */
void clock_set_sooner(Clock *c, void (*fn)(void *), void *opaque);
/* The clock's own state was loaded or timers' rows changed behind it. */
void clock_rewire(Clock *c);

/* ns per instruction as a power of two, 0..10; set once before the run. */
void clock_set_shift(Clock *c, unsigned shift);
unsigned clock_shift(const Clock *c);
/* The source of the present icount: the machine. */
void clock_set_icount_source(Clock *c, Icount (*get)(void *), void *opaque);

/* The clock's state table and object, saved as section "clock". */
const struct StateTable *clock_state(void);
/* False with an error if a loaded state has no virtual time for that icount,
 * or one that no run reaches. */
bool clock_state_check(const void *state, Icount icount, Error **errp);
void *clock_state_object(Clock *c);

#endif
