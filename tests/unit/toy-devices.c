/*
 * The toy machine's devices: two timers, of which one interrupts, and a serial
 * line. See toy.h.
 */
#include "toy-parts.h"
#include "vm/work.h"

#define TIMER_PERIOD_NS 3000

#define TOY_TIMER_STATE(_)                                \
    _(int64_t, STATE_TIME, due, TIME_NEVER, 1, "next tick") \
    _(uint64_t, STATE_U64, ticks, 0, 1, "ticks so far")

STATE_STRUCT(ToyTimerState, TOY_TIMER_STATE);
static STATE_TABLE(toy_timer_state, "toy-timer", 1, ToyTimerState,
                   TOY_TIMER_STATE)

typedef struct ToyTimer {
    Device dev;
    ToyTimerState s;
    Timer timer;
} ToyTimer;

static STATE_TABLE(toy_serial_state, "toy-serial", 1, ToySerialState,
                   TOY_SERIAL_STATE)

uint32_t toy_work;

/* One time in so many the slice is over. */
void toy_some_work(Machine *m, unsigned rarely)
{
    if (!toy_work) {
        return;
    }
    toy_work ^= toy_work << 13;
    toy_work ^= toy_work >> 17;
    toy_work ^= toy_work << 5;
    machine_work(m, toy_work % rarely ? 1 : WORK_SLICE);
}

static void set_line(Machine *m, int line, bool up)
{
    ToyCpu *c = g_ptr_array_index(m->cpus, 0);
    c->s.lines = up ? c->s.lines | 1u << line : c->s.lines & ~(1u << line);
    cpu_kick(&c->cpu);
}

static void silent_tick(void *opaque)
{
    ToyTimer *t = opaque;
    t->s.ticks++;
    timer_arm(&t->timer, clock_now_ns(t->timer.clock) + TIMER_PERIOD_NS);
    toy_some_work(t->dev.machine, 2);
}

static void timer_tick(void *opaque)
{
    ToyTimer *t = opaque;
    silent_tick(t);
    set_line(t->dev.machine, 0, true);
}

static bool silent_realize(Device *dev, Error **errp)
{
    ToyTimer *t = (ToyTimer *)dev;
    timer_init(&t->timer, dev->machine->clock, "silent", &t->s.due,
               silent_tick, t);
    return true;
}

static bool timer_realize(Device *dev, Error **errp)
{
    ToyTimer *t = (ToyTimer *)dev;
    timer_init(&t->timer, dev->machine->clock, "toy", &t->s.due, timer_tick,
               t);
    return true;
}

static void timer_reset(Device *dev)
{
    ToyTimer *t = (ToyTimer *)dev;
    timer_arm(&t->timer, clock_now_ns(t->timer.clock) + TIMER_PERIOD_NS);
}

const DeviceClass toy_silent = {
    .name = "toy-silent",
    .size = sizeof(ToyTimer),
    .state_offset = offsetof(ToyTimer, s),
    .state = toy_timer_state,
    .realize = silent_realize,
    .reset = timer_reset,
};

const DeviceClass toy_timer = {
    .name = "toy-timer",
    .size = sizeof(ToyTimer),
    .state_offset = offsetof(ToyTimer, s),
    .state = toy_timer_state,
    .realize = timer_realize,
    .reset = timer_reset,
};

void toy_serial_sink(void *device, const void *data, size_t len)
{
    ToySerial *s = device;
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        if (s->s.count < sizeof s->s.fifo) {
            s->s.fifo[s->s.count++] = p[i];
        } else {
            s->s.lost++;
        }
    }
    set_line(s->dev.machine, 1, s->s.count);
}

int toy_serial_pop(ToySerial *s)
{
    if (!s->s.count) {
        return 256;
    }
    int v = s->s.fifo[0];
    memmove(s->s.fifo, s->s.fifo + 1, --s->s.count);
    set_line(s->dev.machine, 1, s->s.count);
    return v;
}

static bool serial_realize(Device *dev, Error **errp)
{
    return true;
}

const DeviceClass toy_serial = {
    .name = "toy-serial",
    .size = sizeof(ToySerial),
    .state_offset = offsetof(ToySerial, s),
    .state = toy_serial_state,
    .realize = serial_realize,
};
