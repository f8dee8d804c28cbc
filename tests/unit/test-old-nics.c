/*
 * rtl8139 and ne2k_pci: a frame each way, a ring that is full, and drivers that
 * write noise.
 */
#include "base/bytes.h"
#include "fake-pc.h"

#define SLOT (4 << 3)
#define IO   0xc100u
#define RING 0x100000u
#define TX   0x180000u

static const uint8_t our_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

typedef struct Fixture {
    Machine *m;
    Netdev *net;
} Fixture;

static void setup(Fixture *f, const char *model)
{
    f->m = fake_pc_new(4 * MIB);
    f->net = fake_netdev_new();
    fake_pc_add_netdev(f->m, "n", f->net);
    fake_pc_add_device(f->m, model, "netdev", "n", "addr", "4", NULL);
    fake_pc_start(f->m);
    pci_cfg_write(f->m, SLOT, 0x10, IO, 4);
    pci_cfg_write(f->m, SLOT, 4, 7, 2);
}

static void teardown(Fixture *f)
{
    fake_pc_free(f->m);
    fake_netdev_free(f->net);
}

static void deliver(Fixture *f, size_t len)
{
    uint8_t frame[3000];

    for (size_t i = 0; i < sizeof frame; i++) {
        frame[i] = i * 5;
    }
    memcpy(frame, our_mac, 6);
    fake_netdev_deliver(f->net, frame, len);
}

static void check_sent(Fixture *f, unsigned count, size_t len, uint8_t last)
{
    g_assert_cmpuint(f->net->sent->len, ==, count);
    gsize got;
    const uint8_t *p = g_bytes_get_data(
        g_ptr_array_index(f->net->sent, count - 1), &got);
    g_assert_cmpuint(got, ==, len);
    g_assert_cmphex(p[len - 1], ==, last);
}

static void noise(Fixture *f, unsigned seed)
{
    GRand *r = g_rand_new_with_seed(seed);

    for (unsigned n = 0; n < 50000; n++) {
        unsigned size = 1u << g_rand_int_range(r, 0, 3);
        unsigned at = g_rand_int_range(r, 0, n % 4 ? 0x20 : 0x100) &
                      ~(size - 1);
        out_port(f->m, IO + at, g_rand_int(r), size);
        in_port(f->m, IO + at, size);
        f->net->room(f->net->opaque);
        if (n % 4 == 0) {
            deliver(f, g_rand_int_range(r, 0, 3000));
            g_ptr_array_set_size(f->net->sent, 0);
        }
    }
    g_rand_free(r);
}

/* --- rtl8139 ---------------------------------------------------------------------*/

static void rtl_start(Fixture *f)
{
    out_port(f->m, IO + 0x37, 0x10, 1);
    out_port(f->m, IO + 0x30, RING, 4);
    out_port(f->m, IO + 0x37, 0x0c, 1);
    out_port(f->m, IO + 0x44, 0x8a, 4);
    out_port(f->m, IO + 0x3c, 0x5, 2);
}

static uint16_t rtl_eeprom(Fixture *f, unsigned n)
{
    uint16_t command = 6 << 6 | n, word = 0;

    out_port(f->m, IO + 0x50, 0x80, 1);
    for (int i = 8; i >= 0; i--) {
        uint8_t bit = command >> i & 1 ? 2 : 0;
        out_port(f->m, IO + 0x50, 0x88 | bit, 1);
        out_port(f->m, IO + 0x50, 0x8c | bit, 1);
    }
    for (unsigned i = 0; i < 16; i++) {
        out_port(f->m, IO + 0x50, 0x88, 1);
        out_port(f->m, IO + 0x50, 0x8c, 1);
        word = word << 1 | (in_port(f->m, IO + 0x50, 1) & 1);
    }
    out_port(f->m, IO + 0x50, 0, 1);
    return word;
}

