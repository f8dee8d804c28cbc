/*
 * Bitmaps of a qcow2 image: what users do with them, and how writes get into
 * them. See qcow2-bitmap.h.
 */
#include <errno.h>
#include <string.h>

#include "qcow2-bitmap.h"

enum { GRANULARITY_DEFAULT = 16 };

/* --- bits --------------------------------------------------------------- */

static void bits_set(uint8_t *bits, uint64_t first, uint64_t count)
{
    for (; count > 0 && first % 8; first++, count--) {
        bits[first / 8] |= 1u << (first % 8);
    }
    memset(bits + first / 8, 0xff, count / 8);
    first += count & ~UINT64_C(7);
    for (count %= 8; count > 0; first++, count--) {
        bits[first / 8] |= 1u << (first % 8);
    }
}

static uint64_t bits_count(const uint8_t *bits, uint64_t bytes)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < bytes; i++) {
        n += __builtin_popcount(bits[i]);
    }
    return n;
}

static void bitmap_mark(Qcow2Bitmap *b, uint64_t offset, uint64_t bytes)
{
    uint64_t first = offset >> b->granularity;
    uint64_t last = (offset + bytes - 1) >> b->granularity;
    bits_set(b->bits, first, last - first + 1);
    b->changed = true;
}

/* --- writes ------------------------------------------------------------- */

/* Says in the file that automatic bitmaps are no longer what they were. */
static int flags_store(Qcow2 *q, Qcow2Bitmap *b, uint32_t flags)
{
    uint8_t field[4];
    bytes_st_be32(field, flags);
    int err = block_file_write(q->file, b->flags_at, field, 4);
    if (err == 0) {
        b->flags = flags;
    }
    return err;
}

static int tracking_begin(Qcow2 *q)
{
    int err = qcow2_bitmaps_load(q, NULL) ? 0 : -EIO;
    for (guint i = 0; err == 0 && i < q->bitmaps->rows->len; i++) {
        Qcow2Bitmap *b = g_ptr_array_index(q->bitmaps->rows, i);
        if ((b->flags & BITMAP_AUTO) && !(b->flags & BITMAP_IN_USE)) {
            err = bitmap_load_bits(q, b, NULL) ? 0 : -EIO;
            b->changed |= err == 0;
            err = err < 0 ? err : flags_store(q, b, b->flags | BITMAP_IN_USE);
        }
    }
    err = err < 0 ? err : block_file_sync(q->file);
    q->bitmaps->tracking = err == 0;
    return err;
}

int qcow2_bitmaps_note(Qcow2 *q, uint64_t offset, uint64_t bytes)
{
    int err = q->bitmaps->tracking ? 0 : tracking_begin(q);
    /* What lies behind the disk is nobody's. */
    uint64_t size = q->map.size_bytes;
    bytes = offset < size ? MIN(bytes, size - offset) : 0;
    for (guint i = 0; err == 0 && i < q->bitmaps->rows->len; i++) {
        Qcow2Bitmap *b = g_ptr_array_index(q->bitmaps->rows, i);
        if (b->changed && (b->flags & BITMAP_AUTO) && bytes > 0) {
            bitmap_mark(b, offset, bytes);
        }
    }
    return err;
}

bool qcow2_bitmaps_settle(Qcow2 *q, Error **errp)
{
    Qcow2Bitmaps *all = q->bitmaps;
    if (!all || !all->tracking || q->node.readonly) {
        return true;
    }
    for (guint i = 0; i < all->rows->len; i++) {
        Qcow2Bitmap *b = g_ptr_array_index(all->rows, i);
        if (b->changed) {
            b->flags &= ~BITMAP_IN_USE;
        }
    }
    all->tracking = false;
    return qcow2_bitmaps_store(q, errp);
}

/* --- for users ---------------------------------------------------------- */

