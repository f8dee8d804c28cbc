/*
 * The floppy controller: commands by DMA and by PIO, formats, errors, resets,
 * and drivers that break rules.
 */
#include <errno.h>
#include <string.h>

#include "fake-pc.h"

enum { DOR = 0x3f2, MSR = 0x3f4, FIFO = 0x3f5, CHANGE = 0x3f7 };
#define BUFFER  0x20000u
#define SECTOR  512u
#define TRACK   18u
#define LATENCY (5 * NS_PER_MS)

typedef struct Fixture {
    Machine *m;
    BlockDev *disk, *small;
    uint8_t result[16];
    unsigned bytes;
} Fixture;

static uint8_t in(Fixture *f, uint16_t port)
{
    return in_port(f->m, port, 1);
}

static void out(Fixture *f, uint16_t port, uint8_t v)
{
    out_port(f->m, port, v, 1);
}

static void run(Fixture *f)
{
    fake_pc_run_ns(f->m, LATENCY);
}

static void pic_init(Fixture *f)
{
    static const uint8_t init[][2] = {
        { 0x20, 0x11 }, { 0x21, 0x08 }, { 0x21, 0x04 }, { 0x21, 0x01 },
        { 0x21, 0xbf },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(init); i++) {
        out(f, init[i][0], init[i][1]);
    }
}

static void take_irq(Fixture *f)
{
    g_assert_true(fake_pins.intr);
    g_assert_cmphex(fake_pins.ack(fake_pins.pic), ==, 0x0e);
    out(f, 0x20, 0x20);
}

static void command(Fixture *f, unsigned n, const uint8_t *bytes)
{
    for (unsigned i = 0; i < n; i++) {
        g_assert_cmphex(in(f, MSR) & 0xc0, ==, 0x80);
        out(f, FIFO, bytes[i]);
    }
}

static void read_result(Fixture *f)
{
    f->bytes = 0;
    while (f->bytes < sizeof f->result && (in(f, MSR) & 0xd0) == 0xd0) {
        f->result[f->bytes++] = in(f, FIFO);
    }
    g_assert_cmphex(in(f, MSR) & 0xd0, ==, 0x80);
}

#define COMMAND(...)                                                    \
    command(f, sizeof (uint8_t[]){ __VA_ARGS__ }, (uint8_t[]){ __VA_ARGS__ })
#define EXPECT(...)                                                     \
    expect(f, sizeof (uint8_t[]){ __VA_ARGS__ }, (uint8_t[]){ __VA_ARGS__ })

static void expect(Fixture *f, unsigned n, const uint8_t *bytes)
{
    g_assert_cmpmem(f->result, f->bytes, bytes, n);
}

static void sense(Fixture *f, uint8_t st0, uint8_t cylinder)
{
    COMMAND(0x08);
    read_result(f);
    EXPECT(st0, cylinder);
}

static void reset(Fixture *f)
{
    out(f, DOR, 0x00);
    g_assert_cmphex(in(f, MSR), ==, 0);
    out(f, DOR, 0x3c);
    g_assert_cmphex(in(f, MSR), ==, 0);
    run(f);
    take_irq(f);
    for (unsigned i = 0; i < 4; i++) {
        sense(f, 0xc0 | i, 0);
    }
    COMMAND(0x03, 0xdf, 0x02);
    out(f, CHANGE, 0);                         /* 500 kbit/s */
}

static void seek(Fixture *f, unsigned unit, unsigned cylinder)
{
    COMMAND(0x0f, unit, cylinder);
    g_assert_cmphex(in(f, MSR), ==, 0x80 | 1 << unit);
    run(f);
    take_irq(f);
    sense(f, 0x20 | unit, cylinder);
    g_assert_cmphex(in(f, MSR), ==, 0x80);
}

static void dma(Fixture *f, bool to_memory, unsigned bytes)
{
    out(f, 0x0a, 6);
    out(f, 0x0c, 0);
    out(f, 0x0b, to_memory ? 0x46 : 0x4a);
    out(f, 0x04, BUFFER & 0xff);
    out(f, 0x04, BUFFER >> 8 & 0xff);
    out(f, 0x81, BUFFER >> 16);
    out(f, 0x05, (bytes - 1) & 0xff);
    out(f, 0x05, (bytes - 1) >> 8);
    out(f, 0x0a, 2);
}

