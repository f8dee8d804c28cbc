/*
 * Chardevs on stream sockets: unix and TCP, server and client.
 *
 * A server has one peer at a time; the next one waits in the kernel's queue
 * until the present one hangs up. A client that lost its peer tries again
 * every `reconnect` seconds if told so.
 */
#include "chardev-impl.h"

#include <errno.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "framing.h"
#include "socket-util.h"

typedef struct Socket {
    SocketPlace place;
    char *path;                /* unix: also removed at exit by a server */
    bool server, nodelay, tcp, handed_over;
    unsigned reconnect_s;
    int listen_fd;             /* -1: client */
    int pending_fd;            /* a connection under way, or -1 */
    guint watch;               /* accept or connect, while unconnected */
    guint retry;               /* timer for the next try */
    GQueue sent;               /* descriptors that the peer has sent */
    bool telnet, websocket;
    Framing *framing;          /* of this peer; NULL: bytes are themselves */
} Socket;

static void start_accepting(Chardev *c);
static void start_connecting(Chardev *c);

/* --- what the bytes are wrapped in ------------------------------------------------ */

static void begin_framing(Chardev *c)
{
    Socket *s = c->priv;
    g_autoptr(GByteArray) out = g_byte_array_new();
    if (s->telnet || s->websocket) {
        s->framing = s->telnet ? framing_telnet_new()
                               : framing_websocket_new();
        s->framing->ops->begin(s->framing, out);
        chardev_buffer(c, out->data, out->len);
    }
}

static void end_framing(Socket *s)
{
    if (s->framing) {
        s->framing->ops->free(s->framing);
        s->framing = NULL;
    }
}

/* len bytes have come; how many are left without their wrapping: -1 with errno
 * if none are for now, 0 at the end. */
static ssize_t unwrap(Chardev *c, uint8_t *data, size_t len)
{
    const Socket *s = c->priv;
    g_autoptr(GByteArray) out = g_byte_array_new();
    bool before = s->framing->ready;
    ssize_t n = s->framing->ops->decode(s->framing, data, len, out);
    chardev_buffer(c, out->data, out->len);
    if (n < 0) {
        chardev_drain(c);
        return 0;
    }
    if (!before && s->framing->ready) {
        chardev_event(c, CHARDEV_OPENED);
    }
    errno = EAGAIN;
    return n ? n : -1;
}

static void socket_write(Chardev *c, const uint8_t *data, size_t len)
{
    const Socket *s = c->priv;
    if (!s->framing) {
        chardev_buffer(c, data, len);
    } else if (s->framing->ready) {
        g_autoptr(GByteArray) out = g_byte_array_new();
        s->framing->ops->encode(s->framing, data, len, out);
        chardev_buffer(c, out->data, out->len);
    }
}

static bool socket_aside(const Chardev *c)
{
    const Socket *s = c->priv;
    return s->framing && !s->framing->ready;
}

static void peer_came(Chardev *c, int fd)
{
    const Socket *s = c->priv;
    int on = 1;
    fd_prepare(fd);
    if (s->tcp && s->nodelay) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    chardev_attach(c, fd, fd);
    begin_framing(c);
}

/* --- server ----------------------------------------------------------------- */

static gboolean accept_ready(gint fd, GIOCondition cond, gpointer opaque)
{
    Chardev *c = opaque;
    Socket *s = c->priv;
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (peer < 0) {
        return G_SOURCE_CONTINUE;
    }
    s->watch = 0;
    peer_came(c, peer);
    return G_SOURCE_REMOVE;
}

static void start_accepting(Chardev *c)
{
    Socket *s = c->priv;
    s->watch = g_unix_fd_add(s->listen_fd, G_IO_IN, accept_ready, c);
}

static char *server_name(const Socket *s)
{
    g_autofree char *name = socket_local_name(s->listen_fd);
    const char *kind = s->telnet ? "telnet" : s->websocket ? "websocket"
                       : s->tcp ? "tcp" : "unix";
    return g_strdup_printf("%s:%s", kind, name);
}

/* wait=on: the program goes on when a peer has come. */
static void wait_for_peer(Chardev *c)
{
    Socket *s = c->priv;
    g_autofree char *name = server_name(s);
    fprintf(stderr, "%s: waiting for connection on: disconnected:%s,server=on"
            "\n", g_get_prgname() ? g_get_prgname() : "reprise", name);
    struct pollfd p = { .fd = s->listen_fd, .events = POLLIN };
    int peer;
    do {
        poll(&p, 1, -1);
        peer = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    } while (peer < 0);
    peer_came(c, peer);
}

static bool server_open(Chardev *c, bool wait, Error **errp)
{
    Socket *s = c->priv;
    if (s->listen_fd < 0) {
        s->listen_fd = socket_listen(&s->place, errp);
    }
    if (s->listen_fd < 0) {
        return false;
    }
    if (wait) {
        wait_for_peer(c);
    } else {
        start_accepting(c);
    }
    return true;
}

/* --- client ------------------------------------------------------------------- */

static gboolean retry_now(gpointer opaque)
{
    Chardev *c = opaque;
    Socket *s = c->priv;
    s->retry = 0;
    start_connecting(c);
    return G_SOURCE_REMOVE;
}

static void retry_later(Chardev *c)
{
    Socket *s = c->priv;
    if (s->reconnect_s && !s->retry) {
        s->retry = g_timeout_add_seconds(s->reconnect_s, retry_now, c);
    }
}

