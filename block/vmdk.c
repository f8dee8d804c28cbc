/*
 * VMware's disk images (VMDK), read only: one file with a hosted sparse extent,
 * as described in "Virtual Disk Format 5.0" (VMware technical note). A grain
 * directory leads to grain tables, those to grains; in stream-optimised images
 * grains are compressed and the header at the end of the file counts. Images
 * of several files and those that need a parent are refused.
 */
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "foreign.h"

enum {
    SECTOR = 512,
    HEADER_VERSION = 4,
    HEADER_FLAGS = 8,
    HEADER_CAPACITY = 12,      /* u64, as the following: in sectors */
    HEADER_GRAIN = 20,
    HEADER_DESCRIPTOR = 28,
    HEADER_DESCRIPTOR_SIZE = 36,
    HEADER_TABLE_ENTRIES = 44, /* u32 */
    HEADER_DIRECTORY = 56,     /* u64 */
    HEADER_COMPRESSION = 77,   /* u16: 1 is deflate */
    MARKER_BYTES = 12,         /* before a compressed grain: u64, u32 size */
    GRAIN_ZERO = 1,
    DESCRIPTOR_MAX = 64 * 1024,
};

#define MAGIC 0x564d444bu
#define FLAG_ZERO_GRAINS (1u << 2)
#define FLAG_COMPRESSED (1u << 16)
#define AT_END UINT64_MAX

typedef struct Vmdk {
    Foreign foreign;
    uint32_t flags;
    uint32_t table_entries, tables;
    uint32_t *directory;   /* in the file's byte order */
    uint32_t *table;       /* the one that was used last */
    uint64_t table_index;  /* its number plus 1; 0: none */
} Vmdk;

/* --- grains ------------------------------------------------------------- */

static int table_load(Vmdk *v, uint64_t index, bool *there)
{
    uint64_t sector = bytes_ld_le32(&v->directory[index]);
    uint64_t bytes = v->table_entries * UINT64_C(4);
    *there = sector != 0;
    if (!*there || v->table_index == index + 1) {
        return 0;
    }
    v->table_index = 0;
    if (!foreign_read(&v->foreign, sector * SECTOR, v->table, bytes, NULL)) {
        return -EIO;
    }
    v->table_index = index + 1;
    return 0;
}

static int vmdk_find(Foreign *f, uint64_t index, ForeignKind *kind,
                     uint64_t *offset)
{
    Vmdk *v = container_of(f, Vmdk, foreign);
    bool there;
    *kind = FOREIGN_NONE;
    if (index / v->table_entries >= v->tables) {
        return -EIO;
    }
    int err = table_load(v, index / v->table_entries, &there);
    uint32_t sector = err == 0 && there ?
        bytes_ld_le32(&v->table[index % v->table_entries]) : 0;
    if (err < 0 || sector == 0 ||
        (sector == GRAIN_ZERO && (v->flags & FLAG_ZERO_GRAINS))) {
        return err;
    }
    *kind = v->flags & FLAG_COMPRESSED ? FOREIGN_PACKED : FOREIGN_DATA;
    *offset = sector * UINT64_C(512);
    return 0;
}

static int vmdk_unpack(Foreign *f, uint64_t offset, uint8_t *out)
{
    uint8_t marker[MARKER_BYTES];
    if (!foreign_read(f, offset, marker, sizeof marker, NULL)) {
        return -EIO;
    }
    uLongf got = f->unit;
    uint32_t bytes = bytes_ld_le32(marker + 8);
    /* Deflate never needs more than a little over what went in. */
    if (bytes == 0 || bytes > f->unit + f->unit / 8 + 1024) {
        return -EIO;
    }
    g_autofree uint8_t *in = g_malloc(bytes);
    if (!foreign_read(f, offset + MARKER_BYTES, in, bytes, NULL)) {
        return -EIO;
    }
    int ret = uncompress(out, &got, in, bytes);
    if (ret != Z_OK) {
        return -EIO;
    }
    memset(out + got, 0, f->unit - got);
    return 0;
}

static void vmdk_free(Foreign *f)
{
    Vmdk *v = container_of(f, Vmdk, foreign);
    g_free(v->directory);
    g_free(v->table);
}

/* --- opening ------------------------------------------------------------ */

static const char *header_wrong(const uint8_t *h)
{
    uint64_t grain = bytes_ld_le64(h + HEADER_GRAIN);
    uint32_t version = bytes_ld_le32(h + HEADER_VERSION);
    uint32_t entries = bytes_ld_le32(h + HEADER_TABLE_ENTRIES);
    bool packed = bytes_ld_le32(h + HEADER_FLAGS) & FLAG_COMPRESSED;
    return bytes_ld_le32(h) != MAGIC ? "not in VMDK format" :
           version < 1 || version > 3 ?
               "not a version of VMDK that is supported (1 to 3 are)" :
           grain == 0 || grain > FOREIGN_UNIT_MAX / SECTOR ||
           (grain & (grain - 1)) ? "bad grain size" :
           entries == 0 || entries > FOREIGN_TABLE_MAX / 4 ?
               "bad size of grain tables" :
           bytes_ld_le64(h + HEADER_CAPACITY) > NODE_BYTES_MAX / SECTOR ?
               "bad disk size" :
           packed && bytes_ld_le16(h + HEADER_COMPRESSION) != 1 ?
               "an unknown compression" : NULL;
}

