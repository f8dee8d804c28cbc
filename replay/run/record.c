/*
 * The source that is plugged in at the boundary while recording: asks the
 * world and writes down what it said.
 *
 * A post's virtual time can be told from its icount, unless the machine idled
 * since the last post: then a WARP goes before it. (It is written whenever
 * time moved otherwise than by instructions, whether or not a timer did that;
 * replay needs no more than to wait until its clock says so.) While it idles,
 * timers may fire without time or icount moving: then another WARP says how
 * many had. A debugger may write where an exception or an interrupt was
 * delivered, before the handler's first instruction: a third kind of WARP says
 * how many were.
 */
#include "internal.h"
#include "vm/turn.h"

static void write_event(Recorder *rec, const LogEvent *e)
{
    log_write_event(rec->log, e);
    /* The guest goes no further than this before it is on tape. */
    if (!log_writer_good(rec->log)) {
        replay_log_failed(rec->replay);
    }
}

static void record_pull(void *opaque, NondetPort *p, void *out, size_t len)
{
    Recorder *rec = opaque;
    nondet_ask(p, out, len);
    LogEvent e = { .icount = machine_icount(rec->replay->m), .op = LOG_PULL,
                   .port = p->index, .data = out, .len = len };
    write_event(rec, &e);
}

/* How often the guest asked on a port, counting this time. */
static uint64_t calls(Machine *m, const NondetPort *p)
{
    const StateTable *t = nondet_state();
    return state_get(&t->fields[0], nondet_state_object(m), p->index);
}

static bool all_zero(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i]) {
            return false;
        }
    }
    return true;
}

static void record_pull_rare(void *opaque, NondetPort *p, void *io, size_t len)
{
    Recorder *rec = opaque;
    if (all_zero(io, len)) {
        return;
    }
    LogEvent e = { .icount = machine_icount(rec->replay->m), .op = LOG_RARE,
                   .port = p->index, .aux = calls(rec->replay->m, p),
                   .data = io, .len = len };
    write_event(rec, &e);
}

static void write_warp(Recorder *rec, uint16_t kind, uint64_t value)
{
    LogEvent e = { .icount = machine_icount(rec->replay->m), .op = LOG_WARP,
                   .port = kind, .aux = value };
    write_event(rec, &e);
}

/* Where between two instructions it is, if not on arrival. */
static void write_place(Recorder *rec)
{
    Machine *m = rec->replay->m;
    bool idle = machine_is_idle(m);
    uint64_t events = machine_events_here(m);
    if (m->sched.revisited && idle) {
        write_warp(rec, WARP_FIRED, clock_fired(m->clock));
    }
    if (events || (m->sched.revisited && !idle)) {
        write_warp(rec, WARP_EVENTS, events);
    }
}

static void record_delivered(void *opaque, NondetPort *p, const void *data,
                             size_t len)
{
    Recorder *rec = opaque;
    Machine *m = rec->replay->m;
    Icount now = machine_icount(m);
    int64_t now_ns = clock_now_ns(m->clock);
    int64_t expected = rec->last_ns + (int64_t)((now - rec->last_icount)
                                                << clock_shift(m->clock));
    if (now_ns != expected) {
        write_warp(rec, WARP_TIME, now_ns);
    }
    write_place(rec);
    rec->last_icount = now;
    rec->last_ns = now_ns;
    LogEvent e = { .icount = now, .op = LOG_POST, .port = p->index,
                   .data = data, .len = len };
    write_event(rec, &e);
}

void recorder_plug(Recorder *rec, Replay *r)
{
    rec->replay = r;
    NondetSource s = {
        .mode = "record",
        .wants_input = true,
        .opaque = rec,
        .pull = record_pull,
        .pull_rare = record_pull_rare,
        .delivered = record_delivered,
    };
    nondet_set_source(r->m, &s);
}
