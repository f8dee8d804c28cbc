/*
 * Clusters of a qcow2 image that are there before anybody writes to them.
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

/* Clusters in a row for a part of the disk at `start`: where, in *host. In a
 * data file they are where the disk has them. */
static int run_alloc(Qcow2 *q, uint64_t start, uint64_t clusters,
                     uint64_t *host)
{
    *host = start;
    return qcow2_external(q) ? 0 : qcow2_alloc(q, clusters, host);
}

/* The bytes are zeroes, or (a hole) read as such. */
static int run_fill(Qcow2 *q, uint64_t host, uint64_t bytes,
                    ImagePreallocation how)
{
    uint64_t end = host + bytes;
    if (how == PREALLOCATION_FULL) {
        return block_file_fill(q->data, host, bytes);
    }
    int err = how == PREALLOCATION_FALLOC ?
              block_file_allocate(q->data, host, bytes) : 0;
    /* A freed cluster may hold something. */
    uint64_t there = block_file_size(q->data);
    if (err == 0 && host < there && !qcow2_external(q)) {
        err = block_file_fill(q->data, host, MIN(bytes, there - host));
    }
    return err < 0 || end <= there ? err : block_file_truncate(q->data, end);
}

/* Below one L2 table, of which nothing is allocated from `start` on. */
static int run_add(Qcow2 *q, uint64_t start, uint64_t clusters,
                   ImagePreallocation how)
{
    uint64_t host, size = qcow2_cluster(q);
    uint64_t subs = q->backing_file ? 0 : UINT32_MAX;
    int err = run_alloc(q, start, clusters, &host);
    err = err < 0 ? err : run_fill(q, host, clusters * size, how);
    for (uint64_t i = 0; i < clusters && err == 0; i++) {
        err = qcow2_entry_set(q, start + i * size,
                              (host + i * size) | ENTRY_COPIED, subs, false);
    }
    return err;
}

int qcow2_preallocate(BlockNode *n, uint64_t from, ImagePreallocation how)
{
    Qcow2 *q = QCOW2(n);
    uint64_t size = qcow2_cluster(q), span = qcow2_l2_span(q);
    uint64_t at = (from + size - 1) & ~(size - 1);
    int err = n->readonly ? -EROFS : 0;
    while (err == 0 && how != PREALLOCATION_OFF && at < n->size_bytes) {
        uint64_t end = MIN(n->size_bytes, at - at % span + span);
        uint64_t clusters = qcow2_clusters(q, end - at);
        err = run_add(q, at, clusters, how);
        at += clusters * size;
    }
    return err;
}
