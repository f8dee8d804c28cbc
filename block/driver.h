/*
 * What an image format owes the front (block.c): one vtable a format, one
 * node an open image or a layer above one.
 *
 * Implemented by raw.c, overlay.c and qcow2.c; called by block.c, image.c,
 * undo.c and by layers that have another node below them. All transfers are inside the
 * node's size (the front checks) and answer 0 or a negative errno.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include "cluster-tree.h"
#include "file.h"
#include "io/blockdev.h"
#include "io/image.h"

/* No disk is larger: an exbibyte. */
#define NODE_BYTES_MAX (UINT64_C(1) << 60)
/* How many images may lie on top of each other. */
#define BACKING_DEPTH_MAX 32

typedef struct BlockNode BlockNode;

/* A snapshot of a disk that is not in the image as such. */
typedef struct SnapshotAdd {
    BlockNode *base;       /* the image, or a view of one of its snapshots */
    const ClusterTree *tree; /* what was written over it */
    const BlockSnapshot *info;
    BlockVmState *state;
} SnapshotAdd;

typedef struct BlockDriver {
    const char *format;    /* "raw", "qcow2"; "overlay" is nobody's -drive */
    int (*read)(BlockNode *n, uint64_t offset, void *buf, size_t bytes);
    int (*write)(BlockNode *n, uint64_t offset, const void *buf,
                 size_t bytes);
    int (*write_zeroes)(BlockNode *n, uint64_t offset, uint64_t bytes);
    int (*flush)(BlockNode *n);
    /* Looks at [offset, offset + bytes), not empty: what is said of a first
     * part of that many bytes (the result, at least 1, at most `bytes`)? */
    uint64_t (*extent)(BlockNode *n, uint64_t offset, uint64_t bytes,
                       BlockExtent *what);
    /* The same, of this layer alone. NULL: extent() says it, and this layer
     * decides everything. */
    uint64_t (*place)(BlockNode *n, uint64_t offset, uint64_t bytes,
                      BlockPlace *place);
    /* The node that is read where this one has nothing, or NULL. May be NULL:
     * never. */
    BlockNode *(*backing)(BlockNode *n);
    /* Whole clusters, or up to the disk's end. May be NULL. */
    int (*write_compressed)(BlockNode *n, uint64_t offset, const void *buf,
                            size_t bytes);
    /* Makes all of a range, to the disk's end, unallocated. May be NULL. */
    int (*make_empty)(BlockNode *n);
    /* Flushes what it must and frees everything of the node but itself. */
    void (*close)(BlockNode *n);

    /* Only of formats that keep snapshots; NULL otherwise. */
    GPtrArray *(*snapshot_list)(BlockNode *n);
    bool (*snapshot_create)(BlockNode *n, const BlockSnapshot *info,
                            BlockVmState *state, Error **errp);
    bool (*snapshot_goto)(BlockNode *n, const char *name, Error **errp);
    bool (*snapshot_delete)(BlockNode *n, const char *name, Error **errp);
    bool (*snapshot_rename)(BlockNode *n, const char *from, const char *to,
                            Error **errp);
    GBytes *(*snapshot_vm_state)(BlockNode *n, const char *name,
                                 Error **errp);
    bool (*snapshot_read)(BlockNode *n, const VmStateRead *what,
                          Error **errp);
    uint64_t (*snapshot_room)(BlockNode *n, const GPtrArray *names);
    /* A read-only node that reads as the snapshot; it keeps n open. */
    BlockNode *(*snapshot_view)(BlockNode *n, const char *name,
                                Error **errp);

    /* Of an image that is open for reading, while it is: opened once more, for
     * the moment, to add a snapshot. Nothing that n or a view of it reads
     * changes but the table of snapshots. */
    bool (*snapshot_add)(BlockNode *n, const SnapshotAdd *add, Error **errp);
    /* Looks whether that may succeed, and changes nothing. */
    bool (*snapshot_may_add)(BlockNode *n, const char *name, Error **errp);
    /* Takes it away again, before anybody has seen it. */
    void (*snapshot_withdraw)(BlockNode *n, const char *name);

    /* For tools; NULL when the format has nothing to say. */
    void (*info)(BlockNode *n, ImageInfo *info);
    bool (*check)(BlockNode *n, bool repair, ImageCheck *result,
                  Error **errp);
    bool (*resize)(BlockNode *n, uint64_t size_bytes, bool shrink,
                   Error **errp);
    /* Makes room for what is there from a byte on; negative errno. */
    int (*preallocate)(BlockNode *n, uint64_t from, ImagePreallocation how);
    bool (*backing_rename)(BlockNode *n, const char *file, const char *format,
                           Error **errp);
    bool (*amend)(BlockNode *n, const ImageAmend *change, Error **errp);
    /* A disk's VM state that is not (yet) a snapshot's: negative errno. */
    int (*vm_state_read)(BlockNode *n, uint64_t offset, void *buf,
                         size_t bytes);
    int (*vm_state_write)(BlockNode *n, uint64_t offset, const void *buf,
                          size_t bytes);
    bool (*bitmap)(BlockNode *n, const ImageBitmapChange *change,
                   Error **errp);
} BlockDriver;

