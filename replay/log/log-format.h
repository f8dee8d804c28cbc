/*
 * The form of a log, its writer and its reader; private to replay/.
 * docs/devel/log-format.md describes the bytes.
 *
 * A log is a header and chunks. EVENTS chunks hold what crossed the boundary;
 * DIGEST and MARK chunks stand beside that stream, each with its own icount,
 * so that a reader finds them without decoding events. A position in a log is
 * the number of events before it.
 */
#ifndef REPLAY_LOG_FORMAT_H
#define REPLAY_LOG_FORMAT_H

#include <stdio.h>

#include "base/error.h"
#include "base/types.h"
#include "vm/machine.h"
#include "vm/nondet.h"

#define LOG_VERSION          4u  /* 3: a debugger writes at most 64 bits of
                                  * a register, no physical memory; 2:
                                  * without RECORDING and a tail; 1: without
                                  * COMMAND and PARENT, too; all readable */
#define LOG_MAGIC            "RPRSELOG"
#define LOG_MAGIC_BYTES      8u
#define LOG_HEADER_BYTES     32u  /* then the identity text */
#define LOG_CHUNK_BYTES      64u  /* a chunk's header */
#define LOG_CHUNK_FULL       (64 * KIB)
#define LOG_EVENT_MAX        (NONDET_POST_MAX + 64) /* encoded */
#define LOG_IDENTITY_MAX     (1 * MIB)
#define LOG_NAME_MAX         1023u /* of a snapshot */
#define LOG_RECORDING_BYTES  MACHINE_RECORDING_BYTES

typedef enum LogChunkType {
    LOG_CHUNK_EVENTS = 1,
    LOG_CHUNK_DIGEST = 2,
    LOG_CHUNK_MARK = 3,
    LOG_CHUNK_END = 4,
    LOG_CHUNK_COMMAND = 5,
    LOG_CHUNK_PARENT = 6,
    LOG_CHUNK_RECORDING = 7,
} LogChunkType;

/* A chunk's header, decoded; the reader adds where it is. */
typedef struct LogChunk {
    LogChunkType type;
    uint32_t bytes;        /* stored, behind the header */
    uint32_t raw_bytes;    /* inflated */
    uint32_t events;
    Icount first, last;    /* of the events; of a digest, mark or end: both.
                            * An EVENTS chunk without events says that nothing
                            * happened until `last` */
    uint64_t position;     /* events before this chunk */
    uint32_t crc;          /* of the stored bytes */
    uint64_t offset;       /* of the header in the file */
    bool tail;             /* it is the file's tail: `bytes` is its length */
} LogChunk;

void log_chunk_encode(const LogChunk *c, uint8_t out[LOG_CHUNK_BYTES]);
/* False if the header's own checksum or magic is wrong. */
bool log_chunk_decode(const uint8_t in[LOG_CHUNK_BYTES], LogChunk *c);
/* False if no chunk of its type can have as many inflated bytes and events:
 * what a damaged or hostile file costs is bounded by its own length. */
bool log_chunk_plausible(const LogChunk *c);

/* ORDER log-op (replay/log/format.c) */
typedef enum LogOp { LOG_POST, LOG_PULL, LOG_RARE, LOG_WARP } LogOp;

/* What a WARP waits for, in its port field: virtual time, ns; the number of
 * timers that have fired (clock_fired()); the number of exceptions and
 * interrupts at this icount (machine_events_here()), after inputs and timers.
 * ORDER log-warp (docs/devel/log-format.md) */
enum { WARP_TIME, WARP_FIRED, WARP_EVENTS, WARP_KINDS };

typedef struct LogEvent {
    Icount icount;
    LogOp op;
    uint16_t port;         /* 0 for WARP */
    uint64_t aux;          /* WARP: ns; RARE: number of the call */
    const uint8_t *data;
    uint32_t len;
} LogEvent;

/* One event after another at icount `previous`. */
void log_event_encode(const LogEvent *e, Icount previous, GByteArray *out);
/* Moves *p behind it; data points into the buffer. False if it is wrong. */
bool log_event_decode(const uint8_t **p, const uint8_t *end, Icount previous,
                      LogEvent *e);

/* --- the tail -------------------------------------------------------------------
 * What is in no chunk yet, so that nothing is lost whatever kills the recorder
 * (docs/devel/log-format.md). It lies so far behind the last chunk that the
 * next one is written in front of it. */

