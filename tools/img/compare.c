/*
 * reprise-img compare: do two disks read the same?
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

#define CHUNK_BYTES (2 * MIB)

enum {
    COMPARE_SAME = 0,
    COMPARE_DIFFERENT = 1,
    COMPARE_NO_OPEN = 2,
    COMPARE_NO_READ = 3,
};

typedef struct Compare {
    Image *disk[2];
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
static uint64_t extent(Image *b, uint64_t at, uint64_t bytes, bool *zero)
{
    BlockPlace p = { .zero = true };
    uint64_t size = image_size_bytes(b);
    uint64_t run = at >= size ? bytes :
                   image_place(b, at, MIN(bytes, size - at), &p);
    *zero = p.zero;
    return run;
}

static bool load(const Compare *c, int i, uint64_t at, uint64_t bytes)
{
    int err = image_read_padded(c->disk[i], at, c->chunk[i], bytes);
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

/* Compares a part; *at goes on behind it. */
static int compare_part(const Compare *c, uint64_t *at, uint64_t end)
{
    bool zero[2];
    uint64_t run = extent(c->disk[0], *at, end - *at, &zero[0]);
    run = extent(c->disk[1], *at, run, &zero[1]);
    if (c->args->strict && zero[0] != zero[1]) {
        say(c, "Strict mode: Offset %" G_GUINT64_FORMAT
            " block status mismatch!\n", *at);
        return COMPARE_DIFFERENT;
    }
    bool same = zero[0] && zero[1];
    run = same ? run : MIN(run, CHUNK_BYTES);
    int status = same ? COMPARE_SAME : compare_chunk(c, *at, run);
    *at += run;
    return status;
}

static int compare_all(const Compare *c)
{
    uint64_t size[2] = { image_size_bytes(c->disk[0]),
                         image_size_bytes(c->disk[1]) };
    uint64_t end = MAX(size[0], size[1]);
    int status = COMPARE_SAME;
    if (size[0] != size[1]) {
        say(c, c->args->strict ? "Strict mode: Image size mismatch!\n"
                               : "Warning: Image size mismatch!\n", 0);
        if (c->args->strict) {
            return COMPARE_DIFFERENT;
        }
    }
    ImgProgress *progress = img_progress_new(c->args, end);
    for (uint64_t at = 0; at < end && status == COMPARE_SAME;) {
        status = compare_part(c, &at, end);
        img_progress_at(progress, at);
    }
    img_progress_end(progress, status == COMPARE_SAME);
    if (status == COMPARE_SAME) {
        say(c, "Images are identical.\n", 0);
    }
    return status;
}

int img_compare(const ImgArgs *a)
{
    Compare c = { .args = a };
    int status = COMPARE_NO_OPEN;
    if (a->count != 2) {
        error_report("Expecting two image file names");
        return EXIT_FAILURE + 1;
    }
    for (int i = 0; i < 2; i++) {
        ImageOpen how = img_open_how(a, a->names[i], true);
        how.format = i ? a->other_format : how.format;
        c.disk[i] = i == 0 || c.disk[0] ? img_open(&how) : NULL;
        c.chunk[i] = g_malloc(CHUNK_BYTES);
    }
    if (c.disk[1]) {
        status = compare_all(&c);
    }
    for (int i = 0; i < 2; i++) {
        g_free(c.chunk[i]);
        image_close(c.disk[i]);
    }
    return status;
}
