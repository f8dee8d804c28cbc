/*
 * Bitmaps in a qcow2 image: read, and written back. See qcow2-bitmap.h.
 */
#include <errno.h>
#include <string.h>

#include "qcow2-bitmap.h"

enum {
    EXTENSION_BYTES = 24,
    ROW_TABLE_OFFSET = 0,
    ROW_TABLE_ENTRIES = 8,
    ROW_FLAGS = 12,
    ROW_TYPE = 16,
    ROW_GRANULARITY = 17,
    ROW_NAME_BYTES = 18,
    ROW_EXTRA_BYTES = 20,
    ROW_BYTES = 24,
    TYPE_DIRTY = 1,
};

#define TABLE_ALL_ONES UINT64_C(1)
#define TABLE_RESERVED UINT64_C(0xff000000000001fe)
#define DIRECTORY_BYTES_MAX (64 * MIB)

/* --- the header extension ----------------------------------------------- */

bool qcow2_bitmaps_parse(Qcow2 *q, const uint8_t *data, uint32_t len,
                         Error **errp)
{
    if (len != EXTENSION_BYTES) {
        return qcow2_error(q, errp, 0, "bitmaps extension of a bad length");
    }
    if (!(q->autoclear & AUTOCLEAR_BITMAPS)) {
        /* Somebody wrote the image who does not know of bitmaps. */
        return true;
    }
    qcow2_bitmaps_free(q->bitmaps);
    Qcow2Bitmaps *b = q->bitmaps = g_new0(Qcow2Bitmaps, 1);
    b->count = bytes_ld_be32(data);
    b->directory_bytes = bytes_ld_be64(data + 8);
    b->directory_offset = bytes_ld_be64(data + 16);
    if (b->count == 0 || b->count > BITMAPS_MAX ||
        b->directory_bytes > DIRECTORY_BYTES_MAX ||
        b->directory_bytes < (uint64_t)b->count * ROW_BYTES ||
        (b->directory_offset & (qcow2_cluster(q) - 1)) ||
        b->directory_offset > INT64_MAX) {
        return qcow2_error(q, errp, b->directory_offset,
                           "bitmap directory out of bounds");
    }
    return true;
}

GBytes *qcow2_bitmaps_extension(const Qcow2 *q)
{
    uint8_t data[EXTENSION_BYTES] = { 0 };
    const Qcow2Bitmaps *b = q->bitmaps;
    if (!b || b->count == 0) {
        return NULL;
    }
    bytes_st_be32(data, b->count);
    bytes_st_be64(data + 8, b->directory_bytes);
    bytes_st_be64(data + 16, b->directory_offset);
    return g_bytes_new(data, sizeof data);
}

void bitmap_free(void *opaque)
{
    Qcow2Bitmap *b = opaque;
    g_free(b->name);
    g_free(b->table);
    g_free(b->bits);
    g_bytes_unref(b->extra);
    g_free(b);
}

void qcow2_bitmaps_free(Qcow2Bitmaps *b)
{
    if (b) {
        g_clear_pointer(&b->rows, g_ptr_array_unref);
        g_free(b);
    }
}

/* --- loading ------------------------------------------------------------ */

uint64_t bitmap_bytes(const Qcow2 *q, const Qcow2Bitmap *b)
{
    uint64_t bits = (q->map.size_bytes >> b->granularity) +
        ((q->map.size_bytes & ((UINT64_C(1) << b->granularity) - 1)) != 0);
    return bits / 8 + (bits % 8 != 0);
}

/* The length of a row with its padding, 0: it does not fit. */
static uint64_t row_length(const uint8_t *row, uint64_t left)
{
    if (left < ROW_BYTES) {
        return 0;
    }
    uint64_t name = bytes_ld_be16(row + ROW_NAME_BYTES);
    uint64_t len = (ROW_BYTES + bytes_ld_be32(row + ROW_EXTRA_BYTES) + name +
                    7) & ~UINT64_C(7);
    return name == 0 || name > BITMAP_NAME_MAX || len > left ? 0 : len;
}