static void setup(Fixture *f, gconstpointer data)
{
    f->disk = fake_disk_new(1440 * KIB);
    f->small = fake_disk_new(360 * KIB);
    f->small->readonly = true;
    f->m = fake_pc_new(4 * MIB);
    fake_pc_add_drive(f->m, "a", f->disk, false, -2);
    fake_pc_add_drive(f->m, "b", f->small, false, -2);
    fake_pc_add_device(f->m, "floppy", "drive", "a", NULL);
    fake_pc_add_device(f->m, "floppy", "drive", "b", NULL);
    fake_pc_start(f->m);
    pic_init(f);
    reset(f);
}

static void teardown(Fixture *f, gconstpointer data)
{
    fake_pc_free(f->m);
    fake_disk_free(f->disk);
    fake_disk_free(f->small);
}

static unsigned sector_at(unsigned c, unsigned h, unsigned r)
{
    return ((c * 2 + h) * TRACK + r - 1) * SECTOR;
}

static void check_buffer(Fixture *f, unsigned offset, unsigned bytes)
{
    g_autofree uint8_t *got = g_malloc(bytes);
    address_space_read(f->m->memory, BUFFER, got, bytes);
    g_assert_cmpmem(got, bytes, f->disk->data + offset, bytes);
}

/* --- what drivers do -------------------------------------------------------------*/

static void test_identity(Fixture *f, gconstpointer data)
{
    COMMAND(0x10);
    read_result(f);
    EXPECT(0x90);
    COMMAND(0x18);                          /* only an 82078 knows it */
    read_result(f);
    EXPECT(0x80);
    /* CMOS: 1.44 MB and 360 KB, two drives. */
    out(f, 0x70, 0x10);
    g_assert_cmphex(in(f, 0x71), ==, 0x41);
    out(f, 0x70, 0x14);
    g_assert_cmphex(in(f, 0x71) & 0xc1, ==, 0x41);
}

static void test_read(Fixture *f, gconstpointer data)
{
    seek(f, 0, 40);
    dma(f, true, 3 * SECTOR);
    COMMAND(0xe6, 0x00, 40, 0, 17, 2, 18, 0x1b, 0xff);
    g_assert_cmphex(in(f, MSR), ==, 0x10);
    run(f);
    take_irq(f);
    read_result(f);
    /* 17 and 18 of one side, 1 of the other; the next would be 2. */
    EXPECT(0x04, 0, 0, 40, 1, 2, 2);
    check_buffer(f, sector_at(40, 0, 17), 3 * SECTOR);
    g_assert_false(fake_pins.intr);
}

static void test_write(Fixture *f, gconstpointer data)
{
    uint8_t buf[SECTOR];

    memset(buf, 0xc3, sizeof buf);
    address_space_write(f->m->memory, BUFFER, buf, sizeof buf);
    seek(f, 0, 79);
    dma(f, false, SECTOR);
    COMMAND(0x45, 0x04, 79, 1, 18, 2, 18, 0x1b, 0xff);
    run(f);
    take_irq(f);
    read_result(f);
    EXPECT(0x04, 0, 0, 80, 1, 1, 2);
    g_assert_cmpmem(f->disk->data + sector_at(79, 1, 18), SECTOR, buf, SECTOR);
}

