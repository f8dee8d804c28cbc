/*
 * savevm and loadvm in a recording and its replay: a snapshot is a place in the
 * log too.
 */
#include "travel/travel.h"

uint64_t replay_log_position(Replay *r)
{
    if (!r) {
        return 0;
    }
    return r->mode == REPLAY_RECORD
               ? log_writer_position(r->rec.log)
               : log_cursor_position(r->play.log, &r->play.at);
}

void replay_mark(Replay *r, const char *name)
{
    Digest d = { 0 };
    digest_take(r->ram_digest, &d);
    LogMark mark = { .icount = d.icount,
                     .total = d.total,
                     .at_boundary = r->m->sched.at_boundary,
                     .name = (char *)name };
    log_write_mark(r->rec.log, &mark);
    digest_clear(&d);
}

char *replay_aside_name(const char *file, const char *name)
{
    Error *damage = NULL;
    LogReader *r = log_reader_open(file, &damage, NULL);
    const uint8_t *id = r ? log_reader_recording(r) : NULL;
    char *aside = id ? snapshot_aside_name(name, id) : NULL;
    error_free(damage);
    log_reader_free(r);
    return aside;
}

bool replay_name_fits(const char *name, Error **errp)
{
    /* With room for the icount behind it (periodic.c). */
    const size_t most = LOG_NAME_MAX - 32;
    if (strlen(name) > most) {
        error_set(errp, "the snapshot's name is longer than %zu bytes", most);
        return false;
    }
    return true;
}

bool replay_savevm(Machine *m, Replay *r, const char *name, Error **errp)
{
    if (!live_here(r, errp) || !travel_allowed(m, errp) ||
        (r && name && !replay_name_fits(name, errp))) {
        return false;
    }
    /* What a debugger wrote is no part of the recording. */
    replay_diversion_end(r);
    if (r && r->mode == REPLAY_RECORD && name &&
        !snapshot_set_aside(m, name, false, errp)) {
        return false;
    }
    if (!snapshot_savevm(m, name, replay_log_position(r), errp)) {
        return false;
    }
    if (r && r->mode == REPLAY_RECORD && name) {
        replay_mark(r, name);
    }
    return true;
}

/* The place in the log that a stream says it is of must be one of this log. */
static bool check_place(Replay *r, const char *name, LogCursor *c,
                        Error **errp)
{
    Icount icount;
    uint64_t position;
    if (!snapshot_is_ours(r->m, name, errp)) {
        return false;
    }
    if (!snapshot_peek_vm(r->m, name, &icount, &position, errp)) {
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

/* The log may say what the state is that was loaded: false with an error if
 * it is another one. */
static bool check_state(Replay *r, const char *name, Error **errp)
{
    const GPtrArray *marks = log_reader_marks(r->play.log);
    bool known = false, same = false;
    Digest d = { 0 };
    digest_take(r->ram_digest, &d);
    for (guint i = 0; i < marks->len; i++) {
        const LogMark *mark = g_ptr_array_index(marks, i);
        if (mark->icount == d.icount && g_str_equal(mark->name, name)) {
            known = true;
            same |= mark->total == d.total;
        }
    }
    digest_clear(&d);
    if (known && !same) {
        error_set(errp, "Snapshot '%s' is not what was recorded in '%s'",
                  name, r->file);
    }
    return same || !known;
}

/* Goes there. On error the machine is nowhere. It may be called otherwise in
 * the images than it was in the recording. */
static bool load_at(Replay *r, const char *name, const LogCursor *c,
                    Error **errp)
{
    uint64_t position;
    g_autofree char *called = snapshot_resolve(r->m, name);
    replay_leave(r);
    if (!snapshot_loadvm(r->m, called, &position, errp) ||
        !check_state(r, name, errp)) {
        return false;
    }
    replay_forgive(r);
    player_seek(&r->play, c);
    replay_land(r);
    return true;
}

bool replay_load_snapshot(Replay *r, const char *name, Error **errp)
{
    LogCursor c;
    g_autofree char *called = snapshot_resolve(r->m, name);
    return check_place(r, called, &c, errp) && load_at(r, name, &c, errp);
}

bool replay_loadvm(Replay *r, const char *name, Error **errp)
{
    if (r->mode == REPLAY_RECORD) {
        error_set(errp, "Cannot load a snapshot while recording");
        return false;
    }
    if (!travel_allowed(r->m, errp) || !live_here(r, errp)) {
        return false;
    }
    replay_diversion_end(r);
    LogCursor c;
    g_autofree char *called = snapshot_resolve(r->m, name);
    if (!check_place(r, called, &c, errp)) {
        return false;
    }
    if (!r->timeline) {
        return load_at(r, name, &c, errp);
    }
    Checkpoint *origin = checkpoint_take(r->timeline);
    bool ok = load_at(r, name, &c, errp);
    if (!ok) {
        checkpoint_restore(r->timeline, origin);
    }
    checkpoint_free(r->timeline, origin);
    return ok;
}
