/*
 * virtio-net: frames out and in by every kind of ring, filters, the control
 * queue, checksums.
 */
#include "virtio-driver.h"

#define SLOT  (4 << 3)
#define F_CSUM      BIT64(0)
#define F_MRG       BIT64(15)
#define F_CTRL      (BIT64(17) | BIT64(18) | BIT64(19) | BIT64(20) | BIT64(23))
#define TX_AT 0x200000u
#define RX_AT 0x210000u
#define CONTROL_AT 0x300000u
#define RX_BYTES 2048u

static const uint8_t our_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

typedef struct Fixture {
    Machine *m;
    Netdev *net;
    Vd d;
    VdQueue rx, tx, control;
    unsigned header;
} Fixture;

static void setup(Fixture *f, bool legacy, uint64_t features)
{
    f->m = fake_pc_new(4 * MIB);
    f->net = fake_netdev_new();
    fake_pc_add_netdev(f->m, "n", f->net);
    fake_pc_add_device(f->m, "virtio-net-pci", "netdev", "n", "addr", "4",
                       "packed", "on", NULL);
    fake_pc_start(f->m);
    vd_attach(&f->d, f->m, SLOT, legacy);
    vd_start(&f->d, features);
    vd_queue(&f->d, &f->rx, 0);
    vd_queue(&f->d, &f->tx, 1);
    if (features & F_CTRL) {
        vd_queue(&f->d, &f->control, 2);
    }
    vd_go(&f->d);
    f->header = features & (VD_VERSION | F_MRG) ? 12 : 10;
}

static void teardown(Fixture *f)
{
    fake_pc_free(f->m);
    fake_netdev_free(f->net);
}

static void make_frame(uint8_t *frame, size_t len, const uint8_t *to)
{
    for (size_t i = 0; i < len; i++) {
        frame[i] = i * 7;
    }
    memcpy(frame, to, 6);
    bytes_st_be16(frame + 12, 0x0800);
}

static void add_rx(Fixture *f, unsigned count, uint32_t bytes)
{
    for (unsigned i = 0; i < count; i++) {
        VdSeg seg = { RX_AT + i * RX_BYTES, bytes, true };
        vd_add(&f->d, &f->rx, i, &seg, 1);
    }
    vd_kick(&f->d, &f->rx);
}

static void used_forward(VdQueue *q, Vd *d)
{
    if (d->features & VD_PACKED && ++q->used == q->size) {
        q->used = 0;
        q->used_wrap = !q->used_wrap;
    }
}

static void check_round(bool legacy, uint64_t features)
{
    Fixture f;
    uint8_t frame[1514], back[1514];
    uint32_t len;

    setup(&f, legacy, features);
    for (unsigned n = 0; n < 4; n++) {
        g_assert_cmpuint(vd_config(&f.d, n, 1), ==, our_mac[n]);
    }
    /* Nothing to take it: lost. */
    make_frame(frame, sizeof frame, our_mac);
    g_assert_cmpuint(f.net->room(f.net->opaque), ==, 0);
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmpint(vd_take(&f.d, &f.rx, &len), ==, -1);
    unsigned kicks = f.net->kicks;
    add_rx(&f, 16, RX_BYTES);
    g_assert_cmpuint(f.net->kicks, >, kicks);
    g_assert_cmpuint(f.net->room(f.net->opaque), ==,
                     features & VD_PACKED ? 1 : 16);
    for (unsigned n = 0; n < 16; n++) {
        make_frame(frame, 60 + n * 90, our_mac);
        fake_netdev_deliver(f.net, frame, 60 + n * 90);
        g_assert_cmpint(vd_take(&f.d, &f.rx, &len), ==, n);
        used_forward(&f.rx, &f.d);
        g_assert_cmpuint(len, ==, f.header + 60 + n * 90);
        address_space_read(f.m->memory, RX_AT + n * RX_BYTES + f.header, back,
                           len - f.header);
        g_assert_cmpmem(back, len - f.header, frame, len - f.header);
        if (f.header == 12) {
            g_assert_cmphex(ram_ld(f.m, RX_AT + n * RX_BYTES + 10, 2), ==, 1);
        }
    }
    make_frame(frame, 100, our_mac);
    for (unsigned n = 0; n < 3; n++) {
        VdSeg seg[] = { { TX_AT, f.header, false },
                        { TX_AT + 64, 60, false },
                        { TX_AT + 256, 40, false } };
        address_space_write(f.m->memory, TX_AT + 64, frame, 60);
        address_space_write(f.m->memory, TX_AT + 256, frame + 60, 40);
        vd_add(&f.d, &f.tx, n * 3, seg, 3);
        vd_kick(&f.d, &f.tx);
        g_assert_cmpuint(f.net->sent->len, ==, n + 1);
        GBytes *sent = g_ptr_array_index(f.net->sent, n);
        g_assert_cmpmem(g_bytes_get_data(sent, NULL), g_bytes_get_size(sent),
                        frame, 100);
    }
    g_assert_cmphex(vd_status(&f.d) & 0x40, ==, 0);
    teardown(&f);
}

