/*
 * A disk copied to another, without what reads as zeroes anyway.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "img.h"

#define CHUNK_BYTES (2 * MIB)

typedef struct Copy {
    const ImgCopy *how;
    uint8_t *chunk;
    uint64_t cluster;      /* that compression wants whole */
    int err;               /* negative errno of the target, or of the source */
    bool reading;          /* err is the source's */
} Copy;

static bool put_zeroes(Copy *c, uint64_t at, uint64_t bytes)
{
    const ImgCopy *h = c->how;
    c->err = h->zeroes ? image_write_zeroes(h->to, h->to_offset + at, bytes)
                       : 0;
    return c->err == 0;
}

static bool put_data(Copy *c, uint64_t at, const uint8_t *data, size_t bytes)
{
    const ImgCopy *h = c->how;
    c->err = (h->compress ? image_write_compressed : image_write)(
        h->to, h->to_offset + at, data, bytes);
    return c->err == 0;
}

/* Writes a chunk without its long runs of zeroes. */
static bool put_chunk(Copy *c, uint64_t at, size_t bytes)
{
    uint64_t sparse = c->how->sparse_bytes;
    for (size_t begin = 0, end; begin < bytes; begin = end) {
        bool zero = false;
        end = begin;
        /* Zeroes that are too few go with the data before them. */
        while (end < bytes) {
            size_t len = img_run_length(c->chunk + end, bytes - end, &zero);
            bool skip = zero && sparse > 0 && len >= sparse;
            if (skip && end > begin) {
                zero = false;
                break;
            }
            end += len;
            if (skip) {
                break;
            }
            zero = false;
        }
        if (!(zero ? put_zeroes(c, at + begin, end - begin)
                   : put_data(c, at + begin, c->chunk + begin, end - begin))) {
            return false;
        }
    }
    return true;
}

/* Compressed clusters are whole: all of one is zero, or it is written. */
static bool put_clusters(Copy *c, uint64_t at, size_t bytes)
{
    for (size_t begin = 0; begin < bytes; begin += c->cluster) {
        size_t part = MIN(c->cluster, bytes - begin);
        bool zero = img_is_zero(c->chunk + begin, part);
        if (!(zero ? put_zeroes(c, at + begin, part)
                   : put_data(c, at + begin, c->chunk + begin, part))) {
            return false;
        }
    }
    return true;
}

/* Reads what can be read; the rest is zero. */
static int read_salvaging(Copy *c, uint64_t at, size_t bytes)
{
    const ImgCopy *h = c->how;
    int err = image_read_padded(h->from, at, c->chunk, bytes);
    for (size_t i = 0; err < 0 && h->salvage && i < bytes; i += 512) {
        size_t part = MIN(512, bytes - i);
        if (image_read_padded(h->from, at + i, c->chunk + i, part) < 0) {
            memset(c->chunk + i, 0, part);
        }
    }
    return h->salvage ? 0 : err;
}

static bool copy_data(Copy *c, uint64_t at, size_t bytes)
{
    c->err = read_salvaging(c, c->how->from_offset + at, bytes);
    c->reading = c->err < 0;
    return c->err == 0 && (c->how->compress ? put_clusters(c, at, bytes)
                                            : put_chunk(c, at, bytes));
}

/* What is done with a part of the disk. */
typedef enum Todo { TODO_SKIP, TODO_ZERO, TODO_COPY } Todo;

static Todo part_todo(const ImgCopy *h, const BlockPlace *p)
{
    if (h->below && (!p->allocated || p->depth >= h->below)) {
        return TODO_SKIP; /* the target's backing file has it */
    }
    return p->zero && (h->sparse_bytes > 0 || h->below) ?
           TODO_ZERO : TODO_COPY;
}

/* One part of the disk; its length in *run. */
static bool copy_part(Copy *c, uint64_t at, uint64_t *run)
{
    const ImgCopy *h = c->how;
    uint64_t rest = h->bytes - at;
    BlockPlace p;
    *run = image_place(h->from, h->from_offset + at, rest, &p);
    Todo todo = part_todo(h, &p);
    if (c->cluster && *run < rest) {
        /* Whole clusters, whatever parts they have. */
        uint64_t whole = *run & ~(c->cluster - 1);
        todo = whole ? todo : TODO_COPY;
        *run = whole ? whole : MIN(c->cluster, rest);
    }
    if (todo != TODO_COPY) {
        return todo == TODO_SKIP || put_zeroes(c, at, *run);
    }
    *run = MIN(*run, CHUNK_BYTES);
    return copy_data(c, at, *run);
}

static bool copy_all(Copy *c)
{
    uint64_t run;
    for (uint64_t at = 0; at < c->how->bytes; at += run) {
        if (!copy_part(c, at, &run)) {
            return false;
        }
        img_progress_at(c->how->progress, c->how->progress_at + at + run);
    }
    return true;
}

int img_copy(const ImgCopy *how, const char *from_name, const char *to_name)
{
    Copy c = { .how = how };
    if (how->compress) {
        ImageInfo *info = image_describe(how->to);
        c.cluster = info->cluster_bytes;
        image_info_free(info);
    }
    c.chunk = g_malloc(CHUNK_BYTES);
    bool ok = copy_all(&c);
    if (!ok) {
        error_report("error while %s '%s': %s",
                     c.reading ? "reading" : "writing",
                     c.reading ? from_name : to_name, g_strerror(-c.err));
    }
    g_free(c.chunk);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
