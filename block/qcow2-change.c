/*
 * A change of a whole qcow2 image at once: a snapshot comes, goes, or becomes
 * the active disk.
 *
 * Counts of clusters and "copied" flags in L2 tables say the same in two
 * places, so they cannot be changed one after the other without a moment in
 * which they contradict each other. Therefore nothing that the image leads to
 * is touched. Blocks of counts that change are copied in memory, tables are
 * written to clusters that were free before; the commit gives the blocks new
 * clusters too, and a new table above them. The header's pointers to the
 * active L1 table, the reference count table and the snapshot table lie side by
 * side in its first sector: one write of them is the change. Whoever is killed
 * before it leaves the old image, and afterwards the new one.
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

typedef struct Block {
    uint64_t offset;       /* its new cluster in the file, 0: not yet */
    uint8_t *data;
} Block;

typedef struct Qcow2Change {
    GHashTable *blocks;    /* Block, by index in the reference count table */
    Qcow2Map active;       /* before; owns its table */
    uint64_t disk_bytes;   /* before */
    uint64_t free_hint;    /* before */
    uint64_t freed;        /* first cluster that became free */
} Qcow2Change;

/* All that the header gets to point to. */
typedef struct Target {
    uint64_t *reftable;
    uint64_t reftable_offset;
    uint64_t reftable_clusters;
    uint64_t snapshots_offset, snapshots_bytes;
    uint32_t snapshots;
} Target;

static void block_free(void *opaque)
{
    Block *b = opaque;
    g_free(b->data);
    g_free(b);
}

/* --- counts ------------------------------------------------------------ */

uint8_t *qcow2_change_counts(const Qcow2 *q, uint64_t index)
{
    const Block *b =
        q->change ? g_hash_table_lookup(q->change->blocks, &index) : NULL;
    return b ? b->data : NULL;
}

uint8_t *qcow2_change_own(Qcow2 *q, uint64_t index, const uint8_t *counts)
{
    uint8_t *data = qcow2_change_counts(q, index);
    if (!data) {
        Block *b = g_new0(Block, 1);
        data = b->data = g_malloc0(qcow2_cluster(q));
        if (counts) {
            memcpy(data, counts, qcow2_cluster(q));
        }
        g_hash_table_insert(q->change->blocks, g_memdup2(&index, 8), b);
    }
    return data;
}

bool qcow2_change_freed(Qcow2 *q, uint64_t cluster)
{
    if (q->change) {
        q->change->freed = MIN(q->change->freed, cluster);
    }
    return q->change;
}

/* --- beginning and ending --------------------------------------------- */

int qcow2_change_begin(Qcow2 *q)
{
    int err = q->node.readonly ? -EROFS : qcow2_sync_tables(q);
    if (err < 0) {
        return err;
    }
    g_assert(!q->change && q->unreferenced->len == 0);
    Qcow2Change *c = q->change = g_new0(Qcow2Change, 1);
    c->blocks = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
                                      block_free);
    c->active = q->map;
    c->active.l1 = g_memdup2(q->map.l1, q->map.entries * 8ULL);
    c->disk_bytes = q->node.size_bytes;
    c->free_hint = q->free_hint;
    c->freed = UINT64_MAX;
    return 0;
}

static void change_free(Qcow2 *q)
{
    g_hash_table_unref(q->change->blocks);
    g_free(q->change->active.l1);
    g_clear_pointer(&q->change, g_free);
}

void qcow2_change_abort(Qcow2 *q)
{
    Qcow2Change *c = q->change;
    g_free(q->map.l1);
    q->map = c->active;
    c->active.l1 = NULL;
    q->l1_dirty = false;
    q->node.size_bytes = c->disk_bytes;
    q->free_hint = c->free_hint;
    g_array_set_size(q->unreferenced, 0);
    qcow2_cache_free(&q->l2);
    qcow2_cache_init(q, &q->l2);
    change_free(q);
}

/* --- new places -------------------------------------------------------- */

/* Takes a reference from what lay at an offset. */
static int forget(Qcow2 *q, uint64_t offset, uint64_t bytes)
{
    return qcow2_refcount_add(q, offset >> q->cluster_bits,
                              qcow2_clusters(q, bytes), -1);
}

static uint64_t old_entries(const Qcow2 *q)
{
    return ((uint64_t)q->reftable_clusters << q->cluster_bits) / 8;
}

/* A block that has no new cluster yet, or NULL; *entries is raised to what a
 * table of all blocks needs. */
static Block *block_unplaced(const Qcow2 *q, uint64_t *index,
                             uint64_t *entries)
{
    GHashTableIter iter;
    void *key, *value;
    Block *unplaced = NULL;
    g_hash_table_iter_init(&iter, q->change->blocks);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        uint64_t i = *(uint64_t *)key;
        *entries = MAX(*entries, i + 1);
        /* The lowest, so that equal images are changed equally. */
        if (!((Block *)value)->offset && (!unplaced || i < *index)) {
            unplaced = value;
            *index = i;
        }
    }
    return unplaced;
}

/* Gives all changed blocks new clusters. That changes further ones. */
static int blocks_place(Qcow2 *q, uint64_t *entries)
{
    uint64_t index = 0;
    int err = 0;
    for (Block *b; err == 0 && (b = block_unplaced(q, &index, entries));) {
        uint64_t old = index < old_entries(q) ? q->reftable[index] : 0;
        err = qcow2_alloc(q, 1, &b->offset);
        if (err == 0 && old) {
            err = forget(q, old, 1);
        }
    }
    return err;
}

