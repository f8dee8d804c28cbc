/*
 * A qcow2 image, private to qcow2*.c. The names of fields and flags are those
 * of the format's public specification (docs/interop/qcow2 in QEMU's manual).
 *
 * How a crash is survived. Three things live in memory only until
 * qcow2_sync_tables(): changed L2 tables, the changed L1 table, and clusters
 * that lose a reference. Data and reference counts are written at once. Tables
 * reach the file only after a sync of what they point to, and counts go down
 * only after a sync of the tables that pointed there. So at any moment a count
 * in the file is at least the number of references: a crash can leak clusters
 * and loses what the guest did not flush, and nothing else.
 *
 * Taking, deleting and going to a snapshot change counts, tables and "copied"
 * flags that must agree, all over the image. Such a change (qcow2-change.c) is
 * prepared in free clusters; one write of the header makes all of it true.
 */
#ifndef QCOW2_H
#define QCOW2_H

#include "base/bytes.h"
#include "driver.h"

enum {
    QCOW2_MAGIC = 0x514649fb,
    QCOW2_HEADER_V2_BYTES = 72,
    QCOW2_HEADER_V3_BYTES = 104,
    QCOW2_CLUSTER_BITS_MIN = 9,
    QCOW2_CLUSTER_BITS_MAX = 21,
    QCOW2_NAME_BYTES_MAX = 1023,
    QCOW2_SNAPSHOTS_MAX = 65536,
    QCOW2_SNAPSHOT_EXTRA_MAX = 1024,
};

/* Limits against absurd allocations; the same as other implementations'. */
#define QCOW2_L1_BYTES_MAX (32 * MIB)
#define QCOW2_REFTABLE_BYTES_MAX (8 * MIB)
#define QCOW2_SNAPSHOT_TABLE_BYTES_MAX (64 * MIB)

/* Fields of the header that are written in place. */
enum {
    HEADER_SIZE = 24,              /* u64, then u32 encryption */
    HEADER_L1_SIZE = 36,           /* u32, then u64 offset */
    HEADER_REFTABLE_OFFSET = 48,   /* u64, then u32 clusters */
    HEADER_SNAPSHOT_COUNT = 60,    /* u32, then u64 offset */
    HEADER_INCOMPATIBLE = 72,
    HEADER_COMPATIBLE = 80,
    HEADER_AUTOCLEAR = 88,
    HEADER_REFCOUNT_ORDER = 96,
    HEADER_LENGTH = 100,
    HEADER_COMPRESSION = 104,      /* u8 */
};

/* Header extensions. */
#define EXTENSION_END UINT32_C(0)
#define EXTENSION_BACKING_FORMAT UINT32_C(0xe2792aca)
#define EXTENSION_FEATURE_NAMES UINT32_C(0x6803f857)
#define EXTENSION_BITMAPS UINT32_C(0x23852875)
#define EXTENSION_DATA_FILE UINT32_C(0x44415441)

/* ORDER compression (qcow2-deflate.c): zlib, zstd. */
enum { QCOW2_COMPRESSIONS = 2, EXTENDED_CLUSTER_BITS_MIN = 14 };

#define INCOMPATIBLE_DIRTY (UINT64_C(1) << 0)
#define INCOMPATIBLE_CORRUPT (UINT64_C(1) << 1)
#define INCOMPATIBLE_EXTERNAL_DATA (UINT64_C(1) << 2)
#define INCOMPATIBLE_COMPRESSION (UINT64_C(1) << 3)
#define INCOMPATIBLE_EXTENDED_L2 (UINT64_C(1) << 4)
#define COMPATIBLE_LAZY_REFCOUNTS (UINT64_C(1) << 0)
#define AUTOCLEAR_BITMAPS (UINT64_C(1) << 0)
#define AUTOCLEAR_RAW_DATA (UINT64_C(1) << 1)

/* L1 and L2 entries. */
#define ENTRY_COPIED (UINT64_C(1) << 63)
#define ENTRY_COMPRESSED (UINT64_C(1) << 62)
#define ENTRY_ZERO UINT64_C(1)
#define ENTRY_OFFSET UINT64_C(0x00fffffffffffe00)
#define L1_RESERVED (~(ENTRY_COPIED | ENTRY_OFFSET))
#define REFTABLE_RESERVED UINT64_C(0x1ff)

