/*
 * 8254 interval timer (Intel data sheet 231164) and the PC's system control
 * port B (0x61), which drives counter 2's gate and shows its output.
 *
 * Nothing counts: each counter remembers the tick (of 1193182 Hz) at which its
 * counting element was loaded, and count and OUT are computed from the present
 * tick. Ticks are exact integers of virtual time, so nothing drifts. Only
 * counter 0 has a timer, which fires at every change of its OUT and drives
 * IRQ 0.
 */
#include "base/bits.h"
#include "base/log.h"
#include "hw/pc-chips.h"
#include "vm/machine.h"

#define PIT_HZ UINT64_C(1193182)
#define COUNTERS 3
#define SPEAKER_COUNTER 2
#define TICK_NEVER INT64_MAX
#define TICK_MAX   (INT64_C(1) << 53) /* beyond STATE_TIME_MAX */
/* Refresh requests, whose toggle bit 4 of port 0x61 shows, come every 18
 * ticks, 15.09 us. */
#define REFRESH_TICKS 18

/* Control word: counter in bits 7..6, RW in 5..4, mode in 3..1, BCD in 0. */
enum { RW_LATCH, RW_LSB, RW_MSB, RW_BOTH };
#define READ_BACK 3

/* Port 0x61 */
#define PORTB_GATE2   BIT(0)
#define PORTB_SPEAKER BIT(1)
#define PORTB_WRITE   0x0f
#define PORTB_REFRESH BIT(4)
#define PORTB_OUT2    BIT(5)

typedef uint8_t Pit8[COUNTERS];
typedef uint16_t Pit16[COUNTERS];
typedef uint32_t Pit32[COUNTERS];
typedef int64_t PitTick[COUNTERS];

#define PIT_STATE(_)                                                         \
    _(Pit8, STATE_U8, mode, 0, 1, "mode, 0..5",                              \
      STATE_IN(0, 5))                                                        \
    _(Pit8, STATE_U8, rw, RW_BOTH, 1, "bytes of a count to read or write",   \
      STATE_IN(RW_LSB, RW_BOTH))                                             \
    _(Pit8, STATE_U8, bcd, 0, 1, "counts in BCD",                            \
      STATE_IN(0, 1))                                                        \
    _(Pit8, STATE_U8, gate, 1, 1, "gate input",                              \
      STATE_IN(0, 1))                                                        \
    _(Pit8, STATE_U8, running, 0, 1, "the counting element is loaded",       \
      STATE_IN(0, 1))                                                        \
    _(Pit8, STATE_U8, write_msb, 0, 1, "the next write is the high byte",    \
      STATE_IN(0, 1))                                                        \
    _(Pit8, STATE_U8, write_lsb, 0, 1, "the low byte written")               \
    _(Pit8, STATE_U8, read_msb, 0, 1, "the next read is the high byte",      \
      STATE_IN(0, 1))                                                        \
    _(Pit8, STATE_U8, latched_bytes, 0, 1, "bytes left of a latched count",  \
      STATE_IN(0, 2))                                                        \
    _(Pit16, STATE_U16, latch, 0, 1, "latched count")                        \
    _(Pit8, STATE_U8, status_latched, 0, 1, "a status byte is latched",      \
      STATE_IN(0, 1))                                                        \
    _(Pit8, STATE_U8, status, 0, 1, "latched status")                        \
    _(Pit32, STATE_U32, count, 0x10000, 1, "count in the counting element",  \
      STATE_IN(0, 0x10000))                                                  \
    _(Pit32, STATE_U32, next, 0, 1, "count register, 0 if taken over",       \
      STATE_IN(0, 0x10000))                                                  \
    _(PitTick, STATE_I64, next_at, TICK_NEVER, 1, "tick that takes it over", \
      STATE_IN_OR_NEVER(0, TICK_MAX))                                        \
    _(PitTick, STATE_I64, start, 0, 1, "tick of the load",                   \
      STATE_IN(-0x10000, TICK_MAX))                                          \
    _(PitTick, STATE_I64, held, 0, 1, "ticks counted when the gate fell",    \
      STATE_IN(-0x10000, TICK_MAX))                                          \
    _(uint8_t, STATE_U8, port_b, 0, 1, "port 61, the writable bits")         \
    _(int64_t, STATE_I64, edge, TICK_NEVER, 1, "tick of OUT 0's next change", \
      STATE_IN_OR_NEVER(0, TICK_MAX))                                        \
    _(int64_t, STATE_TIME, edge_due, TIME_NEVER, 1, "its virtual time")

