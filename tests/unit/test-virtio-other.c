/*
 * virtio-serial, virtio-balloon, and the registers of virtio-mmio.
 */
#include "hw/virtio-mmio.h"
#include "virtio-driver.h"

#define SLOT (4 << 3)
#define DATA 0x300000u
#define F_MULTIPORT BIT64(1)

/* --- serial -------------------------------------------------------------------------*/

typedef struct Fixture {
    Machine *m;
    Chardev *chr;
    Vd d;
    VdQueue in, out, control_in, control_out, port_in, port_out;
} Fixture;

static void setup(Fixture *f, uint64_t features)
{
    f->m = fake_pc_new(4 * MIB);
    f->chr = fake_chardev_new();
    f->m->config.chardevs = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(f->m->config.chardevs, "c", f->chr);
    fake_pc_add_device(f->m, "virtio-serial-pci", "addr", "4", NULL);
    fake_pc_add_device(f->m, "virtconsole", "chardev", "c", NULL);
    fake_pc_add_device(f->m, "virtserialport", "name", "org.test", NULL);
    fake_pc_start(f->m);
    vd_attach(&f->d, f->m, SLOT, false);
    vd_start(&f->d, features);
    vd_queue(&f->d, &f->in, 0);
    vd_queue(&f->d, &f->out, 1);
    vd_queue(&f->d, &f->control_in, 2);
    vd_queue(&f->d, &f->control_out, 3);
    vd_queue(&f->d, &f->port_in, 4);
    vd_queue(&f->d, &f->port_out, 5);
    vd_go(&f->d);
}

static void teardown(Fixture *f)
{
    g_byte_array_free(f->chr->out, TRUE);
    g_free(f->chr);
    g_clear_pointer(&f->m->config.chardevs, g_hash_table_unref);
    fake_pc_free(f->m);
}

static void give(Fixture *f, VdQueue *q, unsigned id, PhysAddr at)
{
    VdSeg seg = { at, 64, true };
    vd_add(&f->d, q, id, &seg, 1);
    vd_kick(&f->d, q);
}

static void send_message(Fixture *f, uint32_t port, uint16_t event,
                         uint16_t value)
{
    VdSeg seg = { DATA, 8, false };
    uint32_t len;

    ram_st(f->m, DATA, port, 4);
    ram_st(f->m, DATA + 4, event, 2);
    ram_st(f->m, DATA + 6, value, 2);
    vd_add(&f->d, &f->control_out, 0, &seg, 1);
    vd_kick(&f->d, &f->control_out);
    g_assert_cmpint(vd_take(&f->d, &f->control_out, &len), ==, 0);
}

static void expect_message(Fixture *f, unsigned n, uint32_t port,
                           uint16_t event, uint16_t value)
{
    PhysAddr at = DATA + 0x1000 + 64 * n;
    uint32_t len;

    g_assert_cmpint(vd_take(&f->d, &f->control_in, &len), ==, n);
    g_assert_cmpuint(ram_ld(f->m, at, 4), ==, port);
    g_assert_cmpuint(ram_ld(f->m, at + 4, 2), ==, event);
    g_assert_cmpuint(ram_ld(f->m, at + 6, 2), ==, value);
}

static NondetPort *input_of(Machine *m, const char *name)
{
    const GPtrArray *ports = nondet_ports(m);
    for (guint i = 0; i < ports->len; i++) {
        NondetPort *p = g_ptr_array_index(ports, i);
        if (g_str_equal(p->name, name)) {
            return p;
        }
    }
    g_assert_not_reached();
}

