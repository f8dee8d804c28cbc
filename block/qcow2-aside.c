/*
 * A snapshot added to an image by a replay, which only reads it: of the disk as
 * the replay sees it, which is the image or one of its snapshots with an
 * overlay on top.
 *
 * The image is opened a second time for the moment, for writing, while the
 * reader stays. The new snapshot begins as a copy of the map below the overlay,
 * and the overlay's clusters are written to it as the guest's are to the
 * active disk: what is shared is copied first. It is one change of the image
 * (qcow2-change.c). The data and tables of older snapshots keep their place and
 * content, so views of them need not know; the active disk's tables may move,
 * and are read again.
 */
#include "qcow2.h"

/* --- a map, written ----------------------------------------------------- */

static int put_clusters(Qcow2 *q, const ClusterTree *tree)
{
    uint64_t run, size = q->node.size_bytes;
    int err = 0;
    for (uint64_t at = 0; at < size && err == 0; at += run) {
        const uint8_t *data;
        ClusterKind kind = tree_find(tree, at, &data, &run);
        run = MIN(run, size - at);
        if (kind == CLUSTER_BYTES) {
            err = qcow2_write(&q->node, at, data, run);
        } else if (kind == CLUSTER_ZEROES) {
            err = qcow2_write_zeroes(&q->node, at, run);
        }
    }
    return err;
}

/* "Copied" is said of the active disk's clusters only. */
static int clear_copied(Qcow2 *q)
{
    int err = 0;
    for (uint32_t i = 0; i < q->map.entries && err == 0; i++) {
        Qcow2Table *l2 = NULL;
        if (!(q->map.l1[i] & ENTRY_COPIED)) {
            continue;
        }
        err = qcow2_l2_get(q, &q->map, i, &l2);
        for (uint64_t k = 0; l2 && k < qcow2_cluster(q);
             k += qcow2_entry_bytes(q)) {
            uint64_t raw = bytes_ld_be64(l2->data + k);
            bytes_st_be64(l2->data + k, raw & ~ENTRY_COPIED);
            l2->dirty = true;
        }
        q->map.l1[i] &= ~ENTRY_COPIED;
    }
    return err;
}

int qcow2_map_write(Qcow2 *q, Qcow2Map *map, const ClusterTree *tree)
{
    Qcow2Map active = q->map;
    uint64_t size = q->node.size_bytes;
    struct Qcow2Bitmaps *bitmaps = q->bitmaps; /* they are the active disk's */
    g_assert(!q->l1_dirty);
    q->bitmaps = NULL;
    q->map = *map;
    q->node.size_bytes = qcow2_disk_bytes(map->size_bytes);
    int err = put_clusters(q, tree);
    err = err < 0 ? err : clear_copied(q);
    q->l1_dirty = true;
    err = err < 0 ? err : qcow2_sync_tables(q);
    q->l1_dirty = false;
    q->map = active;
    q->bitmaps = bitmaps;
    q->node.size_bytes = size;
    return err;
}

/* --- a writer beside the reader ----------------------------------------- */

static BlockNode *writer_open(Qcow2 *q, Error **errp)
{
    BlockFile *file = block_file_open_beside(q->file, errp);
    NodeOpen how = { .file = q->node.file, .format = "qcow2" };
    BlockNode *n = file ? qcow2_open(file, &how, errp) : NULL;
    if (!n && errp) {
        error_prepend(errp, "A snapshot needs the image '%s' for writing: ",
                      q->node.file);
    }
    return n;
}

/* The active map's tables may lie elsewhere now; they say the same. */
static bool active_reload(Qcow2 *q, Error **errp)
{
    uint8_t header[HEADER_REFTABLE_OFFSET - HEADER_L1_SIZE];
    int err = block_file_read(q->file, HEADER_L1_SIZE, header, sizeof header);
    if (err < 0 || bytes_ld_be32(header) != q->map.entries) {
        error_set(errp, "Could not read '%s' again", q->node.file);
        return false;
    }
    uint64_t offset = bytes_ld_be64(header + 4);
    uint64_t *l1 = qcow2_load_u64(q, offset, q->map.entries,
                                  "active L1 table", errp);
    if (l1) {
        g_free(q->map.l1);
        q->map.l1 = l1;
        q->map.offset = offset;
    }
    return l1;
}

/* The reader gets to know what was written. */
static bool writer_close(Qcow2 *q, BlockNode *writer, Error **errp)
{
    node_unref(writer);
    qcow2_cache_free(&q->l2);
    qcow2_cache_init(q, &q->l2);
    return qcow2_snapshots_reload(q, errp) && active_reload(q, errp);
}

/* The same map, as the writer has it. */
static const Qcow2Map *writer_map(Qcow2 *q, BlockNode *writer,
                                  const BlockNode *base)
{
    const Qcow2Map *map = qcow2_node_map(base, q);
    return map == &q->map ? &QCOW2(writer)->map : map;
}

static bool name_free(const Qcow2 *q, const char *name, Error **errp)
{
    for (guint i = 0; name && i < q->snapshots->len; i++) {
        const Qcow2Snapshot *s = g_ptr_array_index(q->snapshots, i);
        if (g_str_equal(s->info.name, name)) {
            error_set(errp, "Snapshot '%s' exists in '%s'; a replay replaces "
                      "none", name, q->node.file);
            return false;
        }
    }
    return true;
}

bool qcow2_snapshot_may_add(BlockNode *n, const char *name, Error **errp)
{
    BlockNode *w = name_free(QCOW2(n), name, errp) ?
                   writer_open(QCOW2(n), errp) : NULL;
    return w && writer_close(QCOW2(n), w, errp);
}

bool qcow2_snapshot_add(BlockNode *n, const SnapshotAdd *add, Error **errp)
{
    Qcow2 *q = QCOW2(n);
    BlockNode *w = name_free(q, add->info->name, errp) ?
                   writer_open(q, errp) : NULL;
    if (!w) {
        return false;
    }
    bool ok = qcow2_snapshot_create_of(QCOW2(w), writer_map(q, w, add->base),
                                       add, errp);
    return writer_close(q, w, ok ? errp : NULL) && ok;
}

void qcow2_snapshot_withdraw(BlockNode *n, const char *name)
{
    BlockNode *w = writer_open(QCOW2(n), NULL);
    if (w) {
        (void)qcow2_snapshot_delete(w, name, NULL);
        (void)writer_close(QCOW2(n), w, NULL);
    }
}
