/*
 * reprise-img dd: copies blocks of a disk into a new image.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

typedef struct Dd {
    const char *from, *to;
    uint64_t block, count, skip;
    bool counted;
} Dd;

static bool number(const char *key, const char *text, uint64_t *value)
{
    if (img_size_parse(text, value)) {
        return true;
    }
    error_report("Invalid %s specified. You may use k, M, G, T, P or E "
                 "suffixes for", key);
    error_report("kilobytes, megabytes, gigabytes, terabytes, petabytes and "
                 "exabytes.");
    return false;
}

static bool operand(Dd *d, const char *text)
{
    const char *eq = strchr(text, '=');
    g_autofree char *key = eq ? g_strndup(text, eq - text) : NULL;
    if (!eq) {
        error_report("unrecognized operand %s", text);
        return false;
    }
    if (strcmp(key, "if") == 0 || strcmp(key, "of") == 0) {
        *(key[0] == 'i' ? &d->from : &d->to) = eq + 1;
        return true;
    }
    if (strcmp(key, "count") == 0) {
        d->counted = true;
        return number(key, eq + 1, &d->count);
    }
    if (strcmp(key, "skip") == 0) {
        return number(key, eq + 1, &d->skip);
    }
    if (strcmp(key, "bs") == 0) {
        bool ok = number(key, eq + 1, &d->block);
        if (ok && (d->block == 0 || d->block > INT32_MAX)) {
            error_report("bs is 1 to %d bytes", INT32_MAX);
            return false;
        }
        return ok;
    }
    error_report("unrecognized operand %s", text);
    return false;
}

/* Bytes of n blocks, at most INT64_MAX. */
static uint64_t blocks_bytes(const Dd *d, uint64_t n)
{
    return n > INT64_MAX / d->block ? INT64_MAX : n * d->block;
}

static int copy(const ImgArgs *a, const Dd *d, Image *from, Image *to,
                uint64_t bytes)
{
    ImgCopy how = {
        .from = from, .to = to, .from_offset = blocks_bytes(d, d->skip),
        .bytes = bytes, .sparse_bytes = 4096,
    };
    how.progress = img_progress_new(a, bytes);
    int status = img_copy(&how, d->from, d->to);
    img_progress_end(how.progress, status == EXIT_SUCCESS);
    return status;
}

static int run(const ImgArgs *a, const Dd *d, Image *from)
{
    Error *err = NULL;
    uint64_t size = image_size_bytes(from);
    uint64_t bytes = d->counted ? MIN(size, blocks_bytes(d, d->count)) : size;
    uint64_t skip = blocks_bytes(d, d->skip);
    if (skip > size) {
        error_report("%s: cannot skip to specified offset", d->from);
    }
    bytes = skip > size ? 0 : MIN(bytes, size - skip);
    ImageCreate c = {
        .file = d->to, .format = a->other_format ? a->other_format : "raw",
        .size_bytes = bytes,
    };
    if (!image_create(&c, &err)) {
        error_prepend(&err, "%s: error while creating output image of type "
                      "%s: ", d->to, c.format);
        return img_fail(err, EXIT_FAILURE);
    }
    ImageOpen how = { .name = d->to, .format = c.format };
    Image *to = img_open(&how);
    if (!to) {
        return EXIT_FAILURE;
    }
    return img_close(to, copy(a, d, from, to, bytes));
}

int img_dd(const ImgArgs *a)
{
    Dd d = { .block = 512 };
    for (int i = 0; i < a->count; i++) {
        if (!operand(&d, a->names[i])) {
            return EXIT_FAILURE;
        }
    }
    if (!d.from || !d.to) {
        error_report("Must specify both input and output files");
        return EXIT_FAILURE;
    }
    ImageOpen how = img_open_how(a, d.from, true);
    Image *from = img_open(&how);
    int status = from ? run(a, &d, from) : EXIT_FAILURE;
    image_close(from);
    return status;
}
