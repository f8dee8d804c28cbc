/*
 * Connections between the guest's sockets and unix sockets: section 5.10 of the
 * virtio specification 1.2, the host's side.
 *
 * A program of the host connects to the device's path and says "CONNECT PORT\n";
 * once the guest has accepted it reads "OK PORT\n", and from then on both sides'
 * bytes. Who in the guest connects to port P of the host (CID 2) reaches who
 * listens at "PATH_P". Firecracker's microVMs speak the same.
 */
#include "vsock-impl.h"

#include "base/bytes.h"
#include "socket-util.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of one connection, so that the others have their turn. */
#define READS_PER_TURN 32u

/* --- packets ---------------------------------------------------------------------- */

void vsock_conn_send(VsockConn *c, uint16_t op, uint32_t flags,
                      const void *data, uint32_t len)
{
    c->told = c->forwarded;
    vsock_post(c->s, &(VsockPacket){ .src_port = c->host_port,
                                     .dst_port = c->guest_port,
                                     .flags = flags,
                                     .buf_alloc = VSOCK_CREDIT_BYTES,
                                     .fwd_cnt = c->forwarded,
                                     .op = op,
                                     .data = data,
                                     .len = len });
}

/* To who speaks of a connection that there is not. */
void vsock_refuse(Vsock *s, const uint8_t *packet)
{
    if (bytes_ld_le16(packet + VSOCK_OP) != VSOCK_OP_RST) {
        vsock_post(s, &(VsockPacket){
            .src_port = bytes_ld_le32(packet + VSOCK_DST_PORT),
            .dst_port = bytes_ld_le32(packet + VSOCK_SRC_PORT),
            .op = VSOCK_OP_RST });
    }
}

/* --- life --------------------------------------------------------------------------- */

VsockConn *vsock_conn_new(Vsock *s, int fd, ConnState state)
{
    VsockConn *c = g_new0(VsockConn, 1);
    c->s = s;
    c->fd = fd;
    c->state = state;
    c->out = g_byte_array_new();
    g_ptr_array_add(s->connections, c);
    return c;
}

static void drop_tag(guint *tag)
{
    if (*tag) {
        g_source_remove(*tag);
        *tag = 0;
    }
}

void vsock_conn_free(VsockConn *c)
{
    drop_tag(&c->in_tag);
    drop_tag(&c->out_tag);
    close(c->fd);
    g_byte_array_unref(c->out);
    g_ptr_array_remove(c->s->connections, c);
    g_free(c);
}

/* Ends it on both sides. */
void vsock_conn_abort(VsockConn *c)
{
    if (c->state != CONN_STRANGER) {
        vsock_conn_send(c, VSOCK_OP_RST, 0, NULL, 0);
    }
    vsock_conn_free(c);
}

void vsock_conn_close_all(Vsock *s)
{
    while (s->connections->len) {
        vsock_conn_free(g_ptr_array_index(s->connections, 0));
    }
}

VsockConn *vsock_conn_find(Vsock *s, uint32_t host_port, uint32_t guest_port)
{
    for (guint i = 0; i < s->connections->len; i++) {
        VsockConn *c = g_ptr_array_index(s->connections, i);
        if (c->state != CONN_STRANGER && c->host_port == host_port &&
            c->guest_port == guest_port) {
            return c;
        }
    }
    return NULL;
}

/* --- from the guest to the program ---------------------------------------------------- */

static gboolean on_writable(gint fd, GIOCondition why, gpointer opaque);

/* Writes what can be written now. False: the connection is gone. */
static bool conn_flush(VsockConn *c)
{
    ssize_t n = c->out->len ? send(c->fd, c->out->data, c->out->len,
                                   MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        vsock_conn_abort(c);
        return false;
    }
    if (n > 0) {
        c->forwarded += n;
        g_byte_array_remove_range(c->out, 0, n);
    }
    if (c->forwarded - c->told >= VSOCK_CREDIT_BYTES / 4) {
        vsock_conn_send(c, VSOCK_OP_CREDIT_UPDATE, 0, NULL, 0);
    }
    if (c->out->len && !c->out_tag) {
        c->out_tag = g_unix_fd_add(c->fd, G_IO_OUT, on_writable, c);
    }
    return true;
}

/* 5.10.6.6: what the guest has shut is shut when its bytes are through; with both
 * directions shut there is no more connection. */
static bool conn_shut(VsockConn *c)
{
    uint32_t both = VSOCK_SHUTDOWN_RCV | VSOCK_SHUTDOWN_SEND;
    if (c->out->len || !c->guest_shut) {
        return true;
    }
    if (c->guest_shut == both) {
        vsock_conn_abort(c);
        return false;
    }
    if (c->guest_shut & VSOCK_SHUTDOWN_SEND) {
        shutdown(c->fd, SHUT_WR);
    }
    return true;
}

static gboolean on_writable(gint fd, GIOCondition why, gpointer opaque)
{
    VsockConn *c = opaque;
    guint tag = c->out_tag;
    c->out_tag = 0;
    if (!conn_flush(c)) {
        return G_SOURCE_REMOVE;
    }
    if (c->out->len) {
        drop_tag(&c->out_tag);
        c->out_tag = tag;
        return G_SOURCE_CONTINUE;
    }
    conn_shut(c);
    return G_SOURCE_REMOVE;
}

