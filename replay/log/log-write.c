/*
 * Writing a log so that it is good whatever kills the recorder: an event goes
 * behind the file's chunks, into its tail, before the guest sees it; when a
 * chunk's worth has gathered, or something asks for it, they are written once
 * more as a compressed chunk, which takes the tail's place. See log-format.h.
 */
#include <errno.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "log-file.h"
#include "log-format.h"

#define CHUNK_INTERVAL_MS 1000

struct LogWriter {
    char *path;
    LogFile *file;
    uint64_t file_bytes;   /* complete chunks in the file */
    GByteArray *waiting;   /* chunks that could not be written yet */
    int error;             /* errno of the last write, 0: good */
    GByteArray *events;    /* of the open chunk */
    uint32_t event_count;
    Icount first, last;    /* of the open chunk */
    Icount told;           /* the file says what happened until here */
    uint64_t position;
    int64_t closed_us;     /* host time; decides when to write, never what */
    LogTail tail;
    GByteArray *tail_bytes; /* of it; none: there is no tail */
    guint tail_written;    /* of these */
    bool untidy;           /* an older tail is behind the chunks */
    bool unsynced;         /* chunks that a power failure may take */
    bool ended;
};

/* --- bytes to the file -------------------------------------------------------------- */

static void write_failed(LogWriter *w, int err)
{
    w->error = err ? err : w->error;
}

/* What of the tail is not in the file. */
static void write_tail(LogWriter *w)
{
    if (w->tail_written == w->tail_bytes->len || w->error) {
        return;
    }
    int err = log_file_write(w->file,
                             log_tail_offset(w->file_bytes) + w->tail_written,
                             w->tail_bytes->data + w->tail_written,
                             w->tail_bytes->len - w->tail_written);
    if (!err) {
        w->tail_written = w->tail_bytes->len;
    }
    write_failed(w, err);
}

/* All chunks that wait, from the end of what is complete: after a failure a
 * half-written chunk is overwritten by the next attempt. */
static int write_chunks(LogWriter *w)
{
    int err = log_file_write(w->file, w->file_bytes, w->waiting->data,
                             w->waiting->len);
    if (!err) {
        w->file_bytes += w->waiting->len;
        g_byte_array_set_size(w->waiting, 0);
        w->untidy = true;
        w->unsynced = true;
        /* What came since goes to the new tail's place. */
        w->tail_written = 0;
    }
    return err;
}

/* The old tail is dropped when it is in a chunk, so that nothing but zeroes is
 * ever between the last chunk and the next tail. */
static void write_waiting(LogWriter *w)
{
    if (w->waiting->len && !w->error) {
        write_failed(w, write_chunks(w));
    }
    if (w->untidy && !w->error) {
        int err = log_file_truncate(w->file, w->file_bytes);
        w->untidy = err;
        write_failed(w, err);
    }
}

bool log_writer_good(const LogWriter *w)
{
    return !w->error;
}