static void test_ports(void)
{
    Fixture f;
    uint32_t len;

    setup(&f, VD_VERSION | F_MULTIPORT);
    g_assert_cmpuint(vd_config(&f.d, 4, 4), ==, 31);
    send_message(&f, 0, 0, 1);
    for (unsigned n = 0; n < 8; n++) {
        give(&f, &f.control_in, n, DATA + 0x1000 + 64 * n);
    }
    expect_message(&f, 0, 0, 1, 1);
    expect_message(&f, 1, 1, 1, 1);
    send_message(&f, 0, 3, 1);
    expect_message(&f, 2, 0, 4, 1);
    expect_message(&f, 3, 0, 6, 1);
    send_message(&f, 1, 3, 1);
    expect_message(&f, 4, 1, 7, 1);
    g_assert_cmpuint(ram_ld(f.m, DATA + 0x1000 + 64 * 4 + 8, 8), ==,
                     0x7365742e67726fu | (uint64_t)'t' << 56);
    expect_message(&f, 5, 1, 6, 0);
    send_message(&f, 77, 3, 1);
    /* Nobody has it open: the bytes wait. */
    nondet_sink(input_of(f.m, "virtserialport.0"), "hello", 5);
    give(&f, &f.port_in, 1, DATA + 0x3000);
    g_assert_cmpint(vd_take(&f.d, &f.port_in, &len), ==, -1);
    send_message(&f, 1, 6, 1);
    g_assert_cmpint(vd_take(&f.d, &f.port_in, &len), ==, 1);
    g_assert_cmpuint(len, ==, 5);
    g_assert_cmphex(ram_ld(f.m, DATA + 0x3000, 4), ==, 0x6c6c6568);
    VdSeg seg = { DATA + 0x3000, 5, false };
    vd_add(&f.d, &f.out, 0, &seg, 1);
    vd_kick(&f.d, &f.out);
    g_assert_cmpmem(f.chr->out->data, f.chr->out->len, "hello", 5);
    teardown(&f);
}

/* 5.3.3: without MULTIPORT port 0 is open from the start. */
static void test_plain_console(void)
{
    Fixture f;
    uint32_t len;

    setup(&f, VD_VERSION);
    give(&f, &f.in, 2, DATA);
    nondet_sink(input_of(f.m, "virtconsole.0"), "x", 1);
    g_assert_cmpint(vd_take(&f.d, &f.in, &len), ==, 2);
    g_assert_cmphex(ram_ld(f.m, DATA, 1), ==, 'x');
    teardown(&f);
}

/* --- balloon -----------------------------------------------------------------------*/

static void test_balloon(void)
{
    Machine *m = fake_pc_new(4 * MIB);
    Vd d;
    VdQueue q;
    uint32_t len;

    fake_pc_add_device(m, "virtio-balloon-pci", "addr", "4", NULL);
    fake_pc_start(m);
    vd_attach(&d, m, SLOT, false);
    vd_start(&d, VD_VERSION);
    vd_queue(&d, &q, 0);
    vd_go(&d);
    VdSeg seg = { DATA, 64, false };
    vd_add(&d, &q, 3, &seg, 1);
    vd_kick(&d, &q);
    g_assert_cmpint(vd_take(&d, &q, &len), ==, 3);
    ram_st(m, VD_MODERN + VD_CONFIG + 4, 16, 4);
    g_assert_cmpuint(vd_config(&d, 4, 4), ==, 16);
    g_assert_cmpuint(vd_config(&d, 0, 4), ==, 0);
    fake_pc_free(m);
}

/* --- mmio ---------------------------------------------------------------------------*/

#define MMIO 0xd0000000u

extern const DeviceClass virtio_rng_class;

static void line_moved(void *opaque, int n, bool level)
{
    *(bool *)opaque = level;
}

static Device *add_mmio(Machine *m, bool *line)
{
    Device *dev = device_create(m, &virtio_mmio_class);
    irq_connect(virtio_mmio_irq(dev), line_moved, line, 0);
    mem_add(&m->memory_root, MMIO, virtio_mmio_region(dev), 5);
    return dev;
}

static void plug_rng(Machine *m, Device *mmio)
{
    Device *rng = device_new(m, &virtio_rng_class, NULL);
    rng->bus = virtio_mmio_bus(mmio);
    g_assert_true(device_realize(rng, NULL));
    device_reset(rng);
}

