/*
 * The watchdog of iBASE's IB700 single board computers, as the data sheet in
 * Linux's drivers/watchdog/ib700wdt.c has it: a write to 0x443 sets it going,
 * its low four bits say how long it runs; a write to 0x441 stops it.
 */
#include "hw/isa.h"
#include "vm/guest-action.h"

#define PORT_STOP  0x441u
#define PORT_START 0x443u
/* Code 0xf is no time at all, each one less two seconds more. */
#define STEP_NS    (2 * NS_PER_SEC)
#define MOST_CODE  0xfu

#define IB700_STATE(_) \
    _(int64_t, STATE_TIME, due_ns, TIME_NEVER, 1, "when its time is up")
STATE_STRUCT(Ib700State, IB700_STATE);
static STATE_TABLE(ib700_state, "ib700", 1, Ib700State, IB700_STATE)

typedef struct Ib700 {
    Device dev;
    Ib700State s;
    Timer timer;
    MemRegion stop, start;
} Ib700;

static uint64_t ib700_read(void *opaque, PhysAddr offset, unsigned size)
{
    return 0xff;
}

static void stop_write(void *opaque, PhysAddr offset, uint64_t v,
                       unsigned size)
{
    Ib700 *d = opaque;
    timer_cancel(&d->timer);
}

static void start_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
    Ib700 *d = opaque;
    timer_arm(&d->timer, clock_now_ns(d->dev.machine->clock) +
                             (MOST_CODE - (v & MOST_CODE)) * STEP_NS);
}

static const MemOps stop_ops = { ib700_read, stop_write, .max_size = 1 };
static const MemOps start_ops = { ib700_read, start_write, .max_size = 1 };

static void expired(void *opaque)
{
    Ib700 *d = opaque;
    guest_watchdog_expired(d->dev.machine);
}

static bool ib700_realize(Device *dev, Error **errp)
{
    Ib700 *d = (Ib700 *)dev;
    timer_init(&d->timer, dev->machine->clock, dev->path, &d->s.due_ns,
               expired, d);
    mem_init_io(&d->stop, "ib700-stop", 1, &stop_ops, d);
    mem_init_io(&d->start, "ib700-start", 1, &start_ops, d);
    isa_add_ports(dev->bus, &d->stop, PORT_STOP);
    isa_add_ports(dev->bus, &d->start, PORT_START);
    return true;
}

static void ib700_unrealize(Device *dev)
{
    timer_destroy(&((Ib700 *)dev)->timer);
}

extern const DeviceClass ib700_class;

const DeviceClass ib700_class = {
    .name = "ib700",
    .desc = "iBASE 700 watchdog",
    .bus = "ISA",
    .category = "Watchdog",
    .user = true,
    .size = sizeof(Ib700),
    .state_offset = offsetof(Ib700, s),
    .state = ib700_state,
    .realize = ib700_realize,
    .unrealize = ib700_unrealize,
};