/* The first member of every driver's own struct. */
struct BlockNode {
    const BlockDriver *driver;
    char *file;            /* for messages */
    uint64_t size_bytes;
    bool readonly;
    int refs;
};

/* How format drivers open an image. */
typedef struct NodeOpen {
    const char *file;      /* a name: see name.h */
    bool options;          /* it is KEY=VALUE,… */
    const char *format;    /* NULL: probe */
    bool readonly;
    bool share;            /* take no locks: look at an image in use */
    bool inspect;          /* dirty, corrupt: still opened; no backing file */
    bool newborn;          /* a new qcow2 image, not yet marked as one */
    bool no_backing;       /* what it has none of reads as zeroes */
    BlockNode *backing;    /* in place of its own; the node takes a reference */
    const char *backing_name, *data_file; /* as in name.h */
    uint64_t offset, size_bytes; /* of a raw disk in its file */
    int depth;             /* of backing files above this one */
    const struct NodeOpen *above; /* the image whose backing file this is */
} NodeOpen;

/* Opens an image of any format. Owned by the caller (one reference). */
BlockNode *node_open(const NodeOpen *how, Error **errp);
/* What is said of a range, by the layer that decides it. */
uint64_t node_place(BlockNode *n, uint64_t offset, uint64_t bytes,
                    BlockPlace *place);
/* "raw", "qcow2", …, from the first bytes of a file. */
#define PROBE_BYTES 68
const char *node_probe_bytes(const uint8_t *start);

/* Fills in the common part of a driver's freshly made struct. */
void node_init(BlockNode *n, const BlockDriver *driver, const char *file);
BlockNode *node_ref(BlockNode *n);
/* Closes at the last reference; NULL is allowed. */
void node_unref(BlockNode *n);

/* Reads a node of any size as if it went on with zeroes for ever. */
int node_read_padded(BlockNode *n, uint64_t offset, void *buf, size_t bytes);
/* What can be said of [offset, offset + bytes) of a node so extended. */
uint64_t node_extent_padded(BlockNode *n, uint64_t offset, uint64_t bytes,
                            BlockExtent *what);

/* Room from a byte to the disk's end; 0 or a negative errno. */
int image_preallocate(BlockNode *n, uint64_t from, ImagePreallocation how);

/* The drivers. Each takes over `file`, on failure too. */
BlockNode *raw_open(BlockFile *file, const NodeOpen *how, Error **errp);
BlockNode *qcow2_open(BlockFile *file, const NodeOpen *how, Error **errp);

/* --- overlay.c: writes in memory over a node that is never written ---- */

typedef struct OverlayMark OverlayMark;

/* Takes its own reference to base. */
BlockNode *overlay_new(BlockNode *base);
/* One where that much, for base's size, was written; takes over the tree. */
BlockNode *overlay_new_with(BlockNode *base, ClusterTree tree);
/* Drops all that was written and reads as base, of any size. */
void overlay_rebase(BlockNode *overlay, BlockNode *base);
/* What was written, and over what; the overlay's own. */
const ClusterTree *overlay_written(const BlockNode *overlay, BlockNode **base);
OverlayMark *overlay_mark(BlockNode *overlay);
void overlay_return_to(BlockNode *overlay, const OverlayMark *mark);
void overlay_mark_free(OverlayMark *mark);

/* --- undo.c: what writes to an image overwrote ------------------------- */

typedef struct Undo Undo;
typedef struct UndoMark UndoMark;

/* Takes its own reference to image; id is the drive's, for messages. */
Undo *undo_new(BlockNode *image, const char *id);
/* Marks that are left lead nowhere then, and can be freed. NULL is allowed. */
void undo_free(Undo *u);
/* The image as it is now. */
UndoMark *undo_mark(Undo *u);
void undo_mark_free(UndoMark *mark);
bool undo_has_marks(const Undo *u);
/* To be called before the image is changed; `zeroes`: to zeroes. What cannot
 * be read now is reported, and lost. */
void undo_capture(Undo *u, uint64_t offset, uint64_t bytes, bool zeroes);
/* An overlay that reads as the image did at the mark. */
BlockNode *undo_view(const Undo *u, const UndoMark *mark);
uint64_t undo_bytes(const Undo *u);

#endif
