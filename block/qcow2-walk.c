/*
 * Everything that an L1 table refers to: counted once more or once less when
 * snapshots come and go, and marked as shared or not.
 */
#include <errno.h>

#include "qcow2.h"

typedef struct Walk {
    Qcow2 *q;
    const Qcow2Map *map;
    int delta;             /* 0: look whether there is room for one more */
    ClusterRun run;        /* not yet counted */
} Walk;

static int run_flush(Walk *w)
{
    ClusterRun r = w->run;
    uint64_t count;
    int err = 0;
    w->run.count = 0;
    if (w->delta) {
        return r.count ? qcow2_refcount_add(w->q, r.first, r.count, w->delta)
                       : 0;
    }
    for (uint64_t i = 0; i < r.count && err == 0; i++) {
        err = qcow2_refcount_get(w->q, r.first + i, &count);
        if (err == 0 && count >= qcow2_refcount_max(w->q)) {
            err = -EFBIG;
        }
    }
    return err;
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
    for (uint64_t i = 0; i < qcow2_cluster(q) / 8 && err == 0; i++) {
        Qcow2Entry e;
        const char *bad = qcow2_entry_parse(q, bytes_ld_be64(data + i * 8),
                                            &e);
        err = bad ? qcow2_corrupt(q, offset + i * 8, bad)
                  : run_add(w, qcow2_entry_run(q, &e));
    }
    return err < 0 ? err : run_add(w, table);
}

static int walk(Qcow2 *q, const Qcow2Map *map, int delta)
{
    Walk w = { .q = q, .map = map, .delta = delta };
    int err = 0;
    for (uint32_t i = 0; i < map->entries && err == 0; i++) {
        err = walk_l2(&w, i);
    }
    return err < 0 ? err : run_flush(&w);
}

int qcow2_walk_add(Qcow2 *q, const Qcow2Map *map, int delta)
{
    return walk(q, map, delta);
}

int qcow2_walk_room(Qcow2 *q, const Qcow2Map *map)
{
    return walk(q, map, 0);
}

/* --- "copied" flags --------------------------------------------------- */

static int flag_for(Qcow2 *q, uint64_t offset, uint64_t raw, uint64_t *want)
{
    uint64_t count;
    int err = qcow2_refcount_get(q, offset >> q->cluster_bits, &count);
    *want = (raw & ~ENTRY_COPIED) | (count == 1 ? ENTRY_COPIED : 0);
    return err;
}

static int copied_l2(Qcow2 *q, Qcow2Table *l2)
{
    int err = 0;
    for (uint64_t i = 0; i < qcow2_cluster(q) / 8 && err == 0; i++) {
        uint64_t raw = bytes_ld_be64(l2->data + i * 8);
        uint64_t want = raw;
        Qcow2Entry e;
        const char *bad = qcow2_entry_parse(q, raw, &e);
        if (bad) {
            err = qcow2_corrupt(q, l2->offset + i * 8, bad);
        } else if (e.kind == CLUSTER_DATA ||
                   e.kind == CLUSTER_ZERO_ALLOCATED) {
            err = flag_for(q, e.host, raw, &want);
        }
        if (err == 0 && want != raw) {
            bytes_st_be64(l2->data + i * 8, want);
            l2->dirty = true;
        }
    }
    return err;
}

int qcow2_walk_copied(Qcow2 *q)
{
    int err = 0;
    for (uint32_t i = 0; i < q->map.entries && err == 0; i++) {
        Qcow2Table *l2;
        uint64_t want;
        err = qcow2_l2_get(q, &q->map, i, &l2);
        if (err < 0 || !l2) {
            continue;
        }
        err = flag_for(q, l2->offset, q->map.l1[i], &want);
        if (err == 0 && want != q->map.l1[i]) {
            q->map.l1[i] = want;
            q->l1_dirty = true;
        }
        err = err < 0 ? err : copied_l2(q, l2);
    }
    return err;
}
