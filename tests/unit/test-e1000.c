/*
 * The 82540EM: EEPROM, frames out and in, checksums, segments, filters,
 * interrupts, and drivers that break rules.
 */
#include "base/bytes.h"
#include "fake-pc.h"

#define SLOT (4 << 3)
#define BAR  0xe0000000u
#define TX_RING 0x100000u
#define RX_RING 0x110000u
#define TX_DATA 0x120000u
#define RX_DATA 0x200000u
#define DESCS 16u

static const uint8_t our_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

typedef struct Fixture {
    Machine *m;
    Netdev *net;
    unsigned tail;
} Fixture;

static uint32_t reg(Fixture *f, unsigned at)
{
    return address_space_ld(f->m->memory, BAR + at, 4);
}

static void set_reg(Fixture *f, unsigned at, uint32_t v)
{
    address_space_st(f->m->memory, BAR + at, v, 4);
}

static void ram_st(Fixture *f, PhysAddr a, uint64_t v, unsigned size)
{
    address_space_st(f->m->memory, a, v, size);
}

static uint64_t ram_ld(Fixture *f, PhysAddr a, unsigned size)
{
    return address_space_ld(f->m->memory, a, size);
}

static void start(Fixture *f)
{
    pci_cfg_write(f->m, SLOT, 0x10, BAR, 4);
    pci_cfg_write(f->m, SLOT, 4, 7, 2);
    for (unsigned i = 0; i < DESCS; i++) {
        ram_st(f, RX_RING + 16 * i, RX_DATA + 2048 * i, 8);
        ram_st(f, RX_RING + 16 * i + 8, 0, 8);
    }
    set_reg(f, 0x2800, RX_RING);
    set_reg(f, 0x2808, 16 * DESCS);
    set_reg(f, 0x2818, DESCS - 1);
    set_reg(f, 0x3800, TX_RING);
    set_reg(f, 0x3808, 16 * DESCS);
    set_reg(f, 0x400, 2);
    set_reg(f, 0x100, 0x8002);
    f->tail = 0;
}

static void setup(Fixture *f)
{
    f->m = fake_pc_new(4 * MIB);
    f->net = fake_netdev_new();
    fake_pc_add_netdev(f->m, "n", f->net);
    fake_pc_add_device(f->m, "e1000", "netdev", "n", "addr", "4", NULL);
    fake_pc_start(f->m);
    start(f);
}

static void teardown(Fixture *f)
{
    fake_pc_free(f->m);
    fake_netdev_free(f->net);
}

static void tx(Fixture *f, uint64_t addr, uint32_t lower, uint32_t upper)
{
    ram_st(f, TX_RING + 16 * f->tail, addr, 8);
    ram_st(f, TX_RING + 16 * f->tail + 8, lower, 4);
    ram_st(f, TX_RING + 16 * f->tail + 12, upper, 4);
    f->tail = (f->tail + 1) % DESCS;
}

static void tx_go(Fixture *f)
{
    set_reg(f, 0x3818, f->tail);
}

static const uint8_t *sent(Fixture *f, unsigned n, size_t *len)
{
    g_assert_cmpuint(n, <, f->net->sent->len);
    return g_bytes_get_data(g_ptr_array_index(f->net->sent, n), len);
}

/* --- EEPROM and PHY --------------------------------------------------------------*/

static void eecd(Fixture *f, uint32_t bits)
{
    set_reg(f, 0x10, bits);
}

/* As drivers do: request, select, nine bits in, sixteen out. */
static uint16_t eeprom_word(Fixture *f, unsigned n)
{
    uint32_t command = 6 << 6 | n;
    uint16_t word = 0;

    eecd(f, 0x40);
    g_assert_cmphex(reg(f, 0x10) & 0x180, ==, 0x180);
    eecd(f, 0x42);
    for (int i = 8; i >= 0; i--) {
        uint32_t bit = command >> i & 1 ? 4 : 0;
        eecd(f, 0x42 | bit);
        eecd(f, 0x43 | bit);
        eecd(f, 0x42 | bit);
    }
    for (unsigned i = 0; i < 16; i++) {
        eecd(f, 0x43);
        word = word << 1 | (reg(f, 0x10) & 8 ? 1 : 0);
        eecd(f, 0x42);
    }
    eecd(f, 0);
    return word;
}

