/*
 * What an existing qcow2 image can still become: another version of the
 * format, other features, reference counts of another width.
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

/* --- the width of reference counts -------------------------------------- */

/* A new set of counts, behind the file's end: blocks, then their table. */
typedef struct Recount {
    Qcow2 *q;
    unsigned order;
    uint64_t start;        /* cluster: the file's end */
    uint64_t blocks, table_clusters;
    GHashTable *old;       /* clusters of the old blocks and table */
    uint64_t *table;
} Recount;

static void recount_plan(Recount *r)
{
    uint64_t per_block = qcow2_cluster(r->q) * 8 >> r->order;
    uint64_t need = 0;
    do {
        r->blocks = need;
        r->table_clusters = qcow2_clusters(r->q, MAX(r->blocks, 1) * 8);
        need = (r->start + r->blocks + r->table_clusters + per_block - 1) /
               per_block;
    } while (need > r->blocks);
}

static void old_add(Recount *r, uint64_t offset, uint64_t clusters)
{
    for (uint64_t i = 0; i < clusters; i++) {
        uint64_t cluster = (offset >> r->q->cluster_bits) + i;
        g_hash_table_add(r->old, g_memdup2(&cluster, sizeof cluster));
    }
}

static void old_find(Recount *r)
{
    Qcow2 *q = r->q;
    uint64_t entries = ((uint64_t)q->reftable_clusters << q->cluster_bits) / 8;
    r->old = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    old_add(r, q->reftable_offset, q->reftable_clusters);
    for (uint64_t i = 0; i < entries; i++) {
        if (q->reftable[i]) {
            old_add(r, q->reftable[i], 1);
        }
    }
}

/* What a cluster is going to count. */
static bool recount_one(Recount *r, uint64_t cluster, uint64_t *count,
                        Error **errp)
{
    unsigned bits = 1 << r->order;
    uint64_t end = r->start + r->blocks + r->table_clusters;
    *count = cluster >= r->start && cluster < end;
    if (cluster >= r->start || g_hash_table_contains(r->old, &cluster)) {
        return true;
    }
    int err = qcow2_refcount_get(r->q, cluster, count);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not read the reference counts of "
                        "'%s'", r->q->node.file);
        return false;
    }
    if (bits < 64 && *count >> bits) {
        error_set(errp, "Cannot decrease refcount entry width to %u bits: "
                  "Cluster at offset %#" G_GINT64_MODIFIER "x has a refcount "
                  "of %" G_GUINT64_FORMAT, bits,
                  cluster << r->q->cluster_bits, *count);
        return false;
    }
    return true;
}

static bool recount_block(Recount *r, uint64_t b, Error **errp)
{
    Qcow2 *q = r->q;
    uint64_t per_block = qcow2_cluster(q) * 8 >> r->order, count;
    g_autofree uint8_t *block = g_malloc0(qcow2_cluster(q));
    for (uint64_t i = 0; i < per_block; i++) {
        if (!recount_one(r, b * per_block + i, &count, errp)) {
            return false;
        }
        qcow2_refblock_poke(block, r->order, i, count);
    }
    r->table[b] = (r->start + b) << q->cluster_bits;
    int err = block_file_write(q->file, r->table[b], block, qcow2_cluster(q));
    if (err < 0) {
        error_set_errno(errp, -err, "Could not write '%s'", q->node.file);
    }
    return err == 0;
}

static bool recount_store(Recount *r, Error **errp)
{
    Qcow2 *q = r->q;
    bool ok = true;
    for (uint64_t b = 0; b < r->blocks && ok; b++) {
        ok = recount_block(r, b, errp);
    }
    uint64_t offset = (r->start + r->blocks) << q->cluster_bits;
    int err = ok ? qcow2_store_u64(q, offset, r->table,
                                   (r->table_clusters << q->cluster_bits) / 8)
                 : 0;
    if (err < 0) {
        error_set_errno(errp, -err, "Could not write '%s'", q->node.file);
    }
    return ok && err == 0;
}

/* One write of the header takes the new counts for the old ones. */
static bool recount_switch(Recount *r, Error **errp)
{
    Qcow2 *q = r->q, before = *q;
    q->refcount_order = r->order;
    q->reftable_offset = (r->start + r->blocks) << q->cluster_bits;
    q->reftable_clusters = r->table_clusters;
    if (!qcow2_header_rewrite(q, errp)) {
        q->refcount_order = before.refcount_order;
        q->reftable_offset = before.reftable_offset;
        q->reftable_clusters = before.reftable_clusters;
        return false;
    }
    g_free(q->reftable);
    q->reftable = g_steal_pointer(&r->table);
    qcow2_cache_free(&q->refblocks);
    qcow2_cache_init(q, &q->refblocks);
    q->free_hint = 0;
    return true;
}

static bool refcount_bits_set(Qcow2 *q, unsigned bits, Error **errp)
{
    Recount r = { .q = q, .order = __builtin_ctz(bits),
                  .start = qcow2_clusters(q, block_file_size(q->file)) };
    if (r.order == q->refcount_order) {
        return true;
    }
    recount_plan(&r);
    if (r.table_clusters << q->cluster_bits > QCOW2_REFTABLE_BYTES_MAX) {
        error_set(errp, "'%s' is too large for reference counts of %u bits",
                  q->node.file, bits);
        return false;
    }
    old_find(&r);
    r.table = g_new0(uint64_t, (r.table_clusters << q->cluster_bits) / 8);
    bool ok = recount_store(&r, errp) && recount_switch(&r, errp);
    g_hash_table_unref(r.old);
    g_free(r.table);
    return ok;
}