static Qcow2Bitmap *row_parse(const uint8_t *row)
{
    Qcow2Bitmap *b = g_new0(Qcow2Bitmap, 1);
    uint32_t extra = bytes_ld_be32(row + ROW_EXTRA_BYTES);
    b->table_offset = bytes_ld_be64(row + ROW_TABLE_OFFSET);
    b->table_entries = bytes_ld_be32(row + ROW_TABLE_ENTRIES);
    b->flags = bytes_ld_be32(row + ROW_FLAGS);
    b->type = row[ROW_TYPE];
    b->granularity = row[ROW_GRANULARITY];
    b->extra = g_bytes_new(row + ROW_BYTES, extra);
    b->name = g_strndup((const char *)row + ROW_BYTES + extra,
                        bytes_ld_be16(row + ROW_NAME_BYTES));
    return b;
}

static bool row_valid(Qcow2 *q, Qcow2Bitmap *b, Error **errp)
{
    if (b->type != TYPE_DIRTY || b->granularity < BITMAP_GRANULARITY_MIN ||
        b->granularity > BITMAP_GRANULARITY_MAX ||
        bitmap_bytes(q, b) > BITMAP_BYTES_MAX ||
        b->table_entries != qcow2_clusters(q, bitmap_bytes(q, b))) {
        return qcow2_error(q, errp, b->flags_at,
                           "bad entry of the bitmap directory");
    }
    b->table = qcow2_load_u64(q, b->table_offset, b->table_entries,
                              "bitmap table", errp);
    for (uint32_t i = 0; b->table && i < b->table_entries; i++) {
        uint64_t at = b->table[i] & ENTRY_OFFSET;
        if ((b->table[i] & TABLE_RESERVED) ||
            (at & (qcow2_cluster(q) - 1)) ||
            (at && (b->table[i] & TABLE_ALL_ONES)) ||
            at >= block_file_size(q->file)) {
            return qcow2_error(q, errp, b->table_offset + i * 8ULL,
                               "bad entry of a bitmap table");
        }
    }
    return b->table;
}

static bool rows_parse(Qcow2 *q, const uint8_t *directory, Error **errp)
{
    Qcow2Bitmaps *all = q->bitmaps;
    uint64_t at = 0;
    for (uint32_t i = 0; i < all->count; i++) {
        uint64_t len = row_length(directory + at, all->directory_bytes - at);
        if (len == 0) {
            return qcow2_error(q, errp, all->directory_offset + at,
                               "bad entry of the bitmap directory");
        }
        Qcow2Bitmap *b = row_parse(directory + at);
        b->flags_at = all->directory_offset + at + ROW_FLAGS;
        g_ptr_array_add(all->rows, b);
        if (!row_valid(q, b, errp)) {
            return false;
        }
        at += len;
    }
    return true;
}

bool qcow2_bitmaps_load(Qcow2 *q, Error **errp)
{
    Qcow2Bitmaps *all = q->bitmaps;
    if (!all || all->rows) {
        return true;
    }
    if (all->directory_offset + all->directory_bytes >
        block_file_size(q->file) + qcow2_cluster(q)) {
        return qcow2_error(q, errp, all->directory_offset,
                           "bitmap directory out of bounds");
    }
    g_autofree uint8_t *directory = g_malloc0(all->directory_bytes);
    int err = block_file_read(q->file, all->directory_offset, directory,
                              all->directory_bytes);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not read the bitmap directory of "
                        "'%s'", q->node.file);
        return false;
    }
    all->rows = g_ptr_array_new_with_free_func(bitmap_free);
    if (!rows_parse(q, directory, errp)) {
        g_clear_pointer(&all->rows, g_ptr_array_unref);
        return false;
    }
    return true;
}

