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

int qcow2_entry_set(Qcow2 *q, uint64_t offset, uint64_t raw, uint64_t subs,
                    bool kept)
{
    Qcow2Table *l2;
    Qcow2Entry old;
    int err = l2_for_write(q, offset, &l2);
    if (err < 0) {
        return err;
    }
    uint64_t i = offset % qcow2_l2_span(q) >> q->cluster_bits;
    err = qcow2_entry_load(q, l2, i, &old);
    if (err < 0) {
        return err;
    }
    qcow2_entry_put(q, l2->data + i * qcow2_entry_bytes(q), raw, subs);
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
    return err < 0 || !l2 ? err :
           qcow2_entry_load(q, l2, offset % qcow2_l2_span(q) >>
                            q->cluster_bits, e);
}

/* --- subclusters ------------------------------------------------------- */

/* A run of subclusters in one cluster, as bytes: whole ones. Without extended
 * entries a cluster is one subcluster. */
typedef struct Span {
    uint64_t begin, end;
} Span;

/* The subclusters that bytes of a cluster touch. */
static Span span_touched(const Qcow2 *q, uint64_t within, uint64_t bytes)
{
    uint64_t sub = UINT64_C(1) << qcow2_sub_bits(q);
    return (Span) { within & ~(sub - 1),
                    (within + bytes + sub - 1) & ~(sub - 1) };
}

/* Their bits in the low half of an entry's bitmap. */
static uint64_t span_bits(const Qcow2 *q, Span s)
{
    unsigned shift = qcow2_sub_bits(q);
    unsigned first = s.begin >> shift, n = (s.end - s.begin) >> shift;
    return qcow2_extended(q) ? ((UINT64_C(1) << n) - 1) << first : 0;
}

/* Is all of it data in the cluster? */
static bool span_is_data(const Qcow2 *q, const Qcow2Entry *e, Span s)
{
    uint64_t bits = span_bits(q, s);
    return e->kind != CLUSTER_COMPRESSED &&
           (qcow2_extended(q) ? (e->subs & bits) == bits
                              : e->kind == CLUSTER_DATA);
}

/* Grown to all that a new cluster in place of the old one has to hold. */
static Span span_copied(const Qcow2 *q, const Qcow2Entry *old, Span s)
{
    unsigned shift = qcow2_sub_bits(q);
    if (old->kind == CLUSTER_COMPRESSED) {
        return (Span) { 0, qcow2_cluster(q) };
    }
    for (unsigned i = 0; qcow2_extended(q) && i < SUBCLUSTERS; i++) {
        if (old->subs >> i & 1) {
            s.begin = MIN(s.begin, (uint64_t)i << shift);
            s.end = MAX(s.end, (uint64_t)(i + 1) << shift);
        }
    }
    return s;
}

/* The bitmap after a span was written. */
static uint64_t subs_written(const Qcow2 *q, const Qcow2Entry *old, Span s)
{
    uint64_t bits = span_bits(q, s);
    return ((old->kind == CLUSTER_COMPRESSED ? 0 : old->subs) &
            ~(bits << 32)) | bits;
}

/* --- writing ---------------------------------------------------------- */

static int write_in_place(Qcow2 *q, uint64_t host, const void *buf,
                          uint64_t bytes)
{
    if (!qcow2_external(q) &&
        (qcow2_overlaps(q, host, bytes) ||
         qcow2_cache_has(&q->l2, host & ~(qcow2_cluster(q) - 1)))) {
        return qcow2_corrupt(q, host, "metadata and data share a cluster");
    }
    return block_file_write(q->data, host, buf, bytes);
}

/* A cluster for the one at a place of the disk: in a data file the same. */
static int cluster_alloc(Qcow2 *q, uint64_t start, uint64_t *host)
{
    *host = start;
    return qcow2_external(q) ? 0 : qcow2_alloc(q, 1, host);
}