static void test_eeprom(void)
{
    Fixture f;
    uint16_t sum = 0;

    setup(&f);
    for (unsigned n = 0; n < 64; n++) {
        uint16_t word = eeprom_word(&f, n);
        set_reg(&f, 0x14, n << 8 | 1);
        g_assert_cmphex(reg(&f, 0x14) & 0x10, ==, 0x10);
        g_assert_cmphex(reg(&f, 0x14) >> 16, ==, word);
        sum += word;
    }
    g_assert_cmphex(sum, ==, 0xbaba);
    for (unsigned n = 0; n < 3; n++) {
        g_assert_cmphex(eeprom_word(&f, n), ==,
                        bytes_ld_le16(our_mac + 2 * n));
    }
    set_reg(&f, 0x20, 1 << 21 | 2 << 16 | 0x08000000);
    g_assert_cmphex(reg(&f, 0x20) & 0x1000ffff, ==, 0x10000141);
    set_reg(&f, 0x20, 2 << 21 | 2 << 16 | 0x08000000);
    g_assert_cmphex(reg(&f, 0x20) & 0x40000000, ==, 0x40000000);
    teardown(&f);
}

/* --- out --------------------------------------------------------------------------*/

static void test_legacy(void)
{
    Fixture f;
    size_t len;

    setup(&f);
    for (unsigned i = 0; i < 200; i++) {
        ram_st(&f, TX_DATA + i, i, 1);
    }
    for (unsigned n = 0; n < 40; n++) {
        tx(&f, TX_DATA, 100, 0);
        tx(&f, TX_DATA + 100, 50 | 9u << 24, 0);
        tx_go(&f);
        const uint8_t *frame = sent(&f, n, &len);
        g_assert_cmpuint(len, ==, 150);
        g_assert_cmphex(frame[149], ==, 149);
        g_assert_cmphex(ram_ld(&f, TX_RING + 16 * ((f.tail + 15) % 16) + 12,
                               1), ==, 1);
        g_assert_cmpuint(reg(&f, 0x3810), ==, f.tail);
    }
    g_assert_cmphex(reg(&f, 0xc0) & 3, ==, 3);
    g_assert_cmphex(reg(&f, 0xc0), ==, 0);
    g_assert_cmpuint(reg(&f, 0x4080), ==, 40);
    g_assert_cmpuint(reg(&f, 0x4080), ==, 0);
    teardown(&f);
}

