/*
 * Chardevs (host/chardev*.c): sockets, files, sharing, and the boundary.
 */
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <arpa/inet.h>
#include <unistd.h>

#include "io/chardev-open.h"
#include "vm/nondet.h"

/* --- a boundary of our own --------------------------------------------------- */

static bool wants_input, post_pending;
static GString *posted;

bool nondet_wants_input(Machine *m)
{
    return wants_input;
}

bool nondet_pending(Machine *m)
{
    return post_pending;
}

void nondet_post(NondetPort *p, const void *data, size_t len)
{
    g_string_append_len(posted, data, len);
    post_pending = true;
}

/* --- a world of our own -------------------------------------------------------- */

typedef struct Fixture {
    ChardevSet *set;
    char *dir;
    GString *in;               /* what a door received */
    unsigned opened, closed, quits;
} Fixture;

static void count_quit(void *opaque)
{
    ((Fixture *)opaque)->quits++;
}

static void setup(Fixture *f, const void *unused)
{
    f->set = chardev_set_new(count_quit, f);
    chardev_set_machine(f->set, (Machine *)f);
    f->dir = g_dir_make_tmp("reprise-chardev-XXXXXX", NULL);
    f->in = g_string_new(NULL);
    posted = g_string_new(NULL);
    wants_input = true;
    post_pending = false;
}

static void teardown(Fixture *f, const void *unused)
{
    chardev_set_free(f->set);
    g_string_free(f->in, TRUE);
    g_string_free(posted, TRUE);
    g_assert_cmpint(g_rmdir(f->dir), ==, 0);
    g_free(f->dir);
}

static void on_input(void *opaque, const uint8_t *data, size_t len)
{
    g_string_append_len(((Fixture *)opaque)->in, (const char *)data, len);
}

static void on_notify(void *opaque, ChardevEvent event)
{
    Fixture *f = opaque;
    f->opened += event == CHARDEV_OPENED;
    f->closed += event == CHARDEV_CLOSED;
}

/* Lets the main loop run until a condition holds, five seconds at most. */
#define WAIT(condition)                                                  \
    do {                                                                 \
        gint64 end_us = g_get_monotonic_time() + 5000000;                \
        while (!(condition) && g_get_monotonic_time() < end_us) {        \
            g_main_context_iteration(NULL, FALSE);                       \
        }                                                                \
        g_assert_true(condition);                                        \
    } while (0)

/* Lets it run for a while, for what must not happen. */
static void linger(void)
{
    gint64 end_us = g_get_monotonic_time() + 20000;
    while (g_get_monotonic_time() < end_us) {
        g_main_context_iteration(NULL, FALSE);
    }
}

static Chardev *open_spec(Fixture *f, const char *id, ChardevSpec *spec)
{
    Error *err = NULL;
    Chardev *c = chardev_open(f->set, id, spec, &err);
    if (err) {
        g_test_message("%s", error_message(err));
    }
    g_assert_nonnull(c);
    chardev_spec_clear(spec);
    return c;
}

static Chardev *open_unix(Fixture *f, const char *id, bool server,
                          unsigned reconnect_s)
{
    ChardevSpec spec;
    chardev_spec_init(&spec);
    spec.backend = "socket";
    spec.path = g_build_filename(f->dir, "s", NULL);
    spec.server = server;
    spec.wait = false;
    spec.reconnect_s = reconnect_s;
    return open_spec(f, id, &spec);
}

static int dial_unix(const Fixture *f)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    g_snprintf(un.sun_path, sizeof un.sun_path, "%s/s", f->dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&un, sizeof un), ==, 0);
    return fd;
}

static void expect_bytes(int fd, const char *want)
{
    g_autoptr(GString) got = g_string_new(NULL);
    gint64 end_us = g_get_monotonic_time() + 5000000;
    while (got->len < strlen(want) && g_get_monotonic_time() < end_us) {
        char buf[4096];
        g_main_context_iteration(NULL, FALSE);
        ssize_t n = read(fd, buf, sizeof buf);
        if (n > 0) {
            g_string_append_len(got, buf, n);
        }
    }
    g_assert_cmpstr(got->str, ==, want);
}

static void send_bytes(int fd, const char *text)
{
    g_assert_cmpint(write(fd, text, strlen(text)), ==, strlen(text));
}

/* --- tests ------------------------------------------------------------------------ */

