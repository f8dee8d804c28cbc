/*
 * Compressed clusters of a qcow2 image: raw deflate streams (a window of 4 KiB
 * is enough for other readers) or zstd frames, which lie one behind the other,
 * also several in one cluster of the file.
 */
#include <errno.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "qcow2.h"

/* What the streams of the format may look back. */
#define WINDOW_BITS 12

/* --- a cluster ---------------------------------------------------------- */

static bool zlib_inflate(const Qcow2 *q, const uint8_t *in, uint64_t in_bytes)
{
    z_stream z = {
        .next_in = (uint8_t *)in, .avail_in = in_bytes,
        .next_out = q->inflated_data, .avail_out = qcow2_cluster(q),
    };
    if (inflateInit2(&z, -15) != Z_OK) {
        return false;
    }
    int ret = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return z.avail_out == 0 && (ret == Z_STREAM_END || ret == Z_BUF_ERROR ||
                                ret == Z_OK);
}

static size_t zlib_deflate(const Qcow2 *q, const uint8_t *in, uint8_t *out)
{
    z_stream z = {
        .next_in = (uint8_t *)in, .avail_in = qcow2_cluster(q),
        .next_out = out, .avail_out = qcow2_cluster(q) - 1,
    };
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -WINDOW_BITS, 9,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return 0;
    }
    int ret = deflate(&z, Z_FINISH);
    size_t bytes = z.total_out;
    deflateEnd(&z);
    return ret == Z_STREAM_END ? bytes : 0;
}

/* The input goes on behind the frame: a stream, and not one call, finds its
 * end. */
static bool zstd_inflate(const Qcow2 *q, const uint8_t *in, uint64_t in_bytes)
{
    ZSTD_DCtx *z = ZSTD_createDCtx();
    ZSTD_inBuffer from = { in, in_bytes, 0 };
    ZSTD_outBuffer to = { q->inflated_data, qcow2_cluster(q), 0 };
    while (z && to.pos < to.size) {
        size_t was_in = from.pos, was_out = to.pos;
        size_t left = ZSTD_decompressStream(z, &to, &from);
        if (ZSTD_isError(left) ||
            (from.pos == was_in && to.pos == was_out)) {
            break;
        }
    }
    ZSTD_freeDCtx(z);
    return to.pos == to.size;
}

static size_t zstd_deflate(const Qcow2 *q, const uint8_t *in, uint8_t *out)
{
    size_t bytes = ZSTD_compress(out, qcow2_cluster(q) - 1, in,
                                 qcow2_cluster(q), ZSTD_CLEVEL_DEFAULT);
    return ZSTD_isError(bytes) ? 0 : bytes;
}

/* ORDER compression (the header's number) */
static const struct {
    bool (*inflate)(const Qcow2 *q, const uint8_t *in, uint64_t in_bytes);
    size_t (*deflate)(const Qcow2 *q, const uint8_t *in, uint8_t *out);
} methods[] = {
    { zlib_inflate, zlib_deflate },
    { zstd_inflate, zstd_deflate },
};

bool qcow2_inflate(const Qcow2 *q, const uint8_t *in, uint64_t in_bytes)
{
    return methods[q->compression].inflate(q, in, in_bytes);
}

size_t qcow2_deflate(const Qcow2 *q, const uint8_t *in, uint8_t *out)
{
    return methods[q->compression].deflate(q, in, out);
}

/* --- writing ------------------------------------------------------------ */

/* Room for so many bytes: behind what was stored last, if they fit there into
 * the cluster or the next one is free; otherwise in a new cluster. Each
 * cluster that the bytes touch gets a reference. */
static int alloc_bytes(Qcow2 *q, uint64_t bytes, uint64_t *host)
{
    uint64_t size = qcow2_cluster(q);
    uint64_t at = q->deflated_end, left = -at & (size - 1);
    uint64_t count = 0;
    int err = left < bytes || at == 0 ? 0 :
              qcow2_refcount_get(q, at >> q->cluster_bits, &count);
    if (err < 0) {
        return err;
    }
    if (count > 0 && count < qcow2_refcount_max(q)) {
        *host = at;
        q->deflated_end = at + bytes;
        return qcow2_refcount_add(q, at >> q->cluster_bits, 1, 1);
    }
    err = qcow2_alloc(q, 1, host);
    q->deflated_end = err < 0 ? 0 : *host + bytes;
    return err;
}

static int store(Qcow2 *q, uint64_t offset, const uint8_t *data, size_t bytes)
{
    uint64_t host;
    int err = alloc_bytes(q, bytes, &host);
    if (err < 0) {
        return err;
    }
    /* What follows in the last sector is the next one's. */
    uint64_t more = ((host & 511) + bytes - 1) / 512;
    unsigned offset_bits = 62 - (q->cluster_bits - 8);
    err = block_file_write(q->file, host, data, bytes);
    err = err < 0 ? err : qcow2_entry_set(q, offset, ENTRY_COMPRESSED | host |
                                          more << offset_bits, 0, false);
    if (err < 0) {
        qcow2_free(q, host, 1);
        q->deflated_end = 0;
    }
    return err;
}

static int compress_cluster(Qcow2 *q, uint64_t offset, const uint8_t *in,
                            size_t bytes)
{
    uint64_t size = qcow2_cluster(q);
    g_autofree uint8_t *whole = g_malloc0(size), *out = g_malloc(size);
    memcpy(whole, in, bytes);
    size_t packed = qcow2_deflate(q, whole, out);
    return packed ? store(q, offset, out, packed)
                  : qcow2_write(&q->node, offset, in, bytes);
}

int qcow2_write_compressed(BlockNode *n, uint64_t offset, const void *buf,
                           size_t bytes)
{
    Qcow2 *q = QCOW2(n);
    uint64_t size = qcow2_cluster(q);
    if (n->readonly || qcow2_external(q)) {
        return n->readonly ? -EROFS : -ENOTSUP;
    }
    if ((offset & (size - 1)) ||
        ((bytes & (size - 1)) && offset + bytes != n->size_bytes)) {
        return -EINVAL;
    }
    int noted = q->bitmaps ? qcow2_bitmaps_note(q, offset, bytes) : 0;
    if (noted < 0) {
        return noted;
    }
    for (size_t at = 0; at < bytes; at += size) {
        int err = compress_cluster(q, offset + at, (const uint8_t *)buf + at,
                                   MIN(size, bytes - at));
        if (err < 0) {
            return err;
        }
    }
    return 0;
}
