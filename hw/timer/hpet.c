/*
 * The high precision event timer: a counter of 100 MHz and three timers that
 * compare with it. "IA-PC HPET Specification" 1.0a; its section numbers.
 *
 * Nothing counts: the main counter is computed from the virtual time at which
 * it was last set. In legacy replacement mode (2.4.6) timers 0 and 1 take the
 * places of the interval timer and of the clock; so those two chips' lines go
 * through here.
 */
#include "base/bits.h"
#include "base/log.h"
#include "hw/hpet.h"
#include "vm/machine.h"

#define TIMERS  3
#define TICK_NS 10

/* 2.3.4: revision 1, three timers, 64 bits, legacy replacement, vendor, and
 * the period in femtoseconds. */
#define CAPABILITIES (UINT64_C(0x8086a201) | (uint64_t)TICK_NS * 1000000 << 32)

enum { REG_CAPABILITIES = 0x00, REG_CONFIG = 0x10, REG_STATUS = 0x20,
       REG_COUNTER = 0xf0, REG_TIMERS = 0x100 };
enum { TIMER_CONFIG = 0x00, TIMER_COMPARATOR = 0x08, TIMER_FSB = 0x10,
       TIMER_BYTES = 0x20 };

/* 2.3.5 */
#define CONFIG_ENABLE BIT(0)
#define CONFIG_LEGACY BIT(1)

/* 2.3.8 */
#define TN_LEVEL     BIT(1)
#define TN_INTERRUPT BIT(2)
#define TN_PERIODIC  BIT(3)
#define TN_CAN_REPEAT BIT(4)
#define TN_IS_64     BIT(5)
#define TN_SET_VALUE BIT(6)
#define TN_USE_32    BIT(8)
#define TN_ROUTE     (31u << 9)
#define TN_FSB       BIT(14)
#define TN_CAN_FSB   BIT(15)
#define TN_WRITABLE  (TN_LEVEL | TN_INTERRUPT | TN_PERIODIC | TN_SET_VALUE | \
                      TN_USE_32 | TN_ROUTE | TN_FSB)

typedef uint64_t HpetWords[TIMERS];
typedef int64_t HpetTimes[TIMERS];

#define HPET_STATE(_)                                                       \
    _(uint8_t, STATE_U8, config, 0, 1, "enabled, legacy replacement")       \
    _(uint8_t, STATE_U8, status, 0, 1, "level interrupts that are active")  \
    _(uint64_t, STATE_U64, counter, 0, 1, "main counter at `since`")        \
    _(int64_t, STATE_TIME, since, 0, 1, "when the counter was set or began") \
    _(HpetWords, STATE_U64, conf, 0, 1, "timers' configuration")            \
    _(HpetWords, STATE_U64, cmp, UINT64_MAX, 1, "comparators")              \
    _(HpetWords, STATE_U64, period, 0, 1, "what periodic ones add")         \
    _(HpetWords, STATE_U64, fsb, 0, 1, "address and data of messages")      \
    _(HpetTimes, STATE_TIME, due, TIME_NEVER, 1, "next match")              \
    _(uint8_t, STATE_U8, inputs, 0, 1, "lines of the two legacy chips")

STATE_STRUCT(HpetState, HPET_STATE);
static STATE_TABLE(hpet_state, "hpet", 1, HpetState, HPET_STATE)

typedef struct Hpet Hpet;

typedef struct HpetTimer {
    Hpet *hpet;
    unsigned n;
    Timer timer;
} HpetTimer;

struct Hpet {
    Device dev;
    HpetState s;
    HpetTimer timers[TIMERS];
    uint32_t routes;       /* inputs of the I/O APIC that may be chosen */
    IrqFn *gsi;
    void *gsi_opaque;
    MemRegion window;
};

static int64_t now_ns(const Hpet *h)
{
    return clock_now_ns(h->dev.machine->clock);
}

static bool counts(const Hpet *h)
{
    return h->s.config & CONFIG_ENABLE;
}

static bool is_legacy(const Hpet *h)
{
    return h->s.config & CONFIG_LEGACY;
}

static uint64_t counter(const Hpet *h)
{
    return h->s.counter +
           (counts(h) ? (now_ns(h) - h->s.since) / TICK_NS : 0);
}

/* From now on the counter is v. */
static void set_counter(Hpet *h, uint64_t v)
{
    h->s.counter = v;
    h->s.since = now_ns(h);
}

/* --- interrupts --------------------------------------------------------------- */

/* The interrupt line of a timer. */
static unsigned line_of(const Hpet *h, unsigned n)
{
    if (is_legacy(h) && n < 2) {
        return n ? 8 : 0;
    }
    return (h->s.conf[n] & TN_ROUTE) >> 9;
}

