/*
 * Writing to a qcow2 image: in place where a cluster belongs to the active
 * disk alone, otherwise into a new one that then takes its place in the L2
 * table.
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

/* How many clusters may wait to lose a reference. */
#define UNREFERENCED_MAX 4096

/* --- tables for writing ----------------------------------------------- */

/* Puts a new L2 table, a copy of `old` (NULL: empty), into the L1 table. */
static int l2_replace(Qcow2 *q, uint64_t index, Qcow2Table *old,
                      Qcow2Table **table)
{
    uint64_t old_offset = old ? old->offset : 0;
    g_autofree uint8_t *copy =
        old ? g_memdup2(old->data, qcow2_cluster(q)) : NULL;
    uint64_t offset;
    int err = qcow2_alloc(q, 1, &offset);
    if (err < 0) {
        return err;
    }
    err = qcow2_cache_new(q, &q->l2, offset, table);
    if (err < 0) {
        qcow2_free(q, offset, 1);
        return err;
    }
    if (old) {
        memcpy((*table)->data, copy, qcow2_cluster(q));
        qcow2_free_later(q, old_offset >> q->cluster_bits, 1);
    }
    q->map.l1[index] = offset | ENTRY_COPIED;
    q->l1_dirty = true;
    return 0;
}

/* The L2 table of a byte of the disk, which nobody else has. */
static int l2_for_write(Qcow2 *q, uint64_t offset, Qcow2Table **table)
{
    uint64_t index = offset / qcow2_l2_span(q);
    int err = qcow2_l2_get(q, &q->map, index, table);
    if (err < 0 || (*table && (q->map.l1[index] & ENTRY_COPIED))) {
        return err;
    }
    return l2_replace(q, index, *table, table);
}

/* Changes the L2 entry of a cluster of the disk. What it referred to is given
 * back unless it is `kept`. */
static int entry_set(Qcow2 *q, uint64_t offset, uint64_t raw, bool kept)
{
    Qcow2Table *l2;
    Qcow2Entry old;
    int err = l2_for_write(q, offset, &l2);
    if (err < 0) {
        return err;
    }
    uint8_t *at = l2->data + (offset % qcow2_l2_span(q) >> q->cluster_bits) * 8;
    const char *bad = qcow2_entry_parse(q, bytes_ld_be64(at), &old);
    if (bad) {
        return qcow2_corrupt(q, l2->offset + (at - l2->data), bad);
    }
    bytes_st_be64(at, raw);
    l2->dirty = true;
    if (!kept) {
        ClusterRun run = qcow2_entry_run(q, &old);
        qcow2_free_later(q, run.first, run.count);
    }
    return 0;
}

/* Bounds what waits. Only between two changes: an error here is none of what
 * was changed before. */
static int bound_unreferenced(Qcow2 *q)
{
    return q->unreferenced->len > UNREFERENCED_MAX ? qcow2_sync_tables(q) : 0;
}

static int entry_get(Qcow2 *q, uint64_t offset, Qcow2Entry *e)
{
    Qcow2Table *l2;
    int err = qcow2_l2_get(q, &q->map, offset / qcow2_l2_span(q), &l2);
    *e = (Qcow2Entry) { .kind = CLUSTER_UNALLOCATED };
    if (err < 0 || !l2) {
        return err;
    }
    uint64_t i = offset % qcow2_l2_span(q) >> q->cluster_bits;
    const char *bad = qcow2_entry_parse(q, bytes_ld_be64(l2->data + i * 8),
                                        e);
    return bad ? qcow2_corrupt(q, l2->offset + i * 8, bad) : 0;
}

/* --- writing ---------------------------------------------------------- */

static int write_in_place(Qcow2 *q, uint64_t host, const void *buf,
                          uint64_t bytes)
{
    if (qcow2_overlaps(q, host, bytes) ||
        qcow2_cache_has(&q->l2, host & ~(qcow2_cluster(q) - 1))) {
        return qcow2_corrupt(q, host, "metadata and data share a cluster");
    }
    return block_file_write(q->file, host, buf, bytes);
}

