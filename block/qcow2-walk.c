/*
 * Everything that an L1 table refers to: counted once more or once less when
 * snapshots come and go, and marked as shared or not.
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

typedef struct Walk {
    Qcow2 *q;
    const Qcow2Map *map;
    int delta;
    ClusterRun run;        /* not yet counted */
} Walk;

static int run_flush(Walk *w)
{
    ClusterRun r = w->run;
    w->run.count = 0;
    return r.count ? qcow2_refcount_add(w->q, r.first, r.count, w->delta) : 0;
}

/* Neighbours are counted in one go. */
static int run_add(Walk *w, ClusterRun r)
{
    if (r.count == 0) {
        return 0;
    }
    if (w->run.count && w->run.first + w->run.count == r.first) {
        w->run.count += r.count;
        return 0;
    }
    int err = run_flush(w);
    w->run = r;
    return err;
}

static int walk_l2(Walk *w, uint64_t index)
{
    Qcow2 *q = w->q;
    Qcow2Table *l2;
    int err = qcow2_l2_get(q, w->map, index, &l2);
    if (err < 0 || !l2) {
        return err;
    }
    /* A table that (in a bad image) refers to itself may be freed below. */
    uint64_t offset = l2->offset;
    g_autofree uint8_t *data = g_memdup2(l2->data, qcow2_cluster(q));
    ClusterRun table = { offset >> q->cluster_bits, 1 };
    unsigned step = qcow2_entry_bytes(q);
    for (uint64_t i = 0; i < qcow2_cluster(q) && err == 0; i += step) {
        Qcow2Entry e;
        const char *bad = qcow2_entry_parse(q, data + i, &e);
        err = bad ? qcow2_corrupt(q, offset + i, bad)
                  : run_add(w, qcow2_entry_run(q, &e));
    }
    return err < 0 ? err : run_add(w, table);
}

int qcow2_walk_add(Qcow2 *q, const Qcow2Map *map, int delta)
{
    Walk w = { .q = q, .map = map, .delta = delta };
    int err = 0;
    for (uint32_t i = 0; i < map->entries && err == 0; i++) {
        err = walk_l2(&w, i);
    }
    return err < 0 ? err : run_flush(&w);
}

/* --- "copied" flags --------------------------------------------------- */

/* What becomes of the flags. */
typedef enum Flags { FLAGS_CLEAR, FLAGS_COUNT } Flags;

static int flag_for(Qcow2 *q, Flags flags, uint64_t offset, uint64_t *raw)
{
    uint64_t count = 0;
    int err = flags == FLAGS_CLEAR ? 0 :
              qcow2_refcount_get(q, offset >> q->cluster_bits, &count);
    *raw = (*raw & ~ENTRY_COPIED) | (count == 1 ? ENTRY_COPIED : 0);
    return err;
}

/* The flags in the bytes of an L2 table. */
static int flags_in(Qcow2 *q, Flags flags, uint64_t offset, uint8_t *data)
{
    int err = 0;
    unsigned step = qcow2_entry_bytes(q);
    for (uint64_t i = 0; i < qcow2_cluster(q) && err == 0; i += step) {
        uint64_t raw = bytes_ld_be64(data + i);
        Qcow2Entry e;
        const char *bad = qcow2_entry_parse(q, data + i, &e);
        if (bad) {
            err = qcow2_corrupt(q, offset + i, bad);
        } else if (e.placed && e.kind != CLUSTER_COMPRESSED &&
                   !qcow2_external(q)) {
            err = flag_for(q, flags, e.host, &raw);
        }
        bytes_st_be64(data + i, raw);
    }
    return err;
}

/* Puts a table of the active map, with these bytes, into a new cluster. */
static int l2_move(Qcow2 *q, uint32_t i, const uint8_t *data)
{
    Qcow2Table *l2;
    uint64_t old = q->map.l1[i] & ENTRY_OFFSET, offset;
    int err = qcow2_alloc(q, 1, &offset);
    err = err < 0 ? err : qcow2_cache_new(q, &q->l2, offset, &l2);
    if (err < 0) {
        return err;
    }
    memcpy(l2->data, data, qcow2_cluster(q));
    q->map.l1[i] = offset;
    return qcow2_refcount_add(q, old >> q->cluster_bits, 1, -1);
}

/* May the L2 table be written where it is? */
static int l2_in_place(Qcow2 *q, uint64_t offset, bool *yes)
{
    uint64_t before = 0;
    int err = !q->change ? 0 :
              qcow2_refcount_before(q, offset >> q->cluster_bits, &before);
    *yes = before == 0;
    return err;
}

static int l2_flags(Qcow2 *q, Flags flags, uint32_t i)
{
    Qcow2Table *l2;
    bool in_place;
    int err = qcow2_l2_get(q, &q->map, i, &l2);
    if (err < 0 || !l2) {
        return err;
    }
    g_autofree uint8_t *data = g_memdup2(l2->data, qcow2_cluster(q));
    err = flags_in(q, flags, l2->offset, data);
    err = err < 0 ? err : l2_in_place(q, l2->offset, &in_place);
    if (err == 0 && memcmp(data, l2->data, qcow2_cluster(q)) != 0) {
        if (!in_place) {
            return l2_move(q, i, data);
        }
        memcpy(l2->data, data, qcow2_cluster(q));
        l2->dirty = true;
    }
    return err;
}

static int walk_flags(Qcow2 *q, Flags flags)
{
    int err = 0;
    for (uint32_t i = 0; i < q->map.entries && err == 0; i++) {
        uint64_t raw = q->map.l1[i];
        err = l2_flags(q, flags, i);
        if (err < 0 || !raw) {
            continue;
        }
        uint64_t want = q->map.l1[i];
        err = flag_for(q, flags, want & ENTRY_OFFSET, &want);
        q->map.l1[i] = want;
        /* A change writes the table anew in any case. */
        q->l1_dirty |= want != raw && !q->change;
    }
    return err;
}

int qcow2_walk_copied(Qcow2 *q)
{
    return walk_flags(q, FLAGS_COUNT);
}

int qcow2_walk_uncopied(Qcow2 *q)
{
    g_assert(q->change);
    return walk_flags(q, FLAGS_CLEAR);
}
