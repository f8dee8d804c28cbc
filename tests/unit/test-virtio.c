/*
 * Virtio: rings of every kind, driven through virtio-pci, by drivers that keep
 * the rules and by ones that do not.
 */
#include <errno.h>

#include "virtio-driver.h"

#define SLOT  (4 << 3)
#define MS20  (20 * NS_PER_MS)
#define SECTORS 4096u

#define HEADER 0x200000u
#define DATA   0x201000u
#define STATUS 0x240000u

typedef struct Mode {
    const char *name;
    bool legacy;
    uint64_t features;
} Mode;

static const Mode modes[] = {
    { "split", false, VD_VERSION },
    { "split-event", false, VD_VERSION | VD_EVENT },
    { "split-indirect", false, VD_VERSION | VD_EVENT | VD_INDIRECT },
    { "packed", false, VD_VERSION | VD_PACKED },
    { "packed-event", false, VD_VERSION | VD_PACKED | VD_EVENT },
    { "packed-indirect", false,
      VD_VERSION | VD_PACKED | VD_EVENT | VD_INDIRECT },
    { "legacy", true, 0 },
    { "legacy-event", true, VD_EVENT | VD_INDIRECT },
};

/* FLUSH, CONFIG_WCE, DISCARD, WRITE_ZEROES */
#define BLK_FEATURES (BIT64(9) | BIT64(11) | BIT64(13) | BIT64(14))

typedef struct Fixture {
    Machine *m;
    BlockDev *disk;
    Vd d;
    VdQueue q;
} Fixture;

static void setup_with(Fixture *f, const Mode *mode, bool readonly)
{
    f->disk = fake_disk_new((uint64_t)SECTORS * 512);
    f->disk->readonly = readonly;
    f->m = fake_pc_new(4 * MIB);
    fake_pc_add_drive(f->m, "vd", f->disk, false, -2);
    fake_pc_add_device(f->m, "virtio-blk-pci", "drive", "vd", "addr", "4",
                       "packed", "on", "serial", "SER-7", NULL);
    fake_pc_start(f->m);
    vd_attach(&f->d, f->m, SLOT, mode->legacy);
}

static void start_mode(Fixture *f, const Mode *mode)
{
    vd_start(&f->d, mode->features | BLK_FEATURES);
    g_assert_cmphex(f->d.features & mode->features, ==, mode->features);
    vd_queue(&f->d, &f->q, 0);
    vd_go(&f->d);
}

static void teardown(Fixture *f)
{
    fake_pc_free(f->m);
    fake_disk_free(f->disk);
}

/* A request, up to its notification. */
static void request(Fixture *f, uint16_t id, uint32_t type, uint64_t sector,
                    uint32_t bytes, bool write)
{
    VdSeg seg[] = { { HEADER + 16 * id, 16, false },
                    { DATA, bytes, write },
                    { STATUS + id, 1, true } };

    ram_st(f->m, HEADER + 16 * id, type, 4);
    ram_st(f->m, HEADER + 16 * id + 8, sector, 8);
    ram_st(f->m, STATUS + id, 0xee, 1);
    if (!bytes) {
        seg[1] = seg[2];
    }
    vd_add(&f->d, &f->q, id, seg, bytes ? 3 : 2);
    vd_kick(&f->d, &f->q);
}

static void used_forward(Fixture *f, unsigned entries)
{
    if (f->d.features & VD_PACKED) {
        f->q.used += entries;
        if (f->q.used >= f->q.size) {
            f->q.used -= f->q.size;
            f->q.used_wrap = !f->q.used_wrap;
        }
    }
}

/* The request is not over at once, then it is; its status. */
static uint8_t finish(Fixture *f, uint16_t id, uint32_t bytes, uint32_t *len)
{
    uint32_t got;
    g_assert_cmpint(vd_take(&f->d, &f->q, &got), ==, -1);
    fake_pc_run_ns(f->m, MS20);
    g_assert_cmpint(vd_take(&f->d, &f->q, &got), ==, id);
    used_forward(f, f->d.features & VD_INDIRECT ? 1 : bytes ? 3 : 2);
    if (len) {
        *len = got;
    }
    return ram_ld(f->m, STATUS + id, 1);
}

