/*
 * The source that is plugged in at the boundary while replaying: the log
 * answers, the world is not asked.
 *
 * Events are taken strictly in order. What the guest asks must be what the
 * log says it asked, at the same icount; anything else is a divergence, and
 * the machine stops there instead of going on with made-up answers.
 */
#include "internal.h"

static Machine *machine(const Player *p)
{
    return p->replay->m;
}

static bool is_late(const LogEvent *e)
{
    return e->op == LOG_WARP && e->port == WARP_EVENTS;
}

/* Looks at the event behind the cursor. */
static void peek(Player *p)
{
    Error *err = NULL;
    p->after = p->at;
    p->state = log_read_event(p->log, &p->after, &p->head, &err);
    if (p->state != LOG_NEXT_OK) {
        p->head = (LogEvent){ .icount = ICOUNT_NONE };
    }
    machine(p)->sched.late_icount =
        is_late(&p->head) ? p->head.icount : ICOUNT_NONE;
    if (p->state == LOG_NEXT_ERROR) {
        replay_diverged(p->replay, "%s", error_message(err));
        error_free(err);
    }
}

/* Goes on to the next event and returns this one's data, which the caller
 * frees: looking ahead may drop the chunk it lies in. */
static uint8_t *take(Player *p, LogEvent *e)
{
    LogCursor c = p->at;
    LogNext next = log_read_event(p->log, &c, e, NULL);
    g_assert(next == LOG_NEXT_OK);
    uint8_t *data = g_malloc(e->len + 1);
    if (e->len) {
        memcpy(data, e->data, e->len);
    }
    p->at = c;
    if (e->op == LOG_POST || e->op == LOG_WARP) {
        p->next_post_valid = false;
    }
    peek(p);
    return data;
}

void player_seek(Player *p, const LogCursor *c)
{
    p->at = *c;
    p->next_post_valid = false;
    peek(p);
}

/* --- pulls -------------------------------------------------------------------------- */

static const NondetPort *port_at(Player *p, uint16_t index)
{
    const GPtrArray *ports = nondet_ports(machine(p));
    return index < ports->len ? g_ptr_array_index(ports, index) : NULL;
}

/* "serial port 'serial0'", whatever the log says. */
static char *port_text(const NondetPort *port)
{
    return port ? g_strdup_printf("%s '%s'", nondet_kind_name(port->kind),
                                  port->name)
                : g_strdup("a port that does not exist");
}

static void wrong_pull(Player *p, const NondetPort *port, size_t len)
{
    g_autofree char *asked = port_text(port);
    Icount now = machine_icount(machine(p));
    if (p->state != LOG_NEXT_OK) {
        replay_diverged(p->replay, "at icount %" G_GUINT64_FORMAT " the guest "
                        "asked %s, but nothing more is recorded", now, asked);
        return;
    }
    g_autofree char *text = port_text(port_at(p, p->head.port));
    replay_diverged(p->replay, "at icount %" G_GUINT64_FORMAT " the guest "
                    "asked %s for %zu bytes; recorded is %s of %s with %u "
                    "bytes at icount %" G_GUINT64_FORMAT, now, asked, len,
                    p->head.op == LOG_PULL ? "a question" : "an input", text,
                    p->head.len, p->head.icount);
}

static void play_pull(void *opaque, NondetPort *port, void *out, size_t len)
{
    Player *p = opaque;
    memset(out, 0, len);
    if (p->replay->divergence) {
        return;
    }
    if (p->state != LOG_NEXT_OK || p->head.op != LOG_PULL ||
        p->head.port != port->index || p->head.len != len ||
        p->head.icount != machine_icount(machine(p))) {
        wrong_pull(p, port, len);
        return;
    }
    LogEvent e;
    g_autofree uint8_t *data = take(p, &e);
    memcpy(out, data, len);
}

static void play_pull_rare(void *opaque, NondetPort *port, void *io,
                           size_t len)
{
    Player *p = opaque;
    const StateTable *t = nondet_state();
    uint64_t calls =
        state_get(&t->fields[0], nondet_state_object(machine(p)), port->index);
    memset(io, 0, len);
    if (p->replay->divergence || p->state != LOG_NEXT_OK ||
        p->head.op != LOG_RARE || p->head.port != port->index ||
        p->head.aux != calls) {
        return;
    }
    if (p->head.len != len || p->head.icount != machine_icount(machine(p))) {
        wrong_pull(p, port, len);
        return;
    }
    LogEvent e;
    g_autofree uint8_t *data = take(p, &e);
    memcpy(io, data, len);
}

/* --- posts -------------------------------------------------------------------------- */

