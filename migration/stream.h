/*
 * The form of a snapshot stream; private to migration/.
 *
 *   header   magic "RPRSSNAP", u32 version, u32 flags, u64 icount, u64 log
 *            position, u32 crc32c of these 32 bytes, u32 zero
 *   records  u32 type, u32 length of the name, u64 length of the data,
 *            u32 crc32c of name and data, u32 crc32c of the 20 bytes before,
 *            name, data
 *
 * All little-endian. One SECTION record for each state table (the data is
 * what state_save() wrote), one RAM record for each block (ram.c), in the
 * machine's order, then END with nothing in it and nothing after it.
 */
#ifndef MIGRATION_STREAM_H
#define MIGRATION_STREAM_H

#include "base/error.h"
#include "vm/machine.h"

#define STREAM_VERSION       1u
#define STREAM_AT_BOUNDARY   1u   /* flags: m->at_boundary */
#define STREAM_HEADER_BYTES  40u
#define STREAM_RECORD_BYTES  24u

typedef enum StreamType {
    STREAM_SECTION = 1,
    STREAM_RAM = 2,
    STREAM_END = 3,
} StreamType;

typedef struct StreamHeader {
    uint32_t flags;
    Icount icount;
    uint64_t log_position;
} StreamHeader;

/* A record in place; name is not terminated. */
typedef struct StreamRecord {
    StreamType type;
    const char *name;
    size_t name_len;
    const uint8_t *data;
    size_t data_len;
    size_t offset;         /* of the record in the stream, for messages */
} StreamRecord;

typedef struct StreamReader {
    const uint8_t *data;
    size_t len, pos;
} StreamReader;

void stream_put_header(GByteArray *out, const StreamHeader *h);
void stream_put_record(GByteArray *out, StreamType type, const char *name,
                       const GByteArray *data);

/* Checks magic, version and crc, and goes to the first record. */
bool stream_open(StreamReader *r, GBytes *stream, StreamHeader *h,
                 Error **errp);
/* The next record, with its crc checked. */
bool stream_next(StreamReader *r, StreamRecord *rec, Error **errp);

/* The data of a RAM record for a block. */
GByteArray *ram_stream_save(const RamBlock *b);
/* Walks a RAM record: fn gets each page, NULL for one that is all zero. False
 * with an error if the record is not one of this block or is damaged. */
typedef void RamPageFn(void *opaque, uint64_t page, const uint8_t *bytes);
bool ram_stream_walk(const StreamRecord *rec, const RamBlock *b,
                     RamPageFn *fn, void *opaque, Error **errp);
/* Brings the block to what a record says; it was walked without error. */
void ram_stream_load(const StreamRecord *rec, RamBlock *b);

#endif
