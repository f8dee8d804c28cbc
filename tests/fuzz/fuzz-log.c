/*
 * A recording's log with anything in it.
 *
 * The first byte chooses: 0, the rest is the file as it is; otherwise it is an
 * identity (a length byte and text) and chunks, of which this file computes
 * lengths, compression and checksums, since no mutation would get past those.
 * A chunk is a byte each of type, events, icounts from the last chunk to its
 * first and from there to its last event, flags; two of length; its bytes.
 */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "fuzz.h"
#include "log-format.h"

/* --- making the file --------------------------------------------------------- */

enum { WRONG_RAW_BYTES = 1, WRONG_POSITION = 2, NOT_PACKED = 4 };

static void put_header(GByteArray *out, FuzzInput *in)
{
    uint8_t b[LOG_HEADER_BYTES] = "RPRSELOG";
    size_t len;
    uint8_t version = fuzz_u8(in);
    const uint8_t *text = fuzz_bytes(in, fuzz_u8(in), &len);
    bytes_st_le32(b + 8, version);
    bytes_st_le32(b + 12, len);
    bytes_st_le32(b + 16, crc32c(0, text, len));
    bytes_st_le32(b + 28, crc32c(0, b, 28));
    g_byte_array_append(out, b, sizeof b);
    g_byte_array_append(out, text, len);
}

static void put_chunk(GByteArray *out, FuzzInput *in, LogChunk *c)
{
    size_t raw_bytes;
    c->type = fuzz_u8(in);
    c->events = fuzz_u8(in);
    c->first = c->last + fuzz_u8(in);
    c->last = c->first + fuzz_u8(in);
    uint8_t flags = fuzz_u8(in);
    const uint8_t *raw = fuzz_bytes(in, fuzz_int(in, 2), &raw_bytes);
    uLongf packed_bytes = compressBound(raw_bytes);
    g_autofree uint8_t *packed = g_malloc(MAX(packed_bytes, raw_bytes));
    compress2(packed, &packed_bytes, raw, raw_bytes, 1);
    if (flags & NOT_PACKED) {
        memcpy(packed, raw, raw_bytes);
        packed_bytes = raw_bytes;
    }
    c->raw_bytes = raw_bytes + (flags & WRONG_RAW_BYTES);
    c->bytes = packed_bytes;
    c->crc = crc32c(0, packed, packed_bytes);
    uint8_t head[LOG_CHUNK_BYTES];
    LogChunk written = *c;
    written.position += flags & WRONG_POSITION;
    log_chunk_encode(&written, head);
    g_byte_array_append(out, head, sizeof head);
    g_byte_array_append(out, packed, packed_bytes);
    c->position += c->type == LOG_CHUNK_EVENTS ? c->events : 0;
}

static const char *log_file(FuzzInput *in)
{
    if (!fuzz_u8(in)) {
        return fuzz_file(in->data, in->len);
    }
    g_autoptr(GByteArray) out = g_byte_array_new();
    LogChunk c = { 0 };
    put_header(out, in);
    while (in->len) {
        put_chunk(out, in, &c);
    }
    return fuzz_file(out->data, out->len);
}

/* --- reading all of it ---------------------------------------------------------- */

static void read_events(LogReader *r)
{
    LogCursor c = { 0 };
    LogEvent e;
    Error *err = NULL;
    uint64_t n = 0;
    while (log_read_event(r, &c, &e, &err) == LOG_NEXT_OK) {
        g_assert_cmpuint(log_cursor_position(r, &c), ==, ++n);
        /* Every byte of it is there. */
        g_autofree uint8_t *copy = g_memdup2(e.data, e.len);
        g_assert(copy || !e.len);
    }
    g_assert_cmpuint(n, <=, log_reader_events(r));
    fuzz_expect(err);
    for (uint64_t at = 0; at <= n + 1; at += 1 + n / 4) {
        Error *seek_err = NULL;
        if (log_reader_seek(r, at, &c, &seek_err)) {
            g_assert_cmpuint(log_cursor_position(r, &c), ==, at);
        }
        fuzz_expect(seek_err);
    }
}

static void read_digests(LogReader *r)
{
    Icount at = 0;
    for (unsigned n = 0; n < 100; n++, at++) {
        at = log_reader_next_digest(r, at);
        if (at == ICOUNT_NONE) {
            return;
        }
        Digest d;
        Error *err = NULL;
        if (log_reader_digest(r, at, &d, &err)) {
            digest_clear(&d);
        }
        fuzz_expect(err);
    }
}

static void read_rest(LogReader *r)
{
    const GArray *chunks = log_reader_chunks(r);
    for (unsigned i = 0; i < chunks->len; i++) {
        Error *err = NULL;
        g_free(log_reader_inflate(r, &g_array_index(chunks, LogChunk, i),
                                  &err));
        fuzz_expect(err);
    }
    const GPtrArray *marks = log_reader_marks(r);
    for (unsigned i = 0; i < marks->len; i++) {
        const LogMark *mark = g_ptr_array_index(marks, i);
        g_assert(mark->name);
    }
    g_autofree char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    Error *err = NULL;
    log_dump(r, 0, ICOUNT_NONE, out, &err);
    fuzz_expect(err);
    fclose(out);
}

static void read_all(LogReader *r)
{
    if (r) {
        read_events(r);
        read_digests(r);
        read_rest(r);
        log_reader_free(r);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };
    const char *path = log_file(&in);
    Error *err = NULL, *damage = NULL;
    read_all(log_reader_new(path, &err));
    fuzz_expect(err);
    err = NULL;
    read_all(log_reader_open(path, &damage, &err));
    fuzz_expect(err);
    fuzz_expect(damage);
    return 0;
}
