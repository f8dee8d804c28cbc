/*
 * Image files as such: made, described, checked and resized.
 *
 * Implemented by block/ (image.c and the format drivers); called by tools/ and
 * by nobody while a machine runs.
 */
#ifndef IO_IMAGE_H
#define IO_IMAGE_H

#include "io/blockdev.h"

/* An open image: one of a chain, or all of it. */
typedef struct BlockNode Image;

/* What can be said of a range without reading it. */
typedef enum BlockExtent {
    BLOCK_EXTENT_DATA,        /* has to be read */
    BLOCK_EXTENT_ZERO,        /* reads as zeroes */
    BLOCK_EXTENT_UNALLOCATED, /* zeroes, and nothing of it is stored here */
} BlockExtent;

/* Of [offset, offset + bytes), inside the disk and not empty: the length of a
 * first part that is all the same, at least 1; what it is in *what. */
uint64_t blockdev_extent(BlockDev *b, uint64_t offset, uint64_t bytes,
                         BlockExtent *what);

/* What is said of a range, and by which image of a chain. */
typedef struct BlockPlace {
    bool allocated;             /* an image of the chain says what is there */
    bool data;                  /* it has to be read */
    bool zero;                  /* it reads as zeroes */
    bool compressed;
    const char *file;           /* where the bytes lie as they are, or NULL */
    uint64_t offset;            /* there */
    unsigned depth;             /* of that image in the chain; 0 is the top */
} BlockPlace;

/* How room is made when an image is made or grows. */
typedef enum ImagePreallocation {
    PREALLOCATION_OFF,
    PREALLOCATION_METADATA,     /* tables only */
    PREALLOCATION_FALLOC,       /* the host's file system sets it aside */
    PREALLOCATION_FULL,         /* it is written */
} ImagePreallocation;

typedef struct ImageCreate {
    const char *file;
    const char *format;         /* "raw" or "qcow2" */
    uint64_t size_bytes;
    const char *backing_file;   /* NULL: none */
    const char *backing_format; /* needed with a backing file */
    uint32_t cluster_bytes;     /* 0: 64 KiB */
    unsigned refcount_bits;     /* 0: 16 */
    unsigned version;           /* 0 or 3; 2 is the old format */
    bool lazy_refcounts, extended_l2, zstd;
    ImagePreallocation preallocation;
    const char *data_file;      /* where the guest's bytes go; NULL: here */
    bool data_file_raw;         /* that stays a raw image */
} ImageCreate;

/* Makes an image; a file of that name is overwritten. */
bool image_create(const ImageCreate *c, Error **errp);

/* Strings are owned; freed by image_info_free(). */
typedef struct ImageInfo {
    char *file;
    char *format;
    uint64_t size_bytes;
    uint64_t allocated_bytes;   /* what the host's file system spends */
    uint64_t file_bytes;
    char *backing_file;         /* as written in the image, or NULL */
    char *backing_path;         /* relative to the working folder, or NULL */
    char *backing_format;       /* or NULL */
    uint32_t cluster_bytes;     /* 0: the format has none; as the following */
    unsigned version, refcount_bits;
    bool dirty, corrupt, lazy_refcounts, extended_l2, zstd, data_file_raw;
    char *data_file;            /* or NULL */
    char *subformat;            /* of formats that have some, or NULL */
    GPtrArray *snapshots;       /* of BlockSnapshot; may be empty */
    GPtrArray *bitmaps;         /* of ImageBitmap; NULL: the format has none */
} ImageInfo;

/* A bitmap of what was written, kept in an image. */
typedef struct ImageBitmap {
    char *name;
    uint32_t granularity_bytes;
    bool in_use, automatic;
    uint64_t dirty_bits;        /* that are set */
    uint64_t bits_bytes, table_bytes; /* that it may take in the file */
} ImageBitmap;
void image_bitmap_free(void *bitmap);

/* Describes an image; format NULL: probe. With share, one in use too. */
ImageInfo *image_info(const char *file, const char *format, bool share,
                      Error **errp);
/* The same of an open image. */
ImageInfo *image_describe(Image *image);
void image_info_free(ImageInfo *info);

typedef struct ImageCheck {
    uint64_t corruptions, leaks; /* as found */
    uint64_t corruptions_fixed, leaks_fixed;
    uint64_t total_clusters, allocated_clusters, compressed_clusters,
             fragmented_clusters;
    uint64_t end_bytes;          /* of what is in use */
    bool leaks_only;             /* with repair: leave corruptions alone */
    void (*report)(void *opaque, const char *line); /* may be NULL */
    void *opaque;
} ImageCheck;