STATE_STRUCT(PitState, PIT_STATE);
static STATE_TABLE(pit_state, "i8254", 1, PitState, PIT_STATE)

typedef struct Pit {
    Device dev;
    PitState s;
    IrqLine irq;
    Timer timer;
    MemRegion io, port_b_io;
} Pit;

static int64_t pit_tick(Pit *p)
{
    unsigned __int128 ns = clock_now_ns(p->dev.machine->clock);
    return ns * PIT_HZ / NS_PER_SEC;
}

/* The first ns at which pit_tick() is `tick`. */
static int64_t tick_to_ns(int64_t tick)
{
    unsigned __int128 scaled = (unsigned __int128)tick * NS_PER_SEC;
    return (scaled + PIT_HZ - 1) / PIT_HZ;
}

static bool mode_is_periodic(uint8_t mode)
{
    return mode == 2 || mode == 3;
}

/* Started by a rising gate instead of by the count. */
static bool mode_is_triggered(uint8_t mode)
{
    return mode == 1 || mode == 5;
}

/* The count as a divisor: never 0, whatever a loaded state says. */
static int64_t counter_count(const PitState *s, int n)
{
    return MAX(s->count[n], 1);
}

/* Ticks for which mode 3's OUT is high. */
static int64_t counter_high_ticks(const PitState *s, int n)
{
    return (counter_count(s, n) + 1) / 2;
}

static int64_t counter_elapsed(const PitState *s, int n, int64_t tick)
{
    bool frozen = !s->gate[n] && !mode_is_triggered(s->mode[n]);
    return frozen ? s->held[n] : tick - s->start[n];
}

/* OUT at a tick up to which the counter was brought. */
static bool counter_out(const PitState *s, int n, int64_t tick)
{
    int64_t count = counter_count(s, n), e = counter_elapsed(s, n, tick);
    bool loaded = s->running[n] && e >= 0;
    switch (s->mode[n]) {
    case 0:
        return loaded && e >= count;
    case 1:
        return !loaded || e >= count;
    case 2:
        return !loaded || !s->gate[n] || count < 2 || e % count != count - 1;
    case 3:
        return !loaded || !s->gate[n] || e % count < counter_high_ticks(s, n);
    default:
        return !loaded || e != count;
    }
}

/* The tick after `tick` at which OUT changes next if nothing is written. */
static int64_t counter_next_edge(const PitState *s, int n, int64_t tick)
{
    int64_t count = counter_count(s, n), start = s->start[n], e = tick - start;
    bool frozen = !s->gate[n] && !mode_is_triggered(s->mode[n]);
    if (!s->running[n] || frozen) {
        return TICK_NEVER;
    }
    if (mode_is_periodic(s->mode[n])) {
        if (count < 2) {
            return TICK_NEVER;
        }
        int64_t phase = e < 0 ? 0 : e % count;
        int64_t base = e < 0 ? start : tick - phase;
        int64_t fall = s->mode[n] == 2 ? count - 1 : counter_high_ticks(s, n);
        return base + (phase < fall ? fall : count);
    }
    if (e < 0 && s->mode[n] == 1) {
        return start;
    }
    if (e < count) {
        return start + count;
    }
    return e == count && s->mode[n] >= 4 ? start + count + 1 : TICK_NEVER;
}

static uint32_t counter_modulus(const PitState *s, int n)
{
    return s->bcd[n] ? 10000 : 0x10000;
}

static uint16_t to_bcd(uint32_t v)
{
    return v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12;
}