static void take_data(VsockConn *c, const uint8_t *data, size_t len)
{
    if (c->state != CONN_OPEN || len > VSOCK_CREDIT_BYTES - c->out->len) {
        vsock_conn_abort(c);
        return;
    }
    g_byte_array_append(c->out, data, len);
    if (c->out_tag || conn_flush(c)) {
        vsock_conn_update(c);
    }
}

/* --- from the program to the guest ------------------------------------------------------- */

static uint32_t conn_credit(const VsockConn *c)
{
    uint32_t under_way = c->sent - c->peer_fwd;
    return under_way < c->peer_alloc ? c->peer_alloc - under_way : 0;
}

/* Whether the program's bytes are wanted now. */
static bool wants_bytes(const VsockConn *c)
{
    return vsock_is_live(c->s) &&
           (c->state == CONN_STRANGER ||
            (c->state == CONN_OPEN && !c->host_done && conn_credit(c) &&
             !(c->guest_shut & VSOCK_SHUTDOWN_RCV) && !vsock_is_full(c->s)));
}

static void take_read(VsockConn *c, const uint8_t *data, uint32_t len)
{
    if (len) {
        c->sent += len;
        vsock_conn_send(c, VSOCK_OP_RW, 0, data, len);
    } else {
        c->host_done = true;
        vsock_conn_send(c, VSOCK_OP_SHUTDOWN, VSOCK_SHUTDOWN_SEND, NULL, 0);
    }
}

/* Several packets, as far as credit goes: a turn of the loop may be a while in
 * which the guest has nothing to do. */
static void read_data(VsockConn *c)
{
    for (unsigned i = 0; i < READS_PER_TURN && wants_bytes(c); i++) {
        uint8_t buf[VSOCK_TO_GUEST_MAX];
        ssize_t n = recv(c->fd, buf, MIN(sizeof buf, conn_credit(c)),
                         MSG_DONTWAIT);
        if (n >= 0) {
            take_read(c, buf, n);
        } else if (errno == EAGAIN || errno == EINTR) {
            break;
        } else {
            vsock_conn_abort(c);
            return;
        }
    }
    vsock_conn_update(c);
}

static gboolean on_readable(gint fd, GIOCondition why, gpointer opaque)
{
    VsockConn *c = opaque;
    if (!vsock_is_live(c->s)) {
        c->in_tag = 0;
        return G_SOURCE_REMOVE;
    }
    if (c->state == CONN_STRANGER) {
        vsock_call_read(c);
    } else {
        read_data(c);
    }
    return G_SOURCE_CONTINUE;
}

void vsock_conn_update(VsockConn *c)
{
    bool wanted = wants_bytes(c);
    if (!wanted) {
        drop_tag(&c->in_tag);
    } else if (!c->in_tag) {
        c->in_tag = g_unix_fd_add(c->fd, G_IO_IN | G_IO_HUP, on_readable, c);
    }
}

void vsock_conn_update_all(Vsock *s)
{
    for (guint i = 0; i < s->connections->len; i++) {
        vsock_conn_update(g_ptr_array_index(s->connections, i));
    }
}

/* --- packets of the guest's --------------------------------------------------------------- */

static void guest_shuts(VsockConn *c, uint32_t flags)
{
    c->guest_shut |= flags & (VSOCK_SHUTDOWN_RCV | VSOCK_SHUTDOWN_SEND);
    if (conn_shut(c)) {
        vsock_conn_update(c);
    }
}

static void conn_take(VsockConn *c, const uint8_t *packet, size_t len)
{
    switch (bytes_ld_le16(packet + VSOCK_OP)) {
    case VSOCK_OP_RESPONSE:
        vsock_call_accepted(c);
        break;
    case VSOCK_OP_SHUTDOWN:
        guest_shuts(c, bytes_ld_le32(packet + VSOCK_FLAGS));
        break;
    case VSOCK_OP_RW:
        take_data(c, packet + VSOCK_HEADER, len - VSOCK_HEADER);
        break;
    case VSOCK_OP_CREDIT_REQUEST:
        vsock_conn_send(c, VSOCK_OP_CREDIT_UPDATE, 0, NULL, 0);
        vsock_conn_update(c);
        break;
    case VSOCK_OP_CREDIT_UPDATE:
        vsock_conn_update(c);
        break;
    case VSOCK_OP_RST:
        vsock_conn_free(c);
        break;
    default:
        vsock_conn_abort(c);
    }
}

static void take_credit(VsockConn *c, const uint8_t *packet)
{
    c->peer_alloc = bytes_ld_le32(packet + VSOCK_BUF_ALLOC);
    c->peer_fwd = bytes_ld_le32(packet + VSOCK_FWD_CNT);
}

void vsock_conn_packet(Vsock *s, const uint8_t *packet, size_t len)
{
    VsockConn *c = vsock_conn_find(s, bytes_ld_le32(packet + VSOCK_DST_PORT),
                             bytes_ld_le32(packet + VSOCK_SRC_PORT));
    bool call = bytes_ld_le16(packet + VSOCK_OP) == VSOCK_OP_REQUEST;

    if (bytes_ld_le16(packet + VSOCK_TYPE) != VSOCK_TYPE_STREAM ||
        bytes_ld_le64(packet + VSOCK_DST_CID) != VSOCK_CID_HOST ||
        (!c && !call)) {
        vsock_refuse(s, packet);
        return;
    }
    if (call) {
        c = c ? (vsock_conn_abort(c), NULL) : vsock_call_from_guest(s, packet);
    }
    if (!c) {
        return;
    }
    take_credit(c, packet);
    if (call) {
        vsock_conn_update(c);
    } else {
        conn_take(c, packet, len);
    }
}
