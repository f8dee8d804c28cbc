/*
 * New qcow2 images, and disks that become larger or smaller.
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

enum {
    CLUSTER_BYTES_DEFAULT = 64 * 1024,
    EXTENSION_BACKING_FORMAT = (int)0xe2792aca,
    EXTENSION_FEATURE_NAMES = 0x6803f857,
};

/* --- resizing --------------------------------------------------------- */

/* Writes the L1 table, with `entries` entries, to new clusters. */
static int l1_move(Qcow2 *q, const Qcow2Map *from, Qcow2Map *to)
{
    uint64_t clusters = qcow2_clusters(q, to->entries * UINT64_C(8));
    to->l1 = g_new0(uint64_t, to->entries);
    to->offset = 0;
    memcpy(to->l1, from->l1, MIN(from->entries, to->entries) * UINT64_C(8));
    int err = qcow2_alloc(q, clusters, &to->offset);
    if (err < 0) {
        return err;
    }
    err = qcow2_store_u64(q, to->offset, to->l1, to->entries);
    if (err < 0) {
        qcow2_free(q, to->offset, clusters);
    }
    return err;
}

/* Makes the L1 table large enough; the size of the disk stays. */
static int l1_grow(Qcow2 *q, uint64_t size_bytes)
{
    Qcow2Map old = q->map;
    Qcow2Map map = q->map;
    map.entries = qcow2_l1_needed(q, size_bytes);
    int err = l1_move(q, &old, &map);
    if (err == 0) {
        err = qcow2_header_set_map(q, &map);
        if (err < 0) {
            qcow2_free(q, map.offset, qcow2_clusters(q, map.entries * 8ULL));
        }
    }
    if (err < 0) {
        g_free(map.l1);
        return err;
    }
    q->map = map;
    qcow2_free(q, old.offset, qcow2_clusters(q, old.entries * 8ULL));
    g_free(old.l1);
    return 0;
}

/* What lies behind the old end, in its last cluster and in the backing file,
 * must not be seen: zeroes are written while nobody can. */
static int clear_grown(Qcow2 *q, uint64_t from, uint64_t size)
{
    uint64_t end = MIN((from + qcow2_cluster(q) - 1) &
                       ~(qcow2_cluster(q) - 1), size);
    if (q->backing) {
        end = MAX(end, MIN(q->backing->size_bytes, size));
    }
    int err = end > from ? qcow2_write_zeroes(&q->node, from, end - from) : 0;
    return err < 0 ? err : qcow2_sync_tables(q);
}

static int grow(Qcow2 *q, uint64_t size_bytes)
{
    Qcow2Map old = q->map;
    uint64_t need = qcow2_l1_needed(q, size_bytes);
    int err = need > QCOW2_L1_BYTES_MAX / 8 ? -EFBIG : qcow2_sync_tables(q);
    if (err == 0 && need > old.entries) {
        err = l1_grow(q, size_bytes);
    }
    if (err < 0) {
        return err;
    }
    uint64_t disk = q->node.size_bytes;
    q->map.size_bytes = size_bytes;
    q->node.size_bytes = qcow2_disk_bytes(size_bytes);
    err = clear_grown(q, old.size_bytes, size_bytes);
    err = err < 0 ? err : qcow2_header_set_map(q, &q->map);
    if (err < 0) {
        q->map.size_bytes = old.size_bytes;
        q->node.size_bytes = disk;
    }
    return err;
}

static int cut(Qcow2 *q, uint64_t size_bytes)
{
    uint64_t old = q->map.size_bytes;
    q->map.size_bytes = size_bytes;
    int err = qcow2_header_set_map(q, &q->map);
    if (err < 0) {
        q->map.size_bytes = old;
        return err;
    }
    q->node.size_bytes = qcow2_disk_bytes(size_bytes);
    err = qcow2_discard(q, size_bytes, old - size_bytes);
    for (uint64_t i = qcow2_l1_needed(q, size_bytes);
         i < q->map.entries && err == 0; i++) {
        uint64_t raw = q->map.l1[i];
        if (raw) {
            qcow2_free_later(q, (raw & ENTRY_OFFSET) >> q->cluster_bits, 1);
            q->map.l1[i] = 0;
            q->l1_dirty = true;
        }
    }
    return err < 0 ? err : qcow2_sync_tables(q);
}

