/*
 * Reading a log: the file is mapped, every chunk's header and checksum is
 * looked at once, and chunks are inflated when a cursor comes to them.
 *
 * Nothing in the file is trusted: a length is compared with what is there
 * before it is used, and counts with what was decoded. A file that ends in
 * the middle of a chunk was cut off when the recorder died; its complete
 * chunks are good. See log-format.h.
 */
#include <unistd.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "log-reader.h"

/* --- opening ------------------------------------------------------------------------ */

static bool read_header(LogReader *r, uint64_t *pos, Error **errp)
{
    const uint8_t *b = r->data;
    if (r->len < LOG_HEADER_BYTES || memcmp(b, LOG_MAGIC, LOG_MAGIC_BYTES)) {
        error_set(errp, "'%s' is not a recording: no log begins at byte 0",
                  r->path);
        return false;
    }
    if (crc32c(0, b, 28) != bytes_ld_le32(b + 28)) {
        return log_reader_bad(r, 0, "wrong checksum of the header", errp);
    }
    r->version = bytes_ld_le32(b + 8);
    if (r->version < 1 || r->version > LOG_VERSION) {
        error_set(errp, "'%s' has version %u at byte 8; this program knows 1 "
                  "to %u",
                  r->path, r->version, LOG_VERSION);
        return false;
    }
    uint64_t len = bytes_ld_le32(b + 12);
    if (len > LOG_IDENTITY_MAX || len > r->len - LOG_HEADER_BYTES) {
        return log_reader_bad(r, 12, "the machine's identity does not fit", errp);
    }
    const uint8_t *text = b + LOG_HEADER_BYTES;
    if (crc32c(0, text, len) != bytes_ld_le32(b + 16) ||
        memchr(text, 0, len)) {
        return log_reader_bad(r, LOG_HEADER_BYTES, "wrong checksum of the identity",
                   errp);
    }
    r->identity = g_strndup((const char *)text, len);
    *pos = LOG_HEADER_BYTES + len;
    return true;
}

/* Nothing was written there: the file goes on behind it with a tail. */
static bool all_zero(const uint8_t *p, size_t len)
{
    while (len && !*p) {
        p++;
        len--;
    }
    return len == 0;
}

/* The last chunk was written and the tail that it took the place of not yet cut
 * off: there is nothing at offset, or too little of it before the old tail. */
static bool nothing_begins(const LogReader *r, uint64_t offset)
{
    uint64_t until = LOG_CHUNK_BYTES;
    uint64_t page = -offset & (LOG_TAIL_ALIGN - 1);
    if (page < until && page + LOG_TAIL_BYTES <= r->len - offset &&
        log_tail_begins(r->data + offset + page)) {
        until = page;
    }
    return all_zero(r->data + offset, until);
}

/* ORDER log-chunk-type (replay/log/log-format.h) */
static const char *implausible(LogChunkType type)
{
    static const char *const texts[] = {
        "a chunk of unknown type",   "events that make no sense",
        "a digest makes no sense",   "a mark makes no sense",
        "the end makes no sense",    "the command makes no sense",
        "the parent makes no sense", "the recording's mark makes no sense",
    };
    return texts[type < G_N_ELEMENTS(texts) ? type : 0];
}

/* Deflate makes a byte of 1032 at most. */
static bool inflates(const LogChunk *c)
{
    return c->raw_bytes <= UINT64_C(1032) * c->bytes;
}

/* The header at pos; false without an error where the file was cut off. */
static bool check_chunk(LogReader *r, LogChunk *c, Error **errp)
{
    uint64_t offset = c->offset;
    if (r->len - offset < LOG_CHUNK_BYTES || nothing_begins(r, offset)) {
        return false;
    }
    if (!log_chunk_decode(r->data + offset, c)) {
        return log_reader_bad(r, offset, "no chunk begins here", errp);
    }
    if (c->bytes > r->len - offset - LOG_CHUNK_BYTES) {
        return false;
    }
    if (crc32c(0, r->data + offset + LOG_CHUNK_BYTES, c->bytes) != c->crc) {
        return log_reader_bad(r, offset, "wrong checksum of a chunk", errp);
    }
    bool counted = c->type == LOG_CHUNK_EVENTS;
    if (!log_chunk_plausible(c)) {
        return log_reader_bad(r, offset, implausible(c->type), errp);
    }
    if (!inflates(c) || c->first > c->last ||
        c->last == ICOUNT_NONE || c->first < r->end ||
        c->position != r->event_count || (c->events && !counted) ||
        (!counted && c->first != c->last)) {
        return log_reader_bad(r, offset, "a chunk's header makes no sense", errp);
    }
    return true;
}

/* What the recorder had not put into a chunk behind pos when it was killed. */
static bool read_tail(LogReader *r, uint64_t pos)
{
    LogTail t;
    uint64_t offset = log_tail_offset(pos);
    if (offset >= r->len ||
        !log_tail_decode(r->data + offset, r->len - offset, r->event_count,
                         &t, r->tail) ||
        t.first < r->end) {
        return false;
    }
    LogChunk c = { .type = LOG_CHUNK_EVENTS, .bytes = t.bytes,
                   .raw_bytes = r->tail->len, .events = t.events,
                   .first = t.first, .last = t.until,
                   .position = r->event_count, .offset = offset,
                   .tail = true };
    log_reader_add(r, &c, NULL);
    g_array_append_val(r->chunks, c);
    r->end = t.until;
    return true;
}

