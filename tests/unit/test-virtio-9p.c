/*
 * virtio-9p and virtio-vsock without a host: messages and packets that pass,
 * answers that come late or to nobody, and drivers that break rules.
 */
#include "fake-world.h"
#include "virtio-driver.h"

#define SLOT (4 << 3)
#define DATA 0x300000u
#define ANSWER 0x310000u

/* --- 9p ----------------------------------------------------------------------------*/

typedef struct Fixture {
    Machine *m;
    Share *share;
    Vd d;
    VdQueue q;
} Fixture;

static void go(Fixture *f, uint64_t features)
{
    vd_attach(&f->d, f->m, SLOT, false);
    vd_start(&f->d, features);
    vd_queue(&f->d, &f->q, 0);
    vd_go(&f->d);
}

static void setup(Fixture *f, uint64_t features)
{
    f->m = fake_pc_new(4 * MIB);
    f->share = fake_share_new(f->m, "s");
    fake_pc_add_device(f->m, "virtio-9p-pci", "addr", "4", "fsdev", "s",
                       "mount_tag", "tag", "packed", "on", NULL);
    fake_pc_start(f->m);
    go(f, features);
}

static void teardown(Fixture *f)
{
    GHashTable *table = f->m->config.shares;
    fake_pc_free(f->m);
    g_hash_table_unref(table);
    fake_share_free(f->share);
}

/* A Tclunk (120) of fid, with room for an answer. */
static void ask(Fixture *f, uint16_t id, uint32_t fid, uint32_t room)
{
    PhysAddr at = DATA + 64 * id;
    VdSeg seg[] = { { at, 11, false }, { ANSWER + 64 * id, room, true } };

    ram_st(f->m, at, 11, 4);
    ram_st(f->m, at + 4, 120, 1);
    ram_st(f->m, at + 5, id, 2);
    ram_st(f->m, at + 7, fid, 4);
    vd_add(&f->d, &f->q, id, seg, 2);
    vd_kick(&f->d, &f->q);
}

static const uint8_t done[] = { 7, 0, 0, 0, 121, 0, 0 };

static void check_requests(uint64_t features)
{
    Fixture f;
    uint32_t len;

    setup(&f, features);
    g_assert_cmphex(vd_offered(&f.d) & 1, ==, 1);
    g_assert_cmpuint(vd_config(&f.d, 0, 2), ==, 3);
    g_assert_cmphex(vd_config(&f.d, 2, 1), ==, 't');
    /* One at a time, in their order. */
    for (unsigned id = 0; id < 3; id++) {
        ask(&f, id, 100 + id, 64);
    }
    for (unsigned id = 0; id < 3; id++) {
        g_assert_cmpuint(f.share->requests->len, ==, id + 1);
        size_t bytes;
        const uint8_t *p = g_bytes_get_data(
            g_ptr_array_index(f.share->requests, id), &bytes);
        g_assert_cmpuint(bytes, ==, 11);
        g_assert_cmpuint(p[7], ==, 100 + id);
        g_assert_cmpuint(f.share->room, ==, 64);
        g_assert_cmpuint(f.share->waits(f.share->opaque), ==, id + 1);
        g_assert_cmpint(vd_take(&f.d, &f.q, &len), ==, -1);
        /* What nobody asked for is nothing. */
        fake_share_answer(f.share, 77, done, sizeof done);
        g_assert_cmpint(vd_take(&f.d, &f.q, &len), ==, -1);
        fake_share_answer(f.share, f.share->number, done, sizeof done);
        g_assert_cmpint(vd_take(&f.d, &f.q, &len), ==, id);
        f.q.used += features & VD_PACKED ? 2 : 0;
        g_assert_cmpuint(len, ==, sizeof done);
        g_assert_cmphex(ram_ld(f.m, ANSWER + 64 * id + 4, 1), ==, 121);
    }
    g_assert_cmpuint(f.share->waits(f.share->opaque), ==, 0);
    g_assert_cmpuint(f.share->received, ==, 3);
    teardown(&f);
}

static void test_requests(void)
{
    check_requests(VD_VERSION);
    check_requests(VD_VERSION | VD_EVENT);
    check_requests(VD_VERSION | VD_PACKED);
}

