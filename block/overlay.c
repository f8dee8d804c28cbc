/*
 * Writes kept in memory over a node that is never written: `snapshot=on`, and
 * the undoable disk of a replay.
 *
 * What was written is a radix tree of 4 KiB clusters whose cells are counted
 * and shared: a mark is one more reference to the root, and the next write
 * copies the few cells on its way down. Going back to a mark is taking its
 * root again. A missing child reads as the base; the one cell `zeroes` stands
 * for a whole subtree of zeroes, so clearing a disk costs nothing.
 */
#include <errno.h>
#include <string.h>

#include "driver.h"

enum {
    CLUSTER_BITS = 12,
    CLUSTER = 1 << CLUSTER_BITS,
    FAN_BITS = 6,
    FAN = 1 << FAN_BITS,
};

/* A leaf (level 0) is followed by CLUSTER bytes, another by FAN children. */
typedef struct Cell {
    unsigned refs;
    union {
        struct Cell *child[0];
        uint8_t data[0];
    };
} Cell;

static Cell zeroes;

/* A disk as it reads at a time. */
struct OverlayMark {
    BlockNode *base;
    Cell *root;
    unsigned levels;       /* of children above a leaf */
};

typedef struct Overlay {
    BlockNode node;
    OverlayMark now;
} Overlay;

#define OVERLAY(n) container_of(n, Overlay, node)

/* --- cells ------------------------------------------------------------ */

static size_t cell_payload(unsigned level)
{
    return level ? FAN * sizeof(Cell *) : CLUSTER;
}

static Cell *cell_ref(Cell *c)
{
    if (c && c != &zeroes) {
        c->refs++;
    }
    return c;
}

static void cell_unref(Cell *c, unsigned level)
{
    if (!c || c == &zeroes || --c->refs > 0) {
        return;
    }
    for (unsigned i = 0; level > 0 && i < FAN; i++) {
        cell_unref(c->child[i], level - 1);
    }
    g_free(c);
}

/* Makes *slot a cell that nobody else has, reading as before. A leaf that
 * reads as the base is the caller's to fill. */
static Cell *cell_own(Cell **slot, unsigned level)
{
    Cell *old = *slot;
    if (old && old != &zeroes && old->refs == 1) {
        return old;
    }
    Cell *c = g_malloc0(sizeof *c + cell_payload(level));
    c->refs = 1;
    if (old && old != &zeroes) {
        memcpy(c->data, old->data, cell_payload(level));
    }
    for (unsigned i = 0; level > 0 && i < FAN; i++) {
        c->child[i] = old == &zeroes ? old : cell_ref(c->child[i]);
    }
    cell_unref(old, level);
    *slot = c;
    return c;
}

/* Bytes below one cell of a level. */
static uint64_t cell_span(unsigned level)
{
    return UINT64_C(1) << (CLUSTER_BITS + FAN_BITS * level);
}

static unsigned cell_index(uint64_t offset, unsigned level)
{
    return offset >> (CLUSTER_BITS + FAN_BITS * (level - 1)) & (FAN - 1);
}

/* The leaf at an offset; NULL (base) or &zeroes, and then *run tells how many
 * bytes from there on are the same at least. */
static Cell *overlay_find(const Overlay *o, uint64_t offset, uint64_t *run)
{
    Cell *c = o->now.root;
    unsigned level = o->now.levels;
    while (level > 0 && c && c != &zeroes) {
        c = c->child[cell_index(offset, level)];
        level--;
    }
    *run = cell_span(level) - (offset & (cell_span(level) - 1));
    return c;
}

/* --- transfers -------------------------------------------------------- */

static int overlay_read(BlockNode *n, uint64_t offset, void *buf, size_t bytes)
{
    uint8_t *p = buf;
    while (bytes > 0) {
        uint64_t run;
        Cell *c = overlay_find(OVERLAY(n), offset, &run);
        run = MIN(run, bytes);
        int err = 0;
        if (!c) {
            err = node_read_padded(OVERLAY(n)->now.base, offset, p, run);
        } else if (c == &zeroes) {
            memset(p, 0, run);
        } else {
            memcpy(p, c->data + (offset & (CLUSTER - 1)), run);
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
    bool fill = !overlay_find(o, offset, &run) && bytes < CLUSTER;
    if (fill) {
        int err = node_read_padded(o->now.base, offset & ~(CLUSTER - 1ULL),
                                   old, CLUSTER);
        if (err < 0) {
            return err;
        }
    }
    Cell **slot = &o->now.root;
    for (unsigned level = o->now.levels; level > 0; level--) {
        slot = &cell_own(slot, level)->child[cell_index(offset, level)];
    }
    Cell *leaf = cell_own(slot, 0);
    if (fill) {
        memcpy(leaf->data, old, CLUSTER);
    }
    memcpy(leaf->data + (offset & (CLUSTER - 1)), buf, bytes);
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

/* Clears [begin, end), whole clusters relative to the cell in *slot. */
static void cell_clear(Cell **slot, unsigned level, uint64_t begin,
                       uint64_t end)
{
    if (begin == 0 && end == cell_span(level)) {
        cell_unref(*slot, level);
        *slot = &zeroes;
        return;
    }
    if (*slot == &zeroes) {
        return;
    }
    Cell *c = cell_own(slot, level);
    uint64_t span = cell_span(level - 1);
    for (uint64_t i = begin / span; i * span < end; i++) {
        cell_clear(&c->child[i], level - 1,
                   begin > i * span ? begin - i * span : 0,
                   MIN(end - i * span, span));
    }
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
        cell_clear(&o->now.root, o->now.levels, first, last);
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
    Cell *c = overlay_find(OVERLAY(n), offset, &run);
    run = MIN(run, bytes);
    if (!c) {
        return node_extent_padded(OVERLAY(n)->now.base, offset, run, what);
    }
    *what = c == &zeroes ? BLOCK_EXTENT_ZERO : BLOCK_EXTENT_DATA;
    return run;
}

/* --- marks ------------------------------------------------------------ */

static void mark_drop(OverlayMark *mark)
{
    cell_unref(mark->root, mark->levels);
    node_unref(mark->base);
}

static OverlayMark mark_copy(const OverlayMark *mark)
{
    return (OverlayMark) {
        .base = node_ref(mark->base),
        .root = cell_ref(mark->root),
        .levels = mark->levels,
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

BlockNode *overlay_new(BlockNode *base)
{
    Overlay *o = g_new0(Overlay, 1);
    node_init(&o->node, &overlay_driver, base->file);
    overlay_rebase(&o->node, base);
    return &o->node;
}

void overlay_rebase(BlockNode *overlay, BlockNode *base)
{
    OverlayMark mark = { .base = node_ref(base) };
    while (cell_span(mark.levels) < base->size_bytes) {
        mark.levels++;
    }
    overlay_become(OVERLAY(overlay), mark);
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
