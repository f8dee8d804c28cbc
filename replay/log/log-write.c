/*
 * Writing a log so that it is good whatever kills the recorder: events gather
 * in memory, and a chunk goes to the file in one write once it is full, old,
 * or something asks for it. See log-format.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "log-format.h"

#define FLUSH_INTERVAL_MS 100

struct LogWriter {
    char *path;
    int fd;
    uint64_t file_bytes;   /* complete chunks in the file */
    GByteArray *waiting;   /* chunks that could not be written yet */
    int error;             /* errno of the last write, 0: good */
    GByteArray *events;    /* of the open chunk */
    uint32_t event_count;
    Icount first, last;    /* of the open chunk */
    Icount told;           /* the file says what happened until here */
    uint64_t position;
    int64_t flushed_us;    /* host time; decides when to write, never what */
    guint timeout;         /* main loop's, while events wait; 0: none */
    bool ended;
};

/* --- bytes to the file -------------------------------------------------------------- */

/* Everything that waits, from the end of what is complete: after a failure a
 * half-written chunk is overwritten by the next attempt. */
static void write_waiting(LogWriter *w)
{
    size_t done = 0;
    w->error = 0;
    while (done < w->waiting->len) {
        ssize_t n = pwrite(w->fd, w->waiting->data + done,
                           w->waiting->len - done, w->file_bytes + done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            w->error = n < 0 ? errno : ENOSPC;
            return;
        }
        done += n;
    }
    w->file_bytes += done;
    g_byte_array_set_size(w->waiting, 0);
}

bool log_writer_ok(LogWriter *w, Error **errp)
{
    if (w->error) {
        write_waiting(w);
    }
    if (w->error) {
        error_set_errno(errp, w->error, "Could not write '%s'", w->path);
        return false;
    }
    return true;
}

static void put_header(LogWriter *w, const char *identity)
{
    uint8_t b[LOG_HEADER_BYTES] = "RPRSELOG";
    size_t len = strlen(identity);
    bytes_st_le32(b + 8, LOG_VERSION);
    bytes_st_le32(b + 12, len);
    bytes_st_le32(b + 16, crc32c(0, identity, len));
    bytes_st_le32(b + 28, crc32c(0, b, 28));
    g_byte_array_append(w->waiting, b, sizeof b);
    g_byte_array_append(w->waiting, (const uint8_t *)identity, len);
}

LogWriter *log_writer_new(const char *path, const char *identity,
                          Error **errp)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        error_set_errno(errp, errno, "Could not open '%s'", path);
        return NULL;
    }
    LogWriter *w = g_new0(LogWriter, 1);
    w->path = g_strdup(path);
    w->fd = fd;
    w->waiting = g_byte_array_new();
    w->events = g_byte_array_new();
    w->flushed_us = g_get_monotonic_time();
    put_header(w, identity);
    write_waiting(w);
    if (!log_writer_ok(w, errp)) {
        log_writer_free(w);
        return NULL;
    }
    return w;
}

void log_writer_free(LogWriter *w)
{
    if (w) {
        if (w->timeout) {
            g_source_remove(w->timeout);
        }
        close(w->fd);
        g_byte_array_free(w->waiting, TRUE);
        g_byte_array_free(w->events, TRUE);
        g_free(w->path);
        g_free(w);
    }
}

/* --- chunks ------------------------------------------------------------------------ */

/* c says type, events and icounts; the rest is filled in here. */
static void put_chunk(LogWriter *w, LogChunk *c, const uint8_t *raw,
                      size_t len)
{
    g_assert(len <= LOG_RAW_MAX && !w->ended);
    uLongf packed_bytes = compressBound(len);
    g_autofree uint8_t *packed = g_malloc(packed_bytes);
    int ret = compress2(packed, &packed_bytes, raw, len, 1);
    g_assert(ret == Z_OK);
    c->bytes = packed_bytes;
    c->raw_bytes = len;
    c->crc = crc32c(0, packed, packed_bytes);
    uint8_t head[LOG_CHUNK_BYTES];
    log_chunk_encode(c, head);
    g_byte_array_append(w->waiting, head, sizeof head);
    g_byte_array_append(w->waiting, packed, packed_bytes);
    w->told = c->last;
    write_waiting(w);
}

