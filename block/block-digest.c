/*
 * What is on a disk, as a digest. See io/blockdev.h.
 */
#include <string.h>

#include "base/digest.h"
#include "block-dev.h"

/* The digest is one over the chunks that are not all zeroes, each with its
 * place, so that it does not depend on how zeroes are stored. */
#define DIGEST_CHUNK (64 * KIB)

static bool all_zero(const uint8_t *p, size_t bytes)
{
    return bytes == 0 || (p[0] == 0 && memcmp(p, p + 1, bytes - 1) == 0);
}

/* The first byte at or after offset that may be other than zero. */
static uint64_t skip_zeroes(BlockDev *b, uint64_t offset)
{
    uint64_t size = disk_size_bytes(b);
    BlockExtent what = BLOCK_EXTENT_ZERO;
    while (offset < size) {
        uint64_t run = blockdev_extent(b, offset, size - offset, &what);
        if (what == BLOCK_EXTENT_DATA) {
            break;
        }
        offset += run;
    }
    return offset;
}

bool blockdev_content_digest(BlockDev *b, uint64_t *digest, Error **errp)
{
    uint64_t size = disk_size_bytes(b);
    g_autofree uint8_t *chunk = g_malloc(DIGEST_CHUNK);
    *digest = digest_mix(0, size);
    for (uint64_t at = skip_zeroes(b, 0) & ~(DIGEST_CHUNK - 1); at < size;
         at = skip_zeroes(b, at + DIGEST_CHUNK) & ~(DIGEST_CHUNK - 1)) {
        size_t bytes = MIN(DIGEST_CHUNK, size - at);
        int err = b->top->driver->read(b->top, at, chunk, bytes);
        if (err < 0) {
            error_set_errno(errp, -err, "Could not read '%s' at offset %"
                            G_GUINT64_FORMAT, b->file, at);
            return false;
        }
        if (!all_zero(chunk, bytes)) {
            *digest = digest_mix(digest_mix(*digest, at),
                                 digest_bytes(chunk, bytes));
        }
    }
    return true;
}
