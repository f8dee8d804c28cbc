/*
 * MC146818 real-time clock with 128 bytes of CMOS (Motorola data sheet
 * ADI1018; the century in byte 0x32 as every PC since the AT has it).
 *
 * The clock does not run: date and time are computed from virtual time plus a
 * base when they are read, and so are the flags of register C, for the time
 * since they were last looked at. The one timer is armed only for an interrupt
 * that is enabled. While the clock is stopped (SET, or the divider in reset)
 * its ten bytes are plain CMOS.
 *
 * All rows are on the battery and survive a reset, but for the few bits that
 * the RESET pin clears (data sheet, "RESET").
 */
#include <string.h>

#include "base/bits.h"
#include "hw/pc-chips.h"
#include "vm/machine.h"

#include "rtc-time.h"

enum {
    REG_SEC, REG_SEC_ALARM, REG_MIN, REG_MIN_ALARM, REG_HOUR, REG_HOUR_ALARM,
    REG_WDAY, REG_MDAY, REG_MONTH, REG_YEAR, REG_A, REG_B, REG_C, REG_D,
    REG_CENTURY = 0x32,
};

#define A_UIP      BIT(7)
#define A_DV_RUN   0x20    /* the largest DV that lets the divider run */
#define A_DV       0x70
#define A_RS       0x0f
#define B_SET      BIT(7)
#define B_PIE      BIT(6)
#define B_AIE      BIT(5)
#define B_UIE      BIT(4)
#define B_SQWE     BIT(3)
#define B_BINARY   BIT(2)
#define B_24H      BIT(1)
#define C_IRQF     BIT(7)
#define C_PF       B_PIE   /* each flag is where its enable bit is in B */
#define C_AF       B_AIE
#define C_UF       B_UIE
#define C_FLAGS    (C_PF | C_AF | C_UF)
#define D_VRT      BIT(7)

/* tBUC + tUC with a 32.768 kHz crystal: UIP is up for so long. */
#define UPDATE_NS  (244 * NS_PER_US + 1984 * NS_PER_US)
/* Releasing the divider lets the first update come after half a second. */
#define RELEASE_NS (NS_PER_SEC / 2)
#define CRYSTAL_HZ 32768
#define SECONDS_PER_DAY 86400
/* Some thousand years more than a guest can set: no date overflows. */
#define BASE_SEC_MAX (INT64_C(1) << 40)

#define CMOS_BYTES 128
typedef uint8_t RtcCmos[CMOS_BYTES];

#define RTC_STATE(_)                                                         \
    _(uint8_t, STATE_U8, index, 0, 1, "address register")                    \
    _(RtcCmos, STATE_U8, cmos, 0, 1, "CMOS; time while the clock stands")    \
    _(int64_t, STATE_I64, base_sec, 0, 1, "seconds since 1970 at ns 0",      \
      STATE_IN(-BASE_SEC_MAX, BASE_SEC_MAX))                                 \
    _(int64_t, STATE_I64, phase_ns, 0, 1, "of a second, at ns 0",            \
      STATE_IN(0, NS_PER_SEC))                                               \
    _(int64_t, STATE_I64, wday_shift, 0, 1, "weekday the guest wants",       \
      STATE_IN(0, 6))                                                        \
    _(int64_t, STATE_TIME, looked, 0, 1, "register C is right up to here")   \
    _(int64_t, STATE_TIME, due, TIME_NEVER, 1, "next enabled interrupt")

STATE_STRUCT(RtcState, RTC_STATE);
static STATE_TABLE(rtc_state, "mc146818", 1, RtcState, RTC_STATE)

typedef struct Rtc {
    Device dev;
    RtcState s;
    IrqLine irq;
    Timer timer;
    MemRegion io;
} Rtc;

static int64_t rtc_now(const Rtc *r)
{
    return clock_now_ns(r->dev.machine->clock);
}

static bool rtc_divider_runs(const RtcState *s)
{
    return (s->cmos[REG_A] & A_DV) <= A_DV_RUN;
}

static bool rtc_runs(const RtcState *s)
{
    return rtc_divider_runs(s) && !(s->cmos[REG_B] & B_SET);
}