static uint32_t from_bcd(uint16_t v)
{
    return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100
           + (v >> 12) * 1000;
}

/* The counting element as a number, in mode 3 the even ones it steps by. */
static uint32_t counter_value(const PitState *s, int n, int64_t tick)
{
    int64_t count = counter_count(s, n), e = counter_elapsed(s, n, tick);
    uint32_t modulus = counter_modulus(s, n);
    if (!s->running[n] || e <= 0) {
        return count % modulus;
    }
    if (s->mode[n] == 2) {
        return (count - e % count) % modulus;
    }
    if (s->mode[n] == 3) {
        int64_t high = counter_high_ticks(s, n), phase = e % count;
        int64_t step = phase < high ? phase : phase - high;
        return ((count & ~INT64_C(1)) - 2 * step) % modulus;
    }
    return (count - e % modulus + modulus) % modulus;
}

static uint16_t counter_read(const PitState *s, int n, int64_t tick)
{
    uint32_t v = counter_value(s, n, tick);
    return s->bcd[n] ? to_bcd(v) : v;
}

/* Takes over the count register where the tick has come for it. */
static void counter_bring(PitState *s, int n, int64_t tick)
{
    if (tick < s->next_at[n]) {
        return;
    }
    /* Mode 3 changes its count at the end of a half cycle: what starts there
     * is the low half if OUT was high until then. */
    bool low_half = s->mode[n] == 3
                    && counter_out(s, n, s->next_at[n] - 1);
    s->count[n] = s->next[n];
    s->start[n] = s->next_at[n];
    if (low_half) {
        s->start[n] -= counter_high_ticks(s, n);
    }
    s->next[n] = 0;
    s->next_at[n] = TICK_NEVER;
}

/* Loads the counting element at the next clock pulse. */
static void counter_load(PitState *s, int n, int64_t tick)
{
    if (s->next[n]) {
        s->count[n] = s->next[n];
    }
    s->next[n] = 0;
    s->next_at[n] = TICK_NEVER;
    s->start[n] = tick + 1;
    s->held[n] = 0;
    s->running[n] = true;
}

/* --- counter 0 and its line --------------------------------------------- */

static void pit_arm(Pit *p, int64_t tick)
{
    int64_t edge = counter_next_edge(&p->s, 0, tick);
    p->s.edge = MIN(edge, p->s.next_at[0]);
    if (p->s.edge == TICK_NEVER) {
        timer_cancel(&p->timer);
    } else {
        timer_arm(&p->timer, tick_to_ns(p->s.edge));
    }
}

/* Where a whole number of periods has passed since counter 0's next edge, all
 * but the last is left out: whoever is at the other end of the line cannot tell
 * how often it went up and down between two instructions. A new count is taken
 * over within a period; in a state that was loaded it may be later. */
static void pit_skip(PitState *s, int64_t now)
{
    int64_t count = counter_count(s, 0), until = MIN(now, s->next_at[0]);
    if (mode_is_periodic(s->mode[0]) && s->edge < until &&
        until - s->edge > 2 * count) {
        s->edge += ((until - s->edge) / count - 1) * count;
    }
}

/* Brings all counters to the present and returns it. Changes of OUT 0 that
 * lie between two instructions are passed on one by one. */
static int64_t pit_bring(Pit *p)
{
    int64_t now = pit_tick(p);
    while (p->s.edge <= now) {
        pit_skip(&p->s, now);
        int64_t edge = p->s.edge;
        counter_bring(&p->s, 0, edge);
        irq_set(&p->irq, counter_out(&p->s, 0, edge));
        pit_arm(p, edge);
    }
    for (int n = 0; n < COUNTERS; n++) {
        counter_bring(&p->s, n, now);
    }
    return now;
}

static void pit_timer(void *opaque)
{
    pit_bring(opaque);
}

/* After counter 0 was programmed. */
static void pit_update_irq(Pit *p, int64_t tick)
{
    irq_set(&p->irq, counter_out(&p->s, 0, tick));
    pit_arm(p, tick);
}

/* --- registers ----------------------------------------------------------- */

