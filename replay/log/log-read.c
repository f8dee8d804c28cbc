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
#include "log-file.h"
#include "log-format.h"

#define CACHED_CHUNKS 4u

typedef struct CachedChunk {
    uint32_t index;
    uint8_t *raw;          /* NULL: unused */
    size_t len;
} CachedChunk;

struct LogReader {
    char *path;
    int fd;                /* holds the lock */
    GMappedFile *map;
    const uint8_t *data;
    uint64_t len;
    unsigned version;
    char *identity;
    char *command;         /* folder and arguments, a NUL behind each */
    GPtrArray *argv;       /* into it, ended by NULL; or NULL */
    char *parent_file;     /* of parent; NULL: none */
    LogParent parent;
    GArray *chunks;        /* LogChunk, all */
    GArray *events;        /* LogChunk, EVENTS with at least one event */
    GArray *digests;       /* LogChunk */
    GPtrArray *marks;      /* LogMark */
    uint64_t event_count;
    Icount end;
    char *end_reason;
    GByteArray *tail;      /* its events; empty: none */
    uint8_t recording[LOG_RECORDING_BYTES];
    bool has_recording;
    CachedChunk cache[CACHED_CHUNKS];
    unsigned next_victim;
};

static bool bad(const LogReader *r, uint64_t offset, const char *what,
                Error **errp)
{
    error_set(errp, "'%s' is damaged at byte %" G_GUINT64_FORMAT ": %s",
              r->path, offset, what);
    return false;
}

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
        return bad(r, 0, "wrong checksum of the header", errp);
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
        return bad(r, 12, "the machine's identity does not fit", errp);
    }
    const uint8_t *text = b + LOG_HEADER_BYTES;
    if (crc32c(0, text, len) != bytes_ld_le32(b + 16) ||
        memchr(text, 0, len)) {
        return bad(r, LOG_HEADER_BYTES, "wrong checksum of the identity",
                   errp);
    }
    r->identity = g_strndup((const char *)text, len);
    *pos = LOG_HEADER_BYTES + len;
    return true;
}

uint8_t *log_reader_inflate(const LogReader *r, const LogChunk *c,
                            Error **errp)
{
    if (c->tail) {
        return g_memdup2(r->tail->data, r->tail->len);
    }
    uint8_t *raw = g_malloc(MAX(c->raw_bytes, 1u));
    uLongf len = MAX(c->raw_bytes, 1u);
    int ret = uncompress(raw, &len, r->data + c->offset + LOG_CHUNK_BYTES,
                         c->bytes);
    if (ret != Z_OK || len != c->raw_bytes) {
        bad(r, c->offset, "a chunk cannot be inflated", errp);
        g_free(raw);
        return NULL;
    }
    return raw;
}

static bool add_mark(LogReader *r, const LogChunk *c, Error **errp)
{
    g_autofree uint8_t *raw = log_reader_inflate(r, c, errp);
    if (!raw) {
        return false;
    }
    if (c->raw_bytes < 9 || raw[0] > 1 || memchr(raw + 9, 0, c->raw_bytes - 9)) {
        return bad(r, c->offset, "a mark makes no sense", errp);
    }
    LogMark *mark = g_new0(LogMark, 1);
    mark->icount = c->first;
    mark->position = c->position;
    mark->at_boundary = raw[0];
    mark->total = bytes_ld_le64(raw + 1);
    mark->name = g_strndup((char *)raw + 9, c->raw_bytes - 9);
    g_ptr_array_add(r->marks, mark);
    return true;
}

static bool add_end(LogReader *r, const LogChunk *c, Error **errp)
{
    g_autofree uint8_t *raw = log_reader_inflate(r, c, errp);
    if (!raw) {
        return false;
    }
    if (c->offset + LOG_CHUNK_BYTES + c->bytes != r->len) {
        return bad(r, c->offset, "something follows the end", errp);
    }
    r->end_reason = g_strndup((char *)raw, c->raw_bytes);
    return true;
}

