/*
 * Are the reference counts of a qcow2 image what its tables say? Counts all
 * references anew and compares; repair writes the counts that were found.
 */
#include <errno.h>
#include <string.h>

#include "qcow2-check.h"

void check_report(const Check *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    g_autofree char *line = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    if (c->result->report) {
        c->result->report(c->result->opaque, line);
    }
}

void check_corruption(Check *c, uint64_t offset, const char *what)
{
    c->result->corruptions++;
    check_report(c, "ERROR at offset 0x%" G_GINT64_MODIFIER "x: %s", offset, what);
}

/* --- counting --------------------------------------------------------- */

/* Bytes of the file are in use. False if they cannot be. */
static bool refer(Check *c, uint64_t offset, uint64_t bytes, Use use,
                  const char *what)
{
    uint64_t first = offset >> c->q->cluster_bits;
    uint64_t n = qcow2_clusters(c->q, (offset & (qcow2_cluster(c->q) - 1)) +
                                      bytes);
    if (first >= c->clusters || n > c->clusters - first) {
        check_corruption(c, offset, what);
        return false;
    }
    for (uint64_t i = first; i < first + n; i++) {
        c->refs[i] += c->refs[i] < UINT32_MAX;
        if (c->uses[i] != USE_NONE && (c->uses[i] != use || use < USE_L2)) {
            check_corruption(c, i << c->q->cluster_bits,
                       "a cluster is used for two things");
        }
        c->uses[i] = use;
    }
    c->result->end_bytes = MAX(c->result->end_bytes,
                               (first + n) << c->q->cluster_bits);
    return true;
}

static void check_copied(Check *c, uint64_t at, uint64_t host, uint64_t raw)
{
    uint64_t count = 0;
    (void)qcow2_refcount_get(c->q, host >> c->q->cluster_bits, &count);
    if ((count == 1) != !!(raw & ENTRY_COPIED)) {
        c->copied_wrong++;
        check_corruption(c, at, "\"copied\" flag contradicts the reference count");
    }
}

static void count_entry(Check *c, uint64_t at, const uint8_t *entry,
                        bool active)
{
    Qcow2Entry e;
    const char *bad = qcow2_entry_parse(c->q, entry, &e);
    if (bad) {
        check_corruption(c, at, bad);
        return;
    }
    ClusterRun run = qcow2_entry_run(c->q, &e);
    /* Compressed data may end before their last sector does. */
    run.count = run.first < c->clusters ? MIN(run.count,
                                              c->clusters - run.first) : 0;
    if (run.count == 0) {
        return;
    }
    refer(c, run.first << c->q->cluster_bits,
          run.count << c->q->cluster_bits, USE_DATA,
          "data cluster out of bounds");
    if (active) {
        c->result->allocated_clusters++;
        c->result->compressed_clusters += e.kind == CLUSTER_COMPRESSED;
        /* Compressed data are never read in one go. */
        bool compressed = e.kind == CLUSTER_COMPRESSED;
        c->result->fragmented_clusters += compressed ||
                                          (c->next && e.host != c->next);
        c->next = compressed ? c->next : e.host + e.bytes;
    }
    if (active && e.kind != CLUSTER_COMPRESSED) {
        check_copied(c, at, e.host, e.raw);
    }
}

static int count_l2(Check *c, uint64_t at, uint64_t raw, bool active)
{
    Qcow2 *q = c->q;
    uint64_t offset = raw & ENTRY_OFFSET;
    if (raw == 0) {
        return 0;
    }
    if ((raw & L1_RESERVED) || (offset & (qcow2_cluster(q) - 1)) ||
        offset == 0) {
        check_corruption(c, at, "bad L1 entry");
        return 0;
    }
    if (!refer(c, offset, qcow2_cluster(q), USE_L2, "L2 table out of bounds")) {
        return 0;
    }
    /* Otherwise a small file could be counted for days. */
    uint32_t *seen = &c->seen[offset >> q->cluster_bits];
    if (*seen == c->map) {
        check_corruption(c, at, "an L2 table is used twice in one map");
        return 0;
    }
    *seen = c->map;
    g_autofree uint8_t *l2 = g_malloc(qcow2_cluster(q));
    int err = block_file_read(q->file, offset, l2, qcow2_cluster(q));
    for (uint64_t i = 0; i < qcow2_cluster(q) && err == 0;
         i += qcow2_entry_bytes(q)) {
        count_entry(c, offset + i, l2 + i, active);
    }
    if (active && err == 0) {
        check_copied(c, at, offset, raw);
    }
    return err;
}

