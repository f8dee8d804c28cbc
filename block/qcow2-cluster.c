/*
 * From a byte of the disk to a byte of the file: L1 and L2 tables, and reading
 * through them.
 */
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "qcow2.h"

/* --- entries ---------------------------------------------------------- */

/* Compressed: the offset in the low bits, then how many further sectors. */
static void parse_compressed(const Qcow2 *q, uint64_t raw, Qcow2Entry *e)
{
    unsigned offset_bits = 62 - (q->cluster_bits - 8);
    uint64_t more = (raw & (ENTRY_COMPRESSED - 1)) >> offset_bits;
    e->kind = CLUSTER_COMPRESSED;
    e->host = raw & ((UINT64_C(1) << offset_bits) - 1);
    e->bytes = (more + 1) * 512 - (e->host & 511);
}

const char *qcow2_entry_parse(const Qcow2 *q, uint64_t raw, Qcow2Entry *e)
{
    *e = (Qcow2Entry) { .bytes = qcow2_cluster(q) };
    if (raw & ENTRY_COMPRESSED) {
        parse_compressed(q, raw, e);
        return raw & ENTRY_COPIED ? "compressed cluster marked as copied" :
               e->host >= block_file_size(q->file) ||
               e->host < qcow2_cluster(q) ? /* where the header is */
               "compressed cluster out of bounds" : NULL;
    }
    bool zero = q->version >= 3 && (raw & ENTRY_ZERO);
    e->copied = raw & ENTRY_COPIED;
    e->host = raw & ENTRY_OFFSET;
    if (raw & ~(ENTRY_COPIED | ENTRY_OFFSET | (zero ? ENTRY_ZERO : 0))) {
        return "reserved bits set in an L2 entry";
    }
    if (e->host & (qcow2_cluster(q) - 1)) {
        return "data cluster not on a cluster's boundary";
    }
    if (e->host >= block_file_size(q->file) && e->host != 0) {
        return "data cluster out of bounds";
    }
    e->kind = zero ? (e->host ? CLUSTER_ZERO_ALLOCATED : CLUSTER_ZERO)
                   : (e->host ? CLUSTER_DATA : CLUSTER_UNALLOCATED);
    return NULL;
}

ClusterRun qcow2_entry_run(const Qcow2 *q, const Qcow2Entry *e)
{
    uint64_t first = e->host >> q->cluster_bits;
    if (e->host == 0 || e->kind == CLUSTER_UNALLOCATED) {
        return (ClusterRun) { 0, 0 };
    }
    uint64_t last = (e->host + e->bytes - 1) >> q->cluster_bits;
    return (ClusterRun) { first, last - first + 1 };
}

int qcow2_l2_get(Qcow2 *q, const Qcow2Map *map, uint64_t index,
                 Qcow2Table **table)
{
    uint64_t raw = index < map->entries ? map->l1[index] : 0;
    uint64_t offset = raw & ENTRY_OFFSET;
    *table = NULL;
    if (raw == 0) {
        return 0;
    }
    if ((raw & L1_RESERVED) || (offset & (qcow2_cluster(q) - 1)) ||
        offset == 0 || (offset >= block_file_size(q->file) &&
                        !qcow2_cache_has(&q->l2, offset))) {
        return qcow2_corrupt(q, map->offset + index * 8,
                             "L2 table out of bounds");
    }
    return qcow2_cache_get(q, &q->l2, offset, table);
}

/* --- finding ---------------------------------------------------------- */

/* A part of the disk that is all the same; data are contiguous in the file. */
typedef struct Part {
    Qcow2Entry entry;
    uint64_t raw;
    uint64_t bytes;        /* from the byte that was asked for */
} Part;

static int entry_at(Qcow2 *q, const Qcow2Table *l2, uint64_t i, Qcow2Entry *e)
{
    const char *bad = qcow2_entry_parse(q, bytes_ld_be64(l2->data + i * 8),
                                        e);
    return bad ? qcow2_corrupt(q, l2->offset + i * 8, bad) : 0;
}

/* Does entry `next`, `k` clusters on, continue what began with `e`? */
static bool continues(const Qcow2 *q, const Qcow2Entry *e,
                      const Qcow2Entry *next, uint64_t k)
{
    return next->kind == e->kind && next->copied == e->copied &&
           e->kind != CLUSTER_COMPRESSED &&
           (e->kind != CLUSTER_DATA ||
            next->host == e->host + (k << q->cluster_bits));
}

