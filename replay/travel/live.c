/*
 * Going back into a recording that is still being made.
 *
 * The machine leaves the present: what is on tape so far is flushed, a
 * checkpoint of the present is taken, and the log is plugged in as it would be
 * for a replay. From then on this is a replay whose end is the present. When
 * it gets there, or nobody wants to look back any more, the present is restored
 * and the recorder is plugged in again; nothing of the excursion is left, on
 * tape, in the disks or in memory.
 */
#include "travel.h"

static void keep_disks(Machine *m, bool on)
{
    guint at = 0;
    for (BlockDev *b; (b = machine_disk_next(m, &at));) {
        blockdev_keep_past(b, on);
    }
}

void live_start(Replay *r)
{
    keep_disks(r->m, true);
    r->kept_past = true;
    r->timeline = timeline_new(r, r->timeline_bytes, r->timeline_spacing);
    timeline_add(r->timeline, true);
}

void live_stop(Replay *r)
{
    if (r->kept_past) {
        keep_disks(r->m, false);
    }
}

bool live_here(const Replay *r, Error **errp)
{
    if (r && r->present) {
        error_set(errp, "the machine is in the past of its recording: return "
                  "to the present first (replay_return)");
        return false;
    }
    return true;
}

/* The log as far as it goes, for a replay up to now. */
static LogReader *read_own_log(Replay *r, Error **errp)
{
    log_writer_flush(r->rec.log, machine_icount(r->m));
    return log_writer_ok(r->rec.log, errp) ? log_writer_read(r->rec.log, errp)
                                           : NULL;
}

bool live_leave(Replay *r, Error **errp)
{
    if (r->mode != REPLAY_RECORD || !r->timeline) {
        return true;
    }
    LogReader *log = read_own_log(r, errp);
    LogCursor now;
    if (!log ||
        !log_reader_seek(log, log_writer_position(r->rec.log), &now, errp)) {
        log_reader_free(log);
        return false;
    }
    r->present = checkpoint_take(r->timeline);
    r->present_state = runstate(r->m);
    r->play.log = log;
    r->log_generation++;
    r->mode = REPLAY_PLAY;
    player_plug(&r->play, r);
    player_seek(&r->play, &now);
    sched_set_log_end(r->m, log_reader_end(log));
    if (r->mute) {
        r->mute(r->mute_opaque, true);
    }
    return true;
}

void live_disks(Machine *m)
{
    guint at = 0;
    for (BlockDev *b; (b = machine_disk_next(m, &at));) {
        blockdev_return_to_present(b);
    }
}

/* A guest that was off is off again. */
static void state_of_present(Replay *r)
{
    RunState s = r->present_state;
    if (s == RUN_SHUTDOWN || s == RUN_INTERNAL_ERROR) {
        runstate_set(r->m, s);
    }
}

void replay_return_to_present(Replay *r)
{
    if (!r || r->m->debug.travelling) {
        return;
    }
    replay_diversion_end(r);
    if (!r->present) {
        return;
    }
    r->break_icount = ICOUNT_NONE;
    /* Marks of disks that were made on the way mean nothing here. */
    timeline_drop_excursion(r->timeline);
    checkpoint_restore(r->timeline, r->present);
    live_disks(r->m);
    checkpoint_free(r->timeline, r->present);
    r->present = NULL;
    log_reader_free(r->play.log);
    r->play = (Player){ 0 };
    r->mode = REPLAY_RECORD;
    recorder_plug(&r->rec, r);
    sched_set_log_end(r->m, ICOUNT_NONE);
    r->came_back = true;
    state_of_present(r);
    if (r->mute) {
        r->mute(r->mute_opaque, false);
    }
}

bool replay_at_end(const Replay *r)
{
    return r && !r->diverted &&
           (r->came_back || (r->mode == REPLAY_PLAY &&
                             machine_icount(r->m) >= replay_end(r)));
}
