/*
 * The form of a snapshot stream; private to migration/.
 *
 *   header   magic "RPRSSNAP", u32 version, u32 flags, u64 icount, u64 log
 *            position, u32 crc32c of these 32 bytes, u32 zero
 *   records  u32 type, u32 length of the name, u64 length of the data,
 *            u32 crc32c of name and data, u32 crc32c of the 20 bytes before,
 *            name, data
 *
 * All little-endian. A snapshot of a recording begins with a RECORDING record:
 * 16 bytes that its log has, too. Then one SECTION record for each state table (the data is
 * what state_save() wrote), one RAM record for each block (ram.c), in the
 * machine's order, then END with nothing in it and nothing after it.
 *
 * In a flat snapshot (version 2, STREAM_FLAT) this is only the head of the VM
 * state, the header's last u32 is its length, and a RAM record says where the
 * block lies uncompressed behind it (flat.c).
 */
#ifndef MIGRATION_STREAM_H
#define MIGRATION_STREAM_H

#include "base/error.h"
#include "io/blockdev.h"
#include "vm/machine.h"

#define STREAM_VERSION       1u
#define STREAM_VERSION_FLAT  2u
#define STREAM_AT_BOUNDARY 1u /* flags: m->sched.at_boundary */
#define STREAM_FLAT          2u
#define STREAM_PERIODIC      4u   /* made by rrsnapshot-period */
#define STREAM_HEADER_BYTES  40u
#define STREAM_RECORD_BYTES  24u
#define STREAM_RECORDING_NAME "recording"
/* The header, and the record that comes first if the snapshot is of a
 * recording. */
#define STREAM_FIRST_BYTES                                          \
    (STREAM_HEADER_BYTES + STREAM_RECORD_BYTES +                    \
     sizeof STREAM_RECORDING_NAME - 1 + MACHINE_RECORDING_BYTES)

typedef enum StreamType {
    STREAM_SECTION = 1,
    STREAM_RAM = 2,
    STREAM_END = 3,
    STREAM_RECORDING = 4,
} StreamType;

typedef struct StreamHeader {
    uint32_t flags;
    Icount icount;
    uint64_t log_position;
    uint32_t head_bytes;   /* of a flat snapshot; else 0 */
    bool has_recording;    /* it says of which recording it is */
    bool recording_damaged; /* it did */
    uint8_t recording[MACHINE_RECORDING_BYTES];
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

/* The header, and the record of the machine's recording if it has one. */
void stream_put_header(GByteArray *out, const Machine *m,
                       const StreamHeader *h);
/* Enters the length of a flat snapshot's head, which is complete. */
void stream_end_head(GByteArray *out);
/* One SECTION record for each state table of the machine. */
void stream_put_sections(GByteArray *out, Machine *m);
void stream_put_record(GByteArray *out, StreamType type, const char *name,
                       const GByteArray *data);

/* Checks magic, version and crc, and goes to the first record behind that of
 * the recording. */
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
/* Makes a range of the block what data say (NULL: zero). Pages that are so
 * already are not touched. */
void ram_range_load(RamBlock *b, uint64_t offset, const uint8_t *data,
                    uint64_t bytes);
bool ram_is_zero(const uint8_t *p, size_t bytes);

/* --- flat.c --------------------------------------------------------------- */

/* The VM state of a flat snapshot while it is written. */
typedef struct FlatSave {
    Machine *m;
    GByteArray *head;
    const uint8_t *changed; /* pages since the base, a bit each */
    BlockVmState state;
} FlatSave;

void flat_save_begin(FlatSave *f, Machine *m, uint64_t log_position,
                     uint32_t flags);
void flat_save_end(FlatSave *f);

/* A flat snapshot in a disk. */
typedef struct FlatSource {
    BlockDev *disk;
    const char *name;
    uint64_t bytes;        /* of the VM state */
    uint32_t head_bytes;
} FlatSource;

/* The room that a head of that length takes. */
uint64_t flat_head_room(uint32_t head_bytes);

/* Reads the header of a snapshot's VM state of either form. */
bool flat_peek(BlockDev *disk, const char *name, StreamHeader *h,
               Error **errp);
/* The head of a flat one; NULL with an error. */
GBytes *flat_head(const FlatSource *src, Error **errp);
/* Is a RAM record what it must be for the block at an offset behind the head?
 * Goes on to the next block's offset. */
bool flat_check_ram(const StreamRecord *rec, const RamBlock *b,
                    uint64_t *offset, Error **errp);
/* Is the VM state as long as that head and RAM, which ends at an offset behind
 * the head's room? */
bool flat_check_size(const FlatSource *src, uint64_t ram_bytes, Error **errp);
/* Reads all RAM. False with an error if the image cannot be read; then it is
 * neither what it was nor what it should be. */
bool flat_load_ram(const FlatSource *src, Machine *m, Error **errp);

/* --- load.c ---------------------------------------------------------------- */

/* Loads the state from a stream, or from the head of a flat snapshot and what
 * lies behind it. On error nothing was changed, unless `spoilt` is set. */
typedef struct LoadJob {
    GBytes *stream;
    const FlatSource *flat;  /* NULL: RAM is in the stream */
    uint64_t log_position;   /* results */
    bool spoilt;
} LoadJob;
bool load_state(Machine *m, LoadJob *job, Error **errp);

#endif