/* Writes a whole new cluster: what is there now, with `bytes` changed. */
static int write_cow(Qcow2 *q, uint64_t offset, const void *buf,
                     uint64_t bytes, const Qcow2Entry *old)
{
    uint64_t size = qcow2_cluster(q);
    uint64_t within = offset & (size - 1);
    uint64_t start = offset - within;
    bool reuse = old->kind == CLUSTER_ZERO_ALLOCATED && old->copied;
    uint64_t host = old->host;
    g_autofree uint8_t *merged = bytes < size ? g_malloc(size) : NULL;
    int err = merged ? qcow2_map_read(q, &q->map, start, merged, size) : 0;
    if (merged) {
        memcpy(merged + within, buf, bytes);
        buf = merged;
    }
    if (err == 0 && !reuse) {
        err = qcow2_alloc(q, 1, &host);
    }
    if (err < 0) {
        return err;
    }
    err = write_in_place(q, host, buf, size);
    err = err < 0 ? err : entry_set(q, start, host | ENTRY_COPIED, reuse);
    if (err < 0 && !reuse) {
        qcow2_free(q, host, 1);
    }
    return err;
}

int qcow2_write(BlockNode *n, uint64_t offset, const void *buf, size_t bytes)
{
    Qcow2 *q = QCOW2(n);
    const uint8_t *in = buf;
    while (bytes > 0) {
        Qcow2Entry e;
        uint64_t within = offset & (qcow2_cluster(q) - 1);
        uint64_t part = MIN(bytes, qcow2_cluster(q) - within);
        int err = n->readonly ? -EROFS : bound_unreferenced(q);
        err = err < 0 ? err : entry_get(q, offset, &e);
        if (err == 0 && e.kind == CLUSTER_DATA && e.copied) {
            err = write_in_place(q, e.host + within, in, part);
        } else if (err == 0) {
            err = write_cow(q, offset, in, part, &e);
        }
        if (err < 0) {
            return err;
        }
        in += part;
        offset += part;
        bytes -= part;
    }
    return 0;
}

/* --- zeroes ----------------------------------------------------------- */

/* Makes a whole cluster (or the last, short one) read as zeroes. */
static int zero_cluster(Qcow2 *q, uint64_t offset)
{
    Qcow2Entry e;
    int err = bound_unreferenced(q);
    err = err < 0 ? err : entry_get(q, offset, &e);
    if (err < 0 || e.kind == CLUSTER_ZERO ||
        (e.kind == CLUSTER_UNALLOCATED && !q->backing)) {
        return err;
    }
    if (q->version >= 3 || !q->backing) {
        return entry_set(q, offset, q->version >= 3 ? ENTRY_ZERO : 0, false);
    }
    g_autofree uint8_t *zeroes = g_malloc0(qcow2_cluster(q));
    return qcow2_write(&q->node, offset, zeroes, qcow2_cluster(q));
}

static int write_few_zeroes(Qcow2 *q, uint64_t offset, uint64_t bytes)
{
    if (bytes == 0) {
        return 0;
    }
    g_autofree uint8_t *zeroes = g_malloc0(bytes);
    return qcow2_write(&q->node, offset, zeroes, bytes);
}

/* Disk bytes from offset on, at most `bytes`, that have no L2 table. */
static uint64_t unmapped(const Qcow2 *q, uint64_t offset, uint64_t bytes)
{
    uint64_t span = qcow2_l2_span(q);
    return q->map.l1[offset / span] ? 0 : MIN(bytes, span - offset % span);
}

int qcow2_write_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    Qcow2 *q = QCOW2(n);
    uint64_t size = qcow2_cluster(q);
    uint64_t head = MIN(bytes, -offset & (size - 1));
    uint64_t end = offset + bytes;
    int err = n->readonly ? -EROFS : write_few_zeroes(q, offset, head);
    for (uint64_t at = offset + head; at < end && err == 0;) {
        uint64_t hole = q->backing ? 0 : unmapped(q, at, end - at);
        if (hole) {
            at += hole;
        } else if (end - at < size && end != n->size_bytes) {
            err = write_few_zeroes(q, at, end - at);
            break;
        } else {
            err = zero_cluster(q, at);
            at += size;
        }
    }
    return err;
}

int qcow2_discard(Qcow2 *q, uint64_t offset, uint64_t bytes)
{
    uint64_t size = qcow2_cluster(q);
    uint64_t end = offset + bytes;
    int err = 0;
    for (uint64_t at = (offset + size - 1) & ~(size - 1); at < end && err == 0;
         at += MAX(unmapped(q, at, end - at), size)) {
        Qcow2Entry e = { 0 };
        err = bound_unreferenced(q);
        err = err < 0 ? err : entry_get(q, at, &e);
        if (err == 0 && e.kind != CLUSTER_UNALLOCATED) {
            err = entry_set(q, at, 0, false);
        }
    }
    return err;
}
