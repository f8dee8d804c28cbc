/*
 * Image files as such: made, described, checked and resized.
 *
 * Implemented by block/ (image.c and the format drivers); called by tools/ and
 * by nobody while a machine runs.
 */
#ifndef IO_IMAGE_H
#define IO_IMAGE_H

#include "io/blockdev.h"

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

typedef struct ImageCreate {
    const char *file;
    const char *format;         /* "raw" or "qcow2" */
    uint64_t size_bytes;
    const char *backing_file;   /* NULL: none */
    const char *backing_format; /* needed with a backing file */
    uint32_t cluster_bytes;     /* 0: 64 KiB */
    unsigned refcount_bits;     /* 0: 16 */
    unsigned version;           /* 0 or 3; 2 is the old format */
} ImageCreate;

/* Makes an image; a file of that name is overwritten. */
bool image_create(const ImageCreate *c, Error **errp);

/* Strings are owned; freed by image_info_free(). */
typedef struct ImageInfo {
    char *format;
    uint64_t size_bytes;
    uint64_t allocated_bytes;   /* what the host's file system spends */
    uint64_t file_bytes;
    char *backing_file;         /* as written in the image, or NULL */
    char *backing_path;         /* relative to the working folder, or NULL */
    char *backing_format;       /* or NULL */
    uint32_t cluster_bytes;     /* 0: the format has none; as the following */
    unsigned version, refcount_bits;
    bool dirty, corrupt, lazy_refcounts;
    GPtrArray *snapshots;       /* of BlockSnapshot; may be empty */
} ImageInfo;

/* Describes an image; format NULL: probe. With share, one in use too. */
ImageInfo *image_info(const char *file, const char *format, bool share,
                      Error **errp);
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

#endif
