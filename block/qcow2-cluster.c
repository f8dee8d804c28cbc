/*
 * From a byte of the disk to a byte of the file: L1 and L2 tables, and reading
 * through them.
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

/* --- entries ---------------------------------------------------------- */

/* Compressed: the offset in the low bits, then how many further sectors. */
static void parse_compressed(const Qcow2 *q, uint64_t raw, Qcow2Entry *e)
{
    unsigned offset_bits = 62 - (q->cluster_bits - 8);
    uint64_t more = (raw & (ENTRY_COMPRESSED - 1)) >> offset_bits;
    e->kind = CLUSTER_COMPRESSED;
    e->placed = true;
    e->host = raw & ((UINT64_C(1) << offset_bits) - 1);
    e->bytes = (more + 1) * 512 - (e->host & 511);
}

static const char *compressed_wrong(const Qcow2 *q, const Qcow2Entry *e)
{
    return e->raw & ENTRY_COPIED ? "compressed cluster marked as copied" :
           qcow2_external(q) ? "compressed cluster beside a data file" :
           e->subs ? "compressed cluster with subclusters" :
           e->host >= block_file_size(q->file) ||
           e->host < qcow2_cluster(q) ? /* where the header is */
           "compressed cluster out of bounds" : NULL;
}

/* Subclusters are allocated in a cluster only, and not zero as well. */
static const char *subs_wrong(const Qcow2Entry *e)
{
    return e->subs & (e->subs >> 32) & UINT32_MAX ?
               "a subcluster is both allocated and zero" :
           (e->subs & UINT32_MAX) && !e->placed ?
               "subclusters are allocated without a cluster" : NULL;
}

Qcow2Kind qcow2_entry_kind(const Qcow2 *q, const Qcow2Entry *e, unsigned sub)
{
    if (e->kind == CLUSTER_COMPRESSED || !qcow2_extended(q)) {
        return e->kind;
    }
    bool data = e->subs >> sub & 1, zero = e->subs >> (32 + sub) & 1;
    return data ? CLUSTER_DATA : !zero ? CLUSTER_UNALLOCATED :
           e->placed ? CLUSTER_ZERO_ALLOCATED : CLUSTER_ZERO;
}

const char *qcow2_entry_parse(const Qcow2 *q, const uint8_t *at,
                              Qcow2Entry *e)
{
    uint64_t raw = bytes_ld_be64(at);
    bool extended = qcow2_extended(q);
    *e = (Qcow2Entry) { .bytes = qcow2_cluster(q), .raw = raw,
                        .subs = extended ? bytes_ld_be64(at + 8) : 0 };
    if (raw & ENTRY_COMPRESSED) {
        parse_compressed(q, raw, e);
        return compressed_wrong(q, e);
    }
    bool zero = q->version >= 3 && !extended && (raw & ENTRY_ZERO);
    e->copied = raw & ENTRY_COPIED;
    e->host = raw & ENTRY_OFFSET;
    /* A data file may be used from its first byte on. */
    e->placed = e->host || (qcow2_external(q) && e->copied);
    if (raw & ~(ENTRY_COPIED | ENTRY_OFFSET | (zero ? ENTRY_ZERO : 0))) {
        return "reserved bits set in an L2 entry";
    }
    if (e->host & (qcow2_cluster(q) - 1)) {
        return "data cluster not on a cluster's boundary";
    }
    if (e->host && !qcow2_external(q) && e->host >= block_file_size(q->file)) {
        return "data cluster out of bounds";
    }
    e->kind = zero ? (e->placed ? CLUSTER_ZERO_ALLOCATED : CLUSTER_ZERO)
                   : (e->placed ? CLUSTER_DATA : CLUSTER_UNALLOCATED);
    e->kind = qcow2_entry_kind(q, e, 0);
    return extended ? subs_wrong(e) : NULL;
}

void qcow2_entry_put(const Qcow2 *q, uint8_t *at, uint64_t raw, uint64_t subs)
{
    bytes_st_be64(at, raw);
    if (qcow2_extended(q)) {
        bytes_st_be64(at + 8, subs);
    }
}

int qcow2_entry_load(Qcow2 *q, const Qcow2Table *l2, uint64_t i,
                     Qcow2Entry *e)
{
    uint64_t at = i * qcow2_entry_bytes(q);
    const char *bad = qcow2_entry_parse(q, l2->data + at, e);
    return bad ? qcow2_corrupt(q, l2->offset + at, bad) : 0;
}