bool log_writer_ok(LogWriter *w, Error **errp)
{
    if (w->error) {
        w->error = 0;
        write_waiting(w);
        write_tail(w);
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
    if (strlen(identity) > LOG_IDENTITY_MAX) {
        error_set(errp, "the machine's description is too long for a log");
        return NULL;
    }
    LogFile *file = log_file_create(path, errp);
    if (!file) {
        return NULL;
    }
    LogWriter *w = g_new0(LogWriter, 1);
    w->path = g_strdup(path);
    w->file = file;
    w->waiting = g_byte_array_new();
    w->events = g_byte_array_new();
    w->tail_bytes = g_byte_array_new();
    w->closed_us = g_get_monotonic_time();
    put_header(w, identity);
    write_waiting(w);
    if (!log_writer_ok(w, errp)) {
        log_writer_free(w);
        return NULL;
    }
    return w;
}

bool log_writer_begin(LogWriter *w, Error **errp)
{
    return log_writer_ok(w, errp) && log_file_begin(w->file, errp);
}

void log_writer_free(LogWriter *w)
{
    if (w) {
        log_file_free(w->file);
        g_byte_array_free(w->waiting, TRUE);
        g_byte_array_free(w->events, TRUE);
        g_byte_array_free(w->tail_bytes, TRUE);
        g_free(w->path);
        g_free(w);
    }
}

LogReader *log_writer_read(LogWriter *w, Error **errp)
{
    int fd = log_file_dup(w->file);
    if (fd < 0) {
        error_set_errno(errp, errno, "Could not open '%s'", w->path);
        return NULL;
    }
    return log_reader_new_fd(fd, w->path, errp);
}

/* --- chunks ------------------------------------------------------------------------ */

/* c says type, events and icounts; the rest is filled in here. */
static void put_chunk(LogWriter *w, LogChunk *c, const uint8_t *raw,
                      size_t len)
{
    uLongf packed_bytes = compressBound(len);
    g_autofree uint8_t *packed = g_malloc(packed_bytes);
    int ret = compress2(packed, &packed_bytes, raw, len, 1);
    g_assert(ret == Z_OK);
    c->bytes = packed_bytes;
    c->raw_bytes = len;
    g_assert(!w->ended && log_chunk_plausible(c));
    c->crc = crc32c(0, packed, packed_bytes);
    uint8_t head[LOG_CHUNK_BYTES];
    log_chunk_encode(c, head);
    g_byte_array_append(w->waiting, head, sizeof head);
    g_byte_array_append(w->waiting, packed, packed_bytes);
    w->told = c->last;
    write_waiting(w);
}

/* What is in it goes into a chunk. */
static void drop_tail(LogWriter *w)
{
    g_byte_array_set_size(w->tail_bytes, 0);
    w->tail_written = 0;
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
    drop_tail(w);
    put_chunk(w, &c, w->events->data, w->events->len);
    g_byte_array_set_size(w->events, 0);
    w->event_count = 0;
    w->closed_us = g_get_monotonic_time();
}

/* Before a chunk that says its icount itself. */
static void close_events(LogWriter *w, Icount until)
{
    if (w->event_count) {
        close_chunk(w, until);
    }
    drop_tail(w);
}

void log_writer_flush(LogWriter *w, Icount icount)
{
    close_chunk(w, icount);
}

/* --- the tail ------------------------------------------------------------------------ */

/* The header of a tail that says that nothing happened until icount. */
static void begin_tail(LogWriter *w, Icount icount)
{
    uint8_t head[LOG_TAIL_BYTES];
    w->tail = (LogTail){ .position = w->position, .first = icount,
                         .until = icount };
    log_tail_encode(&w->tail, head);
    g_byte_array_append(w->tail_bytes, head, sizeof head);
}

/* A power failure takes what is in no chunk, and the chunks of the last seconds;
 * the death of this process takes nothing. */
static void sync_chunks(LogWriter *w)
{
    int err = 0;
    if (w->unsynced && log_file_sync(w->file, &err)) {
        w->unsynced = false;
    }
    write_failed(w, err);
}

void log_writer_tick(LogWriter *w, Icount icount)
{
    uint8_t until[LOG_TAIL_UNTIL_BYTES];
    if (w->ended || w->error) {
        return;
    }
    sync_chunks(w);
    if (w->event_count && g_get_monotonic_time() - w->closed_us >=
                              CHUNK_INTERVAL_MS * 1000) {
        close_chunk(w, icount);
    }
    if (icount <= w->told) {
        return;
    }
    w->told = icount;
    if (!w->tail_bytes->len) {
        begin_tail(w, icount);
        write_tail(w);
        return;
    }
    log_tail_encode_until(icount, until);
    memcpy(w->tail_bytes->data + LOG_TAIL_UNTIL, until, sizeof until);
    write_failed(w, log_file_write(w->file, log_tail_offset(w->file_bytes) +
                                                LOG_TAIL_UNTIL,
                                   until, sizeof until));
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
    LogChunk c = { .type = LOG_CHUNK_COMMAND, .raw_bytes = raw->len };
    if (log_chunk_plausible(&c)) {
        put_chunk(w, &c, raw->data, raw->len);
    }
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

void log_write_recording(LogWriter *w,
                         const uint8_t id[LOG_RECORDING_BYTES])
{
    LogChunk c = { .type = LOG_CHUNK_RECORDING };
    put_chunk(w, &c, id, LOG_RECORDING_BYTES);
}

/* An event that is a chunk by itself is complete when it is in the file, and
 * is in no tail. */
void log_write_event(LogWriter *w, const LogEvent *e)
{
    if (w->event_count && w->events->len + e->len >= LOG_CHUNK_FULL) {
        close_chunk(w, w->last);
    }
    if (!w->event_count) {
        w->first = w->last = e->icount;
        drop_tail(w);
        begin_tail(w, e->icount);
    }
    guint start = w->events->len;
    log_event_encode(e, w->last, w->events);
    w->last = e->icount;
    w->event_count++;
    w->position++;
    if (w->events->len >= LOG_CHUNK_FULL) {
        close_chunk(w, w->last);
        return;
    }
    log_tail_add(&w->tail, w->events->data + start, w->events->len - start,
                 w->tail_bytes);
    write_tail(w);
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
