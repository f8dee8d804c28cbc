/*
 * The local APIC's timer ("APIC Timer"): one-shot, periodic, TSC deadline.
 *
 * It counts at 1 GHz, divided; nothing counts really: the current count is
 * computed from when the initial one was loaded.
 */
#include "apic.h"

static unsigned mode(const Apic *a)
{
    return (a->s.lvt[LVT_TIMER] >> LVT_TIMER_SHIFT) & 3;
}

static bool counts(const Apic *a)
{
    return mode(a) == TIMER_ONE_SHOT || mode(a) == TIMER_PERIODIC;
}

/* ns of a count: bits 3, 1 and 0 give 2, 4 … 128, and 1 (figure "Divide
 * Configuration Register"). */
static int64_t tick_ns(const Apic *a)
{
    unsigned n = (a->s.divide & 3) | (a->s.divide & 8) >> 1;
    return n == 7 ? 1 : 2 << n;
}

static int64_t period_ns(const Apic *a)
{
    return a->s.initial * tick_ns(a);
}

static int64_t now_ns(const Apic *a)
{
    return clock_now_ns(a->dev.machine->clock);
}

uint32_t apic_timer_current(const Apic *a)
{
    if (!counts(a) || a->s.due == TIME_NEVER) {
        return 0;
    }
    int64_t left = (a->s.due - now_ns(a) + tick_ns(a) - 1) / tick_ns(a);
    return CLAMP(left, 0, a->s.initial);
}

void apic_timer_load(Apic *a)
{
    if (!counts(a)) {
        return;
    }
    timer_cancel(&a->timer);
    if (a->s.initial) {
        a->s.start = now_ns(a);
        timer_arm(&a->timer, a->s.start + period_ns(a));
    }
}

/* A periodic timer that fell behind (time jumped) does not make up for it. */
static void fire(void *opaque)
{
    Apic *a = opaque;
    if (mode(a) == TIMER_PERIODIC && a->s.initial) {
        int64_t late = MAX(now_ns(a) - a->s.start, period_ns(a));
        a->s.start += late - late % period_ns(a);
        timer_arm(&a->timer, a->s.start + period_ns(a));
    } else if (mode(a) == TIMER_DEADLINE) {
        a->s.deadline = 0;
    }
    apic_local(a, LVT_TIMER);
}

/* To and from deadline mode the timer stops. */
void apic_timer_changed(Apic *a, uint32_t old_lvt)
{
    bool was_deadline = (old_lvt >> LVT_TIMER_SHIFT & 3) == TIMER_DEADLINE;
    if (was_deadline == (mode(a) == TIMER_DEADLINE)) {
        return;
    }
    timer_cancel(&a->timer);
    a->s.deadline = 0;
}

void apic_timer_rearm_deadline(Apic *a)
{
    if (mode(a) != TIMER_DEADLINE || !a->s.deadline) {
        return;
    }
    int64_t ns = x86_pins(a->cpu)->tsc_due_ns(a->cpu, a->s.deadline);
    timer_arm(&a->timer, ns > CLOCK_FAR_NS ? TIME_NEVER : ns);
}

void apic_timer_set_deadline(Apic *a, uint64_t tsc)
{
    if (mode(a) != TIMER_DEADLINE) {
        return; /* "TSC-Deadline Mode": ignored in the others */
    }
    a->s.deadline = tsc;
    timer_cancel(&a->timer);
    apic_timer_rearm_deadline(a);
}

void apic_timer_init(Apic *a)
{
    timer_init(&a->timer, a->dev.machine->clock, "apic", &a->s.due, fire, a);
}
