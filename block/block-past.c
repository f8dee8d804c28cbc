/*
 * A disk goes to the past of a recording and comes back. See io/blockdev.h.
 */
#include "block-dev.h"

/* One of the two. */
struct BlockMark {
    OverlayMark *overlay;
    UndoMark *undo;
};

static bool is_layered(const BlockDev *b)
{
    return b->top != b->image;
}

BlockMark *blockdev_mark(BlockDev *b)
{
    if (!is_layered(b) && !b->undo) {
        return NULL;
    }
    BlockMark *mark = g_new0(BlockMark, 1);
    if (is_layered(b)) {
        mark->overlay = overlay_mark(b->top);
    } else {
        mark->undo = undo_mark(b->undo);
    }
    return mark;
}

void blockdev_return_to(BlockDev *b, const BlockMark *mark)
{
    if (mark->undo) {
        g_assert(b->undo);
        node_unref(b->top);
        b->top = undo_view(b->undo, mark->undo);
    } else {
        g_assert(is_layered(b));
        overlay_return_to(b->top, mark->overlay);
    }
    b->away = true;
}

void blockdev_mark_free(BlockMark *mark)
{
    if (mark) {
        overlay_mark_free(mark->overlay);
        undo_mark_free(mark->undo);
        g_free(mark);
    }
}

void blockdev_keep_past(BlockDev *b, bool on)
{
    if (on && !b->undo && b->image && !is_layered(b) && !b->readonly) {
        b->undo = undo_new(b->image, b->head.node);
    }
    if (!on && b->undo) {
        blockdev_return_to_present(b);
        g_assert(!undo_has_marks(b->undo));
        undo_free(b->undo);
        b->undo = NULL;
    }
}

void blockdev_return_to_present(BlockDev *b)
{
    if (b->undo && is_layered(b)) {
        node_unref(b->top);
        b->top = node_ref(b->image);
    }
    b->away = false;
}

uint64_t blockdev_past_bytes(const BlockDev *b)
{
    return b->undo ? undo_bytes(b->undo) : 0;
}