/* A disk, or a snapshot of it: which table maps it. */
typedef struct Qcow2Map {
    uint64_t *l1;          /* in the host's byte order */
    uint32_t entries;
    uint64_t offset;       /* of the table in the file */
    uint64_t size_bytes;   /* of the disk */
} Qcow2Map;

/* A row of the snapshot table. */
typedef struct Qcow2Snapshot {
    BlockSnapshot info;
    uint64_t l1_offset;
    uint32_t l1_entries;
    uint64_t disk_bytes;
    GByteArray *extra;     /* the row's extra data as it is in the file */
} Qcow2Snapshot;

/* Cluster-sized tables by their offset in the file. */
typedef struct Qcow2Table {
    uint64_t offset;
    bool dirty;
    GList link;
    uint8_t *data;         /* in the file's byte order */
} Qcow2Table;

typedef struct Qcow2Cache {
    GHashTable *tables;    /* by offset */
    GQueue used;           /* least recently used first */
    unsigned limit;
} Qcow2Cache;

typedef struct Qcow2 {
    BlockNode node;
    BlockFile *file;
    BlockFile *data;       /* where the guest's bytes are: file, or another */
    BlockNode *backing;
    char *backing_file, *backing_path, *backing_format;

    unsigned version, cluster_bits, refcount_order;
    uint32_t header_bytes;
    uint64_t incompatible, compatible, autoclear;
    uint8_t compression;   /* ORDER compression (qcow2-deflate.c) */
    char *data_file;       /* its name in the image, or NULL */
    GPtrArray *extensions; /* of Qcow2Extension: kept, not understood */
    struct Qcow2Bitmaps *bitmaps; /* or NULL */

    Qcow2Map map;          /* the active one */
    bool l1_dirty;
    Qcow2Cache l2;

    uint64_t *reftable;
    uint64_t reftable_offset;
    uint32_t reftable_clusters;
    Qcow2Cache refblocks;  /* dirty: could not be written at once */
    struct Qcow2Change *change; /* that is being prepared, or NULL */
    uint64_t free_hint;    /* no cluster before this one is free */
    GArray *unreferenced;  /* of ClusterRun: lose one reference each */

    GPtrArray *snapshots;  /* of Qcow2Snapshot */
    uint64_t snapshots_offset, snapshots_bytes;

    uint64_t inflated;     /* L2 entry of what is in inflated_data, or 0 */
    uint8_t *inflated_data;
    uint64_t deflated_end; /* where compressed data may go on, or 0 */
    bool reported;
    bool newborn;          /* without the magic number still */
} Qcow2;

typedef struct ClusterRun {
    uint64_t first, count;
} ClusterRun;

/* A header extension that nobody here knows. */
typedef struct Qcow2Extension {
    uint32_t type;
    GBytes *data;
} Qcow2Extension;

#define QCOW2(n) container_of(n, Qcow2, node)

static inline uint64_t qcow2_cluster(const Qcow2 *q)
{
    return UINT64_C(1) << q->cluster_bits;
}

/* What a device sees of a size in the file: whole sectors. */
static inline uint64_t qcow2_disk_bytes(uint64_t size_bytes)
{
    return size_bytes & ~UINT64_C(511);
}

/* Clusters that hold so many bytes. */
static inline uint64_t qcow2_clusters(const Qcow2 *q, uint64_t bytes)
{
    return (bytes >> q->cluster_bits) +
           ((bytes & (qcow2_cluster(q) - 1)) != 0);
}

/* Extended L2 entries: each cluster is 32 subclusters, and the entry has a
 * bitmap of which of them are allocated (low half) and which read as zeroes. */
enum { SUBCLUSTER_BITS = 5, SUBCLUSTERS = 1 << SUBCLUSTER_BITS };

static inline bool qcow2_extended(const Qcow2 *q)
{
    return q->incompatible & INCOMPATIBLE_EXTENDED_L2;
}

static inline unsigned qcow2_entry_bytes(const Qcow2 *q)
{
    return qcow2_extended(q) ? 16 : 8;
}

static inline uint64_t qcow2_l2_entries(const Qcow2 *q)
{
    return qcow2_cluster(q) / qcow2_entry_bytes(q);
}

/* The smallest part of a disk that is allocated: a subcluster or a cluster. */
static inline unsigned qcow2_sub_bits(const Qcow2 *q)
{
    return q->cluster_bits - (qcow2_extended(q) ? SUBCLUSTER_BITS : 0);
}

/* Are the guest's bytes in a file of their own? */
static inline bool qcow2_external(const Qcow2 *q)
{
    return q->incompatible & INCOMPATIBLE_EXTERNAL_DATA;
}

