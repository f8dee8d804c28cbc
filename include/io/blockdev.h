/*
 * A disk as a device model sees it: bytes that can be read and written now.
 *
 * Implemented by block/ (block.c over raw, qcow2 and overlay drivers), whose
 * ops devices reach through softmmu/world.c; called by hw/ide and friends, by migration/ for snapshots, and by the roof to open
 * images. Requests are synchronous: when the guest is told that one has
 * finished is the device's business, in virtual time (DESIGN, section 3).
 */
#ifndef IO_BLOCKDEV_H
#define IO_BLOCKDEV_H

#include "base/error.h"
#include "base/types.h"

/* What a device asks of a disk: see the functions of the same names. The
 * functions of this header that are not here are for the roof and migration/,
 * which may know block/. */
typedef struct BlockDevOps {
    uint64_t (*size_bytes)(const BlockDev *b);
    bool (*readonly)(const BlockDev *b);
    bool (*is_empty)(const BlockDev *b);
    void (*bind)(BlockDev *b, Machine *m);
    int (*read)(BlockDev *b, uint64_t offset, void *buf, size_t bytes);
    int (*write)(BlockDev *b, uint64_t offset, const void *buf, size_t bytes);
    int (*write_zeroes)(BlockDev *b, uint64_t offset, uint64_t bytes);
    int (*discard)(BlockDev *b, uint64_t offset, uint64_t bytes);
    bool (*discards)(const BlockDev *b);
    int (*flush)(BlockDev *b);
} BlockDevOps;

/* Who implements disks begins struct BlockDev with this. */
typedef struct BlockDevHead {
    const BlockDevOps *ops;
    char *node;              /* the id given at open */
} BlockDevHead;

/* How an image is opened; from -drive. */
typedef struct BlockOpenOptions {
    const char *node;        /* drive id for messages, "drive0" */
    const char *file;        /* path; NULL or "" is an empty removable drive */
    const char *format;      /* "raw", "qcow2" or NULL to probe */
    bool readonly;           /* the guest may not write */
    bool write_through;      /* a write that has ended survives a power cut */
    bool no_flush;           /* flushes are not passed on */
    bool detect_zeroes;      /* writes of zeroes take no room */
    bool keep_discarded;     /* what the guest discards stays as it is */
    bool temporary;          /* snapshot=on: writes go to a temporary overlay */
    bool replay;             /* writes go to an undoable in-memory overlay */
    const char *at_snapshot; /* with replay: the qcow2 snapshot that is the
                              * start of the disk's past, or NULL: as it is */
} BlockOpenOptions;

/* A row of an image's snapshot table. Strings are owned by the row. */
typedef struct BlockSnapshot {
    char *id;                /* "1", "2", … unique in the image */
    char *name;
    uint64_t vm_state_bytes;
    int64_t date_sec;        /* host time it was made, seconds since 1970 */
    uint32_t date_nsec;
    uint64_t vm_clock_ns;    /* guest virtual time */
    Icount icount;           /* ICOUNT_NONE when icount was off */
} BlockSnapshot;

/* What devices have asked of a disk since the program started; a replay that
 * goes back and forth asks again. */
typedef enum BlockRequest {
    BLOCK_READ, BLOCK_WRITE, BLOCK_ZERO, BLOCK_FLUSH, BLOCK_REQUEST_COUNT
} BlockRequest;

typedef struct BlockStats {
    uint64_t requests, bytes, failed;
} BlockStats;

BlockStats blockdev_stats(const BlockDev *b, BlockRequest request);

/* How it treats what is written; from the options it was opened with. */
typedef struct BlockModes {
    bool write_through, no_flush, detect_zeroes;
} BlockModes;

BlockModes blockdev_modes(const BlockDev *b);

/* Opens an image. NULL with an error naming the file (and offset). */
BlockDev *blockdev_open(const BlockOpenOptions *opts, Error **errp);
/* Flushes and closes; NULL is allowed. */
void blockdev_close(BlockDev *b);

/* The id given at open; the file name (NULL when empty); "raw" or "qcow2". */
const char *blockdev_node(const BlockDev *b);
const char *blockdev_file(const BlockDev *b);
const char *blockdev_format(const BlockDev *b);
/* Virtual size; 0 for an empty drive. */
uint64_t blockdev_size_bytes(const BlockDev *b);
bool blockdev_readonly(const BlockDev *b);
bool blockdev_is_empty(const BlockDev *b);

/* Makes host I/O errors of this disk an input of the machine (port
 * "block-error", name node): recorded when they happen, replayed without the
 * host failing. Called once by the device that owns the disk. */
void blockdev_bind(BlockDev *b, Machine *m);

/* Transfers exactly `bytes` at byte offset `offset`, which must lie inside the
 * disk. 0, or a negative errno (-EIO, -ENOSPC, -EROFS). */
int blockdev_read(BlockDev *b, uint64_t offset, void *buf, size_t bytes);
int blockdev_write(BlockDev *b, uint64_t offset, const void *buf, size_t bytes);
/* Makes earlier writes survive a power cut. 0 or a negative errno. */
int blockdev_flush(BlockDev *b);
/* The range reads as zeroes afterwards. 0 or a negative errno. */
int blockdev_write_zeroes(BlockDev *b, uint64_t offset, uint64_t bytes);

/* Nobody needs the range any more: it reads as zeroes afterwards, or as
 * before if the disk does not discard. 0 or a negative errno. */
int blockdev_discard(BlockDev *b, uint64_t offset, uint64_t bytes);
/* Does a discarded range read as zeroes? */
bool blockdev_discards(const BlockDev *b);