/* True if the event may be taken now; a WARP waits until time has come. */
static bool due(Player *p, Icount now)
{
    const LogEvent *e = &p->head;
    if (e->icount > now) {
        return false;
    }
    if (e->icount < now) {
        g_autofree char *text = port_text(port_at(p, e->port));
        replay_diverged(p->replay, "%s was recorded at icount %"
                        G_GUINT64_FORMAT " but not taken; now it is %"
                        G_GUINT64_FORMAT, is_late(e)            ? "a debugger's write"
                        : e->op == LOG_WARP ? "idling"
                                            : text,
                        e->icount, now);
        return false;
    }
    if (e->op == LOG_WARP && e->port >= WARP_KINDS) {
        replay_diverged(p->replay, "the log has a warp of an unknown kind, %u, "
                        "at icount %" G_GUINT64_FORMAT, e->port, now);
        return false;
    }
    if (is_late(e)) {
        return p->late && machine_events_here(machine(p)) == e->aux;
    }
    if (e->op == LOG_WARP && e->port == WARP_FIRED) {
        return clock_fired(machine(p)->clock) >= e->aux;
    }
    if (e->op == LOG_WARP) {
        int64_t now_ns = clock_now_ns(machine(p)->clock);
        if (now_ns > (int64_t)e->aux) {
            replay_diverged(p->replay, "at icount %" G_GUINT64_FORMAT " virtual"
                            " time is %" G_GINT64_FORMAT " ns; recorded is %"
                            G_GINT64_FORMAT " ns", now, now_ns,
                            (int64_t)e->aux);
        }
        return now_ns == (int64_t)e->aux;
    }
    return e->op == LOG_POST;
}

static void sink(Player *p, const LogEvent *e, const uint8_t *data)
{
    const GPtrArray *ports = nondet_ports(machine(p));
    if (e->op == LOG_WARP) {
        return;
    }
    if (e->port >= ports->len) {
        replay_diverged(p->replay, "the log has an input for port %u, but "
                        "there are %u", e->port, ports->len);
        return;
    }
    nondet_sink(g_ptr_array_index(ports, e->port), data, e->len);
}

static void play_deliver(void *opaque, Icount now)
{
    Player *p = opaque;
    while (p->state == LOG_NEXT_OK && !p->replay->divergence && due(p, now)) {
        LogEvent e;
        g_autofree uint8_t *data = take(p, &e);
        sink(p, &e, data);
    }
}

static void play_deliver_late(void *opaque, Icount now)
{
    Player *p = opaque;
    p->late = true;
    play_deliver(p, now);
    p->late = false;
}

static bool is_post(const LogEvent *e)
{
    return e->op == LOG_POST || e->op == LOG_WARP;
}

static Icount find_next_post(Player *p)
{
    LogCursor c = p->at;
    LogEvent e;
    while (log_read_event(p->log, &c, &e, NULL) == LOG_NEXT_OK) {
        if (is_post(&e)) {
            return e.icount;
        }
    }
    return ICOUNT_NONE;
}

static Icount play_next_icount(void *opaque)
{
    Player *p = opaque;
    if (!p->next_post_valid) {
        p->next_post = find_next_post(p);
        p->next_post_valid = true;
    }
    return p->next_post;
}

/* A post without WARP that waits at the present icount came while the machine
 * was idle, before time moved. */
static int64_t play_next_warp_ns(void *opaque)
{
    Player *p = opaque;
    if (p->state != LOG_NEXT_OK || !is_post(&p->head) ||
        p->head.icount != machine_icount(machine(p))) {
        return TIME_NEVER;
    }
    Clock *clock = machine(p)->clock;
    if (p->head.op == LOG_WARP && p->head.port == WARP_FIRED &&
        clock_fired(clock) < p->head.aux) {
        return TIME_NEVER; /* timers come first */
    }
    if (is_late(&p->head)) {
        return TIME_NEVER; /* an idle CPU takes no exceptions */
    }
    return p->head.op == LOG_WARP && p->head.port == WARP_TIME
               ? (int64_t)p->head.aux : clock_now_ns(clock);
}

void player_plug(Player *p, Replay *r)
{
    p->replay = r;
    NondetSource s = {
        .mode = "play",
        .wants_input = false,
        .opaque = p,
        .pull = play_pull,
        .pull_rare = play_pull_rare,
        .deliver = play_deliver,
        .deliver_late = play_deliver_late,
        .next_icount = play_next_icount,
        .next_warp_ns = play_next_warp_ns,
    };
    nondet_set_source(r->m, &s);
    LogCursor start = { 0 };
    player_seek(p, &start);
}
