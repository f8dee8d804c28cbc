/*
 * savevm, loadvm and delvm: VM state inside disk images.
 *
 * It goes into the first disk that can hold it; every other disk that can take
 * snapshots gets one of the same name at the same moment. Sentences for users
 * are the ones QEMU's users know.
 */
#include <string.h>

#include "disks.h"
#include "snapshot-parts.h"
#include "stream.h"
#include "vm/runstate.h"

/* --- savevm -------------------------------------------------------------------- */

static char *default_name(GDateTime *now)
{
    return g_date_time_format(now, "vm-%Y%m%d%H%M%S");
}

static bool save_to_disk(const SnapshotSave *s, BlockDev *b, Error **errp)
{
    if (b == s->holder && s->pieces) {
        return blockdev_snapshot_create_pieces(b, &s->info, s->pieces, errp);
    }
    return blockdev_snapshot_create(b, &s->info,
                                    b == s->holder ? s->stream : NULL, errp);
}

/* What a replay added to images before one of them failed. */
static void withdraw(Machine *m, const char *name, const BlockDev *failed)
{
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at)) && b != failed;) {
        blockdev_snapshot_withdraw(b, name);
    }
}

/* The same snapshot in every disk; the machine's state in one of them. */
bool snapshot_to_disks(Machine *m, const SnapshotSave *s, Error **errp)
{
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at));) {
        if (!save_to_disk(s, b, errp)) {
            if (errp) {
                error_prepend(errp, "Error while creating snapshot on '%s': ",
                              blockdev_node(b));
            }
            withdraw(m, s->info.name, b);
            return false;
        }
    }
    return true;
}

/* The row of a snapshot of now; the name is the caller's. */
BlockSnapshot snapshot_row(Machine *m, const char *name, GDateTime *now)
{
    bool counted = m->icount_mode != ICOUNT_OFF;
    return (BlockSnapshot) {
        .name = (char *)name,
        .date_sec = g_date_time_to_unix(now),
        .date_nsec = g_date_time_get_microsecond(now) * 1000,
        .vm_clock_ns = clock_now_ns(m->clock),
        .icount = counted ? machine_icount(m) : ICOUNT_NONE,
    };
}

/* --- all or nothing ---------------------------------------------------------------- */

void snapshot_delete_everywhere(Machine *m, const char *name)
{
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at));) {
        if (disks_one_has(b, name)) {
            blockdev_snapshot_delete(b, name, NULL);
        }
    }
}

bool snapshot_rename_everywhere(Machine *m, const char *from, const char *to,
                                Error **errp)
{
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at));) {
        if (disks_one_has(b, from) &&
            !blockdev_snapshot_rename(b, from, to, errp)) {
            return false;
        }
    }
    return true;
}

/* A name that no disk has. */
char *snapshot_free_name(Machine *m, char *wanted)
{
    char *name = g_strdup(wanted);
    for (unsigned n = 2; snapshot_name_taken(m, name); n++) {
        g_free(name);
        name = g_strdup_printf("%s.%u", wanted, n);
    }
    g_free(wanted);
    return name;
}

/* Where several disks take it, an earlier snapshot of that name stays beside until
 * all have: there is the new one in all of them, or the old one. */
static bool save_whole(Machine *m, const SnapshotSave *s, Error **errp)
{
    const char *name = s->info.name;
    guint at = 0;
    disks_next(m, &at);
    bool several = disks_next(m, &at) && blockdev_can_snapshot(s->holder);
    g_autofree char *old = NULL;
    if (several && snapshot_name_taken(m, name)) {
        old = snapshot_free_name(m, g_strconcat(name, "@replaced", NULL));
    }
    if (old && !snapshot_rename_everywhere(m, name, old, errp)) {
        snapshot_rename_everywhere(m, old, name, NULL);
        return false;
    }
    bool ok = snapshot_to_disks(m, s, errp);
    if (several && !ok) {
        snapshot_delete_everywhere(m, name);
    }
    if (old && ok) {
        snapshot_delete_everywhere(m, old);
    } else if (old) {
        snapshot_rename_everywhere(m, old, name, NULL);
    }
    return ok;
}

static bool save_now(Machine *m, const char *name, uint64_t log_position,
                     BlockDev *holder, Error **errp)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *made_up = name ? NULL : default_name(now);
    g_autoptr(GBytes) stream = snapshot_save_stream(m, log_position);
    SnapshotSave s = { .info = snapshot_row(m, name ? name : made_up, now),
               .holder = holder, .stream = stream };
    s.info.vm_state_bytes = g_bytes_get_size(stream);
    return save_whole(m, &s, errp);
}

