/*
 * Snapshots inside a qcow2 image: taken, returned to, deleted.
 *
 * A snapshot is a copy of the L1 table; everything below it is shared and
 * counted. Its VM state is mapped by further L1 entries, from the first one
 * on that lies wholly behind the end of the disk. Each change prepares all in
 * new clusters and then turns one pointer in the header.
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

bool qcow2_snapshot_fail(const Qcow2 *q, Error **errp, int err,
                         const char *doing, const char *name)
{
    error_set_errno(errp, -err, "Could not %s snapshot '%s' in '%s'", doing,
                    name, q->node.file);
    return false;
}

Qcow2Snapshot *qcow2_snapshot_find(const Qcow2 *q, const char *name,
                                   Error **errp)
{
    int i = qcow2_snapshot_index(q, name);
    if (i < 0) {
        error_set(errp, "Snapshot '%s' does not exist in '%s'", name,
                  q->node.file);
        return NULL;
    }
    return g_ptr_array_index(q->snapshots, i);
}

bool qcow2_snapshot_map(Qcow2 *q, const Qcow2Snapshot *s, Qcow2Map *map,
                        Error **errp)
{
    *map = (Qcow2Map) {
        .entries = s->l1_entries,
        .offset = s->l1_offset,
        .size_bytes = s->disk_bytes,
    };
    if (s->disk_bytes > INT64_MAX ||
        s->l1_entries > QCOW2_L1_BYTES_MAX / 8 ||
        qcow2_l1_needed(q, s->disk_bytes) > s->l1_entries) {
        return qcow2_error(q, errp, s->l1_offset,
                           "the snapshot's L1 table has a bad size");
    }
    map->l1 = qcow2_load_u64(q, map->offset, map->entries,
                             "snapshot's L1 table", errp);
    return map->l1;
}

static uint64_t map_clusters(const Qcow2 *q, const Qcow2Map *map)
{
    return qcow2_clusters(q, (uint64_t)map->entries * 8);
}

/* Writes a map's L1 table to new clusters. */
static int map_store_new(Qcow2 *q, Qcow2Map *map)
{
    uint64_t clusters = map_clusters(q, map);
    map->offset = 0;
    if (clusters == 0) {
        return 0;
    }
    int err = qcow2_alloc(q, clusters, &map->offset);
    if (err < 0) {
        return err;
    }
    err = qcow2_store_u64(q, map->offset, map->l1, map->entries);
    if (err < 0) {
        qcow2_free(q, map->offset, clusters);
        map->offset = 0;
    }
    return err;
}

/* Gives back a map that the header no longer leads to. If that fails, its
 * clusters leak. */
static void map_forget(Qcow2 *q, const Qcow2Map *map)
{
    if (qcow2_walk_add(q, map, -1) == 0) {
        qcow2_free(q, map->offset, map_clusters(q, map));
    }
}

/* A change is done: who is shared now? */
static int settle(Qcow2 *q)
{
    int err = block_file_sync(q->file);
    err = err < 0 ? err : qcow2_walk_copied(q);
    err = err < 0 ? err : qcow2_sync_tables(q);
    return err < 0 ? err : block_file_sync(q->file);
}

/* While counts and "copied" flags are changed all over the image they do not
 * agree. A crash in the middle is told to the next writer by the dirty bit; he
 * sets them right. An error leaves the bit to him, too. */
static int change_begin(Qcow2 *q, bool *ours)
{
    *ours = q->version >= 3 && !(q->incompatible & INCOMPATIBLE_DIRTY);
    return !*ours ? 0 :
           qcow2_set_incompatible(q, q->incompatible | INCOMPATIBLE_DIRTY);
}

static int change_end(Qcow2 *q, bool ours)
{
    int err = settle(q);
    return err < 0 || !ours ? err :
           qcow2_set_incompatible(q, q->incompatible & ~INCOMPATIBLE_DIRTY);
}

/* --- taking one ------------------------------------------------------- */

static char *new_id(const Qcow2 *q, int except)
{
    uint64_t highest = 0;
    for (guint i = 0; i < q->snapshots->len; i++) {
        const Qcow2Snapshot *s = g_ptr_array_index(q->snapshots, i);
        if ((int)i != except) {
            highest = MAX(highest, g_ascii_strtoull(s->info.id, NULL, 10));
        }
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT, highest + 1);
}

static Qcow2Snapshot *snapshot_copy(const Qcow2Snapshot *s)
{
    Qcow2Snapshot *copy = g_memdup2(s, sizeof *s);
    copy->info.id = g_strdup(s->info.id);
    copy->info.name = g_strdup(s->info.name);
    copy->extra = g_byte_array_new();
    g_byte_array_append(copy->extra, s->extra->data, s->extra->len);
    return copy;
}