static void drive(Hpet *h, unsigned gsi, bool level)
{
    h->gsi(h->gsi_opaque, gsi, level);
}

static void interrupt(Hpet *h, unsigned n)
{
    uint64_t conf = h->s.conf[n];
    if (conf & TN_LEVEL) {
        h->s.status |= BIT(n);
    }
    if (!(conf & TN_INTERRUPT)) {
        return;
    }
    if (conf & TN_FSB) {
        address_space_st(h->dev.machine->memory, h->s.fsb[n] >> 32,
                         (uint32_t)h->s.fsb[n], 4);
    } else if (conf & TN_LEVEL) {
        drive(h, line_of(h, n), true);
    } else {
        drive(h, line_of(h, n), true);
        drive(h, line_of(h, n), false);
    }
}

static void end_level(Hpet *h, uint8_t bits)
{
    uint8_t ended = h->s.status & bits;
    h->s.status &= ~bits;
    for (unsigned n = 0; n < TIMERS; n++) {
        if (ended & BIT(n)) {
            drive(h, line_of(h, n), false);
        }
    }
}

/* The interval timer's line is 0, the clock's 1. */
void hpet_legacy_in(void *opaque, int n, bool level)
{
    Hpet *h = opaque;
    h->s.inputs = level ? h->s.inputs | BIT(n) : h->s.inputs & ~BIT(n);
    if (!is_legacy(h)) {
        drive(h, n ? 8 : 0, level);
    }
}

/* --- timers ------------------------------------------------------------------------ */

static bool is_32(const Hpet *h, unsigned n)
{
    return h->s.conf[n] & TN_USE_32;
}

/* Ticks until the counter is the comparator's again. */
static uint64_t ticks_left(const Hpet *h, unsigned n)
{
    uint64_t left = h->s.cmp[n] - counter(h);
    left = is_32(h, n) ? (uint32_t)left : left;
    if (!left) {
        left = is_32(h, n) ? UINT64_C(1) << 32 : UINT64_MAX;
    }
    return left;
}

static void arm(Hpet *h, unsigned n)
{
    Timer *t = &h->timers[n].timer;
    uint64_t left = ticks_left(h, n);
    int64_t most = (CLOCK_FAR_NS - now_ns(h)) / TICK_NS;
    timer_cancel(t);
    if (counts(h) && most > 0 && left < (uint64_t)most) {
        /* The counter steps at multiples of a tick after `since`. */
        int64_t into = (now_ns(h) - h->s.since) % TICK_NS;
        timer_arm(t, now_ns(h) - into + (int64_t)left * TICK_NS);
    }
}

/* A periodic comparator goes on to the first match that lies ahead. */
static void step(Hpet *h, unsigned n)
{
    uint64_t period = h->s.period[n];
    if (!(h->s.conf[n] & TN_PERIODIC) || !period) {
        return;
    }
    uint64_t behind = counter(h) - h->s.cmp[n];
    behind = is_32(h, n) ? (uint32_t)behind : behind;
    h->s.cmp[n] += (behind / period + 1) * period;
    if (is_32(h, n)) {
        h->s.cmp[n] = (uint32_t)h->s.cmp[n];
    }
}

static void fire(void *opaque)
{
    const HpetTimer *t = opaque;
    step(t->hpet, t->n);
    arm(t->hpet, t->n);
    interrupt(t->hpet, t->n);
}

/* --- registers ---------------------------------------------------------------------- */

static uint64_t read_timer(const Hpet *h, unsigned n, unsigned reg)
{
    switch (reg) {
    case TIMER_CONFIG:
        return h->s.conf[n] | TN_CAN_REPEAT | TN_IS_64 | TN_CAN_FSB |
               (uint64_t)h->routes << 32;
    case TIMER_COMPARATOR:
        return h->s.cmp[n];
    case TIMER_FSB:
        return h->s.fsb[n];
    }
    return 0;
}

static uint64_t read_register(const Hpet *h, unsigned reg)
{
    unsigned n = (reg - REG_TIMERS) / TIMER_BYTES;
    if (reg >= REG_TIMERS && n < TIMERS) {
        return read_timer(h, n, (reg - REG_TIMERS) % TIMER_BYTES);
    }
    switch (reg) {
    case REG_CAPABILITIES:
        return CAPABILITIES;
    case REG_CONFIG:
        return h->s.config;
    case REG_STATUS:
        return h->s.status;
    case REG_COUNTER:
        return counter(h);
    }
    return 0;
}

/* The two chips' lines are let through again, or are cut off. */
static void replace_legacy(Hpet *h, bool replace)
{
    for (unsigned n = 0; n < 2; n++) {
        drive(h, n ? 8 : 0, !replace && (h->s.inputs & BIT(n)));
    }
}