static gboolean connect_ready(gint fd, GIOCondition cond, gpointer opaque)
{
    Chardev *c = opaque;
    Socket *s = c->priv;
    s->watch = 0;
    s->pending_fd = -1;
    if (socket_connect_wait(fd) == 0) {
        peer_came(c, fd);
    } else {
        close(fd);
        retry_later(c);
    }
    return G_SOURCE_REMOVE;
}

static void start_connecting(Chardev *c)
{
    Socket *s = c->priv;
    bool pending;
    int fd = socket_connect(&s->place, &pending, NULL);
    if (fd < 0) {
        retry_later(c);
    } else if (pending) {
        s->pending_fd = fd;
        s->watch = g_unix_fd_add(fd, G_IO_OUT, connect_ready, c);
    } else {
        peer_came(c, fd);
    }
}

static bool client_open(Chardev *c, Error **errp)
{
    Socket *s = c->priv;
    if (s->reconnect_s) {
        start_connecting(c);
        return true;
    }
    bool pending;
    int fd = socket_connect(&s->place, &pending, errp);
    if (fd < 0) {
        return false;
    }
    int errnum = pending ? socket_connect_wait(fd) : 0;
    if (errnum) {
        error_set_errno(errp, errnum, "cannot connect");
        close(fd);
        return false;
    }
    peer_came(c, fd);
    return true;
}

/* --- the back end ----------------------------------------------------------------- */

static bool take_fd(Chardev *c, const ChardevSpec *spec, Error **errp)
{
    Socket *s = c->priv;
    bool listening;
    if (!socket_is_stream(spec->fd, &listening)) {
        error_set(errp, "fd=%d is not a stream socket", spec->fd);
        return false;
    }
    s->handed_over = true;
    s->server = listening;
    if (!listening) {
        peer_came(c, spec->fd);
        return true;
    }
    fd_prepare(spec->fd);
    s->listen_fd = spec->fd;
    return server_open(c, spec->wait, errp);
}

static bool socket_open(Chardev *c, const ChardevSpec *spec, Error **errp)
{
    Socket *s = g_new0(Socket, 1);
    c->priv = s;
    s->listen_fd = s->pending_fd = -1;
    s->server = spec->server;
    s->nodelay = spec->nodelay;
    s->reconnect_s = spec->reconnect_s;
    s->telnet = spec->telnet;
    s->websocket = spec->websocket;
    if (spec->fd >= 0) {
        return take_fd(c, spec, errp);
    }
    s->tcp = !spec->path;
    s->path = g_strdup(spec->path);
    bool ok = s->tcp ? socket_place_tcp(&s->place, spec->host, spec->port,
                                        s->server, errp)
                     : socket_place_unix(&s->place, spec->path, errp);
    return ok && (s->server ? server_open(c, spec->wait, errp)
                            : client_open(c, errp));
}

static void forget_sent(Socket *s)
{
    while (!g_queue_is_empty(&s->sent)) {
        close(GPOINTER_TO_INT(g_queue_pop_head(&s->sent)));
    }
}

static ssize_t socket_read(Chardev *c, uint8_t *data, size_t len)
{
    Socket *s = c->priv;
    int fds[SOCKET_FDS_MAX];
    unsigned count = 0;
    ssize_t n = socket_receive(c->in_fd, data, len, fds, &count);
    for (unsigned i = 0; i < count; i++) {
        g_queue_push_tail(&s->sent, GINT_TO_POINTER(fds[i]));
    }
    return n > 0 && s->framing ? unwrap(c, data, n) : n;
}

static int socket_take_fd(Chardev *c)
{
    Socket *s = c->priv;
    return g_queue_is_empty(&s->sent)
        ? -1 : GPOINTER_TO_INT(g_queue_pop_head(&s->sent));
}

static void socket_ended(Chardev *c)
{
    Socket *s = c->priv;
    forget_sent(s);
    chardev_detach(c);
    end_framing(s);
    if (s->listen_fd >= 0) {
        start_accepting(c);
    } else {
        retry_later(c);
    }
}

static void socket_close(Chardev *c)
{
    Socket *s = c->priv;
    if (!s) {
        return;
    }
    if (s->watch) {
        g_source_remove(s->watch);
    }
    if (s->retry) {
        g_source_remove(s->retry);
    }
    if (s->pending_fd >= 0) {
        close(s->pending_fd);
    }
    if (s->listen_fd >= 0) {
        close(s->listen_fd);
        if (s->path) {
            unlink(s->path);
        }
    }
    forget_sent(s);
    end_framing(s);
    g_free(s->path);
    g_free(s);
    c->priv = NULL;
}

static char *describe_client(const Chardev *c)
{
    const Socket *s = c->priv;
    if (s->handed_over) {
        return g_strdup("fd");
    }
    if (s->path) {
        return g_strdup_printf("unix:%s", s->path);
    }
    if (!c->connected) {
        return g_strdup("tcp");
    }
    g_autofree char *local = socket_local_name(c->out_fd);
    g_autofree char *peer = socket_peer_name(c->out_fd);
    return g_strdup_printf("tcp:%s <-> %s", local, peer);
}

static char *socket_describe(const Chardev *c)
{
    const Socket *s = c->priv;
    bool server = s->listen_fd >= 0;
    g_autofree char *name = server ? server_name(s) : describe_client(c);
    return g_strdup_printf("%s%s%s", c->connected ? "" : "disconnected:",
                           name, server ? ",server=on" : "");
}

const ChardevBackend chardev_socket = {
    .name = "socket",
    .open = socket_open,
    .close = socket_close,
    .describe = socket_describe,
    .ended = socket_ended,
    .read = socket_read,
    .write = socket_write,
    .aside = socket_aside,
    .take_fd = socket_take_fd,
};