#define LOG_TAIL_BYTES 40u     /* its header; then records */
#define LOG_TAIL_UNTIL 24u     /* a part of it that is written again and again */
#define LOG_TAIL_UNTIL_BYTES 12u

/* Where a tail is, behind chunks that end there: at a multiple of that, so that
 * its header is never half written. */
#define LOG_TAIL_ALIGN 4096u
uint64_t log_tail_offset(uint64_t chunks_end);
/* Whether these four bytes may be a tail's first. */
bool log_tail_begins(const uint8_t *data);

typedef struct LogTail {
    uint64_t position;     /* events before it */
    Icount first;          /* icount of the event before its first one */
    Icount until;          /* nothing else has happened until then */
    uint32_t crc;          /* goes on from record to record */
    uint32_t events;
    uint32_t bytes;        /* when read: what of the file it takes */
    Icount last;           /* of its last event */
} LogTail;

/* Begins a tail: its position, first and until are given. */
void log_tail_encode(LogTail *t, uint8_t out[LOG_TAIL_BYTES]);
void log_tail_encode_until(Icount until, uint8_t out[LOG_TAIL_UNTIL_BYTES]);
/* Appends a record: an event as log_event_encode() wrote it. */
void log_tail_add(LogTail *t, const uint8_t *event, uint32_t len,
                  GByteArray *out);
/* Reads as far as the tail goes; its events, one after another, go to `events`.
 * False if there is none of that position. */
bool log_tail_decode(const uint8_t *data, uint64_t len, uint64_t position,
                     LogTail *t, GByteArray *events);

/* One line of text for an event. */
void log_event_print(const LogEvent *e, GString *out);

/* "serial", "block-error"; NULL for a number that is not a kind. */
const char *nondet_kind_name(unsigned kind);

/* A digest as it is in a log: one number for each section, one for each of
 * DIGEST_RANGES ranges of RAM, and one for everything. */
#define DIGEST_RANGES 64u

typedef struct Digest {
    Icount icount;
    uint64_t total;
    GArray *sections;      /* uint64_t in the order of machine_sections() */
    uint64_t ram[DIGEST_RANGES];
} Digest;

void digest_clear(Digest *d);
void digest_encode(const Digest *d, GByteArray *out);
bool digest_decode(const uint8_t *data, size_t len, Digest *d);

/* A snapshot that was made while recording. */
typedef struct LogMark {
    Icount icount;
    uint64_t position;
    uint64_t total;        /* digest of the state saved */
    bool at_boundary;
    char *name;
} LogMark;

void log_mark_free(LogMark *mark);

/* The recording that was left for this one. */
typedef struct LogParent {
    const char *file;      /* as it was called */
    Icount icount;
    uint64_t position;
} LogParent;

/* --- writing ------------------------------------------------------------------- */

typedef struct LogWriter LogWriter;

/* Creates the file beside `path` and writes the header. */
LogWriter *log_writer_new(const char *path, const char *identity,
                          Error **errp);
/* The recording has begun well: the file gets its name, and an earlier
 * recording of that name is kept as NAME.old. Before that, freeing the writer
 * removes the file. */
bool log_writer_begin(LogWriter *w, Error **errp);
/* What tells this recording from all others, for snapshots in disk images;
 * written once, in front. */
void log_write_recording(LogWriter *w,
                         const uint8_t id[LOG_RECORDING_BYTES]);
/* The recording program's working folder and arguments (ended by NULL), so
 * that a log says how it was made. Before everything else, at most once. */
void log_write_command(LogWriter *w, const char *folder,
                       const char *const *argv);
/* The log that this one branched from, and where. Right behind the command. */
void log_write_parent(LogWriter *w, const LogParent *parent);
/* Closes the file as it is; NULL is allowed. */
void log_writer_free(LogWriter *w);

void log_write_event(LogWriter *w, const LogEvent *e);
void log_write_digest(LogWriter *w, const Digest *d);
void log_write_mark(LogWriter *w, const LogMark *mark);
/* The recording ends at icount for that reason; nothing may follow. */
void log_write_end(LogWriter *w, Icount icount, const char *reason);
/* The number of events so far. */
uint64_t log_writer_position(const LogWriter *w);
/* Everything until icount goes into chunks now. */
void log_writer_flush(LogWriter *w, Icount icount);
/* Says that nothing else happened until icount, and closes a chunk that is a
 * second of host time old. */
