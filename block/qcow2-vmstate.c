/*
 * VM state in a qcow2 image: written behind the disk's part of a snapshot's L1
 * table, piece by piece, and read back.
 *
 * A piece is a cluster. One that is all zero has no L2 entry; one that is the
 * same as in an older snapshot gets that snapshot's entry, and its cluster one
 * reference more. Nothing but counts ties snapshots together, so any of them
 * can be deleted, by any program that knows the format.
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

/* How much is read at once. */
#define READ_BYTES (1 * MIB)

bool qcow2_vm_state_map(const Qcow2 *q, const Qcow2Snapshot *s,
                        const Qcow2Map *map, Qcow2Map *part, Error **errp)
{
    uint64_t first = qcow2_l1_needed(q, s->disk_bytes);
    uint64_t bytes = s->info.vm_state_bytes;
    if (bytes > INT64_MAX || first > map->entries ||
        qcow2_l1_needed(q, bytes) > map->entries - first) {
        return qcow2_error(q, errp, q->snapshots_offset,
                           "the VM state of a snapshot is out of bounds");
    }
    *part = (Qcow2Map) {
        .l1 = map->l1 + first,
        .entries = map->entries - first,
        .offset = map->offset + first * 8,
        .size_bytes = bytes,
    };
    return true;
}

/* --- writing ---------------------------------------------------------- */

/* Clusters in a row of an older snapshot that have not been counted yet. */
typedef struct Shared {
    ClusterRun run;
    uint64_t first, count; /* L2 entries */
} Shared;

/* One L2 table's worth of VM state. */
typedef struct Part {
    Qcow2 *q;
    BlockVmState *state;
    uint8_t *buf;          /* a cluster */
    uint8_t *entries;      /* an L2 table, to be written */
    uint8_t *old;          /* the base's L2 table, NULL: none */
    uint64_t old_offset;
    Shared shared;
} Part;

static int cluster_store(Qcow2 *q, const uint8_t *data, uint64_t *host)
{
    int err = qcow2_alloc(q, 1, host);
    if (err < 0) {
        *host = 0;
        return err;
    }
    err = block_file_write(q->file, *host, data, qcow2_cluster(q));
    if (err < 0) {
        qcow2_free(q, *host, 1);
        *host = 0;
    }
    return err;
}

/* Counts what waits and enters it. */
static int shared_flush(Part *p)
{
    Shared *s = &p->shared;
    int err = s->run.count == 0 ? 0 :
              qcow2_refcount_add(p->q, s->run.first, s->run.count, 1);
    unsigned step = qcow2_entry_bytes(p->q);
    uint64_t end = (s->first + s->count) * step;
    for (uint64_t at = s->first * step; at < end && err == 0; at += step) {
        memcpy(p->entries + at, p->old + at, step);
        bytes_st_be64(p->entries + at,
                      bytes_ld_be64(p->old + at) & ~ENTRY_COPIED);
    }
    *s = (Shared) { 0 };
    return err;
}

/* Entry i is the base's. */
static int share(Part *p, uint64_t i)
{
    Qcow2Entry e;
    Shared *s = &p->shared;
    if (!p->old) {
        return 0;
    }
    uint64_t at = i * qcow2_entry_bytes(p->q);
    const char *bad = qcow2_entry_parse(p->q, p->old + at, &e);
    if (bad) {
        return qcow2_corrupt(p->q, p->old_offset + at, bad);
    }
    ClusterRun run = qcow2_entry_run(p->q, &e);
    if (run.count == 0) {
        return 0;
    }
    if (s->count && s->first + s->count == i &&
        s->run.first + s->run.count == run.first) {
        s->run.count += run.count;
        s->count++;
        return 0;
    }
    int err = shared_flush(p);
    *s = (Shared) { .run = run, .first = i, .count = 1 };
    return err;
}

static int piece_store(Part *p, uint64_t offset, uint64_t i)
{
    uint64_t size = qcow2_cluster(p->q);
    switch (p->state->fill(p->state->opaque, offset, p->buf, size)) {
    case VM_STATE_ZERO:
        return 0;
    case VM_STATE_SAME:
        g_assert(p->state->base);
        return share(p, i);
    case VM_STATE_DATA:
        break;
    }
    uint64_t host;
    int err = cluster_store(p->q, p->buf, &host);
    p->state->written_bytes += size;
    qcow2_entry_put(p->q, p->entries + i * qcow2_entry_bytes(p->q), host,
                    host ? UINT32_MAX : 0);
    return err;
}

/* Gets the base's L2 table, if it has one. */
static int base_table(Part *p, const Qcow2Map *base, uint64_t index)
{
    Qcow2Table *l2 = NULL;
    int err = base ? qcow2_l2_get(p->q, base, index, &l2) : 0;
    p->old = l2 ? g_memdup2(l2->data, qcow2_cluster(p->q)) : NULL;
    p->old_offset = l2 ? l2->offset : 0;
    return err;
}

