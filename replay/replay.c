/*
 * Starting and ending a recording or a replay, and the slices in which the
 * roof runs a machine. See svc/timeline.h.
 *
 * A slice never runs past an icount at which something has to be done: a
 * digest (at multiples of an interval while recording, where the log has one
 * in replay), a checkpoint, the replay break, the end of the log. So these
 * happen at the same boundaries however slices fall.
 */
#include "travel.h"

#define DIGEST_INTERVAL    (UINT64_C(1) << 26)
#define TIMELINE_BYTES     GIB
/* Between checkpoints: nobody looks, a debugger is attached. */
#define SPACING_IDLE       (UINT64_C(1) << 26)
#define SPACING_DEBUGGING  (UINT64_C(1) << 22)

/* --- divergence ------------------------------------------------------------------ */

void replay_diverged(Replay *r, const char *fmt, ...)
{
    if (r->divergence) {
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    r->divergence = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    if (!r->m->travelling) {
        error_report("replay diverged: %s", r->divergence);
    }
    runstate_request_stop(r->m, RUN_INTERNAL_ERROR);
}

void replay_forgive(Replay *r)
{
    g_clear_pointer(&r->divergence, g_free);
}

const char *replay_divergence(const Replay *r)
{
    return r ? r->divergence : NULL;
}

/* --- digests --------------------------------------------------------------------- */

static void check_digest(Replay *r)
{
    Digest recorded = { 0 }, now = { 0 };
    Error *err = NULL;
    Icount icount = machine_icount(r->m);
    if (!log_reader_digest(r->play.log, icount, &recorded, &err)) {
        if (err) {
            replay_diverged(r, "%s", error_message(err));
            error_free(err);
        }
        return;
    }
    digest_take(r->ram_digest, &now);
    if (recorded.total != now.total) {
        g_autofree char *what = digest_compare(r->m, &recorded, &now);
        replay_diverged(r, "the state at icount %" G_GUINT64_FORMAT " is not "
                        "the recorded one: %s", icount,
                        *what ? what : "order of sections");
    }
    digest_clear(&recorded);
    digest_clear(&now);
}

static uint64_t record_digest(Replay *r)
{
    Digest d = { 0 };
    digest_take(r->ram_digest, &d);
    log_write_digest(r->rec.log, &d);
    digest_clear(&d);
    return d.total;
}

void replay_digest_here(Replay *r)
{
    if (r->mode == REPLAY_RECORD) {
        record_digest(r);
    } else {
        check_digest(r);
    }
}

/* --- one advance ------------------------------------------------------------------ */

/* The next icount at which a digest is due, which is after now. */
static Icount next_digest(const Replay *r, Icount now)
{
    return r->mode == REPLAY_RECORD
               ? (now / r->digest_interval + 1) * r->digest_interval
               : log_reader_next_digest(r->play.log, now + 1);
}

/* True if a stop after some instructions is before anything else happened.
 * Requests are looked at before and after the boundary's inputs. */
static bool clean_stop(const Replay *r, SchedStop stop)
{
    return stop == SCHED_LIMIT || stop == SCHED_WATCHPOINT || r->stepped ||
           (stop == SCHED_REQUEST && r->m->arrived != machine_icount(r->m));
}

SchedStop replay_advance(Replay *r, Icount limit)
{
    Machine *m = r->m;
    Icount start = machine_icount(m);
    Icount digest = next_digest(r, start);
    Icount point = r->timeline ? timeline_due(r->timeline, start)
                               : ICOUNT_NONE;
    Icount step = m->step_limit;
    SchedStop stop = sched_run(m, MIN(limit, MIN(digest, point)));
    Icount now = machine_icount(m);
    bool moved = now > start;
    r->stepped = now == step;
    if (stop != SCHED_LIMIT || moved) {
        m->at_boundary = moved && clean_stop(r, stop);
    }
    if (moved && m->at_boundary && now == digest) {
        replay_digest_here(r);
    }
    if (moved && m->at_boundary && now == point) {
        timeline_arrive(r->timeline);
    }
    return stop;
}

/* A reset rewires the machine as a load does, but this is still the boundary
 * whose inputs were taken: more of them must wait for the next. */
void replay_handle_requests(Machine *m)
{
    Icount arrived = m->arrived;
    runstate_handle_requests(m);
    m->arrived = arrived;
}

/* --- slices ------------------------------------------------------------------------ */

static bool quitting(Machine *m)
{
    int code;
    return runstate_quit_requested(m, &code);
}

static void keep_log_going(Replay *r)
{
    Error *err = NULL;
    log_writer_tick(r->rec.log, machine_icount(r->m));
    if (log_writer_ok(r->rec.log, &err)) {
        r->log_failed = false;
        return;
    }
    if (!r->log_failed) {
        error_report("recording stops: %s", error_message(err));
    }
    error_free(err);
    r->log_failed = true;
    runstate_set(r->m, RUN_IO_ERROR);
}

static void tell_end(Replay *r)
{
    if (!r->end_told && !r->divergence) {
        error_report("the recording '%s' ends at icount %" G_GUINT64_FORMAT
                     " (%s)", r->file, machine_icount(r->m),
                     log_reader_complete(r->play.log)
                         ? log_reader_end_reason(r->play.log) : "cut off");
        r->end_told = true;
    }
}

/* The last icount on tape is reached, or the guest sleeps for ever before. */
static void at_end(Replay *r)
{
    Machine *m = r->m;
    if (machine_icount(m) < replay_end(r)) {
        replay_diverged(r, "the guest sleeps for ever at icount %"
                        G_GUINT64_FORMAT "; the recording goes on to %"
                        G_GUINT64_FORMAT, machine_icount(m), replay_end(r));
    } else if (runstate_request_pending(m) && !r->debugging) {
        replay_handle_requests(m);
    } else {
        /* A debugger wants to look back from here, not to see it end. */
        runstate_rewind(m);
    }
    if (runstate_running(m) && !quitting(m)) {
        tell_end(r);
        runstate_set(m, r->divergence ? RUN_INTERNAL_ERROR
                        : r->stepped  ? RUN_DEBUG
                                      : RUN_PAUSED);
    }
}

/* What a stop of sched_run() means for who watches. */
static bool handle_stop(Machine *m, Replay *r, SchedStop stop)
{
    bool play = r && r->mode == REPLAY_PLAY;
    if (r && r->divergence) {
        replay_handle_requests(m);
        runstate_set(m, RUN_INTERNAL_ERROR);
    } else if (stop == SCHED_BREAKPOINT || stop == SCHED_WATCHPOINT) {
        runstate_set(m, RUN_DEBUG);
    } else if (play && (stop == SCHED_LOG_END ||
                        machine_icount(m) >= replay_end(r))) {
        at_end(r);
    } else if (stop == SCHED_REQUEST || runstate_request_pending(m)) {
        replay_handle_requests(m);
    }
    return stop == SCHED_WAIT;
}

static void check_break(Replay *r)
{
    if (machine_icount(r->m) == r->break_icount && runstate_running(r->m)) {
        r->break_icount = ICOUNT_NONE;
        runstate_set(r->m, RUN_PAUSED);
    }
}

/* The first reason not to run at all, dealt with. */
static bool may_run(Machine *m, Replay *r)
{
    if (!r) {
        return true;
    }
    if (r->mode == REPLAY_RECORD) {
        return log_writer_ok(r->rec.log, NULL);
    }
    replay_diversion_end(r);
    return !r->divergence && machine_icount(m) < replay_end(r);
}

static SchedStop run_live(Machine *m, Icount limit)
{
    Icount start = machine_icount(m);
    SchedStop stop = sched_run(m, limit);
    m->at_boundary = stop == SCHED_LIMIT && machine_icount(m) > start;
    return stop;
}

SliceResult replay_run_slice(Machine *m, Replay *r, uint64_t max_insns)
{
    SliceResult res = { 0 };
    Icount limit = machine_icount(m) + max_insns;
    if (!may_run(m, r)) {
        if (r->mode == REPLAY_PLAY) {
            handle_stop(m, r, SCHED_LOG_END);
        } else {
            keep_log_going(r);
        }
    } else if (r) {
        res.idle = handle_stop(m, r,
                               replay_advance(r, MIN(limit, MIN(
                                   r->break_icount, replay_end(r)))));
    } else {
        res.idle = handle_stop(m, r, run_live(m, limit));
    }
    if (r && r->mode == REPLAY_RECORD) {
        keep_log_going(r);
    } else if (r) {
        check_break(r);
    }
    res.stopped = !runstate_running(m) || quitting(m);
    return res;
}

/* --- starting ------------------------------------------------------------------------ */

/* After a reset this is not what a replay finds at this icount. */
static void on_run_event(void *opaque, const RunEvent *ev)
{
    Replay *r = opaque;
    if (ev->type == RUN_EVENT_RESET) {
        r->m->at_boundary = false;
    }
}

static Replay *replay_new(Machine *m, const ReplayOptions *opts)
{
    Replay *r = g_new0(Replay, 1);
    r->m = m;
    r->mode = opts->mode;
    r->file = g_strdup(opts->file);
    r->digest_interval = opts->digest_interval ? opts->digest_interval
                                               : DIGEST_INTERVAL;
    r->break_icount = ICOUNT_NONE;
    runstate_listen(m, on_run_event, r);
    return r;
}

static void power_on(Replay *r)
{
    machine_power_on(r->m);
    r->m->at_boundary = true;
    r->ram_digest = ram_digest_new(r->m);
}

static bool start_recording(Replay *r, const ReplayOptions *opts,
                            Error **errp)
{
    if (opts->snapshot && !snapshot_vm_state_disk(r->m, errp)) {
        return false;
    }
    g_autoptr(GString) id = identity_text(r->m, opts->identity);
    r->rec.log = log_writer_new(r->file, id->str, errp);
    if (!r->rec.log) {
        return false;
    }
    recorder_plug(&r->rec, r);
    power_on(r);
    if (opts->snapshot && !replay_savevm(r->m, r, opts->snapshot, errp)) {
        return false;
    }
    replay_digest_here(r);
    return log_writer_ok(r->rec.log, errp);
}

static bool no_divergence(Replay *r, Error **errp)
{
    if (r->divergence) {
        error_set(errp, "%s", r->divergence);
    }
    return !r->divergence;
}

static bool start_replaying(Replay *r, const ReplayOptions *opts,
                            Error **errp)
{
    r->play.log = log_reader_new(r->file, errp);
    if (!r->play.log) {
        return false;
    }
    g_autoptr(GString) id = identity_text(r->m, opts->identity);
    if (!identity_compare(r->file, log_reader_identity(r->play.log), id->str,
                          errp)) {
        return false;
    }
    if (!log_reader_complete(r->play.log)) {
        error_warn("'%s' was cut off: it is good until icount %"
                   G_GUINT64_FORMAT, r->file, log_reader_end(r->play.log));
    }
    player_plug(&r->play, r);
    power_on(r);
    if (!no_divergence(r, errp)) {
        return false;
    }
    if (opts->snapshot && !replay_load_snapshot(r, opts->snapshot, errp)) {
        return false;
    }
    if (r->m->at_boundary) {
        replay_digest_here(r);
    }
    if (!no_divergence(r, errp)) {
        return false;
    }
    sched_set_log_end(r->m, log_reader_end(r->play.log));
    r->timeline = timeline_new(r, opts->timeline_bytes ? opts->timeline_bytes
                                                       : TIMELINE_BYTES);
    r->spacing = opts->timeline_spacing;
    timeline_set_spacing(r->timeline, r->spacing ? r->spacing : SPACING_IDLE);
    timeline_add(r->timeline, true);
    return true;
}

Replay *replay_start(Machine *m, const ReplayOptions *opts, Error **errp)
{
    g_assert(opts->mode != REPLAY_NONE);
    if (m->icount_mode == ICOUNT_OFF) {
        error_set(errp, "Recording and replaying need -icount");
        return NULL;
    }
    Replay *r = replay_new(m, opts);
    bool ok = r->mode == REPLAY_RECORD ? start_recording(r, opts, errp)
                                       : start_replaying(r, opts, errp);
    if (!ok) {
        replay_free(r);
        return NULL;
    }
    return r;
}

void replay_start_debugging(Replay *r)
{
    if (r && r->timeline && !r->debugging) {
        r->debugging = true;
        timeline_set_spacing(r->timeline, r->spacing ? r->spacing
                                                     : SPACING_DEBUGGING);
        if (r->m->at_boundary) {
            timeline_add(r->timeline, false);
        }
    }
}

/* --- ending -------------------------------------------------------------------------- */

void replay_finish(Replay *r, ShutdownCause cause)
{
    if (!r || r->mode != REPLAY_RECORD) {
        return;
    }
    Icount now = machine_icount(r->m);
    if (r->m->at_boundary && now % r->digest_interval && now) {
        record_digest(r);
    }
    log_write_end(r->rec.log, now, shutdown_cause_name(cause));
    Error *err = NULL;
    if (!log_writer_ok(r->rec.log, &err)) {
        error_report("the recording has no end: %s", error_message(err));
        error_free(err);
    }
    nondet_set_source(r->m, NULL);
}

void replay_free(Replay *r)
{
    if (!r) {
        return;
    }
    runstate_unlisten(r->m, on_run_event, r);
    nondet_set_source(r->m, NULL);
    sched_set_log_end(r->m, ICOUNT_NONE);
    if (r->timeline) {
        checkpoint_free(r->timeline, r->diversion);
    }
    timeline_free(r->timeline);
    ram_digest_free(r->ram_digest);
    log_writer_free(r->rec.log);
    log_reader_free(r->play.log);
    g_free(r->divergence);
    g_free(r->file);
    g_free(r);
}

/* --- snapshots ------------------------------------------------------------------------ */

uint64_t replay_log_position(Replay *r)
{
    if (!r) {
        return 0;
    }
    return r->mode == REPLAY_RECORD
               ? log_writer_position(r->rec.log)
               : log_cursor_position(r->play.log, &r->play.at);
}

static void write_mark(Replay *r, const char *name)
{
    Digest d = { 0 };
    digest_take(r->ram_digest, &d);
    LogMark mark = { .icount = d.icount, .total = d.total,
                     .at_boundary = r->m->at_boundary, .name = (char *)name };
    log_write_mark(r->rec.log, &mark);
    digest_clear(&d);
}

bool replay_savevm(Machine *m, Replay *r, const char *name, Error **errp)
{
    if (!travel_allowed(m, errp) ||
        !snapshot_savevm(m, name, replay_log_position(r), errp)) {
        return false;
    }
    if (r && r->mode == REPLAY_RECORD && name) {
        write_mark(r, name);
    }
    return true;
}

/* The place in the log that a stream says it is of must be one of this log. */
static bool check_place(Replay *r, const char *name, LogCursor *c,
                        Error **errp)
{
    g_autoptr(GBytes) stream = snapshot_vm_state(r->m, name, errp);
    Icount icount;
    uint64_t position;
    if (!stream || !snapshot_peek(stream, &icount, &position, errp)) {
        return false;
    }
    LogEvent next;
    LogCursor after;
    bool fits = log_reader_seek(r->play.log, position, c, NULL) &&
                (!position || c->icount <= icount || !c->taken) &&
                icount <= log_reader_end(r->play.log);
    if (fits) {
        after = *c;
        fits = log_read_event(r->play.log, &after, &next, NULL) !=
                   LOG_NEXT_OK || next.icount >= icount;
    }
    if (!fits) {
        error_set(errp, "Snapshot '%s' does not belong to the recording '%s'",
                  name, r->file);
    }
    return fits;
}

bool replay_load_snapshot(Replay *r, const char *name, Error **errp)
{
    LogCursor c;
    uint64_t position;
    if (!check_place(r, name, &c, errp) ||
        !snapshot_loadvm(r->m, name, &position, errp)) {
        return false;
    }
    replay_forgive(r);
    player_seek(&r->play, &c);
    return true;
}

bool replay_loadvm(Replay *r, const char *name, Error **errp)
{
    if (r->mode == REPLAY_RECORD) {
        error_set(errp, "Cannot load a snapshot while recording");
        return false;
    }
    if (!travel_allowed(r->m, errp)) {
        return false;
    }
    replay_diversion_end(r);
    return replay_load_snapshot(r, name, errp);
}

/* --- questions ------------------------------------------------------------------------ */

ReplayMode replay_mode(const Replay *r)
{
    return r ? r->mode : REPLAY_NONE;
}

const char *replay_file(const Replay *r)
{
    return r ? r->file : NULL;
}

Icount replay_end(const Replay *r)
{
    return r && r->mode == REPLAY_PLAY ? log_reader_end(r->play.log)
                                       : ICOUNT_NONE;
}

bool replay_break_set(Replay *r, Icount icount, Error **errp)
{
    if (replay_mode(r) != REPLAY_PLAY) {
        error_set(errp, "setting the breakpoint is allowed only in play mode");
        return false;
    }
    if (icount < machine_icount(r->m)) {
        error_set(errp, "cannot set breakpoint at the instruction in the past");
        return false;
    }
    r->break_icount = icount;
    return true;
}

void replay_break_delete(Replay *r)
{
    if (r) {
        r->break_icount = ICOUNT_NONE;
    }
}

Icount replay_break(const Replay *r)
{
    return r ? r->break_icount : ICOUNT_NONE;
}

void replay_set_mute(Replay *r, ReplayMute *fn, void *opaque)
{
    if (r) {
        r->mute = fn;
        r->mute_opaque = opaque;
    }
}
