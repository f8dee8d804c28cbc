/*
 * Snapshots taken while recording, at multiples of a period, so that the
 * middle of a long recording can be reached without replaying all before it.
 *
 * They are taken between two instructions, as digests are, and nothing of the
 * run depends on them. Each shares with the one before what was not written
 * since. When there are too many, or they take too much room, the period
 * doubles and those that are not at multiples of it go: what is left is evenly
 * spread over the whole recording. The last one stays until there is a newer
 * one, for that to share with; the one at the start stays for ever.
 *
 * The mark in the log comes before the snapshot: if the recorder is killed
 * between the two, a mark without a snapshot is skipped (marks.c), and a
 * snapshot is always of what is in the log.
 */
#include "periodic.h"

#define MOST_SNAPSHOTS 64u
#define MOST_BYTES     (8 * GIB)

typedef struct Taken {
    char *name;
    Icount icount;
} Taken;

struct Periodic {
    Replay *r;
    char *prefix;          /* of names */
    uint64_t period;       /* instructions */
    uint64_t most;
    uint64_t most_bytes;
    DirtySet *written;     /* since the last one; NULL: no more are taken */
    GPtrArray *taken;      /* Taken, by icount; the first is that of the start */
    bool base_lost;        /* the last one is not that of `written` */
    uint64_t room_bytes;   /* that they take in the image at most */
};

static void taken_free(void *opaque)
{
    Taken *t = opaque;
    g_free(t->name);
    g_free(t);
}

static const Taken *taken_at(const Periodic *p, guint i)
{
    return g_ptr_array_index(p->taken, i);
}

/* --- taking one ---------------------------------------------------------------------- */

/* A bit for each page that was written. */
static uint8_t *written_bits(const Periodic *p)
{
    uint64_t pages = ram_total_bytes(p->r->m) >> PAGE_BITS;
    const GArray *list = dirty_set_pages(p->written);
    uint8_t *bits = g_malloc0(pages / 8 + 1);
    for (guint i = 0; i < list->len; i++) {
        uint64_t page = g_array_index(list, uint64_t, i);
        bits[page / 8] |= 1u << (page % 8);
    }
    return bits;
}

static bool take(Periodic *p, const char *name, Error **errp)
{
    const Taken *last = p->taken->len ? taken_at(p, p->taken->len - 1) : NULL;
    const Taken *base = p->base_lost ? NULL : last;
    g_autofree uint8_t *bits = base ? written_bits(p) : NULL;
    SnapshotShared s = {
        .name = name,
        .base = base ? base->name : NULL,
        .base_icount = base ? base->icount : 0,
        .changed = bits,
        .periodic = last,
        .log_position = replay_log_position(p->r),
    };
    replay_mark(p->r, name);
    if (!snapshot_save_shared(p->r->m, &s, errp)) {
        return false;
    }
    Taken *t = g_new0(Taken, 1);
    t->name = g_strdup(name);
    t->icount = machine_icount(p->r->m);
    g_ptr_array_add(p->taken, t);
    p->room_bytes += s.written_bytes;
    p->base_lost = false;
    if (last) {
        dirty_set_clean(p->written);
    }
    return true;
}

/* A name that is nobody's. */
static char *new_name(const Periodic *p)
{
    Icount now = machine_icount(p->r->m);
    char *name = g_strdup_printf("%s%012" G_GUINT64_FORMAT, p->prefix, now);
    for (unsigned n = 2; snapshot_name_taken(p->r->m, name); n++) {
        g_free(name);
        name = g_strdup_printf("%s%012" G_GUINT64_FORMAT ".%u", p->prefix,
                               now, n);
    }
    return name;
}

/* --- limits -------------------------------------------------------------------------- */

/* Forgets what the user has deleted, or replaced by one of his own. */
static void forget_lost(Periodic *p)
{
    for (guint i = p->taken->len; i-- > 1;) {
        const Taken *t = taken_at(p, i);
        if (!snapshot_is_periodic(p->r->m, t->name, t->icount)) {
            p->base_lost |= i == p->taken->len - 1;
            g_ptr_array_remove_index(p->taken, i);
        }
    }
}

static bool too_much_room(Periodic *p)
{
    if (p->room_bytes <= p->most_bytes) {
        return false;
    }
    /* What was shared and is gone meanwhile is not known. */
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < p->taken->len; i++) {
        g_ptr_array_add(names, taken_at(p, i)->name);
    }
    p->room_bytes = snapshot_room(p->r->m, names);
    return p->room_bytes > p->most_bytes;
}

static bool full(Periodic *p)
{
    forget_lost(p);
    return p->taken->len - 1 >= p->most || too_much_room(p);
}

/* Deletes what is not at a multiple of the period any more. */
static bool thin_out(Periodic *p, Error **errp)
{
    for (guint i = p->taken->len - 1; i-- > 1;) {
        const Taken *t = taken_at(p, i);
        if (t->icount % p->period == 0) {
            continue;
        }
        if (!snapshot_delvm(p->r->m, t->name, errp)) {
            return false;
        }
        g_ptr_array_remove_index(p->taken, i);
    }
    return true;
}

/* --- when ---------------------------------------------------------------------------- */

Icount periodic_due(const Periodic *p, Icount now)
{
    return p && p->written ? (now / p->period + 1) * p->period : ICOUNT_NONE;
}

static bool arrive(Periodic *p, Error **errp)
{
    bool thin = full(p);
    if (thin) {
        p->period *= 2;
    }
    if (machine_icount(p->r->m) % p->period == 0) {
        g_autofree char *name = new_name(p);
        if (!take(p, name, errp)) {
            return false;
        }
    }
    return !thin || thin_out(p, errp);
}

void periodic_arrive(Periodic *p)
{
    Error *err = NULL;
    if (runstate_request_pending(p->r->m) || arrive(p, &err)) {
        return;
    }
    error_warn("no more snapshots are taken while recording: %s",
               error_message(err));
    error_free(err);
    g_clear_pointer(&p->written, dirty_set_free);
}

/* --- all of it ----------------------------------------------------------------------- */

Periodic *periodic_new(Replay *r, const ReplayOptions *opts, Error **errp)
{
    Periodic *p = g_new0(Periodic, 1);
    p->r = r;
    p->prefix = g_strdup_printf("%s-", opts->snapshot);
    p->period = opts->snapshot_period;
    p->most = opts->snapshot_max ? opts->snapshot_max : MOST_SNAPSHOTS;
    p->most_bytes = opts->snapshot_bytes ? opts->snapshot_bytes : MOST_BYTES;
    p->taken = g_ptr_array_new_with_free_func(taken_free);
    /* Those of an older recording go with its first one, which is replaced. */
    if (!snapshot_delete_periodic(r->m, p->prefix, errp) ||
        !take(p, opts->snapshot, errp)) {
        periodic_free(p);
        return NULL;
    }
    p->written = dirty_set_new(r->m, RAM_WATCH_SNAPSHOT);
    return p;
}

void periodic_free(Periodic *p)
{
    if (p) {
        dirty_set_free(p->written);
        g_ptr_array_unref(p->taken);
        g_free(p->prefix);
        g_free(p);
    }
}