/* Nobody is there to answer: an error with the request's tag. */
static void test_nobody(void)
{
    Fixture f;
    uint32_t len;

    setup(&f, VD_VERSION);
    ask(&f, 5, 1, 64);
    fake_share_answer(f.share, 1, "", 0);
    g_assert_cmpint(vd_take(&f.d, &f.q, &len), ==, 5);
    g_assert_cmpuint(len, ==, 11);
    g_assert_cmphex(ram_ld(f.m, ANSWER + 64 * 5 + 4, 1), ==, 7);
    g_assert_cmphex(ram_ld(f.m, ANSWER + 64 * 5 + 5, 2), ==, 5);
    g_assert_cmphex(ram_ld(f.m, ANSWER + 64 * 5 + 7, 4), ==, 5);
    teardown(&f);
}

/* An answer from before a reset is not taken for one to a later request. */
static void test_reset(void)
{
    Fixture f;
    uint32_t len;

    setup(&f, VD_VERSION);
    ask(&f, 0, 1, 64);
    g_assert_cmpuint(f.share->number, ==, 1);
    vd_set_status(&f.d, 0);
    g_assert_cmpuint(f.share->waits(f.share->opaque), ==, 0);
    go(&f, VD_VERSION);
    ask(&f, 0, 2, 64);
    g_assert_cmpuint(f.share->number, ==, 2);
    fake_share_answer(f.share, 1, done, sizeof done);
    g_assert_cmpint(vd_take(&f.d, &f.q, &len), ==, -1);
    fake_share_answer(f.share, 2, done, sizeof done);
    g_assert_cmpint(vd_take(&f.d, &f.q, &len), ==, 0);
    machine_reset(f.m);
    fake_share_answer(f.share, 2, done, sizeof done);
    teardown(&f);
}

static bool is_broken(Fixture *f)
{
    return vd_status(&f->d) & 0x40;
}

/* Each breaks a rule; none reaches memory that was not given. */
static void test_broken_rules(void)
{
    static const VdSeg bad[][2] = {
        { { DATA, 6, false }, { ANSWER, 64, true } },
        { { DATA, 11, false }, { ANSWER, 10, true } },
        { { DATA, SHARE_MESSAGE_MAX + 1, false }, { ANSWER, 64, true } },
        { { 0xfee00000, 11, false }, { ANSWER, 64, true } },
    };
    Fixture f;
    setup(&f, VD_VERSION);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        vd_add(&f.d, &f.q, 0, bad[i], 2);
        vd_kick(&f.d, &f.q);
        g_assert_true(is_broken(&f));
        vd_set_status(&f.d, 0);
        go(&f, VD_VERSION);
    }
    /* The room shrinks while the answer is on its way. */
    ask(&f, 0, 1, 64);
    g_assert_false(is_broken(&f));
    ram_st(f.m, f.q.desc + 16 * (f.q.size / 2) + 8, 12, 4);
    uint8_t large[40] = { 0 };
    fake_share_answer(f.share, f.share->number, large, sizeof large);
    g_assert_true(is_broken(&f));
    g_assert_cmphex(ram_ld(f.m, ANSWER, 4), ==, 0);
    teardown(&f);
}

/* --- vsock ---------------------------------------------------------------------------*/

typedef struct Sockets {
    Machine *m;
    Vsock *host;
    Vd d;
    VdQueue rx, tx, event;
} Sockets;

static void vsock_setup(Sockets *f, uint64_t features)
{
    f->m = fake_pc_new(4 * MIB);
    f->host = fake_vsock_new(f->m, "path");
    fake_pc_add_device(f->m, "virtio-vsock-pci", "addr", "4", "guest-cid",
                       "42", "uds-path", "path", "packed", "on", NULL);
    fake_pc_start(f->m);
    vd_attach(&f->d, f->m, SLOT, false);
    vd_start(&f->d, features);
    vd_queue(&f->d, &f->rx, 0);
    vd_queue(&f->d, &f->tx, 1);
    vd_queue(&f->d, &f->event, 2);
    vd_go(&f->d);
}

static void vsock_teardown(Sockets *f)
{
    GHashTable *table = f->m->config.vsocks;
    fake_pc_free(f->m);
    g_hash_table_unref(table);
    fake_vsock_free(f->host);
}

