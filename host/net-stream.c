/*
 * -netdev stream, and socket with listen=, connect= or fd=: frames through a
 * connection, each after its length in four big-endian bytes. Who listens
 * serves one peer at a time; who connects does so at once.
 */
#include "net-impl.h"
#include "socket-util.h"

#include "base/bytes.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LENGTH_BYTES 4u
/* What a slow peer may leave unread before frames are lost. */
#define OUT_MAX_BYTES (4 * MIB)

typedef struct Stream {
    Netdev *netdev;
    int listen_fd, fd;         /* -1: none */
    guint listen_tag, in_tag, out_tag;
    GByteArray *in, *out;
} Stream;

static void stream_hang_up(Stream *s)
{
    guint *tags[] = { &s->in_tag, &s->out_tag };
    for (size_t i = 0; i < G_N_ELEMENTS(tags); i++) {
        if (*tags[i]) {
            g_source_remove(*tags[i]);
            *tags[i] = 0;
        }
    }
    if (s->fd >= 0) {
        close(s->fd);
        s->fd = -1;
    }
    g_byte_array_set_size(s->in, 0);
    g_byte_array_set_size(s->out, 0);
}

/* --- in ------------------------------------------------------------------------- */

/* Whole frames at the front of what came. False: that is no such stream. */
static bool take_frames(Stream *s)
{
    guint at = 0;
    while (s->in->len - at >= LENGTH_BYTES) {
        uint32_t len = bytes_ld_be32(s->in->data + at);
        if (len > NETDEV_FRAME_MAX) {
            return false;
        }
        if (s->in->len - at - LENGTH_BYTES < len) {
            break;
        }
        net_deliver(s->netdev, s->in->data + at + LENGTH_BYTES, len);
        at += LENGTH_BYTES + len;
    }
    if (at) {
        g_byte_array_remove_range(s->in, 0, at);
    }
    return true;
}

static gboolean stream_readable(gint fd, GIOCondition why, gpointer opaque)
{
    Stream *s = opaque;
    uint8_t buf[65536];
    ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return G_SOURCE_CONTINUE;
    }
    if (n > 0) {
        g_byte_array_append(s->in, buf, n);
        if (take_frames(s)) {
            return G_SOURCE_CONTINUE;
        }
        error_report("network '%s': the peer sends no frames; hung up",
                     s->netdev->head.id);
    }
    s->in_tag = 0;
    stream_hang_up(s);
    return G_SOURCE_REMOVE;
}

/* --- out ------------------------------------------------------------------------- */

/* Sends what can be sent now; false: the connection is broken. */
static bool out_flush(Stream *s)
{
    ssize_t n = send(s->fd, s->out->data, s->out->len,
                     MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
        g_byte_array_remove_range(s->out, 0, n);
    }
    return n >= 0 || errno == EAGAIN || errno == EINTR;
}

static gboolean stream_writable(gint fd, GIOCondition why, gpointer opaque)
{
    Stream *s = opaque;
    bool good = out_flush(s);
    if (good && s->out->len) {
        return G_SOURCE_CONTINUE;
    }
    s->out_tag = 0;
    if (!good) {
        stream_hang_up(s);
    }
    return G_SOURCE_REMOVE;
}

static void stream_send(Netdev *n, const uint8_t *frame, size_t len)
{
    Stream *s = n->impl;
    uint8_t head[LENGTH_BYTES];
    if (s->fd < 0 || s->out->len + len > OUT_MAX_BYTES) {
        return;
    }
    bytes_st_be32(head, len);
    g_byte_array_append(s->out, head, sizeof head);
    g_byte_array_append(s->out, frame, len);
    if (s->out_tag) {
        return;
    }
    if (!out_flush(s)) {
        stream_hang_up(s);
    } else if (s->out->len) {
        s->out_tag = g_unix_fd_add(s->fd, G_IO_OUT, stream_writable, s);
    }
}

/* --- opening ----------------------------------------------------------------------- */

static void stream_connected(Stream *s, int fd)
{
    s->fd = fd;
    s->in_tag = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP, stream_readable, s);
}

static gboolean stream_accept(gint fd, GIOCondition why, gpointer opaque)
{
    Stream *s = opaque;
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (peer >= 0 && s->fd >= 0) {
        close(peer);
    } else if (peer >= 0) {
        stream_connected(s, peer);
    }
    return G_SOURCE_CONTINUE;
}

static Stream *stream_new(Netdev *n)
{
    Stream *s = g_new0(Stream, 1);
    s->netdev = n;
    s->fd = s->listen_fd = -1;
    s->in = g_byte_array_new();
    s->out = g_byte_array_new();
    n->impl = s;
    return s;
}

