/*
 * PrimeCell real-time clock PL031 (DDI 0224): seconds since 1970, and an alarm.
 */
#include "hw/arm-chips.h"
#include "vm/clock.h"
#include "vm/machine.h"

enum {
    REG_DR = 0x00, REG_MR = 0x04, REG_LR = 0x08, REG_CR = 0x0c,
    REG_IMSC = 0x10, REG_RIS = 0x14, REG_MIS = 0x18, REG_ICR = 0x1c,
    REG_ID = 0xfe0,
};

static const uint8_t ids[] = { 0x31, 0x10, 0x14, 0, 0x0d, 0xf0, 0x05, 0xb1 };

#define PL031_STATE(_)                                                       \
    _(uint32_t, STATE_U32, offset, 0, 1, "the counter when time was 0")      \
    _(uint32_t, STATE_U32, match, 0, 1, "RTCMR")                             \
    _(uint32_t, STATE_U32, load, 0, 1, "RTCLR")                              \
    _(bool, STATE_BOOL, mask, false, 1, "RTCIMSC")                           \
    _(bool, STATE_BOOL, raw, false, 1, "RTCRIS")                             \
    _(int64_t, STATE_TIME, due, TIME_NEVER, 1, "when the alarm is due")

STATE_STRUCT(Pl031State, PL031_STATE);
static STATE_TABLE(pl031_state, "pl031", 1, Pl031State, PL031_STATE)

typedef struct Pl031 {
    Device dev;
    Pl031State s;
    Timer timer;
    IrqLine irq;
    MemRegion region;
} Pl031;

static int64_t seconds_now(const Pl031 *r)
{
    return clock_now_ns(r->dev.machine->clock) / NS_PER_SEC;
}

static void update_irq(Pl031 *r)
{
    irq_set(&r->irq, r->s.raw && r->s.mask);
}

/* The alarm is due when the counter next is what the match register says. */
static void arm_alarm(Pl031 *r)
{
    int64_t now = seconds_now(r);
    uint32_t left = r->s.match - r->s.offset - (uint32_t)now;
    timer_arm(&r->timer, (now + (left ? left : INT64_C(1) << 32)) *
                             NS_PER_SEC);
}

static void alarm_due(void *opaque)
{
    Pl031 *r = opaque;
    r->s.raw = true;
    update_irq(r);
}

static uint64_t pl031_read(void *opaque, PhysAddr offset, unsigned size)
{
    Pl031 *r = opaque;
    switch (offset) {
    case REG_DR: return (uint32_t)(r->s.offset + seconds_now(r));
    case REG_MR: return r->s.match;
    case REG_LR: return r->s.load;
    case REG_CR: return 1;
    case REG_IMSC: return r->s.mask;
    case REG_RIS: return r->s.raw;
    case REG_MIS: return r->s.raw && r->s.mask;
    }
    return offset >= REG_ID ? ids[(offset - REG_ID) / 4 % sizeof ids] : 0;
}

static void pl031_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
    Pl031 *r = opaque;
    switch (offset) {
    case REG_MR:
        r->s.match = v;
        arm_alarm(r);
        break;
    case REG_LR:
        r->s.load = v;
        r->s.offset = v - seconds_now(r);
        arm_alarm(r);
        break;
    case REG_IMSC:
        r->s.mask = v & 1;
        break;
    case REG_ICR:
        r->s.raw &= !(v & 1);
        break;
    }
    update_irq(r);
}

static const MemOps pl031_ops = { pl031_read, pl031_write, 4, 4 };

static bool pl031_realize(Device *dev, Error **errp)
{
    Pl031 *r = (Pl031 *)dev;
    mem_init_io(&r->region, "pl031", 0x1000, &pl031_ops, r);
    timer_init(&r->timer, dev->machine->clock, "pl031", &r->s.due, alarm_due,
               r);
    return true;
}

static void pl031_rewire(Device *dev)
{
    update_irq((Pl031 *)dev);
}

void pl031_set_base(Device *dev, int64_t sec)
{
    ((Pl031 *)dev)->s.offset = sec;
}

MemRegion *pl031_region(Device *dev)
{
    return &((Pl031 *)dev)->region;
}

IrqLine *pl031_irq(Device *dev)
{
    return &((Pl031 *)dev)->irq;
}

/* Its counter goes on through a reset. */
const DeviceClass pl031_class = {
    .name = "pl031",
    .desc = "PL031 real-time clock",
    .size = sizeof(Pl031),
    .state_offset = offsetof(Pl031, s),
    .state = pl031_state,
    .realize = pl031_realize,
    .rewire = pl031_rewire,
    .battery = true,
};