static void test_socket(Fixture *f, const void *unused)
{
    Chardev *c = open_unix(f, "c", true, 0);
    g_autofree char *gone = chardev_describe(c);
    g_assert_true(g_str_has_prefix(gone, "disconnected:unix:"));
    chardev_set_handlers(c, on_input, on_notify, f);
    chardev_write(c, "lost", 4);

    int fd = dial_unix(f);
    WAIT(f->opened == 1);
    g_assert_true(chardev_connected(c));
    send_bytes(fd, "hello");
    WAIT(f->in->len == 5);
    chardev_write(c, "answer", 6);
    expect_bytes(fd, "answer");

    /* The next peer waits until this one hangs up. */
    int second = dial_unix(f);
    linger();
    g_assert_cmpuint(f->opened, ==, 1);
    close(fd);
    WAIT(f->closed == 1 && f->opened == 2);
    chardev_write(c, "second", 6);
    expect_bytes(second, "second");

    chardev_disconnect(c);
    g_assert_cmpuint(f->closed, ==, 2);
    char byte;
    g_assert_cmpint(read(second, &byte, 1), ==, 0);
    close(second);
}

/* Much more than a socket's buffer holds arrives whole and in order. */
static void test_socket_bulk(Fixture *f, const void *unused)
{
    Chardev *c = open_unix(f, "c", true, 0);
    int fd = dial_unix(f);
    WAIT(chardev_connected(c));
    g_autoptr(GString) all = g_string_new(NULL);
    for (int i = 0; i < 300000; i++) {
        g_string_append_printf(all, "%d,", i);
    }
    for (size_t i = 0; i < all->len; i += 1000) {
        chardev_write(c, all->str + i, MIN(1000, all->len - i));
    }
    expect_bytes(fd, all->str);
    close(fd);
}

/* A peer that reads nothing costs bounded memory and no time. */
static void test_socket_deaf(Fixture *f, const void *unused)
{
    Chardev *c = open_unix(f, "c", true, 0);
    int fd = dial_unix(f);
    WAIT(chardev_connected(c));
    g_autofree char *block = g_malloc0(1 << 20);
    for (int i = 0; i < 40; i++) {
        chardev_write(c, block, 1 << 20);
    }
    g_assert_true(chardev_connected(c));
    close(fd);
    WAIT(!chardev_connected(c));
}

static void test_tcp(Fixture *f, const void *unused)
{
    ChardevSpec spec;
    chardev_spec_init(&spec);
    spec.backend = "socket";
    spec.host = g_strdup("127.0.0.1");
    spec.port = g_strdup("0");
    spec.server = true;
    spec.wait = false;
    spec.nodelay = true;
    Chardev *c = open_spec(f, "c", &spec);
    chardev_set_handlers(c, on_input, on_notify, f);
    g_autofree char *text = chardev_describe(c);
    int port = 0;
    g_assert_cmpint(sscanf(text, "disconnected:tcp:127.0.0.1:%d,", &port), ==,
                    1);
    g_assert_cmpint(port, >, 0);
    g_assert_true(g_str_has_suffix(text, ",server=on"));

    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&in, sizeof in), ==, 0);
    send_bytes(fd, "tcp");
    WAIT(f->in->len == 3);
    close(fd);
    WAIT(f->closed == 1);
}

static gboolean do_nothing(gpointer opaque)
{
    return G_SOURCE_CONTINUE;
}

/* Waiting takes no time of the processor, whatever is being waited for. */
static void test_idle(Fixture *f, const void *unused)
{
    Chardev *c = open_unix(f, "c", true, 0);
    int fd = dial_unix(f);
    WAIT(chardev_connected(c));
    linger();
    for (int with_user = 0; with_user < 2; with_user++) {
        unsigned turns = 0;
        gint64 end_us = g_get_monotonic_time() + 100000;
        guint timer = g_timeout_add(110, do_nothing, NULL);
        while (g_get_monotonic_time() < end_us) {
            g_main_context_iteration(NULL, TRUE);
            turns++;
        }
        g_source_remove(timer);
        g_assert_cmpuint(turns, <, 20);
        chardev_set_handlers(c, on_input, NULL, f);
    }
    close(fd);
}

static void test_reconnect(Fixture *f, const void *unused)
{
    /* Nobody listens yet: the client comes back. */
    Chardev *client = open_unix(f, "client", false, 1);
    g_assert_false(chardev_connected(client));
    Chardev *server = open_unix(f, "server", true, 0);
    WAIT(chardev_connected(client) && chardev_connected(server));
    chardev_disconnect(server);
    WAIT(!chardev_connected(client));
    WAIT(chardev_connected(client));
}

