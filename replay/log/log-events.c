/*
 * A log's events and digests, in order or from a place on. See log-read.c.
 */
#include "base/bytes.h"
#include "log-reader.h"

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
        return log_reader_bad(r, chunk->offset, "a chunk holds more than it says", errp);
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
        log_reader_bad(r, chunk->offset, "an event makes no sense", errp);
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
        return log_reader_bad(r, c->offset, "a digest makes no sense", errp);
    }
    d->icount = icount;
    return true;
}
