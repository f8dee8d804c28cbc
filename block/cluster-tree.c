/*
 * Clusters in a radix tree of counted cells. See cluster-tree.h.
 *
 * A missing child is none. The one cell `zeroes` stands for a whole subtree of
 * zeroes, so clearing a disk costs nothing; `lost` stands for one cluster.
 */
#include "cluster-tree.h"

#include <string.h>

enum {
    CLUSTER_BITS = 12,
    FAN_BITS = 6,
    FAN = 1 << FAN_BITS,
};

G_STATIC_ASSERT(1 << CLUSTER_BITS == TREE_CLUSTER);

/* A leaf (level 0) is followed by a cluster, another by FAN children. */
struct Cell {
    unsigned refs;
    union {
        struct Cell *child[0];
        uint8_t data[0];
    };
};

static Cell zeroes, lost;

/* True of cells that have room of their own. */
static bool cell_real(const Cell *c)
{
    return c && c != &zeroes && c != &lost;
}

static size_t cell_payload(unsigned level)
{
    return level ? FAN * sizeof(Cell *) : TREE_CLUSTER;
}

static Cell *cell_ref(Cell *c)
{
    if (cell_real(c)) {
        c->refs++;
    }
    return c;
}

static void cell_unref(Cell *c, unsigned level)
{
    if (!cell_real(c) || --c->refs > 0) {
        return;
    }
    for (unsigned i = 0; level > 0 && i < FAN; i++) {
        cell_unref(c->child[i], level - 1);
    }
    g_free(c);
}

/* Makes *slot a cell that nobody else has, reading as before. */
static Cell *cell_own(Cell **slot, unsigned level)
{
    Cell *old = *slot;
    if (cell_real(old) && old->refs == 1) {
        return old;
    }
    Cell *c = g_malloc0(sizeof *c + cell_payload(level));
    c->refs = 1;
    if (cell_real(old)) {
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

static void cell_cover(Cell **slot, unsigned level, Cell *upper)
{
    if (!upper || *slot == upper) {
        return;
    }
    if (level == 0 || !cell_real(upper) || !*slot) {
        cell_ref(upper);
        cell_unref(*slot, level);
        *slot = upper;
        return;
    }
    Cell *c = cell_own(slot, level);
    for (unsigned i = 0; i < FAN; i++) {
        cell_cover(&c->child[i], level - 1, upper->child[i]);
    }
}

static uint64_t cell_bytes(const Cell *c, unsigned level)
{
    if (!cell_real(c)) {
        return 0;
    }
    uint64_t bytes = sizeof *c + cell_payload(level);
    for (unsigned i = 0; level > 0 && i < FAN; i++) {
        bytes += cell_bytes(c->child[i], level - 1);
    }
    return bytes;
}

/* --- trees ------------------------------------------------------------ */

ClusterTree tree_new(uint64_t size_bytes)
{
    ClusterTree t = { 0 };
    while (cell_span(t.levels) < size_bytes) {
        t.levels++;
    }
    return t;
}

ClusterTree tree_copy(const ClusterTree *t)
{
    return (ClusterTree) { cell_ref(t->root), t->levels };
}

void tree_drop(ClusterTree *t)
{
    cell_unref(t->root, t->levels);
    t->root = NULL;
}

ClusterKind tree_find(const ClusterTree *t, uint64_t offset,
                      const uint8_t **data, uint64_t *run)
{
    const Cell *c = t->root;
    unsigned level = t->levels;
    while (level > 0 && cell_real(c)) {
        c = c->child[cell_index(offset, level)];
        level--;
    }
    uint64_t inside = offset & (cell_span(level) - 1);
    *run = cell_span(level) - inside;
    if (!cell_real(c)) {
        return !c ? CLUSTER_NONE : c == &lost ? CLUSTER_LOST : CLUSTER_ZEROES;
    }
    *data = c->data + inside;
    return CLUSTER_BYTES;
}

/* The place of a leaf; the cells above it are t's own. */
static Cell **tree_slot(ClusterTree *t, uint64_t offset)
{
    Cell **slot = &t->root;
    for (unsigned level = t->levels; level > 0; level--) {
        slot = &cell_own(slot, level)->child[cell_index(offset, level)];
    }
    return slot;
}

uint8_t *tree_own(ClusterTree *t, uint64_t offset)
{
    return cell_own(tree_slot(t, offset), 0)->data;
}

void tree_clear(ClusterTree *t, uint64_t begin, uint64_t end)
{
    cell_clear(&t->root, t->levels, begin, end);
}

void tree_lose(ClusterTree *t, uint64_t offset)
{
    Cell **slot = tree_slot(t, offset);
    cell_unref(*slot, 0);
    *slot = &lost;
}

void tree_cover(ClusterTree *t, const ClusterTree *upper)
{
    g_assert(t->levels == upper->levels);
    cell_cover(&t->root, t->levels, upper->root);
}

uint64_t tree_bytes(const ClusterTree *t)
{
    return cell_bytes(t->root, t->levels);
}