static int count_map(Check *c, const uint64_t *l1, uint64_t offset,
                     uint32_t entries, bool active)
{
    int err = 0;
    c->map++;
    if (entries == 0 ||
        !refer(c, offset, entries * UINT64_C(8), USE_META,
               "L1 table out of bounds")) {
        return 0;
    }
    for (uint32_t i = 0; i < entries && err == 0; i++) {
        err = count_l2(c, offset + i * UINT64_C(8), l1[i], active);
    }
    return err;
}

/* The L1 table of a snapshot, which nobody else has; NULL: it is bad. */
static uint64_t *snapshot_l1(Check *c, const Qcow2Snapshot *s)
{
    uint64_t first = s->l1_offset >> c->q->cluster_bits;
    if (s->l1_entries > QCOW2_L1_BYTES_MAX / 8 ||
        (s->l1_entries > 0 && first < c->clusters &&
         c->uses[first] != USE_NONE)) {
        return NULL;
    }
    return qcow2_load_u64(c->q, s->l1_offset, s->l1_entries,
                          "snapshot's L1 table", NULL);
}

static int count_snapshots(Check *c)
{
    Qcow2 *q = c->q;
    int err = 0;
    for (guint i = 0; i < q->snapshots->len && err == 0; i++) {
        const Qcow2Snapshot *s = g_ptr_array_index(q->snapshots, i);
        g_autofree uint64_t *l1 = snapshot_l1(c, s);
        if (!l1) {
            check_corruption(c, q->snapshots_offset, "bad L1 table of a snapshot");
            continue;
        }
        err = count_map(c, l1, s->l1_offset, s->l1_entries, false);
    }
    if (q->snapshots_bytes) {
        refer(c, q->snapshots_offset, q->snapshots_bytes, USE_META,
              "snapshot table out of bounds");
    }
    return err;
}

/* What is wrong with an entry of the reference count table, or NULL. */
static const char *block_wrong(const Check *c, uint64_t offset)
{
    if (offset & (qcow2_cluster(c->q) - 1)) {
        return "reference count block not on a cluster's boundary";
    }
    uint64_t cluster = offset >> c->q->cluster_bits;
    return cluster >= c->clusters ? "reference count block out of bounds" :
           c->uses[cluster] != USE_NONE ?
           "reference count block is used for something else" : NULL;
}

/* Comes last: a block that cannot be one is counted as if there were none, and
 * made anew where it is needed. */
static void count_refcounts(Check *c)
{
    Qcow2 *q = c->q;
    for (uint64_t i = 0; i < check_reftable_entries(q); i++) {
        uint64_t offset = q->reftable[i];
        const char *wrong = offset ? block_wrong(c, offset) : NULL;
        if (wrong) {
            check_corruption(c, q->reftable_offset + i * 8, wrong);
            c->blocks_wrong++;
            q->reftable[i] = 0;
        } else if (offset) {
            refer(c, offset, qcow2_cluster(q), USE_COUNTS, "");
        }
    }
}

/* Without snapshots there is no table, but other programs look at where it
 * would be. */