/* The disk that a snapshot can now be saved to; a replay's, too. */
static BlockDev *savevm_disk(Machine *m, const char *name, Error **errp)
{
    BlockDev *first = NULL;
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at));) {
        if (!blockdev_snapshot_may_create(b, name, errp)) {
            return NULL;
        }
        first = first ? first : b;
    }
    if (!first) {
        error_set(errp, "No block device can accept snapshots");
    }
    return first;
}

bool snapshot_savevm(Machine *m, const char *name, uint64_t log_position,
                     Error **errp)
{
    BlockDev *holder = savevm_disk(m, name, errp);
    if (!holder) {
        return false;
    }
    RunState before = runstate(m);
    if (before == RUN_RUNNING) {
        runstate_set(m, RUN_SAVE_VM);
    }
    bool ok = save_now(m, name, log_position, holder, errp);
    runstate_set(m, before);
    return ok;
}

/* --- loadvm and delvm ------------------------------------------------------------ */

/* Says of an error in VM state where that is; false. */
static bool bad_vm_state(const FlatSource *src, Error **errp)
{
    if (errp) {
        error_prepend(errp, "Could not load snapshot '%s' from '%s': ",
                      src->name, blockdev_file(src->disk));
    }
    return false;
}

/* What loadvm would load: where it is, of which form and size. */
static bool find_vm_state(Machine *m, const char *name, FlatSource *src,
                          StreamHeader *h, Error **errp)
{
    BlockDev *holder = disks_reading(m, errp);
    if (!holder) {
        return false;
    }
    if (!disks_check_have(m, name, errp)) {
        return false;
    }
    GPtrArray *list = blockdev_snapshot_list(holder, errp);
    if (!list) {
        return false;
    }
    const BlockSnapshot *s = disks_list_find(list, name);
    uint64_t bytes = s ? s->vm_state_bytes : 0;
    disks_list_free(list);
    if (!bytes) {
        error_set(errp, "This is a disk-only snapshot. Revert to it offline "
                  "using qemu-img");
        return false;
    }
    *src = (FlatSource) { .disk = holder, .name = name, .bytes = bytes };
    bool ok = flat_peek(holder, name, h, errp);
    src->head_bytes = h->head_bytes;
    return ok || bad_vm_state(src, errp);
}

bool snapshot_peek_vm(Machine *m, const char *name, Icount *icount,
                      uint64_t *log_position, Error **errp)
{
    FlatSource src;
    StreamHeader h = { 0 };
    if (!find_vm_state(m, name, &src, &h, errp)) {
        return false;
    }
    *icount = h.icount;
    *log_position = h.log_position;
    return true;
}

static bool disks_goto(Machine *m, const char *name, Error **errp)
{
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at));) {
        if (!blockdev_snapshot_goto(b, name, errp)) {
            if (errp) {
                error_prepend(errp, "Could not load snapshot '%s' on '%s': ",
                              name, blockdev_node(b));
            }
            return false;
        }
    }
    return true;
}

/* Loads VM state of either form. */
static bool load_vm_state(Machine *m, const FlatSource *src, LoadJob *job,
                          Error **errp)
{
    job->stream = job->flat ? flat_head(src, errp)
                            : blockdev_snapshot_vm_state(src->disk, src->name,
                                                         errp);
    if (!job->stream) {
        return bad_vm_state(src, errp);
    }
    bool ok = load_state(m, job, errp);
    g_bytes_unref(job->stream);
    return ok || bad_vm_state(src, errp);
}

bool snapshot_loadvm(Machine *m, const char *name, uint64_t *log_position,
                     Error **errp)
{
    FlatSource src;
    StreamHeader h = { 0 };
    if (!find_vm_state(m, name, &src, &h, errp)) {
        return false;
    }
    RunState before = runstate(m);
    if (before == RUN_RUNNING && !m->debug.travelling) {
        runstate_set(m, RUN_RESTORE_VM);
    }
    /* The VM state is the part that can be wrong, and is checked before
     * anything changes; so it comes first. */
    LoadJob job = { .flat = h.flags & STREAM_FLAT ? &src : NULL };
    bool ok = load_vm_state(m, &src, &job, errp) && disks_goto(m, name, errp);
    if (ok) {
        *log_position = job.log_position;
        runstate_rewind(m);
    }
    runstate_set(m, job.spoilt && !m->debug.travelling ? RUN_INTERNAL_ERROR
                                                       : before);
    return ok;
}

bool snapshot_delvm(Machine *m, const char *name, Error **errp)
{
    if (!snapshot_vm_state_disk(m, errp)) {
        return false;
    }
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at));) {
        if (!disks_one_has(b, name)) {
            continue;
        }
        if (!blockdev_snapshot_delete(b, name, errp)) {
            if (errp) {
                error_prepend(errp, "Could not delete snapshot '%s' on '%s': ",
                              name, blockdev_node(b));
            }
            return false;
        }
    }
    return true;
}
