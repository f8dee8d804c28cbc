/*
 * What images of other programs have in common: see foreign.h. Nothing in such
 * a file is trusted: a place outside the file is an I/O error, said once.
 */
#include "foreign.h"

#include <errno.h>
#include <string.h>

#define FOREIGN(n) container_of(n, Foreign, node)

bool foreign_error(const Foreign *f, Error **errp, uint64_t offset,
                   const char *what)
{
    error_set(errp, "Image '%s' at offset 0x%" G_GINT64_MODIFIER "x: %s",
              f->node.file, offset, what);
    return false;
}

bool foreign_read(Foreign *f, uint64_t offset, void *buf, uint64_t bytes,
                  Error **errp)
{
    uint64_t size = block_file_size(f->file);
    if (offset > size || bytes > size - offset) {
        return foreign_error(f, errp, offset, "the file ends too early");
    }
    int err = block_file_read(f->file, offset, buf, bytes);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not read '%s' at offset 0x%"
                        G_GINT64_MODIFIER "x", f->node.file, offset);
    }
    return err == 0;
}

bool foreign_may_open(const NodeOpen *how, const char *format, Error **errp)
{
    if (!how->readonly) {
        error_set(errp, "Image '%s': format %s can be read only; convert it",
                  how->file, format);
    }
    return how->readonly;
}

/* --- transfers ---------------------------------------------------------- */

/* Where a unit is, inside the file. */
static int unit_find(Foreign *f, uint64_t index, ForeignKind *kind,
                     uint64_t *offset)
{
    int err = f->find(f, index, kind, offset);
    if (err == 0 && *kind != FOREIGN_NONE &&
        *offset >= block_file_size(f->file)) {
        err = -EIO;
    }
    if (err < 0 && !f->unit_data) {
        error_report("Image '%s': unit %" G_GUINT64_FORMAT " is out of "
                     "bounds", f->node.file, index);
        f->unit_data = g_malloc0(f->unit); /* said once */
    }
    return err;
}

static int unit_unpack(Foreign *f, uint64_t index, uint64_t offset)
{
    if (f->unpacked == index + 1) {
        return 0;
    }
    f->unpacked = 0;
    f->unit_data = f->unit_data ? f->unit_data : g_malloc0(f->unit);
    int err = f->unpack(f, offset, f->unit_data);
    f->unpacked = err < 0 ? 0 : index + 1;
    return err;
}

static int unit_read(Foreign *f, uint64_t at, void *buf, size_t bytes)
{
    ForeignKind kind = FOREIGN_NONE;
    uint64_t offset = 0, within = at % f->unit;
    int err = unit_find(f, at / f->unit, &kind, &offset);
    if (err < 0 || kind == FOREIGN_NONE) {
        memset(buf, 0, bytes);
        return err;
    }
    if (kind == FOREIGN_DATA) {
        return block_file_read(f->file, offset + within, buf, bytes);
    }
    err = unit_unpack(f, at / f->unit, offset);
    if (err == 0) {
        memcpy(buf, f->unit_data + within, bytes);
    }
    return err;
}

static int read_units(BlockNode *n, uint64_t offset, void *buf, size_t bytes)
{
    Foreign *f = FOREIGN(n);
    uint8_t *out = buf;
    int err = 0;
    for (size_t part; bytes > 0 && err == 0; bytes -= part) {
        part = MIN(bytes, f->unit - offset % f->unit);
        err = unit_read(f, offset, out, part);
        out += part;
        offset += part;
    }
    return err;
}

static int refuse_write(BlockNode *n, uint64_t offset, const void *buf,
                        size_t bytes)
{
    return -EROFS;
}

static int refuse_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    return -EROFS;
}

static int no_flush(BlockNode *n)
{
    return 0;
}

static uint64_t place_unit(BlockNode *n, uint64_t offset, uint64_t bytes,
                           BlockPlace *place)
{
    Foreign *f = FOREIGN(n);
    ForeignKind kind = FOREIGN_NONE;
    uint64_t at = 0;
    bool bad = unit_find(f, offset / f->unit, &kind, &at) < 0;
    bool data = bad || kind != FOREIGN_NONE; /* reading says what is wrong */
    *place = (BlockPlace) { .allocated = data, .data = data, .zero = !data,
                            .compressed = kind == FOREIGN_PACKED };
    if (!bad && kind == FOREIGN_DATA) {
        place->file = block_file_path(f->file);
        place->offset = at + offset % f->unit;
    }
    return MIN(bytes, f->unit - offset % f->unit);
}

static uint64_t extent(BlockNode *n, uint64_t offset, uint64_t bytes,
                       BlockExtent *what)
{
    BlockPlace p;
    bytes = place_unit(n, offset, bytes, &p);
    *what = p.data ? BLOCK_EXTENT_DATA : BLOCK_EXTENT_UNALLOCATED;
    return bytes;
}

static void info(BlockNode *n, ImageInfo *info)
{
    info->subformat = g_strdup(FOREIGN(n)->subformat);
    info->cluster_bytes = FOREIGN(n)->unit;
}

static void close_image(BlockNode *n)
{
    Foreign *f = FOREIGN(n);
    f->free(f);
    block_file_close(f->file);
    g_free(f->unit_data);
    g_free(f->subformat);
}

#define FOREIGN_DRIVER(name) { \
    .format = name, .read = read_units, .write = refuse_write, \
    .write_zeroes = refuse_zeroes, .flush = no_flush, .extent = extent, \
    .place = place_unit, .info = info, .close = close_image }

static const BlockDriver drivers[] = {
    FOREIGN_DRIVER("vdi"), FOREIGN_DRIVER("vmdk"),
};

void foreign_init(Foreign *f, const char *format, BlockFile *file,
                  const NodeOpen *how)
{
    size_t i = 0;
    while (strcmp(drivers[i].format, format) != 0) {
        i++;
        g_assert(i < G_N_ELEMENTS(drivers));
    }
    node_init(&f->node, &drivers[i], how->file);
    f->node.readonly = true;
    f->file = file;
}
