/*
 * qcow2: opening and closing, and what the other parts share.
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

/* --- shared by the parts ---------------------------------------------- */

bool qcow2_error(const Qcow2 *q, Error **errp, uint64_t offset,
                 const char *what)
{
    error_set(errp, "Image '%s' at offset 0x%" G_GINT64_MODIFIER "x: %s",
              q->node.file, offset, what);
    return false;
}

int qcow2_corrupt(Qcow2 *q, uint64_t offset, const char *what)
{
    if (!q->reported) {
        error_report("Image '%s' at offset 0x%" G_GINT64_MODIFIER "x: %s",
                     q->node.file, offset, what);
        q->reported = true;
        if (!q->node.readonly && q->version >= 3) {
            qcow2_set_incompatible(q, q->incompatible | INCOMPATIBLE_CORRUPT);
        }
        q->node.readonly = true;
    }
    return -EIO;
}

uint64_t *qcow2_load_u64(Qcow2 *q, uint64_t offset, uint64_t entries,
                         const char *what, Error **errp)
{
    uint64_t size = block_file_size(q->file);
    if ((offset & (qcow2_cluster(q) - 1)) || offset > size ||
        entries > (size - offset) / 8 + qcow2_cluster(q) / 8) {
        error_set(errp, "Image '%s' at offset 0x%" G_GINT64_MODIFIER
                  "x: the %s is out of bounds", q->node.file, offset, what);
        return NULL;
    }
    uint64_t *table = g_malloc0(MAX(entries, 1) * 8);
    int err = block_file_read(q->file, offset, table, entries * 8);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not read the %s of '%s' at offset "
                        "0x%" G_GINT64_MODIFIER "x", what, q->node.file,
                        offset);
        g_free(table);
        return NULL;
    }
    for (uint64_t i = 0; i < entries; i++) {
        table[i] = GUINT64_FROM_BE(table[i]);
    }
    return table;
}

int qcow2_store_u64(Qcow2 *q, uint64_t offset, const uint64_t *table,
                    uint64_t entries)
{
    /* Whole clusters, so that the file never ends inside a table. */
    uint64_t bytes = qcow2_clusters(q, entries * 8) << q->cluster_bits;
    g_autofree uint8_t *image = g_malloc0(MAX(bytes, 1));
    for (uint64_t i = 0; i < entries; i++) {
        bytes_st_be64(image + i * 8, table[i]);
    }
    return block_file_write(q->file, offset, image, bytes);
}

/* Nobody knows what the file leads to any more: from now on it is let be. */
static void pointer_lost(Qcow2 *q, uint64_t offset, int err)
{
    error_report("Image '%s' at offset 0x%" G_GINT64_MODIFIER "x: could not "
                 "be written: %s; nothing more is written to it",
                 q->node.file, offset, g_strerror(-err));
    q->node.readonly = true;
}

int qcow2_pointer_write(Qcow2 *q, uint64_t offset, const void *bytes,
                        size_t len)
{
    uint8_t old[QCOW2_HEADER_V3_BYTES];
    g_assert(len <= sizeof old);
    int err = block_file_read(q->file, offset, old, len);
    if (err < 0) {
        return err;
    }
    err = block_file_write(q->file, offset, bytes, len);
    err = err < 0 ? err : block_file_sync(q->file);
    if (err < 0) {
        int back = block_file_write(q->file, offset, old, len);
        back = back < 0 ? back : block_file_sync(q->file);
        if (back < 0) {
            pointer_lost(q, offset, back);
        }
    }
    return err;
}

int qcow2_header_switch(Qcow2 *q, unsigned at, const void *bytes, size_t len)
{
    int err = block_file_sync(q->file);
    return err < 0 ? err : qcow2_pointer_write(q, at, bytes, len);
}

int qcow2_header_set_map(Qcow2 *q, const Qcow2Map *map)
{
    uint8_t header[HEADER_REFTABLE_OFFSET - HEADER_SIZE] = { 0 };
    bytes_st_be64(header, map->size_bytes);
    bytes_st_be32(header + (HEADER_L1_SIZE - HEADER_SIZE), map->entries);
    bytes_st_be64(header + (HEADER_L1_SIZE + 4 - HEADER_SIZE), map->offset);
    return qcow2_header_switch(q, HEADER_SIZE, header, sizeof header);
}

int qcow2_set_incompatible(Qcow2 *q, uint64_t bits)
{
    uint8_t field[8];
    bytes_st_be64(field, bits);
    int err = qcow2_header_switch(q, HEADER_INCOMPATIBLE, field, 8);
    q->incompatible = err < 0 ? q->incompatible : bits;
    return err;
}

