/*
 * The header of a qcow2 image and its extensions.
 *
 * Nothing in the file is trusted: each offset and length is checked where it
 * is read, and the error names the file and the offset.
 */
#include <string.h>

#include "qcow2.h"

enum {
    FEATURE_ROW_BYTES = 48, /* type, bit, name of 46 bytes */
};

static bool header_parse(Qcow2 *q, const uint8_t *h, Error **errp)
{
    q->version = bytes_ld_be32(h + 4);
    if (bytes_ld_be32(h) != (q->newborn ? 0 : QCOW2_MAGIC)) {
        return qcow2_error(q, errp, 0, "not in qcow2 format");
    }
    if (q->version < 2 || q->version > 3) {
        return qcow2_error(q, errp, 4, "not a version of qcow2 that is "
                           "supported (2 and 3 are)");
    }
    uint32_t cluster_bits = bytes_ld_be32(h + 20);
    q->cluster_bits = cluster_bits;
    if (cluster_bits < QCOW2_CLUSTER_BITS_MIN ||
        cluster_bits > QCOW2_CLUSTER_BITS_MAX) {
        return qcow2_error(q, errp, 20, "cluster size is not 512 to 2M");
    }
    q->refcount_order = 4;
    q->header_bytes = QCOW2_HEADER_V2_BYTES;
    if (q->version >= 3) {
        q->incompatible = bytes_ld_be64(h + HEADER_INCOMPATIBLE);
        q->compatible = bytes_ld_be64(h + HEADER_COMPATIBLE);
        q->autoclear = bytes_ld_be64(h + HEADER_AUTOCLEAR);
        q->refcount_order = bytes_ld_be32(h + HEADER_REFCOUNT_ORDER);
        q->header_bytes = bytes_ld_be32(h + HEADER_LENGTH);
    }
    if (q->refcount_order > 6) {
        return qcow2_error(q, errp, HEADER_REFCOUNT_ORDER,
                           "reference counts are wider than 64 bits");
    }
    if ((q->version >= 3 && q->header_bytes < QCOW2_HEADER_V3_BYTES) ||
        q->header_bytes > qcow2_cluster(q)) {
        return qcow2_error(q, errp, HEADER_LENGTH, "bad header length");
    }
    q->map.size_bytes = bytes_ld_be64(h + HEADER_SIZE);
    q->map.entries = bytes_ld_be32(h + HEADER_L1_SIZE);
    q->map.offset = bytes_ld_be64(h + HEADER_L1_SIZE + 4);
    q->reftable_offset = bytes_ld_be64(h + HEADER_REFTABLE_OFFSET);
    q->reftable_clusters = bytes_ld_be32(h + HEADER_REFTABLE_OFFSET + 8);
    q->snapshots_offset = bytes_ld_be64(h + HEADER_SNAPSHOT_COUNT + 4);
    return true;
}

/* The name that the image itself gives a feature it needs, or NULL. */
static char *feature_name(const uint8_t *table, uint32_t bytes, unsigned bit)
{
    for (uint32_t at = 0; table && bytes - at >= FEATURE_ROW_BYTES;
         at += FEATURE_ROW_BYTES) {
        if (table[at] == 0 && table[at + 1] == bit) {
            return g_strndup((const char *)table + at + 2,
                             FEATURE_ROW_BYTES - 2);
        }
    }
    return NULL;
}

static bool refuse_features(const Qcow2 *q, const uint8_t *names,
                            uint32_t names_bytes, Error **errp)
{
    static const char *const known[] = {
        "dirty bit", "corrupt bit", "external data file", "compression type",
        "extended L2 entries",
    };
    uint64_t bad = q->incompatible &
                   ~(INCOMPATIBLE_DIRTY | INCOMPATIBLE_CORRUPT |
                     INCOMPATIBLE_COMPRESSION | INCOMPATIBLE_EXTENDED_L2 |
                     INCOMPATIBLE_EXTERNAL_DATA);
    if (bad == 0) {
        return true;
    }
    unsigned bit = __builtin_ctzll(bad);
    g_autofree char *name = feature_name(names, names_bytes, bit);
    g_autofree char *safe = name ? g_strescape(name, NULL) : NULL;
    g_autofree char *number = g_strdup_printf("bit %u", bit);
    error_set(errp, "Image '%s' at offset 0x%x: unsupported qcow2 feature: %s",
              q->node.file, HEADER_INCOMPATIBLE,
              bit < G_N_ELEMENTS(known) ? known[bit] : safe ? safe : number);
    return false;
}

