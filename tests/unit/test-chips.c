/*
 * The PC's interrupt controllers, timer and clock, poked through their ports.
 */
#include "chips-machine.h"

static void move_pointer(Machine *m, int dx, int dy, unsigned buttons)
{
    InputPointer p = { dx, dy, 0, buttons & 7, 7 };
    input_send_pointer(m, &p);
}

#define PIT_HZ 1193182

/* --- PIC ------------------------------------------------------------------ */

static void pic_init(ChipsMachine *c, uint8_t icw4)
{
    static const uint16_t ports[] = { 0x20, 0xa0 };
    static const uint8_t words[2][2] = { { 0x08, 0x04 }, { 0x70, 0x02 } };
    for (int i = 0; i < 2; i++) {
        chips_out(c, ports[i], 0x11);
        chips_out(c, ports[i] + 1, words[i][0]);
        chips_out(c, ports[i] + 1, words[i][1]);
        chips_out(c, ports[i] + 1, icw4);
        chips_out(c, ports[i] + 1, 0);
    }
}

static uint8_t pic_reg(ChipsMachine *c, uint16_t port, uint8_t ocw3)
{
    chips_out(c, port, ocw3);
    return chips_in(c, port);
}

static void test_pic_priority(void)
{
    ChipsMachine *c = chips_new();
    pic_init(c, 1);
    g_assert_false(c->intr);
    i8259_irq(c->pic, 3, true);
    i8259_irq(c->pic, 1, true);
    g_assert_true(c->intr);
    g_assert_cmphex(pic_reg(c, 0x20, 0x0a), ==, 0x0a);
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 9);
    g_assert_false(c->intr);           /* 1 in service holds 3 back */
    g_assert_cmphex(pic_reg(c, 0x20, 0x0b), ==, 0x02);
    i8259_irq(c->pic, 0, true);        /* 0 may interrupt it */
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 8);
    chips_out(c, 0x20, 0x20);
    g_assert_cmphex(pic_reg(c, 0x20, 0x0b), ==, 0x02);
    chips_out(c, 0x20, 0x20);
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 11);
    chips_out(c, 0x20, 0x63);          /* specific EOI */
    g_assert_cmphex(pic_reg(c, 0x20, 0x0b), ==, 0);
    g_assert_false(c->intr);           /* edge: levels are still high */
    chips_out(c, 0x21, 0x02);
    i8259_irq(c->pic, 1, false);
    i8259_irq(c->pic, 1, true);
    g_assert_false(c->intr);           /* masked */
    chips_out(c, 0x21, 0x00);
    g_assert_true(c->intr);
    chips_free(c);
}

static void test_pic_rotation(void)
{
    ChipsMachine *c = chips_new();
    pic_init(c, 1);
    chips_out(c, 0x20, 0xc4);          /* 4 lowest, so 5 highest */
    i8259_irq(c->pic, 4, true);
    i8259_irq(c->pic, 5, true);
    i8259_irq(c->pic, 0, true);
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 13);
    chips_out(c, 0x20, 0xa0);          /* EOI, 5 becomes lowest */
    i8259_irq(c->pic, 5, false);
    i8259_irq(c->pic, 5, true);
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 8);
    chips_out(c, 0x20, 0x20);
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 12);
    chips_out(c, 0x20, 0x20);
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 13);
    chips_free(c);
}

static void test_pic_cascade(void)
{
    ChipsMachine *c = chips_new();
    pic_init(c, 1);
    i8259_irq(c->pic, 10, true);
    i8259_irq(c->pic, 14, true);
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 0x72);
    g_assert_cmphex(pic_reg(c, 0x20, 0x0b), ==, 0x04);
    g_assert_cmphex(pic_reg(c, 0xa0, 0x0b), ==, 0x04);
    chips_out(c, 0xa0, 0x20);
    chips_out(c, 0x20, 0x20);
    g_assert_true(c->intr);
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 0x76);
    chips_out(c, 0xa0, 0x20);
    chips_out(c, 0x20, 0x20);
    g_assert_false(c->intr);
    chips_free(c);
}

