/*
 * A file of the host. Implemented by file.c, which holds the only system calls
 * of block/; used by the format drivers.
 */
#ifndef FILE_H
#define FILE_H

#include "base/error.h"
#include "base/types.h"

typedef struct BlockFile BlockFile;

typedef enum BlockFileFlags {
    BLOCK_FILE_WRITE = 1,   /* for writing too; at most one such opener */
    BLOCK_FILE_SHARE = 2,   /* take no locks, tolerate writers */
    BLOCK_FILE_CREATE = 4,  /* make it, or empty an old one; implies WRITE */
} BlockFileFlags;

/* Opens and locks. A writer excludes all others; readers share. */
BlockFile *block_file_open(const char *path, unsigned flags, Error **errp);
/* A writer of a file that is open for reading: for the moment, until it is
 * closed, the reader does not count as one that is excluded; all others do. */
BlockFile *block_file_open_beside(BlockFile *reader, Error **errp);
void block_file_close(BlockFile *f);

const char *block_file_path(const BlockFile *f);
/* The present length in bytes. */
uint64_t block_file_size(const BlockFile *f);
/* Looks at the length again, after another opener has written. */
bool block_file_measure(BlockFile *f, Error **errp);
/* Bytes the host's file system spends on it. */
uint64_t block_file_allocated(const BlockFile *f);
/* True when both are the same file of the host. */
bool block_file_same(const BlockFile *f, const char *path);

/* 0 or a negative errno. What is read past the end is zeroes. */
int block_file_read(BlockFile *f, uint64_t offset, void *buf, size_t bytes);
int block_file_write(BlockFile *f, uint64_t offset, const void *buf,
                     size_t bytes);
/* The range reads as zeroes, and takes no room if the host can do that. */
int block_file_zero(BlockFile *f, uint64_t offset, uint64_t bytes);
/* The same, with room. */
int block_file_fill(BlockFile *f, uint64_t offset, uint64_t bytes);
int block_file_truncate(BlockFile *f, uint64_t size_bytes);
/* Makes the host set room aside for a range, whose content stays. */
int block_file_allocate(BlockFile *f, uint64_t offset, uint64_t bytes);
/* Data written before is on the medium. */
int block_file_sync(BlockFile *f);

/* Of [offset, offset + bytes): the length of a first part that is all hole
 * (*hole) or perhaps data. At least 1. */
uint64_t block_file_extent(BlockFile *f, uint64_t offset, uint64_t bytes,
                           bool *hole);

#endif
