/*
 * The second half of a check: the counts that were found against those in the
 * file, and repairs.
 */
#include <errno.h>
#include <string.h>

#include "qcow2-check.h"

/* --- comparing -------------------------------------------------------- */

/* A block for a cluster that has none, at the end of the file. */
static int add_block(Check *c, uint64_t cluster)
{
    Qcow2 *q = c->q;
    uint64_t index = cluster / qcow2_refblock_entries(q);
    uint64_t at = qcow2_clusters(q, block_file_size(q->file));
    g_autofree uint8_t *zeroes = g_malloc0(qcow2_cluster(q));
    if (index >= check_reftable_entries(q)) {
        return -EFBIG;
    }
    int err = block_file_write(q->file, at << q->cluster_bits, zeroes,
                               qcow2_cluster(q));
    if (err < 0) {
        return err;
    }
    q->reftable[index] = at << q->cluster_bits;
    c->refs = g_renew(uint32_t, c->refs, at + 1);
    c->uses = g_renew(uint8_t, c->uses, at + 1);
    memset(c->refs + c->clusters, 0, (at + 1 - c->clusters) * 4);
    memset(c->uses + c->clusters, USE_NONE, at + 1 - c->clusters);
    c->refs[at] = 1;
    c->uses[at] = USE_COUNTS;
    c->clusters = at + 1;
    c->result->end_bytes = (at + 1) << q->cluster_bits;
    return qcow2_store_u64(q, q->reftable_offset, q->reftable,
                           check_reftable_entries(q));
}

/* Writes a count. A cluster may have got in use meanwhile by add_block(), so
 * what counts is refs. */
static bool fix_count(Check *c, uint64_t cluster)
{
    Qcow2 *q = c->q;
    uint64_t index = cluster / qcow2_refblock_entries(q);
    int err = 0;
    if (index >= check_reftable_entries(q) || !q->reftable[index]) {
        err = add_block(c, cluster);
    }
    uint64_t want = cluster < c->clusters ? c->refs[cluster] : 0;
    if (want > qcow2_refcount_max(q)) {
        return false;
    }
    return err == 0 && qcow2_refcount_set(q, cluster, want) == 0;
}

static int compare_one(Check *c, uint64_t cluster, bool *again)
{
    uint64_t want = cluster < c->clusters ? c->refs[cluster] : 0;
    uint64_t have;
    int err = qcow2_refcount_get(c->q, cluster, &have);
    if (err < 0 || have == want) {
        return err;
    }
    bool leak = have > want;
    check_report(c, "%s cluster %" G_GUINT64_FORMAT " refcount=%" G_GUINT64_FORMAT
           " reference=%" G_GUINT64_FORMAT, leak ? "Leaked" : "ERROR",
           cluster, have, want);
    c->result->leaks += leak;
    c->result->corruptions += !leak;
    if (c->repair && (leak || !c->result->leaks_only)) {
        uint64_t before = c->clusters;
        bool fixed = fix_count(c, cluster);
        c->result->leaks_fixed += leak && fixed;
        c->result->corruptions_fixed += !leak && fixed;
        /* New blocks are not counted themselves yet. */
        for (uint64_t n = before; fixed && n < c->clusters; n++) {
            *again |= !fix_count(c, n);
        }
    }
    return 0;
}

int check_compare(Check *c)
{
    Qcow2 *q = c->q;
    uint64_t per_block = qcow2_refblock_entries(q);
    uint64_t blocks = check_reftable_entries(q);
    bool again = false;
    int err = 0;
    while (blocks > 0 && !q->reftable[blocks - 1]) {
        blocks--;
    }
    for (uint64_t i = 0; i < MAX(c->clusters, blocks * per_block) && err == 0;
         i++) {
        uint64_t index = i / per_block;
        if (i >= c->clusters && !q->reftable[index]) {
            i += per_block - 1 - i % per_block;
            continue;
        }
        err = compare_one(c, i, &again);
    }
    return again ? -EIO : err;
}

int check_fix_reftable(Check *c)
{
    Qcow2 *q = c->q;
    if (!c->blocks_wrong || !c->repair || c->result->leaks_only) {
        return 0;
    }
    int err = qcow2_store_u64(q, q->reftable_offset, q->reftable,
                              check_reftable_entries(q));
    c->result->corruptions_fixed += err == 0 ? c->blocks_wrong : 0;
    return err;
}

/* --- rows of snapshots -------------------------------------------------- */

void check_rows(Check *c)
{
    const GPtrArray *rows = c->q->snapshots;
    for (guint i = 0; i < rows->len; i++) {
        if (qcow2_snapshot_incomplete(c->q, g_ptr_array_index(rows, i))) {
            c->rows_wrong++;
            c->result->corruptions++;
            check_report(c, "%s snapshot table entry %u is incomplete",
                         c->repair && !c->result->leaks_only ? "Repairing"
                                                             : "ERROR", i);
        }
    }
}

int check_fix_rows(Check *c)
{
    ImageCheck *r = c->result;
    if (!c->rows_wrong || !c->repair || r->leaks_only ||
        r->corruptions - r->corruptions_fixed > c->rows_wrong) {
        return 0;
    }
    c->q->free_hint = 0;
    int err = qcow2_change_begin(c->q);
    err = err < 0 ? err : qcow2_change_commit(c->q,
                                              qcow2_snapshots_copy(c->q));
    r->corruptions_fixed += err == 0 ? c->rows_wrong : 0;
    return err;
}