bool qcow2_overlaps(const Qcow2 *q, uint64_t offset, uint64_t bytes)
{
    const struct {
        uint64_t offset, bytes;
    } fixed[] = {
        { 0, qcow2_cluster(q) },
        { q->map.offset, (uint64_t)q->map.entries * 8 },
        { q->reftable_offset,
          (uint64_t)q->reftable_clusters << q->cluster_bits },
        { q->snapshots_offset, q->snapshots_bytes },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(fixed); i++) {
        if (offset < fixed[i].offset + fixed[i].bytes &&
            fixed[i].offset < offset + bytes) {
            return true;
        }
    }
    for (uint64_t at = offset & ~(qcow2_cluster(q) - 1); at < offset + bytes;
         at += qcow2_cluster(q)) {
        if (qcow2_cache_has(&q->refblocks, at)) {
            return true;
        }
    }
    return false;
}

/* --- opening ---------------------------------------------------------- */

static bool l1_load(Qcow2 *q, Error **errp)
{
    if (q->map.size_bytes > INT64_MAX ||
        qcow2_l1_needed(q, q->map.size_bytes) > q->map.entries) {
        return qcow2_error(q, errp, HEADER_L1_SIZE,
                           "the L1 table is too small");
    }
    if (q->map.entries > QCOW2_L1_BYTES_MAX / 8) {
        return qcow2_error(q, errp, HEADER_L1_SIZE,
                           "the L1 table is too large");
    }
    q->map.l1 = qcow2_load_u64(q, q->map.offset, q->map.entries,
                               "active L1 table", errp);
    return q->map.l1;
}

/* What a writer has to settle before it may write. */
static bool writer_ready(Qcow2 *q, const NodeOpen *how, Error **errp)
{
    if (q->incompatible & INCOMPATIBLE_CORRUPT) {
        return qcow2_error(q, errp, HEADER_INCOMPATIBLE, "the image is marked "
                           "corrupt; it can be opened for reading only");
    }
    ImageCheck check = { 0 };
    if ((q->incompatible & INCOMPATIBLE_DIRTY) &&
        (!qcow2_check(&q->node, true, &check, errp) ||
         check.corruptions > check.corruptions_fixed)) {
        return check.corruptions ?
               qcow2_error(q, errp, HEADER_INCOMPATIBLE, "the image was not "
                           "closed properly and cannot be repaired") : false;
    }
    uint64_t known = AUTOCLEAR_BITMAPS | AUTOCLEAR_RAW_DATA;
    if (q->autoclear & ~known) {
        uint8_t kept[8];
        bytes_st_be64(kept, q->autoclear & known);
        int err = qcow2_header_switch(q, HEADER_AUTOCLEAR, kept, 8);
        if (err < 0) {
            error_set_errno(errp, -err, "Could not write '%s'", q->node.file);
            return false;
        }
        q->autoclear &= known;
    }
    return true;
}

static bool image_load(Qcow2 *q, const NodeOpen *how, Error **errp)
{
    uint32_t snapshots = 0;
    if (!qcow2_header_load(q, &snapshots, errp)) {
        return false;
    }
    qcow2_cache_init(q, &q->l2);
    qcow2_cache_init(q, &q->refblocks);
    q->node.size_bytes = qcow2_disk_bytes(q->map.size_bytes);
    return l1_load(q, errp) && qcow2_reftable_load(q, errp) &&
           qcow2_snapshots_load(q, snapshots, errp) &&
           qcow2_data_open(q, how, errp) &&
           qcow2_backing_open(q, how, errp) &&
           (how->readonly || how->inspect || writer_ready(q, how, errp));
}

static void qcow2_close(BlockNode *n)
{
    Qcow2 *q = QCOW2(n);
    Error *err = NULL;
    if (!qcow2_bitmaps_settle(q, &err)) {
        error_report("%s", error_message(err));
        error_free(err);
    }
    if (q->unreferenced->len > 0 || q->l1_dirty || !n->readonly) {
        (void)qcow2_sync_tables(q);
    }
    if (q->data != q->file) {
        block_file_close(q->data);
    }
    block_file_close(q->file);
    node_unref(q->backing);
    qcow2_cache_free(&q->l2);
    qcow2_cache_free(&q->refblocks);
    g_array_unref(q->unreferenced);
    g_ptr_array_unref(q->snapshots);
    g_free(q->backing_file);
    g_free(q->backing_path);
    g_free(q->backing_format);
    g_free(q->map.l1);
    g_free(q->reftable);
    g_free(q->inflated_data);
    g_free(q->data_file);
    g_ptr_array_unref(q->extensions);
    qcow2_bitmaps_free(q->bitmaps);
}

/* --- the driver ------------------------------------------------------- */

static int qcow2_read(BlockNode *n, uint64_t offset, void *buf, size_t bytes)
{
    return qcow2_map_read(QCOW2(n), &QCOW2(n)->map, offset, buf, bytes);
}

