/*
 * Ports of THE boundary, the queue of posts, and the live source.
 *
 * See vm/nondet.h. A post waits in the queue until sched reaches an
 * instruction boundary; a pull is answered at once. Both go through the
 * plugged-in source, which is the only thing that differs between a live, a
 * recording and a replaying machine.
 */
#include "vm/nondet.h"

#include "vm/clock.h"
#include "vm/machine.h"
#include "vm/state.h"

#define NONDET_MAX_PORTS 256

typedef uint64_t NondetCounts[NONDET_MAX_PORTS];

#define NONDET_STATE(_)                                               \
    _(NondetCounts, STATE_U64, asked, 0, 1, "rare pulls on each port")

STATE_STRUCT(NondetState, NONDET_STATE);

typedef struct Post {
    NondetPort *port;
    GBytes *data;
} Post;

struct Nondet {
    NondetState s;
    GPtrArray *ports;
    GQueue posts;              /* Post * */
    NondetSource source;
    struct {
        NondetAsk *ask;
        void *host;
    } asks[NONDET_KIND_COUNT];
};

STATE_TABLE(nondet_state, "nondet", 1, NondetState, NONDET_STATE)

void *nondet_state_object(Machine *m)
{
    return &m->nondet->s;
}

/* --- the live source -------------------------------------------------------- */

void nondet_ask(NondetPort *p, void *out, size_t len)
{
    NondetAsk *ask = p->ask;
    void *host = p->host;
    if (!ask) {
        ask = p->nondet->asks[p->kind].ask;
        host = p->nondet->asks[p->kind].host;
    }
    memset(out, 0, len);
    if (ask) {
        ask(host, out, len);
    }
}

static void live_pull(void *opaque, NondetPort *p, void *out, size_t len)
{
    nondet_ask(p, out, len);
}

static void live_pull_rare(void *opaque, NondetPort *p, void *io, size_t len)
{
}

static const NondetSource live_source = {
    .mode = "none",
    .wants_input = true,
    .pull = live_pull,
    .pull_rare = live_pull_rare,
};

/* --- ports ------------------------------------------------------------------ */

Nondet *nondet_new(void)
{
    Nondet *n = g_new0(Nondet, 1);
    n->ports = g_ptr_array_new();
    g_queue_init(&n->posts);
    n->source = live_source;
    return n;
}

static void post_free(Post *post)
{
    g_bytes_unref(post->data);
    g_free(post);
}

void nondet_free(Nondet *n)
{
    g_queue_clear_full(&n->posts, (GDestroyNotify)post_free);
    for (guint i = 0; i < n->ports->len; i++) {
        NondetPort *p = g_ptr_array_index(n->ports, i);
        g_free(p->name);
        g_free(p);
    }
    g_ptr_array_free(n->ports, TRUE);
    g_free(n);
}

NondetPort *nondet_port(Machine *m, NondetKind kind, const char *name,
                        NondetSink *sink, void *device)
{
    Nondet *n = m->nondet;
    g_assert(n->ports->len < NONDET_MAX_PORTS);
    NondetPort *p = g_new0(NondetPort, 1);
    p->nondet = n;
    p->kind = kind;
    p->index = n->ports->len;
    p->name = g_strdup(name);
    p->sink = sink;
    p->device = device;
    g_ptr_array_add(n->ports, p);
    return p;
}

const GPtrArray *nondet_ports(Machine *m)
{
    return m->nondet->ports;
}

void nondet_set_ask(Machine *m, NondetKind kind, NondetAsk *ask, void *host)
{
    m->nondet->asks[kind].ask = ask;
    m->nondet->asks[kind].host = host;
}

/* --- through the boundary ---------------------------------------------------- */

void nondet_pull(NondetPort *p, void *out, size_t len)
{
    const NondetSource *s = &p->nondet->source;
    s->pull(s->opaque, p, out, len);
}

void nondet_pull_rare(NondetPort *p, void *io, size_t len)
{
    const NondetSource *s = &p->nondet->source;
    p->nondet->s.asked[p->index]++;
    s->pull_rare(s->opaque, p, io, len);
}

void nondet_post(NondetPort *p, const void *data, size_t len)
{
    g_assert(len <= NONDET_POST_MAX);
    if (!p->nondet->source.wants_input) {
        return;
    }
    Post *post = g_new(Post, 1);
    post->port = p;
    post->data = g_bytes_new(data, len);
    g_queue_push_tail(&p->nondet->posts, post);
}

void nondet_sink(NondetPort *p, const void *data, size_t len)
{
    if (p->sink) {
        p->sink(p->device, data, len);
    }
}

void nondet_deliver(Machine *m, Icount now)
{
    Nondet *n = m->nondet;
    const NondetSource *s = &n->source;
    if (s->deliver) {
        s->deliver(s->opaque, now);
        return;
    }
    Post *post;
    while ((post = g_queue_pop_head(&n->posts))) {
        size_t len;
        const void *data = g_bytes_get_data(post->data, &len);
        if (s->delivered) {
            s->delivered(s->opaque, post->port, data, len);
        }
        nondet_sink(post->port, data, len);
        post_free(post);
    }
}

void nondet_deliver_late(Machine *m, Icount now)
{
    const NondetSource *s = &m->nondet->source;
    if (s->deliver_late) {
        s->deliver_late(s->opaque, now);
    }
}

void nondet_post_now(NondetPort *p, const void *data, size_t len)
{
    const NondetSource *s = &p->nondet->source;
    if (!s->wants_input) {
        return;
    }
    if (s->delivered) {
        s->delivered(s->opaque, p, data, len);
    }
    nondet_sink(p, data, len);
}

bool nondet_wants_input(Machine *m)
{
    return m->nondet->source.wants_input;
}

/* What was posted before a recording was gone back into waits. */
bool nondet_pending(Machine *m)
{
    return m->nondet->source.wants_input &&
           !g_queue_is_empty(&m->nondet->posts);
}

void nondet_set_source(Machine *m, const NondetSource *s)
{
    m->nondet->source = s ? *s : live_source;
    m->sched.late_icount = ICOUNT_NONE;
}

Icount nondet_next_icount(Machine *m)
{
    const NondetSource *s = &m->nondet->source;
    return s->next_icount ? s->next_icount(s->opaque) : ICOUNT_NONE;
}

int64_t nondet_next_warp_ns(Machine *m)
{
    const NondetSource *s = &m->nondet->source;
    return s->next_warp_ns ? s->next_warp_ns(s->opaque) : TIME_NEVER;
}