bool bitmap_load_bits(Qcow2 *q, Qcow2Bitmap *b, Error **errp)
{
    uint64_t size = qcow2_cluster(q), bytes = bitmap_bytes(q, b);
    int err = 0;
    if (b->bits) {
        return true;
    }
    b->bits = g_try_malloc0(MAX(bytes, 1));
    for (uint32_t i = 0; b->bits && i < b->table_entries && err == 0; i++) {
        uint64_t at = b->table[i] & ENTRY_OFFSET;
        uint64_t part = MIN(size, bytes - i * size);
        if (at) {
            err = block_file_read(q->file, at, b->bits + i * size, part);
        } else if (b->table[i] & TABLE_ALL_ONES) {
            memset(b->bits + i * size, 0xff, part);
        }
    }
    if (!b->bits || err < 0) {
        g_clear_pointer(&b->bits, g_free);
        error_set_errno(errp, err < 0 ? -err : ENOMEM,
                        "Could not read bitmap '%s' of '%s'", b->name,
                        q->node.file);
        return false;
    }
    return true;
}

Qcow2Bitmap *bitmap_find(const Qcow2 *q, const char *name)
{
    const GPtrArray *rows = q->bitmaps ? q->bitmaps->rows : NULL;
    for (guint i = 0; rows && i < rows->len; i++) {
        Qcow2Bitmap *b = g_ptr_array_index(rows, i);
        if (strcmp(b->name, name) == 0) {
            return b;
        }
    }
    return NULL;
}

/* --- storing ------------------------------------------------------------ */

void bitmap_table_forget(Qcow2 *q, uint64_t offset, const uint64_t *table,
                         uint32_t entries)
{
    for (uint32_t i = 0; i < entries; i++) {
        if (table[i] & ENTRY_OFFSET) {
            qcow2_free(q, table[i] & ENTRY_OFFSET, 1);
        }
    }
    if (entries > 0) {
        qcow2_free(q, offset, qcow2_clusters(q, entries * 8ULL));
    }
}

/* One cluster of bits; its table entry. */
static int bits_store(Qcow2 *q, const uint8_t *bits, uint64_t bytes,
                      uint64_t *entry)
{
    uint64_t size = qcow2_cluster(q);
    bool same = !memcmp(bits, bits + 1, bytes - 1);
    *entry = 0;
    if (same && (bits[0] == 0 || (bits[0] == 0xff && bytes == size))) {
        *entry = bits[0] ? TABLE_ALL_ONES : 0;
        return 0;
    }
    g_autofree uint8_t *whole = g_malloc0(size);
    memcpy(whole, bits, bytes);
    int err = qcow2_alloc(q, 1, entry);
    return err < 0 ? err : block_file_write(q->file, *entry, whole, size);
}

/* A bitmap's new table, with its bits in new clusters. */
static int table_store(Qcow2 *q, Qcow2Bitmap *b)
{
    uint64_t bytes = bitmap_bytes(q, b), size = qcow2_cluster(q);
    uint32_t entries = qcow2_clusters(q, bytes);
    g_autofree uint64_t *table = g_new0(uint64_t, MAX(entries, 1));
    uint64_t offset = 0;
    int err = 0;
    for (uint32_t i = 0; i < entries && err == 0; i++) {
        err = bits_store(q, b->bits + i * size, MIN(size, bytes - i * size),
                         &table[i]);
    }
    if (entries > 0) {
        err = err < 0 ? err : qcow2_alloc(q, qcow2_clusters(q, entries * 8ULL),
                                          &offset);
        err = err < 0 ? err : qcow2_store_u64(q, offset, table, entries);
    }
    if (err < 0) {
        bitmap_table_forget(q, offset, table, offset ? entries : 0);
        return err;
    }
    b->table_offset = offset;
    b->table_entries = entries;
    g_free(b->table);
    b->table = g_steal_pointer(&table);
    b->changed = false;
    return 0;
}

