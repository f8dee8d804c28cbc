/*
 * Snapshots inside a qcow2 image: taken, returned to, deleted.
 *
 * A snapshot is a copy of the L1 table; everything below it is shared and
 * counted. Its VM state is mapped by further L1 entries, from the first one
 * on that lies wholly behind the end of the disk. Each of these is one change
 * of the image (qcow2-change.c): it is done, or nothing of it.
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

/* Takes back a map: what it refers to, and its table. */
static int map_forget(Qcow2 *q, const Qcow2Map *map)
{
    int err = qcow2_walk_add(q, map, -1);
    return err < 0 ? err :
           qcow2_refcount_add(q, map->offset >> q->cluster_bits,
                              map_clusters(q, map), -1);
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

GPtrArray *qcow2_snapshots_copy(const Qcow2 *q)
{
    GPtrArray *rows = rows_changed(q, -1, NULL);
    for (guint i = 0; i < rows->len; i++) {
        /* As they are going to be in the file. */
        qcow2_snapshot_complete(g_ptr_array_index(rows, i));
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

/* The disk part of an L1 table, and room for VM state; without that, what lies
 * behind the disk comes along as it is. */
static Qcow2Map map_copy(const Qcow2 *q, const Qcow2Map *from,
                         uint64_t vm_state_bytes)
{
    uint64_t disk = qcow2_l1_needed(q, from->size_bytes);
    uint64_t copied = vm_state_bytes ? disk : from->entries;
    Qcow2Map map = {
        .size_bytes = from->size_bytes,
        .entries = copied + qcow2_l1_needed(q, vm_state_bytes),
    };
    map.l1 = g_new0(uint64_t, MAX(map.entries, 1));
    for (uint64_t i = 0; i < copied; i++) {
        map.l1[i] = from->l1[i] & ~ENTRY_COPIED;
    }
    return map;
}

/* What a new snapshot is made of. */
typedef struct Creation {
    Qcow2 *q;
    const Qcow2Map *from;  /* the active map, or another snapshot's */
    const BlockSnapshot *info;
    BlockVmState *state;
    int replaces;          /* a row, -1: none; and what it maps */
    Qcow2Map old;
    Qcow2Map base;         /* VM state to share with; l1 NULL: none */
    Qcow2Map map;          /* of the new one */
    const ClusterTree *tree; /* written over it; NULL: nothing */
} Creation;

/* The disk's part, shared with where it comes from. */
static int create_share(Creation *c)
{
    Qcow2 *q = c->q;
    /* From now on nothing of the active disk is its own. Said first, so that
     * the snapshot shares the tables in which that is said. */
    int err = c->from == &q->map ? qcow2_walk_uncopied(q) : 0;
    if (err < 0) {
        return err;
    }
    c->map = map_copy(q, c->from, c->state->bytes);
    return c->map.entries > QCOW2_L1_BYTES_MAX / 8 ? -EFBIG :
           qcow2_walk_add(q, &c->map, 1);
}

/* Everything but the table of snapshots. */
static int create_prepare(Creation *c)
{
    Qcow2 *q = c->q;
    Qcow2Map *map = &c->map;
    int err = create_share(c);
    err = err < 0 ? err : map_store_new(q, map);
    if (c->tree) {
        err = err < 0 ? err : qcow2_map_write(q, map, c->tree);
    }
    err = err < 0 ? err : qcow2_vm_state_store(q, map, c->state,
                                               c->base.l1 ? &c->base : NULL);
    err = err < 0 ? err : qcow2_store_u64(q, map->offset, map->l1,
                                          map->entries);
    if (c->replaces >= 0) {
        err = err < 0 ? err : map_forget(q, &c->old);
    }
    return err;
}

static Qcow2Snapshot *create_row(const Creation *c)
{
    Qcow2Snapshot *s = row_new(c->q, c->info, c->state->bytes, c->replaces);
    s->l1_offset = c->map.offset;
    s->l1_entries = c->map.entries;
    s->disk_bytes = c->map.size_bytes;
    return s;
}

/* A change has been prepared, or not: the image gets it with new rows. */
static int change_end(Qcow2 *q, int err, GPtrArray *rows)
{
    if (err == 0) {
        return qcow2_change_commit(q, rows);
    }
    if (rows) {
        g_ptr_array_unref(rows);
    }
    qcow2_change_abort(q);
    return err;
}

static int create(Creation *c)
{
    int err = strlen(c->info->name) > UINT16_MAX ? -EFBIG :
              qcow2_external(c->q) ? -ENOTSUP : qcow2_change_begin(c->q);
    if (err < 0) {
        return err;
    }
    err = create_prepare(c);
    return change_end(c->q, err, err < 0 ? NULL :
                      rows_changed(c->q, c->replaces, create_row(c)));
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
    Creation c = { .q = q, .from = from, .info = add->info,
                   .state = add->state, .replaces = -1, .tree = add->tree };
    bool ok = create_find(&c, &base, errp);
    if (ok) {
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

/* Makes map the active one; its table is taken over. */
static int active_replace(Qcow2 *q, Qcow2Map *map)
{
    int err = qcow2_walk_add(q, map, 1);
    err = err < 0 ? err : qcow2_walk_add(q, &q->map, -1);
    if (err == 0) {
        g_free(q->map.l1);
        q->map.l1 = g_steal_pointer(&map->l1);
        q->map.entries = map->entries;
        q->map.size_bytes = map->size_bytes;
        q->node.size_bytes = qcow2_disk_bytes(map->size_bytes);
    }
    return err;
}

bool qcow2_snapshot_goto(BlockNode *n, const char *name, Error **errp)
{
    Qcow2 *q = QCOW2(n);
    Qcow2Map map;
    Qcow2Snapshot *s = qcow2_snapshot_find(q, name, errp);
    if (!s || !qcow2_snapshot_map(q, s, &map, errp)) {
        return false;
    }
    for (uint32_t i = 0; i < map.entries; i++) {
        map.l1[i] &= ~ENTRY_COPIED;
    }
    /* Who keeps book of writes is told that everything was written. */
    int err = qcow2_bitmaps_resize(q, s->disk_bytes);
    err = err < 0 ? err : qcow2_change_begin(q);
    if (err == 0) {
        err = change_end(q, active_replace(q, &map), NULL);
    }
    if (err == 0 && q->bitmaps) {
        err = qcow2_bitmaps_note(q, 0, q->map.size_bytes);
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
    int err = qcow2_change_begin(q);
    if (err == 0) {
        err = change_end(q, map_forget(q, &map),
                         rows_changed(q, qcow2_snapshot_index(q, name), NULL));
    }
    g_free(map.l1);
    return err == 0 || qcow2_snapshot_fail(q, errp, err, "delete", name);
}

bool qcow2_snapshot_rename(BlockNode *n, const char *from, const char *to,
                           Error **errp)
{
    Qcow2 *q = QCOW2(n);
    if (!qcow2_snapshot_find(q, from, errp)) {
        return false;
    }
    int err = strlen(to) > UINT16_MAX ? -EFBIG : qcow2_change_begin(q);
    if (err == 0) {
        GPtrArray *rows = rows_changed(q, -1, NULL);
        Qcow2Snapshot *s =
            g_ptr_array_index(rows, qcow2_snapshot_index(q, from));
        g_free(s->info.name);
        s->info.name = g_strdup(to);
        err = change_end(q, 0, rows);
    }
    return err == 0 || qcow2_snapshot_fail(q, errp, err, "rename", from);
}
