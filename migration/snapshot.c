/*
 * savevm, loadvm and delvm: VM state inside disk images.
 *
 * It goes into the first disk that can hold it; every other disk that can take
 * snapshots gets one of the same name at the same moment. Sentences for users
 * are the ones QEMU's users know.
 */
#include <string.h>

#include "disks.h"
#include "owner.h"
#include "stream.h"
#include "vm/runstate.h"

/* --- savevm -------------------------------------------------------------------- */

static char *default_name(GDateTime *now)
{
    return g_date_time_format(now, "vm-%Y%m%d%H%M%S");
}

/* What goes into the disks; one of the two is the VM state. */
typedef struct Save {
    BlockSnapshot info;
    BlockDev *holder;      /* of the VM state */
    GBytes *stream;
    BlockVmState *pieces;
} Save;

static bool save_to_disk(const Save *s, BlockDev *b, Error **errp)
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
static bool save_to_disks(Machine *m, const Save *s, Error **errp)
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
static BlockSnapshot row_now(Machine *m, const char *name, GDateTime *now)
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

static void delete_everywhere(Machine *m, const char *name)
{
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at));) {
        if (disks_one_has(b, name)) {
            blockdev_snapshot_delete(b, name, NULL);
        }
    }
}

static bool rename_everywhere(Machine *m, const char *from, const char *to,
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
static char *free_name(Machine *m, char *wanted)
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
static bool save_whole(Machine *m, const Save *s, Error **errp)
{
    const char *name = s->info.name;
    guint at = 0;
    disks_next(m, &at);
    bool several = disks_next(m, &at) && blockdev_can_snapshot(s->holder);
    g_autofree char *old = NULL;
    if (several && snapshot_name_taken(m, name)) {
        old = free_name(m, g_strconcat(name, "@replaced", NULL));
    }
    if (old && !rename_everywhere(m, name, old, errp)) {
        rename_everywhere(m, old, name, NULL);
        return false;
    }
    bool ok = save_to_disks(m, s, errp);
    if (several && !ok) {
        delete_everywhere(m, name);
    }
    if (old && ok) {
        delete_everywhere(m, old);
    } else if (old) {
        rename_everywhere(m, old, name, NULL);
    }
    return ok;
}

static bool save_now(Machine *m, const char *name, uint64_t log_position,
                     BlockDev *holder, Error **errp)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *made_up = name ? NULL : default_name(now);
    g_autoptr(GBytes) stream = snapshot_save_stream(m, log_position);
    Save s = { .info = row_now(m, name ? name : made_up, now),
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

/* --- snapshots that share --------------------------------------------------------- */

/* Is the base what it was when it was made? Somebody may have deleted it, and
 * made another one of that name. */
static bool base_usable(BlockDev *holder, const SnapshotShared *s,
                        const FlatSave *f)
{
    StreamHeader h;
    if (!s->base || !disks_one_has(holder, s->base) ||
        !flat_peek(holder, s->base, &h, NULL) || !(h.flags & STREAM_FLAT)) {
        return false;
    }
    return h.icount == s->base_icount &&
           flat_head_room(h.head_bytes) == flat_head_room(f->head->len);
}

bool snapshot_save_shared(Machine *m, SnapshotShared *s, Error **errp)
{
    BlockDev *holder = snapshot_vm_state_disk(m, errp);
    if (!holder) {
        return false;
    }
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    FlatSave f;
    flat_save_begin(&f, m, s->log_position, s->periodic ? STREAM_PERIODIC : 0);
    if (base_usable(holder, s, &f)) {
        f.state.base = s->base;
        f.changed = s->changed;
    }
    Save save = { .info = row_now(m, s->name, now), .holder = holder,
                  .pieces = &f.state };
    save.info.vm_state_bytes = f.state.bytes;
    bool ok = save_to_disks(m, &save, errp);
    if (!ok) {
        delete_everywhere(m, s->name);
    }
    s->written_bytes = f.state.written_bytes;
    flat_save_end(&f);
    return ok;
}

static bool is_periodic(BlockDev *holder, const char *name, const char *prefix)
{
    StreamHeader h;
    size_t len = strlen(prefix);
    return !strncmp(name, prefix, len) && name[len] &&
           strspn(name + len, "0123456789.") == strlen(name + len) &&
           flat_peek(holder, name, &h, NULL) && (h.flags & STREAM_PERIODIC);
}

bool snapshot_delete_periodic(Machine *m, const char *prefix, Error **errp)
{
    BlockDev *holder = snapshot_vm_state_disk(m, errp);
    GPtrArray *list = holder ? blockdev_snapshot_list(holder, errp) : NULL;
    bool ok = list;
    for (guint i = 0; ok && i < list->len; i++) {
        const BlockSnapshot *s = g_ptr_array_index(list, i);
        ok = !is_periodic(holder, s->name, prefix) ||
             snapshot_delvm(m, s->name, errp);
    }
    if (list) {
        disks_list_free(list);
    }
    return ok;
}

bool snapshot_is_periodic(Machine *m, const char *name, Icount icount)
{
    BlockDev *holder = snapshot_vm_state_disk(m, NULL);
    StreamHeader h;
    return holder && disks_one_has(holder, name) &&
           flat_peek(holder, name, &h, NULL) &&
           (h.flags & STREAM_PERIODIC) && h.icount == icount;
}

bool snapshot_name_taken(Machine *m, const char *name)
{
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at));) {
        if (disks_one_has(b, name)) {
            return true;
        }
    }
    return false;
}

uint64_t snapshot_room(Machine *m, const GPtrArray *names)
{
    BlockDev *holder = snapshot_vm_state_disk(m, NULL);
    return holder ? blockdev_snapshot_room(holder, names) : 0;
}

/* --- snapshots of several recordings in one image -------------------------------- */

static bool set_aside(Machine *m, const char *name, const StreamHeader *h,
                      Error **errp)
{
    g_autofree char *to =
        free_name(m, h->has_recording ? snapshot_aside_name(name, h->recording)
                                      : g_strconcat(name, "@old", NULL));
    if (!rename_everywhere(m, name, to, errp)) {
        return false;
    }
    error_warn("the snapshot '%s' of an earlier recording is called '%s' now",
               name, to);
    return true;
}

/* The periodic snapshots of earlier recordings that begin at `name`. */
static bool set_periodic_aside(Machine *m, const char *name, Error **errp)
{
    g_autofree char *prefix = g_strconcat(name, "-", NULL);
    BlockDev *holder = snapshot_vm_state_disk(m, errp);
    GPtrArray *list = holder ? blockdev_snapshot_list(holder, errp) : NULL;
    bool ok = list;
    for (guint i = 0; ok && i < list->len; i++) {
        const BlockSnapshot *s = g_ptr_array_index(list, i);
        StreamHeader h;
        if (is_periodic(holder, s->name, prefix) &&
            owner_peek(m, s->name, &h)) {
            g_autofree char *to =
                free_name(m, snapshot_aside_name(s->name, h.recording));
            ok = rename_everywhere(m, s->name, to, errp);
        }
    }
    if (list) {
        disks_list_free(list);
    }
    return ok;
}

bool snapshot_set_aside(Machine *m, const char *name, bool start, Error **errp)
{
    StreamHeader h = { 0 };
    const uint8_t *ours = m->config.recording;
    bool known = owner_peek(m, name, &h);
    if (start && !set_periodic_aside(m, name, errp)) {
        return false;
    }
    if (!snapshot_name_taken(m, name) || (known ? ours && owner_is(&h, ours) : !start)) {
        return true;
    }
    return set_aside(m, name, &h, errp);
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