static void row_append(GByteArray *out, const Qcow2Bitmap *b)
{
    static const uint8_t zeroes[8];
    uint8_t row[ROW_BYTES];
    gsize extra;
    const uint8_t *extra_data = g_bytes_get_data(b->extra, &extra);
    bytes_st_be64(row + ROW_TABLE_OFFSET, b->table_offset);
    bytes_st_be32(row + ROW_TABLE_ENTRIES, b->table_entries);
    bytes_st_be32(row + ROW_FLAGS, b->flags);
    row[ROW_TYPE] = TYPE_DIRTY;
    row[ROW_GRANULARITY] = b->granularity;
    bytes_st_be16(row + ROW_NAME_BYTES, strlen(b->name));
    bytes_st_be32(row + ROW_EXTRA_BYTES, extra);
    g_byte_array_append(out, row, sizeof row);
    if (extra) {
        g_byte_array_append(out, extra_data, extra);
    }
    g_byte_array_append(out, (const uint8_t *)b->name, strlen(b->name));
    g_byte_array_append(out, zeroes, -out->len & 7);
}

/* The directory in new clusters; none if there are no rows. */
static int directory_store(Qcow2 *q, Qcow2Bitmaps *to)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    for (guint i = 0; i < to->rows->len; i++) {
        Qcow2Bitmap *b = g_ptr_array_index(to->rows, i);
        b->flags_at = out->len + ROW_FLAGS;
        row_append(out, b);
    }
    to->count = to->rows->len;
    to->directory_bytes = out->len;
    to->directory_offset = 0;
    if (to->count == 0) {
        return 0;
    }
    int err = qcow2_alloc(q, qcow2_clusters(q, out->len),
                          &to->directory_offset);
    err = err < 0 ? err : block_file_write(q->file, to->directory_offset,
                                           out->data, out->len);
    for (guint i = 0; i < to->rows->len; i++) {
        Qcow2Bitmap *b = g_ptr_array_index(to->rows, i);
        b->flags_at += to->directory_offset;
    }
    return err;
}

/* The tables as the file has them: they go when the new ones are true. */
static GPtrArray *tables_copy(const Qcow2Bitmaps *all)
{
    GPtrArray *old = g_ptr_array_new_with_free_func(bitmap_free);
    for (guint i = 0; i < all->rows->len; i++) {
        const Qcow2Bitmap *b = g_ptr_array_index(all->rows, i);
        if (!b->changed) {
            continue;
        }
        Qcow2Bitmap *copy = g_new0(Qcow2Bitmap, 1);
        copy->extra = g_bytes_new(NULL, 0);
        copy->table_offset = b->table_offset;
        copy->table_entries = b->table_entries;
        copy->table = g_memdup2(b->table, b->table_entries * 8ULL);
        g_ptr_array_add(old, copy);
    }
    return old;
}

bool qcow2_bitmaps_store(Qcow2 *q, Error **errp)
{
    Qcow2Bitmaps *all = q->bitmaps, before = *all;
    g_autoptr(GPtrArray) old = tables_copy(all);
    int err = 0;
    for (guint i = 0; i < all->rows->len && err == 0; i++) {
        Qcow2Bitmap *b = g_ptr_array_index(all->rows, i);
        err = b->changed ? table_store(q, b) : 0;
    }
    err = err < 0 ? err : directory_store(q, all);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not store the bitmaps of '%s'",
                        q->node.file);
        return false;
    }
    q->autoclear = (q->autoclear & ~AUTOCLEAR_BITMAPS) |
                   (all->count ? AUTOCLEAR_BITMAPS : 0);
    if (!qcow2_header_rewrite(q, errp)) {
        return false;
    }
    for (guint i = 0; i < old->len; i++) {
        const Qcow2Bitmap *b = g_ptr_array_index(old, i);
        bitmap_table_forget(q, b->table_offset, b->table, b->table_entries);
    }
    if (before.directory_offset) {
        qcow2_free(q, before.directory_offset,
                   qcow2_clusters(q, before.directory_bytes));
    }
    return true;
}