static uint16_t sum_of(const uint8_t *p, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? p[i] : p[i] << 8;
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* An Ethernet, an IPv4 and a TCP header, 54 bytes, and some data. */
static void make_tcp(Fixture *f, uint32_t data)
{
    uint8_t h[54] = { [12] = 8, [14] = 0x45, [22] = 64, [23] = 6,
                      [26] = 10, 0, 2, 15, 10, 0, 2, 2, 0x12, 0x34, 0, 80,
                      0, 0, 1, 0, [46] = 0x50, 0x19 };
    /* The pseudo header's sum, without the length. */
    bytes_st_be16(h + 50, sum_of(h + 26, 8, 6));
    bytes_st_be16(h + 18, 0x77);
    address_space_write(f->m->memory, TX_DATA, h, sizeof h);
    for (unsigned i = 0; i < data; i++) {
        ram_st(f, TX_DATA + 54 + i, i * 3, 1);
    }
}

static void test_segments(void)
{
    Fixture f;
    size_t len;
    unsigned at = 0;

    setup(&f);
    make_tcp(&f, 2500);
    /* Context: IP 14..33 sum at 24, TCP from 34 sum at 50; cut at 1000. */
    tx(&f, (uint64_t)50 << 40 | (uint64_t)34 << 32 | 33 << 16 | 24 << 8 | 14,
       2500 | 0x27u << 24, 1000u << 16 | 54 << 8);
    tx(&f, TX_DATA, 54 | 1 << 20 | 0x24u << 24, 3 << 8);
    tx(&f, TX_DATA + 54, 2500 | 1 << 20 | 0x2du << 24, 0);
    tx_go(&f);
    g_assert_cmpuint(f.net->sent->len, ==, 3);
    for (unsigned n = 0; n < 3; n++) {
        const uint8_t *p = sent(&f, n, &len);
        unsigned bytes = n < 2 ? 1000 : 500;
        g_assert_cmpuint(len, ==, 54 + bytes);
        g_assert_cmpuint(bytes_ld_be16(p + 16), ==, 40 + bytes);
        g_assert_cmphex(bytes_ld_be16(p + 18), ==, 0x77 + n);
        g_assert_cmpuint(bytes_ld_be32(p + 38), ==, 0x100 + n * 1000);
        g_assert_cmphex(p[47], ==, n == 2 ? 0x19 : 0x10);
        g_assert_cmphex(sum_of(p + 14, 20, 0), ==, 0xffff);
        g_assert_cmphex(sum_of(p + 34, len - 34,
                               sum_of(p + 26, 8, 6 + 20 + bytes)), ==,
                        0xffff);
        for (unsigned i = 0; i < bytes; i++, at++) {
            g_assert_cmphex(p[54 + i], ==, at * 3 & 0xff);
        }
    }
    teardown(&f);
}

/* A frame may be cut into thousands: they are sent in rounds, all of them, and
 * only then is the queue empty. */
static void test_segments_in_rounds(void)
{
    enum { FRAMES = 6, BYTES = 3000 };
    Fixture f;

    setup(&f);
    make_tcp(&f, BYTES);
    reg(&f, 0xc0);
    tx(&f, (uint64_t)50 << 40 | (uint64_t)34 << 32 | 33 << 16 | 24 << 8 | 14,
       BYTES | 0x27u << 24, 1u << 16 | 54 << 8);
    for (unsigned n = 0; n < FRAMES; n++) {
        tx(&f, TX_DATA, (54 + BYTES) | 1 << 20 | 0x2du << 24, 3 << 8);
    }
    tx_go(&f);
    g_assert_cmpuint(f.net->sent->len, ==, BYTES);
    g_assert_cmphex(reg(&f, 0xc0) & 3, ==, 1);
    fake_pc_run_ns(f.m, 100 * NS_PER_MS);
    g_assert_cmpuint(f.net->sent->len, ==, FRAMES * BYTES);
    g_assert_cmphex(reg(&f, 0xc0) & 3, ==, 3);
    teardown(&f);
}

/* --- in ---------------------------------------------------------------------------------*/

static bool arrives(Fixture *f, const uint8_t *to, unsigned *n)
{
    uint8_t frame[100] = { 0 };

    memcpy(frame, to, 6);
    frame[99] = 0x99;
    ram_st(f, RX_RING + 16 * *n + 12, 0, 1);
    fake_netdev_deliver(f->net, frame, sizeof frame);
    if (!ram_ld(f, RX_RING + 16 * *n + 12, 1)) {
        return false;
    }
    g_assert_cmphex(ram_ld(f, RX_RING + 16 * *n + 12, 1) & 3, ==, 3);
    g_assert_cmpuint(ram_ld(f, RX_RING + 16 * *n + 8, 2), ==, 104);
    g_assert_cmphex(ram_ld(f, RX_DATA + 2048 * *n + 99, 1), ==, 0x99);
    set_reg(f, 0x2818, *n);
    *n = (*n + 1) % DESCS;
    return true;
}

static void test_filters(void)
{
    static const uint8_t other[6] = { 2, 0, 0, 0, 0, 9 };
    static const uint8_t group[6] = { 1, 0, 0x5e, 0, 0, 1 };
    static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
    Fixture f;
    unsigned n = 0, hash;

    setup(&f);
    for (unsigned i = 0; i < 40; i++) {
        g_assert_true(arrives(&f, our_mac, &n));
    }
    g_assert_true(arrives(&f, all, &n));
    g_assert_false(arrives(&f, other, &n));
    g_assert_false(arrives(&f, group, &n));
    hash = (group[4] | group[5] << 8) >> 4;
    set_reg(&f, 0x5200 + hash / 32 * 4, 1u << hash % 32);
    g_assert_true(arrives(&f, group, &n));
    set_reg(&f, 0x100, 0x800a);
    g_assert_true(arrives(&f, other, &n));
    set_reg(&f, 0x100, 0x0002);
    g_assert_false(arrives(&f, all, &n));
    g_assert_false(arrives(&f, other, &n));
    set_reg(&f, 0x100, 0x0012);
    g_assert_true(arrives(&f, all, &n));
    teardown(&f);
}

static void test_overrun_and_interrupts(void)
{
    Fixture f;
    uint8_t frame[1514] = { 0 };

    setup(&f);
    memcpy(frame, our_mac, 6);
    reg(&f, 0xc0);
    g_assert_cmpuint(f.net->room(f.net->opaque), ==, DESCS - 1);
    for (unsigned i = 0; i < DESCS - 1; i++) {
        fake_netdev_deliver(f.net, frame, sizeof frame);
    }
    g_assert_cmpuint(f.net->room(f.net->opaque), ==, 0);
    g_assert_false(pci_cfg_read(f.m, SLOT, 6, 2) & 8);
    set_reg(&f, 0xd0, 0x80);
    g_assert_true(pci_cfg_read(f.m, SLOT, 6, 2) & 8);
    g_assert_cmphex(reg(&f, 0xc0) & 0xd0, ==, 0x90);
    g_assert_false(pci_cfg_read(f.m, SLOT, 6, 2) & 8);
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmphex(reg(&f, 0xc0) & 0xd0, ==, 0x40);
    g_assert_cmpuint(reg(&f, 0x4010), ==, 1);
    unsigned kicks = f.net->kicks;
    set_reg(&f, 0x2818, 8);
    g_assert_cmpuint(f.net->kicks, >, kicks);
    /* Larger than a buffer of 256 bytes: several of them. */
    set_reg(&f, 0x100, 0x38002);
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmpuint(reg(&f, 0x2810), ==, (DESCS - 1 + 6) % DESCS);
    teardown(&f);
}

/* Registers and rings of noise; its own registers as buffers. */
static void test_noise(void)
{
    GRand *r = g_rand_new_with_seed(3);
    uint8_t frame[3000] = { 0 };
    Fixture f;

    setup(&f);
    memcpy(frame, our_mac, 6);
    for (unsigned n = 0; n < 20000; n++) {
        static const uint16_t often[] = { 0x3818, 0x3810, 0x3808, 0x2818,
                                          0x2808, 0x100, 0x400, 0x10, 0x20 };
        unsigned at = n % 3 ? often[g_rand_int_range(r, 0, 9)]
                            : g_rand_int_range(r, 0, 0x8000) & ~3;
        if (n % 500 == 0) {
            start(&f);
        }
        if (n % 2) {
            tx(&f, n % 7 ? TX_DATA : BAR + g_rand_int_range(r, 0, 0x6000),
               g_rand_int(r), g_rand_int(r));
        }
        set_reg(&f, at, g_rand_int_range(r, 0, 3) ? g_rand_int_range(r, 0, 64)
                                                  : g_rand_int(r));
        reg(&f, at);
        f.net->room(f.net->opaque);
        fake_netdev_deliver(f.net, frame, g_rand_int_range(r, 0, 3000));
        g_ptr_array_set_size(f.net->sent, 0);
    }
    machine_reset(f.m);
    start(&f);
    tx(&f, TX_DATA, 100 | 9u << 24, 0);
    tx_go(&f);
    g_assert_cmpuint(f.net->sent->len, ==, 1);
    teardown(&f);
    g_rand_free(r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/e1000/eeprom", test_eeprom);
    g_test_add_func("/e1000/legacy", test_legacy);
    g_test_add_func("/e1000/segments", test_segments);
    g_test_add_func("/e1000/segments-in-rounds", test_segments_in_rounds);
    g_test_add_func("/e1000/filters", test_filters);
    g_test_add_func("/e1000/overrun", test_overrun_and_interrupts);
    g_test_add_func("/e1000/noise", test_noise);
    return g_test_run();
}
