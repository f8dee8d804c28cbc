/*
 * Snapshots that were made while recording, as places to start from.
 *
 * A mark in the log says where a snapshot was made and what the machine's
 * digest was. The snapshot itself lies in a disk image and may be gone, or be
 * one of the same name made since: then the next older mark is as good.
 */
#include "travel.h"

/* A snapshot in a disk image must save this many instructions to be used, or
 * this many distances between checkpoints. */
#define SNAPSHOT_WORTH    (UINT64_C(1) << 24)
#define SNAPSHOT_SPACINGS 4u

/* True if icount's boundary can be reached from there. */
static bool mark_leads_to(const LogMark *mark, Icount icount)
{
    return mark->icount < icount ||
           (mark->icount == icount && mark->at_boundary);
}

/* The images say what there is only when somebody wants to know. */
static bool mark_there(Replay *r, const LogMark *mark, GPtrArray **there)
{
    if (!*there) {
        *there = snapshot_list(r->m, NULL);
    }
    g_autofree char *called = snapshot_resolve(r->m, mark->name);
    for (guint i = 0; *there && i < (*there)->len; i++) {
        const BlockSnapshot *s = g_ptr_array_index(*there, i);
        if (g_str_equal(s->name, called)) {
            return true;
        }
    }
    return false;
}

MarksResult marks_approach(Replay *r, Icount from, Icount icount)
{
    const GPtrArray *marks = log_reader_marks(r->play.log);
    uint64_t worth = MIN(SNAPSHOT_WORTH, SNAPSHOT_SPACINGS *
                                             timeline_spacing(r->timeline));
    GPtrArray *there = NULL;
    MarksResult result = MARKS_NONE;
    if (r->present) {
        return result; /* the images themselves stay in the present */
    }
    for (guint i = marks->len; i-- > 0;) {
        const LogMark *mark = g_ptr_array_index(marks, i);
        if (mark->icount <= from + worth || result == MARKS_LOADED) {
            break;
        }
        if (mark_leads_to(mark, icount) && mark_there(r, mark, &there)) {
            /* It may be a later one of that name. */
            bool ok = replay_load_snapshot(r, mark->name, NULL) &&
                      machine_icount(r->m) == mark->icount;
            result = ok ? MARKS_LOADED : MARKS_SPOILT;
        }
    }
    if (there) {
        g_ptr_array_unref(there);
    }
    return result;
}
