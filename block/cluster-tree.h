/*
 * Some 4 KiB clusters of a disk by their place: a radix tree whose cells are
 * counted and shared, so that a copy of it costs nothing and writing to one
 * of them copies the few cells on the way down.
 *
 * Implemented by cluster-tree.c; called by overlay.c (what was written) and
 * undo.c (what was overwritten).
 */
#ifndef CLUSTER_TREE_H
#define CLUSTER_TREE_H

#include "base/types.h"

#define TREE_CLUSTER 4096

typedef struct Cell Cell;

/* All zero: a tree of one cluster, without it. */
typedef struct ClusterTree {
    Cell *root;
    unsigned levels;       /* of children above a leaf */
} ClusterTree;

typedef enum ClusterKind {
    CLUSTER_NONE,
    CLUSTER_ZEROES,
    CLUSTER_BYTES,
    CLUSTER_LOST,          /* it should be here, but nobody could read it */
} ClusterKind;

/* An empty tree for a disk of a size. */
ClusterTree tree_new(uint64_t size_bytes);
/* Shares everything; either may then be changed. */
ClusterTree tree_copy(const ClusterTree *t);
void tree_drop(ClusterTree *t);

/* What is at an offset, and how many bytes from there on are the same at
 * least; *data, for CLUSTER_BYTES, is the byte at the offset. */
ClusterKind tree_find(const ClusterTree *t, uint64_t offset,
                      const uint8_t **data, uint64_t *run);
/* The bytes of the cluster that an offset lies in, to be changed by nobody but
 * the caller. One that was none or lost is all zero. */
uint8_t *tree_own(ClusterTree *t, uint64_t offset);
/* [begin, end), multiples of clusters, becomes zeroes; costs nothing. */
void tree_clear(ClusterTree *t, uint64_t begin, uint64_t end);
void tree_lose(ClusterTree *t, uint64_t offset);
/* Takes what is in `upper`, of the same size, over what is in *t. */
void tree_cover(ClusterTree *t, const ClusterTree *upper);
/* Memory that it takes, what it shares included. */
uint64_t tree_bytes(const ClusterTree *t);

#endif