static void test_pic_spurious(void)
{
    ChipsMachine *c = chips_new();
    pic_init(c, 1);
    i8259_irq(c->pic, 3, true);
    i8259_irq(c->pic, 3, false);
    g_assert_false(c->intr);
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 15);
    g_assert_cmphex(pic_reg(c, 0x20, 0x0b), ==, 0);
    /* The slave's request goes away after the master took it. */
    i8259_irq(c->pic, 9, true);
    chips_out(c, 0xa1, 0xff);
    chips_out(c, 0x21, 0xff);
    chips_out(c, 0x21, 0);
    chips_out(c, 0xa1, 0);
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 0x71);
    chips_free(c);
}

static void test_pic_modes(void)
{
    ChipsMachine *c = chips_new();
    pic_init(c, 3);                    /* automatic EOI */
    i8259_irq(c->pic, 6, true);
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 14);
    g_assert_cmphex(pic_reg(c, 0x20, 0x0b), ==, 0);
    i8259_irq(c->pic, 6, false);
    i8259_irq(c->pic, 9, true);        /* the slave asks on without a pause */
    i8259_irq(c->pic, 10, true);
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 0x71);
    g_assert_true(c->intr);
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 0x72);
    g_assert_false(c->intr);
    i8259_irq(c->pic, 9, false);
    i8259_irq(c->pic, 10, false);

    pic_init(c, 1);                    /* special mask mode */
    i8259_irq(c->pic, 1, true);
    pic_acknowledge(c->pic);
    i8259_irq(c->pic, 5, true);
    g_assert_false(c->intr);
    chips_out(c, 0x21, 0x02);
    chips_out(c, 0x20, 0x68);
    g_assert_true(c->intr);
    chips_out(c, 0x20, 0x0c);          /* poll instead of INTA */
    g_assert_cmphex(chips_in(c, 0x20), ==, 0x85);
    g_assert_false(c->intr);
    chips_out(c, 0x20, 0x0c);
    g_assert_cmphex(chips_in(c, 0x20) & 0x80, ==, 0);

    pic_init(c, 1);                    /* level by ELCR */
    chips_out(c, 0x4d1, 0xff);
    g_assert_cmphex(chips_in(c, 0x4d1), ==, 0xde);
    i8259_irq(c->pic, 11, true);
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 0x73);
    chips_out(c, 0xa0, 0x20);
    chips_out(c, 0x20, 0x20);
    g_assert_true(c->intr);            /* still asked for */
    g_assert_cmpint(pic_acknowledge(c->pic), ==, 0x73);
    i8259_irq(c->pic, 11, false);
    chips_out(c, 0xa0, 0x20);
    chips_out(c, 0x20, 0x20);
    g_assert_false(c->intr);
    chips_free(c);
}

/* --- PIT ------------------------------------------------------------------ */

static void pit_program(ChipsMachine *c, int n, uint8_t mode_bcd,
                        uint16_t count)
{
    chips_out(c, 0x43, n << 6 | 0x30 | mode_bcd);
    chips_out(c, 0x40 + n, count);
    chips_out(c, 0x40 + n, count >> 8);
}

static uint16_t pit_count(ChipsMachine *c, int n)
{
    chips_out(c, 0x43, n << 6);
    uint16_t low = chips_in(c, 0x40 + n);
    return low | chips_in(c, 0x40 + n) << 8;
}

static uint8_t pit_status(ChipsMachine *c, int n)
{
    chips_out(c, 0x43, 0xe0 | 2 << n);
    return chips_in(c, 0x40 + n);
}

/* ns after which `ticks` more ticks have passed, from a whole second. */
static int64_t ticks_ns(int64_t ticks)
{
    return (ticks * NS_PER_SEC + PIT_HZ - 1) / PIT_HZ;
}