/* The rows as they are, without one (-1: none), and `added` (or NULL). */
static GPtrArray *rows_changed(const Qcow2 *q, int except,
                               Qcow2Snapshot *added)
{
    GPtrArray *rows = g_ptr_array_new_with_free_func(
        (GDestroyNotify)qcow2_snapshot_free);
    for (guint i = 0; i < q->snapshots->len; i++) {
        if ((int)i != except) {
            g_ptr_array_add(rows, snapshot_copy(
                                      g_ptr_array_index(q->snapshots, i)));
        }
    }
    if (added) {
        g_ptr_array_add(rows, added);
    }
    return rows;
}

static Qcow2Snapshot *row_new(const Qcow2 *q, const BlockSnapshot *info,
                              uint64_t vm_state_bytes, int replaces)
{
    Qcow2Snapshot *s = g_new0(Qcow2Snapshot, 1);
    s->info = *info;
    s->info.id = new_id(q, replaces);
    s->info.name = g_strdup(info->name);
    s->info.vm_state_bytes = vm_state_bytes;
    s->extra = g_byte_array_new();
    return s;
}

/* The disk part of an L1 table, and room for VM state. */
static Qcow2Map map_copy(const Qcow2 *q, const Qcow2Map *from,
                         uint64_t vm_state_bytes)
{
    uint64_t disk = qcow2_l1_needed(q, from->size_bytes);
    Qcow2Map map = {
        .size_bytes = from->size_bytes,
        .entries = disk + qcow2_l1_needed(q, vm_state_bytes),
    };
    map.l1 = g_new0(uint64_t, MAX(map.entries, 1));
    for (uint64_t i = 0; i < disk; i++) {
        map.l1[i] = from->l1[i] & ~ENTRY_COPIED;
    }
    return map;
}

/* What a new snapshot is made of. */
typedef struct Creation {
    Qcow2 *q;
    const BlockSnapshot *info;
    BlockVmState *state;
    int replaces;          /* a row, -1: none; and what it maps */
    Qcow2Map old;
    Qcow2Map base;         /* VM state to share with; l1 NULL: none */
    Qcow2Map map;          /* of the new one */
    const ClusterTree *tree; /* written over it; NULL: nothing */
} Creation;

/* Gives back what the new map refers to, and its table. */
static void create_undo(Qcow2 *q, const Qcow2Map *map, bool *ours)
{
    if (qcow2_walk_add(q, map, -1) < 0) {
        *ours = false;
    } else if (map->offset) {
        qcow2_free(q, map->offset, map_clusters(q, map));
    }
}

/* All but the switch: references, VM state, the new L1 table. When an error
 * could not be undone the image is not ours to call clean. */
static int create_prepare(Creation *c, bool *ours)
{
    Qcow2 *q = c->q;
    Qcow2Map *map = &c->map;
    int err = qcow2_walk_add(q, map, 1);
    if (err < 0) {
        *ours = false;
        return err;
    }
    err = qcow2_walk_copied(q);
    err = err < 0 ? err : qcow2_sync_tables(q);
    err = err < 0 ? err : map_store_new(q, map);
    if (c->tree) {
        err = err < 0 ? err : qcow2_map_write(q, map, c->tree);
    }
    err = err < 0 ? err : qcow2_vm_state_store(q, map, c->state,
                                               c->base.l1 ? &c->base : NULL);
    err = err < 0 ? err : qcow2_store_u64(q, map->offset, map->l1,
                                          map->entries);
    if (err < 0) {
        create_undo(q, map, ours);
    }
    return err;
}

/* Puts rows into the file; the one that is dropped is given back. */
static int rows_switch(Qcow2 *q, GPtrArray *rows, const Qcow2Map *dropped)
{
    int err = qcow2_snapshots_store(q, rows);
    if (err < 0) {
        g_ptr_array_unref(rows);
        return err;
    }
    if (dropped) {
        map_forget(q, dropped);
    }
    return 0;
}

/* The new row is in the table, in place of the old one. */
static int create_switch(Creation *c)
{
    Qcow2Snapshot *s = row_new(c->q, c->info, c->state->bytes, c->replaces);
    s->l1_offset = c->map.offset;
    s->l1_entries = c->map.entries;
    s->disk_bytes = c->map.size_bytes;
    return rows_switch(c->q, rows_changed(c->q, c->replaces, s),
                       c->replaces >= 0 ? &c->old : NULL);
}

static int create(Creation *c)
{
    Qcow2 *q = c->q;
    bool ours = false;
    bool fits = c->map.entries <= QCOW2_L1_BYTES_MAX / 8 &&
                strlen(c->info->name) <= UINT16_MAX;
    int err = fits ? qcow2_sync_tables(q) : -EFBIG;
    err = err < 0 ? err : qcow2_walk_room(q, &c->map);
    err = err < 0 ? err : qcow2_walk_room(q, &c->base);
    err = err < 0 ? err : change_begin(q, &ours);
    if (err == 0) {
        err = create_prepare(c, &ours);
        err = err < 0 ? err : create_switch(c);
        int ended = change_end(q, ours);
        err = err < 0 ? err : ended;
    }
    return err;
}

