/*
 * The 82574L: NVM, frames in by every kind of descriptor and by a hash into two
 * queues, frames out by two queues, messages, the clock, and drivers that break
 * rules.
 */
#include "base/bytes.h"
#include "fake-pc.h"

#define SLOT (4 << 3)
#define BAR  0xe0000000u
#define MSIX 0xe1000000u
#define RING(q) (0x100000u + 0x1000 * (q))
#define TX_RING(q) (0x108000u + 0x1000 * (q))
#define TX_DATA 0x120000u
#define RX_DATA 0x200000u
#define MAILBOX 0x1f0000u      /* where messages are written */
#define DESCS 16u

static const uint8_t our_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

typedef struct Fixture {
    Machine *m;
    Netdev *net;
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

/* Both queues have rings; each descriptor of 16 bytes a buffer of 2 KiB. */
static void start(Fixture *f)
{
    pci_cfg_write(f->m, SLOT, 0x10, BAR, 4);
    pci_cfg_write(f->m, SLOT, 0x1c, MSIX, 4);
    pci_cfg_write(f->m, SLOT, 4, 7, 2);
    for (unsigned q = 0; q < 2; q++) {
        for (unsigned i = 0; i < DESCS; i++) {
            ram_st(f, RING(q) + 16 * i,
                   RX_DATA + 2048 * (i + DESCS * q), 8);
            ram_st(f, RING(q) + 16 * i + 8, 0, 8);
        }
        set_reg(f, 0x2800 + 0x100 * q, RING(q));
        set_reg(f, 0x2808 + 0x100 * q, 16 * DESCS);
        set_reg(f, 0x2818 + 0x100 * q, DESCS - 1);
        set_reg(f, 0x3800 + 0x100 * q, TX_RING(q));
        set_reg(f, 0x3808 + 0x100 * q, 16 * DESCS);
    }
    set_reg(f, 0x400, 2);
    set_reg(f, 0x100, 0x04008002);
}

static void setup(Fixture *f)
{
    f->m = fake_pc_new(8 * MIB);
    f->net = fake_netdev_new();
    fake_pc_add_netdev(f->m, "n", f->net);
    fake_pc_add_device(f->m, "e1000e", "netdev", "n", "addr", "4", NULL);
    fake_pc_start(f->m);
    start(f);
}

static void teardown(Fixture *f)
{
    fake_pc_free(f->m);
    fake_netdev_free(f->net);
}

static uint16_t nvm_word(Fixture *f, unsigned n)
{
    set_reg(f, 0x14, n << 2 | 1);
    g_assert_cmphex(reg(f, 0x14) & 2, ==, 2);
    return reg(f, 0x14) >> 16;
}

static void test_nvm_and_phy(void)
{
    Fixture f;
    uint16_t sum = 0;

    setup(&f);
    g_assert_cmphex(reg(&f, 0x10) & 0x300, ==, 0x300);
    for (unsigned n = 0; n < 64; n++) {
        sum += nvm_word(&f, n);
    }
    g_assert_cmphex(sum, ==, 0xbaba);
    g_assert_cmphex(nvm_word(&f, 0), ==, bytes_ld_le16(our_mac));
    set_reg(&f, 0x20, 1 << 21 | 3 << 16 | 0x08000000);
    g_assert_cmphex(reg(&f, 0x20) & 0xffff, ==, 0x0cb1);
    set_reg(&f, 0x20, 1 << 21 | 1 << 16 | 0x08000000);
    g_assert_cmphex(reg(&f, 0x20) & 0x24, ==, 0x24);
    /* The bus is left when the driver asks for that. */
    g_assert_cmphex(reg(&f, 8) & 0x80002, ==, 0x80002);
    set_reg(&f, 0, reg(&f, 0) | 4);
    g_assert_cmphex(reg(&f, 8) & 0x80000, ==, 0);
    g_assert_cmphex(reg(&f, 0x5b50), ==, 0);
    g_assert_cmphex(reg(&f, 0x5b50), ==, 1);
    teardown(&f);
}

/* An Ethernet, an IPv4 and a TCP header, 54 bytes, and numbers behind them. */
static void make_tcp(uint8_t *frame, size_t len, uint8_t port)
{
    static const uint8_t h[54] = {
        [12] = 8, [14] = 0x45, [22] = 64, [23] = 6, [26] = 10, 0, 2, 15,
        10, 0, 2, 2, 0x12, 0x34, 0, 80, [46] = 0x50 };
    memcpy(frame, h, sizeof h);
    memcpy(frame, our_mac, 6);
    frame[35] = port;
    for (size_t i = sizeof h; i < len; i++) {
        frame[i] = i * 3;
    }
}

static void test_legacy_and_extended(void)
{
    uint8_t frame[600];
    Fixture f;

    setup(&f);
    make_tcp(frame, sizeof frame, 1);
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmpuint(ram_ld(&f, RING(0) + 8, 2), ==, sizeof frame);
    g_assert_cmphex(ram_ld(&f, RING(0) + 12, 1), ==, 7);
    g_assert_cmpuint(reg(&f, 0x2810), ==, 1);
    set_reg(&f, 0x5008, 0x8000);
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmphex(ram_ld(&f, RING(0) + 16 + 8, 4), ==, 7);
    g_assert_cmpuint(ram_ld(&f, RING(0) + 16 + 12, 2), ==, sizeof frame);
    g_assert_cmphex(ram_ld(&f, RX_DATA + 2048 + 599, 1), ==,
                    599 * 3 & 255);
    /* In buffers of 256 bytes it is three descriptors. */
    set_reg(&f, 0x100, 0x04038002);
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmpuint(reg(&f, 0x2810), ==, 5);
    g_assert_cmphex(ram_ld(&f, RING(0) + 16 * 3 + 8, 4), ==, 5);
    g_assert_cmphex(ram_ld(&f, RING(0) + 16 * 4 + 8, 4), ==, 7);
    g_assert_cmpuint(ram_ld(&f, RING(0) + 16 * 4 + 12, 2), ==, 88);
    g_assert_cmpuint(reg(&f, 0x4074), ==, 3);
    teardown(&f);
}

static void split_desc(Fixture *f, unsigned n)
{
    for (unsigned i = 0; i < 4; i++) {
        ram_st(f, RING(0) + 32 * n + 8 * i, RX_DATA + 8192 * n + 2048 * i, 8);
    }
}

/* Headers of 256 bytes at most, then buffers of 1, 1 and 2 KiB. */
static void test_split(void)
{
    uint8_t frame[1500];
    Fixture f;

    setup(&f);
    for (unsigned n = 0; n < DESCS / 2; n++) {
        split_desc(&f, n);
    }
    set_reg(&f, 0x2818, DESCS / 2 - 1);
    set_reg(&f, 0x5008, 0x8000);
    set_reg(&f, 0x2170, 2 | 1 << 8 | 1 << 16 | 2 << 24);
    set_reg(&f, 0x100, 0x04008402);
    make_tcp(frame, sizeof frame, 1);
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmpuint(ram_ld(&f, RING(0) + 12, 2), ==, 54);
    g_assert_cmphex(ram_ld(&f, RING(0) + 16, 2), ==, 0x8000 | 54);
    g_assert_cmpuint(ram_ld(&f, RING(0) + 18, 2), ==, 1024);
    g_assert_cmpuint(ram_ld(&f, RING(0) + 20, 2), ==, 1500 - 54 - 1024);
    g_assert_cmphex(ram_ld(&f, RX_DATA + 2048, 1), ==, 54 * 3);
    /* No header to be split off: it lies wherever there is room. */
    frame[12] = 0x12;
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmpuint(ram_ld(&f, RING(0) + 32 + 12, 2), ==, 256);
    g_assert_cmphex(ram_ld(&f, RING(0) + 32 + 16, 2), ==, 0);
    g_assert_cmpuint(ram_ld(&f, RING(0) + 32 + 20, 2), ==, 1500 - 256 - 1024);
    teardown(&f);
}

/* The verification suite of Microsoft's "RSS Hashing Types": 66.9.149.187:2794 to
 * 161.142.100.80:1766 is 51ccc178 with its ports, 323e8fc2 without. */
static void test_queues_by_hash(void)
{
    static const uint8_t key[40] = {
        0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
        0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
        0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
        0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };
    static const uint8_t ends[12] = { 66, 9, 149, 187, 161, 142, 100, 80,
                                      0x0a, 0xea, 0x06, 0xe6 };
    uint8_t frame[100];
    Fixture f;

    setup(&f);
    for (unsigned i = 0; i < 10; i++) {
        set_reg(&f, 0x5c80 + 4 * i, bytes_ld_le32(key + 4 * i));
    }
    set_reg(&f, 0x5008, 0x8000);
    set_reg(&f, 0x5000, 0x2000);
    set_reg(&f, 0x5818, 0x00010001);
    make_tcp(frame, sizeof frame, 0);
    memcpy(frame + 26, ends, sizeof ends);
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmphex(ram_ld(&f, RING(0) + 4, 4), ==, 0x51ccc178);
    g_assert_cmphex(ram_ld(&f, RING(0), 4), ==, 1);
    set_reg(&f, 0x5818, 0x00020001);
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmphex(ram_ld(&f, RING(0) + 16 + 4, 4), ==, 0x323e8fc2);
    /* Entry 0x78 (or 0x42) says which queue. */
    set_reg(&f, 0x5c00 + 0x40, 0x80u << 16);
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmpuint(reg(&f, 0x2910), ==, 1);
    g_assert_cmphex(ram_ld(&f, RING(1), 4), ==, 0x102);
    g_assert_cmphex(reg(&f, 0xc0) & 0x300000, ==, 0x300000);
    teardown(&f);
}

static void send(Fixture *f, unsigned q, unsigned n, uint32_t len)
{
    ram_st(f, TX_RING(q) + 16 * n, TX_DATA, 8);
    ram_st(f, TX_RING(q) + 16 * n + 8, len | 9u << 24, 8);
    set_reg(f, 0x3818 + 0x100 * q, n + 1);
}

static void test_two_queues_out(void)
{
    Fixture f;

    setup(&f);
    send(&f, 0, 0, 100);
    send(&f, 1, 0, 200);
    send(&f, 0, 1, 300);
    g_assert_cmpuint(f.net->sent->len, ==, 3);
    for (unsigned n = 0; n < 3; n++) {
        g_assert_cmpuint(g_bytes_get_size(g_ptr_array_index(f.net->sent, n)),
                         ==, 100 * (n + 1));
    }
    g_assert_cmpuint(reg(&f, 0x3810), ==, 2);
    g_assert_cmpuint(reg(&f, 0x3910), ==, 1);
    g_assert_cmphex(reg(&f, 0xc0) & 0xc00000, ==, 0xc00000);
    teardown(&f);
}

static void put_tx(Fixture *f, unsigned n, uint64_t addr, uint64_t rest)
{
    ram_st(f, TX_RING(0) + 16 * n, addr, 8);
    ram_st(f, TX_RING(0) + 16 * n + 8, rest, 8);
}

/* A frame may be cut into thousands: they are sent in rounds, all of them. */
static void test_segments_in_rounds(void)
{
    enum { FRAMES = 6, BYTES = 3000 };
    uint8_t frame[54 + BYTES];
    Fixture f;

    setup(&f);
    make_tcp(frame, sizeof frame, 1);
    address_space_write(f.m->memory, TX_DATA, frame, sizeof frame);
    put_tx(&f, 0, (uint64_t)50 << 40 | (uint64_t)34 << 32 | 24 << 8 | 14,
           BYTES | 0x27u << 24 | (uint64_t)(1 << 16 | 54 << 8) << 32);
    for (unsigned n = 1; n <= FRAMES; n++) {
        put_tx(&f, n, TX_DATA,
               sizeof frame | 1 << 20 | 0x2du << 24 | UINT64_C(3) << 40);
    }
    set_reg(&f, 0x3818, FRAMES + 1);
    g_assert_cmpuint(f.net->sent->len, ==, BYTES);
    fake_pc_run_ns(f.m, 100 * NS_PER_MS);
    g_assert_cmpuint(f.net->sent->len, ==, FRAMES * BYTES);
    teardown(&f);
}

/* A network that answers at once asks before the frame is quite sent. */
static void test_room_while_sending(void)
{
    Fixture f;

    setup(&f);
    send(&f, 0, 0, 100);
    g_assert_cmpuint(f.net->sent->len, ==, 1);
    g_assert_cmpuint(f.net->room_at_send, >, 0);
    teardown(&f);
}

/* Vector n writes n + 1 to its mailbox. */
static void messages_on(Fixture *f)
{
    for (unsigned n = 0; n < 5; n++) {
        ram_st(f, MSIX + 16 * n, MAILBOX + 4 * n, 4);
        ram_st(f, MSIX + 16 * n + 8, n + 1, 4);
        ram_st(f, MSIX + 16 * n + 12, 0, 4);
    }
    pci_cfg_write(f->m, SLOT, 0xa2, 0x8000, 2);
    set_reg(f, 0xe4, 8 | 9 << 4 | 10 << 8 | 11 << 12 | 12 << 16);
    set_reg(f, 0xdc, 0x01f00000 & ~0x01000000);
}

static unsigned mailbox(Fixture *f, unsigned n)
{
    unsigned v = ram_ld(f, MAILBOX + 4 * n, 4);
    ram_st(f, MAILBOX + 4 * n, 0, 4);
    return v;
}

static void test_messages(void)
{
    uint8_t frame[100];
    Fixture f;

    setup(&f);
    reg(&f, 0xc0);
    messages_on(&f);
    make_tcp(frame, sizeof frame, 1);
    set_reg(&f, 0xd0, 0x01100004);
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmpuint(mailbox(&f, 0), ==, 1);
    /* EIAC has cleared the cause: the next one tells again. */
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmpuint(mailbox(&f, 0), ==, 1);
    send(&f, 0, 0, 100);
    g_assert_cmpuint(mailbox(&f, 2), ==, 0);
    set_reg(&f, 0xd0, 0x00400000);
    g_assert_cmpuint(mailbox(&f, 2), ==, 3);
    /* A cause of another kind: once until it is read. */
    set_reg(&f, 0xc8, 4);
    g_assert_cmpuint(mailbox(&f, 4), ==, 5);
    set_reg(&f, 0xc8, 4);
    g_assert_cmpuint(mailbox(&f, 4), ==, 0);
    g_assert_cmphex(reg(&f, 0xc0) & 0x81000004, ==, 0x81000004);
    set_reg(&f, 0xc8, 4);
    g_assert_cmpuint(mailbox(&f, 4), ==, 5);
    g_assert_false(pci_cfg_read(f.m, SLOT, 6, 2) & 8);
    /* EIAME: a message masks its cause if IAM says so. */
    set_reg(&f, 0xe0, 0x00100000);
    set_reg(&f, 0x18, 0x01000000);
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmpuint(mailbox(&f, 0), ==, 1);
    g_assert_cmphex(reg(&f, 0xd0) & 0x00100000, ==, 0);
    teardown(&f);
}

/* 40 << 18 each 40 ns: nanoseconds, shifted. */
static void test_clock(void)
{
    Fixture f;

    setup(&f);
    g_assert_cmpuint(reg(&f, 0xb600), ==, 0);
    set_reg(&f, 0xb608, 1u << 24 | 40 << 18);
    fake_pc_run_ns(f.m, 1000000);
    uint64_t now = reg(&f, 0xb600) | (uint64_t)reg(&f, 0xb604) << 32;
    g_assert_cmpuint(now >> 18, ==, 1000000);
    set_reg(&f, 0xb600, 5);
    set_reg(&f, 0xb604, 1);
    fake_pc_run_ns(f.m, 4000);
    now = reg(&f, 0xb600) | (uint64_t)reg(&f, 0xb604) << 32;
    g_assert_cmphex(now, ==, (1ull << 32 | 5) + (4000u << 18));
    teardown(&f);
}

/* Registers and rings of noise; its own registers as buffers and messages. */
static void test_noise(void)
{
    static const uint16_t often[] = { 0x3818, 0x3810, 0x3808, 0x2818, 0x2808,
                                      0x2908, 0x2918, 0x3918, 0x2170, 0x5008,
                                      0x5818, 0x100, 0x400, 0x18, 0xe4, 0xd0 };
    GRand *r = g_rand_new_with_seed(5);
    uint8_t frame[12000] = { 0 };
    Fixture f;

    setup(&f);
    make_tcp(frame, sizeof frame, 1);
    for (unsigned n = 0; n < 20000; n++) {
        unsigned at = n % 3 ? often[g_rand_int_range(r, 0, 16)]
                            : g_rand_int_range(r, 0, 0xc000) & ~3;
        if (n % 500 == 0) {
            start(&f);
            messages_on(&f);
            ram_st(&f, MSIX, BAR + often[n / 500 % 16], 4);
        }
        unsigned q = n & 1, d = g_rand_int_range(r, 0, DESCS);
        ram_st(&f, TX_RING(q) + 16 * d,
               n % 7 ? TX_DATA : BAR + g_rand_int_range(r, 0, 0x6000), 8);
        ram_st(&f, TX_RING(q) + 16 * d + 8, g_rand_int(r), 4);
        ram_st(&f, TX_RING(q) + 16 * d + 12, g_rand_int(r), 4);
        frame[g_rand_int_range(r, 12, 60)] = g_rand_int(r);
        set_reg(&f, at, g_rand_int_range(r, 0, 3) ? g_rand_int_range(r, 0, 64)
                                                  : g_rand_int(r));
        reg(&f, at);
        f.net->room(f.net->opaque);
        fake_netdev_deliver(f.net, frame, g_rand_int_range(r, 0, 12000));
        g_ptr_array_set_size(f.net->sent, 0);
    }
    machine_reset(f.m);
    start(&f);
    send(&f, 0, 0, 100);
    g_assert_cmpuint(f.net->sent->len, ==, 1);
    teardown(&f);
    g_rand_free(r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/e1000e/nvm-and-phy", test_nvm_and_phy);
    g_test_add_func("/e1000e/legacy-and-extended", test_legacy_and_extended);
    g_test_add_func("/e1000e/split", test_split);
    g_test_add_func("/e1000e/queues-by-hash", test_queues_by_hash);
    g_test_add_func("/e1000e/two-queues-out", test_two_queues_out);
    g_test_add_func("/e1000e/segments-in-rounds", test_segments_in_rounds);
    g_test_add_func("/e1000e/room-while-sending", test_room_while_sending);
    g_test_add_func("/e1000e/messages", test_messages);
    g_test_add_func("/e1000e/clock", test_clock);
    g_test_add_func("/e1000e/noise", test_noise);
    return g_test_run();
}