static void test_pit_rate(void)
{
    ChipsMachine *c = chips_new();
    pit_program(c, 0, 4, 1193);
    unsigned before = c->rises[0];
    chips_run_ns(c, NS_PER_SEC);
    g_assert_cmpuint(c->rises[0] - before, ==, (PIT_HZ - 1) / 1193);
    /* A hundred seconds later not a tick has been lost. */
    chips_run_ns(c, 99 * NS_PER_SEC);
    g_assert_cmpuint(c->rises[0] - before, ==,
                     (INT64_C(100) * PIT_HZ - 1) / 1193);
    /* A new count takes over at the end of a period only. */
    before = c->rises[0];
    chips_out(c, 0x40, 0);
    chips_out(c, 0x40, 0);
    chips_run_ns(c, ticks_ns(1193));
    g_assert_cmpuint(c->rises[0] - before, ==, 1);
    chips_run_ns(c, ticks_ns(65536) - ticks_ns(1193));
    g_assert_cmpuint(c->rises[0] - before, ==, 1);
    chips_run_ns(c, ticks_ns(1193));
    g_assert_cmpuint(c->rises[0] - before, ==, 2);
    chips_free(c);
}

/* A loaded clock may be a century ahead of the counters: they are there at
 * once, in step. */
static void test_pit_catches_up(void)
{
    for (uint8_t mode = 2; mode <= 3; mode++) {
        ChipsMachine *c = chips_new();
        Clock *clock = c->m->clock;
        pit_program(c, 0, mode << 1, 1000);
        unsigned before = c->rises[0];
        int64_t start_ns = clock_now_ns(clock);
        int64_t century_ns = 100 * INT64_C(365) * 86400 * NS_PER_SEC;
        clock_warp_to(clock, century_ns);
        clock_run_timers(clock);
        g_assert_cmpuint(c->rises[0] - before, <=, 3);
        g_assert_cmpint(clock_next_due_ns(clock), >, century_ns);
        g_assert_cmpint(clock_next_due_ns(clock), <=,
                        century_ns + ticks_ns(1000));
        /* The load came at the tick after start_ns. */
        __int128 from = (__int128)start_ns * PIT_HZ / NS_PER_SEC + 1;
        __int128 to = (__int128)century_ns * PIT_HZ / NS_PER_SEC;
        before = c->rises[0];
        int64_t left = 1000 - (int64_t)((to - from) % 1000);
        chips_run_ns(c, ticks_ns(left + 5000));
        g_assert_cmpuint(c->rises[0] - before, ==, 6);
        if (mode == 2) {
            g_assert_cmpuint(pit_count(c, 0), >=, 998);
        }
        chips_free(c);
    }
}

static void set_row(Device *dev, const char *name, uint32_t index, uint64_t v)
{
    const StateTable *t = dev->cls->state();
    for (uint32_t n = 0; n < t->field_count; n++) {
        if (g_str_equal(t->fields[n].name, name)) {
            state_set(&t->fields[n], device_state(dev), index, v);
            return;
        }
    }
    g_assert_not_reached();
}

/* The same where a loaded state has a new count wait for as long. */
static void test_pit_late_count(void)
{
    ChipsMachine *c = chips_new();
    Clock *clock = c->m->clock;
    pit_program(c, 0, 4, 2);
    for (guint i = 0; i < c->m->devices->len; i++) {
        Device *dev = g_ptr_array_index(c->m->devices, i);
        if (g_str_equal(dev->cls->state()->name, "i8254")) {
            set_row(dev, "next", 0, 1000);
            set_row(dev, "next_at", 0, INT64_C(1) << 53);
        }
    }
    unsigned before = c->rises[0];
    clock_warp_to(clock, 100 * INT64_C(365) * 86400 * NS_PER_SEC);
    clock_run_timers(clock);
    g_assert_cmpuint(c->rises[0] - before, <=, 3);
    chips_free(c);
}

