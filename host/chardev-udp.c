/*
 * A chardev of datagrams: each piece that is written is one, and the bytes of
 * those that come are input, in order. There is nobody to hang up.
 */
#include "chardev-impl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "socket-util.h"

#define DATAGRAM_MAX 65536u
/* Without localaddr= and localport=: any, of the system's choice. */
#define ANY_PORT "0"

typedef struct Udp {
    SocketPlace remote;
    uint8_t bytes[DATAGRAM_MAX]; /* of one whose user had no room for it */
    size_t len, taken;
} Udp;

static bool udp_open(Chardev *c, const ChardevSpec *spec, Error **errp)
{
    Udp *u = g_new0(Udp, 1);
    SocketPlace local;
    c->priv = u;
    if (!socket_place_tcp(&u->remote, spec->host, spec->port, false, errp) ||
        !socket_place_tcp(&local, spec->local_host,
                          spec->local_port ? spec->local_port : ANY_PORT, true,
                          errp)) {
        return false;
    }
    int fd = socket(u->remote.addr.ss_family,
                    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        error_set_errno(errp, errno, "cannot make a socket");
        return false;
    }
    if (local.addr.ss_family == u->remote.addr.ss_family &&
        bind(fd, (struct sockaddr *)&local.addr, local.len) < 0) {
        error_set_errno(errp, errno, "cannot bind to port %s",
                        spec->local_port ? spec->local_port : ANY_PORT);
        close(fd);
        return false;
    }
    chardev_attach(c, fd, fd);
    return true;
}

static void udp_close(Chardev *c)
{
    g_clear_pointer(&c->priv, g_free);
}

static void udp_write(Chardev *c, const uint8_t *data, size_t len)
{
    const Udp *u = c->priv;
    /* What nobody takes is lost, as on a wire. */
    (void)!sendto(c->out_fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL,
                  (const struct sockaddr *)&u->remote.addr, u->remote.len);
}

static bool udp_has_input(const Chardev *c)
{
    const Udp *u = c->priv;
    return u && u->taken < u->len;
}

static ssize_t udp_read(Chardev *c, uint8_t *data, size_t len)
{
    Udp *u = c->priv;
    if (!udp_has_input(c)) {
        ssize_t n = recv(c->in_fd, u->bytes, sizeof u->bytes, MSG_DONTWAIT);
        u->taken = 0;
        u->len = MAX(n, 0);
    }
    if (!u->len) {
        errno = EAGAIN;        /* nothing, or an empty one: not the end */
        return -1;
    }
    size_t n = MIN(len, u->len - u->taken);
    memcpy(data, u->bytes + u->taken, n);
    u->taken += n;
    return n;
}

static char *udp_describe(const Chardev *c)
{
    g_autofree char *local = socket_local_name(c->in_fd);
    return g_strdup_printf("udp:%s", local);
}

const ChardevBackend chardev_udp = {
    .name = "udp",
    .open = udp_open,
    .close = udp_close,
    .describe = udp_describe,
    .write = udp_write,
    .read = udp_read,
    .has_input = udp_has_input,
};
