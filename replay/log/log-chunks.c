/*
 * What the chunks of a log say, but for events: marks, the end, the command line,
 * and what the recording is. See log-read.c.
 */
#include <zlib.h>

#include "base/bytes.h"
#include "log-reader.h"

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
        log_reader_bad(r, c->offset, "a chunk cannot be inflated", errp);
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
        return log_reader_bad(r, c->offset, "a mark makes no sense", errp);
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
        return log_reader_bad(r, c->offset, "something follows the end", errp);
    }
    r->end_reason = g_strndup((char *)raw, c->raw_bytes);
    return true;
}

/* Strings, each with its NUL: the folder, and at least one argument. */
static bool add_command(LogReader *r, const LogChunk *c, Error **errp)
{
    if (r->event_count || r->command) {
        return log_reader_bad(r, c->offset, "the command is not in front", errp);
    }
    char *raw = (char *)log_reader_inflate(r, c, errp);
    if (!raw) {
        return false;
    }
    r->command = raw;
    char *end = raw + c->raw_bytes, *s = memchr(raw, 0, c->raw_bytes);
    if (!s || ++s == end || end[-1]) {
        return log_reader_bad(r, c->offset, "the command makes no sense", errp);
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
        return log_reader_bad(r, c->offset, "the parent is not in front", errp);
    }
    g_autofree uint8_t *raw = log_reader_inflate(r, c, errp);
    if (!raw) {
        return false;
    }
    if (c->raw_bytes <= 16 || memchr(raw + 16, 0, c->raw_bytes - 16)) {
        return log_reader_bad(r, c->offset, "the parent makes no sense", errp);
    }
    r->parent_file = g_strndup((char *)raw + 16, c->raw_bytes - 16);
    r->parent = (LogParent){ r->parent_file, bytes_ld_le64(raw),
                             bytes_ld_le64(raw + 8) };
    return true;
}

static bool add_recording(LogReader *r, const LogChunk *c, Error **errp)
{
    if (r->event_count || r->has_recording) {
        return log_reader_bad(r, c->offset, "the recording's mark is not in front", errp);
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
        return log_reader_bad(r, c->offset, "digests are out of order", errp);
    }
    g_array_append_val(r->digests, *c);
    return true;
}

bool log_reader_add(LogReader *r, const LogChunk *c, Error **errp)
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
    return log_reader_bad(r, c->offset, "a chunk of unknown type", errp);
}