/* Strings, each with its NUL: the folder, and at least one argument. */
static bool add_command(LogReader *r, const LogChunk *c, Error **errp)
{
    if (r->event_count || r->command) {
        return bad(r, c->offset, "the command is not in front", errp);
    }
    char *raw = (char *)log_reader_inflate(r, c, errp);
    if (!raw) {
        return false;
    }
    r->command = raw;
    char *end = raw + c->raw_bytes, *s = memchr(raw, 0, c->raw_bytes);
    if (!s || ++s == end || end[-1]) {
        return bad(r, c->offset, "the command makes no sense", errp);
    }
    r->argv = g_ptr_array_new();
    for (; s < end; s += strlen(s) + 1) {
        g_ptr_array_add(r->argv, s);
    }
    g_ptr_array_add(r->argv, NULL);
    return true;
}

static bool add_parent(LogReader *r, const LogChunk *c, Error **errp)
{
    if (r->event_count || r->parent_file) {
        return bad(r, c->offset, "the parent is not in front", errp);
    }
    g_autofree uint8_t *raw = log_reader_inflate(r, c, errp);
    if (!raw) {
        return false;
    }
    if (c->raw_bytes <= 16 || memchr(raw + 16, 0, c->raw_bytes - 16)) {
        return bad(r, c->offset, "the parent makes no sense", errp);
    }
    r->parent_file = g_strndup((char *)raw + 16, c->raw_bytes - 16);
    r->parent = (LogParent){ r->parent_file, bytes_ld_le64(raw),
                             bytes_ld_le64(raw + 8) };
    return true;
}

static bool add_recording(LogReader *r, const LogChunk *c, Error **errp)
{
    if (r->event_count || r->has_recording) {
        return bad(r, c->offset, "the recording's mark is not in front", errp);
    }
    g_autofree uint8_t *raw = log_reader_inflate(r, c, errp);
    if (raw) {
        memcpy(r->recording, raw, LOG_RECORDING_BYTES);
        r->has_recording = true;
    }
    return raw;
}

const uint8_t *log_reader_recording(const LogReader *r)
{
    return r->has_recording ? r->recording : NULL;
}

const LogParent *log_reader_parent(const LogReader *r)
{
    return r->parent_file ? &r->parent : NULL;
}

static bool add_digest(LogReader *r, const LogChunk *c, Error **errp)
{
    if (r->digests->len &&
        g_array_index(r->digests, LogChunk, r->digests->len - 1).first >=
            c->first) {
        return bad(r, c->offset, "digests are out of order", errp);
    }
    g_array_append_val(r->digests, *c);
    return true;
}