/* Checks a qcow2 image's metadata; what is wrong is counted and reported. With
 * repair, reference counts are set right. False: could not be checked. */
bool image_check(const char *file, const char *format, bool repair,
                 ImageCheck *result, Error **errp);

/* Changes the virtual size. Cutting needs `shrink`. */
bool image_resize(const char *file, const char *format, uint64_t size_bytes,
                  bool shrink, Error **errp);

/* --- open images --------------------------------------------------------- */

typedef struct ImageOpen {
    const char *name;           /* a file, "json:{…}", or options */
    bool options;               /* name is KEY=VALUE,… */
    const char *format;         /* NULL: probe */
    bool readonly, share, inspect;
    bool no_backing;            /* of its own image only */
    Image *backing;             /* in place of its own; not taken over */
} ImageOpen;

/* NULL with an error. One that is written is flushed by image_close(). */
Image *image_open(const ImageOpen *how, Error **errp);
/* 0 or a negative errno of the last flush; NULL is allowed. */
int image_close(Image *image);

/* One that reads as a snapshot, by name or id; it keeps `image` open. NULL with
 * an error. */
Image *image_snapshot(Image *image, const char *name, Error **errp);

/* Without VM state; name and date of `info` are read. */
bool image_snapshot_create(Image *image, const BlockSnapshot *info,
                           Error **errp);
bool image_snapshot_goto(Image *image, const char *name, Error **errp);
bool image_snapshot_delete(Image *image, const char *name, Error **errp);
/* image_check() of an image that was opened with `inspect`. */
bool image_check_open(Image *image, bool repair, ImageCheck *result,
                      Error **errp);

const char *image_file(const Image *image);
const char *image_format(const Image *image);
uint64_t image_size_bytes(const Image *image);
bool image_readonly(const Image *image);
/* The image below, which stays the image's; NULL: none. */
Image *image_backing(Image *image);

/* Transfers inside the disk; 0 or a negative errno. */
int image_read(Image *image, uint64_t offset, void *buf, size_t bytes);
int image_write(Image *image, uint64_t offset, const void *buf, size_t bytes);
int image_write_zeroes(Image *image, uint64_t offset, uint64_t bytes);
int image_write_compressed(Image *image, uint64_t offset, const void *buf,
                           size_t bytes);
int image_flush(Image *image);
/* As if the disk went on with zeroes for ever. */
int image_read_padded(Image *image, uint64_t offset, void *buf, size_t bytes);
/* Forgets all that is written in this image, which has no snapshots or keeps
 * theirs: it reads as its backing file. */
int image_make_empty(Image *image);
bool image_can_compress(const Image *image);

/* Of [offset, offset + bytes), not empty: the length of a first part that is
 * all the same, and who says what is there. */
uint64_t image_place(Image *image, uint64_t offset, uint64_t bytes,
                     BlockPlace *place);

/* Writes another backing file's name into the image; NULL: none. What is open
 * stays as it is. */
bool image_backing_rename(Image *image, const char *file, const char *format,
                          Error **errp);
/* Changes the size of an open image. */
bool image_truncate(Image *image, uint64_t size_bytes, bool shrink,
                    ImagePreallocation preallocation, Error **errp);

/* The VM state of the disk as it is; -ENOTSUP if the format has none. */
int image_vm_state_read(Image *image, uint64_t offset, void *buf,
                        size_t bytes);
int image_vm_state_write(Image *image, uint64_t offset, const void *buf,
                         size_t bytes);

/* What becomes of an image's format; fields that are not set stay. */
typedef struct ImageAmend {
    unsigned version;           /* 0: stays */
    unsigned refcount_bits;     /* 0: stays */
    int lazy_refcounts, data_file_raw; /* -1: stays */
    const char *data_file;      /* NULL: stays */
} ImageAmend;
bool image_amend(Image *image, const ImageAmend *change, Error **errp);

typedef enum ImageBitmapAction {
    BITMAP_ADD, BITMAP_REMOVE, BITMAP_CLEAR, BITMAP_ENABLE, BITMAP_DISABLE,
    BITMAP_MERGE,
} ImageBitmapAction;

typedef struct ImageBitmapChange {
    ImageBitmapAction action;
    const char *name;
    uint32_t granularity_bytes; /* BITMAP_ADD; 0: 64 KiB */
    bool disabled;              /* BITMAP_ADD */
    Image *source;              /* BITMAP_MERGE: has source_name */
    const char *source_name;
} ImageBitmapChange;
bool image_bitmap(Image *image, const ImageBitmapChange *change,
                  Error **errp);

/* The file's name as other files of the same folder have to say it: relative
 * to that of `image`, unless absolute. Free it. */
char *image_path_beside(const char *image, const char *name);

#endif