static void counter_set_mode(PitState *s, int n, uint8_t control)
{
    uint8_t mode = control >> 1 & 7;
    s->mode[n] = mode > 5 ? mode - 4 : mode;
    s->rw[n] = control >> 4 & 3;
    s->bcd[n] = control & 1;
    s->running[n] = false;
    s->write_msb[n] = s->read_msb[n] = 0;
    s->latched_bytes[n] = s->status_latched[n] = 0;
    s->next[n] = 0;
    s->next_at[n] = TICK_NEVER;
}

/* Where a running periodic counter takes over a new count: at the end of the
 * period, in mode 3 of the half period. */
static int64_t counter_takeover(const PitState *s, int n, int64_t tick)
{
    int64_t count = counter_count(s, n), e = tick - s->start[n];
    if (e < 0) {
        return s->start[n];
    }
    int64_t phase = e % count, end = count;
    if (s->mode[n] == 3 && phase < counter_high_ticks(s, n)) {
        end = counter_high_ticks(s, n);
    }
    return tick - phase + end;
}

static void counter_set_count(PitState *s, int n, uint16_t raw, int64_t tick)
{
    uint32_t v = s->bcd[n] ? from_bcd(raw) : raw;
    s->next[n] = v ? v : counter_modulus(s, n);
    if (mode_is_triggered(s->mode[n])) {
        return;            /* waits for the gate */
    }
    if (!mode_is_periodic(s->mode[n]) || !s->running[n]) {
        counter_load(s, n, tick);
    } else if (s->gate[n]) {
        s->next_at[n] = counter_takeover(s, n, tick);
    }
}

static void counter_write(PitState *s, int n, uint8_t v, int64_t tick)
{
    switch (s->rw[n]) {
    case RW_LSB:
        counter_set_count(s, n, v, tick);
        break;
    case RW_MSB:
        counter_set_count(s, n, v << 8, tick);
        break;
    default:
        if (s->write_msb[n]) {
            counter_set_count(s, n, v << 8 | s->write_lsb[n], tick);
        } else {
            s->write_lsb[n] = v;
            /* "Writing the first byte disables counting", mode 0. */
            s->running[n] &= s->mode[n] != 0;
        }
        s->write_msb[n] ^= 1;
        break;
    }
}

static void counter_latch(PitState *s, int n, int64_t tick)
{
    if (!s->latched_bytes[n]) {
        s->latch[n] = counter_read(s, n, tick);
        s->latched_bytes[n] = s->rw[n] == RW_BOTH ? 2 : 1;
    }
}

/* Status byte: OUT, null count, RW, mode, BCD (data sheet figure 11). */
static void counter_latch_status(PitState *s, int n, int64_t tick)
{
    if (s->status_latched[n]) {
        return;
    }
    bool null_count = !s->running[n] || s->next[n] || tick < s->start[n];
    s->status[n] = counter_out(s, n, tick) << 7 | null_count << 6
                   | s->rw[n] << 4 | s->mode[n] << 1 | s->bcd[n];
    s->status_latched[n] = true;
}

static void pit_read_back(PitState *s, uint8_t command, int64_t tick)
{
    for (int n = 0; n < COUNTERS; n++) {
        if (!(command & BIT(n + 1))) {
            continue;
        }
        if (!(command & BIT(5))) {
            counter_latch(s, n, tick);
        }
        if (!(command & BIT(4))) {
            counter_latch_status(s, n, tick);
        }
    }
}

static void pit_control(Pit *p, uint8_t v, int64_t tick)
{
    int n = v >> 6;
    if (n == READ_BACK) {
        pit_read_back(&p->s, v, tick);
    } else if ((v >> 4 & 3) == RW_LATCH) {
        counter_latch(&p->s, n, tick);
    } else {
        counter_set_mode(&p->s, n, v);
    }
}

