/*
 * The slices in which the roof runs a machine. See svc/timeline.h.
 *
 * A slice never runs past an icount at which something has to be done: a
 * digest (at multiples of an interval while recording, where the log has one
 * in replay), a snapshot, a checkpoint, the replay break, the end of the log.
 * So these happen at the same boundaries however slices fall.
 */
#include "run/periodic.h"

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
    if (!r->m->debug.travelling) {
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
    } else {
        r->agreements++;
        r->agreed = icount;
    }
    digest_clear(&recorded);
    digest_clear(&now);
}

static void record_digest(Replay *r)
{
    Digest d = { 0 };
    digest_take(r->ram_digest, &d);
    log_write_digest(r->rec.log, &d);
    digest_clear(&d);
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
 * Requests are looked at before and after the boundary's inputs, and may be
 * an exception's doing (a triple fault). */
static bool clean_stop(const Replay *r, SchedStop stop)
{
    return stop == SCHED_LIMIT || stop == SCHED_WATCHPOINT || r->stepped ||
           ((stop == SCHED_REQUEST || stop == SCHED_WORK) &&
            r->m->sched.touched != machine_icount(r->m));
}

SchedStop replay_advance(Replay *r, Icount limit)
{
    Machine *m = r->m;
    Icount start = machine_icount(m);
    Icount digest = next_digest(r, start);
    Icount point = r->timeline ? timeline_due(r->timeline, start)
                               : ICOUNT_NONE;
    Icount snapshot = r->mode == REPLAY_RECORD
                          ? periodic_due(r->periodic, start) : ICOUNT_NONE;
    SchedStop stop = sched_run(m, MIN(MIN(limit, snapshot),
                                      MIN(digest, point)));
    Icount now = machine_icount(m);
    bool moved = now > start;
    r->stepped = now == m->sched.step_done;
    r->came_back &= !moved;
    if (stop != SCHED_LIMIT || moved) {
        m->sched.at_boundary = moved && clean_stop(r, stop);
    }
    if (moved && m->sched.at_boundary && now == digest) {
        replay_digest_here(r);
    }
    if (moved && m->sched.at_boundary && now == snapshot) {
        periodic_arrive(r->periodic);
    }
    if (moved && m->sched.at_boundary && now == point) {
        timeline_arrive(r->timeline);
    }
    return stop;
}

/* --- slices ------------------------------------------------------------------------ */

static bool quitting(Machine *m)
{
    int code;
    return runstate_quit_requested(m, &code);
}

void replay_log_failed(Replay *r)
{
    Error *err = NULL;
    if (log_writer_ok(r->rec.log, &err)) {
        return;
    }
    if (!r->log_failed) {
        error_report("recording stops: %s", error_message(err));
    }
    error_free(err);
    r->log_failed = true;
    runstate_request_stop(r->m, RUN_IO_ERROR);
}

static void keep_log_going(Replay *r)
{
    log_writer_tick(r->rec.log, machine_icount(r->m));
    if (!log_writer_good(r->rec.log)) {
        replay_log_failed(r);
    }
    if (log_writer_good(r->rec.log)) {
        r->log_failed = false;
    } else {
        runstate_handle_requests(r->m);
    }
}

bool replay_may_continue(Replay *r, Error **errp)
{
    return replay_mode(r) != REPLAY_RECORD || log_writer_ok(r->rec.log, errp);
}

static void tell_end(Replay *r)
{
    if (!r->end_told && !r->divergence && !r->present) {
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
    if (r->timeline && m->sched.at_boundary && !r->divergence) {
        timeline_add(r->timeline, true);
    }
    if (machine_icount(m) < replay_end(r)) {
        replay_diverged(r, "the guest sleeps for ever at icount %"
                        G_GUINT64_FORMAT "; the recording goes on to %"
                        G_GUINT64_FORMAT, machine_icount(m), replay_end(r));
    } else if (runstate_request_pending(m) && !r->debugging) {
        runstate_handle_requests(m);
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
    if (!r->divergence) {
        replay_return_to_present(r);
    }
}

/* What a stop of sched_run() means for who watches. */
static bool handle_stop(Machine *m, Replay *r, SchedStop stop)
{
    bool play = r && r->mode == REPLAY_PLAY;
    if (r && r->divergence) {
        runstate_handle_requests(m);
        runstate_set(m, RUN_INTERNAL_ERROR);
    } else if (stop == SCHED_BREAKPOINT || stop == SCHED_WATCHPOINT) {
        runstate_set(m, RUN_DEBUG);
        if (r && r->present && machine_icount(m) >= replay_end(r)) {
            replay_return_to_present(r);
        }
    } else if (play && (stop == SCHED_LOG_END ||
                        machine_icount(m) >= replay_end(r))) {
        at_end(r);
    } else if (stop == SCHED_REQUEST || runstate_request_pending(m)) {
        if (play) {
            /* The recording goes on: somebody switched it on again. */
            runstate_drop_shutdown(m);
            runstate_drop_guest_stop(m);
        }
        runstate_handle_requests(m);
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
    replay_diversion_end(r);
    if (r->mode == REPLAY_RECORD) {
        return log_writer_ok(r->rec.log, NULL);
    }
    return !r->divergence && machine_icount(m) < replay_end(r);
}

static SchedStop run_live(Machine *m, Icount limit)
{
    Icount start = machine_icount(m);
    SchedStop stop = sched_run(m, limit);
    m->sched.at_boundary =
        machine_icount(m) > start &&
        (stop == SCHED_LIMIT ||
         (stop == SCHED_WORK && m->sched.touched != machine_icount(m)));
    return stop;
}

SliceResult replay_run_slice(Machine *m, Replay *r, uint64_t max_insns)
{
    SliceResult res = { 0 };
    Icount limit = machine_icount(m) + max_insns;
    if (r && r->diverted) {
        diversion_slice(r, max_insns);
        res.stopped = !runstate_running(m) || quitting(m);
        return res;
    }
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
    if (icount < (r->diversion ? r->diversion->icount
                               : machine_icount(r->m))) {
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
