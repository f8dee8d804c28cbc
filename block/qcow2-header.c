/*
 * The header of a qcow2 image and its extensions.
 *
 * Nothing in the file is trusted: each offset and length is checked where it
 * is read, and the error names the file and the offset.
 */
#include <string.h>

#include "qcow2.h"

enum {
    EXTENSION_END = 0,
    EXTENSION_BACKING_FORMAT = (int)0xe2792aca,
    EXTENSION_FEATURE_NAMES = 0x6803f857,
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
                     INCOMPATIBLE_COMPRESSION);
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

static bool check_compression(const Qcow2 *q, const uint8_t *h, Error **errp)
{
    static const char *const known[] = { "zlib", "zstd" };
    bool other = q->incompatible & INCOMPATIBLE_COMPRESSION;
    unsigned type = q->header_bytes > HEADER_COMPRESSION
                        ? h[HEADER_COMPRESSION] : 0;
    if (type != 0) {
        error_set(errp, "Image '%s' at offset 0x%x: unsupported compression "
                  "type %u (%s)", q->node.file, HEADER_COMPRESSION, type,
                  type < G_N_ELEMENTS(known) ? known[type] : "unknown");
        return false;
    }
    return !other ||
           qcow2_error(q, errp, HEADER_INCOMPATIBLE, "the header says that "
                       "compression is not zlib, and that it is");
}

/* Extensions: those that matter are read; all stay where they are, because
 * the header is only ever changed in place. `h` is the first cluster. */
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
        if (type == (uint32_t)EXTENSION_BACKING_FORMAT) {
            g_free(q->backing_format);
            q->backing_format = g_strndup((const char *)h + at, len);
        } else if (type == EXTENSION_FEATURE_NAMES) {
            names = h + at;
            names_bytes = len;
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
        return qcow2_error(q, errp, 32, "encrypted images are not supported");
    }
    g_autofree uint8_t *h = g_malloc(qcow2_cluster(q));
    err = block_file_read(q->file, 0, h, qcow2_cluster(q));
    if (err < 0) {
        error_set_errno(errp, -err, "Could not read '%s'", q->node.file);
        return false;
    }
    *snapshots = bytes_ld_be32(h + HEADER_SNAPSHOT_COUNT);
    return backing_name_parse(q, h, &end, errp) &&
           extensions_parse(q, h, end, errp);
}