ClusterRun qcow2_entry_run(const Qcow2 *q, const Qcow2Entry *e)
{
    uint64_t first = e->host >> q->cluster_bits;
    if (!e->placed || qcow2_external(q)) {
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
    Qcow2Kind kind;
    uint64_t bytes;        /* from the byte that was asked for */
} Part;

/* Does subcluster `sub` of `next`, `k` clusters on, continue what began with
 * `p`? */
static bool continues(const Qcow2 *q, const Part *p, const Qcow2Entry *next,
                      unsigned sub, uint64_t k)
{
    return qcow2_entry_kind(q, next, sub) == p->kind &&
           p->kind != CLUSTER_COMPRESSED &&
           (p->kind != CLUSTER_DATA ||
            next->host == p->entry.host + (k << q->cluster_bits));
}

/* Where the part that begins with subcluster s of a table ends, at or before
 * `end`; s counts subclusters of the whole table. */
static uint64_t part_end(Qcow2 *q, const Qcow2Table *l2, const Part *p,
                         uint64_t s, uint64_t end)
{
    unsigned shift = q->cluster_bits - qcow2_sub_bits(q);
    uint64_t first = s >> shift;
    Qcow2Entry next = p->entry;
    for (s++; s < end; s++) {
        uint64_t i = s >> shift;
        unsigned sub = s & ((1u << shift) - 1);
        if ((sub == 0 && qcow2_entry_parse(
                 q, l2->data + i * qcow2_entry_bytes(q), &next)) ||
            !continues(q, p, &next, sub, i - first)) {
            break;
        }
    }
    return s;
}

static int part_find(Qcow2 *q, const Qcow2Map *map, uint64_t offset,
                     uint64_t bytes, Part *p)
{
    Qcow2Table *l2;
    uint64_t span = qcow2_l2_span(q);
    int err = qcow2_l2_get(q, map, offset / span, &l2);
    *p = (Part) { .bytes = MIN(bytes, span - offset % span) };
    if (err < 0 || !l2) {
        return err;
    }
    unsigned bits = qcow2_sub_bits(q);
    uint64_t at = offset % span;
    err = qcow2_entry_load(q, l2, at >> q->cluster_bits, &p->entry);
    if (err < 0) {
        return err;
    }
    uint64_t s = at >> bits;
    p->kind = qcow2_entry_kind(q, &p->entry,
                               s & ((1u << (q->cluster_bits - bits)) - 1));
    uint64_t end = p->kind == CLUSTER_COMPRESSED ?
                   ((at >> q->cluster_bits) + 1) << (q->cluster_bits - bits) :
                   part_end(q, l2, p, s, ((at + p->bytes - 1) >> bits) + 1);
    p->bytes = MIN(p->bytes, (end << bits) - at);
    return 0;
}

/* --- reading ---------------------------------------------------------- */

static int read_compressed(Qcow2 *q, const Part *p, uint64_t within, void *buf)
{
    if (q->inflated != p->entry.raw) {
        g_autofree uint8_t *in = g_malloc(p->entry.bytes);
        q->inflated = 0;
        if (!q->inflated_data) {
            q->inflated_data = g_malloc(qcow2_cluster(q));
        }
        int err = block_file_read(q->file, p->entry.host, in, p->entry.bytes);
        if (err < 0) {
            return err;
        }
        if (!qcow2_inflate(q, in, p->entry.bytes)) {
            return qcow2_corrupt(q, p->entry.host, "bad compressed data");
        }
        q->inflated = p->entry.raw;
    }
    memcpy(buf, q->inflated_data + within, p->bytes);
    return 0;
}

static int part_read(Qcow2 *q, const Part *p, uint64_t offset, void *buf)
{
    uint64_t within = offset & (qcow2_cluster(q) - 1);
    if (p->kind == CLUSTER_DATA) {
        return block_file_read(q->data, p->entry.host + within, buf,
                               p->bytes);
    }
    if (p->kind == CLUSTER_COMPRESSED) {
        return read_compressed(q, p, within, buf);
    }
    if (p->kind == CLUSTER_UNALLOCATED && q->backing) {
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

uint64_t qcow2_map_place(Qcow2 *q, const Qcow2Map *map, uint64_t offset,
                         uint64_t bytes, BlockPlace *place)
{
    Part p;
    *place = (BlockPlace) { .allocated = true, .data = true };
    if (part_find(q, map, offset, bytes, &p) < 0) {
        /* Reading will say what is wrong. */
        return MIN(bytes, qcow2_cluster(q) -
                          (offset & (qcow2_cluster(q) - 1)));
    }
    place->allocated = p.kind != CLUSTER_UNALLOCATED;
    place->compressed = p.kind == CLUSTER_COMPRESSED;
    place->data = p.kind == CLUSTER_DATA || p.kind == CLUSTER_COMPRESSED;
    place->zero = !place->data;
    /* Where other programs look for the bytes: also of what reads as zeroes,
     * if it has a cluster. */
    if (p.kind == CLUSTER_DATA || p.kind == CLUSTER_ZERO_ALLOCATED) {
        place->file = block_file_path(q->data);
        place->offset = p.entry.host + (offset & (qcow2_cluster(q) - 1));
    }
    return p.bytes;
}

uint64_t qcow2_map_extent(Qcow2 *q, const Qcow2Map *map, uint64_t offset,
                          uint64_t bytes, BlockExtent *what)
{
    BlockPlace p;
    bytes = qcow2_map_place(q, map, offset, bytes, &p);
    if (!p.allocated && q->backing) {
        return node_extent_padded(q->backing, offset, bytes, what);
    }
    *what = !p.allocated ? BLOCK_EXTENT_UNALLOCATED :
            p.data ? BLOCK_EXTENT_DATA : BLOCK_EXTENT_ZERO;
    return bytes;
}