static void test_fd(Fixture *f, const void *unused)
{
    int pair[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
    ChardevSpec spec;
    chardev_spec_init(&spec);
    spec.backend = "socket";
    spec.fd = pair[0];
    Chardev *c = open_spec(f, "c", &spec);
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    chardev_write(c, "given", 5);
    expect_bytes(pair[1], "given");
    close(pair[1]);

    Error *err = NULL;
    chardev_spec_init(&spec);
    spec.backend = "socket";
    spec.fd = 99;
    g_assert_null(chardev_open(f->set, "d", &spec, &err));
    g_assert_cmpstr(error_message(err), ==,
                    "chardev 'd': fd=99 is not a stream socket");
    error_free(err);
}

static void test_file(Fixture *f, const void *unused)
{
    g_autofree char *out = g_build_filename(f->dir, "out", NULL);
    g_autofree char *in = g_build_filename(f->dir, "in", NULL);
    g_autofree char *log = g_build_filename(f->dir, "log", NULL);
    g_assert_true(g_file_set_contents(in, "typed", -1, NULL));
    ChardevSpec spec;
    chardev_spec_init(&spec);
    spec.backend = "file";
    spec.path = g_strdup(out);
    spec.input_path = g_strdup(in);
    spec.logfile = g_strdup(log);
    Chardev *c = open_spec(f, "c", &spec);
    chardev_set_handlers(c, on_input, on_notify, f);
    WAIT(f->closed == 1);
    g_assert_cmpstr(f->in->str, ==, "typed");
    /* The end of the input is not the end of the output. */
    g_assert_true(chardev_connected(c));
    chardev_write(c, "printed\n", 8);
    chardev_drain(c);
    g_autofree char *text = NULL, *copy = NULL;
    g_assert_true(g_file_get_contents(out, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "printed\n");
    g_assert_true(g_file_get_contents(log, &copy, NULL, NULL));
    g_assert_cmpstr(copy, ==, "printed\n");
    g_unlink(out);
    g_unlink(in);
    g_unlink(log);
}

static void test_pipe(Fixture *f, const void *unused)
{
    g_autofree char *base = g_build_filename(f->dir, "p", NULL);
    g_autofree char *in = g_strconcat(base, ".in", NULL);
    g_autofree char *out = g_strconcat(base, ".out", NULL);
    g_assert_cmpint(mkfifo(in, 0600), ==, 0);
    g_assert_cmpint(mkfifo(out, 0600), ==, 0);
    ChardevSpec spec;
    chardev_spec_init(&spec);
    spec.backend = "pipe";
    spec.path = g_strdup(base);
    Chardev *c = open_spec(f, "c", &spec);
    chardev_set_handlers(c, on_input, on_notify, f);
    int to = open(in, O_WRONLY), from = open(out, O_RDONLY | O_NONBLOCK);
    send_bytes(to, "in");
    WAIT(f->in->len == 2);
    chardev_write(c, "out", 3);
    expect_bytes(from, "out");
    /* The other side may come back. */
    close(to);
    to = open(in, O_WRONLY);
    send_bytes(to, "more");
    WAIT(f->in->len == 6);
    g_assert_cmpuint(f->closed, ==, 0);
    close(to);
    close(from);
    g_unlink(in);
    g_unlink(out);
}

static void test_pty(Fixture *f, const void *unused)
{
    ChardevSpec spec;
    chardev_spec_init(&spec);
    spec.backend = "pty";
    printf("# ");              /* it says on stdout where the other end is */
    Chardev *c = open_spec(f, "c", &spec);
    chardev_set_handlers(c, on_input, on_notify, f);
    linger();
    g_assert_false(chardev_connected(c));
    g_autofree char *text = chardev_describe(c);
    g_assert_true(g_str_has_prefix(text, "disconnected:pty:/dev/"));
    const char *name = text + strlen("disconnected:pty:");
    for (unsigned turn = 1; turn <= 2; turn++) {
        int fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
        g_assert_cmpint(fd, >=, 0);
        WAIT(f->opened == turn);
        send_bytes(fd, "\r");       /* raw: no translation */
        WAIT(f->in->len == turn);
        g_assert_cmpint(f->in->str[0], ==, '\r');
        chardev_write(c, "\n", 1);
        expect_bytes(fd, "\n");
        close(fd);
        WAIT(f->closed == turn);
    }
}

/* Input for a guest: only as much as it has room for, only when what was
 * posted before has arrived, and nothing at all in replay. */
static size_t device_room;

static size_t on_room(void *opaque)
{
    return device_room;
}

static void test_port(Fixture *f, const void *unused)
{
    NondetPort port = { .kind = NONDET_SERIAL };
    Chardev *c = open_unix(f, "c", true, 0);
    chardev_bind_port(c, &port, on_room, f);
    device_room = 0;
    int fd = dial_unix(f);
    WAIT(chardev_connected(c));
    send_bytes(fd, "abcdef");
    linger();
    g_assert_cmpuint(posted->len, ==, 0);
    device_room = 2;
    linger();
    g_assert_cmpstr(posted->str, ==, "ab");
    post_pending = false;
    linger();
    g_assert_cmpstr(posted->str, ==, "abcd");
    post_pending = false;
    wants_input = false;
    linger();
    g_assert_cmpstr(posted->str, ==, "abcd");

    /* Travelling in time: the world has seen this before. */
    chardev_set_mute(f->set, true);
    chardev_write(c, "again", 5);
    chardev_set_mute(f->set, false);
    chardev_write(c, "new", 3);
    expect_bytes(fd, "new");
    close(fd);
}

static void test_mux(Fixture *f, const void *unused)
{
    int pair[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    ChardevSpec spec;
    chardev_spec_init(&spec);
    spec.backend = "socket";
    spec.fd = pair[0];
    spec.mux = true;
    open_spec(f, "m", &spec);
    Chardev *door = chardev_claim(f->set, "m", NULL);
    Chardev *serial = chardev_claim(f->set, "m", NULL);
    g_assert_true(door && serial && door != serial);
    NondetPort port = { .kind = NONDET_SERIAL };
    chardev_set_handlers(door, on_input, on_notify, f);
    chardev_bind_port(serial, &port, on_room, f);
    device_room = 16;

    /* The guest has the focus first; Ctrl-A c changes it. */
    send_bytes(pair[1], "guest\1\1");
    WAIT(posted->len == 6);
    g_assert_cmpstr(posted->str, ==, "guest\1");
    g_assert_cmpuint(f->opened, ==, 0);
    send_bytes(pair[1], "\1cdoor");
    WAIT(f->in->len == 4);
    g_assert_cmpuint(f->opened, ==, 1);
    post_pending = false;
    chardev_kick(serial);
    send_bytes(pair[1], "!");
    WAIT(f->in->len == 5);

    /* Output of both. */
    chardev_write(serial, "S", 1);
    chardev_write(door, "D", 1);
    expect_bytes(pair[1], "SD");

    /* A guest without room does not keep Ctrl-A x from working. */
    device_room = 0;
    send_bytes(pair[1], "\1cxxxx\1x");
    WAIT(f->quits == 1);
    g_assert_cmpuint(posted->len, ==, 6);
    device_room = 16;
    WAIT(posted->len == 10);
    close(pair[1]);
}

static void test_claim(Fixture *f, const void *unused)
{
    ChardevSpec spec;
    Error *err = NULL;
    chardev_spec_init(&spec);
    spec.backend = "null";
    open_spec(f, "n", &spec);
    g_assert_nonnull(chardev_claim(f->set, "n", NULL));
    g_assert_null(chardev_claim(f->set, "n", &err));
    g_assert_nonnull(strstr(error_message(err), "in use"));
    g_clear_pointer(&err, error_free);
    g_assert_null(chardev_claim(f->set, "other", &err));
    g_assert_cmpstr(error_message(err), ==, "chardev 'other' not found");
    g_clear_pointer(&err, error_free);
    spec.backend = "null";
    g_assert_null(chardev_open(f->set, "n", &spec, &err));
    error_free(err);
}

#define ADD(name, fn) \
    g_test_add("/chardev/" name, Fixture, NULL, setup, fn, teardown)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);  /* as the program does */
    ADD("socket", test_socket);
    ADD("socket/bulk", test_socket_bulk);
    ADD("socket/deaf", test_socket_deaf);
    ADD("idle", test_idle);
    ADD("tcp", test_tcp);
    ADD("reconnect", test_reconnect);
    ADD("fd", test_fd);
    ADD("file", test_file);
    ADD("pipe", test_pipe);
    ADD("pty", test_pty);
    ADD("port", test_port);
    ADD("mux", test_mux);
    ADD("claim", test_claim);
    return g_test_run();
}
