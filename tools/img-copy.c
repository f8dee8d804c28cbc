/*
 * reprise-img convert and compare: two disks side by side.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

#define CHUNK_BYTES (2 * MIB)
/* Runs of zeroes shorter than this are copied as data. */
#define ZERO_BYTES 4096

static bool all_zero(const uint8_t *p, size_t bytes)
{
    return bytes == 0 || (p[0] == 0 && memcmp(p, p + 1, bytes - 1) == 0);
}

/* --- convert ---------------------------------------------------------- */

typedef struct Copy {
    BlockDev *from, *to;
    uint8_t *chunk;
    bool zeroes_needed;    /* what is not written does not read as zeroes */
    int err;               /* negative errno of the target, or of the source */
    bool reading;          /* err is the source's */
} Copy;

static bool copy_zeroes(Copy *c, uint64_t at, uint64_t bytes)
{
    c->err = c->zeroes_needed ? blockdev_write_zeroes(c->to, at, bytes) : 0;
    return c->err == 0;
}

/* Writes a chunk without its runs of zeroes. */
static bool copy_chunk(Copy *c, uint64_t at, size_t bytes)
{
    for (size_t begin = 0; begin < bytes;) {
        size_t len = MIN(ZERO_BYTES, bytes - begin);
        bool zero = all_zero(c->chunk + begin, len);
        while (begin + len < bytes) {
            size_t next = MIN(ZERO_BYTES, bytes - begin - len);
            if (all_zero(c->chunk + begin + len, next) != zero) {
                break;
            }
            len += next;
        }
        if (zero) {
            copy_zeroes(c, at + begin, len);
        } else {
            c->err = blockdev_write(c->to, at + begin, c->chunk + begin, len);
        }
        if (c->err < 0) {
            return false;
        }
        begin += len;
    }
    return true;
}

static bool copy_data(Copy *c, uint64_t at, uint64_t bytes)
{
    c->err = blockdev_read(c->from, at, c->chunk, bytes);
    c->reading = c->err < 0;
    return c->err == 0 && copy_chunk(c, at, bytes);
}

static bool copy_all(Copy *c)
{
    uint64_t size = blockdev_size_bytes(c->from);
    for (uint64_t at = 0; at < size;) {
        BlockExtent what;
        uint64_t run = blockdev_extent(c->from, at, size - at, &what);
        bool data = what == BLOCK_EXTENT_DATA;
        run = data ? MIN(run, CHUNK_BYTES) : run;
        if (!(data ? copy_data(c, at, run) : copy_zeroes(c, at, run))) {
            return false;
        }
        at += run;
    }
    c->err = blockdev_flush(c->to);
    return c->err == 0;
}