/* The snapshot that is replaced, and the one that VM state is shared with. */
static bool create_find(Creation *c, Qcow2Map *base, Error **errp)
{
    Qcow2 *q = c->q;
    for (guint i = 0; i < q->snapshots->len; i++) {
        const Qcow2Snapshot *s = g_ptr_array_index(q->snapshots, i);
        if (strcmp(s->info.name, c->info->name) == 0) {
            c->replaces = i;
        }
    }
    if (c->replaces >= 0 &&
        !qcow2_snapshot_map(q, g_ptr_array_index(q->snapshots, c->replaces),
                            &c->old, errp)) {
        return false;
    }
    const Qcow2Snapshot *s =
        c->state->base ? qcow2_snapshot_find(q, c->state->base, errp) : NULL;
    return !c->state->base ||
           (s && qcow2_snapshot_map(q, s, base, errp) &&
            qcow2_vm_state_map(q, s, base, &c->base, errp));
}

bool qcow2_snapshot_create_of(Qcow2 *q, const Qcow2Map *from,
                              const SnapshotAdd *add, Error **errp)
{
    Qcow2Map base = { 0 };
    Creation c = { .q = q, .info = add->info, .state = add->state,
                   .replaces = -1, .tree = add->tree };
    bool ok = create_find(&c, &base, errp);
    if (ok) {
        c.map = map_copy(q, from, add->state->bytes);
        int err = create(&c);
        ok = err == 0 || qcow2_snapshot_fail(q, errp, err, "create",
                                             add->info->name);
    }
    g_free(c.map.l1);
    g_free(c.old.l1);
    g_free(base.l1);
    return ok;
}

bool qcow2_snapshot_create(BlockNode *n, const BlockSnapshot *info,
                           BlockVmState *state, Error **errp)
{
    SnapshotAdd add = { .base = n, .info = info, .state = state };
    return qcow2_snapshot_create_of(QCOW2(n), &QCOW2(n)->map, &add, errp);
}

/* --- going back, deleting --------------------------------------------- */

/* Makes `map`, whose clusters were counted, the active one. */
static int active_switch(Qcow2 *q, Qcow2Map *map)
{
    int err = map_store_new(q, map);
    err = err < 0 ? err : qcow2_header_set_map(q, map);
    if (err < 0) {
        return err;
    }
    Qcow2Map old = q->map;
    q->map = *map;
    map->l1 = old.l1;
    q->node.size_bytes = qcow2_disk_bytes(q->map.size_bytes);
    map_forget(q, &old);
    return 0;
}

bool qcow2_snapshot_goto(BlockNode *n, const char *name, Error **errp)
{
    Qcow2 *q = QCOW2(n);
    Qcow2Map map;
    Qcow2Snapshot *s = qcow2_snapshot_find(q, name, errp);
    if (!s || !qcow2_snapshot_map(q, s, &map, errp)) {
        return false;
    }
    map.entries = qcow2_l1_needed(q, s->disk_bytes);
    for (uint32_t i = 0; i < map.entries; i++) {
        map.l1[i] &= ~ENTRY_COPIED;
    }
    bool ours = false;
    int err = qcow2_sync_tables(q);
    err = err < 0 ? err : qcow2_walk_room(q, &map);
    err = err < 0 ? err : change_begin(q, &ours);
    if (err == 0) {
        err = qcow2_walk_add(q, &map, 1);
        err = err < 0 ? err : active_switch(q, &map);
        int ended = err < 0 ? 0 : change_end(q, ours);
        err = err < 0 ? err : ended;
    }
    g_free(map.l1);
    return err == 0 || qcow2_snapshot_fail(q, errp, err, "go to", name);
}

bool qcow2_snapshot_delete(BlockNode *n, const char *name, Error **errp)
{
    Qcow2 *q = QCOW2(n);
    Qcow2Map map;
    Qcow2Snapshot *s = qcow2_snapshot_find(q, name, errp);
    if (!s || !qcow2_snapshot_map(q, s, &map, errp)) {
        return false;
    }
    bool ours = false;
    int err = qcow2_sync_tables(q);
    err = err < 0 ? err : change_begin(q, &ours);
    if (err == 0) {
        GPtrArray *rows = rows_changed(q, qcow2_snapshot_index(q, name),
                                       NULL);
        err = rows_switch(q, rows, &map);
        int ended = change_end(q, ours);
        err = err < 0 ? err : ended;
    }
    g_free(map.l1);
    return err == 0 || qcow2_snapshot_fail(q, errp, err, "delete", name);
}