/* Disk bytes below one L1 entry. */
static inline uint64_t qcow2_l2_span(const Qcow2 *q)
{
    return qcow2_l2_entries(q) << q->cluster_bits;
}

/* L1 entries that a disk needs. */
static inline uint64_t qcow2_l1_needed(const Qcow2 *q, uint64_t size_bytes)
{
    return size_bytes / qcow2_l2_span(q) +
           (size_bytes % qcow2_l2_span(q) != 0);
}

/* --- qcow2.c ----------------------------------------------------------- */

/* Sets an error that names the image and an offset in it. */
bool qcow2_error(const Qcow2 *q, Error **errp, uint64_t offset,
                 const char *what);
/* The image contradicts itself at a file offset: says so once, marks it
 * corrupt and lets nobody write any more. -EIO. */
int qcow2_corrupt(Qcow2 *q, uint64_t offset, const char *what);
/* Loads a table of big-endian u64. NULL with an error. */
uint64_t *qcow2_load_u64(Qcow2 *q, uint64_t offset, uint64_t entries,
                         const char *what, Error **errp);
/* Writes such a table. */
int qcow2_store_u64(Qcow2 *q, uint64_t offset, const uint64_t *table,
                    uint64_t entries);
/* Writes bytes that lead to other clusters, and waits until they are on the
 * medium. After an error what was there before is there again; if that fails
 * too, nothing more is written to the image. */
int qcow2_pointer_write(Qcow2 *q, uint64_t offset, const void *bytes,
                        size_t len);
/* That of the header, after a sync of what it leads to. */
int qcow2_header_switch(Qcow2 *q, unsigned at, const void *bytes, size_t len);
/* Points the header at map's L1 table, and takes over its size. */
int qcow2_header_set_map(Qcow2 *q, const Qcow2Map *map);
int qcow2_set_incompatible(Qcow2 *q, uint64_t bits);
/* True if bytes of the file are known to be metadata: no data go there. */
bool qcow2_overlaps(const Qcow2 *q, uint64_t offset, uint64_t bytes);

/* --- qcow2-files.c ------------------------------------------------------ */

/* Open what the image needs beside itself and `how` does not give; true if
 * that is nothing. */
bool qcow2_backing_open(Qcow2 *q, const NodeOpen *how, Error **errp);
bool qcow2_data_open(Qcow2 *q, const NodeOpen *how, Error **errp);
/* Looks whether the backing files can be opened; true if there are none. */
bool qcow2_backing_check(Qcow2 *q, Error **errp);

/* --- qcow2-header.c --------------------------------------------------- */

/* Reads the header; *snapshots: how many rows the snapshot table has. */
bool qcow2_header_load(Qcow2 *q, uint32_t *snapshots, Error **errp);

/* --- qcow2-header-write.c ---------------------------------------------- */

/* The first cluster of the image as its fields say; without the magic number
 * while it is newborn. NULL with an error if it does not fit into a cluster. */
GByteArray *qcow2_header_build(const Qcow2 *q, Error **errp);
/* Writes that. After an error the old one is there again. */
bool qcow2_header_rewrite(Qcow2 *q, Error **errp);
/* Changes the backing file's name and format in the image (NULL: none). What
 * is open below stays open. */
bool qcow2_backing_rename(BlockNode *n, const char *file, const char *format,
                          Error **errp);

/* --- qcow2-bitmap.c ----------------------------------------------------- */

/* Takes apart the header extension. */
bool qcow2_bitmaps_parse(Qcow2 *q, const uint8_t *data, uint32_t len,
                         Error **errp);
void qcow2_bitmaps_free(struct Qcow2Bitmaps *b);
/* For tools: GPtrArray of ImageBitmap. */
GPtrArray *qcow2_bitmaps_list(Qcow2 *q);
bool qcow2_bitmap_change(BlockNode *n, const ImageBitmapChange *change,
                         Error **errp);
/* Of an image with bitmaps: a range is going to be written. */
int qcow2_bitmaps_note(Qcow2 *q, uint64_t offset, uint64_t bytes);
/* Stores what was noted; bitmaps are as good as the image then. */
bool qcow2_bitmaps_settle(Qcow2 *q, Error **errp);
/* The disk is going to have another size. */
int qcow2_bitmaps_resize(Qcow2 *q, uint64_t size_bytes);
/* All that bitmaps have in the file; -EIO with an error if that is bad. */
typedef void Qcow2BitmapUse(void *opaque, uint64_t offset, uint64_t bytes);
int qcow2_bitmaps_walk(Qcow2 *q, Qcow2BitmapUse *use, void *opaque,
                       Error **errp);
