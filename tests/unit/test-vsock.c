/*
 * The host's end of a socket device (host/vsock*.c), between programs that use
 * unix sockets and a guest that this test plays: bytes both ways, and credit.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "io/vsock-open.h"
#include "vm/nondet.h"

#define GUEST_CID  42u
#define GUEST_PORT 1234u
#define HOST_PORT  77u
#define CREDIT     (256u * 1024)

/* --- a boundary of our own -------------------------------------------------- */

static GQueue packets;         /* GBytes: posted and not taken yet */
static bool wants_input;
static unsigned room;

bool nondet_wants_input(Machine *m)
{
    return wants_input;
}

bool nondet_pending(Machine *m)
{
    return !g_queue_is_empty(&packets);
}

void nondet_post(NondetPort *p, const void *data, size_t len)
{
    g_queue_push_tail(&packets, g_bytes_new(data, len));
}

static unsigned guest_room(void *opaque)
{
    return room;
}

/* --- a guest of our own ------------------------------------------------------- */

typedef struct Fixture {
    VsockSet *set;
    Vsock *s;
    char *dir, *path;
    uint8_t *got;              /* the latest packet */
    uint32_t host_port, guest_port;
    uint32_t taken;            /* bytes of data, all together */
} Fixture;

static void setup(Fixture *f, const void *unused)
{
    wants_input = true;
    room = 128;
    g_queue_init(&packets);
    f->dir = g_dir_make_tmp("reprise-vsock-XXXXXX", NULL);
    f->path = g_build_filename(f->dir, "v", NULL);
    f->set = vsock_set_new(false);
    vsock_set_machine(f->set, (Machine *)f);
    f->s = vsock_open(f->set, f->path, NULL);
    g_assert_nonnull(f->s);
    vsock_bind_port(f->s, GUEST_CID, (NondetPort *)f, guest_room, f);
    f->guest_port = GUEST_PORT;
    f->host_port = HOST_PORT;
}

static void teardown(Fixture *f, const void *unused)
{
    vsock_set_free(f->set);
    g_queue_clear_full(&packets, (GDestroyNotify)g_bytes_unref);
    g_free(f->got);
    g_assert_cmpint(g_rmdir(f->dir), ==, 0);
    g_free(f->path);
    g_free(f->dir);
}

/* The guest sends a packet, with what it has taken and has room for. */
static void guest_sends(Fixture *f, uint16_t op, uint32_t flags,
                        const void *data, uint32_t len)
{
    g_autofree uint8_t *p = g_malloc0(VSOCK_HEADER + len);
    bytes_st_le64(p + VSOCK_SRC_CID, GUEST_CID);
    bytes_st_le64(p + VSOCK_DST_CID, VSOCK_CID_HOST);
    bytes_st_le32(p + VSOCK_SRC_PORT, f->guest_port);
    bytes_st_le32(p + VSOCK_DST_PORT, f->host_port);
    bytes_st_le32(p + VSOCK_LEN, len);
    bytes_st_le16(p + VSOCK_TYPE, VSOCK_TYPE_STREAM);
    bytes_st_le16(p + VSOCK_OP, op);
    bytes_st_le32(p + VSOCK_FLAGS, flags);
    bytes_st_le32(p + VSOCK_BUF_ALLOC, CREDIT);
    bytes_st_le32(p + VSOCK_FWD_CNT, f->taken);
    if (len) {
        memcpy(p + VSOCK_HEADER, data, len);
    }
    vsock_send(f->s, p, VSOCK_HEADER + len);
}

/* The next packet that the guest has got, NULL if there is none; f->got. */
static const uint8_t *guest_takes(Fixture *f)
{
    GBytes *packet = g_queue_pop_head(&packets);
    gsize len;

    g_clear_pointer(&f->got, g_free);
    if (packet) {
        f->got = g_bytes_unref_to_data(packet, &len);
        g_assert_cmpuint(len, >=, VSOCK_HEADER);
        g_assert_cmpuint(bytes_ld_le32(f->got + VSOCK_LEN), ==,
                         len - VSOCK_HEADER);
        vsock_received(f->s);
        vsock_kick(f->s);
    }
    return f->got;
}

static unsigned packet_op(const uint8_t *packet)
{
    return bytes_ld_le16(packet + VSOCK_OP);
}

/* Lets the main loop run until a packet of this kind came, five seconds at most. */
static const uint8_t *guest_waits(Fixture *f, unsigned op)
{
    gint64 end_us = g_get_monotonic_time() + 5000000;
    while (g_get_monotonic_time() < end_us) {
        g_main_context_iteration(NULL, FALSE);
        const uint8_t *packet = guest_takes(f);
        if (packet) {
            g_assert_cmpuint(packet_op(packet), ==, op);
            return packet;
        }
    }
    g_assert_not_reached();
}

