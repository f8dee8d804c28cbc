/*
 * Snapshots in a disk's image: what its format can do, and may do now. See
 * io/blockdev.h.
 */
#include <string.h>

#include "block-dev.h"

void block_snapshot_free(BlockSnapshot *s)
{
    if (s) {
        g_free(s->id);
        g_free(s->name);
        g_free(s);
    }
}

static bool has_snapshots(const BlockDev *b)
{
    return b->image && b->image->driver->snapshot_list;
}

bool blockdev_can_snapshot(const BlockDev *b)
{
    return has_snapshots(b) && b->top == b->image && !b->image->readonly;
}

static bool want_snapshots(const BlockDev *b, bool change, Error **errp)
{
    if (!has_snapshots(b)) {
        error_set(errp, "Device '%s' is of a format without snapshots", b->head.node);
        return false;
    }
    if (change && !blockdev_can_snapshot(b)) {
        error_set(errp, "Device '%s' is not writable: its snapshots cannot "
                  "be changed", b->head.node);
        return false;
    }
    return true;
}

GPtrArray *blockdev_snapshot_list(BlockDev *b, Error **errp)
{
    if (has_snapshots(b)) {
        return b->image->driver->snapshot_list(b->image);
    }
    return g_ptr_array_new_with_free_func((GDestroyNotify)block_snapshot_free);
}

/* A stream as pieces. */
static VmStatePiece fill_from_bytes(void *opaque, uint64_t offset,
                                    uint8_t *buf, size_t bytes)
{
    gsize len;
    const uint8_t *data = g_bytes_get_data(opaque, &len);
    size_t part = MIN(bytes, len - offset);
    memcpy(buf, data + offset, part);
    memset(buf + part, 0, bytes - part);
    return VM_STATE_DATA;
}

bool blockdev_snapshot_create(BlockDev *b, const BlockSnapshot *info,
                              GBytes *vm_state, Error **errp)
{
    BlockVmState state = {
        .bytes = vm_state ? g_bytes_get_size(vm_state) : 0,
        .fill = fill_from_bytes, .opaque = vm_state,
    };
    return blockdev_snapshot_create_pieces(b, info, &state, errp);
}

/* A replay's disk, whose image can take a snapshot although it is open for
 * reading only. */
static bool adds_snapshots(const BlockDev *b)
{
    return b->replay && has_snapshots(b) && b->image->driver->snapshot_add;
}

bool blockdev_snapshot_may_create(BlockDev *b, const char *name, Error **errp)
{
    if (adds_snapshots(b)) {
        return b->image->driver->snapshot_may_add(b->image, name, errp);
    }
    if (!blockdev_can_snapshot(b)) {
        error_set(errp, "Device '%s' is writable but does not support "
                  "snapshots", b->head.node);
        return false;
    }
    return true;
}

bool blockdev_snapshot_create_pieces(BlockDev *b, const BlockSnapshot *info,
                                     BlockVmState *state, Error **errp)
{
    if (adds_snapshots(b)) {
        SnapshotAdd add = { .info = info, .state = state };
        add.tree = overlay_written(b->top, &add.base);
        return b->image->driver->snapshot_add(b->image, &add, errp);
    }
    return want_snapshots(b, true, errp) &&
           b->image->driver->snapshot_create(b->image, info, state, errp);
}

bool blockdev_snapshot_goto(BlockDev *b, const char *name, Error **errp)
{
    if (!want_snapshots(b, !b->replay, errp)) {
        return false;
    }
    if (b->undo && undo_has_marks(b->undo)) {
        error_set(errp, "Device '%s' is being recorded and its past is kept: "
                  "it cannot become another snapshot", b->head.node);
        return false;
    }
    if (!b->replay) {
        return b->image->driver->snapshot_goto(b->image, name, errp);
    }
    BlockNode *view = b->image->driver->snapshot_view(b->image, name, errp);
    if (!view) {
        return false;
    }
    overlay_rebase(b->top, view);
    node_unref(view);
    return true;
}

bool blockdev_snapshot_delete(BlockDev *b, const char *name, Error **errp)
{
    return want_snapshots(b, true, errp) &&
           b->image->driver->snapshot_delete(b->image, name, errp);
}

bool blockdev_snapshot_rename(BlockDev *b, const char *from, const char *to,
                              Error **errp)
{
    return want_snapshots(b, true, errp) &&
           b->image->driver->snapshot_rename(b->image, from, to, errp);
}

void blockdev_snapshot_withdraw(BlockDev *b, const char *name)
{
    if (adds_snapshots(b)) {
        b->image->driver->snapshot_withdraw(b->image, name);
    }
}

GBytes *blockdev_snapshot_vm_state(BlockDev *b, const char *name, Error **errp)
{
    return want_snapshots(b, false, errp) ?
           b->image->driver->snapshot_vm_state(b->image, name, errp) : NULL;
}

bool blockdev_snapshot_read(BlockDev *b, const VmStateRead *what, Error **errp)
{
    return want_snapshots(b, false, errp) &&
           b->image->driver->snapshot_read(b->image, what, errp);
}

uint64_t blockdev_snapshot_room(BlockDev *b, const GPtrArray *names)
{
    return has_snapshots(b) ? b->image->driver->snapshot_room(b->image, names)
                            : 0;
}
