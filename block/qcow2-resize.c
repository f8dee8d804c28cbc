/*
 * Disks of qcow2 images that become larger or smaller.
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

/* --- resizing --------------------------------------------------------- */

/* Writes the L1 table, with `entries` entries, to new clusters. */
static int l1_move(Qcow2 *q, const Qcow2Map *from, Qcow2Map *to)
{
    uint64_t clusters = qcow2_clusters(q, to->entries * UINT64_C(8));
    to->l1 = g_new0(uint64_t, to->entries);
    to->offset = 0;
    memcpy(to->l1, from->l1, MIN(from->entries, to->entries) * UINT64_C(8));
    int err = qcow2_alloc(q, clusters, &to->offset);
    if (err < 0) {
        return err;
    }
    err = qcow2_store_u64(q, to->offset, to->l1, to->entries);
    if (err < 0) {
        qcow2_free(q, to->offset, clusters);
    }
    return err;
}

int qcow2_l1_grow(Qcow2 *q, uint64_t size_bytes)
{
    Qcow2Map old = q->map;
    Qcow2Map map = q->map;
    map.entries = qcow2_l1_needed(q, size_bytes);
    int err = map.entries > QCOW2_L1_BYTES_MAX / 8 ? -EFBIG :
              qcow2_sync_tables(q);
    if (err < 0) {
        return err;
    }
    err = l1_move(q, &old, &map);
    if (err == 0) {
        err = qcow2_header_set_map(q, &map);
        if (err < 0) {
            qcow2_free(q, map.offset, qcow2_clusters(q, map.entries * 8ULL));
        }
    }
    if (err < 0) {
        g_free(map.l1);
        return err;
    }
    q->map = map;
    qcow2_free(q, old.offset, qcow2_clusters(q, old.entries * 8ULL));
    g_free(old.l1);
    return 0;
}

/* What lies behind the old end, in its last cluster and in the backing file,
 * must not be seen: zeroes are written while nobody can. */
static int clear_grown(Qcow2 *q, uint64_t from, uint64_t size)
{
    uint64_t end = MIN((from + qcow2_cluster(q) - 1) &
                       ~(qcow2_cluster(q) - 1), size);
    if (q->backing) {
        end = MAX(end, MIN(q->backing->size_bytes, size));
    }
    int err = end > from ? qcow2_write_zeroes(&q->node, from, end - from) : 0;
    return err < 0 ? err : qcow2_sync_tables(q);
}

static int grow(Qcow2 *q, uint64_t size_bytes)
{
    Qcow2Map old = q->map;
    uint64_t need = qcow2_l1_needed(q, size_bytes);
    int err = need > QCOW2_L1_BYTES_MAX / 8 ? -EFBIG : qcow2_sync_tables(q);
    if (err == 0 && need > old.entries) {
        err = qcow2_l1_grow(q, size_bytes);
    }
    if (err < 0) {
        return err;
    }
    uint64_t disk = q->node.size_bytes;
    q->map.size_bytes = size_bytes;
    q->node.size_bytes = qcow2_disk_bytes(size_bytes);
    err = clear_grown(q, old.size_bytes, size_bytes);
    err = err < 0 ? err : qcow2_header_set_map(q, &q->map);
    if (err < 0) {
        q->map.size_bytes = old.size_bytes;
        q->node.size_bytes = disk;
    }
    return err;
}

static int cut(Qcow2 *q, uint64_t size_bytes)
{
    uint64_t old = q->map.size_bytes;
    q->map.size_bytes = size_bytes;
    int err = qcow2_header_set_map(q, &q->map);
    if (err < 0) {
        q->map.size_bytes = old;
        return err;
    }
    q->node.size_bytes = qcow2_disk_bytes(size_bytes);
    err = qcow2_discard(q, size_bytes, old - size_bytes);
    for (uint64_t i = qcow2_l1_needed(q, size_bytes);
         i < q->map.entries && err == 0; i++) {
        uint64_t raw = q->map.l1[i];
        if (raw) {
            qcow2_free_later(q, (raw & ENTRY_OFFSET) >> q->cluster_bits, 1);
            q->map.l1[i] = 0;
            q->l1_dirty = true;
        }
    }
    return err < 0 ? err : qcow2_sync_tables(q);
}

bool qcow2_resize(BlockNode *n, uint64_t size_bytes, bool shrink, Error **errp)
{
    Qcow2 *q = QCOW2(n);
    uint64_t old = q->map.size_bytes;
    if (q->snapshots->len > 0 && (size_bytes < old || q->version < 3)) {
        error_set(errp, "Image '%s' has snapshots and cannot be %s", n->file,
                  size_bytes < old ? "shrunk" : "resized");
        return false;
    }
    int err = qcow2_bitmaps_resize(q, size_bytes);
    err = err < 0 ? err : qcow2_active_vm_state_drop(q);
    err = err < 0 ? err :
          size_bytes < old ? cut(q, size_bytes) : grow(q, size_bytes);
    if (err == 0 && qcow2_external(q)) {
        /* A data file may be a raw image: as long as the disk. */
        err = block_file_truncate(q->data, q->node.size_bytes);
    }
    if (err < 0) {
        error_set_errno(errp, -err, "Could not resize '%s'", n->file);
    }
    return err == 0;
}