static void test_rounds(void)
{
    check_round(false, VD_VERSION);
    check_round(false, VD_VERSION | F_MRG | VD_EVENT | VD_INDIRECT);
    check_round(false, VD_VERSION | F_MRG | VD_PACKED | VD_EVENT);
    check_round(false, VD_VERSION | VD_PACKED | VD_INDIRECT);
    check_round(true, 0);
    check_round(true, F_MRG | VD_EVENT | VD_INDIRECT);
}

/* One frame over several buffers; too few of them, and none is used up. */
static void check_merge(uint64_t more)
{
    Fixture f;
    uint8_t frame[1514], back[1600] = { 0 };
    uint32_t len, done = 0;

    setup(&f, false, VD_VERSION | F_MRG | more);
    make_frame(frame, sizeof frame, our_mac);
    add_rx(&f, 2, 512);
    fake_netdev_deliver(f.net, frame, sizeof frame);
    g_assert_cmpint(vd_take(&f.d, &f.rx, &len), ==, -1);
    for (unsigned i = 2; i < 4; i++) {
        VdSeg seg = { RX_AT + i * RX_BYTES, 512, true };
        vd_add(&f.d, &f.rx, i, &seg, 1);
    }
    fake_netdev_deliver(f.net, frame, sizeof frame);
    for (unsigned n = 0; n < 3; n++) {
        g_assert_cmpint(vd_take(&f.d, &f.rx, &len), ==, n);
        used_forward(&f.rx, &f.d);
        address_space_read(f.m->memory, RX_AT + n * RX_BYTES, back + done,
                           len);
        done += len;
    }
    g_assert_cmpint(vd_take(&f.d, &f.rx, &len), ==, -1);
    g_assert_cmpuint(done, ==, sizeof frame + 12);
    g_assert_cmphex(bytes_ld_le16(back + 10), ==, 3);
    g_assert_cmpmem(back + 12, sizeof frame, frame, sizeof frame);
    teardown(&f);
}

static void test_merge(void)
{
    check_merge(0);
    check_merge(VD_PACKED);
    check_merge(VD_EVENT);
}

/* 2.7.10: when it has no buffers it asks to be told of new ones. */
static void test_asks_for_buffers(void)
{
    Fixture f;
    uint8_t frame[60];

    setup(&f, false, VD_VERSION | VD_EVENT);
    make_frame(frame, sizeof frame, our_mac);
    add_rx(&f, 3, RX_BYTES);
    for (unsigned n = 0; n < 3; n++) {
        fake_netdev_deliver(f.net, frame, sizeof frame);
    }
    g_assert_cmpuint(ram_ld(f.m, f.rx.device + 4 + 8 * f.rx.size, 2), ==, 3);
    teardown(&f);
}

/* Who looks how much room there is changes nothing, whatever is there. */
static void test_looking_changes_nothing(void)
{
    Fixture f;

    setup(&f, false, VD_VERSION | VD_EVENT);
    uint64_t before = machine_state_digest(f.m);
    uint16_t event = ram_ld(f.m, f.rx.device + 4 + 8 * f.rx.size, 2);
    for (unsigned n = 0; n < 3; n++) {
        ram_st(f.m, f.rx.driver + 2, n * 30000, 2);
        f.net->room(f.net->opaque);
    }
    g_assert_cmphex(machine_state_digest(f.m), ==, before);
    g_assert_cmphex(ram_ld(f.m, f.rx.device + 4 + 8 * f.rx.size, 2), ==,
                    event);
    teardown(&f);
}

