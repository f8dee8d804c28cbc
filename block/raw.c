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
    bool probed;
} Raw;

#define RAW(n) container_of(n, Raw, node)

static int raw_read(BlockNode *n, uint64_t offset, void *buf, size_t bytes)
{
    return block_file_read(RAW(n)->file, offset, buf, bytes);
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
    return block_file_write(RAW(n)->file, offset, buf, bytes);
}

static int raw_write_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    return block_file_zero(RAW(n)->file, offset, bytes);
}

static int raw_flush(BlockNode *n)
{
    return n->readonly ? 0 : block_file_sync(RAW(n)->file);
}

static uint64_t raw_extent(BlockNode *n, uint64_t offset, uint64_t bytes,
                           BlockExtent *what)
{
    bool hole;
    uint64_t run = block_file_extent(RAW(n)->file, offset, bytes, &hole);
    *what = hole ? BLOCK_EXTENT_ZERO : BLOCK_EXTENT_DATA;
    return run;
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
    .close = raw_close,
};

BlockNode *raw_open(BlockFile *file, const NodeOpen *how, Error **errp)
{
    Raw *r = g_new0(Raw, 1);
    node_init(&r->node, &raw_driver, how->file);
    r->file = file;
    r->probed = !how->format;
    r->node.readonly = how->readonly;
    r->node.size_bytes = (block_file_size(file) + 511) & ~UINT64_C(511);
    return &r->node;
}
