/*
 * The past of an image that is being written: what its writes overwrote.
 *
 * A mark begins a set of clusters: the content, before the first write since
 * that mark, of each one written before the next newer mark. Only the newest
 * set takes in. So the image at a mark is the image now, covered by all sets
 * from the newest down to the mark's: the older content wins. Without a mark
 * its set serves the one before it, in the same way.
 *
 * Trees share their clusters: neither merging two sets nor the view of a mark
 * copies what is in them.
 */
#include "driver.h"

#include <string.h>

/* Old content is read that much at a time. */
#define CHUNK (64 * UINT64_C(4096))
G_STATIC_ASSERT(CHUNK % TREE_CLUSTER == 0);

struct Undo {
    BlockNode *image;
    char *id;
    GPtrArray *marks;      /* oldest first */
    bool reported;
    uint8_t chunk[CHUNK];
};

struct UndoMark {
    Undo *undo;            /* NULL: its disk is closed */
    ClusterTree old;
    uint64_t bytes;        /* that `old` takes, unless `grown` since */
    bool grown;
};

Undo *undo_new(BlockNode *image, const char *id)
{
    Undo *u = g_new0(Undo, 1);
    u->image = node_ref(image);
    u->id = g_strdup(id);
    u->marks = g_ptr_array_new();
    return u;
}

void undo_free(Undo *u)
{
    if (!u) {
        return;
    }
    for (guint i = 0; i < u->marks->len; i++) {
        UndoMark *mark = g_ptr_array_index(u->marks, i);
        tree_drop(&mark->old);
        mark->undo = NULL;
    }
    g_ptr_array_free(u->marks, TRUE);
    node_unref(u->image);
    g_free(u->id);
    g_free(u);
}

/* --- marks ------------------------------------------------------------ */

UndoMark *undo_mark(Undo *u)
{
    UndoMark *mark = g_new0(UndoMark, 1);
    mark->undo = u;
    mark->old = tree_new(u->image->size_bytes);
    g_ptr_array_add(u->marks, mark);
    return mark;
}

static guint mark_index(const Undo *u, const UndoMark *mark)
{
    guint i = 0;
    bool found = g_ptr_array_find(u->marks, mark, &i);
    g_assert(found);
    return i;
}

/* The set of the mark before one takes over what that one's has. */
static void mark_merge(UndoMark *before, UndoMark *mark)
{
    tree_cover(&mark->old, &before->old);
    tree_drop(&before->old);
    before->old = mark->old;
    before->grown = true;
}

void undo_mark_free(UndoMark *mark)
{
    if (mark && mark->undo) {
        GPtrArray *marks = mark->undo->marks;
        guint i = mark_index(mark->undo, mark);
        if (i > 0) {
            mark_merge(g_ptr_array_index(marks, i - 1), mark);
        } else {
            tree_drop(&mark->old);
        }
        g_ptr_array_remove_index(marks, i);
    }
    g_free(mark);
}

bool undo_has_marks(const Undo *u)
{
    return u->marks->len > 0;
}

BlockNode *undo_view(const Undo *u, const UndoMark *mark)
{
    ClusterTree all = tree_new(u->image->size_bytes);
    for (guint first = mark_index(u, mark), i = u->marks->len; i > first; i--) {
        const UndoMark *m = g_ptr_array_index(u->marks, i - 1);
        tree_cover(&all, &m->old);
    }
    return overlay_new_with(u->image, all);
}

uint64_t undo_bytes(const Undo *u)
{
    uint64_t bytes = 0;
    for (guint i = 0; i < u->marks->len; i++) {
        UndoMark *mark = g_ptr_array_index(u->marks, i);
        if (mark->grown) {
            mark->bytes = tree_bytes(&mark->old);
            mark->grown = false;
        }
        bytes += mark->bytes;
    }
    return bytes;
}

/* --- taking in -------------------------------------------------------- */

static uint64_t cluster_down(uint64_t offset)
{
    return offset & ~(uint64_t)(TREE_CLUSTER - 1);
}

static void report_lost(Undo *u, uint64_t offset, int err)
{
    if (!u->reported) {
        error_report("%s: '%s' at offset %" G_GUINT64_FORMAT " could not be "
                     "read before it was overwritten: %s; going back will "
                     "find what is there now", u->id, u->image->file, offset,
                     g_strerror(-err));
    }
    u->reported = true;
}

static void put_cluster(ClusterTree *t, uint64_t offset, const uint8_t *data)
{
    if (data[0] == 0 && memcmp(data, data + 1, TREE_CLUSTER - 1) == 0) {
        tree_clear(t, offset, offset + TREE_CLUSTER);
    } else {
        memcpy(tree_own(t, offset), data, TREE_CLUSTER);
    }
}

/* Takes in whole clusters, at most a chunk. After an error, one by one, to
 * lose none that can be read. */
static void take(Undo *u, ClusterTree *t, uint64_t offset, uint64_t bytes)
{
    int err = node_read_padded(u->image, offset, u->chunk, bytes);
    if (err == 0) {
        for (uint64_t i = 0; i < bytes; i += TREE_CLUSTER) {
            put_cluster(t, offset + i, u->chunk + i);
        }
    } else if (bytes > TREE_CLUSTER) {
        for (uint64_t i = 0; i < bytes; i += TREE_CLUSTER) {
            take(u, t, offset + i, TREE_CLUSTER);
        }
    } else {
        report_lost(u, offset, err);
        tree_lose(t, offset);
    }
}

/* Bytes of [offset, end), whole clusters, before the first that was already
 * taken in. */
static uint64_t missing(const ClusterTree *t, uint64_t offset, uint64_t end)
{
    uint64_t at = offset, run;
    const uint8_t *data;
    while (at < end && tree_find(t, at, &data, &run) == CLUSTER_NONE) {
        at += run;
    }
    return MIN(at, end) - offset;
}

/* Whole clusters that reading and writing zeroes will not change. */
static uint64_t zero_already(const Undo *u, uint64_t offset, uint64_t end)
{
    BlockExtent what;
    uint64_t at = offset;
    while (at < end) {
        uint64_t run = node_extent_padded(u->image, at, end - at, &what);
        if (what == BLOCK_EXTENT_DATA) {
            break;
        }
        at += run;
    }
    return cluster_down(at - offset);
}

void undo_capture(Undo *u, uint64_t offset, uint64_t bytes, bool zeroes)
{
    if (u->marks->len == 0 || bytes == 0) {
        return;
    }
    UndoMark *mark = g_ptr_array_index(u->marks, u->marks->len - 1);
    ClusterTree *t = &mark->old;
    uint64_t at = cluster_down(offset);
    uint64_t end = cluster_down(offset + bytes + TREE_CLUSTER - 1);
    mark->grown = true;
    while (at < end) {
        uint64_t run, skip = zeroes ? zero_already(u, at, end) : 0;
        const uint8_t *data;
        if (skip == 0 && tree_find(t, at, &data, &run) != CLUSTER_NONE) {
            skip = run;
        }
        if (skip == 0) {
            run = missing(t, at, MIN(end, at + CHUNK));
            take(u, t, at, run);
            skip = run;
        }
        at += skip;
    }
}