static bool add_chunk(LogReader *r, const LogChunk *c, Error **errp)
{
    switch (c->type) {
    case LOG_CHUNK_EVENTS:
        if (c->events) {
            g_array_append_val(r->events, *c);
        }
        r->event_count += c->events;
        return true;
    case LOG_CHUNK_DIGEST:
        return add_digest(r, c, errp);
    case LOG_CHUNK_MARK:
        return add_mark(r, c, errp);
    case LOG_CHUNK_END:
        return add_end(r, c, errp);
    case LOG_CHUNK_COMMAND:
        return add_command(r, c, errp);
    case LOG_CHUNK_PARENT:
        return add_parent(r, c, errp);
    case LOG_CHUNK_RECORDING:
        return add_recording(r, c, errp);
    }
    return bad(r, c->offset, "a chunk of unknown type", errp);
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
        return bad(r, offset, "no chunk begins here", errp);
    }
    if (c->bytes > r->len - offset - LOG_CHUNK_BYTES) {
        return false;
    }
    if (crc32c(0, r->data + offset + LOG_CHUNK_BYTES, c->bytes) != c->crc) {
        return bad(r, offset, "wrong checksum of a chunk", errp);
    }
    bool counted = c->type == LOG_CHUNK_EVENTS;
    if (!log_chunk_plausible(c)) {
        return bad(r, offset, implausible(c->type), errp);
    }
    if (!inflates(c) || c->first > c->last ||
        c->last == ICOUNT_NONE || c->first < r->end ||
        c->position != r->event_count || (c->events && !counted) ||
        (!counted && c->first != c->last)) {
        return bad(r, offset, "a chunk's header makes no sense", errp);
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
    add_chunk(r, &c, NULL);
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
        if (!add_chunk(r, &c, errp)) {
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

/* --- events ------------------------------------------------------------------------- */

static const LogChunk *events_chunk(const LogReader *r, uint32_t index)
{
    return &g_array_index(r->events, LogChunk, index);
}

/* The inflated bytes of an EVENTS chunk; NULL with an error. */
static const CachedChunk *load_chunk(LogReader *r, uint32_t index,
                                     Error **errp)
{
    for (unsigned i = 0; i < CACHED_CHUNKS; i++) {
        if (r->cache[i].raw && r->cache[i].index == index) {
            return &r->cache[i];
        }
    }
    const LogChunk *c = events_chunk(r, index);
    uint8_t *raw = log_reader_inflate(r, c, errp);
    if (!raw) {
        return NULL;
    }
    CachedChunk *slot = &r->cache[r->next_victim++ % CACHED_CHUNKS];
    g_free(slot->raw);
    *slot = (CachedChunk){ index, raw, c->raw_bytes };
    return slot;
}

/* What must be true of a chunk when its last event was read. */
static bool check_chunk_end(LogReader *r, const LogCursor *c, size_t len,
                            Error **errp)
{
    const LogChunk *chunk = events_chunk(r, c->chunk);
    if (c->offset != len || c->icount > chunk->last) {
        return bad(r, chunk->offset, "a chunk holds more than it says", errp);
    }
    return true;
}

LogNext log_read_event(LogReader *r, LogCursor *c, LogEvent *e, Error **errp)
{
    if (c->chunk < r->events->len &&
        c->taken == events_chunk(r, c->chunk)->events) {
        *c = (LogCursor){ .chunk = c->chunk + 1 };
    }
    if (c->chunk >= r->events->len) {
        return LOG_NEXT_END;
    }
    const LogChunk *chunk = events_chunk(r, c->chunk);
    const CachedChunk *raw = load_chunk(r, c->chunk, errp);
    if (!raw) {
        return LOG_NEXT_ERROR;
    }
    Icount previous = c->taken ? c->icount : chunk->first;
    const uint8_t *p = raw->raw + c->offset;
    if (!log_event_decode(&p, raw->raw + raw->len, previous, e)) {
        bad(r, chunk->offset, "an event makes no sense", errp);
        return LOG_NEXT_ERROR;
    }
    c->offset = p - raw->raw;
    c->icount = e->icount;
    c->taken++;
    if (c->taken == chunk->events && !check_chunk_end(r, c, raw->len, errp)) {
        return LOG_NEXT_ERROR;
    }
    return LOG_NEXT_OK;
}

uint64_t log_cursor_position(const LogReader *r, const LogCursor *c)
{
    if (c->chunk >= r->events->len) {
        return r->event_count;
    }
    return events_chunk(r, c->chunk)->position + c->taken;
}

bool log_reader_seek(LogReader *r, uint64_t position, LogCursor *c,
                     Error **errp)
{
    if (position > r->event_count) {
        error_set(errp, "'%s' has %" G_GUINT64_FORMAT " events, not %"
                  G_GUINT64_FORMAT, r->path, r->event_count, position);
        return false;
    }
    uint32_t lo = 0, hi = r->events->len;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const LogChunk *chunk = events_chunk(r, mid);
        if (chunk->position + chunk->events <= position) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    *c = (LogCursor){ .chunk = lo };
    while (log_cursor_position(r, c) < position) {
        LogEvent e;
        if (log_read_event(r, c, &e, errp) != LOG_NEXT_OK) {
            return false;
        }
    }
    return true;
}

/* --- digests ------------------------------------------------------------------------ */

/* Index of the first digest at or after icount. */
static guint digest_index(const LogReader *r, Icount icount)
{
    guint lo = 0, hi = r->digests->len;
    while (lo < hi) {
        guint mid = lo + (hi - lo) / 2;
        if (g_array_index(r->digests, LogChunk, mid).first < icount) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

Icount log_reader_next_digest(const LogReader *r, Icount icount)
{
    guint i = digest_index(r, icount);
    return i < r->digests->len ? g_array_index(r->digests, LogChunk, i).first
                               : ICOUNT_NONE;
}

bool log_reader_digest(LogReader *r, Icount icount, Digest *d, Error **errp)
{
    if (log_reader_next_digest(r, icount) != icount) {
        return false;
    }
    const LogChunk *c =
        &g_array_index(r->digests, LogChunk, digest_index(r, icount));
    g_autofree uint8_t *raw = log_reader_inflate(r, c, errp);
    if (!raw) {
        return false;
    }
    if (!digest_decode(raw, c->raw_bytes, d)) {
        return bad(r, c->offset, "a digest makes no sense", errp);
    }
    d->icount = icount;
    return true;
}