/* Turns of the loop in which nothing is left to do. */
static void settle(void)
{
    while (g_main_context_iteration(NULL, FALSE)) {
    }
}

/* --- a program of the host's ---------------------------------------------------- */

static int client_socket(const char *path, bool listens)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int most = 1 << 20;

    g_strlcpy(to.sun_path, path, sizeof to.sun_path);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof most);
    if (listens) {
        g_assert_cmpint(bind(fd, (struct sockaddr *)&to, sizeof to), ==, 0);
        g_assert_cmpint(listen(fd, 1), ==, 0);
    } else {
        g_assert_cmpint(connect(fd, (struct sockaddr *)&to, sizeof to), ==,
                        0);
    }
    return fd;
}

/* A program that has called the guest, and been answered. */
static int call_guest(Fixture *f)
{
    char ok[32] = { 0 };
    int fd = client_socket(f->path, false);

    g_assert_cmpint(write(fd, "CONNECT 1234\n", 13), ==, 13);
    const uint8_t *p = guest_waits(f, VSOCK_OP_REQUEST);
    g_assert_cmpuint(bytes_ld_le32(p + VSOCK_DST_PORT), ==, GUEST_PORT);
    f->host_port = bytes_ld_le32(p + VSOCK_SRC_PORT);
    guest_sends(f, VSOCK_OP_RESPONSE, 0, NULL, 0);
    g_assert_cmpint(read(fd, ok, sizeof ok - 1), >, 0);
    g_assert_true(g_str_has_prefix(ok, "OK "));
    return fd;
}

/* As much as goes into the socket at once; how much that was. */
static size_t write_much(int fd, size_t len)
{
    g_autofree uint8_t *data = g_malloc(len);
    for (size_t i = 0; i < len; i++) {
        data[i] = i * 7;
    }
    ssize_t n = send(fd, data, len, MSG_DONTWAIT);
    g_assert_cmpint(n, >, 0);
    return n;
}

/* --- tests ------------------------------------------------------------------------ */

/* The guest reads all that was posted; how many bytes. Each is checked. */
static uint32_t take_all(Fixture *f, uint32_t at)
{
    uint32_t all = 0;
    const uint8_t *packet;

    while ((packet = guest_takes(f))) {
        g_assert_cmpuint(packet_op(packet), ==, VSOCK_OP_RW);
        uint32_t len = bytes_ld_le32(packet + VSOCK_LEN);
        for (uint32_t i = 0; i < len; i++) {
            uint8_t want = (at + all + i) * 7;
            g_assert_cmpuint(packet[VSOCK_HEADER + i], ==, want);
        }
        all += len;
    }
    return all;
}

static void test_credit_is_used_up(Fixture *f, const void *unused)
{
    int fd = call_guest(f);
    size_t wrote = write_much(fd, 2 * CREDIT);
    uint32_t whole = MIN(wrote, CREDIT);

    /* A guest that takes packets and reads none of it. */
    uint32_t got = 0, more;
    do {
        settle();
        more = take_all(f, got);
        got += more;
    } while (more);
    g_assert_cmpuint(got, ==, whole);
    /* It reads a little, and says so: so much more may come. */
    f->taken = 10000;
    guest_sends(f, VSOCK_OP_CREDIT_UPDATE, 0, NULL, 0);
    settle();
    g_assert_cmpuint(take_all(f, got), ==, MIN(wrote - whole, 10000));
    close(fd);
}

static void test_a_turn_brings_many_packets(Fixture *f, const void *unused)
{
    int fd = call_guest(f);
    size_t wrote = write_much(fd, 100000);

    g_assert_cmpuint(wrote, >, 50000);
    settle();
    g_assert_cmpuint(take_all(f, 0), ==, wrote);
    /* The same, and what one iteration brings of it. */
    f->taken = wrote;
    guest_sends(f, VSOCK_OP_CREDIT_UPDATE, 0, NULL, 0);
    g_assert_cmpuint(write_much(fd, 50000), ==, 50000);
    g_main_context_iteration(NULL, FALSE);
    g_assert_cmpuint(take_all(f, 0), ==, 50000);
    close(fd);
}