static void cluster_unalloc(Qcow2 *q, uint64_t host)
{
    if (!qcow2_external(q)) {
        qcow2_free(q, host, 1);
    }
}

/* A cluster that nobody else reads. */
static bool is_own(const Qcow2Entry *e)
{
    return e->placed && e->copied && e->kind != CLUSTER_COMPRESSED;
}

/* Writes whole subclusters: what is there now, with `bytes` changed. */
static int write_cow(Qcow2 *q, uint64_t offset, const void *buf,
                     uint64_t bytes, const Qcow2Entry *old)
{
    uint64_t within = offset & (qcow2_cluster(q) - 1);
    uint64_t start = offset - within;
    bool reuse = is_own(old);
    uint64_t host = old->host;
    Span s = span_touched(q, within, bytes);
    s = reuse ? s : span_copied(q, old, s);
    uint64_t size = s.end - s.begin;
    g_autofree uint8_t *merged = bytes < size ? g_malloc(size) : NULL;
    int err = merged ? qcow2_map_read(q, &q->map, start + s.begin, merged,
                                      size) : 0;
    if (merged) {
        memcpy(merged + (within - s.begin), buf, bytes);
        buf = merged;
    }
    if (err == 0 && !reuse) {
        err = cluster_alloc(q, start, &host);
    }
    if (err < 0) {
        return err;
    }
    err = write_in_place(q, host + s.begin, buf, size);
    err = err < 0 ? err : qcow2_entry_set(q, start, host | ENTRY_COPIED,
                                          subs_written(q, old, s), reuse);
    if (err < 0 && !reuse) {
        cluster_unalloc(q, host);
    }
    return err;
}

/* Writes within one cluster. */
static int write_part(Qcow2 *q, uint64_t offset, const void *buf,
                      uint64_t bytes)
{
    Qcow2Entry e;
    uint64_t within = offset & (qcow2_cluster(q) - 1);
    int err = q->node.readonly ? -EROFS : bound_unreferenced(q);
    err = err < 0 ? err : entry_get(q, offset, &e);
    if (err < 0) {
        return err;
    }
    return is_own(&e) && span_is_data(q, &e, span_touched(q, within, bytes)) ?
           write_in_place(q, e.host + within, buf, bytes) :
           write_cow(q, offset, buf, bytes, &e);
}