static void write_config(Hpet *h, uint64_t v)
{
    uint8_t changed = (h->s.config ^ v) & (CONFIG_ENABLE | CONFIG_LEGACY);
    if (changed & CONFIG_ENABLE) {
        set_counter(h, counter(h));
    }
    if (changed & CONFIG_LEGACY) {
        end_level(h, 3);
        replace_legacy(h, v & CONFIG_LEGACY);
    }
    h->s.config = v & (CONFIG_ENABLE | CONFIG_LEGACY);
    for (unsigned n = 0; n < TIMERS; n++) {
        arm(h, n);
    }
}

static void write_comparator(Hpet *h, unsigned n, uint64_t v)
{
    v = is_32(h, n) ? (uint32_t)v : v;
    if (!(h->s.conf[n] & TN_PERIODIC) || (h->s.conf[n] & TN_SET_VALUE)) {
        h->s.cmp[n] = v;
    }
    h->s.period[n] = v;
    h->s.conf[n] &= ~(uint64_t)TN_SET_VALUE;
    arm(h, n);
}

static void write_timer_config(Hpet *h, unsigned n, uint64_t v)
{
    if ((h->s.conf[n] & TN_LEVEL) && !(v & TN_LEVEL)) {
        end_level(h, BIT(n));
    }
    h->s.conf[n] = v & TN_WRITABLE;
    if (is_32(h, n)) {
        h->s.cmp[n] = (uint32_t)h->s.cmp[n];
        h->s.period[n] = (uint32_t)h->s.period[n];
    }
    arm(h, n);
}

static void write_timer(Hpet *h, unsigned n, unsigned reg, uint64_t v)
{
    switch (reg) {
    case TIMER_CONFIG:
        write_timer_config(h, n, v);
        break;
    case TIMER_COMPARATOR:
        write_comparator(h, n, v);
        break;
    case TIMER_FSB:
        h->s.fsb[n] = v;
        break;
    }
}

static void write_register(Hpet *h, unsigned reg, uint64_t v)
{
    unsigned n = (reg - REG_TIMERS) / TIMER_BYTES;
    if (reg >= REG_TIMERS && n < TIMERS) {
        write_timer(h, n, (reg - REG_TIMERS) % TIMER_BYTES, v);
    } else if (reg == REG_CONFIG) {
        write_config(h, v);
    } else if (reg == REG_STATUS) {
        end_level(h, v);
    } else if (reg == REG_COUNTER) {
        set_counter(h, v);
        for (unsigned i = 0; i < TIMERS; i++) {
            arm(h, i);
        }
    }
}

static uint64_t hpet_read(void *opaque, PhysAddr offset, unsigned size)
{
    uint64_t v = read_register(opaque, offset & ~(PhysAddr)7);
    return offset & 4 ? v >> 32 : v;
}

/* Half of a register is written into what the other half has. Bits of the
 * status that are not written stay. */
static void hpet_write(void *opaque, PhysAddr offset, uint64_t v,
                       unsigned size)
{
    unsigned reg = offset & ~(PhysAddr)7;
    if (size == 4) {
        uint64_t old = reg == REG_STATUS ? 0 : read_register(opaque, reg);
        v = offset & 4 ? (uint32_t)old | v << 32
                       : (old & ~(uint64_t)UINT32_MAX) | v;
    }
    write_register(opaque, reg, v);
}

static const MemOps hpet_ops = { hpet_read, hpet_write, 4, 8 };

/* --- the device -------------------------------------------------------------------------- */

Device *hpet_new(Machine *m, uint32_t routes, IrqFn *gsi, void *opaque)
{
    Device *dev = device_create(m, &hpet_class);
    Hpet *h = (Hpet *)dev;
    h->routes = routes;
    h->gsi = gsi;
    h->gsi_opaque = opaque;
    return dev;
}

static bool hpet_realize(Device *dev, Error **errp)
{
    static const char *const names[TIMERS] = { "hpet 0", "hpet 1", "hpet 2" };
    Hpet *h = (Hpet *)dev;
    for (unsigned n = 0; n < TIMERS; n++) {
        h->timers[n].hpet = h;
        h->timers[n].n = n;
        timer_init(&h->timers[n].timer, dev->machine->clock, names[n],
                   &h->s.due[n], fire, &h->timers[n]);
    }
    mem_init_io(&h->window, "hpet", 0x400, &hpet_ops, h);
    mem_add(&dev->machine->memory_root, HPET_BASE, &h->window, 1);
    return true;
}

const DeviceClass hpet_class = {
    .name = "hpet",
    .desc = "high precision event timer",
    .category = "Misc",
    .size = sizeof(Hpet),
    .state_offset = offsetof(Hpet, s),
    .state = hpet_state,
    .realize = hpet_realize,
};
