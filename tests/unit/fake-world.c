/*
 * See fake-world.h.
 */
#include "fake-world.h"

#include "base/bytes.h"

static void share_asked(Share *s, uint64_t number, size_t room,
                        const void *message, size_t len)
{
    s->number = number;
    s->room = room;
    g_ptr_array_add(s->requests, g_bytes_new(message, len));
}

static void share_bound(Share *s, NondetPort *port, ShareWaits *waits,
                        void *opaque)
{
    s->port = port;
    s->waits = waits;
    s->opaque = opaque;
}

static void share_has_it(Share *s, uint64_t number)
{
    s->received++;
}

static void share_was_resumed(Share *s)
{
    s->resumed++;
}

static const ShareOps share_ops = { share_asked, share_bound, share_has_it,
                                    share_was_resumed };

Share *fake_share_new(Machine *m, const char *id)
{
    Share *s = g_new0(Share, 1);
    s->head.ops = &share_ops;
    s->head.id = g_strdup(id);
    s->requests = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    m->config.shares = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(m->config.shares, s->head.id, s);
    return s;
}

void fake_share_free(Share *s)
{
    g_ptr_array_free(s->requests, TRUE);
    g_free(s->head.id);
    g_free(s);
}

void fake_share_answer(Share *s, uint64_t number, const void *data, size_t len)
{
    g_autofree uint8_t *bytes = g_malloc(SHARE_ANSWER_HEAD + len);
    bytes_st_le64(bytes, number);
    memcpy(bytes + SHARE_ANSWER_HEAD, data, len);
    nondet_sink(s->port, bytes, SHARE_ANSWER_HEAD + len);
}

/* --- sockets -------------------------------------------------------------------- */

static void vsock_sent(Vsock *s, const uint8_t *packet, size_t len)
{
    g_ptr_array_add(s->sent, g_bytes_new(packet, len));
}

static void vsock_bound(Vsock *s, NondetPort *port, VsockRoom *room,
                        void *opaque)
{
    s->port = port;
    s->room = room;
    s->opaque = opaque;
}

static void vsock_kicked(Vsock *s)
{
    s->kicks++;
}

static void vsock_has_it(Vsock *s)
{
    s->received++;
}

static void vsock_was_reset(Vsock *s)
{
    s->resets++;
}

static void vsock_was_resumed(Vsock *s)
{
    s->resumed++;
}

static const VsockOps vsock_ops = { vsock_sent, vsock_bound, vsock_kicked,
                                    vsock_has_it, vsock_was_reset,
                                    vsock_was_resumed };

Vsock *fake_vsock_new(Machine *m, const char *path)
{
    Vsock *s = g_new0(Vsock, 1);
    s->head.ops = &vsock_ops;
    s->head.path = g_strdup(path);
    s->sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    m->config.vsocks = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(m->config.vsocks, s->head.path, s);
    return s;
}

void fake_vsock_free(Vsock *s)
{
    g_ptr_array_free(s->sent, TRUE);
    g_free(s->head.path);
    g_free(s);
}

void fake_vsock_deliver(Vsock *s, const void *packet, size_t len)
{
    nondet_sink(s->port, packet, len);
}