static void test_pit_oneshot(void)
{
    ChipsMachine *c = chips_new();
    pit_program(c, 0, 0, 1000);
    g_assert_cmphex(pit_status(c, 0) & 0x80, ==, 0);
    chips_run_ns(c, ticks_ns(1000));
    g_assert_false(c->level[0]);
    g_assert_cmpuint(pit_count(c, 0), ==, 1);
    chips_run_ns(c, ticks_ns(1001) - ticks_ns(1000));
    g_assert_true(c->level[0]);
    g_assert_cmpuint(c->rises[0], ==, 1);
    g_assert_cmphex(pit_status(c, 0), ==, 0xb0);
    chips_run_ns(c, NS_PER_SEC);
    g_assert_cmpuint(c->rises[0], ==, 1);

    pit_program(c, 0, 8, 500);         /* mode 4: one low clock */
    unsigned before = c->rises[0];
    chips_run_ns(c, ticks_ns(501));
    g_assert_false(c->level[0]);
    chips_run_ns(c, 2000);
    g_assert_true(c->level[0]);
    chips_run_ns(c, NS_PER_SEC);
    g_assert_cmpuint(c->rises[0] - before, ==, 1);
    chips_free(c);
}

static void test_pit_square_and_gate(void)
{
    ChipsMachine *c = chips_new();
    chips_out(c, 0x61, 0x01);
    pit_program(c, 2, 6, 5);           /* mode 3, odd: 3 high, 2 low */
    static const uint8_t out2[] = { 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1 };
    for (unsigned i = 0; i < sizeof out2; i++) {
        g_assert_cmpuint(chips_in(c, 0x61) >> 5 & 1, ==, out2[i]);
        chips_run_ns(c, ticks_ns(i + 1) - ticks_ns(i));
    }
    pit_program(c, 2, 6, 100);         /* a new count in the high half */
    chips_run_ns(c, ticks_ns(11));
    chips_out(c, 0x42, 20);
    chips_out(c, 0x42, 0);
    chips_run_ns(c, ticks_ns(38));
    g_assert_cmphex(chips_in(c, 0x61) & 0x20, ==, 0x20);
    chips_run_ns(c, ticks_ns(5));      /* the low half has it: ten ticks */
    g_assert_cmphex(chips_in(c, 0x61) & 0x20, ==, 0x00);
    chips_run_ns(c, ticks_ns(10));
    g_assert_cmphex(chips_in(c, 0x61) & 0x20, ==, 0x20);
    chips_out(c, 0x61, 0x00);          /* gate low forces OUT high */
    g_assert_cmphex(chips_in(c, 0x61) & 0x2f, ==, 0x20);

    pit_program(c, 2, 0, 100);         /* mode 0 is frozen by it */
    chips_run_ns(c, NS_PER_SEC);
    g_assert_cmpuint(pit_count(c, 2), ==, 100);
    chips_out(c, 0x61, 0x01);
    chips_run_ns(c, ticks_ns(50));
    g_assert_cmpuint(pit_count(c, 2), >=, 49);
    g_assert_cmpuint(pit_count(c, 2), <=, 51);
    chips_out(c, 0x61, 0x00);
    pit_program(c, 2, 2, 100);         /* mode 1 waits for a trigger */
    g_assert_cmphex(chips_in(c, 0x61) & 0x20, ==, 0x20);
    chips_out(c, 0x61, 0x01);
    chips_run_ns(c, 2000);
    g_assert_cmphex(chips_in(c, 0x61) & 0x20, ==, 0);
    chips_run_ns(c, ticks_ns(100));
    g_assert_cmphex(chips_in(c, 0x61) & 0x20, ==, 0x20);
    chips_free(c);
}