GPtrArray *qcow2_bitmaps_list(Qcow2 *q)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(image_bitmap_free);
    g_autoptr(Error) err = NULL;
    if (!qcow2_bitmaps_load(q, &err)) {
        error_warn("%s", error_message(err));
        return list;
    }
    for (guint i = 0; q->bitmaps && i < q->bitmaps->rows->len; i++) {
        Qcow2Bitmap *b = g_ptr_array_index(q->bitmaps->rows, i);
        ImageBitmap *copy = g_new0(ImageBitmap, 1);
        copy->name = g_strdup(b->name);
        copy->granularity_bytes = UINT32_C(1) << b->granularity;
        copy->in_use = b->flags & BITMAP_IN_USE;
        copy->automatic = b->flags & BITMAP_AUTO;
        copy->table_bytes = qcow2_clusters(q, b->table_entries * 8ULL) <<
                            q->cluster_bits;
        copy->bits_bytes = bitmap_bytes(q, b);
        if (bitmap_load_bits(q, b, NULL)) {
            copy->dirty_bits = bits_count(b->bits, bitmap_bytes(q, b));
        }
        g_ptr_array_add(list, copy);
    }
    return list;
}

static bool add(Qcow2 *q, const ImageBitmapChange *c, Error **errp)
{
    unsigned granularity = c->granularity_bytes ?
        __builtin_ctz(c->granularity_bytes) :
        MAX(q->cluster_bits, GRANULARITY_DEFAULT);
    if (c->granularity_bytes && (c->granularity_bytes &
                                 (c->granularity_bytes - 1))) {
        error_set(errp, "granularity must be a power of 2");
        return false;
    }
    if (granularity < BITMAP_GRANULARITY_MIN ||
        granularity > BITMAP_GRANULARITY_MAX) {
        error_set(errp, "granularity must be between %u and %u bytes",
                  1u << BITMAP_GRANULARITY_MIN, 1u << BITMAP_GRANULARITY_MAX);
        return false;
    }
    if (strlen(c->name) > BITMAP_NAME_MAX || !*c->name) {
        error_set(errp, "A bitmap's name has 1 to %d bytes", BITMAP_NAME_MAX);
        return false;
    }
    Qcow2Bitmap *b = g_new0(Qcow2Bitmap, 1);
    *b = (Qcow2Bitmap) { .name = g_strdup(c->name), .type = 1,
                         .granularity = granularity, .changed = true,
                         .flags = c->disabled ? 0 : BITMAP_AUTO,
                         .extra = g_bytes_new(NULL, 0) };
    if (bitmap_bytes(q, b) > BITMAP_BYTES_MAX) {
        error_set(errp, "Bitmap '%s' would be too large; use a larger "
                  "granularity", c->name);
        bitmap_free(b);
        return false;
    }
    b->bits = g_malloc0(MAX(bitmap_bytes(q, b), 1));
    g_ptr_array_add(q->bitmaps->rows, b);
    return true;
}

/* What is set in the source gets set, whatever its granularity. */
static bool merge(Qcow2 *q, Qcow2Bitmap *to, const ImageBitmapChange *c,
                  Error **errp)
{
    Qcow2 *from = QCOW2(c->source);
    Qcow2Bitmap *b = qcow2_bitmaps_load(from, errp) ?
                     bitmap_find(from, c->source_name) : NULL;
    if (!b) {
        if (!errp || !*errp) {
            error_set(errp, "Bitmap '%s' not found in '%s'", c->source_name,
                      from->node.file);
        }
        return false;
    }
    if (b->flags & BITMAP_IN_USE) {
        error_set(errp, "Bitmap '%s' is inconsistent and cannot be used",
                  c->source_name);
        return false;
    }
    if (from->map.size_bytes != q->map.size_bytes) {
        error_set(errp, "Bitmaps are of different sizes (destination size is "
                  "%" G_GUINT64_FORMAT ", source size is %" G_GUINT64_FORMAT
                  ")", q->map.size_bytes, from->map.size_bytes);
        return false;
    }
    if (!bitmap_load_bits(from, b, errp)) {
        return false;
    }
    uint64_t bits = bitmap_bytes(from, b) * 8;
    for (uint64_t i = 0; i < bits; i++) {
        uint64_t at = i << b->granularity;
        if ((b->bits[i / 8] >> (i % 8) & 1) && at < q->map.size_bytes) {
            bitmap_mark(to, at, MIN(UINT64_C(1) << b->granularity,
                                    q->map.size_bytes - at));
        }
    }
    return true;
}

/* A bitmap that nobody kept up can only be removed. */
static bool usable(const Qcow2Bitmap *b, Error **errp)
{
    if (b->flags & BITMAP_IN_USE) {
        error_set(errp, "Bitmap '%s' is inconsistent and cannot be used; try "
                  "to remove it", b->name);
        return false;
    }
    return true;
}