static uint64_t qcow2_extent(BlockNode *n, uint64_t offset, uint64_t bytes,
                             BlockExtent *what)
{
    return qcow2_map_extent(QCOW2(n), &QCOW2(n)->map, offset, bytes, what);
}

static int qcow2_flush(BlockNode *n)
{
    Qcow2 *q = QCOW2(n);
    int err = qcow2_external(q) && !n->readonly ? block_file_sync(q->data) : 0;
    err = err < 0 ? err : qcow2_sync_tables(q);
    return n->readonly || err < 0 ? err : block_file_sync(q->file);
}

static uint64_t qcow2_place(BlockNode *n, uint64_t offset, uint64_t bytes,
                            BlockPlace *place)
{
    Qcow2 *q = QCOW2(n);
    bool hole;
    bytes = qcow2_map_place(q, &q->map, offset, bytes, place);
    if (place->data && place->file) {
        /* Clusters that nobody has written to yet are holes in the file. */
        bytes = block_file_extent(q->data, place->offset, bytes, &hole);
        place->zero = hole;
    }
    return bytes;
}

static BlockNode *qcow2_backing(BlockNode *n)
{
    return QCOW2(n)->backing;
}

static int qcow2_make_empty(BlockNode *n)
{
    return qcow2_discard(QCOW2(n), 0, n->size_bytes);
}

static void qcow2_info(BlockNode *n, ImageInfo *info)
{
    Qcow2 *q = QCOW2(n);
    info->backing_file = g_strdup(q->backing_file);
    info->backing_path = g_strdup(q->backing_path);
    info->backing_format = g_strdup(q->backing_format);
    info->cluster_bytes = qcow2_cluster(q);
    info->version = q->version;
    info->refcount_bits = 1 << q->refcount_order;
    info->dirty = q->incompatible & INCOMPATIBLE_DIRTY;
    info->corrupt = q->incompatible & INCOMPATIBLE_CORRUPT;
    info->lazy_refcounts = q->compatible & COMPATIBLE_LAZY_REFCOUNTS;
    info->extended_l2 = qcow2_extended(q);
    info->zstd = q->compression != 0;
    info->data_file = g_strdup(q->data_file);
    info->data_file_raw = q->autoclear & AUTOCLEAR_RAW_DATA;
    info->bitmaps = qcow2_bitmaps_list(q);
}

static const BlockDriver qcow2_driver = {
    .format = "qcow2",
    .read = qcow2_read,
    .write = qcow2_write,
    .write_zeroes = qcow2_write_zeroes,
    .flush = qcow2_flush,
    .extent = qcow2_extent,
    .place = qcow2_place,
    .backing = qcow2_backing,
    .write_compressed = qcow2_write_compressed,
    .make_empty = qcow2_make_empty,
    .close = qcow2_close,
    .snapshot_list = qcow2_snapshot_list,
    .snapshot_create = qcow2_snapshot_create,
    .snapshot_goto = qcow2_snapshot_goto,
    .snapshot_delete = qcow2_snapshot_delete,
    .snapshot_rename = qcow2_snapshot_rename,
    .snapshot_vm_state = qcow2_snapshot_vm_state,
    .snapshot_read = qcow2_vm_state_read,
    .snapshot_room = qcow2_vm_state_room,
    .snapshot_view = qcow2_snapshot_view,
    .snapshot_add = qcow2_snapshot_add,
    .snapshot_may_add = qcow2_snapshot_may_add,
    .snapshot_withdraw = qcow2_snapshot_withdraw,
    .info = qcow2_info,
    .check = qcow2_check,
    .resize = qcow2_resize,
    .preallocate = qcow2_preallocate,
    .backing_rename = qcow2_backing_rename,
    .amend = qcow2_amend,
    .vm_state_read = qcow2_active_vm_state_read,
    .vm_state_write = qcow2_active_vm_state_write,
    .bitmap = qcow2_bitmap_change,
};

static void extension_free(void *opaque)
{
    Qcow2Extension *e = opaque;
    g_bytes_unref(e->data);
    g_free(e);
}

BlockNode *qcow2_open(BlockFile *file, const NodeOpen *how, Error **errp)
{
    Qcow2 *q = g_new0(Qcow2, 1);
    node_init(&q->node, &qcow2_driver, how->file);
    q->node.readonly = how->readonly;
    q->newborn = how->newborn;
    q->file = q->data = file;
    q->extensions = g_ptr_array_new_with_free_func(extension_free);
    q->unreferenced = g_array_new(FALSE, FALSE, sizeof(ClusterRun));
    q->snapshots = g_ptr_array_new_with_free_func(
        (GDestroyNotify)qcow2_snapshot_free);
    if (!image_load(q, how, errp)) {
        /* Nothing of it may be written. */
        q->node.readonly = true;
        node_unref(&q->node);
        return NULL;
    }
    return &q->node;
}
