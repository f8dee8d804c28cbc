/*
 * Virtual time and timers. See vm/clock.h.
 *
 * now = base + ((icount - base_icount) << shift) + warp. The bases move only
 * when the shift changes (shift=auto), so that time never jumps. There are a
 * few dozen timers at most: they are kept in an array in order of
 * registration, with the earliest due time cached.
 */
#include "vm/clock.h"

#include "vm/state.h"

#define CLOCK_SHIFT_MAX 10

#define CLOCK_STATE(_)                                                      \
    _(int64_t, STATE_I64, warp_ns, 0, 1, "virtual time gained by idling",   \
      STATE_IN(0, STATE_TIME_MAX / 2))                                      \
    _(int64_t, STATE_I64, base_ns, 0, 1, "virtual time when shift changed", \
      STATE_IN(0, STATE_TIME_MAX / 2))                                      \
    _(uint64_t, STATE_U64, base_icount, 0, 1, "icount when shift changed",  \
      STATE_IN(0, STATE_ICOUNT_MAX))                                        \
    _(uint64_t, STATE_U64, fired, 0, 1, "timers that have fired")           \
    _(uint8_t, STATE_U8, shift, 0, 1, "log2 of ns per instruction",     \
      STATE_IN(0, CLOCK_SHIFT_MAX))

STATE_STRUCT(ClockState, CLOCK_STATE);

struct Clock {
    ClockState s;
    GPtrArray *timers;         /* Timer * */
    int64_t next_due_ns;       /* cache */
    bool next_valid;
    Icount (*icount)(void *opaque);
    void *opaque;
    void (*sooner)(void *opaque);
    void *sooner_opaque;
};

STATE_TABLE(clock_state, "clock", 1, ClockState, CLOCK_STATE)

void *clock_state_object(Clock *c)
{
    return &c->s;
}

bool clock_state_check(const void *state, Icount icount, Error **errp)
{
    const ClockState *s = state;
    int64_t ns = s->base_ns + s->warp_ns;
    if (icount < s->base_icount ||
        icount - s->base_icount > (uint64_t)(STATE_TIME_MAX - ns) >> s->shift) {
        error_set(errp, "section 'clock': no virtual time belongs to icount %"
                  G_GUINT64_FORMAT, icount);
        return false;
    }
    return true;
}

Clock *clock_new(void)
{
    Clock *c = g_new0(Clock, 1);
    c->timers = g_ptr_array_new();
    state_reset(clock_state(), &c->s);
    return c;
}

void clock_free(Clock *c)
{
    g_ptr_array_free(c->timers, TRUE);
    g_free(c);
}

void clock_set_icount_source(Clock *c, Icount (*get)(void *), void *opaque)
{
    c->icount = get;
    c->opaque = opaque;
}

void clock_set_sooner(Clock *c, void (*fn)(void *), void *opaque)
{
    c->sooner = fn;
    c->sooner_opaque = opaque;
}

static Icount clock_icount(Clock *c)
{
    return c->icount ? c->icount(c->opaque) : 0;
}

int64_t clock_ns_at(const Clock *c, Icount icount)
{
    return c->s.base_ns + c->s.warp_ns +
           (int64_t)((icount - c->s.base_icount) << c->s.shift);
}

int64_t clock_now_ns(Clock *c)
{
    return clock_ns_at(c, clock_icount(c));
}

void clock_set_shift(Clock *c, unsigned shift)
{
    g_assert(shift <= CLOCK_SHIFT_MAX);
    Icount now = clock_icount(c);
    c->s.base_ns += (int64_t)((now - c->s.base_icount) << c->s.shift);
    c->s.base_icount = now;
    c->s.shift = shift;
}

unsigned clock_shift(const Clock *c)
{
    return c->s.shift;
}

void timer_init(Timer *t, Clock *c, const char *name, int64_t *due_ns,
                TimerFn *fn, void *opaque)
{
    *t = (Timer){ c, due_ns, fn, opaque, name };
    *due_ns = TIME_NEVER;
    g_ptr_array_add(c->timers, t);
    c->next_valid = false;
}

void timer_arm(Timer *t, int64_t due_ns)
{
    Clock *c = t->clock;
    bool sooner = due_ns < clock_next_due_ns(c);
    *t->due_ns = due_ns;
    c->next_valid = false;
    if (sooner && c->sooner) {
        c->sooner(c->sooner_opaque);
    }
}

void timer_cancel(Timer *t)
{
    timer_arm(t, TIME_NEVER);
}

void timer_destroy(Timer *t)
{
    g_ptr_array_remove(t->clock->timers, t);
    t->clock->next_valid = false;
}

int64_t clock_next_due_ns(Clock *c)
{
    if (!c->next_valid) {
        c->next_due_ns = TIME_NEVER;
        for (guint i = 0; i < c->timers->len; i++) {
            Timer *t = g_ptr_array_index(c->timers, i);
            c->next_due_ns = MIN(c->next_due_ns, *t->due_ns);
        }
        c->next_valid = true;
    }
    return c->next_due_ns;
}

static Timer *first_due(Clock *c)
{
    Timer *first = NULL;
    for (guint i = 0; i < c->timers->len; i++) {
        Timer *t = g_ptr_array_index(c->timers, i);
        if (!first || *t->due_ns < *first->due_ns) {
            first = t;
        }
    }
    return first;
}

bool clock_run_timer(Clock *c)
{
    if (clock_next_due_ns(c) > clock_now_ns(c)) {
        return false;
    }
    Timer *t = first_due(c);
    timer_cancel(t);
    c->s.fired++;
    t->fn(t->opaque);
    return true;
}

void clock_run_timers(Clock *c)
{
    while (clock_run_timer(c)) {
    }
}

uint64_t clock_fired(const Clock *c)
{
    return c->s.fired;
}

void clock_warp_to(Clock *c, int64_t ns)
{
    int64_t now_ns = clock_now_ns(c);
    if (ns > now_ns) {
        c->s.warp_ns += ns - now_ns;
    }
}

Icount clock_icount_at(Clock *c, int64_t ns)
{
    if (ns == TIME_NEVER) {
        return ICOUNT_NONE;
    }
    Icount now = clock_icount(c);
    int64_t now_ns = clock_now_ns(c);
    if (ns <= now_ns) {
        return now;
    }
    uint64_t left_ns = (uint64_t)(ns - now_ns);
    uint64_t round_up = (UINT64_C(1) << c->s.shift) - 1;
    return now + ((left_ns + round_up) >> c->s.shift);
}

void clock_rewire(Clock *c)
{
    c->next_valid = false;
}
