/*
 * The header of a qcow2 image written anew: for a new image, and where what
 * changes is more than a field (the backing file's name, an extension).
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

static void put_extension(GByteArray *out, uint32_t type, const void *data,
                          uint32_t len)
{
    static const uint8_t zeroes[8];
    uint8_t head[8];
    bytes_st_be32(head, type);
    bytes_st_be32(head + 4, len);
    g_byte_array_append(out, head, 8);
    if (len > 0) {
        g_byte_array_append(out, data, len);
    }
    g_byte_array_append(out, zeroes, -len & 7);
}

static void put_text(GByteArray *out, uint32_t type, const char *text)
{
    if (text) {
        put_extension(out, type, text, strlen(text));
    }
}

static void put_feature_names(GByteArray *out)
{
    static const struct {
        uint8_t type, bit;
        char name[46];
    } features[] = {
        { 0, 0, "dirty bit" },
        { 0, 1, "corrupt bit" },
        { 0, 2, "external data file" },
        { 0, 3, "compression type" },
        { 0, 4, "extended L2 entries" },
        { 1, 0, "lazy refcounts" },
        { 2, 0, "bitmaps" },
        { 2, 1, "raw external data" },
    };
    put_extension(out, EXTENSION_FEATURE_NAMES, features, sizeof features);
}

static void put_extensions(GByteArray *out, const Qcow2 *q)
{
    if (q->backing_file) {
        put_text(out, EXTENSION_BACKING_FORMAT, q->backing_format);
    }
    put_text(out, EXTENSION_DATA_FILE, q->data_file);
    g_autoptr(GBytes) bitmaps = qcow2_bitmaps_extension(q);
    if (bitmaps) {
        put_extension(out, EXTENSION_BITMAPS, g_bytes_get_data(bitmaps, NULL),
                      g_bytes_get_size(bitmaps));
    }
    for (guint i = 0; q->extensions && i < q->extensions->len; i++) {
        const Qcow2Extension *e = g_ptr_array_index(q->extensions, i);
        put_extension(out, e->type, g_bytes_get_data(e->data, NULL),
                      g_bytes_get_size(e->data));
    }
    /* They explain, and are left out where there is no room to spare. */
    if (q->version >= 3 && q->cluster_bits > 10) {
        put_feature_names(out);
    }
    put_extension(out, EXTENSION_END, NULL, 0);
}

static void put_v3(const Qcow2 *q, uint8_t *h)
{
    bytes_st_be64(h + HEADER_INCOMPATIBLE, q->incompatible);
    bytes_st_be64(h + HEADER_COMPATIBLE, q->compatible);
    bytes_st_be64(h + HEADER_AUTOCLEAR, q->autoclear);
    bytes_st_be32(h + HEADER_REFCOUNT_ORDER, q->refcount_order);
    bytes_st_be32(h + HEADER_LENGTH, QCOW2_HEADER_V3_BYTES + 8);
    h[HEADER_COMPRESSION] = q->compression;
}

static void put_fixed(GByteArray *out, const Qcow2 *q)
{
    uint8_t h[QCOW2_HEADER_V3_BYTES + 8] = { 0 };
    bytes_st_be32(h, q->newborn ? 0 : QCOW2_MAGIC);
    bytes_st_be32(h + 4, q->version);
    bytes_st_be32(h + 20, q->cluster_bits);
    bytes_st_be64(h + HEADER_SIZE, q->map.size_bytes);
    bytes_st_be32(h + HEADER_L1_SIZE, q->map.entries);
    bytes_st_be64(h + HEADER_L1_SIZE + 4, q->map.offset);
    bytes_st_be64(h + HEADER_REFTABLE_OFFSET, q->reftable_offset);
    bytes_st_be32(h + HEADER_REFTABLE_OFFSET + 8, q->reftable_clusters);
    bytes_st_be32(h + HEADER_SNAPSHOT_COUNT,
                  q->snapshots ? q->snapshots->len : 0);
    bytes_st_be64(h + HEADER_SNAPSHOT_COUNT + 4, q->snapshots_offset);
    put_v3(q, h);
    g_byte_array_append(out, h, q->version == 2 ? QCOW2_HEADER_V2_BYTES
                                                : sizeof h);
}

GByteArray *qcow2_header_build(const Qcow2 *q, Error **errp)
{
    GByteArray *h = g_byte_array_new();
    put_fixed(h, q);
    put_extensions(h, q);
    if (q->backing_file) {
        size_t len = strlen(q->backing_file);
        bytes_st_be64(h->data + 8, h->len);
        bytes_st_be32(h->data + 16, len);
        g_byte_array_append(h, (const uint8_t *)q->backing_file, len);
    }
    if (h->len > qcow2_cluster(q)) {
        error_set(errp, "The header of '%s' does not fit into a cluster: its "
                  "names are too long", q->node.file);
        g_byte_array_unref(h);
        return NULL;
    }
    return h;
}

bool qcow2_header_rewrite(Qcow2 *q, Error **errp)
{
    g_autoptr(GByteArray) h = qcow2_header_build(q, errp);
    if (!h) {
        return false;
    }
    uint64_t size = qcow2_cluster(q);
    g_autofree uint8_t *old = g_malloc(size), *whole = g_malloc0(size);
    memcpy(whole, h->data, h->len);
    int err = q->node.readonly ? -EROFS :
              /* Fields that are not known here would be lost. */
              q->header_bytes > QCOW2_HEADER_V3_BYTES + 8 ? -ENOTSUP :
              block_file_read(q->file, 0, old, size);
    if (err == 0) {
        err = block_file_sync(q->file);
        err = err < 0 ? err : block_file_write(q->file, 0, whole, size);
        err = err < 0 ? err : block_file_sync(q->file);
        if (err < 0) {
            (void)block_file_write(q->file, 0, old, size);
        }
    }
    if (err < 0) {
        error_set_errno(errp, -err, "Could not update qcow2 header of '%s'",
                        q->node.file);
        return false;
    }
    q->header_bytes = q->version == 2 ? QCOW2_HEADER_V2_BYTES
                                      : QCOW2_HEADER_V3_BYTES + 8;
    return true;
}

bool qcow2_backing_rename(BlockNode *n, const char *file, const char *format,
                          Error **errp)
{
    Qcow2 *q = QCOW2(n);
    char *old_file = q->backing_file, *old_format = q->backing_format;
    if (file && strlen(file) > QCOW2_NAME_BYTES_MAX) {
        error_set(errp, "The backing file's name is too long");
        return false;
    }
    if (file && qcow2_external(q) && (q->autoclear & AUTOCLEAR_RAW_DATA)) {
        error_set(errp, "'%s' keeps its data in a raw image, which has no "
                  "backing file", n->file);
        return false;
    }
    q->backing_file = g_strdup(file);
    q->backing_format = g_strdup(file ? format : NULL);
    if (!qcow2_header_rewrite(q, errp)) {
        g_free(q->backing_file);
        g_free(q->backing_format);
        q->backing_file = old_file;
        q->backing_format = old_format;
        return false;
    }
    g_free(old_file);
    g_free(old_format);
    return true;
}
