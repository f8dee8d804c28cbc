/*
 * Starting a recording or a replay, and ending it. See svc/timeline.h.
 */
#include <sys/random.h>
#include <unistd.h>

#include "periodic.h"

#define DIGEST_INTERVAL    (UINT64_C(1) << 26)

/* --- starting ------------------------------------------------------------------------ */

/* Enough for all of RAM at some points in time, if the host has it. */
static uint64_t default_bytes(Machine *m)
{
    uint64_t host = (uint64_t)sysconf(_SC_PHYS_PAGES) *
                    sysconf(_SC_PAGE_SIZE);
    return MAX(GIB, MIN(4 * ram_total_bytes(m), host / 4));
}

static Replay *replay_new(Machine *m, const ReplayOptions *opts)
{
    Replay *r = g_new0(Replay, 1);
    r->m = m;
    r->mode = opts->mode;
    r->file = g_strdup(opts->file);
    r->digest_interval = opts->digest_interval ? opts->digest_interval
                                               : DIGEST_INTERVAL;
    r->timeline_off = opts->timeline_off;
    r->timeline_bytes = opts->timeline_bytes ? opts->timeline_bytes
                                             : default_bytes(m);
    r->timeline_spacing = opts->timeline_spacing;
    r->log_generation = 1;
    r->break_icount = ICOUNT_NONE;
    r->bookmarks = g_array_new(FALSE, FALSE, sizeof(ReplayBookmark));
    for (const char *const *a = opts->argv; a && *a; a++) {
        r->argv = r->argv ? r->argv : g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(r->argv, g_strdup(*a));
    }
    if (r->argv) {
        g_ptr_array_add(r->argv, NULL);
    }
    return r;
}

static void power_on(Replay *r)
{
    machine_power_on(r->m);
    r->m->sched.at_boundary = true;
    r->ram_digest = ram_digest_new(r->m);
}

static bool first_snapshot(Replay *r, const ReplayOptions *opts, Error **errp)
{
    if (opts->snapshot &&
        !snapshot_set_aside(r->m, opts->snapshot, true, errp)) {
        return false;
    }
    if (opts->snapshot && opts->snapshot_period) {
        r->periodic = periodic_new(r, opts, errp);
        return r->periodic;
    }
    return !opts->snapshot || replay_savevm(r->m, r, opts->snapshot, errp);
}

static void own_recording(Replay *r)
{
    r->has_recording = true;
    r->m->config.recording = r->recording;
}

/* A number that no other recording has. */
static void new_recording(Replay *r)
{
    for (size_t done = 0; done < sizeof r->recording;) {
        ssize_t n = getrandom(r->recording + done,
                              sizeof r->recording - done, 0);
        done += n > 0 ? n : 0;
    }
    own_recording(r);
}

static bool start_recording(Replay *r, const ReplayOptions *opts,
                            Error **errp)
{
    if (opts->snapshot && (!snapshot_vm_state_disk(r->m, errp) ||
                           !replay_name_fits(opts->snapshot, errp))) {
        return false;
    }
    g_autoptr(GString) id = identity_text(r->m, opts->identity);
    r->rec.log = log_writer_new(r->file, id->str, errp);
    if (!r->rec.log) {
        return false;
    }
    new_recording(r);
    log_write_recording(r->rec.log, r->recording);
    if (opts->argv) {
        g_autofree char *folder = g_get_current_dir();
        log_write_command(r->rec.log, folder, opts->argv);
    }
    recorder_plug(&r->rec, r);
    power_on(r);
    if (!first_snapshot(r, opts, errp)) {
        return false;
    }
    replay_digest_here(r);
    if (opts->timeline_bytes || opts->timeline_spacing) {
        live_start(r);
    }
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
    const uint8_t *recording = log_reader_recording(r->play.log);
    if (recording) {
        memcpy(r->recording, recording, sizeof r->recording);
        own_recording(r);
    }
    player_plug(&r->play, r);
    power_on(r);
    if (!no_divergence(r, errp)) {
        return false;
    }
    if (opts->snapshot && !replay_load_snapshot(r, opts->snapshot, errp)) {
        return false;
    }
    if (r->m->sched.at_boundary) {
        replay_digest_here(r);
    }
    if (!no_divergence(r, errp)) {
        return false;
    }
    sched_set_log_end(r->m, log_reader_end(r->play.log));
    if (r->timeline_off) {
        return true;
    }
    r->timeline = timeline_new(r, r->timeline_bytes, r->timeline_spacing);
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

bool replay_begin(Replay *r, Error **errp)
{
    return replay_mode(r) != REPLAY_RECORD ||
           log_writer_begin(r->rec.log, errp);
}

void replay_start_debugging(Replay *r)
{
    if (!r || r->debugging || r->timeline_off) {
        return;
    }
    r->debugging = true;
    if (!r->timeline) {
        live_start(r);
    } else if (r->m->sched.at_boundary) {
        timeline_add(r->timeline, false);
    }
}

/* --- ending -------------------------------------------------------------------------- */

void replay_finish(Replay *r, ShutdownCause cause)
{
    replay_return_to_present(r);
    if (!r || r->mode != REPLAY_RECORD) {
        return;
    }
    Icount now = machine_icount(r->m);
    if (r->m->sched.at_boundary && now % r->digest_interval && now) {
        replay_digest_here(r);
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
    r->m->config.recording = NULL;
    nondet_set_source(r->m, NULL);
    sched_set_log_end(r->m, ICOUNT_NONE);
    if (r->timeline) {
        checkpoint_free(r->timeline, r->diversion);
        g_clear_pointer(&r->true_regs, g_array_unref);
        checkpoint_free(r->timeline, r->present);
    }
    timeline_free(r->timeline);
    live_stop(r);
    hits_clear(&r->hits);
    bookmarks_free(r->bookmarks);
    periodic_free(r->periodic);
    ram_digest_free(r->ram_digest);
    log_writer_free(r->rec.log);
    log_reader_free(r->play.log);
    if (r->argv) {
        g_ptr_array_unref(r->argv);
    }
    g_free(r->divergence);
    g_free(r->file);
    g_free(r);
}