/* "createType" and whether there is a parent, from the text in the file. */
static bool descriptor_read(Vmdk *v, const uint8_t *h, Error **errp)
{
    Foreign *f = &v->foreign;
    uint64_t at = bytes_ld_le64(h + HEADER_DESCRIPTOR);
    uint64_t bytes = bytes_ld_le64(h + HEADER_DESCRIPTOR_SIZE);
    if (at == 0 || at > INT64_MAX / SECTOR ||
        bytes > DESCRIPTOR_MAX / SECTOR) {
        return foreign_error(f, errp, HEADER_DESCRIPTOR,
                             "the descriptor is not in this file");
    }
    g_autofree char *text = g_malloc0(bytes * SECTOR + 1);
    if (!foreign_read(f, at * SECTOR, text, bytes * SECTOR, errp)) {
        return false;
    }
    const char *type = strstr(text, "createType=\"");
    const char *parent = strstr(text, "parentCID=");
    type = type ? type + strlen("createType=\"") : "";
    f->subformat = g_strndup(type, strcspn(type, "\"\n"));
    if (strcmp(f->subformat, "monolithicSparse") != 0 &&
        strcmp(f->subformat, "streamOptimized") != 0) {
        g_autofree char *safe = g_strescape(f->subformat, NULL);
        error_set(errp, "Image '%s': VMDK type '%s' is not supported "
                  "(monolithicSparse and streamOptimized are)", f->node.file,
                  safe);
        return false;
    }
    return !parent || g_ascii_strncasecmp(parent, "parentCID=ffffffff", 18) ==
                      0 ||
           foreign_error(f, errp, at * SECTOR,
                         "VMDK images with a parent are not supported");
}

static bool directory_load(Vmdk *v, const uint8_t *h, Error **errp)
{
    Foreign *f = &v->foreign;
    uint64_t at = bytes_ld_le64(h + HEADER_DIRECTORY);
    uint64_t units = (f->node.size_bytes + f->unit - 1) / f->unit;
    uint64_t tables = (units + v->table_entries - 1) / v->table_entries;
    if (at > INT64_MAX / SECTOR || tables > FOREIGN_TABLE_MAX / 4) {
        return foreign_error(f, errp, HEADER_DIRECTORY,
                             "grain directory out of bounds");
    }
    v->tables = tables;
    v->directory = g_malloc0(MAX(tables, 1) * 4);
    v->table = g_malloc0(v->table_entries * UINT64_C(4));
    return foreign_read(f, at * SECTOR, v->directory, tables * 4, errp);
}

static bool load(Vmdk *v, Error **errp)
{
    uint8_t h[SECTOR];
    Foreign *f = &v->foreign;
    uint64_t size = block_file_size(f->file);
    if (!foreign_read(f, 0, h, sizeof h, errp)) {
        return false;
    }
    if (bytes_ld_le32(h) == MAGIC && !descriptor_read(v, h, errp)) {
        return false;
    }
    /* A stream's directory is behind it; so is the header that knows where. */
    uint64_t footer = size >= 3 * SECTOR ? size - 2 * SECTOR : 0;
    if (bytes_ld_le64(h + HEADER_DIRECTORY) == AT_END &&
        !foreign_read(f, footer, h, sizeof h, errp)) {
        return false;
    }
    const char *wrong = header_wrong(h);
    if (wrong) {
        return foreign_error(f, errp, 0, wrong);
    }
    v->flags = bytes_ld_le32(h + HEADER_FLAGS);
    v->table_entries = bytes_ld_le32(h + HEADER_TABLE_ENTRIES);
    f->unit = bytes_ld_le64(h + HEADER_GRAIN) * SECTOR;
    f->node.size_bytes = bytes_ld_le64(h + HEADER_CAPACITY) * SECTOR;
    return directory_load(v, h, errp);
}

BlockNode *vmdk_open(BlockFile *file, const NodeOpen *how, Error **errp)
{
    Vmdk *v = g_new0(Vmdk, 1);
    foreign_init(&v->foreign, "vmdk", file, how);
    v->foreign.find = vmdk_find;
    v->foreign.unpack = vmdk_unpack;
    v->foreign.free = vmdk_free;
    if (!foreign_may_open(how, "vmdk", errp) || !load(v, errp)) {
        node_unref(&v->foreign.node);
        return NULL;
    }
    return &v->foreign.node;
}