static bool change_one(Qcow2 *q, Qcow2Bitmap *b, const ImageBitmapChange *c,
                       Error **errp)
{
    if (c->action == BITMAP_REMOVE) {
        /* Stored as changed to nothing, so that its clusters are given back. */
        b->changed = true;
        return true;
    }
    if (!usable(b, errp) || !bitmap_load_bits(q, b, errp)) {
        return false;
    }
    b->changed = true;
    switch (c->action) {
    case BITMAP_CLEAR:
        memset(b->bits, 0, bitmap_bytes(q, b));
        return true;
    case BITMAP_ENABLE:
        b->flags |= BITMAP_AUTO;
        return true;
    case BITMAP_DISABLE:
        b->flags &= ~BITMAP_AUTO;
        return true;
    default:
        return merge(q, b, c, errp);
    }
}

/* A change of nothing but the directory: the row goes with its clusters. */
static bool row_remove(Qcow2 *q, Qcow2Bitmap *b, Error **errp)
{
    g_autofree uint64_t *table = g_steal_pointer(&b->table);
    uint64_t offset = b->table_offset;
    uint32_t entries = b->table_entries;
    g_ptr_array_remove(q->bitmaps->rows, b);
    if (!qcow2_bitmaps_store(q, errp)) {
        return false;
    }
    bitmap_table_forget(q, offset, table, entries);
    return true;
}

bool qcow2_bitmap_change(BlockNode *n, const ImageBitmapChange *c,
                         Error **errp)
{
    Qcow2 *q = QCOW2(n);
    if (q->version < 3) {
        error_set(errp, "Cannot store dirty bitmaps in qcow2 v2 files");
        return false;
    }
    if (!q->bitmaps) {
        q->bitmaps = g_new0(Qcow2Bitmaps, 1);
        q->bitmaps->rows = g_ptr_array_new_with_free_func(bitmap_free);
    }
    if (!qcow2_bitmaps_load(q, errp)) {
        return false;
    }
    Qcow2Bitmap *b = bitmap_find(q, c->name);
    if (!b != (c->action == BITMAP_ADD)) {
        error_set(errp, b ? "Bitmap already exists: %s"
                          : "Dirty bitmap '%s' not found", c->name);
        return false;
    }
    if (c->action == BITMAP_REMOVE) {
        return row_remove(q, b, errp);
    }
    return (b ? change_one(q, b, c, errp) : add(q, c, errp)) &&
           qcow2_bitmaps_store(q, errp);
}

int qcow2_bitmaps_resize(Qcow2 *q, uint64_t size_bytes)
{
    uint64_t old = q->map.size_bytes;
    int err = !q->bitmaps ? 0 : tracking_begin(q);
    for (guint i = 0; q->bitmaps && err == 0 && i < q->bitmaps->rows->len;
         i++) {
        Qcow2Bitmap *b = g_ptr_array_index(q->bitmaps->rows, i);
        uint64_t was = bitmap_bytes(q, b);
        if (!bitmap_load_bits(q, b, NULL)) {
            return -EIO;
        }
        q->map.size_bytes = size_bytes;
        uint64_t now = bitmap_bytes(q, b);
        q->map.size_bytes = old;
        if (now > BITMAP_BYTES_MAX) {
            return -EFBIG;
        }
        if (now > was) {
            b->bits = g_realloc(b->bits, now);
            memset(b->bits + was, 0, now - was);
        }
        b->changed = true;
    }
    return err;
}

int qcow2_bitmaps_walk(Qcow2 *q, Qcow2BitmapUse *use, void *opaque,
                       Error **errp)
{
    Qcow2Bitmaps *all = q->bitmaps;
    if (!all) {
        return 0;
    }
    if (!qcow2_bitmaps_load(q, errp)) {
        return -EIO;
    }
    use(opaque, all->directory_offset, all->directory_bytes);
    for (guint i = 0; i < all->rows->len; i++) {
        const Qcow2Bitmap *b = g_ptr_array_index(all->rows, i);
        if (b->table_entries > 0) {
            use(opaque, b->table_offset, b->table_entries * 8ULL);
        }
        for (uint32_t k = 0; k < b->table_entries; k++) {
            if (b->table[k] & ENTRY_OFFSET) {
                use(opaque, b->table[k] & ENTRY_OFFSET, qcow2_cluster(q));
            }
        }
    }
    return 0;
}