/* --- control ----------------------------------------------------------------------*/

static int control(Fixture *f, uint8_t class, uint8_t command,
                   const void *data, unsigned bytes)
{
    VdSeg seg[] = { { CONTROL_AT, 2, false },
                    { CONTROL_AT + 16, bytes, false },
                    { CONTROL_AT + 8, 1, true } };
    uint32_t len;

    ram_st(f->m, CONTROL_AT, class, 1);
    ram_st(f->m, CONTROL_AT + 1, command, 1);
    ram_st(f->m, CONTROL_AT + 8, 0xee, 1);
    address_space_write(f->m->memory, CONTROL_AT + 16, data, bytes);
    vd_add(&f->d, &f->control, 0, seg, 3);
    vd_kick(&f->d, &f->control);
    g_assert_cmpint(vd_take(&f->d, &f->control, &len), ==, 0);
    return ram_ld(f->m, CONTROL_AT + 8, 1);
}

static bool arrives(Fixture *f, const uint8_t *to, int vlan)
{
    uint8_t frame[80];
    uint32_t len;
    VdSeg seg = { RX_AT, RX_BYTES, true };

    make_frame(frame, sizeof frame, to);
    if (vlan >= 0) {
        bytes_st_be16(frame + 12, 0x8100);
        bytes_st_be16(frame + 14, vlan);
    }
    if (!f->net->room(f->net->opaque)) {
        vd_add(&f->d, &f->rx, 0, &seg, 1);
    }
    fake_netdev_deliver(f->net, frame, sizeof frame);
    return vd_take(&f->d, &f->rx, &len) >= 0;
}

static void test_filters(void)
{
    static const uint8_t other[6] = { 2, 0, 0, 0, 0, 9 };
    static const uint8_t third[6] = { 2, 0, 0, 0, 0, 10 };
    static const uint8_t group[6] = { 1, 0, 0x5e, 0, 0, 1 };
    static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
    uint8_t table[32] = { 1, 0, 0, 0, 2, 0, 0, 0, 0, 9,
                          1, 0, 0, 0, 1, 0, 0x5e, 0, 0, 1 };
    uint8_t on = 1, off = 0, vlan[2] = { 5, 0 };
    Fixture f;

    setup(&f, false, VD_VERSION | F_CTRL);
    g_assert_true(arrives(&f, other, -1));       /* all, until told */
    g_assert_cmpint(control(&f, 0, 0, &off, 1), ==, 0);
    g_assert_false(arrives(&f, other, -1));
    g_assert_true(arrives(&f, our_mac, -1));
    g_assert_true(arrives(&f, all, -1));
    g_assert_false(arrives(&f, group, -1));
    g_assert_cmpint(control(&f, 1, 0, table, 20), ==, 0);
    g_assert_true(arrives(&f, other, -1));
    g_assert_true(arrives(&f, group, -1));
    g_assert_false(arrives(&f, third, -1));
    g_assert_cmpint(control(&f, 0, 3, &on, 1), ==, 0);
    g_assert_false(arrives(&f, group, -1));
    g_assert_cmpint(control(&f, 0, 5, &on, 1), ==, 0);
    g_assert_false(arrives(&f, all, -1));
    g_assert_cmpint(control(&f, 1, 1, third, 6), ==, 0);
    g_assert_true(arrives(&f, third, -1));
    g_assert_false(arrives(&f, our_mac, -1));
    g_assert_false(arrives(&f, third, 5));
    g_assert_cmpint(control(&f, 2, 0, vlan, 2), ==, 0);
    g_assert_true(arrives(&f, third, 5));
    g_assert_false(arrives(&f, third, 6));
    g_assert_cmpint(control(&f, 2, 1, vlan, 2), ==, 0);
    g_assert_false(arrives(&f, third, 5));
    /* What is wrong is refused. */
    vlan[1] = 0x10;
    g_assert_cmpint(control(&f, 2, 0, vlan, 2), ==, 1);
    table[0] = 200;
    g_assert_cmpint(control(&f, 1, 0, table, 20), ==, 1);
    g_assert_cmpint(control(&f, 1, 1, third, 5), ==, 1);
    g_assert_cmpint(control(&f, 0, 6, &on, 1), ==, 1);
    g_assert_cmpint(control(&f, 99, 0, &on, 1), ==, 1);
    g_assert_cmphex(vd_status(&f.d) & 0x40, ==, 0);
    teardown(&f);
}

