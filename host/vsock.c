/*
 * The host's end of a socket device (io/vsock.h): a unix socket at which the
 * host's programs call the guest, and packets on their way to it.
 */
#include "vsock-impl.h"

#include "base/bytes.h"
#include "socket-util.h"

#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

/* Packets that wait for room: from there on nothing more is read for the guest,
 * and answers to what it goes on sending are lost. */
#define WAITING_FULL 64u
#define WAITING_MAX  4096u

/* --- packets to the guest ---------------------------------------------------------- */

bool vsock_is_live(const Vsock *s)
{
    return s->port && !s->set->muted && nondet_wants_input(s->set->machine);
}

bool vsock_is_full(const Vsock *s)
{
    return s->waiting.length >= WAITING_FULL;
}

static void post_waiting(Vsock *s)
{
    while (vsock_is_live(s) && s->waiting.length &&
           s->posted < s->room(s->room_opaque)) {
        GBytes *packet = g_queue_pop_head(&s->waiting);
        size_t len;
        const void *data = g_bytes_get_data(packet, &len);
        s->posted++;
        nondet_post(s->port, data, len);
        g_bytes_unref(packet);
    }
}

void vsock_post(Vsock *s, const VsockPacket *p)
{
    uint8_t *packet = g_malloc0(VSOCK_HEADER + p->len);
    bytes_st_le64(packet + VSOCK_SRC_CID, VSOCK_CID_HOST);
    bytes_st_le64(packet + VSOCK_DST_CID, s->head.guest_cid);
    bytes_st_le32(packet + VSOCK_SRC_PORT, p->src_port);
    bytes_st_le32(packet + VSOCK_DST_PORT, p->dst_port);
    bytes_st_le32(packet + VSOCK_LEN, p->len);
    bytes_st_le16(packet + VSOCK_TYPE, VSOCK_TYPE_STREAM);
    bytes_st_le16(packet + VSOCK_OP, p->op);
    bytes_st_le32(packet + VSOCK_FLAGS, p->flags);
    bytes_st_le32(packet + VSOCK_BUF_ALLOC, p->buf_alloc);
    bytes_st_le32(packet + VSOCK_FWD_CNT, p->fwd_cnt);
    if (p->len) {
        memcpy(packet + VSOCK_HEADER, p->data, p->len);
    }
    GBytes *bytes = g_bytes_new_take(packet, VSOCK_HEADER + p->len);
    if (s->waiting.length < WAITING_MAX) {
        g_queue_push_tail(&s->waiting, g_bytes_ref(bytes));
    }
    g_bytes_unref(bytes);
    post_waiting(s);
}

static void drop_waiting(Vsock *s)
{
    g_queue_clear_full(&s->waiting, (GDestroyNotify)g_bytes_unref);
}

/* --- what devices ask ----------------------------------------------------------------- */

static void host_send(Vsock *s, const uint8_t *packet, size_t len)
{
    if (vsock_is_live(s)) {
        vsock_conn_packet(s, packet, len);
    }
}

static void host_bind_port(Vsock *s, NondetPort *port, VsockRoom *room,
                           void *opaque)
{
    s->port = port;
    s->room = room;
    s->room_opaque = opaque;
}

static void host_kick(Vsock *s)
{
    if (vsock_is_live(s)) {
        post_waiting(s);
        vsock_conn_update_all(s);
    }
}

static void host_received(Vsock *s)
{
    if (s->posted && !s->set->muted) {
        s->posted--;
    }
}

static void host_reset(Vsock *s)
{
    if (vsock_is_live(s)) {
        vsock_conn_close_all(s);
        drop_waiting(s);
    }
}

static void host_resumed(Vsock *s)
{
    if (vsock_is_live(s)) {
        host_reset(s);
        nondet_post(s->port, "", 0);
    }
}

static const VsockOps host_ops = {
    .send = host_send,
    .bind_port = host_bind_port,
    .kick = host_kick,
    .received = host_received,
    .reset = host_reset,
    .resumed = host_resumed,
};

/* --- the set ----------------------------------------------------------------------------- */

VsockSet *vsock_set_new(bool replay)
{
    VsockSet *set = g_new0(VsockSet, 1);
    set->table = g_hash_table_new(g_str_hash, g_str_equal);
    set->order = g_ptr_array_new();
    set->replay = replay;
    return set;
}

void vsock_set_machine(VsockSet *set, Machine *m)
{
    set->machine = m;
}

/* A replay goes on live: the connections that the guest knows are not there. */
static void leave_recording(Vsock *s)
{
    if (s->set->replay && !s->left && vsock_is_live(s)) {
        s->left = true;
        nondet_post(s->port, "", 0);
    }
}

void vsock_set_mute(VsockSet *set, bool muted)
{
    set->muted = muted;
    for (guint i = 0; i < set->order->len; i++) {
        Vsock *s = g_ptr_array_index(set->order, i);
        leave_recording(s);
        post_waiting(s);
        vsock_conn_update_all(s);
    }
}

GHashTable *vsock_set_table(VsockSet *set)
{
    return set->table;
}

static void vsock_free(Vsock *s)
{
    if (s->listen_tag) {
        g_source_remove(s->listen_tag);
        close(s->listen_fd);
        unlink(s->head.path);
    }
    vsock_conn_close_all(s);
    drop_waiting(s);
    g_ptr_array_free(s->connections, TRUE);
    g_free(s->head.path);
    g_free(s);
}

void vsock_set_free(VsockSet *set)
{
    if (!set) {
        return;
    }
    for (guint i = 0; i < set->order->len; i++) {
        vsock_free(g_ptr_array_index(set->order, i));
    }
    g_ptr_array_free(set->order, TRUE);
    g_hash_table_destroy(set->table);
    g_free(set);
}

static gboolean on_client(gint fd, GIOCondition why, gpointer opaque)
{
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client >= 0) {
        vsock_conn_accept(opaque, client);
    }
    return G_SOURCE_CONTINUE;
}

static bool start_listening(Vsock *s, Error **errp)
{
    SocketPlace place;
    if (!socket_place_unix(&place, s->head.path, errp)) {
        return false;
    }
    s->listen_fd = socket_listen(&place, errp);
    if (s->listen_fd < 0) {
        return false;
    }
    s->listen_tag = g_unix_fd_add(s->listen_fd, G_IO_IN, on_client, s);
    s->is_open = true;
    return true;
}

Vsock *vsock_open(VsockSet *set, const char *path, Error **errp)
{
    if (g_hash_table_contains(set->table, path)) {
        error_set(errp, "uds-path=%s: in use by another device", path);
        return NULL;
    }
    Vsock *s = g_new0(Vsock, 1);
    s->head.ops = &host_ops;
    s->head.path = g_strdup(path);
    s->set = set;
    s->listen_fd = -1;
    s->next_port = 1u << 30;
    s->connections = g_ptr_array_new();
    g_queue_init(&s->waiting);
    if (!set->replay && !start_listening(s, errp)) {
        vsock_free(s);
        return NULL;
    }
    g_hash_table_insert(set->table, s->head.path, s);
    g_ptr_array_add(set->order, s);
    return s;
}
