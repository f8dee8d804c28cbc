/*
 * Leaving a replay to run on live: what was replayed so far is copied to a new
 * log, and recording goes on from there. The new log is whole: it replays as
 * the old one does, from the same snapshot of the same images, and names the
 * log that it came from.
 */
#include "travel.h"

/* --- the part of the log that is behind us ----------------------------------------- */

static bool copy_events(Replay *r, LogWriter *w, const LogChunk *chunk,
                        uint64_t most, Error **errp)
{
    LogCursor c;
    if (!log_reader_seek(r->play.log, chunk->position, &c, errp)) {
        return false;
    }
    for (uint64_t i = 0; i < MIN(chunk->events, most); i++) {
        LogEvent e;
        if (log_read_event(r->play.log, &c, &e, errp) != LOG_NEXT_OK) {
            return false;
        }
        log_write_event(w, &e);
    }
    return true;
}

static bool copy_digest(Replay *r, LogWriter *w, Icount icount, Error **errp)
{
    Digest d = { 0 };
    bool ok = log_reader_digest(r->play.log, icount, &d, errp);
    if (ok) {
        log_write_digest(w, &d);
    }
    digest_clear(&d);
    return ok;
}

static void copy_mark(Replay *r, LogWriter *w, const LogChunk *chunk)
{
    const GPtrArray *marks = log_reader_marks(r->play.log);
    for (guint i = 0; i < marks->len; i++) {
        const LogMark *mark = g_ptr_array_index(marks, i);
        if (mark->icount == chunk->first &&
            mark->position == chunk->position) {
            log_write_mark(w, mark);
        }
    }
}

static bool copy_chunk(Replay *r, LogWriter *w, const LogChunk *chunk,
                       uint64_t position, Error **errp)
{
    switch (chunk->type) {
    case LOG_CHUNK_EVENTS:
        return copy_events(r, w, chunk, position - chunk->position, errp);
    case LOG_CHUNK_DIGEST:
        return copy_digest(r, w, chunk->first, errp);
    case LOG_CHUNK_MARK:
        copy_mark(r, w, chunk);
        return true;
    case LOG_CHUNK_END:
    case LOG_CHUNK_COMMAND:
    case LOG_CHUNK_PARENT:
    case LOG_CHUNK_RECORDING:
        return true;
    }
    return true;
}

static bool copy_past(Replay *r, LogWriter *w, Error **errp)
{
    uint64_t position = replay_log_position(r);
    Icount now = machine_icount(r->m);
    const GArray *chunks = log_reader_chunks(r->play.log);
    for (guint i = 0; i < chunks->len; i++) {
        const LogChunk *c = &g_array_index(chunks, LogChunk, i);
        if (c->position <= position && c->first <= now &&
            !copy_chunk(r, w, c, position, errp)) {
            return false;
        }
    }
    log_writer_flush(w, now);
    return log_writer_ok(w, errp);
}

static LogWriter *new_log(Replay *r, const char *file, Error **errp)
{
    LogWriter *w = log_writer_new(file, log_reader_identity(r->play.log),
                                  errp);
    if (!w) {
        return NULL;
    }
    if (r->argv) {
        g_autofree char *folder = g_get_current_dir();
        log_write_command(w, folder, (const char *const *)r->argv->pdata);
    }
    /* The snapshots that it begins at are the parent's. */
    if (r->has_recording) {
        log_write_recording(w, r->recording);
    }
    LogParent parent = { r->file, machine_icount(r->m),
                         replay_log_position(r) };
    log_write_parent(w, &parent);
    if (!copy_past(r, w, errp) || !log_writer_begin(w, errp)) {
        log_writer_free(w);
        return NULL;
    }
    return w;
}

/* --- changing over ------------------------------------------------------------------ */

/* The guest went off here: there is nothing to run on live. */
static bool guest_goes_on(Replay *r, Error **errp)
{
    const LogReader *log = r->play.log;
    if (machine_icount(r->m) < log_reader_end(log) ||
        !log_reader_complete(log) ||
        !g_str_has_prefix(log_reader_end_reason(log), "guest-")) {
        return true;
    }
    error_set(errp, "the guest ends here (%s): go back first",
              log_reader_end_reason(log));
    return false;
}

static bool may_branch(Replay *r, const char *file, Error **errp)
{
    if (replay_mode(r) != REPLAY_PLAY) {
        error_set(errp, "only a replay can branch");
        return false;
    }
    if (!live_here(r, errp)) {
        return false;
    }
    if (r->divergence) {
        error_set(errp, "the replay has diverged: %s", r->divergence);
        return false;
    }
    if (g_file_test(file, G_FILE_TEST_EXISTS)) {
        error_set(errp, "'%s' exists", file);
        return false;
    }
    return travel_allowed(r->m, errp) && guest_goes_on(r, errp);
}

/* What lies ahead is another future. */
static void forget_future(Replay *r)
{
    Icount now = machine_icount(r->m);
    hits_clear(&r->hits);
    r->break_icount = ICOUNT_NONE;
    bookmarks_cut(r, now);
    if (r->timeline) {
        timeline_cut(r->timeline, now);
    }
}

static void record_on(Replay *r, LogWriter *w, const char *file)
{
    log_reader_free(r->play.log);
    r->play = (Player){ 0 };
    g_free(r->file);
    r->file = g_strdup(file);
    r->mode = REPLAY_RECORD;
    /* When the last input came is not known: the next one says its time. */
    r->rec = (Recorder){ .log = w, .last_icount = machine_icount(r->m),
                         .last_ns = INT64_MIN / 2 };
    recorder_plug(&r->rec, r);
    if (!r->m->sched.at_boundary) {
        /* Something of this boundary may have happened already: an input
         * comes after it, at the next one. */
        r->m->sched.arrived = machine_icount(r->m);
    }
    sched_set_log_end(r->m, ICOUNT_NONE);
    r->end_told = false;
    /* Inputs are wanted from now on: whom the guest waits for may have to say
     * that nobody is there. */
    if (r->mute) {
        r->mute(r->mute_opaque, false);
    }
}

bool replay_branch(Replay *r, const char *file, Error **errp)
{
    replay_diversion_end(r);
    if (!may_branch(r, file, errp)) {
        return false;
    }
    LogWriter *w = new_log(r, file, errp);
    if (!w) {
        return false;
    }
    forget_future(r);
    record_on(r, w, file);
    return true;
}