static bool read_chunks(LogReader *r, uint64_t pos, Error **errp)
{
    while (pos < r->len) {
        LogChunk c = { .offset = pos };
        Error *err = NULL;
        if (!check_chunk(r, &c, &err)) {
            /* A chunk that was being written is in the tail as well. */
            bool good = read_tail(r, pos) || !err;
            error_propagate(good ? NULL : errp, err);
            return good;
        }
        if (!log_reader_add(r, &c, errp)) {
            return false;
        }
        g_array_append_val(r->chunks, c);
        r->end = MAX(r->end, c.last);
        pos += LOG_CHUNK_BYTES + c.bytes;
    }
    return true;
}

/* A reader of a mapped file, nothing of which was looked at. Takes over fd. */
static LogReader *reader_map(int fd, const char *path, Error **errp)
{
    g_autoptr(GError) gerr = NULL;
    GMappedFile *map = g_mapped_file_new_from_fd(fd, FALSE, &gerr);
    if (!map) {
        error_set(errp, "Could not read '%s': %s", path, gerr->message);
        close(fd);
        return NULL;
    }
    LogReader *r = g_new0(LogReader, 1);
    r->path = g_strdup(path);
    r->fd = fd;
    r->map = map;
    r->data = (const uint8_t *)g_mapped_file_get_contents(map);
    r->len = g_mapped_file_get_length(map);
    r->chunks = g_array_new(FALSE, FALSE, sizeof(LogChunk));
    r->events = g_array_new(FALSE, FALSE, sizeof(LogChunk));
    r->digests = g_array_new(FALSE, FALSE, sizeof(LogChunk));
    r->marks = g_ptr_array_new_with_free_func((GDestroyNotify)log_mark_free);
    r->tail = g_byte_array_new();
    return r;
}

static LogReader *reader_open(int fd, const char *path, Error **damage,
                              Error **errp)
{
    LogReader *r = reader_map(fd, path, errp);
    uint64_t pos;
    if (r && !read_header(r, &pos, errp)) {
        log_reader_free(r);
        return NULL;
    }
    if (r) {
        read_chunks(r, pos, damage);
    }
    return r;
}

LogReader *log_reader_open(const char *path, Error **damage, Error **errp)
{
    int fd = log_file_open(path, errp);
    return fd < 0 ? NULL : reader_open(fd, path, damage, errp);
}

LogReader *log_reader_new_fd(int fd, const char *path, Error **errp)
{
    Error *damage = NULL;
    LogReader *r = reader_open(fd, path, &damage, errp);
    if (damage) {
        error_propagate(errp, damage);
        log_reader_free(r);
        return NULL;
    }
    return r;
}

LogReader *log_reader_new(const char *path, Error **errp)
{
    int fd = log_file_open(path, errp);
    return fd < 0 ? NULL : log_reader_new_fd(fd, path, errp);
}

void log_reader_free(LogReader *r)
{
    if (!r) {
        return;
    }
    for (unsigned i = 0; i < CACHED_CHUNKS; i++) {
        g_free(r->cache[i].raw);
    }
    g_array_free(r->chunks, TRUE);
    g_array_free(r->events, TRUE);
    g_array_free(r->digests, TRUE);
    g_ptr_array_free(r->marks, TRUE);
    g_mapped_file_unref(r->map);
    if (r->argv) {
        g_ptr_array_free(r->argv, TRUE);
    }
    g_byte_array_free(r->tail, TRUE);
    close(r->fd);
    g_free(r->command);
    g_free(r->parent_file);
    g_free(r->identity);
    g_free(r->end_reason);
    g_free(r->path);
    g_free(r);
}

/* --- what is known about it --------------------------------------------------------- */

const char *log_reader_path(const LogReader *r)
{
    return r->path;
}

const char *log_reader_identity(const LogReader *r)
{
    return r->identity;
}

unsigned log_reader_version(const LogReader *r)
{
    return r->version;
}

const char *const *log_reader_argv(const LogReader *r)
{
    return r->argv ? (const char *const *)r->argv->pdata : NULL;
}

const char *log_reader_folder(const LogReader *r)
{
    return r->argv ? r->command : NULL;
}

uint64_t log_reader_bytes(const LogReader *r)
{
    return r->len;
}

bool log_reader_complete(const LogReader *r)
{
    return r->end_reason;
}

Icount log_reader_end(const LogReader *r)
{
    return r->end;
}

const char *log_reader_end_reason(const LogReader *r)
{
    return r->end_reason;
}

uint64_t log_reader_events(const LogReader *r)
{
    return r->event_count;
}

const GArray *log_reader_chunks(const LogReader *r)
{
    return r->chunks;
}

const GPtrArray *log_reader_marks(const LogReader *r)
{
    return r->marks;
}