static void test_mmio_empty(void)
{
    Machine *m = fake_pc_new(4 * MIB);
    bool line = false;

    fake_pc_start(m);
    add_mmio(m, &line);
    g_assert_cmphex(ram_ld(m, MMIO, 4), ==, 0x74726976);
    g_assert_cmphex(ram_ld(m, MMIO + 8, 4), ==, 0);
    ram_st(m, MMIO + 0x70, 15, 4);
    ram_st(m, MMIO + 0x100, 15, 1);
    g_assert_cmphex(ram_ld(m, MMIO + 0x70, 4), ==, 0);
    fake_pc_free(m);
}

static void mmio_queue(Machine *m)
{
    static const uint32_t at[] = { 0x80, 0x90, 0xa0 };

    for (unsigned i = 0; i < 0x10000; i += 8) {
        ram_st(m, VD_RINGS + i, 0, 8);
    }
    ram_st(m, MMIO + 0x30, 0, 4);
    g_assert_cmpuint(ram_ld(m, MMIO + 0x34, 4), ==, 8);
    ram_st(m, MMIO + 0x38, 8, 4);
    for (unsigned i = 0; i < 3; i++) {
        ram_st(m, MMIO + at[i], VD_RINGS + i * 0x1000, 4);
        ram_st(m, MMIO + at[i] + 4, 0, 4);
    }
    ram_st(m, MMIO + 0x44, 1, 4);
    g_assert_cmpuint(ram_ld(m, MMIO + 0x44, 4), ==, 1);
}

static void test_mmio(void)
{
    Machine *m = fake_pc_new(4 * MIB);
    bool line = false;

    fake_pc_start(m);
    plug_rng(m, add_mmio(m, &line));
    g_assert_cmphex(ram_ld(m, MMIO + 4, 4), ==, 2);
    g_assert_cmphex(ram_ld(m, MMIO + 8, 4), ==, 4);
    ram_st(m, MMIO + 0x70, 3, 4);
    ram_st(m, MMIO + 0x14, 1, 4);
    g_assert_cmphex(ram_ld(m, MMIO + 0x10, 4) & 1, ==, 1);
    ram_st(m, MMIO + 0x24, 1, 4);
    ram_st(m, MMIO + 0x20, 1, 4);
    ram_st(m, MMIO + 0x70, 11, 4);
    g_assert_cmphex(ram_ld(m, MMIO + 0x70, 4), ==, 11);
    mmio_queue(m);
    ram_st(m, MMIO + 0x70, 15, 4);
    ram_st(m, VD_RINGS, DATA, 8);
    ram_st(m, VD_RINGS + 8, 32 | (uint64_t)2 << 32, 8);
    ram_st(m, VD_RINGS + 0x1002, 1, 2);
    ram_st(m, MMIO + 0x50, 0, 4);
    g_assert_cmpuint(ram_ld(m, VD_RINGS + 0x2002, 2), ==, 1);
    g_assert_cmpuint(ram_ld(m, VD_RINGS + 0x2008, 4), ==, 32);
    g_assert_true(line);
    g_assert_cmphex(ram_ld(m, MMIO + 0x60, 4), ==, 1);
    machine_rewire(m);
    g_assert_true(line);
    ram_st(m, MMIO + 0x64, 1, 4);
    g_assert_false(line);
    /* Broken: told by a change of configuration; a reset mends it. */
    ram_st(m, VD_RINGS + 0x1002, 100, 2);
    ram_st(m, MMIO + 0x50, 0, 4);
    g_assert_true(ram_ld(m, MMIO + 0x70, 4) & 0x40);
    g_assert_cmphex(ram_ld(m, MMIO + 0x60, 4), ==, 2);
    ram_st(m, MMIO + 0x70, 0, 4);
    g_assert_cmphex(ram_ld(m, MMIO + 0x70, 4), ==, 0);
    g_assert_false(line);
    fake_pc_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio-serial/ports", test_ports);
    g_test_add_func("/virtio-serial/plain-console", test_plain_console);
    g_test_add_func("/virtio-balloon", test_balloon);
    g_test_add_func("/virtio-mmio/empty", test_mmio_empty);
    g_test_add_func("/virtio-mmio/rng", test_mmio);
    return g_test_run();
}