static uint8_t whole(Fixture *f, uint32_t type, uint64_t sector,
                     uint32_t bytes, bool write)
{
    request(f, 1, type, sector, bytes, write);
    return finish(f, 1, bytes, NULL);
}

/* --- disks, by every kind of ring ----------------------------------------------*/

static void test_rounds(gconstpointer data)
{
    const Mode *mode = data;
    Fixture f;
    uint8_t sector[512];

    setup_with(&f, mode, false);
    start_mode(&f, mode);
    g_assert_cmpuint(vd_config(&f.d, 0, 4), ==, SECTORS);
    /* More than two rounds of the ring. */
    for (unsigned n = 0; n < 600; n++) {
        uint32_t len, bytes = 512 * (1 + n % 4);
        request(&f, n % 32, 0, n, bytes, true);
        g_assert_cmphex(finish(&f, n % 32, bytes, &len), ==, 0);
        g_assert_cmpuint(len, ==, bytes + 1);
        address_space_read(f.m->memory, DATA, sector, 512);
        g_assert_cmpmem(sector, 512, f.disk->data + n * 512, 512);
    }
    for (unsigned i = 0; i < 1024; i++) {
        ram_st(f.m, DATA + i, i * 3, 1);
    }
    g_assert_cmphex(whole(&f, 1, 7, 1024, false), ==, 0);
    g_assert_cmphex(f.disk->data[7 * 512 + 1000], ==, 1000 * 3 & 0xff);
    unsigned flushes = f.disk->flushes;
    g_assert_cmphex(whole(&f, 4, 0, 0, false), ==, 0);
    g_assert_cmpuint(f.disk->flushes, ==, flushes + 1);
    g_assert_cmphex(whole(&f, 8, 0, 20, true), ==, 0);
    g_assert_cmphex(ram_ld(f.m, DATA, 4), ==, 0x2d524553); /* SER- */
    teardown(&f);
}

static void test_several(gconstpointer data)
{
    const Mode *mode = data;
    Fixture f;
    uint32_t len;

    setup_with(&f, mode, false);
    start_mode(&f, mode);
    for (unsigned n = 0; n < 24; n++) {
        request(&f, n, 0, n, 512, true);
    }
    fake_pc_run_ns(f.m, MS20);
    for (unsigned n = 0; n < 24; n++) {
        g_assert_cmpint(vd_take(&f.d, &f.q, &len), ==, n);
        used_forward(&f, f.d.features & VD_INDIRECT ? 1 : 3);
    }
    g_assert_cmpint(vd_take(&f.d, &f.q, &len), ==, -1);
    teardown(&f);
}

static void put_range(Fixture *f, uint64_t sector, uint32_t count,
                      uint32_t flags)
{
    ram_st(f->m, DATA, sector, 8);
    ram_st(f->m, DATA + 8, count, 4);
    ram_st(f->m, DATA + 12, flags, 4);
}

static void test_ranges(void)
{
    Fixture f;

    setup_with(&f, &modes[0], false);
    start_mode(&f, &modes[0]);
    put_range(&f, 5, 3, 0);
    g_assert_cmphex(whole(&f, 11, 0, 16, false), ==, 0);
    g_assert_cmphex(f.disk->data[5 * 512 + 1], ==, 0);
    g_assert_cmphex(f.disk->data[7 * 512 + 511], ==, 0);
    g_assert_cmphex(f.disk->data[8 * 512 + 1], !=, 0);
    put_range(&f, 9, 1, 1);
    g_assert_cmphex(whole(&f, 13, 0, 16, false), ==, 0);
    g_assert_cmphex(f.disk->data[9 * 512 + 1], ==, 0);
    put_range(&f, 9, 1, 1);
    g_assert_cmphex(whole(&f, 11, 0, 16, false), ==, 2);
    put_range(&f, SECTORS - 1, 2, 0);
    g_assert_cmphex(whole(&f, 13, 0, 16, false), ==, 1);
    teardown(&f);
}