static void test_pit_read_back(void)
{
    ChipsMachine *c = chips_new();
    pit_program(c, 1, 5, 0x1000);      /* mode 2, BCD */
    chips_run_ns(c, ticks_ns(11));
    chips_out(c, 0x43, 0xc4);          /* status and count of counter 1 */
    chips_run_ns(c, ticks_ns(100));
    chips_out(c, 0x43, 0x40);          /* ignored: one is latched */
    g_assert_cmphex(chips_in(c, 0x41), ==, 0xb5);
    g_assert_cmphex(chips_in(c, 0x41), ==, 0x90);
    g_assert_cmphex(chips_in(c, 0x41), ==, 0x09);
    chips_run_ns(c, ticks_ns(1000));
    uint16_t now = pit_count(c, 1);
    g_assert_cmphex(now, >=, 0x0888);
    g_assert_cmphex(now, <=, 0x0891);
    chips_out(c, 0x43, 0x36 | 0x40);   /* mode 3, count not written yet */
    g_assert_cmphex(pit_status(c, 1) & 0xc0, ==, 0xc0);
    chips_out(c, 0x43, 0x94);          /* counter 2, low byte only */
    chips_out(c, 0x42, 0x80);
    g_assert_cmphex(chips_in(c, 0x42), ==, 0x80);
    g_assert_cmphex(chips_in(c, 0x42), ==, 0x80);
    chips_free(c);
}

/* --- RTC ------------------------------------------------------------------ */

static uint8_t cmos(ChipsMachine *c, uint8_t reg)
{
    chips_out(c, 0x70, reg);
    return chips_in(c, 0x71);
}

static void cmos_set(ChipsMachine *c, uint8_t reg, uint8_t v)
{
    chips_out(c, 0x70, reg);
    chips_out(c, 0x71, v);
}

static void assert_date(ChipsMachine *c, const char *want)
{
    g_autofree char *got = g_strdup_printf(
        "%02x%02x-%02x-%02x %02x:%02x:%02x %x", cmos(c, 0x32), cmos(c, 9),
        cmos(c, 8), cmos(c, 7), cmos(c, 4), cmos(c, 2), cmos(c, 0),
        cmos(c, 6));
    g_assert_cmpstr(got, ==, want);
}

#define LEAP_EVE INT64_C(1709251198) /* 2024-02-29 23:59:58, a Thursday */

static void test_rtc_time(void)
{
    ChipsMachine *c = chips_new();
    mc146818_set_base(c->rtc, LEAP_EVE);
    assert_date(c, "2024-02-29 23:59:58 5");
    chips_run_ns(c, 2 * NS_PER_SEC - 1);
    assert_date(c, "2024-02-29 23:59:59 5");
    g_assert_cmphex(cmos(c, 0x0a) & 0x80, ==, 0x80);
    chips_run_ns(c, 1);
    g_assert_cmphex(cmos(c, 0x0a) & 0x80, ==, 0);
    assert_date(c, "2024-03-01 00:00:00 6");

    cmos_set(c, 0x0b, 0x84);           /* SET, binary, 12 hours */
    static const uint8_t regs[] = { 0, 2, 4, 6, 7, 8, 9, 0x32 };
    static const uint8_t values[] = { 59, 59, 0x8b, 6, 31, 12, 99, 0x19 };
    for (unsigned i = 0; i < sizeof regs; i++) {
        cmos_set(c, regs[i], values[i]);
    }
    chips_run_ns(c, 5 * NS_PER_SEC);   /* stands still */
    g_assert_cmpuint(cmos(c, 0), ==, 59);
    cmos_set(c, 0x0b, 0x04);
    g_assert_cmpuint(cmos(c, 4), ==, 0x8b);
    cmos_set(c, 0x0b, 0x02);
    assert_date(c, "1999-12-31 23:59:59 6");
    chips_run_ns(c, NS_PER_SEC);
    assert_date(c, "2000-01-01 00:00:00 7");
    chips_free(c);
}

static void test_rtc_divider(void)
{
    ChipsMachine *c = chips_new();
    mc146818_set_base(c->rtc, LEAP_EVE);
    chips_run_ns(c, 123456789);
    cmos_set(c, 0x0a, 0x70);           /* divider in reset */
    chips_run_ns(c, 10 * NS_PER_SEC);
    assert_date(c, "2024-02-29 23:59:58 5");
    cmos_set(c, 0x0a, 0x26);
    chips_run_ns(c, NS_PER_SEC / 2 - 1);
    assert_date(c, "2024-02-29 23:59:58 5");
    chips_run_ns(c, 1);
    assert_date(c, "2024-02-29 23:59:59 5");
    chips_free(c);
}