bool qcow2_resize(BlockNode *n, uint64_t size_bytes, bool shrink, Error **errp)
{
    Qcow2 *q = QCOW2(n);
    uint64_t old = q->map.size_bytes;
    if (q->snapshots->len > 0 && (size_bytes < old || q->version < 3)) {
        error_set(errp, "Image '%s' has snapshots and cannot be %s", n->file,
                  size_bytes < old ? "shrunk" : "resized");
        return false;
    }
    int err = size_bytes < old ? cut(q, size_bytes) : grow(q, size_bytes);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not resize '%s'", n->file);
    }
    return err == 0;
}

/* --- creating --------------------------------------------------------- */

static unsigned log2_of(uint64_t v)
{
    return v && !(v & (v - 1)) ? __builtin_ctzll(v) : 64;
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
    return true;
}

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
    };
    put_extension(out, EXTENSION_FEATURE_NAMES, features, sizeof features);
}

/* The first cluster, without the magic number. The reference count table
 * follows it, then a block, and the disk has no bytes yet. */
static GByteArray *header_new(const ImageCreate *c, unsigned cluster_bits)
{
    GByteArray *h = g_byte_array_new();
    unsigned version = c->version ? c->version : 3;
    uint8_t fixed[QCOW2_HEADER_V3_BYTES + 8] = { 0 };
    unsigned len = version == 2 ? QCOW2_HEADER_V2_BYTES : sizeof fixed;
    bytes_st_be32(fixed + 4, version);
    bytes_st_be32(fixed + 20, cluster_bits);
    bytes_st_be64(fixed + HEADER_REFTABLE_OFFSET, UINT64_C(1) << cluster_bits);
    bytes_st_be32(fixed + HEADER_REFTABLE_OFFSET + 8, 1);
    bytes_st_be32(fixed + HEADER_REFCOUNT_ORDER,
                  log2_of(c->refcount_bits ? c->refcount_bits : 16));
    bytes_st_be32(fixed + HEADER_LENGTH, sizeof fixed);
    g_byte_array_append(h, fixed, len);
    if (c->backing_file && c->backing_format) {
        put_extension(h, (uint32_t)EXTENSION_BACKING_FORMAT,
                      c->backing_format, strlen(c->backing_format));
    }
    if (version >= 3 && cluster_bits > 10) {
        put_feature_names(h);
    }
    put_extension(h, 0, NULL, 0);
    if (c->backing_file) {
        bytes_st_be64(h->data + 8, h->len);
        bytes_st_be32(h->data + 16, strlen(c->backing_file));
        g_byte_array_append(h, (const uint8_t *)c->backing_file,
                            strlen(c->backing_file));
    }
    return h;
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
    int err = ok ? n->driver->flush(n) : 0;
    if (ok && err == 0) {
        err = qcow2_header_switch(QCOW2(n), 0, magic, sizeof magic);
    }
    if (err < 0) {
        error_set_errno(errp, -err, "Could not write '%s'", c->file);
    }
    node_unref(n);
    return ok && err == 0;
}

bool qcow2_create(const ImageCreate *c, Error **errp)
{
    if (!create_valid(c, errp)) {
        return false;
    }
    unsigned bits = log2_of(c->cluster_bytes ? c->cluster_bytes
                                             : CLUSTER_BYTES_DEFAULT);
    /* Like other limits, so that a refusal does not leave half an image. */
    uint64_t entries = c->size_bytes >> (2 * bits - 3);
    if (c->size_bytes > INT64_MAX || entries >= QCOW2_L1_BYTES_MAX / 8) {
        error_set(errp, "The image size is too large for file format 'qcow2' "
                  "(try using a larger cluster size)");
        return false;
    }
    g_autoptr(GByteArray) header = header_new(c, bits);
    if (header->len > UINT64_C(1) << bits) {
        error_set(errp, "The backing file's name does not fit into a cluster");
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