void log_writer_tick(LogWriter *w, Icount icount);
/* True while all that was written is in the file. */
bool log_writer_good(const LogWriter *w);
/* False with an error if the file could not be written. What is missing waits
 * in memory, so asking again may succeed. */
bool log_writer_ok(LogWriter *w, Error **errp);
/* Reads what the writer wrote, which must be flushed, and not be written to
 * while the reader is there. */
typedef struct LogReader LogReader;
LogReader *log_writer_read(LogWriter *w, Error **errp);

/* --- reading ------------------------------------------------------------------- */

/* A place in the stream of events; may be copied and kept. */
typedef struct LogCursor {
    uint32_t chunk;        /* index among the EVENTS chunks */
    uint32_t offset;       /* in its inflated bytes */
    uint32_t taken;        /* events of it behind us */
    Icount icount;         /* of the event before, or the chunk's first */
} LogCursor;

typedef enum LogNext { LOG_NEXT_OK, LOG_NEXT_END, LOG_NEXT_ERROR } LogNext;

/* Maps the file and checks every chunk's checksum. A file that was cut off is
 * no error: log_reader_complete() tells. An error if it is being recorded. */
LogReader *log_reader_new(const char *path, Error **errp);
/* The same of an open file, which is taken over; `path` is for messages. */
LogReader *log_reader_new_fd(int fd, const char *path, Error **errp);
/* As log_reader_new(), but a log with a good header is opened as far as its
 * chunks make sense; *damage says what comes then, or is NULL. */
LogReader *log_reader_open(const char *path, Error **damage, Error **errp);
void log_reader_free(LogReader *r);

const char *log_reader_path(const LogReader *r);
unsigned log_reader_version(const LogReader *r);
const char *log_reader_identity(const LogReader *r);
/* How the recording was made: arguments ended by NULL, and the folder in which
 * the program ran. NULL: the log does not say. */
const char *const *log_reader_argv(const LogReader *r);
const char *log_reader_folder(const LogReader *r);
/* The log that this one branched from; NULL: none. */
const LogParent *log_reader_parent(const LogReader *r);
/* The file's size. */
uint64_t log_reader_bytes(const LogReader *r);
/* True if there is an end chunk. */
bool log_reader_complete(const LogReader *r);
/* The icount where the recording ends or is cut off, and the words of the end
 * chunk (NULL if cut off). */
Icount log_reader_end(const LogReader *r);
const char *log_reader_end_reason(const LogReader *r);
uint64_t log_reader_events(const LogReader *r);
/* All chunks in file order (GArray of LogChunk). */
const GArray *log_reader_chunks(const LogReader *r);

/* The event at the cursor, which moves behind it. e->data stays valid until
 * the next call for a few other chunks. */
LogNext log_read_event(LogReader *r, LogCursor *c, LogEvent *e, Error **errp);
/* A cursor behind `position` events; false with an error if there are not so
 * many. */
bool log_reader_seek(LogReader *r, uint64_t position, LogCursor *c,
                     Error **errp);
/* What tells the recording from others; NULL in an old log. */
const uint8_t *log_reader_recording(const LogReader *r);
/* The position of a cursor. */
uint64_t log_cursor_position(const LogReader *r, const LogCursor *c);

/* The icount of the first digest at or after icount; ICOUNT_NONE: none. */
Icount log_reader_next_digest(const LogReader *r, Icount icount);
/* The digest recorded at icount. False if there is none (no error) or it is
 * wrong. */
bool log_reader_digest(LogReader *r, Icount icount, Digest *d, Error **errp);
/* Inflates a chunk and checks that it can be; free it. NULL with an error. */
uint8_t *log_reader_inflate(const LogReader *r, const LogChunk *c,
                            Error **errp);
/* Marks in order (GPtrArray of LogMark). */
const GPtrArray *log_reader_marks(const LogReader *r);

/* --- as text ------------------------------------------------------------------- */

/* Prints what happened from icount `from` to `to`, both included. False with
 * an error naming file and offset where the log stops to make sense. */
bool log_dump(LogReader *r, Icount from, Icount to, FILE *out, Error **errp);

#endif