/* Places for the blocks and, large enough for them, the table. */
static int reftable_place(Qcow2 *q, Target *t)
{
    uint64_t entries = old_entries(q);
    int err = forget(q, q->reftable_offset,
                     (uint64_t)q->reftable_clusters << q->cluster_bits);
    err = err < 0 ? err : blocks_place(q, &entries);
    while (err == 0 && t->reftable_clusters < qcow2_clusters(q, entries * 8)) {
        if (t->reftable_clusters) {
            err = forget(q, t->reftable_offset,
                         t->reftable_clusters << q->cluster_bits);
        }
        t->reftable_clusters = qcow2_clusters(q, entries * 8);
        if (t->reftable_clusters << q->cluster_bits >
            QCOW2_REFTABLE_BYTES_MAX) {
            return -EFBIG;
        }
        err = err < 0 ? err : qcow2_alloc(q, t->reftable_clusters,
                                          &t->reftable_offset);
        err = err < 0 ? err : blocks_place(q, &entries);
    }
    return err;
}

static int reftable_store(Qcow2 *q, Target *t)
{
    GHashTableIter iter;
    void *key, *value;
    uint64_t entries = (t->reftable_clusters << q->cluster_bits) / 8;
    int err = 0;
    t->reftable = g_new0(uint64_t, entries);
    memcpy(t->reftable, q->reftable, MIN(entries, old_entries(q)) * 8);
    g_hash_table_iter_init(&iter, q->change->blocks);
    while (err == 0 && g_hash_table_iter_next(&iter, &key, &value)) {
        const Block *b = value;
        t->reftable[*(uint64_t *)key] = b->offset;
        err = block_file_write(q->file, b->offset, b->data, qcow2_cluster(q));
    }
    return err < 0 ? err : qcow2_store_u64(q, t->reftable_offset, t->reftable,
                                           entries);
}

/* The active L1 table. */
static int active_store(Qcow2 *q)
{
    const Qcow2Map *old = &q->change->active;
    uint64_t clusters = qcow2_clusters(q, q->map.entries * 8ULL), offset = 0;
    int err = forget(q, old->offset, old->entries * 8ULL);
    if (clusters) {
        err = err < 0 ? err : qcow2_alloc(q, clusters, &offset);
        err = err < 0 ? err : qcow2_store_u64(q, offset, q->map.l1,
                                              q->map.entries);
    }
    q->map.offset = offset;
    return err;
}

static int rows_store(Qcow2 *q, const GPtrArray *rows, Target *t)
{
    if (!rows) {
        t->snapshots_offset = q->snapshots_offset;
        t->snapshots_bytes = q->snapshots_bytes;
        t->snapshots = q->snapshots->len;
        return 0;
    }
    t->snapshots = rows->len;
    int err = forget(q, q->snapshots_offset, q->snapshots_bytes);
    return err < 0 ? err : qcow2_snapshots_store(q, rows, &t->snapshots_offset,
                                                 &t->snapshots_bytes);
}

/* --- the commit --------------------------------------------------------- */

static int header_store(Qcow2 *q, const Target *t)
{
    enum { END = HEADER_SNAPSHOT_COUNT + 12 };
    uint8_t all[END] = { 0 };
    bytes_st_be64(all + HEADER_SIZE, q->map.size_bytes);
    bytes_st_be32(all + HEADER_L1_SIZE, q->map.entries);
    bytes_st_be64(all + HEADER_L1_SIZE + 4, q->map.offset);
    bytes_st_be64(all + HEADER_REFTABLE_OFFSET, t->reftable_offset);
    bytes_st_be32(all + HEADER_REFTABLE_OFFSET + 8, t->reftable_clusters);
    bytes_st_be32(all + HEADER_SNAPSHOT_COUNT, t->snapshots);
    bytes_st_be64(all + HEADER_SNAPSHOT_COUNT + 4, t->snapshots_offset);
    return qcow2_header_switch(q, HEADER_SIZE, all + HEADER_SIZE,
                               END - HEADER_SIZE);
}

static int commit_prepare(Qcow2 *q, const GPtrArray *rows, Target *t)
{
    int err = qcow2_walk_copied(q);
    err = err < 0 ? err : qcow2_sync_tables(q);
    err = err < 0 ? err : active_store(q);
    err = err < 0 ? err : rows_store(q, rows, t);
    err = err < 0 ? err : reftable_place(q, t);
    return err < 0 ? err : reftable_store(q, t);
}

/* The header is written: it is so. */
static void commit_done(Qcow2 *q, GPtrArray *rows, Target *t)
{
    g_free(q->reftable);
    q->reftable = t->reftable;
    q->reftable_offset = t->reftable_offset;
    q->reftable_clusters = t->reftable_clusters;
    q->snapshots_offset = t->snapshots_offset;
    q->snapshots_bytes = t->snapshots_bytes;
    if (rows) {
        g_ptr_array_unref(q->snapshots);
        q->snapshots = rows;
    }
    q->free_hint = MIN(q->free_hint, q->change->freed);
    qcow2_cache_free(&q->refblocks);
    qcow2_cache_init(q, &q->refblocks);
    change_free(q);
}

int qcow2_change_commit(Qcow2 *q, GPtrArray *rows)
{
    Target t = { 0 };
    int err = commit_prepare(q, rows, &t);
    err = err < 0 ? err : header_store(q, &t);
    if (err == 0) {
        commit_done(q, rows, &t);
        return 0;
    }
    g_free(t.reftable);
    if (rows) {
        g_ptr_array_unref(rows);
    }
    qcow2_change_abort(q);
    return err;
}
