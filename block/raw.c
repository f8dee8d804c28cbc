/*
 * Raw images: the file is the disk. A file whose length is no multiple of a
 * sector reads as if it were filled up with zeroes.
 *
 * When nobody said that an image is raw, a guest must not make it look like
 * another format: the next start would believe it, and the header could name
 * any file of the host as its backing file.
 */
#include <errno.h>
#include <string.h>

#include "driver.h"

typedef struct Raw {
    BlockNode node;
    BlockFile *file;
    uint64_t start;        /* of the disk in the file */
    bool probed, part;     /* part: the disk is not the whole file */
} Raw;

#define RAW(n) container_of(n, Raw, node)

static int raw_read(BlockNode *n, uint64_t offset, void *buf, size_t bytes)
{
    return block_file_read(RAW(n)->file, RAW(n)->start + offset, buf, bytes);
}

/* Would the first bytes, so changed, be another format's? */
static bool changes_format(Raw *r, uint64_t offset, const void *buf,
                           size_t bytes)
{
    uint8_t magic[PROBE_BYTES];
    if (!r->probed || offset >= sizeof magic ||
        block_file_read(r->file, 0, magic, sizeof magic) < 0) {
        return false;
    }
    memcpy(magic + offset, buf, MIN(bytes, sizeof magic - offset));
    return strcmp(node_probe_bytes(magic), "raw") != 0;
}

static int raw_write(BlockNode *n, uint64_t offset, const void *buf,
                     size_t bytes)
{
    if (changes_format(RAW(n), offset, buf, bytes)) {
        error_warn("'%s': the guest may not write another format's header to "
                   "an image whose format was guessed; use format=raw",
                   n->file);
        return -EPERM;
    }
    return block_file_write(RAW(n)->file, RAW(n)->start + offset, buf, bytes);
}

static int raw_write_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    return block_file_zero(RAW(n)->file, RAW(n)->start + offset, bytes);
}

static int raw_flush(BlockNode *n)
{
    return n->readonly ? 0 : block_file_sync(RAW(n)->file);
}

static uint64_t raw_extent(BlockNode *n, uint64_t offset, uint64_t bytes,
                           BlockExtent *what)
{
    bool hole;
    uint64_t run = block_file_extent(RAW(n)->file, RAW(n)->start + offset,
                                     bytes, &hole);
    *what = hole ? BLOCK_EXTENT_ZERO : BLOCK_EXTENT_DATA;
    return run;
}

static uint64_t raw_place(BlockNode *n, uint64_t offset, uint64_t bytes,
                          BlockPlace *place)
{
    BlockExtent what;
    bytes = raw_extent(n, offset, bytes, &what);
    *place = (BlockPlace) {
        .allocated = true, .data = what == BLOCK_EXTENT_DATA,
        .zero = what != BLOCK_EXTENT_DATA,
        .file = block_file_path(RAW(n)->file),
        .offset = RAW(n)->start + offset,
    };
    return bytes;
}

static bool raw_resize(BlockNode *n, uint64_t size_bytes, bool shrink,
                       Error **errp)
{
    if (RAW(n)->part) {
        error_set(errp, "'%s' is a part of a file and cannot be resized",
                  n->file);
        return false;
    }
    int err = block_file_truncate(RAW(n)->file, size_bytes);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not resize '%s'", n->file);
        return false;
    }
    n->size_bytes = (size_bytes + 511) & ~UINT64_C(511);
    return true;
}

static int raw_preallocate(BlockNode *n, uint64_t from, ImagePreallocation how)
{
    return how == PREALLOCATION_METADATA ? -ENOTSUP :
           how == PREALLOCATION_OFF ? 0 :
           how == PREALLOCATION_FALLOC ?
               block_file_allocate(RAW(n)->file, from, n->size_bytes - from) :
               block_file_fill(RAW(n)->file, from, n->size_bytes - from);
}

static void raw_close(BlockNode *n)
{
    block_file_close(RAW(n)->file);
}

static const BlockDriver raw_driver = {
    .format = "raw",
    .read = raw_read,
    .write = raw_write,
    .write_zeroes = raw_write_zeroes,
    .flush = raw_flush,
    .extent = raw_extent,
    .place = raw_place,
    .resize = raw_resize,
    .preallocate = raw_preallocate,
    .close = raw_close,
};

/* The part of the file that is the disk. */
static bool raw_bounds(Raw *r, const NodeOpen *how, Error **errp)
{
    uint64_t size = block_file_size(r->file);
    r->start = how->offset;
    r->part = how->offset || how->size_bytes;
    if (how->offset > size || how->size_bytes > size - how->offset) {
        error_set(errp, "The file '%s' is smaller than offset and size say",
                  how->file);
        return false;
    }
    size = how->size_bytes ? how->size_bytes : size - how->offset;
    r->node.size_bytes = (size + 511) & ~UINT64_C(511);
    return true;
}

BlockNode *raw_open(BlockFile *file, const NodeOpen *how, Error **errp)
{
    Raw *r = g_new0(Raw, 1);
    node_init(&r->node, &raw_driver, how->file);
    r->file = file;
    r->probed = !how->format;
    r->node.readonly = how->readonly;
    if (!raw_bounds(r, how, errp)) {
        node_unref(&r->node);
        return NULL;
    }
    return &r->node;
}
