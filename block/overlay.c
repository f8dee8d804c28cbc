/*
 * Writes kept in memory over a node that is never written: `snapshot=on`, the
 * undoable disk of a replay, and the past of an image that is being recorded.
 *
 * What was written is a tree of clusters (cluster-tree.h): a mark is a copy of
 * the tree, which costs nothing, and going back to a mark is taking its tree
 * again. What is not in the tree reads as the base.
 */
#include <errno.h>
#include <string.h>

#include "driver.h"

enum { CLUSTER = TREE_CLUSTER };

/* A disk as it reads at a time. */
struct OverlayMark {
    BlockNode *base;
    ClusterTree tree;
};

typedef struct Overlay {
    BlockNode node;
    OverlayMark now;
} Overlay;

#define OVERLAY(n) container_of(n, Overlay, node)

/* tree_find(); what could not be read reads as the base. */
static ClusterKind overlay_find(const Overlay *o, uint64_t offset,
                                const uint8_t **data, uint64_t *run)
{
    ClusterKind kind = tree_find(&o->now.tree, offset, data, run);
    return kind == CLUSTER_LOST ? CLUSTER_NONE : kind;
}

/* --- transfers -------------------------------------------------------- */

static int overlay_read(BlockNode *n, uint64_t offset, void *buf, size_t bytes)
{
    uint8_t *p = buf;
    while (bytes > 0) {
        uint64_t run;
        const uint8_t *data;
        ClusterKind kind = overlay_find(OVERLAY(n), offset, &data, &run);
        run = MIN(run, bytes);
        int err = 0;
        if (kind == CLUSTER_NONE) {
            err = node_read_padded(OVERLAY(n)->now.base, offset, p, run);
        } else if (kind == CLUSTER_ZEROES) {
            memset(p, 0, run);
        } else {
            memcpy(p, data, run);
        }
        if (err < 0) {
            return err;
        }
        p += run;
        offset += run;
        bytes -= run;
    }
    return 0;
}

/* Writes within one cluster. */
static int overlay_write_leaf(Overlay *o, uint64_t offset, const void *buf,
                              size_t bytes)
{
    uint8_t old[CLUSTER];
    uint64_t run;
    const uint8_t *data;
    bool fill = bytes < CLUSTER &&
                overlay_find(o, offset, &data, &run) == CLUSTER_NONE;
    if (fill) {
        int err = node_read_padded(o->now.base, offset & ~(CLUSTER - 1ULL),
                                   old, CLUSTER);
        if (err < 0) {
            return err;
        }
    }
    uint8_t *leaf = tree_own(&o->now.tree, offset);
    if (fill) {
        memcpy(leaf, old, CLUSTER);
    }
    memcpy(leaf + (offset & (CLUSTER - 1)), buf, bytes);
    return 0;
}

static int overlay_write(BlockNode *n, uint64_t offset, const void *buf,
                         size_t bytes)
{
    const uint8_t *p = buf;
    while (bytes > 0) {
        size_t part = MIN(bytes, CLUSTER - (offset & (CLUSTER - 1)));
        int err = overlay_write_leaf(OVERLAY(n), offset, p, part);
        if (err < 0) {
            return err;
        }
        p += part;
        offset += part;
        bytes -= part;
    }
    return 0;
}

static int overlay_write_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    static const uint8_t zero[CLUSTER];
    Overlay *o = OVERLAY(n);
    uint64_t end = offset + bytes;
    uint64_t head = MIN(bytes, -offset & (CLUSTER - 1));
    uint64_t tail = 0;
    int err = head ? overlay_write_leaf(o, offset, zero, head) : 0;
    if (err == 0 && bytes > head) {
        /* The disk's last cluster may be short; behind it nobody looks. */
        tail = end == n->size_bytes ? 0 : end & (CLUSTER - 1);
        err = tail ? overlay_write_leaf(o, end - tail, zero, tail) : 0;
    }
    uint64_t first = offset + head;
    uint64_t last = (end - tail + CLUSTER - 1) & ~(CLUSTER - 1ULL);
    if (err == 0 && bytes > head && last > first) {
        tree_clear(&o->now.tree, first, last);
    }
    return err;
}

static int overlay_flush(BlockNode *n)
{
    return 0;
}

static uint64_t overlay_extent(BlockNode *n, uint64_t offset, uint64_t bytes,
                               BlockExtent *what)
{
    uint64_t run;
    const uint8_t *data;
    ClusterKind kind = overlay_find(OVERLAY(n), offset, &data, &run);
    run = MIN(run, bytes);
    if (kind == CLUSTER_NONE) {
        return node_extent_padded(OVERLAY(n)->now.base, offset, run, what);
    }
    *what = kind == CLUSTER_ZEROES ? BLOCK_EXTENT_ZERO : BLOCK_EXTENT_DATA;
    return run;
}

/* --- marks ------------------------------------------------------------ */

static void mark_drop(OverlayMark *mark)
{
    tree_drop(&mark->tree);
    node_unref(mark->base);
}

static OverlayMark mark_copy(const OverlayMark *mark)
{
    return (OverlayMark) {
        .base = node_ref(mark->base),
        .tree = tree_copy(&mark->tree),
    };
}

static void overlay_become(Overlay *o, OverlayMark mark)
{
    mark_drop(&o->now);
    o->now = mark;
    o->node.size_bytes = mark.base->size_bytes;
}

static void overlay_close(BlockNode *n)
{
    mark_drop(&OVERLAY(n)->now);
}

static const BlockDriver overlay_driver = {
    .format = "overlay",
    .read = overlay_read,
    .write = overlay_write,
    .write_zeroes = overlay_write_zeroes,
    .flush = overlay_flush,
    .extent = overlay_extent,
    .close = overlay_close,
};

BlockNode *overlay_new_with(BlockNode *base, ClusterTree tree)
{
    Overlay *o = g_new0(Overlay, 1);
    node_init(&o->node, &overlay_driver, base->file);
    o->node.size_bytes = base->size_bytes;
    o->now = (OverlayMark) { node_ref(base), tree };
    return &o->node;
}

BlockNode *overlay_new(BlockNode *base)
{
    return overlay_new_with(base, tree_new(base->size_bytes));
}

void overlay_rebase(BlockNode *overlay, BlockNode *base)
{
    overlay_become(OVERLAY(overlay), (OverlayMark) {
        .base = node_ref(base),
        .tree = tree_new(base->size_bytes),
    });
}

const ClusterTree *overlay_written(const BlockNode *overlay, BlockNode **base)
{
    const OverlayMark *now = &container_of(overlay, Overlay, node)->now;
    *base = now->base;
    return &now->tree;
}

OverlayMark *overlay_mark(BlockNode *overlay)
{
    OverlayMark *mark = g_new(OverlayMark, 1);
    *mark = mark_copy(&OVERLAY(overlay)->now);
    return mark;
}

void overlay_return_to(BlockNode *overlay, const OverlayMark *mark)
{
    overlay_become(OVERLAY(overlay), mark_copy(mark));
}

void overlay_mark_free(OverlayMark *mark)
{
    if (mark) {
        mark_drop(mark);
        g_free(mark);
    }
}