static void test_pio(Fixture *f, gconstpointer data)
{
    COMMAND(0x03, 0xdf, 0x03);
    COMMAND(0x46, 0x00, 0, 0, 17, 2, 18, 0x1b, 0xff);
    for (unsigned n = 0; n < 2; n++) {
        run(f);
        take_irq(f);
        for (unsigned i = 0; i < SECTOR; i++) {
            g_assert_cmphex(in(f, MSR), ==, 0xf0);
            g_assert_cmphex(in(f, FIFO), ==,
                            f->disk->data[16 * SECTOR + n * SECTOR + i]);
        }
        g_assert_cmphex(in(f, MSR), ==, 0x30);
    }
    run(f);
    take_irq(f);
    read_result(f);
    EXPECT(0x40, 0x80, 0, 1, 0, 1, 2);      /* there is no terminal count */
    COMMAND(0x45, 0x00, 0, 0, 18, 2, 18, 0x1b, 0xff);
    run(f);
    for (unsigned i = 0; i < SECTOR; i++) {
        g_assert_cmphex(in(f, MSR), ==, 0xb0);
        out(f, FIFO, i + 7);
    }
    run(f);
    read_result(f);
    EXPECT(0x40, 0x80, 0, 1, 0, 1, 2);
    g_assert_cmphex(f->disk->data[17 * SECTOR + 1], ==, 8);
}

static void test_format(Fixture *f, gconstpointer data)
{
    seek(f, 0, 3);
    for (unsigned i = 0; i < TRACK; i++) {
        const uint8_t id[4] = { 3, 1, i + 1, 2 };
        address_space_write(f->m->memory, BUFFER + 4 * i, id, 4);
    }
    uint8_t before = f->disk->data[sector_at(4, 0, 1) + 1];
    dma(f, false, 4 * TRACK);
    COMMAND(0x4d, 0x04, 2, TRACK, 0x54, 0xf6);
    run(f);
    take_irq(f);
    read_result(f);
    g_assert_cmphex(f->result[0], ==, 0x04);
    g_assert_cmphex(f->disk->data[sector_at(3, 1, 1)], ==, 0xf6);
    g_assert_cmphex(f->disk->data[sector_at(3, 1, 18) + 511], ==, 0xf6);
    g_assert_cmphex(f->disk->data[sector_at(4, 0, 1) + 1], ==, before);
}

