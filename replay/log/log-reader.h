/*
 * What the rooms of a log's reader share:
 *
 *   log-read.c      opening: the file, its chunks' headers, what is known of it
 *   log-chunks.c    what the chunks that are no events say
 *   log-events.c    cursors: events and digests, one after the other
 */
#ifndef REPLAY_LOG_READER_H
#define REPLAY_LOG_READER_H

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

/* False: the file is damaged there. */
static inline bool log_reader_bad(const LogReader *r, uint64_t offset,
                                  const char *what, Error **errp)
{
    error_set(errp, "'%s' is damaged at byte %" G_GUINT64_FORMAT ": %s",
              r->path, offset, what);
    return false;
}

/* --- log-chunks.c ------------------------------------------------------------------ */

/* The reader knows what a chunk says. False: that makes no sense. */
bool log_reader_add(LogReader *r, const LogChunk *c, Error **errp);

#endif