static void test_errors(void)
{
    Fixture f;

    setup_with(&f, &modes[0], false);
    start_mode(&f, &modes[0]);
    g_assert_cmphex(whole(&f, 0, SECTORS, 512, true), ==, 1);
    g_assert_cmphex(whole(&f, 0, SECTORS - 1, 1024, true), ==, 1);
    g_assert_cmphex(whole(&f, 0, UINT64_MAX, 512, true), ==, 1);
    g_assert_cmphex(whole(&f, 1, 0, 511, false), ==, 1);
    g_assert_cmphex(whole(&f, 77, 0, 512, true), ==, 2);
    f.disk->fail = -EIO;
    g_assert_cmphex(whole(&f, 0, 0, 512, true), ==, 1);
    g_assert_cmphex(whole(&f, 1, 0, 512, false), ==, 1);
    g_assert_cmphex(whole(&f, 4, 0, 0, false), ==, 1);
    g_assert_cmphex(vd_status(&f.d), ==, 15);
    teardown(&f);
}

static void test_readonly(void)
{
    Fixture f;

    setup_with(&f, &modes[0], true);
    g_assert_true(vd_offered(&f.d) & BIT64(5));
    start_mode(&f, &modes[0]);
    g_assert_cmphex(whole(&f, 1, 0, 512, false), ==, 1);
    put_range(&f, 0, 1, 0);
    g_assert_cmphex(whole(&f, 13, 0, 16, false), ==, 2);
    g_assert_cmphex(whole(&f, 0, 0, 512, true), ==, 0);
    teardown(&f);
}

/* 5.2.6.2: without a cache each write is flushed. */
static void test_write_through(void)
{
    Fixture f;

    setup_with(&f, &modes[0], false);
    start_mode(&f, &modes[0]);
    g_assert_cmphex(whole(&f, 1, 0, 512, false), ==, 0);
    g_assert_cmpuint(f.disk->flushes, ==, 0);
    ram_st(f.m, VD_MODERN + VD_CONFIG + 32, 0, 1);
    g_assert_cmphex(whole(&f, 1, 0, 512, false), ==, 0);
    g_assert_cmpuint(f.disk->flushes, ==, 1);
    vd_start(&f.d, VD_VERSION);
    vd_queue(&f.d, &f.q, 0);
    vd_go(&f.d);
    g_assert_cmphex(whole(&f, 1, 0, 512, false), ==, 0);
    g_assert_cmpuint(f.disk->flushes, ==, 2);
    teardown(&f);
}

/* --- interrupts ------------------------------------------------------------------*/

static bool pin(Fixture *f)
{
    return pci_cfg_read(f->m, SLOT, 6, 2) & 8;
}

static void test_intx(void)
{
    Fixture f;

    setup_with(&f, &modes[0], false);
    start_mode(&f, &modes[0]);
    request(&f, 1, 0, 0, 512, true);
    g_assert_false(pin(&f));
    finish(&f, 1, 512, NULL);
    g_assert_true(pin(&f));
    g_assert_cmphex(ram_ld(f.m, VD_MODERN + VD_ISR, 1), ==, 1);
    g_assert_false(pin(&f));
    /* The driver does not want to hear of it. */
    ram_st(f.m, f.q.driver, 1, 2);
    whole(&f, 0, 0, 512, true);
    g_assert_false(pin(&f));
    teardown(&f);
}

/* 2.7.7.2 and 2.8.10: not before the entry that the driver waits for. */
static void test_event_index(gconstpointer data)
{
    const Mode *mode = data;
    Fixture f;
    uint32_t len;

    setup_with(&f, mode, false);
    start_mode(&f, mode);
    if (mode->features & VD_PACKED) {
        ram_st(f.m, f.q.driver, 2 * 3 | 0x8000, 2);
        ram_st(f.m, f.q.driver + 2, 2, 2);
    } else {
        ram_st(f.m, f.q.driver + 4 + 2 * f.q.size, 2, 2);
    }
    for (unsigned n = 0; n < 4; n++) {
        request(&f, n, 0, n, 512, true);
        fake_pc_run_ns(f.m, MS20);
        g_assert_cmpint(vd_take(&f.d, &f.q, &len), ==, n);
        used_forward(&f, 3);
        g_assert_cmpuint(pin(&f), ==, n == 2);
        ram_ld(f.m, VD_MODERN + VD_ISR, 1);
    }
    teardown(&f);
}