static int part_find(Qcow2 *q, const Qcow2Map *map, uint64_t offset,
                     uint64_t bytes, Part *p)
{
    Qcow2Table *l2;
    uint64_t span = qcow2_l2_span(q);
    uint64_t within = offset & (qcow2_cluster(q) - 1);
    int err = qcow2_l2_get(q, map, offset / span, &l2);
    *p = (Part) { .bytes = MIN(bytes, span - offset % span) };
    if (err < 0 || !l2) {
        return err;
    }
    uint64_t i = offset % span >> q->cluster_bits;
    uint64_t entries = qcow2_cluster(q) / 8;
    p->raw = bytes_ld_be64(l2->data + i * 8);
    err = entry_at(q, l2, i, &p->entry);
    uint64_t k = 1;
    for (Qcow2Entry next; err == 0 && i + k < entries &&
         (k << q->cluster_bits) - within < bytes; k++) {
        if (qcow2_entry_parse(q, bytes_ld_be64(l2->data + (i + k) * 8),
                              &next) ||
            !continues(q, &p->entry, &next, k)) {
            break;
        }
    }
    p->bytes = MIN(p->bytes, (k << q->cluster_bits) - within);
    return err;
}

/* --- reading ---------------------------------------------------------- */

static bool inflate_cluster(const Qcow2 *q, uint8_t *in, uint64_t in_bytes)
{
    z_stream z = {
        .next_in = in, .avail_in = in_bytes,
        .next_out = q->inflated_data, .avail_out = qcow2_cluster(q),
    };
    if (inflateInit2(&z, -15) != Z_OK) {
        return false;
    }
    int ret = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return z.avail_out == 0 && (ret == Z_STREAM_END || ret == Z_BUF_ERROR ||
                                ret == Z_OK);
}

static int read_compressed(Qcow2 *q, const Part *p, uint64_t within, void *buf)
{
    if (q->inflated != p->raw) {
        g_autofree uint8_t *in = g_malloc(p->entry.bytes);
        q->inflated = 0;
        if (!q->inflated_data) {
            q->inflated_data = g_malloc(qcow2_cluster(q));
        }
        int err = block_file_read(q->file, p->entry.host, in, p->entry.bytes);
        if (err < 0) {
            return err;
        }
        if (!inflate_cluster(q, in, p->entry.bytes)) {
            return qcow2_corrupt(q, p->entry.host, "bad compressed data");
        }
        q->inflated = p->raw;
    }
    memcpy(buf, q->inflated_data + within, p->bytes);
    return 0;
}

static int part_read(Qcow2 *q, const Part *p, uint64_t offset, void *buf)
{
    uint64_t within = offset & (qcow2_cluster(q) - 1);
    if (p->entry.kind == CLUSTER_DATA) {
        return block_file_read(q->file, p->entry.host + within, buf,
                               p->bytes);
    }
    if (p->entry.kind == CLUSTER_COMPRESSED) {
        return read_compressed(q, p, within, buf);
    }
    if (p->entry.kind == CLUSTER_UNALLOCATED && q->backing) {
        return node_read_padded(q->backing, offset, buf, p->bytes);
    }
    memset(buf, 0, p->bytes);
    return 0;
}

int qcow2_map_read(Qcow2 *q, const Qcow2Map *map, uint64_t offset, void *buf,
                   size_t bytes)
{
    uint8_t *out = buf;
    while (bytes > 0) {
        Part p;
        int err = part_find(q, map, offset, bytes, &p);
        err = err < 0 ? err : part_read(q, &p, offset, out);
        if (err < 0) {
            return err;
        }
        out += p.bytes;
        offset += p.bytes;
        bytes -= p.bytes;
    }
    return 0;
}

uint64_t qcow2_map_extent(Qcow2 *q, const Qcow2Map *map, uint64_t offset,
                          uint64_t bytes, BlockExtent *what)
{
    Part p;
    if (part_find(q, map, offset, bytes, &p) < 0) {
        /* Reading will say what is wrong. */
        *what = BLOCK_EXTENT_DATA;
        return MIN(bytes, qcow2_cluster(q) -
                          (offset & (qcow2_cluster(q) - 1)));
    }
    if (p.entry.kind == CLUSTER_UNALLOCATED && q->backing) {
        return node_extent_padded(q->backing, offset, p.bytes, what);
    }
    *what = p.entry.kind == CLUSTER_UNALLOCATED ? BLOCK_EXTENT_UNALLOCATED :
            p.entry.kind == CLUSTER_DATA ||
            p.entry.kind == CLUSTER_COMPRESSED ? BLOCK_EXTENT_DATA
                                               : BLOCK_EXTENT_ZERO;
    return p.bytes;
}
