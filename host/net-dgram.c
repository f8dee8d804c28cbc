/*
 * -netdev dgram: each frame is a datagram, between two UDP or unix sockets, or
 * through one that was handed over.
 */
#include "net-impl.h"
#include "socket-util.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

typedef struct Dgram {
    Netdev *netdev;
    int fd;
    guint tag;
    SocketPlace remote;        /* len 0: the socket is connected */
    char *path;                /* of our unix socket: removed at the end */
} Dgram;

/* So many at a time: the guest waits meanwhile. */
#define ROUND_FRAMES 64

static gboolean dgram_readable(gint fd, GIOCondition why, gpointer opaque)
{
    Dgram *d = opaque;
    g_autofree uint8_t *frame = g_malloc(NETDEV_FRAME_MAX);
    for (unsigned i = 0; i < ROUND_FRAMES; i++) {
        ssize_t n = recv(fd, frame, NETDEV_FRAME_MAX, MSG_DONTWAIT);
        if (n <= 0) {
            break;
        }
        net_deliver(d->netdev, frame, n);
    }
    return G_SOURCE_CONTINUE;
}

static void dgram_send(Netdev *n, const uint8_t *frame, size_t len)
{
    Dgram *d = n->impl;
    const struct sockaddr *to = (const struct sockaddr *)&d->remote.addr;
    /* What nobody takes is lost, as on a wire. */
    (void)!sendto(d->fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL,
                  d->remote.len ? to : NULL, d->remote.len);
}

static void dgram_close(Netdev *n)
{
    Dgram *d = n->impl;
    if (d->tag) {
        g_source_remove(d->tag);
    }
    if (d->fd >= 0) {
        close(d->fd);
    }
    if (d->path) {
        unlink(d->path);
    }
    g_free(d->path);
    g_free(d);
}

/* "local" or "remote": the place that the keys name. */
static bool dgram_place(const NetdevSpec *spec, const char *end,
                        SocketPlace *p, Error **errp)
{
    g_autofree char *type_key = g_strconcat(end, ".type", NULL);
    g_autofree char *host_key = g_strconcat(end, ".host", NULL);
    g_autofree char *port_key = g_strconcat(end, ".port", NULL);
    g_autofree char *path_key = g_strconcat(end, ".path", NULL);
    const char *type = net_key(spec, type_key);
    const char *host = net_key(spec, host_key);
    const char *port = net_key(spec, port_key);
    const char *path = net_key(spec, path_key);
    if (!g_strcmp0(type, "inet") && host && port) {
        return socket_place_tcp(p, host, port, false, errp);
    }
    if (!g_strcmp0(type, "unix") && path) {
        return socket_place_unix(p, path, errp);
    }
    error_set(errp, "%s.type=inet,%s.host=,%s.port= or %s.type=unix,%s.path= "
              "is wanted", end, end, end, end, end);
    return false;
}

static bool dgram_bind(Dgram *d, const NetdevSpec *spec, Error **errp)
{
    SocketPlace local;
    if (!dgram_place(spec, "local", &local, errp) ||
        !dgram_place(spec, "remote", &d->remote, errp)) {
        return false;
    }
    int family = local.addr.ss_family;
    if (family != d->remote.addr.ss_family) {
        error_set(errp, "local. and remote. are of different kinds");
        return false;
    }
    if (family == AF_UNIX) {
        d->path = g_strdup(net_key(spec, "local.path"));
        unlink(d->path);
    }
    d->fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (d->fd < 0 ||
        bind(d->fd, (struct sockaddr *)&local.addr, local.len) < 0) {
        error_set_errno(errp, errno, "cannot bind the local end");
        return false;
    }
    return true;
}

static bool dgram_take_fd(Dgram *d, const char *text, Error **errp)
{
    guint64 fd;
    int type = 0;
    socklen_t len = sizeof type;
    if (!g_ascii_string_to_unsigned(text, 10, 0, INT32_MAX, &fd, NULL) ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
        type != SOCK_DGRAM) {
        error_set(errp, "local.str=%s is no datagram socket", text);
        return false;
    }
    d->fd = fd;
    return true;
}

static bool dgram_open(Netdev *n, const NetdevSpec *spec, Error **errp)
{
    Dgram *d = g_new0(Dgram, 1);
    const char *fd = net_key(spec, "local.str");
    bool handed = !g_strcmp0(net_key(spec, "local.type"), "fd") && fd;
    d->netdev = n;
    d->fd = -1;
    n->impl = d;
    if (handed ? !dgram_take_fd(d, fd, errp) : !dgram_bind(d, spec, errp)) {
        dgram_close(n);
        return false;
    }
    d->tag = g_unix_fd_add(d->fd, G_IO_IN, dgram_readable, d);
    return true;
}

const NetBackend net_dgram = {
    .name = "dgram",
    .keys = "local.type local.host local.port local.path local.str "
            "remote.type remote.host remote.port remote.path",
    .help = "a datagram for each frame: local.type=inet,local.host=,local.port=,\n"
            "           remote.type=inet,remote.host=,remote.port=; type unix with\n"
            "           path; local.type=fd,local.str=N",
    .open = dgram_open,
    .send = dgram_send,
    .close = dgram_close,
};