/* The extension as it is to be; NULL: none. */
GBytes *qcow2_bitmaps_extension(const Qcow2 *q);

/* --- qcow2-cache.c ----------------------------------------------------- */

void qcow2_cache_init(Qcow2 *q, Qcow2Cache *c);
void qcow2_cache_free(Qcow2Cache *c);
/* The table at an offset, valid until the next call for this cache. */
int qcow2_cache_get(Qcow2 *q, Qcow2Cache *c, uint64_t offset,
                    Qcow2Table **table);
/* A new one of zeroes, dirty. */
int qcow2_cache_new(Qcow2 *q, Qcow2Cache *c, uint64_t offset,
                    Qcow2Table **table);
/* Forgets it, dirty or not: its cluster was freed. */
void qcow2_cache_drop(Qcow2Cache *c, uint64_t offset);
bool qcow2_cache_has(const Qcow2Cache *c, uint64_t offset);
/* See the top of this file; a sync is the caller's if it wants one. */
int qcow2_sync_tables(Qcow2 *q);

/* --- qcow2-refcount.c -------------------------------------------------- */

bool qcow2_reftable_load(Qcow2 *q, Error **errp);
int qcow2_refcount_get(Qcow2 *q, uint64_t cluster, uint64_t *count);
/* As the file has it: before the change that is being prepared. */
int qcow2_refcount_before(Qcow2 *q, uint64_t cluster, uint64_t *count);
/* Sets one count to a value; for repair. The block must exist. */
int qcow2_refcount_set(Qcow2 *q, uint64_t cluster, uint64_t count);
/* Adds 1 or -1 to the counts of a run of clusters. */
int qcow2_refcount_add(Qcow2 *q, uint64_t first, uint64_t count, int delta);
uint64_t qcow2_refcount_max(const Qcow2 *q);
/* Clusters in a row with a count of 1 each; *offset is the byte offset. */
int qcow2_alloc(Qcow2 *q, uint64_t clusters, uint64_t *offset);
/* Takes back what was allocated and is pointed to by nothing. */
void qcow2_free(Qcow2 *q, uint64_t offset, uint64_t clusters);
/* One reference less, after the tables have been written. */
void qcow2_free_later(Qcow2 *q, uint64_t first, uint64_t clusters);
uint64_t qcow2_refblock_entries(const Qcow2 *q);
/* One count in a block. */
void qcow2_refblock_poke(uint8_t *block, unsigned order, uint64_t i,
                         uint64_t count);

/* --- qcow2-change.c ---------------------------------------------------- */

/* Begins a change: from now on counts are changed in memory only, what is
 * allocated was free before, and nothing that the image leads to is written.
 * Either a commit or an abort ends it. */
int qcow2_change_begin(Qcow2 *q);
/* Makes the active map (its table is written anew; its "copied" flags are set
 * right) and the rows (NULL: as they are; taken over) those of the image.
 * After an error all is as it was before the change. */
int qcow2_change_commit(Qcow2 *q, GPtrArray *rows);
void qcow2_change_abort(Qcow2 *q);
/* The changed counts of a block, or NULL: it is as it is in the file. */
uint8_t *qcow2_change_counts(const Qcow2 *q, uint64_t index);
/* The same, made from what is there (NULL: all zero) if need be. */
uint8_t *qcow2_change_own(Qcow2 *q, uint64_t index, const uint8_t *counts);
/* Notes in a change that a cluster became free; false if there is none. */
bool qcow2_change_freed(Qcow2 *q, uint64_t cluster);

/* --- qcow2-cluster.c --------------------------------------------------- */

typedef enum Qcow2Kind {
    CLUSTER_UNALLOCATED,
    CLUSTER_ZERO,          /* no room in the file */
    CLUSTER_ZERO_ALLOCATED,
    CLUSTER_DATA,
    CLUSTER_COMPRESSED,
} Qcow2Kind;

/* What an L2 entry says. */
typedef struct Qcow2Entry {
    Qcow2Kind kind;        /* with subclusters: of the first one */
    bool copied;
    bool placed;           /* has a cluster, whatever its subclusters say */
    uint64_t host;         /* byte offset in the file */
    uint64_t bytes;        /* there: a cluster, or the compressed data */
    uint64_t raw;
    uint64_t subs;         /* extended: allocated, and << 32: zero */
} Qcow2Entry;