static void test_rtl(void)
{
    Fixture f;
    unsigned at = 0;

    setup(&f, "rtl8139");
    rtl_start(&f);
    g_assert_cmphex(rtl_eeprom(&f, 0), ==, 0x8129);
    g_assert_cmphex(rtl_eeprom(&f, 8), ==, 0x1200);
    g_assert_cmphex(in_port(f.m, IO, 4), ==, 0x12005452);
    for (unsigned n = 0; n < 9; n++) {
        address_space_st(f.m->memory, TX + 99, n, 1);
        out_port(f.m, IO + 0x20 + n % 4 * 4, TX, 4);
        out_port(f.m, IO + 0x10 + n % 4 * 4, 100, 4);
        check_sent(&f, n + 1, 100, n);
        g_assert_cmphex(in_port(f.m, IO + 0x10 + n % 4 * 4, 4), ==, 0xa064);
    }
    g_assert_cmphex(in_port(f.m, IO + 0x3e, 2), ==, 4);
    g_assert_true(pci_cfg_read(f.m, SLOT, 6, 2) & 8);
    out_port(f.m, IO + 0x3e, 4, 2);
    g_assert_false(pci_cfg_read(f.m, SLOT, 6, 2) & 8);
    /* Round the ring more than once. */
    for (unsigned n = 0; n < 60; n++) {
        g_assert_cmphex(in_port(f.m, IO + 0x37, 1) & 1, ==, 1);
        deliver(&f, 1000);
        g_assert_cmphex(in_port(f.m, IO + 0x37, 1) & 1, ==, 0);
        g_assert_cmphex(address_space_ld(f.m->memory, RING + at, 4), ==,
                        1004u << 16 | 0x4001);
        g_assert_cmphex(address_space_ld(f.m->memory, RING + at + 4, 4), ==,
                        0x12005452);
        at = (at + 1008) % 8192;
        out_port(f.m, IO + 0x38, at - 16, 2);
    }
    for (unsigned n = 0; n < 10; n++) {
        deliver(&f, 1000);
    }
    g_assert_cmphex(in_port(f.m, IO + 0x3e, 2), ==, 0x11);
    g_assert_cmpuint(f.net->room(f.net->opaque), ==, 0);
    noise(&f, 8);
    teardown(&f);
}

/* --- ne2k_pci ---------------------------------------------------------------------*/

static void ne_dma(Fixture *f, uint8_t command, uint16_t at, uint16_t len)
{
    out_port(f->m, IO, 0x22, 1);
    out_port(f->m, IO + 8, at & 0xff, 1);
    out_port(f->m, IO + 9, at >> 8, 1);
    out_port(f->m, IO + 10, len & 0xff, 1);
    out_port(f->m, IO + 11, len >> 8, 1);
    out_port(f->m, IO, command, 1);
}

static void ne_start(Fixture *f)
{
    static const uint8_t init[][2] = {
        { 0, 0x21 }, { 14, 0x49 }, { 12, 0x04 }, { 1, 0x46 }, { 2, 0x80 },
        { 3, 0x7f }, { 7, 0xff }, { 15, 0x43 }, { 0, 0x61 }, { 1, 0x52 },
        { 2, 0x54 }, { 3, 0 }, { 4, 0x12 }, { 5, 0x34 }, { 6, 0x56 },
        { 7, 0x46 }, { 0, 0x22 },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(init); i++) {
        out_port(f->m, IO + init[i][0], init[i][1], 1);
    }
}

static void test_ne2k(void)
{
    Fixture f;

    setup(&f, "ne2k_pci");
    ne_start(&f);
    ne_dma(&f, 0x0a, 0, 32);
    for (unsigned i = 0; i < 16; i++) {
        unsigned byte = i < 6 ? our_mac[i] : i < 14 ? 0 : 0x57;
        g_assert_cmphex(in_port(f.m, IO + 0x10, 2), ==, byte * 0x101);
    }
    g_assert_cmphex(in_port(f.m, IO + 7, 1), ==, 0x40);
    out_port(f.m, IO + 7, 0x40, 1);
    ne_dma(&f, 0x12, 0x4000, 100);
    for (unsigned i = 0; i < 50; i++) {
        out_port(f.m, IO + 0x10, i, 2);
    }
    out_port(f.m, IO + 4, 0x40, 1);
    out_port(f.m, IO + 5, 100, 1);
    out_port(f.m, IO + 6, 0, 1);
    out_port(f.m, IO, 0x26, 1);
    check_sent(&f, 1, 100, 0);
    g_assert_cmphex(in_port(f.m, IO + 7, 1) & 2, ==, 2);
    g_assert_true(pci_cfg_read(f.m, SLOT, 6, 2) & 8);
    out_port(f.m, IO + 7, 0xff, 1);
    g_assert_false(pci_cfg_read(f.m, SLOT, 6, 2) & 8);
    /* Several pages, until the ring is full; drivers change the page so. */
    out_port(f.m, IO, 0, 1);
    for (unsigned n = 0; n < 11; n++) {
        deliver(&f, 1200);
    }
    g_assert_cmphex(in_port(f.m, IO + 7, 1), ==, 1);
    deliver(&f, 1200);
    g_assert_cmphex(in_port(f.m, IO + 7, 1), ==, 0x11);
    g_assert_cmpuint(f.net->room(f.net->opaque), ==, 0);
    ne_dma(&f, 0x0a, 0x4600, 8);
    g_assert_cmphex(in_port(f.m, IO + 0x10, 4), ==, 1204u << 16 | 0x4b01);
    g_assert_cmphex(in_port(f.m, IO + 0x10, 4), ==, 0x12005452);
    noise(&f, 9);
    teardown(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rtl8139", test_rtl);
    g_test_add_func("/ne2k_pci", test_ne2k);
    return g_test_run();
}