static int check_no_snapshots(Check *c)
{
    Qcow2 *q = c->q;
    uint8_t field[12];
    int err = block_file_read(q->file, HEADER_SNAPSHOT_COUNT, field, 12);
    uint64_t offset = bytes_ld_be64(field + 4);
    if (err < 0 || bytes_ld_be32(field) != 0 ||
        (offset <= INT64_MAX && !(offset & (qcow2_cluster(q) - 1)))) {
        return err;
    }
    check_corruption(c, HEADER_SNAPSHOT_COUNT + 4,
               "bad offset of a table of no snapshots");
    if (c->repair && !c->result->leaks_only) {
        static const uint8_t none[8];
        err = qcow2_header_switch(q, HEADER_SNAPSHOT_COUNT + 4, none, 8);
        c->result->corruptions_fixed += err == 0;
    }
    return err;
}

/* --- the whole -------------------------------------------------------- */

static void refer_bitmap(void *opaque, uint64_t offset, uint64_t bytes)
{
    refer(opaque, offset, bytes, USE_META, "bitmap out of bounds");
}

static int check_all(Check *c)
{
    Qcow2 *q = c->q;
    refer(c, 0, qcow2_cluster(q), USE_META, "header out of bounds");
    refer(c, q->reftable_offset,
          (uint64_t)q->reftable_clusters << q->cluster_bits, USE_META,
          "reference count table out of bounds");
    int err = check_no_snapshots(c);
    err = err < 0 ? err :
          count_map(c, q->map.l1, q->map.offset, q->map.entries, true);
    err = err < 0 ? err : count_snapshots(c);
    err = err < 0 ? err : qcow2_bitmaps_walk(q, refer_bitmap, c, NULL);
    count_refcounts(c);
    err = err < 0 ? err : check_compare(c);
    err = err < 0 ? err : check_fix_reftable(c);
    check_rows(c);
    bool changed = c->result->leaks_fixed + c->result->corruptions_fixed > 0;
    /* Counts set right may make flags wrong that agreed before. */
    if (err == 0 && c->repair &&
        (changed || (c->copied_wrong && !c->result->leaks_only))) {
        q->reported = false;
        err = qcow2_walk_copied(q);
        err = err < 0 ? err : qcow2_sync_tables(q);
        c->result->corruptions_fixed += err == 0 ? c->copied_wrong : 0;
    }
    return err < 0 ? err : check_fix_rows(c);
}

/* After a repair nothing is wrong any more: say so in the header. */
static int mark_clean(Qcow2 *q, const ImageCheck *r)
{
    uint64_t bits = INCOMPATIBLE_DIRTY | INCOMPATIBLE_CORRUPT;
    if (r->corruptions > r->corruptions_fixed || !(q->incompatible & bits)) {
        return 0;
    }
    return qcow2_set_incompatible(q, q->incompatible & ~bits);
}

static void books_free(Check *c)
{
    g_free(c->refs);
    g_free(c->seen);
    g_free(c->uses);
}

bool qcow2_check(BlockNode *n, bool repair, ImageCheck *result, Error **errp)
{
    Qcow2 *q = QCOW2(n);
    Check c = {
        .q = q, .result = result, .repair = repair,
        .clusters = qcow2_clusters(q, block_file_size(q->file)),
    };
    if (c.clusters > CHECK_CLUSTERS_MAX) {
        error_set(errp, "Image '%s' is too large to be checked", n->file);
        return false;
    }
    result->total_clusters = qcow2_clusters(q, q->map.size_bytes);
    c.refs = g_try_new0(uint32_t, MAX(c.clusters, 1));
    c.seen = g_try_new0(uint32_t, MAX(c.clusters, 1));
    c.uses = g_try_new0(uint8_t, MAX(c.clusters, 1));
    if (!c.refs || !c.uses || !c.seen) {
        books_free(&c);
        error_set(errp, "Image '%s' is too large to be checked", n->file);
        return false;
    }
    int err = qcow2_sync_tables(q);
    err = err < 0 ? err : check_all(&c);
    if (err == 0 && repair) {
        err = mark_clean(q, result);
    }
    books_free(&c);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not %s '%s'",
                        repair ? "repair" : "check", n->file);
    }
    return err == 0 && qcow2_backing_check(q, errp);
}
