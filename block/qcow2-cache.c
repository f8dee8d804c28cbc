/*
 * Cluster-sized tables of a qcow2 image in memory, and the order in which they
 * reach the file (see qcow2.h).
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

/* Memory for one cache, and the fewest tables that it holds. */
#define CACHE_BYTES (4 * MIB)
#define CACHE_TABLES_MIN 16

static void table_free(void *opaque)
{
    Qcow2Table *t = opaque;
    g_free(t->data);
    g_free(t);
}

void qcow2_cache_init(Qcow2 *q, Qcow2Cache *c)
{
    c->tables = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL,
                                      table_free);
    g_queue_init(&c->used);
    c->limit = MAX(CACHE_BYTES >> q->cluster_bits, CACHE_TABLES_MIN);
}

void qcow2_cache_free(Qcow2Cache *c)
{
    g_clear_pointer(&c->tables, g_hash_table_unref);
}

bool qcow2_cache_has(const Qcow2Cache *c, uint64_t offset)
{
    return g_hash_table_contains(c->tables, &offset);
}

void qcow2_cache_drop(Qcow2Cache *c, uint64_t offset)
{
    Qcow2Table *t = g_hash_table_lookup(c->tables, &offset);
    if (t) {
        g_queue_unlink(&c->used, &t->link);
        g_hash_table_remove(c->tables, &offset);
    }
}

/* Makes room for one more. */
static int cache_evict(Qcow2 *q, Qcow2Cache *c)
{
    while (g_hash_table_size(c->tables) >= c->limit) {
        Qcow2Table *oldest = c->used.head->data;
        int err = oldest->dirty ? qcow2_sync_tables(q) : 0;
        if (err < 0) {
            return err;
        }
        qcow2_cache_drop(c, oldest->offset);
    }
    return 0;
}

static Qcow2Table *cache_insert(Qcow2 *q, Qcow2Cache *c, uint64_t offset)
{
    Qcow2Table *t = g_new0(Qcow2Table, 1);
    t->offset = offset;
    t->link.data = t;
    t->data = g_malloc0(qcow2_cluster(q));
    g_hash_table_insert(c->tables, &t->offset, t);
    g_queue_push_tail_link(&c->used, &t->link);
    return t;
}

int qcow2_cache_get(Qcow2 *q, Qcow2Cache *c, uint64_t offset,
                    Qcow2Table **table)
{
    Qcow2Table *t = g_hash_table_lookup(c->tables, &offset);
    if (t) {
        g_queue_unlink(&c->used, &t->link);
        g_queue_push_tail_link(&c->used, &t->link);
        *table = t;
        return 0;
    }
    int err = cache_evict(q, c);
    if (err < 0) {
        return err;
    }
    t = cache_insert(q, c, offset);
    err = block_file_read(q->file, offset, t->data, qcow2_cluster(q));
    if (err < 0) {
        qcow2_cache_drop(c, offset);
        return err;
    }
    *table = t;
    return 0;
}

int qcow2_cache_new(Qcow2 *q, Qcow2Cache *c, uint64_t offset,
                    Qcow2Table **table)
{
    qcow2_cache_drop(c, offset);
    int err = cache_evict(q, c);
    if (err == 0) {
        *table = cache_insert(q, c, offset);
        (*table)->dirty = true;
    }
    return err;
}

/* --- to the file ------------------------------------------------------ */

static bool is_dirty(const Qcow2Cache *c)
{
    for (const GList *l = c->used.head; l; l = l->next) {
        if (((const Qcow2Table *)l->data)->dirty) {
            return true;
        }
    }
    return false;
}

static int cache_store(Qcow2 *q, Qcow2Cache *c)
{
    int err = 0;
    for (GList *l = c->used.head; l && err == 0; l = l->next) {
        Qcow2Table *t = l->data;
        if (t->dirty) {
            err = block_file_write(q->file, t->offset, t->data,
                                   qcow2_cluster(q));
            t->dirty = err < 0;
        }
    }
    return err;
}

static int l1_store(Qcow2 *q)
{
    int err = block_file_sync(q->file);
    if (err == 0) {
        err = qcow2_store_u64(q, q->map.offset, q->map.l1, q->map.entries);
        q->l1_dirty = err < 0;
    }
    return err;
}

static int unreference(Qcow2 *q)
{
    int err = block_file_sync(q->file);
    guint done = 0;
    while (err == 0 && done < q->unreferenced->len) {
        const ClusterRun *r = &g_array_index(q->unreferenced, ClusterRun,
                                             done++);
        err = qcow2_refcount_add(q, r->first, r->count, -1);
    }
    g_array_remove_range(q->unreferenced, 0, done);
    return err;
}

int qcow2_sync_tables(Qcow2 *q)
{
    int err = 0;
    if (q->node.readonly) {
        return 0;
    }
    /* Counts are dirty only if they could not be written at once. */
    err = cache_store(q, &q->refblocks);
    if (err == 0 && is_dirty(&q->l2)) {
        err = block_file_sync(q->file);
        err = err < 0 ? err : cache_store(q, &q->l2);
    }
    if (err == 0 && q->l1_dirty) {
        err = l1_store(q);
    }
    if (err == 0 && q->unreferenced->len > 0) {
        err = unreference(q);
    }
    return err;
}
