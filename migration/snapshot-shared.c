/*
 * Snapshots of a recording: they share what did not change, come at intervals, and
 * make room for another recording's in the same image. See svc/snapshot.h.
 */
#include <string.h>

#include "disks.h"
#include "snapshot-parts.h"
#include "stream.h"

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
    SnapshotSave save = { .info = snapshot_row(m, s->name, now), .holder = holder,
                  .pieces = &f.state };
    save.info.vm_state_bytes = f.state.bytes;
    bool ok = snapshot_to_disks(m, &save, errp);
    if (!ok) {
        snapshot_delete_everywhere(m, s->name);
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
        snapshot_free_name(m, h->has_recording ? snapshot_aside_name(name, h->recording)
                                      : g_strconcat(name, "@old", NULL));
    if (!snapshot_rename_everywhere(m, name, to, errp)) {
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
                snapshot_free_name(m, snapshot_aside_name(s->name, h.recording));
            ok = snapshot_rename_everywhere(m, s->name, to, errp);
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