/* A digest of the content as it reads now; for a log's machine identity. */
bool blockdev_content_digest(BlockDev *b, uint64_t *digest, Error **errp);

/* --- snapshots inside an image (qcow2) ------------------------------- */

/* True if the image can take internal snapshots and is writable. */
bool blockdev_can_snapshot(const BlockDev *b);
/* The snapshot table in file order: GPtrArray of BlockSnapshot, owned by the
 * caller; NULL with an error. An image without snapshots: empty. */
GPtrArray *blockdev_snapshot_list(BlockDev *b, Error **errp);
/* True if blockdev_snapshot_create() is worth trying (name NULL: with a name
 * that is not taken). A replay's disk, whose image is open for reading only,
 * can take snapshots if the image could be written by nobody else but us:
 * false with an error that says what prevents it. */
bool blockdev_snapshot_may_create(BlockDev *b, const char *name, Error **errp);
/* Writes a snapshot of the disk as it is now, with vm_state (may be NULL: no
 * VM state) as its VM state. A snapshot of the same name is replaced, and is
 * not lost if the new one fails; a replay's disk refuses instead, and nothing
 * else in its image changes. `info`: name and clocks are read. */
bool blockdev_snapshot_create(BlockDev *b, const BlockSnapshot *info,
                              GBytes *vm_state, Error **errp);
/* Makes the disk read as the snapshot (by name, then by id). With the replay
 * overlay only the view changes; otherwise the image does. */
bool blockdev_snapshot_goto(BlockDev *b, const char *name, Error **errp);
bool blockdev_snapshot_delete(BlockDev *b, const char *name, Error **errp);
/* Gives a snapshot another name, which nobody has. */
bool blockdev_snapshot_rename(BlockDev *b, const char *from, const char *to,
                              Error **errp);
/* Deletes what a replay's disk has just created, because another disk could
 * not; does nothing to others. */
void blockdev_snapshot_withdraw(BlockDev *b, const char *name);
/* The VM state of a snapshot; NULL with an error. */
GBytes *blockdev_snapshot_vm_state(BlockDev *b, const char *name,
                                   Error **errp);

/* VM state too large to be held in memory twice is written and read in pieces.
 * Pieces (the image's clusters) that are all zero take no room, and pieces
 * that are what they were in an older snapshot are shared with it: each
 * snapshot stays whole when others are deleted. */
typedef enum VmStatePiece {
    VM_STATE_DATA,           /* buf was filled in */
    VM_STATE_ZERO,
    VM_STATE_SAME,           /* as in the base, at the same offset */
} VmStatePiece;

/* Says what [offset, offset + bytes) is. Pieces are asked for in order; they
 * are powers of two of at most VM_STATE_PIECE_MAX bytes, so aligned. */
#define VM_STATE_PIECE_MAX (2 * MIB)
typedef VmStatePiece VmStateFill(void *opaque, uint64_t offset, uint8_t *buf,
                                 size_t bytes);

typedef struct BlockVmState {
    uint64_t bytes;
    const char *base;        /* a snapshot's name; NULL: nothing is SAME */
    VmStateFill *fill;
    void *opaque;
    uint64_t written_bytes;  /* result: room that was not shared */
} BlockVmState;

/* As blockdev_snapshot_create(). */
bool blockdev_snapshot_create_pieces(BlockDev *b, const BlockSnapshot *info,
                                     BlockVmState *state, Error **errp);

/* Gets the pieces that were asked for in order, of any size; data NULL: all
 * zero. */
typedef void VmStateSink(void *opaque, uint64_t offset, const uint8_t *data,
                         uint64_t bytes);

/* Reads [offset, offset + bytes) of a snapshot's VM state. False with an error
 * if it has not that much or cannot be read; part of it may have been told. */
typedef struct VmStateRead {
    const char *name;
    uint64_t offset, bytes;
    VmStateSink *sink;
    void *opaque;
} VmStateRead;
bool blockdev_snapshot_read(BlockDev *b, const VmStateRead *what,
                            Error **errp);
/* The room that the VM states of snapshots (names, those that exist) take
 * together in the image; what they share counts once. 0 if unknown. */
uint64_t blockdev_snapshot_room(BlockDev *b, const GPtrArray *names);

void block_snapshot_free(BlockSnapshot *s);

/* --- the past of a disk, in memory ------------------------------------- */

typedef struct BlockMark BlockMark;

/* Remembers the disk's content now, cheaply (clusters are shared until
 * written). For a disk opened with `replay` or `temporary`, and for others
 * while their past is kept; NULL otherwise. */
BlockMark *blockdev_mark(BlockDev *b);
/* Makes the disk read as it did at the mark, which stays valid. An image that
 * is being recorded is not changed by that, nor by what is written then. */
void blockdev_return_to(BlockDev *b, const BlockMark *mark);
void blockdev_mark_free(BlockMark *mark);

/* A recording that may be gone back into: from now on, what writes to the
 * image overwrite is kept in memory for the marks that are there. Nothing for
 * disks opened with `replay` or `temporary`. All marks must be freed before it
 * ends (on: false). */
void blockdev_keep_past(BlockDev *b, bool on);
/* After blockdev_return_to(): the disk reads as it did before the first of
 * those calls, and writes go to the image again. Marks made in between must
 * have been freed. Does nothing to a disk that is there. */
void blockdev_return_to_present(BlockDev *b);
/* Memory that the kept past of all marks takes. */
uint64_t blockdev_past_bytes(const BlockDev *b);

#endif