/* A packet with so much data; says whether it went out. */
static bool vsock_sends(Sockets *f, uint64_t cid, uint32_t len, uint32_t bytes)
{
    VdSeg seg = { DATA, VSOCK_HEADER + bytes, false };
    unsigned before = f->host->sent->len;
    uint32_t written;

    ram_st(f->m, DATA + VSOCK_SRC_CID, cid, 8);
    ram_st(f->m, DATA + VSOCK_DST_CID, 2, 8);
    ram_st(f->m, DATA + VSOCK_LEN, len, 4);
    vd_add(&f->d, &f->tx, 0, &seg, 1);
    vd_kick(&f->d, &f->tx);
    g_assert_cmpint(vd_take(&f->d, &f->tx, &written), ==, 0);
    f->tx.used += f->d.features & VD_PACKED ? 1 : 0;
    return f->host->sent->len == before + 1;
}

static void check_packets(uint64_t features)
{
    uint8_t packet[VSOCK_HEADER + 20] = { 1, 2, 3 };
    VdSeg room = { DATA + 0x1000, 128, true };
    uint32_t len;
    Sockets f;

    vsock_setup(&f, features);
    g_assert_cmpuint(vd_config(&f.d, 0, 8), ==, 42);
    g_assert_true(vsock_sends(&f, 42, 100, 100));
    g_assert_true(vsock_sends(&f, 42, 0, 0));
    g_assert_false(vsock_sends(&f, 43, 100, 100));
    g_assert_false(vsock_sends(&f, 42, 101, 100));
    g_assert_false(vsock_sends(&f, 42, VSOCK_DATA_MAX + 1,
                               VSOCK_DATA_MAX + 1));
    g_assert_cmpuint(f.host->room(f.host->opaque), ==, 0);
    vd_add(&f.d, &f.rx, 3, &room, 1);
    vd_kick(&f.d, &f.rx);
    g_assert_cmpuint(f.host->kicks, >, 0);
    g_assert_cmpuint(f.host->room(f.host->opaque), ==, 1);
    fake_vsock_deliver(f.host, packet, sizeof packet);
    g_assert_cmpint(vd_take(&f.d, &f.rx, &len), ==, 3);
    g_assert_cmpuint(len, ==, sizeof packet);
    g_assert_cmphex(ram_ld(f.m, DATA + 0x1000, 4), ==, 0x030201);
    /* Without a buffer a packet waits for one, and nothing else happens. */
    fake_vsock_deliver(f.host, packet, sizeof packet);
    g_assert_cmpuint(f.host->received, ==, 2);
    g_assert_false(vd_status(&f.d) & 0x40);
    vd_add(&f.d, &f.rx, 4, &room, 1);
    vd_kick(&f.d, &f.rx);
    f.rx.used += features & VD_PACKED ? 1 : 0;
    g_assert_cmpint(vd_take(&f.d, &f.rx, &len), ==, 4);
    g_assert_cmpuint(len, ==, sizeof packet);
    vsock_teardown(&f);
}

static void test_packets(void)
{
    check_packets(VD_VERSION | 1);
    check_packets(VD_VERSION | VD_PACKED);
}

/* The last buffer is taken: the driver is asked to notify of the next. */
static void test_notification_is_asked_for(void)
{
    uint8_t packet[VSOCK_HEADER] = { 0 };
    VdSeg room = { DATA, 128, true };
    Sockets f;

    vsock_setup(&f, VD_VERSION | VD_EVENT);
    for (unsigned n = 0; n < 3; n++) {
        vd_add(&f.d, &f.rx, n, &room, 1);
    }
    for (unsigned n = 0; n < 3; n++) {
        fake_vsock_deliver(f.host, packet, sizeof packet);
    }
    g_assert_cmpuint(ram_ld(f.m, f.rx.device + 4 + 8 * f.rx.size, 2), ==, 3);
    vsock_teardown(&f);
}