static void test_verify_and_scan(Fixture *f, gconstpointer data)
{
    COMMAND(0xd6, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    run(f);
    read_result(f);
    EXPECT(0, 0, 0, 1, 0, 1, 2);
    address_space_write(f->m->memory, BUFFER, f->disk->data + 512, SECTOR);
    for (unsigned i = 0; i < 2; i++) {
        seek(f, 0, i);
        dma(f, false, SECTOR);
        COMMAND(0x51, 0x00, i, 0, 2, 2, 18, 0x1b, 1);
        run(f);
        read_result(f);
        g_assert_cmphex(f->result[0], ==, 0);
        g_assert_cmphex(f->result[2], ==, i ? 0x04 : 0x08);
    }
}

static void test_head(Fixture *f, gconstpointer data)
{
    COMMAND(0x07, 0x01);
    run(f);
    take_irq(f);
    sense(f, 0x21, 0);
    COMMAND(0x07, 0x02);                    /* nobody says "track 0" */
    run(f);
    take_irq(f);
    sense(f, 0x72, 0);
    COMMAND(0x08);
    read_result(f);
    EXPECT(0x80);
    seek(f, 0, 20);
    COMMAND(0xcf, 0x00, 5);
    run(f);
    take_irq(f);
    sense(f, 0x20, 25);
    COMMAND(0x8f, 0x00, 24);
    run(f);
    take_irq(f);
    sense(f, 0x20, 1);
    COMMAND(0x4a, 0x04);                    /* READ ID */
    run(f);
    read_result(f);
    EXPECT(0x04, 0, 0, 1, 1, 1, 2);
    COMMAND(0x04, 0x00);
    read_result(f);
    EXPECT(0x28);
    COMMAND(0x04, 0x05);                    /* write-protected, track 0 */
    read_result(f);
    EXPECT(0x7d);
    /* With implied seeks a read goes there by itself. */
    COMMAND(0x13, 0, 0x57, 0);
    dma(f, true, SECTOR);
    COMMAND(0x46, 0x00, 60, 0, 1, 2, 18, 0x1b, 0xff);
    run(f);
    take_irq(f);
    read_result(f);
    EXPECT(0x20, 0, 0, 60, 0, 2, 2);
    check_buffer(f, sector_at(60, 0, 1), SECTOR);
}

/* With polling off a reset is over in silence. */
static void test_settings(Fixture *f, gconstpointer data)
{
    COMMAND(0x13, 0, 0x5a, 0x11);
    COMMAND(0x12, 0x8d);
    COMMAND(0x0e);
    read_result(f);
    EXPECT(0, 0, 0, 0, 0xdf, 0x02, 0, 0x0d, 0x5a, 0x11);
    out(f, DOR, 0x00);
    out(f, DOR, 0x3c);
    run(f);
    g_assert_false(fake_pins.intr);
    g_assert_cmphex(in(f, MSR), ==, 0x80);
}

static void test_lock(Fixture *f, gconstpointer data)
{
    COMMAND(0x13, 0, 0x4a, 0x11);
    COMMAND(0x94);
    read_result(f);
    reset(f);
    COMMAND(0x0e);
    read_result(f);
    g_assert_cmphex(f->result[8], ==, 0x4a);
    COMMAND(0x14);
    read_result(f);
    EXPECT(0);
    reset(f);
    COMMAND(0x0e);
    read_result(f);
    g_assert_cmphex(f->result[8], ==, 0x60);
    g_assert_cmphex(f->result[9], ==, 0);
}

static void test_change_line(Fixture *f, gconstpointer data)
{
    g_assert_cmphex(in(f, CHANGE), ==, 0x80);
    COMMAND(0x07, 0x00);
    run(f);
    take_irq(f);
    sense(f, 0x20, 0);
    g_assert_cmphex(in(f, CHANGE), ==, 0x80);  /* no step, nothing seen */
    seek(f, 0, 1);
    g_assert_cmphex(in(f, CHANGE), ==, 0);
    out(f, DOR, 0x3d);
    g_assert_cmphex(in(f, CHANGE), ==, 0x80);
    out(f, DOR, 0x0d);                      /* without its motor */
    g_assert_cmphex(in(f, CHANGE), ==, 0);
}

/* --- errors ----------------------------------------------------------------------------*/

static void read_one(Fixture *f, uint8_t first, uint8_t unit, uint8_t c,
                     uint8_t r, uint8_t n)
{
    dma(f, true, SECTOR);
    COMMAND(first, unit, c, unit >> 2, r, n, 18, 0x1b, 0xff);
    run(f);
    take_irq(f);
    read_result(f);
    g_assert_cmpuint(f->bytes, ==, 7);
    g_assert_cmphex(f->result[0] & 0xc0, ==, 0x40);
}

static void test_errors(Fixture *f, gconstpointer data)
{
    read_one(f, 0x46, 0, 5, 1, 2);          /* the head is elsewhere */
    g_assert_cmphex(f->result[1], ==, 0x04);
    g_assert_cmphex(f->result[2], ==, 0x10);
    read_one(f, 0x46, 0, 0, 19, 2);
    g_assert_cmphex(f->result[1], ==, 0x04);
    read_one(f, 0x46, 0, 0, 0, 2);
    g_assert_cmphex(f->result[1], ==, 0x04);
    read_one(f, 0x46, 0, 0, 1, 3);
    g_assert_cmphex(f->result[1], ==, 0x04);
    read_one(f, 0x06, 0, 0, 1, 2);          /* single density */
    g_assert_cmphex(f->result[1], ==, 0x01);
    read_one(f, 0x46, 1, 0, 1, 2);          /* another density */
    g_assert_cmphex(f->result[1], ==, 0x01);
    read_one(f, 0x46, 3, 0, 1, 2);          /* no drive */
    g_assert_cmphex(f->result[1], ==, 0x01);
    out(f, CHANGE, 2);
    dma(f, false, SECTOR);
    COMMAND(0x45, 0x01, 0, 0, 1, 2, 9, 0x1b, 0xff);
    run(f);
    read_result(f);
    g_assert_cmphex(f->result[1], ==, 0x02);
    out(f, CHANGE, 0);
    f->disk->fail = -EIO;
    read_one(f, 0x46, 0, 0, 1, 2);
    g_assert_cmphex(f->result[1], ==, 0x20);
}

/* The DMA controller takes nothing, or goes the other way. */
static void test_overrun(Fixture *f, gconstpointer data)
{
    out(f, 0x0a, 6);
    COMMAND(0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    run(f);
    read_result(f);
    EXPECT(0x40, 0x10, 0, 0, 0, 1, 2);
    dma(f, false, SECTOR);
    COMMAND(0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    run(f);
    read_result(f);
    EXPECT(0x40, 0x10, 0, 0, 0, 1, 2);
}

static void test_gate(Fixture *f, gconstpointer data)
{
    out(f, DOR, 0x34);
    COMMAND(0x0f, 0, 9);
    run(f);
    g_assert_false(fake_pins.intr);
    out(f, DOR, 0x3c);
    take_irq(f);
    sense(f, 0x20, 9);
}

static void test_random(Fixture *f, gconstpointer data)
{
    static const uint16_t ports[] = { DOR, 0x3f3, MSR, FIFO, FIFO, FIFO, CHANGE,
                                      0x0a, 0x0b, 0x05 };
    GRand *rnd = g_rand_new_with_seed(4);

    for (unsigned i = 0; i < 60000; i++) {
        uint16_t port = ports[g_rand_int_range(rnd, 0, 10)];
        uint8_t v = g_rand_int(rnd);
        if (g_rand_boolean(rnd)) {
            in(f, port);
        } else {
            out(f, port, port == DOR && i % 8 ? v | 0x0c : v);
        }
        if (i % 16 == 0) {
            fake_pc_run_ns(f->m, 40 * NS_PER_US);
        }
    }
    g_rand_free(rnd);
    out(f, 0x08, 0);
    out(f, 0x20, 0x20);
    out(f, DOR, 0x0c);
    while (fake_pins.intr) {
        fake_pins.ack(fake_pins.pic);
        out(f, 0x20, 0x20);
        out(f, DOR, 0);
    }
    out(f, DOR, 0);
    out(f, DOR, 0x1c);
    run(f);
    g_assert_cmphex(in(f, MSR), ==, 0x80);
}

/* --- the state ------------------------------------------------------------------------------*/

static void save_section(void *opaque, const Section *s)
{
    GByteArray *bytes = g_byte_array_new();
    state_save(s->table, s->object, bytes);
    g_ptr_array_add(opaque, bytes);
}

static void load_section(void *opaque, const Section *s)
{
    GPtrArray *streams = opaque;
    GByteArray *bytes = g_ptr_array_steal_index(streams, 0);
    g_assert_true(state_load(s->table, s->object, bytes->data, bytes->len,
                             NULL));
    g_byte_array_unref(bytes);
}

static void test_load_in_a_read(Fixture *f, gconstpointer data)
{
    g_autoptr(GPtrArray) streams = g_ptr_array_new();

    dma(f, true, 4 * SECTOR);
    COMMAND(0x46, 0x00, 0, 0, 3, 2, 18, 0x1b, 0xff);
    fake_pc_run_ns(f->m, 60 * NS_PER_US);
    machine_sections(f->m, save_section, streams);
    run(f);
    machine_sections(f->m, load_section, streams);
    machine_rewire(f->m);
    g_assert_cmphex(in(f, MSR), ==, 0x10);
    run(f);
    read_result(f);
    EXPECT(0, 0, 0, 0, 0, 7, 2);
    check_buffer(f, 2 * SECTOR, 4 * SECTOR);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(Fixture *f, gconstpointer data);
    } tests[] = {
        { "/floppy/identity", test_identity },
        { "/floppy/read", test_read },
        { "/floppy/write", test_write },
        { "/floppy/pio", test_pio },
        { "/floppy/format", test_format },
        { "/floppy/verify-and-scan", test_verify_and_scan },
        { "/floppy/head", test_head },
        { "/floppy/settings", test_settings },
        { "/floppy/lock", test_lock },
        { "/floppy/change-line", test_change_line },
        { "/floppy/errors", test_errors },
        { "/floppy/overrun", test_overrun },
        { "/floppy/gate", test_gate },
        { "/floppy/random", test_random },
        { "/floppy/load", test_load_in_a_read },
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_test_add(tests[i].name, Fixture, NULL, setup, tests[i].fn, teardown);
    }
    return g_test_run();
}