/* Takes the entry at `at` in a table apart; what is wrong, or NULL. */
const char *qcow2_entry_parse(const Qcow2 *q, const uint8_t *at,
                              Qcow2Entry *e);
/* Entry i of an L2 table, checked: 0 or a negative errno. */
int qcow2_entry_load(Qcow2 *q, const Qcow2Table *l2, uint64_t i,
                     Qcow2Entry *e);
/* Writes raw and subs into a table. */
void qcow2_entry_put(const Qcow2 *q, uint8_t *at, uint64_t raw, uint64_t subs);
/* What one subcluster is; the cluster where there are none. */
Qcow2Kind qcow2_entry_kind(const Qcow2 *q, const Qcow2Entry *e, unsigned sub);
/* The clusters of the image file that hold it; count 0 if none does. */
ClusterRun qcow2_entry_run(const Qcow2 *q, const Qcow2Entry *e);
/* The L2 table below an L1 entry, checked; *table NULL if there is none. */
int qcow2_l2_get(Qcow2 *q, const Qcow2Map *map, uint64_t index,
                 Qcow2Table **table);

int qcow2_map_read(Qcow2 *q, const Qcow2Map *map, uint64_t offset, void *buf,
                   size_t bytes);
uint64_t qcow2_map_extent(Qcow2 *q, const Qcow2Map *map, uint64_t offset,
                          uint64_t bytes, BlockExtent *what);
uint64_t qcow2_map_place(Qcow2 *q, const Qcow2Map *map, uint64_t offset,
                         uint64_t bytes, BlockPlace *place);

/* --- qcow2-deflate.c --------------------------------------------------- */

/* A cluster from its compressed bytes, into q->inflated_data. */
bool qcow2_inflate(const Qcow2 *q, const uint8_t *in, uint64_t in_bytes);
/* Compresses a cluster; the length, 0 if it would not become shorter. */
size_t qcow2_deflate(const Qcow2 *q, const uint8_t *in, uint8_t *out);
/* Writes compressed what must be a whole cluster, or the disk's last part. */
int qcow2_write_compressed(BlockNode *n, uint64_t offset, const void *buf,
                           size_t bytes);

/* --- qcow2-write.c ----------------------------------------------------- */

int qcow2_write(BlockNode *n, uint64_t offset, const void *buf, size_t bytes);
int qcow2_write_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes);
/* Forgets whole clusters in a range; they read as the backing file. */
int qcow2_discard(Qcow2 *q, uint64_t offset, uint64_t bytes);
/* Changes the L2 entry of a cluster of the disk. What it referred to is given
 * back unless it is `kept`. */
int qcow2_entry_set(Qcow2 *q, uint64_t offset, uint64_t raw, uint64_t subs,
                    bool kept);

/* --- qcow2-snapshot.c, qcow2-view.c, qcow2-snaptable.c ----------------- */

/* Sets an error about a snapshot; false. */
bool qcow2_snapshot_fail(const Qcow2 *q, Error **errp, int err,
                         const char *doing, const char *name);
/* By name, then by id; NULL with an error. */
Qcow2Snapshot *qcow2_snapshot_find(const Qcow2 *q, const char *name,
                                   Error **errp);
/* Reads the L1 table of a snapshot into *map, which owns it. */
bool qcow2_snapshot_map(Qcow2 *q, const Qcow2Snapshot *s, Qcow2Map *map,
                        Error **errp);

/* What a node reads, that is the image or a view of it. */
const Qcow2Map *qcow2_node_map(const BlockNode *n, const Qcow2 *image);
/* Reads the table again, after another opener has written it. */
bool qcow2_snapshots_reload(Qcow2 *q, Error **errp);
bool qcow2_snapshots_load(Qcow2 *q, uint32_t count, Error **errp);
void qcow2_snapshot_free(Qcow2Snapshot *s);
/* Writes rows to new clusters: where, and how many bytes. */
int qcow2_snapshots_store(Qcow2 *q, const GPtrArray *rows, uint64_t *offset,
                          uint64_t *bytes);
/* By name, then by id. -1: none. */
int qcow2_snapshot_index(const Qcow2 *q, const char *name);

/* Does a row lack what version 3 asks for? It is complete when it is written
 * the next time. */