/* Whole seconds since 1970 at virtual time ns, if the clock runs. */
static int64_t rtc_seconds(const RtcState *s, int64_t ns)
{
    return s->base_sec + (ns + s->phase_ns) / NS_PER_SEC;
}

/* --- the ten bytes -------------------------------------------------------- */

static uint8_t rtc_encode(const RtcState *s, int v)
{
    return s->cmos[REG_B] & B_BINARY ? v : v / 10 << 4 | v % 10;
}

static int rtc_decode(const RtcState *s, uint8_t v)
{
    return s->cmos[REG_B] & B_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

static uint8_t rtc_encode_hour(const RtcState *s, int hour)
{
    if (s->cmos[REG_B] & B_24H) {
        return rtc_encode(s, hour);
    }
    int twelve = hour % 12 ? hour % 12 : 12;
    return rtc_encode(s, twelve) | (hour >= 12 ? 0x80 : 0);
}

static int rtc_decode_hour(const RtcState *s, uint8_t v)
{
    if (s->cmos[REG_B] & B_24H) {
        return rtc_decode(s, v);
    }
    return rtc_decode(s, v & 0x7f) % 12 + (v & 0x80 ? 12 : 0);
}

static void rtc_store_time(RtcState *s, int64_t sec)
{
    RtcDate d = rtc_date(sec);
    /* A guest may set the day before the year 0. */
    unsigned year = (d.year % 10000 + 10000) % 10000;
    s->cmos[REG_SEC] = rtc_encode(s, d.second);
    s->cmos[REG_MIN] = rtc_encode(s, d.minute);
    s->cmos[REG_HOUR] = rtc_encode_hour(s, d.hour);
    s->cmos[REG_WDAY] = rtc_encode(s, (d.weekday + s->wday_shift) % 7 + 1);
    s->cmos[REG_MDAY] = rtc_encode(s, d.day);
    s->cmos[REG_MONTH] = rtc_encode(s, d.month);
    s->cmos[REG_YEAR] = rtc_encode(s, year % 100);
    /* The century is not the chip's: BIOS keeps it in BCD. */
    s->cmos[REG_CENTURY] = year / 1000 << 4 | year / 100 % 10;
}

/* The time in the ten bytes; what is out of range is carried over. */
static int64_t rtc_load_time(RtcState *s)
{
    uint8_t century = s->cmos[REG_CENTURY];
    RtcDate d = {
        .year = ((century >> 4) * 10 + (century & 15)) * 100
                + rtc_decode(s, s->cmos[REG_YEAR]),
        .month = rtc_decode(s, s->cmos[REG_MONTH]),
        .day = rtc_decode(s, s->cmos[REG_MDAY]),
        .hour = rtc_decode_hour(s, s->cmos[REG_HOUR]),
        .minute = rtc_decode(s, s->cmos[REG_MIN]),
        .second = rtc_decode(s, s->cmos[REG_SEC]),
    };
    int64_t sec = rtc_date_seconds(&d);
    int wday = rtc_decode(s, s->cmos[REG_WDAY]) - 1;
    s->wday_shift = ((wday - rtc_date(sec).weekday) % 7 + 7) % 7;
    return sec;
}

static bool reg_is_time(unsigned reg)
{
    return reg == REG_CENTURY
           || (reg <= REG_YEAR && reg != REG_SEC_ALARM
               && reg != REG_MIN_ALARM && reg != REG_HOUR_ALARM);
}

/* --- what happens when ---------------------------------------------------- */

/* Each function gives the first ns after `ns` at which something happens. */

static int64_t rtc_next_update(const RtcState *s, int64_t ns)
{
    if (!rtc_runs(s)) {
        return TIME_NEVER;
    }
    return ns + NS_PER_SEC - (ns + s->phase_ns) % NS_PER_SEC;
}

static int64_t rtc_next_periodic(const RtcState *s, int64_t ns)
{
    unsigned rs = s->cmos[REG_A] & A_RS;
    if (!rs || !rtc_divider_runs(s)) {
        return TIME_NEVER;
    }
    /* Rates 1 and 2 repeat 8 and 9 with this time base (table 5). */
    unsigned log2_cycles = (rs < 3 ? rs + 7 : rs) - 1;
    unsigned __int128 t = ns + s->phase_ns;
    unsigned __int128 n = (t * CRYSTAL_HZ / NS_PER_SEC) >> log2_cycles;
    n = (n + 1) << log2_cycles;
    int64_t next = (n * NS_PER_SEC + CRYSTAL_HZ - 1) / CRYSTAL_HZ;
    return next - s->phase_ns;
}

/* Whether an alarm byte lets a value pass: 11xxxxxx matches all. */
static bool alarm_matches(uint8_t alarm, uint8_t encoded)
{
    return (alarm & 0xc0) == 0xc0 || alarm == encoded;
}

/* Whether each of the three bytes matches some time. */
static bool alarm_possible(const RtcState *s)
{
    bool hour = false, minute = false, second = false;
    for (int i = 0; i < 60; i++) {
        hour |= i < 24 && alarm_matches(s->cmos[REG_HOUR_ALARM],
                                        rtc_encode_hour(s, i));
        minute |= alarm_matches(s->cmos[REG_MIN_ALARM], rtc_encode(s, i));
        second |= alarm_matches(s->cmos[REG_SEC_ALARM], rtc_encode(s, i));
    }
    return hour && minute && second;
}

/* Seconds from time of day t (0..86399) to the first match at or after it,
 * -1 if nothing ever matches. */
static int rtc_alarm_distance(const RtcState *s, int t)
{
    int distance = alarm_possible(s) ? 0 : SECONDS_PER_DAY;
    while (distance < SECONDS_PER_DAY) {
        int now = (t + distance) % SECONDS_PER_DAY;
        if (!alarm_matches(s->cmos[REG_HOUR_ALARM],
                           rtc_encode_hour(s, now / 3600))) {
            distance += 3600 - now % 3600;
        } else if (!alarm_matches(s->cmos[REG_MIN_ALARM],
                                  rtc_encode(s, now / 60 % 60))) {
            distance += 60 - now % 60;
        } else if (!alarm_matches(s->cmos[REG_SEC_ALARM],
                                  rtc_encode(s, now % 60))) {
            distance++;
        } else {
            return distance;
        }
    }
    return -1;
}

static int64_t rtc_next_alarm(const RtcState *s, int64_t ns)
{
    int64_t update = rtc_next_update(s, ns);
    if (update == TIME_NEVER) {
        return TIME_NEVER;
    }
    int64_t sec = rtc_seconds(s, update);
    int64_t t = sec % SECONDS_PER_DAY;
    int distance =
        rtc_alarm_distance(s, t < 0 ? t + SECONDS_PER_DAY : t);
    return distance < 0 ? TIME_NEVER : update + distance * NS_PER_SEC;
}

typedef struct RtcEvent {
    uint8_t flag;
    int64_t (*next)(const RtcState *s, int64_t ns);
} RtcEvent;

static const RtcEvent rtc_events[] = {
    { C_PF, rtc_next_periodic },
    { C_AF, rtc_next_alarm },
    { C_UF, rtc_next_update },
};

/* --- flags and the interrupt ---------------------------------------------- */

/* Brings register C up to now. */
static void rtc_look(Rtc *r)
{
    RtcState *s = &r->s;
    int64_t now = rtc_now(r);
    /* Alarms come with updates, which are rare. */
    bool updated = rtc_next_update(s, s->looked) <= now;
    for (size_t i = 0; i < G_N_ELEMENTS(rtc_events); i++) {
        uint8_t flag = rtc_events[i].flag;
        bool possible = flag == C_PF || updated;
        if (possible && !(s->cmos[REG_C] & flag)
            && rtc_events[i].next(s, s->looked) <= now) {
            s->cmos[REG_C] |= flag;
        }
    }
    s->looked = now;
}

/* Drives IRQ 8 and arms the timer for what is enabled and has not happened;
 * register C is up to date. */
static void rtc_update_irq(Rtc *r)
{
    RtcState *s = &r->s;
    uint8_t enabled = s->cmos[REG_B] & C_FLAGS;
    bool level = s->cmos[REG_C] & enabled;
    s->cmos[REG_C] = (s->cmos[REG_C] & C_FLAGS) | (level ? C_IRQF : 0);
    irq_set(&r->irq, level);

    int64_t due = TIME_NEVER;
    for (size_t i = 0; i < G_N_ELEMENTS(rtc_events); i++) {
        if (enabled & ~s->cmos[REG_C] & rtc_events[i].flag) {
            int64_t next = rtc_events[i].next(s, s->looked);
            due = MIN(due, next);
        }
    }
    if (due == TIME_NEVER) {
        timer_cancel(&r->timer);
    } else {
        timer_arm(&r->timer, due);
    }
}

static void rtc_timer(void *opaque)
{
    Rtc *r = opaque;
    rtc_look(r);
    rtc_update_irq(r);
}

/* --- registers ------------------------------------------------------------ */

/* Lets the clock go on from the time in the ten bytes. */
static void rtc_start(RtcState *s, int64_t now)
{
    s->base_sec = rtc_load_time(s) - (now + s->phase_ns) / NS_PER_SEC;
}

/* A write to A or B: the clock may stop or start by it. */
static void rtc_write_control(Rtc *r, unsigned reg, uint8_t v)
{
    RtcState *s = &r->s;
    int64_t now = r->s.looked;
    bool ran = rtc_runs(s), divider_ran = rtc_divider_runs(s);
    if (ran) {
        rtc_store_time(s, rtc_seconds(s, now));
    }
    s->cmos[reg] = v;
    if (!divider_ran && rtc_divider_runs(s)) {
        s->phase_ns = (NS_PER_SEC - now % NS_PER_SEC + RELEASE_NS)
                      % NS_PER_SEC;
    }
    if (rtc_runs(s)) {
        if (ran) {
            /* The data mode may have changed, the time has not. */
            rtc_store_time(s, rtc_seconds(s, now));
        } else {
            rtc_start(s, now);
        }
    }
}

static void rtc_write_time(Rtc *r, unsigned reg, uint8_t v)
{
    RtcState *s = &r->s;
    bool runs = rtc_runs(s);
    if (runs) {
        rtc_store_time(s, rtc_seconds(s, s->looked));
    }
    s->cmos[reg] = v;
    if (runs) {
        rtc_start(s, s->looked);
    }
}

static void rtc_write_reg(Rtc *r, unsigned reg, uint8_t v)
{
    rtc_look(r);
    switch (reg) {
    case REG_A:
        rtc_write_control(r, reg, v & ~A_UIP);
        break;
    case REG_B:
        rtc_write_control(r, reg, v & B_SET ? v & ~B_UIE : v);
        break;
    case REG_C:
    case REG_D:
        break;             /* read only */
    default:
        if (reg_is_time(reg)) {
            rtc_write_time(r, reg, v);
        } else {
            r->s.cmos[reg] = v;
        }
        break;
    }
    rtc_update_irq(r);
}

static uint8_t rtc_read_a(Rtc *r)
{
    RtcState *s = &r->s;
    int64_t now = rtc_now(r);
    int64_t update = rtc_next_update(s, now);
    bool uip = update != TIME_NEVER && update - now <= UPDATE_NS;
    return s->cmos[REG_A] | (uip ? A_UIP : 0);
}

static uint8_t rtc_read_c(Rtc *r)
{
    rtc_look(r);
    rtc_update_irq(r);
    uint8_t v = r->s.cmos[REG_C];
    r->s.cmos[REG_C] = 0;
    rtc_update_irq(r);
    return v;
}

static uint8_t rtc_read_reg(Rtc *r, unsigned reg)
{
    switch (reg) {
    case REG_A:
        return rtc_read_a(r);
    case REG_C:
        return rtc_read_c(r);
    case REG_D:
        return D_VRT;
    }
    if (reg_is_time(reg) && rtc_runs(&r->s)) {
        rtc_store_time(&r->s, rtc_seconds(&r->s, rtc_now(r)));
    }
    return r->s.cmos[reg];
}

static uint64_t rtc_read(void *opaque, PhysAddr offset, unsigned size)
{
    Rtc *r = opaque;
    return offset ? rtc_read_reg(r, r->s.index % CMOS_BYTES) : 0xff;
}

static void rtc_write(void *opaque, PhysAddr offset, uint64_t v,
                      unsigned size)
{
    Rtc *r = opaque;
    if (offset) {
        rtc_write_reg(r, r->s.index % CMOS_BYTES, v);
    } else {
        /* Bit 7 masks NMI on a real board; no NMI source here asks. */
        r->s.index = v & (CMOS_BYTES - 1);
    }
}

static const MemOps rtc_ops = { rtc_read, rtc_write, .max_size = 1 };

/* --- for the board -------------------------------------------------------- */

IrqLine *mc146818_irq(Device *dev)
{
    return &((Rtc *)dev)->irq;
}

void mc146818_set_base(Device *dev, int64_t sec)
{
    Rtc *r = (Rtc *)dev;
    r->s.base_sec = sec;
    r->s.phase_ns = 0;
    r->s.wday_shift = 0;
}

void mc146818_set_cmos(Device *dev, unsigned index, uint8_t value)
{
    g_assert(index > REG_D && index < CMOS_BYTES && index != REG_CENTURY);
    ((Rtc *)dev)->s.cmos[index] = value;
}

uint8_t mc146818_get_cmos(Device *dev, unsigned index)
{
    g_assert(index < CMOS_BYTES);
    return ((Rtc *)dev)->s.cmos[index];
}

static void set_cmos_le(Device *dev, unsigned index, unsigned bytes,
                        uint64_t v)
{
    for (unsigned i = 0; i < bytes; i++) {
        mc146818_set_cmos(dev, index + i, v >> (8 * i));
    }
}

void mc146818_set_ram(Device *dev, uint64_t below_4g, uint64_t above_4g)
{
    uint64_t base_kib = MIN(below_4g / KIB, 640);
    uint64_t extended_kib = below_4g > MIB ? (below_4g - MIB) / KIB : 0;
    uint64_t above_16m =
        below_4g > 16 * MIB ? (below_4g - 16 * MIB) / (64 * KIB) : 0;
    set_cmos_le(dev, 0x15, 2, base_kib);
    set_cmos_le(dev, 0x17, 2, MIN(extended_kib, 0xffff));
    set_cmos_le(dev, 0x30, 2, MIN(extended_kib, 0xffff));
    set_cmos_le(dev, 0x34, 2, MIN(above_16m, 0xffff));
    set_cmos_le(dev, 0x5b, 3, above_4g / (64 * KIB));
}

void mc146818_set_boot_order(Device *dev, const char *order)
{
    static const char codes[] = " acdn"; /* 1 floppy 2 disk 3 CD 4 network */
    uint8_t nibble[3] = { 0 };
    unsigned n = 0;
    for (const char *c = order ? order : "cad"; *c && n < 3; c++) {
        const char *code = strchr(codes + 1, *c);
        if (code) {
            nibble[n++] = code - codes;
        }
    }
    mc146818_set_cmos(dev, 0x3d, nibble[1] << 4 | nibble[0]);
    mc146818_set_cmos(dev, 0x38, nibble[2] << 4);
}

static bool rtc_realize(Device *dev, Error **errp)
{
    Rtc *r = (Rtc *)dev;
    Machine *m = dev->machine;
    r->s.cmos[REG_A] = A_DV_RUN | 6;     /* 32.768 kHz, 1024 Hz */
    r->s.cmos[REG_B] = B_24H;
    timer_init(&r->timer, m->clock, "rtc", &r->s.due, rtc_timer, r);
    mem_init_io(&r->io, "rtc", 2, &rtc_ops, r);
    mem_add(&m->io_root, 0x70, &r->io, 0);
    return true;
}

static void rtc_reset(Device *dev)
{
    Rtc *r = (Rtc *)dev;
    rtc_look(r);
    r->s.index = 0;
    r->s.cmos[REG_B] &= ~(C_FLAGS | B_SQWE);
    r->s.cmos[REG_C] = 0;
    rtc_update_irq(r);
}

const DeviceClass mc146818_class = {
    .name = "mc146818rtc",
    .desc = "MC146818 real-time clock and CMOS",
    .category = "Misc",
    .size = sizeof(Rtc),
    .state_offset = offsetof(Rtc, s),
    .state = rtc_state,
    .realize = rtc_realize,
    .reset = rtc_reset,
    .battery = true,
};