/* The event waits until the driver has a buffer for it. */
static void test_transport_reset(void)
{
    VdSeg room = { DATA, 8, true };
    uint32_t len;
    Sockets f;

    vsock_setup(&f, VD_VERSION);
    unsigned resumed = f.host->resumed, resets = f.host->resets;
    machine_rewire(f.m);
    g_assert_cmpuint(f.host->resumed, ==, resumed + 1);
    fake_vsock_deliver(f.host, "", 0);
    g_assert_cmpint(vd_take(&f.d, &f.event, &len), ==, -1);
    ram_st(f.m, DATA, UINT32_MAX, 4);
    vd_add(&f.d, &f.event, 1, &room, 1);
    vd_kick(&f.d, &f.event);
    g_assert_cmpint(vd_take(&f.d, &f.event, &len), ==, 1);
    g_assert_cmpuint(len, ==, 4);
    g_assert_cmphex(ram_ld(f.m, DATA, 4), ==, 0);
    vd_set_status(&f.d, 0);
    g_assert_cmpuint(f.host->resets, ==, resets + 1);
    vsock_teardown(&f);
}

/* A part of a packet that the driver has got: so much data, from that byte on. */
static void check_part(Sockets *f, unsigned id, uint32_t data, uint8_t first)
{
    uint32_t len;

    g_assert_cmpint(vd_take(&f->d, &f->rx, &len), ==, id);
    g_assert_cmpuint(len, ==, VSOCK_HEADER + data);
    g_assert_cmpuint(ram_ld(f->m, DATA + VSOCK_LEN, 4), ==, data);
    g_assert_cmpuint(ram_ld(f->m, DATA + VSOCK_OP, 2), ==, VSOCK_OP_RW);
    g_assert_cmpuint(ram_ld(f->m, DATA + VSOCK_HEADER, 1), ==, first);
}

/* Who gives small buffers gets a packet in parts, the rest when there are more. */
static void test_small_buffers(void)
{
    uint8_t packet[VSOCK_HEADER + 40] = { 0 };
    VdSeg room = { DATA, VSOCK_HEADER + 16, true };
    Sockets f;

    packet[VSOCK_OP] = VSOCK_OP_RW;
    packet[VSOCK_LEN] = 40;
    for (unsigned i = 0; i < 40; i++) {
        packet[VSOCK_HEADER + i] = i;
    }
    vsock_setup(&f, VD_VERSION);
    vd_add(&f.d, &f.rx, 0, &room, 1);
    fake_vsock_deliver(f.host, packet, sizeof packet);
    check_part(&f, 0, 16, 0);
    g_assert_cmpuint(f.host->room(f.host->opaque), ==, 0);
    vd_add(&f.d, &f.rx, 1, &room, 1);
    g_assert_cmpuint(f.host->room(f.host->opaque), ==, 0);
    vd_kick(&f.d, &f.rx);
    check_part(&f, 1, 16, 16);
    vd_add(&f.d, &f.rx, 2, &room, 1);
    vd_kick(&f.d, &f.rx);
    check_part(&f, 2, 8, 32);
    /* A packet wants many of these. */
    for (unsigned n = 3; n < 100; n++) {
        vd_add(&f.d, &f.rx, n, &room, 1);
    }
    g_assert_cmpuint(f.host->room(f.host->opaque), ==, 0);
    g_assert_false(vd_status(&f.d) & 0x40);
    vsock_teardown(&f);
}

/* No data fits in: nothing is written, and the device needs a reset. */
static void test_buffer_without_room(void)
{
    uint8_t packet[VSOCK_HEADER + 100] = { 0xff };
    VdSeg room = { DATA, VSOCK_HEADER, true };
    Sockets f;

    vsock_setup(&f, VD_VERSION);
    vd_add(&f.d, &f.rx, 0, &room, 1);
    fake_vsock_deliver(f.host, packet, sizeof packet);
    g_assert_true(vd_status(&f.d) & 0x40);
    g_assert_cmphex(ram_ld(f.m, DATA, 1), ==, 0);
    g_assert_cmpuint(f.host->room(f.host->opaque), ==, 0);
    vsock_teardown(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio-9p/requests", test_requests);
    g_test_add_func("/virtio-9p/nobody-answers", test_nobody);
    g_test_add_func("/virtio-9p/reset", test_reset);
    g_test_add_func("/virtio-9p/broken-rules", test_broken_rules);
    g_test_add_func("/virtio-vsock/packets", test_packets);
    g_test_add_func("/virtio-vsock/notification",
                    test_notification_is_asked_for);
    g_test_add_func("/virtio-vsock/transport-reset", test_transport_reset);
    g_test_add_func("/virtio-vsock/small-buffers", test_small_buffers);
    g_test_add_func("/virtio-vsock/buffer-without-room",
                    test_buffer_without_room);
    return g_test_run();
}
