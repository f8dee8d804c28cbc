/*
 * How connections begin: a program of the host says "CONNECT PORT\n" and hears
 * "OK PORT\n", or the guest calls who listens at "PATH_PORT". See vsock-conn.c.
 */
#include "vsock-impl.h"

#include "base/bytes.h"
#include "socket-util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALL_MAX 32u           /* "CONNECT 4294967295\n" fits */

/* --- the host calls ------------------------------------------------------------- */

/* A port of the host that no connection has. */
static uint32_t free_port(Vsock *s, uint32_t guest_port)
{
    do {
        s->next_port++;
    } while (vsock_conn_find(s, s->next_port, guest_port));
    return s->next_port;
}

/* "CONNECT PORT\n", and no byte of what may follow. */
void vsock_call_read(VsockConn *c)
{
    char line[CALL_MAX + 1] = { 0 };
    guint64 port;
    ssize_t n = recv(c->fd, line, CALL_MAX, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    char *end = n > 0 ? memchr(line, '\n', n) : NULL;
    if (!end && n > 0 && n < (ssize_t)CALL_MAX) {
        return;
    }
    if (end) {
        *end = 0;
    }
    if (!end || !g_str_has_prefix(line, "CONNECT ") ||
        !g_ascii_string_to_unsigned(line + 8, 10, 0, UINT32_MAX, &port,
                                    NULL)) {
        vsock_conn_free(c);
        return;
    }
    n = recv(c->fd, line, end + 1 - line, MSG_DONTWAIT);
    c->guest_port = port;
    c->host_port = free_port(c->s, port);
    c->state = CONN_CALLING;
    vsock_conn_send(c, VSOCK_OP_REQUEST, 0, NULL, 0);
    vsock_conn_update(c);
}

void vsock_conn_accept(Vsock *s, int fd)
{
    if (s->connections->len >= VSOCK_CONNECTIONS_MAX) {
        close(fd);
        return;
    }
    vsock_conn_update(vsock_conn_new(s, fd, CONN_STRANGER));
}

/* --- the guest calls ------------------------------------------------------------- */

/* The guest calls a port: who listens at PATH_PORT? */
VsockConn *vsock_call_from_guest(Vsock *s, const uint8_t *packet)
{
    uint32_t port = bytes_ld_le32(packet + VSOCK_DST_PORT);
    g_autofree char *path = g_strdup_printf("%s_%u", s->head.path, port);
    SocketPlace place;
    bool pending;
    int fd = -1;
    if (s->is_open && s->connections->len < VSOCK_CONNECTIONS_MAX &&
        socket_place_unix(&place, path, NULL)) {
        fd = socket_connect(&place, &pending, NULL);
    }
    if (fd < 0) {
        vsock_refuse(s, packet);
        return NULL;
    }
    VsockConn *c = vsock_conn_new(s, fd, CONN_OPEN);
    c->host_port = port;
    c->guest_port = bytes_ld_le32(packet + VSOCK_SRC_PORT);
    vsock_conn_send(c, VSOCK_OP_RESPONSE, 0, NULL, 0);
    return c;
}

void vsock_call_accepted(VsockConn *c)
{
    char ok[CALL_MAX];
    int len = snprintf(ok, sizeof ok, "OK %u\n", c->host_port);
    if (c->state != CONN_CALLING ||
        send(c->fd, ok, len, MSG_DONTWAIT | MSG_NOSIGNAL) != len) {
        vsock_conn_abort(c);
        return;
    }
    c->state = CONN_OPEN;
    vsock_conn_update(c);
}

