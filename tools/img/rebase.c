/*
 * reprise-img rebase: another backing file, under which the disk reads as it
 * did before, or (-u) only its name.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

#define CHUNK_BYTES (2 * MIB)

typedef struct Rebase {
    const ImgArgs *args;
    Image *image;          /* over its old backing file */
    Image *below;          /* the new one, NULL: none */
    uint64_t unit;         /* what is compared and written together */
    uint8_t *is, *was;
    int err;
} Rebase;

/* Copies what differs, unit by unit; the disk's own bytes are not touched. */
static bool copy_chunk(Rebase *r, uint64_t at, uint64_t bytes)
{
    r->err = image_read(r->image, at, r->was, bytes);
    if (r->err == 0 && r->below) {
        r->err = image_read_padded(r->below, at, r->is, bytes);
    } else {
        memset(r->is, 0, bytes);
    }
    for (uint64_t i = 0; i < bytes && r->err == 0; i += r->unit) {
        uint64_t n = MIN(r->unit, bytes - i);
        if (memcmp(r->was + i, r->is + i, n) != 0) {
            r->err = img_is_zero(r->was + i, n) ?
                     image_write_zeroes(r->image, at + i, n) :
                     image_write(r->image, at + i, r->was + i, n);
        }
    }
    return r->err == 0;
}

/* Does the new backing file read as zeroes in all of a range? */
static bool below_is_zero(Rebase *r, uint64_t at, uint64_t bytes)
{
    uint64_t size = r->below ? image_size_bytes(r->below) : 0;
    for (uint64_t run; bytes > 0 && at < size; at += run, bytes -= run) {
        BlockPlace p;
        run = image_place(r->below, at, MIN(bytes, size - at), &p);
        if (!p.zero) {
            return false;
        }
    }
    return true;
}

static bool copy_part(Rebase *r, uint64_t at, uint64_t end, uint64_t *run)
{
    BlockPlace p;
    *run = image_place(r->image, at, end - at, &p);
    if ((p.allocated && p.depth == 0) ||
        (p.zero && below_is_zero(r, at, *run))) {
        return true;
    }
    /* To the next unit's beginning, where parts of chains need not begin. */
    *run = MIN(*run, CHUNK_BYTES - at % r->unit);
    return copy_chunk(r, at, *run);
}

static int copy_all(Rebase *r)
{
    uint64_t size = image_size_bytes(r->image), run;
    ImgProgress *progress = img_progress_new(r->args, size);
    r->is = g_malloc(CHUNK_BYTES);
    r->was = g_malloc(CHUNK_BYTES);
    bool ok = true;
    for (uint64_t at = 0; at < size && ok; at += run) {
        ok = copy_part(r, at, size, &run);
        img_progress_at(progress, at + run);
    }
    img_progress_end(progress, ok);
    g_free(r->is);
    g_free(r->was);
    if (!ok) {
        error_report("Could not rebase '%s': %s", image_file(r->image),
                     g_strerror(-r->err));
    }
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The new backing file; false after a report. */
static bool below_open(Rebase *r)
{
    const ImgArgs *a = r->args;
    if (!*a->backing) {
        return true;
    }
    g_autofree char *path = g_str_has_prefix(a->backing, "json:") ?
        g_strdup(a->backing) :
        image_path_beside(image_file(r->image), a->backing);
    ImageOpen how = { .name = path, .format = a->backing_format,
                      .readonly = true, .share = a->share };
    Error *err = NULL;
    r->below = image_open(&how, &err);
    if (!r->below) {
        error_prepend(&err, "Could not open new backing file '%s': ",
                      a->backing);
        img_fail(err, 0);
    }
    return r->below;
}

static int rename_backing(const Rebase *r)
{
    const ImgArgs *a = r->args;
    Error *err = NULL;
    const char *name = *a->backing ? a->backing : NULL;
    if (name && !a->backing_format) {
        error_report("Could not change the backing file to '%s': backing "
                     "format must be specified", name);
        return EXIT_FAILURE;
    }
    int failed = image_flush(r->image);
    if (failed < 0) {
        error_report("Could not write '%s': %s", image_file(r->image),
                     g_strerror(-failed));
        return EXIT_FAILURE;
    }
    if (!image_backing_rename(r->image, name, a->backing_format, &err)) {
        error_prepend(&err, "Could not change the backing file to '%s': ",
                      a->backing);
        return img_fail(err, EXIT_FAILURE);
    }
    return EXIT_SUCCESS;
}

static int rebase(Rebase *r)
{
    if (r->args->unsafe) {
        return rename_backing(r);
    }
    if (!below_open(r)) {
        return EXIT_FAILURE;
    }
    ImageInfo *info = image_describe(r->image);
    r->unit = info->cluster_bytes ? info->cluster_bytes : 65536;
    image_info_free(info);
    int status = copy_all(r);
    return status == EXIT_SUCCESS ? rename_backing(r) : status;
}

int img_rebase(const ImgArgs *a)
{
    if (!img_one_name(a)) {
        return EXIT_FAILURE;
    }
    if (!a->backing && !a->unsafe) {
        return img_usage_error("Must specify backing file (-b) or use unsafe "
                               "mode (-u)");
    }
    ImgArgs args = *a;
    args.backing = a->backing ? a->backing : "";
    Rebase r = { .args = &args };
    ImageOpen how = img_open_how(a, a->names[0], false);
    how.no_backing = a->unsafe;
    how.share = false;
    r.image = img_open(&how);
    int status = r.image ? rebase(&r) : EXIT_FAILURE;
    status = img_close(r.image, status);
    image_close(r.below);
    return status;
}