/* Reads register C at every IRQ 8 for a second; how many there were. */
static unsigned count_rtc_irqs(ChipsMachine *c, int64_t ns)
{
    unsigned n = 0;
    for (int64_t t = 0; t < ns; t += 50000) {
        chips_run_ns(c, 50000);
        if (c->level[8]) {
            g_assert_cmphex(cmos(c, 0x0c) & 0x80, ==, 0x80);
            g_assert_false(c->level[8]);
            n++;
        }
    }
    return n;
}

static void test_rtc_interrupts(void)
{
    ChipsMachine *c = chips_new();
    mc146818_set_base(c->rtc, LEAP_EVE);
    cmos(c, 0x0c);
    cmos_set(c, 0x0b, 0x42);           /* periodic, 1024 Hz */
    g_assert_cmpuint(count_rtc_irqs(c, NS_PER_SEC), ==, 1024);
    cmos_set(c, 0x0b, 0x12);           /* update ended */
    cmos(c, 0x0c);
    g_assert_cmpuint(count_rtc_irqs(c, 3 * NS_PER_SEC), ==, 3);
    cmos_set(c, 1, 0x30);              /* alarm at any minute's 30th second */
    cmos_set(c, 3, 0xff);
    cmos_set(c, 5, 0xc0);
    cmos(c, 0x0c);
    cmos_set(c, 0x0b, 0x22);
    g_assert_cmpuint(count_rtc_irqs(c, 28 * NS_PER_SEC - 100000), ==, 0);
    g_assert_cmpuint(count_rtc_irqs(c, 200000), ==, 1);
    g_assert_cmphex(cmos(c, 0), ==, 0x30);
    /* Flags come without interrupts too, and reading clears them. */
    cmos_set(c, 0x0b, 0x02);
    chips_run_ns(c, NS_PER_SEC);
    g_assert_cmphex(cmos(c, 0x0c), ==, 0x50);
    g_assert_cmphex(cmos(c, 0x0c), ==, 0x00);
    chips_free(c);
}

static void test_rtc_cmos(void)
{
    ChipsMachine *c = chips_new();
    mc146818_set_ram(c->rtc, 3 * GIB, GIB);
    mc146818_set_boot_order(c->rtc, "dc");
    g_assert_cmphex(cmos(c, 0x15) | cmos(c, 0x16) << 8, ==, 640);
    g_assert_cmphex(cmos(c, 0x34) | cmos(c, 0x35) << 8, ==, 0xbf00);
    g_assert_cmphex(cmos(c, 0x5b) | cmos(c, 0x5c) << 8, ==, 0x4000);
    g_assert_cmphex(cmos(c, 0x3d), ==, 0x23);
    cmos_set(c, 0x0f, 0x0a);           /* shutdown status */
    cmos_set(c, 0x0b, 0x72);
    machine_reset(c->m);
    g_assert_cmphex(cmos(c, 0x0f), ==, 0x0a);
    g_assert_cmphex(cmos(c, 0x0b), ==, 0x02);
    chips_free(c);
}

/* --- all of them ---------------------------------------------------------- */

/* A machine loaded in mid-run goes on exactly as the saved one does. */
static void test_save_load(void)
{
    ChipsMachine *a = chips_new(), *b;
    pic_init(a, 1);
    pit_program(a, 0, 6, 1235);
    pit_program(a, 2, 4, 777);
    cmos_set(a, 0x0b, 0x72);
    chips_run_ns(a, 987654321);
    move_pointer(a->m, 5, -7, 1);
    GByteArray *saved = chips_save(a);
    uint64_t digest = machine_state_digest(a->m);
    b = chips_new();
    g_assert_cmphex(machine_state_digest(b->m), !=, digest);
    chips_load(b, saved);
    g_assert_cmphex(machine_state_digest(b->m), ==, digest);
    for (int i = 0; i < 100; i++) {
        chips_run_ns(a, 1234567);
        chips_run_ns(b, 1234567);
        g_assert_cmphex(cmos(a, 0x0c), ==, cmos(b, 0x0c));
        g_assert_cmphex(pit_count(a, 2), ==, pit_count(b, 2));
        g_assert_cmphex(machine_state_digest(a->m), ==,
                        machine_state_digest(b->m));
    }
    g_byte_array_unref(saved);
    chips_free(a);
    chips_free(b);
}

