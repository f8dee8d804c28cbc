/*
 * Shares: folders of the host for guests (io/share.h). The server (p9.h) runs on a
 * thread of its own, since a file system may take its time; an answer comes back
 * to the machine thread by the main loop, and is posted there.
 *
 * A share owes an answer to every request that reaches it. While a debugger is in
 * the past of a recording nothing can be posted: an answer waits then.
 */
#include "io/share-open.h"

#include "base/bytes.h"
#include "p9.h"
#include "vm/nondet.h"

#include <errno.h>
#include <fcntl.h>

struct ShareSet {
    GHashTable *table;
    GPtrArray *order;          /* Share */
    Machine *machine;
    bool replay, muted;
};

struct Share {
    ShareHead head;
    ShareSet *set;
    P9 *p9;                    /* of the thread; NULL: nobody answers */
    GThread *thread;
    GAsyncQueue *requests;     /* Request, for the thread */
    GAsyncQueue *answers;      /* GBytes, from it */
    gint wanted;               /* a source of the main loop looks for answers */
    NondetPort *port;
    ShareWaits *waits;
    void *waits_opaque;
    uint64_t owed;             /* the latest request here; 0: none */
};

typedef struct Request {
    uint64_t number;
    size_t room;
    GBytes *message;           /* NULL: the thread is to end */
} Request;

/* --- answers ------------------------------------------------------------------- */

static void post_answers(Share *s)
{
    GBytes *answer;
    while (!s->set->muted && s->port &&
           nondet_wants_input(s->set->machine) &&
           (answer = g_async_queue_try_pop(s->answers))) {
        size_t len;
        const void *data = g_bytes_get_data(answer, &len);
        nondet_post(s->port, data, len);
        g_bytes_unref(answer);
    }
}

static gboolean answers_ready(gpointer opaque)
{
    Share *s = opaque;
    g_atomic_int_set(&s->wanted, 0);
    post_answers(s);
    return G_SOURCE_REMOVE;
}

/* The device waits for what nobody owes it: it comes from a snapshot, or from a
 * recording that is left. */
static void disown(Share *s)
{
    uint8_t nobody[SHARE_ANSWER_HEAD];
    uint64_t number = s->waits ? s->waits(s->waits_opaque) : 0;
    if (!number || number == s->owed || s->set->muted ||
        !nondet_wants_input(s->set->machine)) {
        return;
    }
    s->owed = number;
    bytes_st_le64(nobody, number);
    nondet_post(s->port, nobody, sizeof nobody);
}

/* --- the thread -------------------------------------------------------------------- */

static GBytes *answer_to(Share *s, const Request *r)
{
    uint8_t head[SHARE_ANSWER_HEAD];
    size_t len;
    const uint8_t *message = g_bytes_get_data(r->message, &len);
    GByteArray *out = p9_answer(s->p9, message, len, r->room);
    bytes_st_le64(head, r->number);
    g_byte_array_prepend(out, head, sizeof head);
    return g_byte_array_free_to_bytes(out);
}

static void request_free(Request *r)
{
    g_clear_pointer(&r->message, g_bytes_unref);
    g_free(r);
}

static gpointer share_thread(gpointer opaque)
{
    Share *s = opaque;
    Request *r;
    while ((r = g_async_queue_pop(s->requests))->message) {
        g_async_queue_push(s->answers, answer_to(s, r));
        request_free(r);
        if (g_atomic_int_compare_and_exchange(&s->wanted, 0, 1)) {
            g_idle_add_full(G_PRIORITY_DEFAULT, answers_ready, s, NULL);
        }
    }
    request_free(r);
    return NULL;
}

/* --- what devices ask ----------------------------------------------------------------- */

static void host_request(Share *s, uint64_t number, size_t room,
                         const void *message, size_t len)
{
    if (s->set->muted || !nondet_wants_input(s->set->machine)) {
        return;
    }
    if (!s->p9) {
        disown(s);
        return;
    }
    Request *r = g_new0(Request, 1);
    r->number = number;
    r->room = room;
    r->message = g_bytes_new(message, len);
    s->owed = number;
    g_async_queue_push(s->requests, r);
}

static void host_bind_port(Share *s, NondetPort *port, ShareWaits *waits,
                           void *opaque)
{
    s->port = port;
    s->waits = waits;
    s->waits_opaque = opaque;
}

static void host_received(Share *s, uint64_t number)
{
    if (!s->set->muted && number == s->owed) {
        s->owed = 0;
    }
}

static void host_resumed(Share *s)
{
    disown(s);
}

static const ShareOps host_ops = {
    .request = host_request,
    .bind_port = host_bind_port,
    .received = host_received,
    .resumed = host_resumed,
};

/* --- the set ------------------------------------------------------------------------------ */

ShareSet *share_set_new(bool replay)
{
    ShareSet *set = g_new0(ShareSet, 1);
    set->table = g_hash_table_new(g_str_hash, g_str_equal);
    set->order = g_ptr_array_new();
    set->replay = replay;
    return set;
}

void share_set_machine(ShareSet *set, Machine *m)
{
    set->machine = m;
}

void share_set_mute(ShareSet *set, bool muted)
{
    set->muted = muted;
    for (guint i = 0; !muted && i < set->order->len; i++) {
        Share *s = g_ptr_array_index(set->order, i);
        post_answers(s);
        disown(s);
    }
}

GHashTable *share_set_table(ShareSet *set)
{
    return set->table;
}

static void share_stop(Share *s)
{
    if (s->thread) {
        g_async_queue_push(s->requests, g_new0(Request, 1));
        g_thread_join(s->thread);
        while (g_source_remove_by_user_data(s)) {
        }
        p9_free(s->p9);
    }
}

static void share_free(Share *s)
{
    share_stop(s);
    g_async_queue_unref(s->requests);
    g_async_queue_unref(s->answers);
    g_free(s->head.id);
    g_free(s);
}

void share_set_free(ShareSet *set)
{
    if (!set) {
        return;
    }
    for (guint i = 0; i < set->order->len; i++) {
        share_free(g_ptr_array_index(set->order, i));
    }
    g_ptr_array_free(set->order, TRUE);
    g_hash_table_destroy(set->table);
    g_free(set);
}

static bool share_start(Share *s, const ShareSpec *spec, Error **errp)
{
    int fd = open(spec->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        error_set_errno(errp, errno, "cannot share the folder '%s'",
                        spec->path);
        return false;
    }
    s->p9 = p9_new(fd, spec);
    s->thread = g_thread_new("share", share_thread, s);
    return true;
}

Share *share_open(ShareSet *set, const ShareSpec *spec, Error **errp)
{
    if (g_hash_table_contains(set->table, spec->id)) {
        error_set(errp, "there is another share '%s'", spec->id);
        return NULL;
    }
    Share *s = g_new0(Share, 1);
    s->head.ops = &host_ops;
    s->head.id = g_strdup(spec->id);
    s->set = set;
    s->requests = g_async_queue_new();
    s->answers = g_async_queue_new();
    if (!set->replay && !share_start(s, spec, errp)) {
        share_free(s);
        return NULL;
    }
    g_hash_table_insert(set->table, s->head.id, s);
    g_ptr_array_add(set->order, s);
    return s;
}