static void stream_close(Netdev *n)
{
    Stream *s = n->impl;
    if (s->listen_tag) {
        g_source_remove(s->listen_tag);
    }
    if (s->listen_fd >= 0) {
        close(s->listen_fd);
    }
    stream_hang_up(s);
    g_byte_array_free(s->in, TRUE);
    g_byte_array_free(s->out, TRUE);
    g_free(s);
}

static bool start_listening(Stream *s, const SocketPlace *place, Error **errp)
{
    s->listen_fd = socket_listen(place, errp);
    if (s->listen_fd < 0) {
        return false;
    }
    s->listen_tag = g_unix_fd_add(s->listen_fd, G_IO_IN, stream_accept, s);
    return true;
}

static bool start_connected(Stream *s, const SocketPlace *place, Error **errp)
{
    bool pending;
    int fd = socket_connect(place, &pending, errp);
    if (fd < 0) {
        return false;
    }
    int err = pending ? socket_connect_wait(fd) : 0;
    if (err) {
        error_set_errno(errp, err, "cannot connect");
        close(fd);
        return false;
    }
    stream_connected(s, fd);
    return true;
}

static bool start_with_fd(Stream *s, const char *text, Error **errp)
{
    guint64 fd;
    bool listening;
    if (!g_ascii_string_to_unsigned(text, 10, 0, INT32_MAX, &fd, NULL) ||
        !socket_is_stream(fd, &listening) || listening) {
        error_set(errp, "fd=%s is no connected stream socket", text);
        return false;
    }
    stream_connected(s, fd);
    return true;
}

/* "HOST:PORT", host may be missing. */
static bool place_tcp(SocketPlace *p, const char *text, bool server,
                      Error **errp)
{
    const char *colon = strrchr(text, ':');
    if (!colon) {
        error_set(errp, "'%s' is not HOST:PORT", text);
        return false;
    }
    g_autofree char *host = g_strndup(text, colon - text);
    return socket_place_tcp(p, host, colon + 1, server, errp);
}

static bool opened(Netdev *n, bool good)
{
    if (!good) {
        stream_close(n);
    }
    return good;
}

/* --- socket ----------------------------------------------------------------------- */

static bool socket_open(Netdev *n, const NetdevSpec *spec, Error **errp)
{
    const char *listen = net_key(spec, "listen");
    const char *connect = net_key(spec, "connect");
    const char *fd = net_key(spec, "fd");
    SocketPlace place;
    if (!!listen + !!connect + !!fd != 1) {
        error_set(errp, "exactly one of listen=, connect= and fd= is wanted "
                  "(datagrams: -netdev dgram)");
        return false;
    }
    Stream *s = stream_new(n);
    bool good = fd ? start_with_fd(s, fd, errp)
                : !place_tcp(&place, listen ? listen : connect, !!listen, errp)
                    ? false
                : listen ? start_listening(s, &place, errp)
                         : start_connected(s, &place, errp);
    return opened(n, good);
}

const NetBackend net_socket = {
    .name = "socket",
    .keys = "listen connect fd",
    .help = "frames through a TCP connection: listen=[HOST]:PORT,\n"
            "           connect=HOST:PORT or fd=N",
    .open = socket_open,
    .send = stream_send,
    .close = stream_close,
};

/* --- stream ------------------------------------------------------------------------ */

static bool stream_place(SocketPlace *p, const NetdevSpec *spec, bool server,
                         Error **errp)
{
    const char *type = net_key(spec, "addr.type");
    const char *path = net_key(spec, "addr.path");
    const char *port = net_key(spec, "addr.port");
    if (!g_strcmp0(type, "unix") && path) {
        return socket_place_unix(p, path, errp);
    }
    if (!g_strcmp0(type, "inet") && port) {
        return socket_place_tcp(p, net_key(spec, "addr.host"), port, server,
                                errp);
    }
    error_set(errp, "addr.type=unix,addr.path=, addr.type=inet,addr.host=,"
              "addr.port= or addr.type=fd,addr.str= is wanted");
    return false;
}

static bool stream_open(Netdev *n, const NetdevSpec *spec, Error **errp)
{
    const char *fd = net_key(spec, "addr.str");
    SocketPlace place;
    bool server = false;
    if (!net_key_bool(spec, "server", &server, errp)) {
        return false;
    }
    Stream *s = stream_new(n);
    bool good = !g_strcmp0(net_key(spec, "addr.type"), "fd") && fd
                    ? start_with_fd(s, fd, errp)
                : !stream_place(&place, spec, server, errp) ? false
                : server ? start_listening(s, &place, errp)
                         : start_connected(s, &place, errp);
    return opened(n, good);
}

const NetBackend net_stream = {
    .name = "stream",
    .keys = "server addr.type addr.path addr.host addr.port addr.str",
    .help = "the same: server=on|off, addr.type=unix,addr.path=,\n"
            "           addr.type=inet,addr.host=,addr.port=, "
            "addr.type=fd,addr.str=N",
    .open = stream_open,
    .send = stream_send,
    .close = stream_close,
};