static void close_chunk(LogWriter *w, Icount until)
{
    if (!w->event_count && until <= w->told) {
        return;
    }
    LogChunk c = { .type = LOG_CHUNK_EVENTS, .events = w->event_count,
                   .position = w->position - w->event_count };
    c.first = w->event_count ? w->first : until;
    c.last = MAX(until, w->event_count ? w->last : 0);
    put_chunk(w, &c, w->events->data, w->events->len);
    g_byte_array_set_size(w->events, 0);
    w->event_count = 0;
}

/* Before a chunk that says its icount itself. */
static void close_events(LogWriter *w, Icount until)
{
    if (w->event_count) {
        close_chunk(w, until);
    }
}

void log_writer_flush(LogWriter *w, Icount icount)
{
    close_chunk(w, icount);
    w->flushed_us = g_get_monotonic_time();
}

void log_writer_tick(LogWriter *w, Icount icount)
{
    if (g_get_monotonic_time() - w->flushed_us >= FLUSH_INTERVAL_MS * 1000) {
        log_writer_flush(w, icount);
    }
}

/* The guest sleeps or is stopped, so that nobody calls log_writer_tick(). */
static gboolean flush_events(void *opaque)
{
    LogWriter *w = opaque;
    w->timeout = 0;
    if (!w->ended) {
        close_events(w, w->last);
    }
    return G_SOURCE_REMOVE;
}

/* --- what goes into chunks ---------------------------------------------------------- */

/* Strings one after another, each with its NUL: the folder, the arguments. */
void log_write_command(LogWriter *w, const char *folder,
                       const char *const *argv)
{
    g_autoptr(GByteArray) raw = g_byte_array_new();
    g_byte_array_append(raw, (const uint8_t *)folder, strlen(folder) + 1);
    for (; *argv; argv++) {
        g_byte_array_append(raw, (const uint8_t *)*argv, strlen(*argv) + 1);
    }
    LogChunk c = { .type = LOG_CHUNK_COMMAND };
    put_chunk(w, &c, raw->data, raw->len);
}

/* u64 icount, u64 position, the file's name. */
void log_write_parent(LogWriter *w, const LogParent *parent)
{
    g_autoptr(GByteArray) raw = g_byte_array_new();
    uint8_t b[16];
    bytes_st_le64(b, parent->icount);
    bytes_st_le64(b + 8, parent->position);
    g_byte_array_append(raw, b, sizeof b);
    g_byte_array_append(raw, (const uint8_t *)parent->file,
                        strlen(parent->file));
    LogChunk c = { .type = LOG_CHUNK_PARENT };
    put_chunk(w, &c, raw->data, raw->len);
}

void log_write_event(LogWriter *w, const LogEvent *e)
{
    if (w->event_count && w->events->len + e->len >= LOG_CHUNK_FULL) {
        close_chunk(w, w->last);
    }
    if (!w->event_count) {
        w->first = w->last = e->icount;
    }
    log_event_encode(e, w->last, w->events);
    w->last = e->icount;
    w->event_count++;
    w->position++;
    if (!w->timeout) {
        w->timeout = g_timeout_add(FLUSH_INTERVAL_MS, flush_events, w);
    }
}

uint64_t log_writer_position(const LogWriter *w)
{
    return w->position;
}

void log_write_digest(LogWriter *w, const Digest *d)
{
    g_autoptr(GByteArray) raw = g_byte_array_new();
    digest_encode(d, raw);
    close_events(w, d->icount);
    LogChunk c = { .type = LOG_CHUNK_DIGEST, .first = d->icount,
                   .last = d->icount, .position = w->position };
    put_chunk(w, &c, raw->data, raw->len);
}

/* u8 at_boundary, u64 total, the name. */
void log_write_mark(LogWriter *w, const LogMark *mark)
{
    g_autoptr(GByteArray) raw = g_byte_array_new();
    uint8_t b[9];
    b[0] = mark->at_boundary;
    bytes_st_le64(b + 1, mark->total);
    g_byte_array_append(raw, b, sizeof b);
    g_byte_array_append(raw, (const uint8_t *)mark->name, strlen(mark->name));
    close_events(w, mark->icount);
    LogChunk c = { .type = LOG_CHUNK_MARK, .first = mark->icount,
                   .last = mark->icount, .position = w->position };
    put_chunk(w, &c, raw->data, raw->len);
}

void log_write_end(LogWriter *w, Icount icount, const char *reason)
{
    close_events(w, icount);
    LogChunk c = { .type = LOG_CHUNK_END, .first = icount, .last = icount,
                   .position = w->position };
    put_chunk(w, &c, (const uint8_t *)reason, strlen(reason));
    w->ended = true;
}