static uint8_t counter_read_byte(PitState *s, int n, int64_t tick)
{
    if (s->status_latched[n]) {
        s->status_latched[n] = false;
        return s->status[n];
    }
    uint16_t v = s->latch[n];
    if (s->latched_bytes[n]) {
        s->latched_bytes[n]--;
    } else {
        v = counter_read(s, n, tick);
    }
    bool high = s->rw[n] == RW_MSB || (s->rw[n] == RW_BOTH && s->read_msb[n]);
    s->read_msb[n] ^= s->rw[n] == RW_BOTH;
    return high ? v >> 8 : v;
}

static uint64_t pit_read(void *opaque, PhysAddr offset, unsigned size)
{
    Pit *p = opaque;
    int64_t tick = pit_bring(p);
    if (offset == COUNTERS) {
        return 0xff;       /* the control word cannot be read */
    }
    return counter_read_byte(&p->s, offset, tick);
}

static void pit_write(void *opaque, PhysAddr offset, uint64_t v,
                      unsigned size)
{
    Pit *p = opaque;
    int64_t tick = pit_bring(p);
    if (offset == COUNTERS) {
        pit_control(p, v, tick);
    } else {
        counter_write(&p->s, offset, v, tick);
    }
    pit_update_irq(p, tick);
}

/* --- port 0x61 ------------------------------------------------------------ */

static void counter_set_gate(PitState *s, int n, bool level, int64_t tick)
{
    if (s->gate[n] == level) {
        return;
    }
    uint8_t mode = s->mode[n];
    if (!level) {
        if (!mode_is_triggered(mode)) {
            s->held[n] = tick - s->start[n];
        }
        s->next_at[n] = TICK_NEVER;
        s->gate[n] = 0;
        return;
    }
    s->gate[n] = 1;
    if (mode_is_triggered(mode) && (s->running[n] || s->next[n])) {
        counter_load(s, n, tick);
    } else if (mode_is_periodic(mode) && s->running[n]) {
        counter_load(s, n, tick);
    } else if (s->running[n]) {
        s->start[n] = tick - s->held[n];
    }
}

static uint64_t port_b_read(void *opaque, PhysAddr offset, unsigned size)
{
    Pit *p = opaque;
    int64_t tick = pit_bring(p);
    uint8_t v = p->s.port_b;
    if (tick / REFRESH_TICKS & 1) {
        v |= PORTB_REFRESH;
    }
    if (counter_out(&p->s, SPEAKER_COUNTER, tick)) {
        v |= PORTB_OUT2;
    }
    return v;
}

static void port_b_write(void *opaque, PhysAddr offset, uint64_t v,
                         unsigned size)
{
    Pit *p = opaque;
    int64_t tick = pit_bring(p);
    p->s.port_b = v & PORTB_WRITE;
    counter_set_gate(&p->s, SPEAKER_COUNTER, v & PORTB_GATE2, tick);
}

static const MemOps pit_ops = { pit_read, pit_write, .max_size = 1 };
static const MemOps port_b_ops = { port_b_read, port_b_write, .max_size = 1 };

IrqLine *i8254_irq(Device *dev)
{
    return &((Pit *)dev)->irq;
}

static bool pit_realize(Device *dev, Error **errp)
{
    Pit *p = (Pit *)dev;
    Machine *m = dev->machine;
    timer_init(&p->timer, m->clock, "pit", &p->s.edge_due, pit_timer, p);
    mem_init_io(&p->io, "pit", 4, &pit_ops, p);
    mem_add(&m->io_root, 0x40, &p->io, 0);
    mem_init_io(&p->port_b_io, "port61", 1, &port_b_ops, p);
    mem_add(&m->io_root, 0x61, &p->port_b_io, 0);
    return true;
}

static void pit_reset(Device *dev)
{
    Pit *p = (Pit *)dev;
    p->s.gate[SPEAKER_COUNTER] = 0;
    timer_cancel(&p->timer);
    irq_set(&p->irq, false);
}

const DeviceClass i8254_class = {
    .name = "isa-pit",
    .desc = "8254 interval timer and port 61",
    .category = "Misc",
    .size = sizeof(Pit),
    .state_offset = offsetof(Pit, s),
    .state = pit_state,
    .realize = pit_realize,
    .reset = pit_reset,
};
