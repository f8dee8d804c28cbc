/*
 * The disks of a machine, and which of their snapshots are whole ones of it.
 */
#include "disks.h"

BlockDev *disks_next(Machine *m, guint *at)
{
    BlockDev *b;
    do {
        b = machine_disk_next(m, at);
    } while (b && (blockdev_is_empty(b) || blockdev_readonly(b)));
    return b;
}

/* --- finding snapshots --------------------------------------------------------- */

void disks_list_free(GPtrArray *list)
{
    g_ptr_array_free(list, TRUE);
}

const BlockSnapshot *disks_list_find(const GPtrArray *list, const char *name)
{
    for (guint i = 0; i < list->len; i++) {
        const BlockSnapshot *s = g_ptr_array_index(list, i);
        if (g_str_equal(s->name, name)) {
            return s;
        }
    }
    return NULL;
}

bool disks_one_has(BlockDev *b, const char *name)
{
    GPtrArray *list = blockdev_snapshot_list(b, NULL);
    bool found = list && disks_list_find(list, name);
    if (list) {
        disks_list_free(list);
    }
    return found;
}

bool disks_all_have(Machine *m, const char *name)
{
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at));) {
        if (!disks_one_has(b, name)) {
            return false;
        }
    }
    return true;
}

bool disks_check_have(Machine *m, const char *name, Error **errp)
{
    if (disks_all_have(m, name)) {
        return true;
    }
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at));) {
        /* What a replay opens can be read only, whatever its format. */
        if (!m->config.recording && !blockdev_can_snapshot(b)) {
            error_set(errp, "Device '%s' is writable but does not support "
                      "snapshots", blockdev_node(b));
            return false;
        }
    }
    error_set(errp, "Snapshot '%s' does not exist in one or more devices",
              name);
    return false;
}

BlockDev *snapshot_vm_state_disk(Machine *m, Error **errp)
{
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at));) {
        if (!blockdev_can_snapshot(b)) {
            error_set(errp, "Device '%s' is writable but does not support "
                      "snapshots", blockdev_node(b));
            return NULL;
        }
    }
    at = 0;
    BlockDev *first = disks_next(m, &at);
    if (!first) {
        error_set(errp, "No block device can accept snapshots");
    }
    return first;
}

BlockDev *disks_reading(Machine *m, Error **errp)
{
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at));) {
        GPtrArray *list = blockdev_snapshot_list(b, NULL);
        if (list) {
            disks_list_free(list);
            return b;
        }
    }
    error_set(errp, "No available block device supports snapshots");
    return NULL;
}

GPtrArray *snapshot_list(Machine *m, Error **errp)
{
    BlockDev *holder = disks_reading(m, errp);
    GPtrArray *list = holder ? blockdev_snapshot_list(holder, errp) : NULL;
    if (!list) {
        return NULL;
    }
    for (guint i = list->len; i-- > 0;) {
        const BlockSnapshot *s = g_ptr_array_index(list, i);
        if (!s->vm_state_bytes || !disks_all_have(m, s->name)) {
            g_ptr_array_remove_index(list, i);
        }
    }
    return list;
}