static int copy_to(const ImgArgs *a, BlockDev *from, BlockDev *to)
{
    Copy c = {
        .from = from, .to = to, .chunk = g_malloc(CHUNK_BYTES),
        .zeroes_needed = a->no_create || a->backing,
    };
    bool ok = blockdev_size_bytes(to) >= blockdev_size_bytes(from);
    if (!ok) {
        error_report("%s: the target is smaller than the source",
                     a->names[1]);
    } else if (!copy_all(&c)) {
        error_report("error while %s '%s': %s",
                     c.reading ? "reading" : "writing",
                     a->names[c.reading ? 0 : 1], g_strerror(-c.err));
        ok = false;
    }
    g_free(c.chunk);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Creates the target; 0, or the exit status after a report. */
static int make_target(const ImgArgs *a, const char *format, BlockDev *from)
{
    Error *err = NULL;
    ImageCreate c = {
        .file = a->names[1], .format = format, .backing_file = a->backing,
        .size_bytes = blockdev_size_bytes(from),
    };
    if (!img_options_parse(a, &c, &err)) {
        return img_fail(err, EXIT_FAILURE);
    }
    c.size_bytes = blockdev_size_bytes(from);
    if (c.backing_file && !c.backing_format) {
        error_report("A backing file needs -o backing_fmt=FORMAT");
        return EXIT_FAILURE;
    }
    return image_create(&c, &err) ? 0 : img_fail(err, EXIT_FAILURE);
}

int img_convert(const ImgArgs *a)
{
    const char *format = a->other_format ? a->other_format : "raw";
    if (a->count != 2) {
        error_report("Must specify image file name and output file name");
        return EXIT_FAILURE;
    }
    if (a->compress) {
        error_report("Compressed images can be read, but not written");
        return EXIT_FAILURE;
    }
    BlockDev *from = img_open(a->names[0], a->format, true);
    if (!from) {
        return EXIT_FAILURE;
    }
    int status = a->no_create ? 0 : make_target(a, format, from);
    BlockDev *to = status ? NULL : img_open(a->names[1], format, false);
    if (to) {
        status = copy_to(a, from, to);
    }
    status = to ? status : EXIT_FAILURE;
    blockdev_close(to);
    blockdev_close(from);
    return status;
}

/* --- compare ---------------------------------------------------------- */

enum {
    COMPARE_SAME = 0,
    COMPARE_DIFFERENT = 1,
    COMPARE_NO_OPEN = 2,
    COMPARE_NO_READ = 3,
};

typedef struct Compare {
    BlockDev *disk[2];
    uint8_t *chunk[2];
    const ImgArgs *args;
} Compare;

static void say(const Compare *c, const char *fmt, uint64_t offset)
{
    if (!c->args->quiet) {
        printf(fmt, offset);
    }
}

/* What is said of the next bytes of a disk, which goes on with zeroes. */
static uint64_t extent(BlockDev *b, uint64_t at, uint64_t bytes, bool *zero)
{
    BlockExtent what;
    uint64_t size = blockdev_size_bytes(b);
    if (at >= size) {
        *zero = true;
        return bytes;
    }
    uint64_t run = blockdev_extent(b, at, MIN(bytes, size - at), &what);
    *zero = what != BLOCK_EXTENT_DATA;
    return run;
}

static bool load(const Compare *c, int i, uint64_t at, uint64_t bytes)
{
    uint64_t size = blockdev_size_bytes(c->disk[i]);
    uint64_t here = at < size ? MIN(bytes, size - at) : 0;
    memset(c->chunk[i] + here, 0, bytes - here);
    int err = here ? blockdev_read(c->disk[i], at, c->chunk[i], here) : 0;
    if (err < 0) {
        error_report("Error while reading offset %" G_GUINT64_FORMAT
                     " of %s: %s", at, c->args->names[i], g_strerror(-err));
    }
    return err == 0;
}

static int compare_chunk(const Compare *c, uint64_t at, uint64_t bytes)
{
    if (!load(c, 0, at, bytes) || !load(c, 1, at, bytes)) {
        return COMPARE_NO_READ;
    }
    for (uint64_t i = 0; i < bytes; i += 512) {
        uint64_t n = MIN(512, bytes - i);
        if (memcmp(c->chunk[0] + i, c->chunk[1] + i, n) != 0) {
            say(c, "Content mismatch at offset %" G_GUINT64_FORMAT "!\n",
                at + i);
            return COMPARE_DIFFERENT;
        }
    }
    return COMPARE_SAME;
}

static int compare_all(const Compare *c)
{
    uint64_t size[2] = { blockdev_size_bytes(c->disk[0]),
                         blockdev_size_bytes(c->disk[1]) };
    uint64_t end = MAX(size[0], size[1]);
    if (size[0] != size[1] && c->args->strict) {
        say(c, "Strict mode: Image size mismatch!\n", 0);
        return COMPARE_DIFFERENT;
    }
    if (size[0] != size[1]) {
        say(c, "Warning: Image size mismatch!\n", 0);
    }
    for (uint64_t at = 0; at < end;) {
        bool zero[2];
        uint64_t run = extent(c->disk[0], at, end - at, &zero[0]);
        run = extent(c->disk[1], at, run, &zero[1]);
        if (zero[0] && zero[1]) {
            at += run;
            continue;
        }
        run = MIN(run, CHUNK_BYTES);
        int status = compare_chunk(c, at, run);
        if (status != COMPARE_SAME) {
            return status;
        }
        at += run;
    }
    say(c, "Images are identical.\n", 0);
    return COMPARE_SAME;
}

int img_compare(const ImgArgs *a)
{
    Compare c = { .args = a };
    int status = COMPARE_NO_OPEN;
    if (a->count != 2) {
        error_report("Expecting two image file names");
        return EXIT_FAILURE + 1;
    }
    c.disk[0] = img_open(a->names[0], a->format, true);
    c.disk[1] = c.disk[0] ? img_open(a->names[1], a->other_format, true)
                          : NULL;
    if (c.disk[1]) {
        c.chunk[0] = g_malloc(CHUNK_BYTES);
        c.chunk[1] = g_malloc(CHUNK_BYTES);
        status = compare_all(&c);
    }
    g_free(c.chunk[0]);
    g_free(c.chunk[1]);
    blockdev_close(c.disk[0]);
    blockdev_close(c.disk[1]);
    return status;
}