bool qcow2_snapshot_incomplete(const Qcow2 *q, const Qcow2Snapshot *s);
void qcow2_snapshot_complete(Qcow2Snapshot *s);
/* The rows once more; they are complete when they are stored. */
GPtrArray *qcow2_snapshots_copy(const Qcow2 *q);
GPtrArray *qcow2_snapshot_list(BlockNode *n);
bool qcow2_snapshot_create(BlockNode *n, const BlockSnapshot *info,
                           BlockVmState *state, Error **errp);
/* As that, of another content than the active one: what `from` maps, with the
 * tree's clusters written over it. */
bool qcow2_snapshot_create_of(Qcow2 *q, const Qcow2Map *from,
                              const SnapshotAdd *add, Error **errp);
bool qcow2_snapshot_goto(BlockNode *n, const char *name, Error **errp);
bool qcow2_snapshot_delete(BlockNode *n, const char *name, Error **errp);
bool qcow2_snapshot_rename(BlockNode *n, const char *from, const char *to,
                           Error **errp);
GBytes *qcow2_snapshot_vm_state(BlockNode *n, const char *name, Error **errp);
BlockNode *qcow2_snapshot_view(BlockNode *n, const char *name, Error **errp);

/* --- qcow2-aside.c ------------------------------------------------------ */

/* Writes clusters over what a map says, all of it counted once for that map;
 * its table is in the file. The active disk stays as it is. */
int qcow2_map_write(Qcow2 *q, Qcow2Map *map, const ClusterTree *tree);
bool qcow2_snapshot_add(BlockNode *n, const SnapshotAdd *add, Error **errp);
bool qcow2_snapshot_may_add(BlockNode *n, const char *name, Error **errp);
void qcow2_snapshot_withdraw(BlockNode *n, const char *name);

/* --- qcow2-vmstate.c --------------------------------------------------- */

/* The VM state's part of a snapshot's map, which owns nothing; false with an
 * error if the table has no room for that many bytes. */
bool qcow2_vm_state_map(const Qcow2 *q, const Qcow2Snapshot *s,
                        const Qcow2Map *map, Qcow2Map *part, Error **errp);
/* Adds VM state to a map, whose entries behind the disk are there and empty.
 * base: the map of the snapshot to share with, or NULL. After an error, what
 * was counted is what the map refers to. */
int qcow2_vm_state_store(Qcow2 *q, Qcow2Map *map, BlockVmState *state,
                         const Qcow2Map *base);
bool qcow2_vm_state_read(BlockNode *n, const VmStateRead *what, Error **errp);
uint64_t qcow2_vm_state_room(BlockNode *n, const GPtrArray *names);

/* --- qcow2-walk.c ------------------------------------------------------ */

/* Adds delta to the count of all that a map refers to, except its L1 table. */
int qcow2_walk_add(Qcow2 *q, const Qcow2Map *map, int delta);
/* Sets the "copied" flags of the active map to what the counts say: in a
 * change in new L2 tables, otherwise (repair) in place. */
int qcow2_walk_copied(Qcow2 *q);
/* In a change: clears all of them. */
int qcow2_walk_uncopied(Qcow2 *q);

/* --- qcow2-amend.c ------------------------------------------------------ */

bool qcow2_amend(BlockNode *n, const ImageAmend *change, Error **errp);

/* --- qcow2-prealloc.c ---------------------------------------------------- */

int qcow2_preallocate(BlockNode *n, uint64_t from, ImagePreallocation how);

/* --- qcow2-vmactive.c --------------------------------------------------- */

/* The VM state that belongs to the active disk: behind it in the L1 table. */
int qcow2_active_vm_state_read(BlockNode *n, uint64_t offset, void *buf,
                               size_t bytes);
int qcow2_active_vm_state_write(BlockNode *n, uint64_t offset,
                                const void *buf, size_t bytes);
/* Gives it up, before the disk's end moves. */
int qcow2_active_vm_state_drop(Qcow2 *q);

/* --- qcow2-check.c, qcow2-resize.c, qcow2-create.c ------------------------ */

/* Makes the active L1 table large enough for so many bytes; the size of the
 * disk stays. */
int qcow2_l1_grow(Qcow2 *q, uint64_t size_bytes);
bool qcow2_check(BlockNode *n, bool repair, ImageCheck *result, Error **errp);
bool qcow2_resize(BlockNode *n, uint64_t size_bytes, bool shrink,
                  Error **errp);
bool qcow2_create(const ImageCreate *c, Error **errp);

#endif
