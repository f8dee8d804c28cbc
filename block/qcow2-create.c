/*
 * New qcow2 images.
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

enum { CLUSTER_BYTES_DEFAULT = 64 * 1024 };

static unsigned log2_of(uint64_t v)
{
    return v && !(v & (v - 1)) ? __builtin_ctzll(v) : 64;
}

static bool create_features_valid(const ImageCreate *c, Error **errp)
{
    uint32_t cluster = c->cluster_bytes ? c->cluster_bytes
                                        : CLUSTER_BYTES_DEFAULT;
    bool new = c->lazy_refcounts || c->extended_l2 || c->zstd || c->data_file;
    if (c->version == 2 && new) {
        error_set(errp, "%s only supported with compatibility level 1.1 and "
                  "above (use version=v3 or greater)",
                  c->lazy_refcounts ? "Lazy refcounts" :
                  c->extended_l2 ? "Extended L2 entries are" :
                  c->zstd ? "Non-zlib compression type is"
                          : "External data files are");
    } else if (c->extended_l2 &&
               cluster < UINT64_C(1) << EXTENDED_CLUSTER_BITS_MIN) {
        error_set(errp, "Extended L2 entries are only supported with cluster "
                  "sizes of at least 16384 bytes");
    } else if (c->preallocation && c->backing_file && !c->extended_l2) {
        error_set(errp, "Backing file and preallocation can only be used at "
                  "the same time if extended_l2 is enabled");
    } else if (c->data_file_raw && !c->data_file) {
        error_set(errp, "data-file-raw requires data-file");
    } else if (c->data_file_raw && c->backing_file) {
        error_set(errp, "Backing file and data-file-raw cannot be used at the "
                  "same time");
    } else {
        return true;
    }
    return false;
}

static bool create_valid(const ImageCreate *c, Error **errp)
{
    uint32_t cluster = c->cluster_bytes;
    unsigned bits = c->refcount_bits;
    if (cluster && (log2_of(cluster) < QCOW2_CLUSTER_BITS_MIN ||
                    log2_of(cluster) > QCOW2_CLUSTER_BITS_MAX)) {
        error_set(errp, "Cluster size must be a power of two between 512 and "
                  "2048k");
        return false;
    }
    if (bits && log2_of(bits) > 6) {
        error_set(errp, "Refcount width must be a power of two and may not "
                  "exceed 64 bits");
        return false;
    }
    if (c->version == 2 && bits && bits != 16) {
        error_set(errp, "Different refcount widths than 16 bits require "
                  "compatibility level 1.1 or above");
        return false;
    }
    if (c->backing_file && strlen(c->backing_file) > QCOW2_NAME_BYTES_MAX) {
        error_set(errp, "The backing file's name is too long");
        return false;
    }
    return create_features_valid(c, errp);
}

/* An image without disk as it is to be: the reference count table follows the
 * header, then a block. */
static Qcow2 image_new(const ImageCreate *c, unsigned cluster_bits)
{
    return (Qcow2) {
        .node.file = (char *)c->file,
        .newborn = true,
        .version = c->version ? c->version : 3,
        .cluster_bits = cluster_bits,
        .refcount_order = log2_of(c->refcount_bits ? c->refcount_bits : 16),
        .reftable_offset = UINT64_C(1) << cluster_bits,
        .reftable_clusters = 1,
        .compression = c->zstd,
        .incompatible = (c->zstd ? INCOMPATIBLE_COMPRESSION : 0) |
                        (c->extended_l2 ? INCOMPATIBLE_EXTENDED_L2 : 0) |
                        (c->data_file ? INCOMPATIBLE_EXTERNAL_DATA : 0),
        .compatible = c->lazy_refcounts ? COMPATIBLE_LAZY_REFCOUNTS : 0,
        .autoclear = c->data_file_raw ? AUTOCLEAR_RAW_DATA : 0,
        .backing_file = (char *)c->backing_file,
        .backing_format = (char *)c->backing_format,
        .data_file = (char *)c->data_file,
    };
}

static int create_write(const ImageCreate *c, BlockFile *f,
                        const GByteArray *header, unsigned cluster_bits)
{
    uint64_t cluster = UINT64_C(1) << cluster_bits;
    unsigned order = log2_of(c->refcount_bits ? c->refcount_bits : 16);
    g_autofree uint8_t *start = g_malloc0(3 * cluster);
    memcpy(start, header->data, header->len);
    bytes_st_be64(start + cluster, 2 * cluster);
    for (unsigned i = 0; i < 3; i++) {
        qcow2_refblock_poke(start + 2 * cluster, order, i, 1);
    }
    int err = block_file_write(f, 0, start, 3 * cluster);
    return err < 0 ? err : block_file_sync(f);
}

/* Gives the new image its size by the usual way, so that the tables are made
 * in one place only; and, when it is whole, the magic number. */
static bool create_resize(const ImageCreate *c, Error **errp)
{
    NodeOpen how = { .file = c->file, .format = "qcow2", .inspect = true,
                     .newborn = true };
    uint8_t magic[4];
    bytes_st_be32(magic, QCOW2_MAGIC);
    BlockNode *n = node_open(&how, errp);
    if (!n) {
        return false;
    }
    bool ok = qcow2_resize(n, c->size_bytes, false, errp);
    /* A raw data file is read by others as the disk: all of it is its. */
    ImagePreallocation room = c->data_file_raw && !c->preallocation ?
                             PREALLOCATION_METADATA : c->preallocation;
    int err = ok ? image_preallocate(n, 0, room) : 0;
    err = err < 0 || !ok ? err : n->driver->flush(n);
    if (ok && err == 0) {
        err = qcow2_header_switch(QCOW2(n), 0, magic, sizeof magic);
    }
    if (err < 0) {
        error_set_errno(errp, -err, "Could not write '%s'", c->file);
    }
    node_unref(n);
    return ok && err == 0;
}

/* The data file is made, or one that is there is taken as it is. */
static bool data_file_create(const ImageCreate *c, Error **errp)
{
    if (!c->data_file) {
        return true;
    }
    g_autofree char *path = image_path_beside(c->file, c->data_file);
    BlockFile *f = block_file_open(path, BLOCK_FILE_WRITE, NULL);
    if (!f) {
        f = block_file_open(path, BLOCK_FILE_CREATE, errp);
    }
    block_file_close(f);
    return f;
}

bool qcow2_create(const ImageCreate *c, Error **errp)
{
    if (!create_valid(c, errp)) {
        return false;
    }
    unsigned bits = log2_of(c->cluster_bytes ? c->cluster_bytes
                                             : CLUSTER_BYTES_DEFAULT);
    /* Like other limits, so that a refusal does not leave half an image. */
    uint64_t entries = c->size_bytes >> (2 * bits - 3 - c->extended_l2);
    if (c->size_bytes > INT64_MAX || entries >= QCOW2_L1_BYTES_MAX / 8) {
        error_set(errp, "The image size is too large for file format 'qcow2' "
                  "(try using a larger cluster size)");
        return false;
    }
    Qcow2 q = image_new(c, bits);
    g_autoptr(GByteArray) header = qcow2_header_build(&q, errp);
    if (!header || !data_file_create(c, errp)) {
        return false;
    }
    BlockFile *f = block_file_open(c->file, BLOCK_FILE_CREATE, errp);
    if (!f) {
        return false;
    }
    int err = create_write(c, f, header, bits);
    block_file_close(f);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not create '%s'", c->file);
        return false;
    }
    return create_resize(c, errp);
}