#define MESSAGE 0x300000u

static void msix_vector(Fixture *f, unsigned n, PhysAddr addr, uint32_t data,
                        uint32_t control)
{
    ram_st(f->m, VD_MSIX + 16 * n, addr, 8);
    ram_st(f->m, VD_MSIX + 16 * n + 8, data, 4);
    ram_st(f->m, VD_MSIX + 16 * n + 12, control, 4);
}

static void msix_on(Fixture *f)
{
    unsigned cap = pci_cfg_read(f->m, SLOT, 0x34, 1);

    while (pci_cfg_read(f->m, SLOT, cap, 1) != 0x11) {
        cap = pci_cfg_read(f->m, SLOT, cap + 1, 1);
        g_assert_cmphex(cap, >=, 0x40);
    }
    g_assert_cmphex(pci_cfg_read(f->m, SLOT, cap + 2, 2), ==, 1);
    g_assert_cmphex(pci_cfg_read(f->m, SLOT, cap + 4, 4), ==, 1);
    g_assert_cmphex(pci_cfg_read(f->m, SLOT, cap + 8, 4), ==, 0x801);
    g_assert_cmphex(ram_ld(f->m, VD_MSIX + 12, 4), ==, 1);
    pci_cfg_write(f->m, SLOT, cap + 2, 0x8000, 2);
}

static void test_msix(void)
{
    Fixture f;

    setup_with(&f, &modes[0], false);
    msix_on(&f);
    start_mode(&f, &modes[0]);
    msix_vector(&f, 1, MESSAGE, 0x4041, 1);
    vd_set_common(&f.d, 0x1a, 9, 2);
    g_assert_cmphex(vd_common(&f.d, 0x1a, 2), ==, 0xffff);
    vd_set_common(&f.d, 0x1a, 1, 2);
    g_assert_cmphex(vd_common(&f.d, 0x1a, 2), ==, 1);
    whole(&f, 0, 0, 512, true);
    /* Masked: pending, until the mask goes. */
    g_assert_cmphex(ram_ld(f.m, MESSAGE, 4), ==, 0);
    g_assert_cmphex(ram_ld(f.m, VD_MSIX + 0x800, 8), ==, 2);
    ram_st(f.m, VD_MSIX + 16 + 12, 0, 4);
    g_assert_cmphex(ram_ld(f.m, MESSAGE, 4), ==, 0x4041);
    g_assert_cmphex(ram_ld(f.m, VD_MSIX + 0x800, 8), ==, 0);
    ram_st(f.m, MESSAGE, 0, 4);
    whole(&f, 0, 0, 512, true);
    g_assert_cmphex(ram_ld(f.m, MESSAGE, 4), ==, 0x4041);
    g_assert_false(pin(&f));
    g_assert_cmphex(ram_ld(f.m, VD_MODERN + VD_ISR, 1), ==, 0);
    /* The message is a notification of the same queue: no circle. */
    msix_vector(&f, 1, VD_MODERN + VD_NOTIFY, 0, 0);
    whole(&f, 0, 0, 512, true);
    g_assert_cmphex(whole(&f, 0, 0, 512, true), ==, 0);
    teardown(&f);
}

/* --- the registers --------------------------------------------------------------------*/