static bool check_compression(Qcow2 *q, const uint8_t *h, Error **errp)
{
    bool other = q->incompatible & INCOMPATIBLE_COMPRESSION;
    q->compression = q->header_bytes > HEADER_COMPRESSION
                        ? h[HEADER_COMPRESSION] : 0;
    if (q->compression >= QCOW2_COMPRESSIONS) {
        error_set(errp, "Image '%s' at offset 0x%x: unsupported compression "
                  "type %u", q->node.file, HEADER_COMPRESSION,
                  q->compression);
        return false;
    }
    return other == (q->compression != 0) ||
           qcow2_error(q, errp, HEADER_INCOMPATIBLE, "the feature bit and the "
                       "type of compression contradict each other");
}

static void extension_keep(Qcow2 *q, uint32_t type, const uint8_t *data,
                           uint32_t len)
{
    Qcow2Extension *e = g_new(Qcow2Extension, 1);
    *e = (Qcow2Extension) { type, g_bytes_new(data, len) };
    g_ptr_array_add(q->extensions, e);
}

/* One extension: what matters is read, what nobody knows is kept for who
 * writes the header anew. */
static bool extension_parse(Qcow2 *q, uint32_t type, const uint8_t *data,
                            uint32_t len, Error **errp)
{
    switch (type) {
    case EXTENSION_BACKING_FORMAT:
        g_free(q->backing_format);
        q->backing_format = g_strndup((const char *)data, len);
        return true;
    case EXTENSION_DATA_FILE:
        g_free(q->data_file);
        q->data_file = g_strndup((const char *)data, len);
        return true;
    case EXTENSION_BITMAPS:
        return qcow2_bitmaps_parse(q, data, len, errp);
    case EXTENSION_FEATURE_NAMES:
        return true;
    default:
        extension_keep(q, type, data, len);
        return true;
    }
}

/* `h` is the first cluster. */
static bool extensions_parse(Qcow2 *q, const uint8_t *h, uint64_t end,
                             Error **errp)
{
    const uint8_t *names = NULL;
    uint32_t names_bytes = 0;
    for (uint64_t at = q->header_bytes; at < end;) {
        uint32_t type = end - at < 8 ? 0 : bytes_ld_be32(h + at);
        uint32_t len = end - at < 8 ? UINT32_MAX : bytes_ld_be32(h + at + 4);
        at += 8;
        if (at > end || len > end - at) {
            return qcow2_error(q, errp, at - 4,
                               "header extension is too long");
        }
        if (type == EXTENSION_END) {
            break;
        }
        if (type == EXTENSION_FEATURE_NAMES) {
            names = h + at;
            names_bytes = len;
        }
        if (!extension_parse(q, type, h + at, len, errp)) {
            return false;
        }
        at += MIN((len + 7ULL) & ~7ULL, end - at);
    }
    return refuse_features(q, names, names_bytes, errp) &&
           check_compression(q, h, errp);
}

static bool backing_name_parse(Qcow2 *q, const uint8_t *h, uint64_t *end,
                               Error **errp)
{
    uint64_t at = bytes_ld_be64(h + 8);
    uint32_t len = bytes_ld_be32(h + 16);
    *end = qcow2_cluster(q);
    if (at == 0) {
        return true;
    }
    if (len > QCOW2_NAME_BYTES_MAX || at < q->header_bytes || at > *end ||
        len > *end - at) {
        return qcow2_error(q, errp, 8, "backing file name out of bounds");
    }
    if (len > 0) {
        q->backing_file = g_strndup((const char *)h + at, len);
    }
    *end = at;
    return true;
}

bool qcow2_header_load(Qcow2 *q, uint32_t *snapshots, Error **errp)
{
    uint8_t start[QCOW2_HEADER_V3_BYTES + 8];
    uint64_t end;
    int err = block_file_read(q->file, 0, start, sizeof start);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not read '%s'", q->node.file);
        return false;
    }
    if (!header_parse(q, start, errp)) {
        return false;
    }
    if (bytes_ld_be32(start + 32) != 0) {
        return qcow2_error(q, errp, 32, bytes_ld_be32(start + 32) == 2 ?
                           "images encrypted with LUKS are not supported" :
                           "encrypted images are not supported");
    }
    g_autofree uint8_t *h = g_malloc(qcow2_cluster(q));
    err = block_file_read(q->file, 0, h, qcow2_cluster(q));
    if (err < 0) {
        error_set_errno(errp, -err, "Could not read '%s'", q->node.file);
        return false;
    }
    *snapshots = bytes_ld_be32(h + HEADER_SNAPSHOT_COUNT);
    if (qcow2_extended(q) && q->cluster_bits < EXTENDED_CLUSTER_BITS_MIN) {
        return qcow2_error(q, errp, 20, "clusters are too small for extended "
                           "L2 entries");
    }
    return backing_name_parse(q, h, &end, errp) &&
           extensions_parse(q, h, end, errp);
}