/* Writes the pieces from offset on and their L2 table; where, in *l2. */
static int part_store(Part *p, uint64_t offset, uint64_t *l2)
{
    Qcow2 *q = p->q;
    uint64_t size = qcow2_cluster(q);
    uint64_t n = MIN(qcow2_l2_entries(q),
                     qcow2_clusters(q, p->state->bytes - offset));
    memset(p->entries, 0, size);
    memset(p->buf, 0, size);
    int err = cluster_store(q, p->buf, l2);
    if (err < 0) {
        return err;
    }
    p->state->written_bytes += size;
    for (uint64_t i = 0; i < n && err == 0; i++) {
        err = piece_store(p, offset + (i << q->cluster_bits), i);
    }
    int shared = shared_flush(p);
    err = err < 0 ? err : shared;
    int stored = block_file_write(q->file, *l2, p->entries, size);
    return err < 0 ? err : stored;
}

int qcow2_vm_state_store(Qcow2 *q, Qcow2Map *map, BlockVmState *state,
                         const Qcow2Map *base)
{
    Part p = { .q = q, .state = state, .buf = g_malloc(qcow2_cluster(q)),
               .entries = g_malloc(qcow2_cluster(q)) };
    uint64_t index = qcow2_l1_needed(q, map->size_bytes);
    uint64_t span = qcow2_l2_span(q);
    int err = 0;
    state->written_bytes = 0;
    for (uint64_t at = 0; at < state->bytes && err == 0; at += span) {
        err = base_table(&p, base, at / span);
        err = err < 0 ? err : part_store(&p, at, &map->l1[index++]);
        g_clear_pointer(&p.old, g_free);
    }
    g_free(p.buf);
    g_free(p.entries);
    return err;
}

/* --- reading ---------------------------------------------------------- */

static int read_pieces(Qcow2 *q, const Qcow2Map *part, const VmStateRead *what)
{
    g_autofree uint8_t *buf = g_malloc(READ_BYTES);
    uint64_t end = what->offset + what->bytes;
    int err = 0;
    for (uint64_t at = what->offset; at < end && err == 0;) {
        BlockExtent extent;
        uint64_t n = qcow2_map_extent(q, part, at, end - at, &extent);
        bool data = extent == BLOCK_EXTENT_DATA;
        n = data ? MIN(n, READ_BYTES) : n;
        err = data ? qcow2_map_read(q, part, at, buf, n) : 0;
        if (err == 0) {
            what->sink(what->opaque, at, data ? buf : NULL, n);
        }
        at += n;
    }
    return err;
}

bool qcow2_vm_state_read(BlockNode *n, const VmStateRead *what, Error **errp)
{
    Qcow2 *q = QCOW2(n);
    Qcow2Map map, part;
    Qcow2Snapshot *s = qcow2_snapshot_find(q, what->name, errp);
    if (!s || !qcow2_snapshot_map(q, s, &map, errp)) {
        return false;
    }
    bool ok = qcow2_vm_state_map(q, s, &map, &part, errp);
    if (ok && (what->offset > part.size_bytes ||
               what->bytes > part.size_bytes - what->offset)) {
        error_set(errp, "The VM state of snapshot '%s' in '%s' is too short",
                  what->name, n->file);
        ok = false;
    }
    if (ok) {
        BlockNode *backing = q->backing;
        q->backing = NULL; /* it has no VM state of ours */
        int err = read_pieces(q, &part, what);
        q->backing = backing;
        ok = err == 0 || qcow2_snapshot_fail(q, errp, err,
                                             "read the VM state of",
                                             what->name);
    }
    g_free(map.l1);
    return ok;
}

/* --- room ------------------------------------------------------------- */

/* Clusters of the file, each counted once. */
typedef struct Room {
    Qcow2 *q;
    uint8_t *seen;         /* a bit for each */
    uint64_t clusters, count;
} Room;

static void room_add(Room *r, uint64_t cluster)
{
    uint8_t bit = 1u << (cluster % 8);
    if (cluster < r->clusters && !(r->seen[cluster / 8] & bit)) {
        r->seen[cluster / 8] |= bit;
        r->count++;
    }
}

static void room_add_part(Room *r, const Qcow2Map *part)
{
    Qcow2 *q = r->q;
    for (uint32_t i = 0; i < part->entries; i++) {
        Qcow2Table *l2;
        if (qcow2_l2_get(q, part, i, &l2) < 0 || !l2) {
            continue;
        }
        room_add(r, l2->offset >> q->cluster_bits);
        for (uint64_t k = 0; k < qcow2_cluster(q);
             k += qcow2_entry_bytes(q)) {
            Qcow2Entry e;
            if (!qcow2_entry_parse(q, l2->data + k, &e) && e.host) {
                room_add(r, e.host >> q->cluster_bits);
            }
        }
    }
}

uint64_t qcow2_vm_state_room(BlockNode *n, const GPtrArray *names)
{
    Qcow2 *q = QCOW2(n);
    Room r = { .q = q,
               .clusters = qcow2_clusters(q, block_file_size(q->file)) };
    r.seen = g_malloc0(r.clusters / 8 + 1);
    for (guint i = 0; i < names->len; i++) {
        int row = qcow2_snapshot_index(q, g_ptr_array_index(names, i));
        Qcow2Map map = { 0 }, part;
        const Qcow2Snapshot *s =
            row >= 0 ? g_ptr_array_index(q->snapshots, row) : NULL;
        if (s && qcow2_snapshot_map(q, s, &map, NULL) &&
            qcow2_vm_state_map(q, s, &map, &part, NULL)) {
            room_add_part(&r, &part);
        }
        g_free(map.l1);
    }
    g_free(r.seen);
    return r.count << q->cluster_bits;
}
