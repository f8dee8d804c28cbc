/*
 * Reference counts of a qcow2 image's clusters: a table of blocks of counts of
 * 1 to 64 bits. Changed blocks are written at once (see qcow2.h).
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

/* Offsets in L1 and L2 entries have 56 bits. */
#define HOST_BYTES_MAX (UINT64_C(1) << 56)

/* --- counts in a block ------------------------------------------------ */

uint64_t qcow2_refblock_entries(const Qcow2 *q)
{
    return qcow2_cluster(q) * 8 >> q->refcount_order;
}

uint64_t qcow2_refcount_max(const Qcow2 *q)
{
    unsigned bits = 1 << q->refcount_order;
    return bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

/* Widths below a byte fill it from its least significant bit. */
static uint64_t refblock_peek(const uint8_t *block, unsigned order, uint64_t i)
{
    if (order < 3) {
        unsigned bits = 1 << order;
        unsigned shift = i * bits % 8;
        return block[i * bits / 8] >> shift & ((1 << bits) - 1);
    }
    uint64_t v = 0;
    unsigned bytes = 1 << (order - 3);
    for (unsigned k = 0; k < bytes; k++) {
        v = v << 8 | block[i * bytes + k];
    }
    return v;
}

void qcow2_refblock_poke(uint8_t *block, unsigned order, uint64_t i,
                         uint64_t count)
{
    if (order < 3) {
        unsigned bits = 1 << order;
        unsigned shift = i * bits % 8;
        uint8_t *p = &block[i * bits / 8];
        *p = (*p & ~(((1 << bits) - 1) << shift)) | count << shift;
        return;
    }
    unsigned bytes = 1 << (order - 3);
    for (unsigned k = bytes; k-- > 0; count >>= 8) {
        block[i * bytes + k] = count;
    }
}

/* --- the table -------------------------------------------------------- */

static uint64_t reftable_entries(const Qcow2 *q)
{
    return ((uint64_t)q->reftable_clusters << q->cluster_bits) / 8;
}

bool qcow2_reftable_load(Qcow2 *q, Error **errp)
{
    if (((uint64_t)q->reftable_clusters << q->cluster_bits) >
        QCOW2_REFTABLE_BYTES_MAX) {
        return qcow2_error(q, errp, HEADER_REFTABLE_OFFSET + 8,
                           "the reference count table is too large");
    }
    if (q->reftable_clusters == 0) {
        return qcow2_error(q, errp, HEADER_REFTABLE_OFFSET + 8,
                           "there is no reference count table");
    }
    q->reftable = qcow2_load_u64(q, q->reftable_offset, reftable_entries(q),
                                 "reference count table", errp);
    return q->reftable;
}

/* The block of a cluster; *block NULL if there is none. */
static int refblock_get(Qcow2 *q, uint64_t cluster, Qcow2Table **block)
{
    uint64_t index = cluster / qcow2_refblock_entries(q);
    uint64_t offset = index < reftable_entries(q) ? q->reftable[index] : 0;
    *block = NULL;
    if (offset == 0) {
        return 0;
    }
    if ((offset & (qcow2_cluster(q) - 1)) ||
        offset >= block_file_size(q->file)) {
        return qcow2_corrupt(q, q->reftable_offset + index * 8,
                             "reference count block out of bounds");
    }
    return qcow2_cache_get(q, &q->refblocks, offset, block);
}

/* The counts of a cluster's block, to be looked at: in a change, as the change
 * leaves them. NULL if there is no block. */
static int counts_get(Qcow2 *q, uint64_t cluster, uint8_t **counts)
{
    Qcow2Table *block = NULL;
    *counts = qcow2_change_counts(q, cluster / qcow2_refblock_entries(q));
    int err = *counts ? 0 : refblock_get(q, cluster, &block);
    if (block) {
        *counts = block->data;
    }
    return err;
}

int qcow2_refcount_get(Qcow2 *q, uint64_t cluster, uint64_t *count)
{
    uint8_t *counts;
    int err = counts_get(q, cluster, &counts);
    *count = err < 0 || !counts ? 0 :
             refblock_peek(counts, q->refcount_order,
                           cluster % qcow2_refblock_entries(q));
    return err;
}

int qcow2_refcount_before(Qcow2 *q, uint64_t cluster, uint64_t *count)
{
    Qcow2Table *block;
    int err = refblock_get(q, cluster, &block);
    *count = err < 0 || !block ? 0 :
             refblock_peek(block->data, q->refcount_order,
                           cluster % qcow2_refblock_entries(q));
    return err;
}

/* The counts of a cluster's block, to be changed: a change has copies. */
static int counts_own(Qcow2 *q, uint64_t cluster, uint8_t **counts)
{
    int err = counts_get(q, cluster, counts);
    if (err == 0 && q->change) {
        *counts = qcow2_change_own(q, cluster / qcow2_refblock_entries(q),
                                   *counts);
    }
    return err;
}

/* Writes the bytes of a cluster's block that hold the counts [first,
 * first + n) of it; a change does that when it is complete. What could not be
 * written is written when the tables are. */
static int counts_store(Qcow2 *q, uint64_t cluster, uint64_t first, uint64_t n)
{
    Qcow2Table *block;
    int err = q->change ? 0 : refblock_get(q, cluster, &block);
    if (err < 0 || q->change || n == 0) {
        return err;
    }
    uint64_t begin = (first << q->refcount_order) / 8;
    uint64_t end = (((first + n) << q->refcount_order) + 7) / 8;
    err = block_file_write(q->file, block->offset + begin,
                           block->data + begin, end - begin);
    block->dirty |= err < 0;
    return err;
}

int qcow2_refcount_set(Qcow2 *q, uint64_t cluster, uint64_t count)
{
    uint8_t *counts;
    int err = counts_own(q, cluster, &counts);
    if (err < 0 || !counts) {
        return err < 0 ? err : -EINVAL;
    }
    uint64_t i = cluster % qcow2_refblock_entries(q);
    qcow2_refblock_poke(counts, q->refcount_order, i, count);
    q->free_hint = count ? q->free_hint : MIN(q->free_hint, cluster);
    return counts_store(q, cluster, i, 1);
}

/* A count has become zero. */
static void cluster_freed(Qcow2 *q, uint64_t cluster)
{
    qcow2_cache_drop(&q->l2, cluster << q->cluster_bits);
    if (q->deflated_end >> q->cluster_bits == cluster) {
        q->deflated_end = 0;
    }
    if (!qcow2_change_freed(q, cluster)) {
        q->free_hint = MIN(q->free_hint, cluster);
    }
}

/* qcow2_refcount_add() for a run inside one block. */
static int refblock_add(Qcow2 *q, uint64_t first, uint64_t n, int delta)
{
    uint8_t *counts;
    int err = counts_own(q, first, &counts);
    if (err < 0) {
        return err;
    }
    uint64_t at = first % qcow2_refblock_entries(q);
    for (uint64_t i = at; i < at + n; i++) {
        uint64_t v =
            counts ? refblock_peek(counts, q->refcount_order, i) : 0;
        if (v == (delta < 0 ? 0 : qcow2_refcount_max(q)) || !counts) {
            err = delta > 0 && counts ? -EFBIG :
                  qcow2_corrupt(q, (first + i - at) << q->cluster_bits,
                                "a cluster in use has no reference count");
            n = i - at;
            break;
        }
        qcow2_refblock_poke(counts, q->refcount_order, i, v + delta);
        if (v + delta == 0) {
            cluster_freed(q, first + i - at);
        }
    }
    int stored = counts_store(q, first, at, n);
    return err < 0 ? err : stored;
}

int qcow2_refcount_add(Qcow2 *q, uint64_t first, uint64_t count, int delta)
{
    uint64_t per_block = qcow2_refblock_entries(q);
    int err = 0;
    while (count > 0 && err == 0) {
        uint64_t n = MIN(count, per_block - first % per_block);
        err = refblock_add(q, first, n, delta);
        first += n;
        count -= n;
    }
    return err;
}

/* --- growing ---------------------------------------------------------- */

/* How a larger table is laid out: blocks first, then the table, from the
 * first cluster on that the old table could not count. */
typedef struct Growth {
    uint64_t start;        /* cluster */
    uint64_t blocks, table_clusters;
} Growth;

static Growth growth_plan(const Qcow2 *q)
{
    uint64_t per_block = qcow2_refblock_entries(q);
    uint64_t old = reftable_entries(q);
    Growth g = { .start = old * per_block };
    uint64_t need = 0;
    do {
        g.blocks = MAX(g.blocks, need);
        uint64_t entries = MAX(old + old / 2, old + g.blocks);
        g.table_clusters = qcow2_clusters(q, (entries + 1) * 8);
        need = (g.blocks + g.table_clusters + per_block - 1) / per_block;
    } while (need > g.blocks);
    return g;
}

/* Writes the blocks of a growth: they count themselves and the table. */
static int growth_store_blocks(Qcow2 *q, const Growth *g)
{
    uint64_t per_block = qcow2_refblock_entries(q);
    uint64_t counted = g->blocks + g->table_clusters;
    g_autofree uint8_t *block = g_malloc(qcow2_cluster(q));
    int err = 0;
    for (uint64_t b = 0; b < g->blocks && err == 0; b++) {
        memset(block, 0, qcow2_cluster(q));
        for (uint64_t i = 0; i < per_block && b * per_block + i < counted;
             i++) {
            qcow2_refblock_poke(block, q->refcount_order, i, 1);
        }
        err = block_file_write(q->file, (g->start + b) << q->cluster_bits,
                               block, qcow2_cluster(q));
    }
    return err;
}

static int reftable_grow(Qcow2 *q)
{
    Growth g = growth_plan(q);
    uint64_t old = reftable_entries(q);
    uint64_t bytes = g.table_clusters << q->cluster_bits;
    uint64_t offset = (g.start + g.blocks) << q->cluster_bits;
    if (bytes > QCOW2_REFTABLE_BYTES_MAX ||
        g.start + g.blocks + g.table_clusters >=
        HOST_BYTES_MAX >> q->cluster_bits) {
        return -EFBIG;
    }
    uint64_t *table = g_malloc0(bytes);
    memcpy(table, q->reftable, old * 8);
    for (uint64_t b = 0; b < g.blocks; b++) {
        table[old + b] = (g.start + b) << q->cluster_bits;
    }
    uint8_t header[12];
    bytes_st_be64(header, offset);
    bytes_st_be32(header + 8, g.table_clusters);
    int err = growth_store_blocks(q, &g);
    err = err < 0 ? err : qcow2_store_u64(q, offset, table, bytes / 8);
    err = err < 0 ? err : qcow2_header_switch(q, HEADER_REFTABLE_OFFSET,
                                              header, sizeof header);
    if (err < 0) {
        g_free(table);
        return err;
    }
    uint64_t freed = q->reftable_offset;
    uint64_t freed_clusters = q->reftable_clusters;
    g_free(q->reftable);
    q->reftable = table;
    q->reftable_offset = offset;
    q->reftable_clusters = g.table_clusters;
    qcow2_free(q, freed, freed_clusters);
    return 0;
}

/* Makes the block of `cluster`, in the free cluster `at`: which it counts
 * itself, or which an older block counts. */
static int refblock_new(Qcow2 *q, uint64_t cluster, uint64_t at)
{
    uint64_t per_block = qcow2_refblock_entries(q);
    uint64_t index = cluster / per_block;
    uint64_t offset = at << q->cluster_bits;
    uint8_t entry[8];
    bytes_st_be64(entry, offset);
    g_autofree uint8_t *block = g_malloc0(qcow2_cluster(q));
    int err = 0;
    if (at / per_block == index) {
        qcow2_refblock_poke(block, q->refcount_order, at % per_block, 1);
    } else {
        err = qcow2_refcount_add(q, at, 1, 1);
    }
    qcow2_cache_drop(&q->refblocks, offset);
    err = err < 0 ? err : block_file_write(q->file, offset, block,
                                           qcow2_cluster(q));
    err = err < 0 ? err : block_file_sync(q->file);
    err = err < 0 ? err : qcow2_pointer_write(q, q->reftable_offset +
                                              index * 8, entry, 8);
    if (err == 0) {
        q->reftable[index] = offset;
    } else if (at / per_block != index) {
        qcow2_free(q, offset, 1);
    }
    return err;
}

/* Makes sure that the reference count table has room for a cluster. */
static int reftable_reach(Qcow2 *q, uint64_t cluster, bool *grown)
{
    *grown = cluster / qcow2_refblock_entries(q) >= reftable_entries(q);
    return cluster >= HOST_BYTES_MAX >> q->cluster_bits ? -EFBIG :
           *grown ? reftable_grow(q) : 0;
}

/* --- allocation ------------------------------------------------------- */

/* A run of `run` free clusters has come to `cluster`, which has no block: all
 * clusters counted there are free. The block takes the first of the run. */
static int run_extend(Qcow2 *q, uint64_t cluster, uint64_t *run)
{
    bool grown;
    uint64_t at = cluster - *run;
    int err = reftable_reach(q, cluster, &grown);
    if (err < 0 || grown) {
        *run = 0;
        return err;
    }
    if (qcow2_overlaps(q, at << q->cluster_bits, 1)) {
        return qcow2_corrupt(q, at << q->cluster_bits,
                             "metadata have no reference count");
    }
    *run -= *run > 0;
    return refblock_new(q, cluster, at);
}

/* Is a cluster in use, now or (in a change) before? */
static int cluster_used(Qcow2 *q, uint64_t cluster, bool *used)
{
    uint64_t before, now;
    int err = qcow2_refcount_before(q, cluster, &before);
    err = err < 0 ? err : qcow2_refcount_get(q, cluster, &now);
    *used = err == 0 && (before || now);
    return err < 0 || cluster < HOST_BYTES_MAX >> q->cluster_bits ? err
                                                                  : -EFBIG;
}

/* The first cluster from `from` on that begins a run of free ones. A change
 * takes none that was in use when it began: if it fails, that is still so. */
static int find_free(Qcow2 *q, uint64_t from, uint64_t clusters,
                     uint64_t *found)
{
    uint64_t run = 0;
    for (uint64_t c = from; run < clusters;) {
        Qcow2Table *block;
        bool used;
        int err = refblock_get(q, c, &block);
        if (err == 0 && !block && !q->change) {
            err = run_extend(q, c, &run);
        } else if (err == 0) {
            err = cluster_used(q, c, &used);
            run = used ? 0 : run + 1;
            c++;
        }
        if (err < 0) {
            return err;
        }
        *found = c - run;
    }
    return 0;
}

int qcow2_alloc(Qcow2 *q, uint64_t clusters, uint64_t *offset)
{
    uint64_t first = 0;
    int err = q->node.readonly ? -EROFS : 0;
    err = err < 0 ? err : find_free(q, q->free_hint, clusters, &first);
    if (err == 0 && qcow2_overlaps(q, first << q->cluster_bits,
                                   clusters << q->cluster_bits)) {
        err = qcow2_corrupt(q, first << q->cluster_bits,
                            "metadata have no reference count");
    }
    err = err < 0 ? err : qcow2_refcount_add(q, first, clusters, 1);
    if (err < 0) {
        return err;
    }
    if (clusters == 1) {
        q->free_hint = first + 1;
    }
    *offset = first << q->cluster_bits;
    return 0;
}

void qcow2_free(Qcow2 *q, uint64_t offset, uint64_t clusters)
{
    /* If this fails, clusters leak; nothing worse. */
    (void)qcow2_refcount_add(q, offset >> q->cluster_bits, clusters, -1);
}

void qcow2_free_later(Qcow2 *q, uint64_t first, uint64_t clusters)
{
    ClusterRun run = { first, clusters };
    if (clusters > 0) {
        g_array_append_val(q->unreferenced, run);
    }
}