/* A step of a wild guest and a wild world; what the guest got. */
static uint64_t poke(ChipsMachine *c, GRand *r)
{
    static const uint16_t ports[] = {
        0x00, 0x04, 0x05, 0x08, 0x0b, 0x0d, 0x20, 0x21, 0x40, 0x41, 0x42,
        0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x81, 0x92, 0xa0, 0xa1, 0xd0,
        0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x4d0, 0x4d1,
        0x510, 0x511, 0x514, 0x518,
    };
    static const char text[] = "0123456789";
    uint16_t port = ports[g_rand_int(r) % G_N_ELEMENTS(ports)];
    unsigned size = 1u << g_rand_int_range(r, 0, 3);
    switch (g_rand_int_range(r, 0, 12)) {
    case 0:
        chips_run_ns(c, g_rand_int_range(r, 0, 3 * NS_PER_MS));
        return 0;
    case 1:
        return pic_acknowledge(c->pic);
    case 2:
        input_send_key(c->m, g_rand_int_range(r, 0, input_key_count()),
                       g_rand_boolean(r));
        return 0;
    case 3:
        move_pointer(c->m, g_rand_int(r) % 99, 1, g_rand_int(r));
        return 0;
    case 4:
        chips_serial_input(c, text + g_rand_int_range(r, 0, 10));
        nondet_deliver(c->m, 0);
        return 0;
    case 5 ... 7:
        return address_space_ld(c->m->io, port, size);
    default:
        address_space_st(c->m->io, port, g_rand_int(r), size);
        return 0;
    }
}

/* Whatever a guest does, its future is in the rows: a machine loaded in
 * mid-run answers as the one that was saved. */
static void test_random_pokes(void)
{
    for (uint32_t seed = 1; seed <= 20; seed++) {
        ChipsMachine *a = chips_new(), *b = chips_new();
        GRand *r = g_rand_new_with_seed(seed);
        for (int i = 0; i < 2000; i++) {
            poke(a, r);
        }
        GByteArray *saved = chips_save(a);
        chips_load(b, saved);
        g_byte_array_unref(saved);
        GRand *again = g_rand_copy(r);
        for (int i = 0; i < 2000; i++) {
            g_assert_cmphex(poke(a, r), ==, poke(b, again));
        }
        g_assert_cmphex(machine_state_digest(a->m), ==,
                        machine_state_digest(b->m));
        g_rand_free(r);
        g_rand_free(again);
        chips_free(a);
        chips_free(b);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pic/priority", test_pic_priority);
    g_test_add_func("/pic/rotation", test_pic_rotation);
    g_test_add_func("/pic/cascade", test_pic_cascade);
    g_test_add_func("/pic/spurious", test_pic_spurious);
    g_test_add_func("/pic/modes", test_pic_modes);
    g_test_add_func("/pit/rate", test_pit_rate);
    g_test_add_func("/pit/late-count", test_pit_late_count);
    g_test_add_func("/pit/catches-up", test_pit_catches_up);
    g_test_add_func("/pit/oneshot", test_pit_oneshot);
    g_test_add_func("/pit/square-and-gate", test_pit_square_and_gate);
    g_test_add_func("/pit/read-back", test_pit_read_back);
    g_test_add_func("/rtc/time", test_rtc_time);
    g_test_add_func("/rtc/divider", test_rtc_divider);
    g_test_add_func("/rtc/interrupts", test_rtc_interrupts);
    g_test_add_func("/rtc/cmos", test_rtc_cmos);
    g_test_add_func("/chips/save-load", test_save_load);
    g_test_add_func("/chips/random-pokes", test_random_pokes);
    return g_test_run();
}