/* --- the version -------------------------------------------------------- */

static bool downgrade_refused(const Qcow2 *q, Error **errp)
{
    const char *why =
        q->refcount_order != 4 ? "compat=0.10 requires refcount_bits=16" :
        q->bitmaps ? "Cannot downgrade an image with bitmaps" :
        q->incompatible & INCOMPATIBLE_COMPRESSION ?
            "Cannot downgrade an image with zstd compression type" :
        qcow2_extended(q) ?
            "Cannot downgrade an image with extended L2 entries" :
        qcow2_external(q) ?
            "Cannot downgrade an image with a data file" :
        q->snapshots->len ?
            "Cannot downgrade an image with snapshots" : NULL;
    if (why) {
        error_set(errp, "%s", why);
    }
    return why;
}

/* The old format has no zero clusters: they become what it has. */
static int zeroes_expand(Qcow2 *q)
{
    uint64_t run, size = qcow2_cluster(q);
    int err = 0;
    for (uint64_t at = 0; at < q->node.size_bytes && err == 0; at += run) {
        BlockPlace p;
        run = qcow2_map_place(q, &q->map, at, q->node.size_bytes - at, &p);
        if (!p.allocated || p.data) {
            continue;
        }
        run = MIN(run, size);
        if (!q->backing) {
            err = qcow2_entry_set(q, at, 0, 0, false);
        } else {
            g_autofree uint8_t *zeroes = g_malloc0(run);
            err = qcow2_write(&q->node, at, zeroes, run);
        }
    }
    return err < 0 ? err : qcow2_sync_tables(q);
}

static bool version_set(Qcow2 *q, unsigned version, Error **errp)
{
    unsigned old = q->version;
    if (version == old) {
        return true;
    }
    if (version == 2) {
        if (downgrade_refused(q, errp)) {
            return false;
        }
        int err = zeroes_expand(q);
        if (err < 0) {
            error_set_errno(errp, -err, "Could not write '%s'", q->node.file);
            return false;
        }
        q->compatible = q->autoclear = 0;
    }
    /* Rows of the old format may say less than the new one asks for. */
    int err = version == 3 && q->snapshots->len ? qcow2_change_begin(q) : 0;
    if (err == 0 && q->change) {
        err = qcow2_change_commit(q, qcow2_snapshots_copy(q));
    }
    if (err < 0) {
        error_set_errno(errp, -err, "Could not write '%s'", q->node.file);
        return false;
    }
    q->version = version;
    if (!qcow2_header_rewrite(q, errp)) {
        q->version = old;
        return false;
    }
    return true;
}

/* --- all of it ---------------------------------------------------------- */

static bool lazy_set(Qcow2 *q, bool on, Error **errp)
{
    uint64_t old = q->compatible;
    q->compatible = (old & ~COMPATIBLE_LAZY_REFCOUNTS) |
                    (on ? COMPATIBLE_LAZY_REFCOUNTS : 0);
    if (q->compatible == old) {
        return true;
    }
    if (q->version < 3) {
        error_set(errp, "Lazy refcounts only supported with compatibility "
                  "level 1.1 and above (use compat=1.1 or greater)");
    } else if (qcow2_header_rewrite(q, errp)) {
        return true;
    }
    q->compatible = old;
    return false;
}

static bool data_file_set(Qcow2 *q, const ImageAmend *c, Error **errp)
{
    bool raw = q->autoclear & AUTOCLEAR_RAW_DATA;
    if (c->data_file_raw >= 0 && c->data_file_raw != raw) {
        if (!raw) {
            error_set(errp, "data-file-raw cannot be set on existing images");
            return false;
        }
        q->autoclear &= ~AUTOCLEAR_RAW_DATA;
        if (!qcow2_header_rewrite(q, errp)) {
            return false;
        }
    }
    if (!c->data_file) {
        return true;
    }
    if (!qcow2_external(q)) {
        error_set(errp, "data-file can only be set for images that use an "
                  "external data file");
        return false;
    }
    g_free(q->data_file);
    q->data_file = g_strdup(c->data_file);
    return qcow2_header_rewrite(q, errp);
}

bool qcow2_amend(BlockNode *n, const ImageAmend *c, Error **errp)
{
    Qcow2 *q = QCOW2(n);
    unsigned bits = c->refcount_bits;
    unsigned version = c->version ? c->version : q->version;
    if (bits && (bits > 64 || (bits & (bits - 1)))) {
        error_set(errp, "Refcount width must be a power of two and may not "
                  "exceed 64 bits");
        return false;
    }
    if (bits && bits != 16 && version < 3) {
        error_set(errp, "Different refcount widths than 16 bits require "
                  "compatibility level 1.1 or above (use compat=1.1 or "
                  "greater)");
        return false;
    }
    int err = n->readonly ? -EROFS : qcow2_sync_tables(q);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not amend '%s'", n->file);
        return false;
    }
    /* Upwards first, so that there is room for the new; downwards last. */
    return (version < 3 || version_set(q, version, errp)) &&
           (!bits || refcount_bits_set(q, bits, errp)) &&
           (c->lazy_refcounts < 0 ||
            (version < 3 && !c->lazy_refcounts) ||
            lazy_set(q, c->lazy_refcounts, errp)) &&
           data_file_set(q, c, errp) && version_set(q, version, errp);
}