static void test_negotiation(void)
{
    Fixture f;

    setup_with(&f, &modes[0], false);
    g_assert_cmphex(pci_cfg_read(f.m, SLOT, 0, 4), ==, 0x10011af4);
    g_assert_cmphex(pci_cfg_read(f.m, SLOT, 0x2c, 4), ==, 0x00021af4);
    /* A feature that was not offered, or no VERSION_1. */
    vd_set_status(&f.d, 3);
    vd_set_common(&f.d, 8, 1, 4);
    vd_set_common(&f.d, 12, 0x80000001, 4);
    vd_set_status(&f.d, 11);
    g_assert_cmphex(vd_status(&f.d), ==, 3);
    vd_set_common(&f.d, 12, 0, 4);
    vd_set_status(&f.d, 11);
    g_assert_cmphex(vd_status(&f.d), ==, 3);
    vd_set_status(&f.d, 7);
    g_assert_cmphex(vd_status(&f.d), ==, 3);
    vd_set_common(&f.d, 12, 1, 4);
    vd_set_status(&f.d, 11);
    g_assert_cmphex(vd_status(&f.d), ==, 11);
    /* Then it is too late; and bits do not go away one by one. */
    vd_set_common(&f.d, 12, 0, 4);
    g_assert_cmphex(vd_common(&f.d, 12, 4), ==, 1);
    vd_set_status(&f.d, 1);
    g_assert_cmphex(vd_status(&f.d), ==, 11);
    vd_set_status(&f.d, 0);
    g_assert_cmphex(vd_status(&f.d), ==, 0);
    /* No queue beyond the last. */
    vd_set_common(&f.d, 0x16, 1, 2);
    g_assert_cmphex(vd_common(&f.d, 0x18, 2), ==, 0);
    teardown(&f);
}

/* 4.1.4.9: registers through configuration space. */
static void test_window(void)
{
    Fixture f;
    unsigned cap;

    setup_with(&f, &modes[0], false);
    cap = pci_cfg_read(f.m, SLOT, 0x34, 1);
    while (pci_cfg_read(f.m, SLOT, cap, 1) != 9 ||
           pci_cfg_read(f.m, SLOT, cap + 3, 1) != 5) {
        cap = pci_cfg_read(f.m, SLOT, cap + 1, 1);
        g_assert_cmphex(cap, >=, 0x40);
    }
    pci_cfg_write(f.m, SLOT, cap + 4, 4, 1);
    pci_cfg_write(f.m, SLOT, cap + 8, 0x14, 4);
    pci_cfg_write(f.m, SLOT, cap + 12, 1, 4);
    pci_cfg_write(f.m, SLOT, cap + 16, 3, 1);
    g_assert_cmphex(vd_status(&f.d), ==, 3);
    g_assert_cmphex(pci_cfg_read(f.m, SLOT, cap + 16, 1), ==, 3);
    pci_cfg_write(f.m, SLOT, cap + 8, 0x2000, 4);
    pci_cfg_write(f.m, SLOT, cap + 12, 4, 4);
    g_assert_cmphex(pci_cfg_read(f.m, SLOT, cap + 16, 4), ==, SECTORS);
    /* Nowhere. */
    pci_cfg_write(f.m, SLOT, cap + 8, 0xfffffffc, 4);
    pci_cfg_read(f.m, SLOT, cap + 16, 4);
    pci_cfg_write(f.m, SLOT, cap + 16, 0, 4);
    teardown(&f);
}

static void test_bus_master(void)
{
    Fixture f;

    setup_with(&f, &modes[0], false);
    start_mode(&f, &modes[0]);
    pci_cfg_write(f.m, SLOT, 4, 3, 2);
    request(&f, 1, 0, 0, 512, true);
    fake_pc_run_ns(f.m, MS20);
    g_assert_cmphex(ram_ld(f.m, STATUS + 1, 1), ==, 0xee);
    pci_cfg_write(f.m, SLOT, 4, 7, 2);
    vd_kick(&f.d, &f.q);
    g_assert_cmphex(finish(&f, 1, 512, NULL), ==, 0);
    teardown(&f);
}

/* --- drivers that break the rules ------------------------------------------------------*/

static bool needs_reset(Fixture *f)
{
    return vd_status(&f->d) & 0x40;
}

static void put_desc(Fixture *f, unsigned n, uint64_t addr, uint32_t len,
                     uint16_t flags, uint16_t next)
{
    uint64_t at = f->q.desc + 16 * n;
    ram_st(f->m, at, addr, 8);
    ram_st(f->m, at + 8, len, 4);
    ram_st(f->m, at + 12, flags, 2);
    ram_st(f->m, at + 14, next, 2);
}