/* --- checksums ------------------------------------------------------------------------*/

static void test_checksum(void)
{
    Fixture f;
    uint8_t frame[65] = { 0 };
    VdSeg seg[] = { { TX_AT, 12 + sizeof frame, false } };

    setup(&f, false, VD_VERSION | F_CSUM);
    for (unsigned i = 0; i < sizeof frame; i++) {
        frame[i] = i;
    }
    address_space_write(f.m->memory, TX_AT + 12, frame, sizeof frame);
    ram_st(f.m, TX_AT, 1, 1);
    ram_st(f.m, TX_AT + 6, 34, 2);
    ram_st(f.m, TX_AT + 8, 6, 2);
    vd_add(&f.d, &f.tx, 0, seg, 1);
    vd_kick(&f.d, &f.tx);
    g_assert_cmpuint(f.net->sent->len, ==, 1);
    const uint8_t *sent =
        g_bytes_get_data(g_ptr_array_index(f.net->sent, 0), NULL);
    /* The words from 34 on, without what stood at 40, the odd byte padded. */
    uint32_t sum = 0x2829;
    for (unsigned i = 34; i < 64; i += 2) {
        sum += i == 40 ? 0 : i << 8 | (i + 1);
    }
    sum += 64 << 8;
    sum = (sum & 0xffff) + (sum >> 16);
    g_assert_cmphex(bytes_ld_be16(sent + 40), ==, (uint16_t)~sum);
    /* Beyond the frame: it goes as it is. */
    ram_st(f.m, TX_AT + 6, 64, 2);
    vd_add(&f.d, &f.tx, 1, seg, 1);
    vd_kick(&f.d, &f.tx);
    sent = g_bytes_get_data(g_ptr_array_index(f.net->sent, 1), NULL);
    g_assert_cmpmem(sent, sizeof frame, frame, sizeof frame);
    teardown(&f);
}

/* Frames that are none, and noise in the rings. */
static void test_noise(void)
{
    GRand *r = g_rand_new_with_seed(5);
    uint8_t frame[4000];
    Fixture f;

    for (unsigned round = 0; round < 200; round++) {
        setup(&f, false, VD_VERSION | (round & 1 ? F_MRG : 0) | F_CTRL |
                             (round & 2 ? VD_PACKED : 0));
        VdQueue *queues[] = { &f.rx, &f.tx, &f.control };
        for (unsigned n = 0; n < 300; n++) {
            VdQueue *q = queues[g_rand_int_range(r, 0, 3)];
            bool ring = g_rand_int_range(r, 0, 3);
            ram_st(f.m, (ring ? q->desc : q->driver) +
                            g_rand_int_range(r, 0, 256),
                   ring ? g_rand_int(r) : g_rand_int_range(r, 0, 8), 1);
            vd_kick(&f.d, q);
            if (n % 8 == 0) {
                f.net->room(f.net->opaque);
                fake_netdev_deliver(f.net, frame,
                                    g_rand_int_range(r, 0, sizeof frame));
            }
        }
        teardown(&f);
    }
    g_rand_free(r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio-net/rounds", test_rounds);
    g_test_add_func("/virtio-net/merge", test_merge);
    g_test_add_func("/virtio-net/asks-for-buffers", test_asks_for_buffers);
    g_test_add_func("/virtio-net/looking", test_looking_changes_nothing);
    g_test_add_func("/virtio-net/filters", test_filters);
    g_test_add_func("/virtio-net/checksum", test_checksum);
    g_test_add_func("/virtio-net/noise", test_noise);
    return g_test_run();
}
