/*
 * RAM in a snapshot stream.
 *
 * The data of a RAM record is u64 size of the block, u64 number of pages that
 * are not zero, and a zlib stream of: one bit for each page (low bit first,
 * 1: not zero), then those pages in order. Pages that already hold the right
 * bytes are not touched on load, so that nobody who watches them has to do
 * anything.
 */
#include <zlib.h>

#include "base/bytes.h"
#include "stream.h"

#define RAM_HEADER_BYTES 16u

bool ram_is_zero(const uint8_t *p, size_t bytes)
{
    return !p[0] && !memcmp(p, p + 1, bytes - 1);
}

static bool page_is_zero(const uint8_t *p)
{
    return ram_is_zero(p, PAGE_SIZE);
}

static uint64_t block_pages(const RamBlock *b)
{
    return b->size_bytes >> PAGE_BITS;
}

/* --- saving ------------------------------------------------------------------- */

static void deflate_some(z_stream *z, GByteArray *out, const void *data,
                         size_t len, int flush)
{
    uint8_t buf[16 * KIB];
    z->next_in = (Bytef *)data;
    z->avail_in = len;
    do {
        z->next_out = buf;
        z->avail_out = sizeof buf;
        int ret = deflate(z, flush);
        g_assert(ret != Z_STREAM_ERROR);
        g_byte_array_append(out, buf, sizeof buf - z->avail_out);
    } while (!z->avail_out);
}

static uint64_t map_pages(const RamBlock *b, uint8_t *bitmap)
{
    uint64_t used = 0;
    for (uint64_t i = 0; i < block_pages(b); i++) {
        if (!page_is_zero(b->host + (i << PAGE_BITS))) {
            bitmap[i / 8] |= 1u << (i % 8);
            used++;
        }
    }
    return used;
}

GByteArray *ram_stream_save(const RamBlock *b)
{
    GByteArray *out = g_byte_array_new();
    size_t bitmap_bytes = (block_pages(b) + 7) / 8;
    g_autofree uint8_t *bitmap = g_malloc0(bitmap_bytes);
    uint8_t head[RAM_HEADER_BYTES];
    bytes_st_le64(head, b->size_bytes);
    bytes_st_le64(head + 8, map_pages(b, bitmap));
    g_byte_array_append(out, head, sizeof head);

    z_stream z = { 0 };
    g_assert(deflateInit(&z, 1) == Z_OK);
    deflate_some(&z, out, bitmap, bitmap_bytes, Z_NO_FLUSH);
    for (uint64_t i = 0; i < block_pages(b); i++) {
        if (bitmap[i / 8] & (1u << (i % 8))) {
            deflate_some(&z, out, b->host + (i << PAGE_BITS), PAGE_SIZE,
                         Z_NO_FLUSH);
        }
    }
    deflate_some(&z, out, NULL, 0, Z_FINISH);
    deflateEnd(&z);
    return out;
}

/* --- loading ------------------------------------------------------------------- */

/* Fills exactly len bytes; false if the stream cannot. */
static bool inflate_exact(z_stream *z, void *out, size_t len)
{
    z->next_out = out;
    z->avail_out = len;
    while (z->avail_out) {
        uInt before = z->avail_out;
        int ret = inflate(z, Z_NO_FLUSH);
        if (ret == Z_STREAM_END) {
            return !z->avail_out;
        }
        if (ret != Z_OK || (before == z->avail_out && !z->avail_in)) {
            return false;
        }
    }
    return true;
}

/* True if the compressed data ends where it should. */
static bool inflate_ends(z_stream *z)
{
    uint8_t none;
    z->next_out = &none;
    z->avail_out = 1;
    int ret = inflate(z, Z_FINISH);
    return ret == Z_STREAM_END && z->avail_out == 1 && !z->avail_in;
}

static uint64_t count_bits(const uint8_t *bitmap, uint64_t pages)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < (pages + 7) / 8 * 8; i++) {
        n += (bitmap[i / 8] >> (i % 8)) & 1;
    }
    return n;
}

static bool walk_pages(z_stream *z, const RamBlock *b, uint64_t used,
                       RamPageFn *fn, void *opaque)
{
    uint64_t pages = block_pages(b);
    size_t bitmap_bytes = (pages + 7) / 8;
    g_autofree uint8_t *bitmap = g_malloc(bitmap_bytes);
    if (!inflate_exact(z, bitmap, bitmap_bytes) ||
        count_bits(bitmap, pages) != used) {
        return false;
    }
    uint8_t page[PAGE_SIZE];
    for (uint64_t i = 0; i < pages; i++) {
        bool some = bitmap[i / 8] & (1u << (i % 8));
        if (some && !inflate_exact(z, page, PAGE_SIZE)) {
            return false;
        }
        fn(opaque, i, some ? page : NULL);
    }
    return inflate_ends(z);
}

bool ram_stream_walk(const StreamRecord *rec, const RamBlock *b,
                     RamPageFn *fn, void *opaque, Error **errp)
{
    if (rec->data_len < RAM_HEADER_BYTES) {
        error_set(errp, "the snapshot's RAM block '%s' is cut short", b->name);
        return false;
    }
    uint64_t size_bytes = bytes_ld_le64(rec->data);
    if (size_bytes != b->size_bytes) {
        error_set(errp, "RAM block '%s' has %" G_GUINT64_FORMAT " bytes in "
                  "the snapshot and %" G_GUINT64_FORMAT " in this machine",
                  b->name, size_bytes, b->size_bytes);
        return false;
    }
    if (rec->data_len - RAM_HEADER_BYTES > UINT_MAX) {
        error_set(errp, "RAM block '%s' of the snapshot is too large", b->name);
        return false;
    }
    z_stream z = { 0 };
    g_assert(inflateInit(&z) == Z_OK);
    z.next_in = (Bytef *)rec->data + RAM_HEADER_BYTES;
    z.avail_in = rec->data_len - RAM_HEADER_BYTES;
    bool ok = walk_pages(&z, b, bytes_ld_le64(rec->data + 8), fn, opaque);
    inflateEnd(&z);
    if (!ok) {
        error_set(errp, "RAM block '%s' of the snapshot is damaged", b->name);
    }
    return ok;
}

/* Part of one page. */
static void load_part(RamBlock *b, uint64_t offset, const uint8_t *data,
                      size_t bytes)
{
    uint8_t *host = b->host + offset;
    if (data && memcmp(host, data, bytes)) {
        ram_will_write(b->machine, b->base + offset, bytes);
        memcpy(host, data, bytes);
    } else if (!data && !ram_is_zero(host, bytes)) {
        ram_will_write(b->machine, b->base + offset, bytes);
        memset(host, 0, bytes);
    }
}

static void load_page(void *opaque, uint64_t page, const uint8_t *bytes)
{
    load_part(opaque, page << PAGE_BITS, bytes, PAGE_SIZE);
}

void ram_range_load(RamBlock *b, uint64_t offset, const uint8_t *data,
                    uint64_t bytes)
{
    while (bytes > 0) {
        size_t part = MIN(bytes, PAGE_SIZE - (offset & ~PAGE_MASK));
        load_part(b, offset, data, part);
        data = data ? data + part : NULL;
        offset += part;
        bytes -= part;
    }
}

void ram_stream_load(const StreamRecord *rec, RamBlock *b)
{
    bool ok = ram_stream_walk(rec, b, load_page, b, NULL);
    g_assert(ok);
}