static void offer(Fixture *f, uint16_t head)
{
    ram_st(f->m, f->q.driver + 4 + 2 * (f->q.next % f->q.size), head, 2);
    ram_st(f->m, f->q.driver + 2, ++f->q.next, 2);
    vd_kick(&f->d, &f->q);
    fake_pc_run_ns(f->m, MS20);
}

static void bad_head(Fixture *f)
{
    offer(f, 256);
}

static void bad_index(Fixture *f)
{
    ram_st(f->m, f->q.driver + 2, 257, 2);
    vd_kick(&f->d, &f->q);
}

static void bad_next(Fixture *f)
{
    put_desc(f, 0, HEADER, 16, 1, 999);
    offer(f, 0);
}

static void bad_circle(Fixture *f)
{
    put_desc(f, 0, HEADER, 16, 1, 1);
    put_desc(f, 1, HEADER, 16, 1, 0);
    offer(f, 0);
}

static void bad_order(Fixture *f)
{
    put_desc(f, 0, STATUS, 1, 3, 1);
    put_desc(f, 1, HEADER, 16, 0, 0);
    offer(f, 0);
}

static void bad_short(Fixture *f)
{
    put_desc(f, 0, HEADER, 15, 1, 1);
    put_desc(f, 1, STATUS, 1, 2, 0);
    offer(f, 0);
}

static void bad_memory(Fixture *f)
{
    put_desc(f, 0, 0x90000000, 16, 1, 1);
    put_desc(f, 1, STATUS, 1, 2, 0);
    offer(f, 0);
}

/* The device's own registers are no memory. */
static void bad_registers(Fixture *f)
{
    put_desc(f, 0, HEADER, 16, 1, 1);
    put_desc(f, 1, VD_MODERN + VD_NOTIFY, 512, 3, 2);
    put_desc(f, 2, STATUS, 1, 2, 0);
    ram_st(f->m, HEADER, 0, 8);
    ram_st(f->m, HEADER + 8, 0, 8);
    offer(f, 0);
}

static void bad_rom(Fixture *f)
{
    put_desc(f, 0, HEADER, 16, 1, 1);
    put_desc(f, 1, 0xffff0000, 512, 3, 2);
    put_desc(f, 2, STATUS, 1, 2, 0);
    ram_st(f->m, HEADER, 0, 8);
    ram_st(f->m, HEADER + 8, 0, 8);
    offer(f, 0);
}

static void bad_wrap(Fixture *f)
{
    put_desc(f, 0, UINT64_MAX - 7, 16, 1, 1);
    put_desc(f, 1, STATUS, 1, 2, 0);
    offer(f, 0);
}

static void bad_indirect(Fixture *f)
{
    put_desc(f, 0, HEADER, 32, 4, 0);
    offer(f, 0);
}

static void bad_align(Fixture *f)
{
    vd_start(&f->d, VD_VERSION);
    vd_set_common(&f->d, 0x16, 0, 2);
    vd_set_common(&f->d, 0x20, VD_RINGS + 8, 8);
    vd_set_common(&f->d, 0x1c, 1, 2);
}

static void bad_size(Fixture *f)
{
    vd_start(&f->d, VD_VERSION);
    vd_set_common(&f->d, 0x16, 0, 2);
    vd_set_common(&f->d, 0x18, 100, 2);
    vd_set_common(&f->d, 0x1c, 1, 2);
}

static void bad_used(Fixture *f)
{
    vd_start(&f->d, VD_VERSION);
    vd_queue(&f->d, &f->q, 0);
    vd_set_common(&f->d, 0x1c, 0, 2);
    vd_set_status(&f->d, 0);
    vd_start(&f->d, VD_VERSION);
    vd_set_common(&f->d, 0x16, 0, 2);
    vd_set_common(&f->d, 0x20, f->q.desc, 8);
    vd_set_common(&f->d, 0x28, f->q.driver, 8);
    vd_set_common(&f->d, 0x30, 0xf0000000, 8);
    vd_set_common(&f->d, 0x1c, 1, 2);
    vd_go(&f->d);
    request(f, 0, 0, 0, 512, true);
    fake_pc_run_ns(f->m, MS20);
}