static void test_no_room_no_packets(Fixture *f, const void *unused)
{
    int fd = call_guest(f);
    size_t wrote = write_much(fd, 100000);
    uint32_t got = 0;

    room = 3;
    settle();
    g_assert_cmpuint(packets.length, ==, 3);
    while (got < wrote) {
        uint32_t more = take_all(f, got);
        g_assert_cmpuint(more, >, 0);
        got += more;
        settle();
    }
    g_assert_cmpuint(got, ==, wrote);
    close(fd);
    guest_waits(f, VSOCK_OP_SHUTDOWN);
}

/* Replies to a guest's call and its bytes on the way to the program. */
static int accept_call(Fixture *f)
{
    g_autofree char *path = g_strdup_printf("%s_%u", f->path, HOST_PORT);
    int listener = client_socket(path, true);

    guest_sends(f, VSOCK_OP_REQUEST, 0, NULL, 0);
    guest_waits(f, VSOCK_OP_RESPONSE);
    int fd = accept(listener, NULL, NULL);
    g_assert_cmpint(fd, >=, 0);
    close(listener);
    unlink(path);
    return fd;
}

/* So much of what a guest sent, in order from byte `at`. */
static void read_all(int fd, uint32_t at, uint32_t len)
{
    uint8_t buf[65536];

    while (len) {
        g_main_context_iteration(NULL, FALSE);
        ssize_t n = recv(fd, buf, MIN(sizeof buf, len), MSG_DONTWAIT);
        for (ssize_t i = 0; i < n; i++, at++) {
            g_assert_cmpuint(buf[i], ==, (uint8_t)(at * 3));
        }
        len -= MAX(n, 0);
    }
}

static void test_a_slow_program_holds_the_guest_back(Fixture *f,
                                                     const void *unused)
{
    uint8_t data[4096];
    int fd = accept_call(f);
    uint32_t sent = 0, known = 0;
    const uint8_t *packet;

    /* As much as it may: nothing is lost, whether the socket takes it or not. */
    for (int turn = 0; turn < 200; turn++) {
        if (sent - known + sizeof data <= CREDIT) {
            for (uint32_t i = 0; i < sizeof data; i++) {
                data[i] = (sent + i) * 3;
            }
            guest_sends(f, VSOCK_OP_RW, 0, data, sizeof data);
            sent += sizeof data;
        }
        while ((packet = guest_takes(f))) {
            g_assert_cmpuint(packet_op(packet), ==, VSOCK_OP_CREDIT_UPDATE);
            g_assert_cmpuint(bytes_ld_le32(packet + VSOCK_BUF_ALLOC), ==,
                             CREDIT);
            known = bytes_ld_le32(packet + VSOCK_FWD_CNT);
        }
    }
    g_assert_cmpuint(sent, >=, CREDIT);
    read_all(fd, 0, sent);
    settle();
    while ((packet = guest_takes(f))) {
        known = bytes_ld_le32(packet + VSOCK_FWD_CNT);
    }
    /* The last quarter need not be told of. */
    g_assert_cmpuint(sent - known, <, CREDIT / 4);
    guest_sends(f, VSOCK_OP_SHUTDOWN,
                VSOCK_SHUTDOWN_SEND | VSOCK_SHUTDOWN_RCV, NULL, 0);
    guest_waits(f, VSOCK_OP_RST);
    g_assert_cmpint(recv(fd, data, 1, 0), ==, 0);
    close(fd);
}

static void test_who_sends_more_than_it_may_is_cut_off(Fixture *f,
                                                       const void *unused)
{
    g_autofree uint8_t *data = g_malloc0(VSOCK_DATA_MAX);
    int fd = accept_call(f);
    bool cut = false;

    /* The program reads nothing: its socket and the credit fill up. */
    for (int turn = 0; turn < 100 && !cut; turn++) {
        const uint8_t *packet;
        guest_sends(f, VSOCK_OP_RW, 0, data, VSOCK_DATA_MAX);
        while ((packet = guest_takes(f))) {
            cut |= packet_op(packet) == VSOCK_OP_RST;
        }
    }
    g_assert_true(cut);
    close(fd);
}

static void add(const char *name,
                void (*test)(Fixture *f, const void *unused))
{
    g_test_add(name, Fixture, NULL, setup, test, teardown);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/vsock/credit-is-used-up", test_credit_is_used_up);
    add("/vsock/a-turn-brings-many-packets",
        test_a_turn_brings_many_packets);
    add("/vsock/no-room-no-packets", test_no_room_no_packets);
    add("/vsock/a-slow-program-holds-the-guest-back",
        test_a_slow_program_holds_the_guest_back);
    add("/vsock/who-sends-more-than-it-may-is-cut-off",
        test_who_sends_more_than_it_may_is_cut_off);
    return g_test_run();
}