int qcow2_write(BlockNode *n, uint64_t offset, const void *buf, size_t bytes)
{
    Qcow2 *q = QCOW2(n);
    const uint8_t *in = buf;
    int noted = q->bitmaps && !n->readonly ?
                qcow2_bitmaps_note(q, offset, bytes) : 0;
    if (noted < 0) {
        return noted;
    }
    while (bytes > 0) {
        uint64_t part = MIN(bytes, qcow2_cluster(q) -
                                   (offset & (qcow2_cluster(q) - 1)));
        int err = write_part(q, offset, in, part);
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

/* The disk's bytes in a cluster. */
static uint64_t cluster_part(const Qcow2 *q, uint64_t start)
{
    return MIN(qcow2_cluster(q), q->node.size_bytes - start);
}

static int write_few_zeroes(Qcow2 *q, uint64_t offset, uint64_t bytes)
{
    if (bytes == 0) {
        return 0;
    }
    g_autofree uint8_t *zeroes = g_malloc0(bytes);
    return qcow2_write(&q->node, offset, zeroes, bytes);
}

/* A data file that is to be a raw image has the zeroes itself. */
static int zero_raw_data(Qcow2 *q, uint64_t offset, uint64_t bytes)
{
    return qcow2_external(q) && (q->autoclear & AUTOCLEAR_RAW_DATA) ?
           block_file_zero(q->data, offset, bytes) : 0;
}

/* Nothing would change. */
static bool is_zero_already(const Qcow2 *q, const Qcow2Entry *e, Span s)
{
    uint64_t bits = span_bits(q, s);
    if (e->kind == CLUSTER_COMPRESSED) {
        return false;
    }
    return !qcow2_extended(q) ? e->kind == CLUSTER_ZERO ||
                                (e->kind == CLUSTER_UNALLOCATED && !q->backing)
                              : (e->subs >> 32 & bits) == bits ||
                                (!(e->subs & bits) && !q->backing);
}

/* Makes a whole cluster (or the last, short one) read as zeroes. */
static int zero_cluster(Qcow2 *q, uint64_t offset)
{
    Qcow2Entry e;
    Span all = { 0, qcow2_cluster(q) };
    int err = bound_unreferenced(q);
    err = err < 0 ? err : entry_get(q, offset, &e);
    err = err < 0 ? err : zero_raw_data(q, offset, cluster_part(q, offset));
    if (err < 0 || is_zero_already(q, &e, all)) {
        return err;
    }
    /* The place in a data file is kept: it is the only one there is. */
    bool keep = qcow2_external(q) && e.placed;
    uint64_t place = keep ? e.host | ENTRY_COPIED : 0;
    if (qcow2_extended(q)) {
        return qcow2_entry_set(q, offset, place, (uint64_t)UINT32_MAX << 32,
                               keep);
    }
    if (q->version >= 3 || !q->backing) {
        return qcow2_entry_set(q, offset, q->version >= 3 ?
                               place | ENTRY_ZERO : 0, 0, keep);
    }
    return write_few_zeroes(q, offset, cluster_part(q, offset));
}

/* Makes whole subclusters of a cluster read as zeroes. */
static int zero_subs(Qcow2 *q, uint64_t offset, uint64_t bytes)
{
    Qcow2Entry e;
    Span s = span_touched(q, offset & (qcow2_cluster(q) - 1), bytes);
    uint64_t bits = span_bits(q, s);
    int err = bound_unreferenced(q);
    err = err < 0 ? err : entry_get(q, offset, &e);
    if (err < 0 || is_zero_already(q, &e, s)) {
        return err;
    }
    if (e.kind == CLUSTER_COMPRESSED) {
        return write_few_zeroes(q, offset, bytes);
    }
    err = zero_raw_data(q, offset, bytes);
    return err < 0 ? err :
           qcow2_entry_set(q, offset, e.raw, (e.subs & ~bits) | bits << 32,
                           true);
}

/* Zeroes within one cluster; `end` is the disk's or a later byte's. */
static int zero_part(Qcow2 *q, uint64_t offset, uint64_t bytes)
{
    uint64_t sub = UINT64_C(1) << qcow2_sub_bits(q);
    uint64_t part = cluster_part(q, offset & ~(qcow2_cluster(q) - 1));
    if (bytes == part) {
        return zero_cluster(q, offset);
    }
    uint64_t head = MIN(bytes, -offset & (sub - 1));
    uint64_t end = offset + bytes;
    uint64_t tail = end == q->node.size_bytes || end - offset <= head ? 0 :
                    end & (sub - 1);
    int err = write_few_zeroes(q, offset, head);
    err = err < 0 ? err : write_few_zeroes(q, end - tail, tail);
    return err < 0 || bytes == head + tail ? err :
           zero_subs(q, offset + head, bytes - head - tail);
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
    uint64_t end = offset + bytes;
    int err = n->readonly ? -EROFS :
              q->bitmaps ? qcow2_bitmaps_note(q, offset, bytes) : 0;
    for (uint64_t at = offset; at < end && err == 0;) {
        uint64_t part = MIN(end - at, size - (at & (size - 1)));
        uint64_t hole = q->backing || qcow2_external(q) ? 0 :
                        unmapped(q, at, end - at);
        if (!hole) {
            err = zero_part(q, at, part);
        }
        at += hole ? hole : part;
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
        if (err == 0 && (e.placed || e.raw || e.subs)) {
            err = qcow2_entry_set(q, at, 0, 0, false);
        }
    }
    return err;
}