static const struct {
    const char *name;
    void (*fn)(Fixture *f);
} crimes[] = {
    { "head", bad_head },           { "index", bad_index },
    { "next", bad_next },           { "circle", bad_circle },
    { "order", bad_order },         { "short", bad_short },
    { "memory", bad_memory },       { "registers", bad_registers },
    { "rom", bad_rom },             { "wrap", bad_wrap },
    { "indirect", bad_indirect },   { "align", bad_align },
    { "size", bad_size },           { "used", bad_used },
};

static void test_crimes(void)
{
    Fixture f;

    setup_with(&f, &modes[0], false);
    for (unsigned n = 0; n < G_N_ELEMENTS(crimes); n++) {
        g_test_message("%s", crimes[n].name);
        start_mode(&f, &modes[0]);
        crimes[n].fn(&f);
        g_assert_true(needs_reset(&f));
        /* It does nothing any more, until a reset makes it good. */
        request(&f, 2, 0, 0, 512, true);
        fake_pc_run_ns(f.m, MS20);
        g_assert_cmphex(ram_ld(f.m, STATUS + 2, 1), ==, 0xee);
        start_mode(&f, &modes[0]);
        g_assert_false(needs_reset(&f));
        g_assert_cmphex(whole(&f, 0, 0, 512, true), ==, 0);
    }
    teardown(&f);
}

/* 2.1.2: a driver at work is told by a configuration interrupt. */
static void test_told(void)
{
    Fixture f;

    setup_with(&f, &modes[0], false);
    start_mode(&f, &modes[0]);
    g_assert_false(pin(&f));
    bad_head(&f);
    g_assert_true(pin(&f));
    g_assert_cmphex(ram_ld(f.m, VD_MODERN + VD_ISR, 1), ==, 2);
    teardown(&f);
}

static void test_packed_endless(void)
{
    Fixture f;

    setup_with(&f, &modes[3], false);
    start_mode(&f, &modes[3]);
    for (unsigned n = 0; n < f.q.size; n++) {
        put_desc(&f, n, HEADER, 16, 0, 0x81);
    }
    vd_kick(&f.d, &f.q);
    g_assert_true(needs_reset(&f));
    teardown(&f);
}

/* Rings of noise, and registers poked at random. */
static void noise_ring(Fixture *f, GRand *r)
{
    for (unsigned i = 0; i < 64; i++) {
        uint32_t where = g_rand_int_range(r, 0, 5);
        uint64_t addr = where == 0   ? g_rand_int(r)
                        : where == 1 ? f->q.desc + g_rand_int_range(r, 0, 9999)
                        : where == 2 ? VD_MODERN + g_rand_int_range(r, 0, 0x4000)
                                     : HEADER + g_rand_int_range(r, 0, 0x10000);
        uint32_t len = g_rand_int_range(r, 0, 4) ? g_rand_int_range(r, 0, 2048)
                                                 : g_rand_int(r);
        bool packed = f->d.features & VD_PACKED;
        uint16_t flags = g_rand_int_range(r, 0, 8) | (packed ? 0x80 : 0);
        put_desc(f, i, addr, len, packed ? i : flags,
                 packed ? flags : g_rand_int_range(r, 0, 66));
    }
    for (unsigned i = 0; i < 16; i++) {
        ram_st(f->m, f->q.driver + 4 + 2 * i, g_rand_int_range(r, 0, 64), 2);
    }
    ram_st(f->m, f->q.driver + 2, g_rand_int_range(r, 0, 20), 2);
    for (unsigned i = 0; i < 32; i++) {
        ram_st(f->m, HEADER + 16 * i, g_rand_int_range(r, 0, 15), 4);
        ram_st(f->m, HEADER + 16 * i + 8, g_rand_int_range(r, 0, 5000), 8);
    }
}

static void noise_registers(Fixture *f, GRand *r)
{
    static const unsigned sizes[] = { 1, 2, 4, 8 };
    for (unsigned i = 0; i < 20; i++) {
        unsigned size = sizes[g_rand_int_range(r, 0, 4)];
        uint64_t v = g_rand_int_range(r, 0, 2) ? g_rand_int_range(r, 0, 64)
                                               : g_rand_int(r);
        uint32_t at = g_rand_int_range(r, 0, 0x4000 / 8) * size;
        PhysAddr base = g_rand_int_range(r, 0, 8) ? VD_MODERN : VD_MSIX;
        if (g_rand_int_range(r, 0, 2)) {
            at %= 0x40;
        }
        if (g_rand_int_range(r, 0, 4)) {
            ram_st(f->m, base + at, v, size);
        } else {
            out_port(f->m, VD_LEGACY + at % 128, v, MIN(size, 4));
        }
        ram_ld(f->m, base + at, size);
    }
}

static void test_noise(void)
{
    GRand *r = g_rand_new_with_seed(11);
    Fixture f;

    for (unsigned n = 0; n < G_N_ELEMENTS(modes); n++) {
        setup_with(&f, &modes[n], false);
        for (unsigned round = 0; round < 150; round++) {
            start_mode(&f, &modes[n]);
            noise_ring(&f, r);
            vd_kick(&f.d, &f.q);
            fake_pc_run_ns(f.m, NS_PER_MS);
            noise_registers(&f, r);
            vd_kick(&f.d, &f.q);
            fake_pc_run_ns(f.m, NS_PER_MS);
        }
        machine_reset(f.m);
        vd_attach(&f.d, f.m, SLOT, modes[n].legacy);
        start_mode(&f, &modes[n]);
        g_assert_cmphex(whole(&f, 0, 0, 512, true), ==, 0);
        teardown(&f);
    }
    g_rand_free(r);
}

/* --- the random number generator ----------------------------------------------------------*/

static void test_rng(void)
{
    Machine *m = fake_pc_new(4 * MIB);
    Vd d;
    VdQueue q;
    uint32_t len;

    fake_pc_add_device(m, "virtio-rng-pci", "addr", "4", NULL);
    fake_pc_start(m);
    vd_attach(&d, m, SLOT, false);
    vd_start(&d, VD_VERSION);
    vd_queue(&d, &q, 0);
    vd_go(&d);
    VdSeg seg = { DATA, 61, true };
    vd_add(&d, &q, 3, &seg, 1);
    vd_kick(&d, &q);
    g_assert_cmpint(vd_take(&d, &q, &len), ==, 3);
    g_assert_cmpuint(len, ==, 61);
    g_assert_cmphex(ram_ld(m, DATA, 8), !=, ram_ld(m, DATA + 8, 8));
    g_assert_cmphex(ram_ld(m, DATA + 60, 1), !=, 0);
    g_assert_cmphex(ram_ld(m, DATA + 61, 4), ==, 0);
    fake_pc_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned n = 0; n < G_N_ELEMENTS(modes); n++) {
        g_autofree char *a = g_strdup_printf("/virtio/rounds/%s",
                                             modes[n].name);
        g_autofree char *b = g_strdup_printf("/virtio/several/%s",
                                             modes[n].name);
        g_test_add_data_func(a, &modes[n], test_rounds);
        g_test_add_data_func(b, &modes[n], test_several);
    }
    g_test_add_func("/virtio/blk/ranges", test_ranges);
    g_test_add_func("/virtio/blk/errors", test_errors);
    g_test_add_func("/virtio/blk/readonly", test_readonly);
    g_test_add_func("/virtio/blk/write-through", test_write_through);
    g_test_add_func("/virtio/intx", test_intx);
    g_test_add_data_func("/virtio/event-index/split", &modes[1],
                         test_event_index);
    g_test_add_data_func("/virtio/event-index/packed", &modes[4],
                         test_event_index);
    g_test_add_func("/virtio/msix", test_msix);
    g_test_add_func("/virtio/negotiation", test_negotiation);
    g_test_add_func("/virtio/window", test_window);
    g_test_add_func("/virtio/bus-master", test_bus_master);
    g_test_add_func("/virtio/crimes", test_crimes);
    g_test_add_func("/virtio/told", test_told);
    g_test_add_func("/virtio/packed-endless", test_packed_endless);
    g_test_add_func("/virtio/noise", test_noise);
    g_test_add_func("/virtio/rng", test_rng);
    return g_test_run();
}
