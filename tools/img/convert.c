/*
 * reprise-img convert: disks, one behind the other, into a new image or one
 * that is there.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

typedef struct Convert {
    const ImgArgs *args;
    Image **from;          /* one a source; NULL: not open */
    int sources;
    Image *to;
    const char *target, *format;
    uint64_t bytes;        /* of all sources */
    uint64_t sparse_bytes;
    ImageCreate create;
} Convert;

/* --- sources ------------------------------------------------------------ */

/* A snapshot's name out of "NAME" or "snapshot.id=…,snapshot.name=…". */
static char *snapshot_name(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    const char *id = NULL, *name = NULL;
    for (char **p = parts; *p; p++) {
        id = g_str_has_prefix(*p, "snapshot.id=") ? strchr(*p, '=') + 1 : id;
        name = g_str_has_prefix(*p, "snapshot.name=") ? strchr(*p, '=') + 1
                                                      : name;
    }
    return g_strdup(name ? name : id ? id : text);
}

static Image *source_open(const ImgArgs *a, const char *name)
{
    ImageOpen how = img_open_how(a, name, true);
    Image *image = img_open(&how);
    if (!image || !a->snapshot) {
        return image;
    }
    Error *err = NULL;
    g_autofree char *wanted = snapshot_name(a->snapshot);
    Image *view = image_snapshot(image, wanted, &err);
    if (!view) {
        error_prepend(&err, "Failed to load snapshot: ");
        img_fail(err, 0);
    }
    image_close(image);
    return view;
}

static bool sources_open(Convert *c)
{
    for (int i = 0; i < c->sources; i++) {
        c->from[i] = source_open(c->args, c->args->names[i]);
        if (!c->from[i]) {
            return false;
        }
        c->bytes += image_size_bytes(c->from[i]);
    }
    if (c->args->bitmaps && c->sources > 1) {
        error_report("Copying bitmaps only possible with single source");
        return false;
    }
    return true;
}

/* --- the target --------------------------------------------------------- */

static bool target_create(Convert *c, Error **errp)
{
    ImageCreate *n = &c->create;
    if (n->backing_file && !n->backing_format) {
        error_set(errp, "backing format must be specified (-F)");
        return false;
    }
    return image_create(n, errp);
}

static bool target_options(Convert *c, Error **errp)
{
    const ImgArgs *a = c->args;
    ImageCreate *n = &c->create;
    *n = (ImageCreate) { .file = c->target, .format = c->format };
    if (!img_options_parse(a, n, errp)) {
        return false;
    }
    n->backing_file = a->backing ? a->backing : n->backing_file;
    n->backing_format = a->backing_format ? a->backing_format
                                          : n->backing_format;
    n->size_bytes = n->size_bytes > c->bytes ? n->size_bytes : c->bytes;
    return true;
}

static bool target_open(Convert *c)
{
    const ImgArgs *a = c->args;
    ImageOpen how = {
        .name = c->target, .options = a->target_image_opts,
        .format = a->target_image_opts ? NULL : c->format,
    };
    c->to = img_open(&how);
    if (c->to && image_size_bytes(c->to) < c->bytes) {
        error_report("output file is smaller than input file");
        return false;
    }
    if (c->to && a->compress && !image_can_compress(c->to)) {
        error_report("Compression not supported for this file format");
        return false;
    }
    return c->to;
}

static bool target_make(Convert *c)
{
    Error *err = NULL;
    if (!target_options(c, &err) ||
        (!c->args->no_create && !target_create(c, &err))) {
        error_prepend(&err, "%s: error while converting %s: ", c->target,
                      c->format);
        img_fail(err, 0);
        return false;
    }
    return target_open(c);
}

/* --- copying ------------------------------------------------------------ */

/* From which image of the chain on the target's backing file has everything:
 * from it, if it is one of them; otherwise from the one below the top. */
static unsigned depth_below(const Convert *c, Image *top)
{
    unsigned depth = 1;
    if (!c->create.backing_file) {
        return 0;
    }
    g_autofree char *path = image_path_beside(c->target,
                                              c->create.backing_file);
    g_autofree char *real = realpath(path, NULL);
    for (Image *i = image_backing(top); i; i = image_backing(i), depth++) {
        g_autofree char *other = realpath(image_file(i), NULL);
        if (real && other && strcmp(real, other) == 0) {
            return depth;
        }
    }
    return 1;
}

static int copy_all(Convert *c)
{
    const ImgArgs *a = c->args;
    ImgProgress *progress = img_progress_new(a, c->bytes);
    uint64_t done = 0;
    int status = EXIT_SUCCESS;
    for (int i = 0; i < c->sources && status == EXIT_SUCCESS; i++) {
        ImgCopy copy = {
            .from = c->from[i], .to = c->to, .to_offset = done,
            .bytes = image_size_bytes(c->from[i]),
            .below = depth_below(c, c->from[i]),
            .zeroes = (a->no_create && !a->target_zero) ||
                      c->create.backing_file,
            .compress = a->compress, .salvage = a->salvage,
            .sparse_bytes = c->sparse_bytes,
            .progress = progress, .progress_at = done,
        };
        status = img_copy(&copy, a->names[i], c->target);
        done += copy.bytes;
    }
    img_progress_end(progress, status == EXIT_SUCCESS);
    return status;
}

/* --- bitmaps ------------------------------------------------------------ */

static bool bitmap_copy(const Convert *c, const ImageBitmap *b, Error **errp)
{
    ImageBitmapChange add = {
        .action = BITMAP_ADD, .name = b->name, .disabled = true,
        .granularity_bytes = b->granularity_bytes,
    };
    ImageBitmapChange merge = {
        .action = BITMAP_MERGE, .name = b->name, .source = c->from[0],
        .source_name = b->name,
    };
    ImageBitmapChange enable = { .action = BITMAP_ENABLE, .name = b->name };
    return image_bitmap(c->to, &add, errp) &&
           image_bitmap(c->to, &merge, errp) &&
           (!b->automatic || image_bitmap(c->to, &enable, errp));
}

static bool bitmaps_check(const Convert *c, const GPtrArray *bitmaps)
{
    for (guint i = 0; bitmaps && i < bitmaps->len; i++) {
        const ImageBitmap *b = g_ptr_array_index(bitmaps, i);
        if (b->in_use && !c->args->broken_bitmaps) {
            error_report("Cannot copy inconsistent bitmap '%s'", b->name);
            fprintf(stderr, "Try --skip-broken-bitmaps, or use "
                    "'reprise-img bitmap --remove'\n");
            return false;
        }
    }
    return true;
}

static int bitmaps_copy(const Convert *c, const GPtrArray *bitmaps)
{
    Error *err = NULL;
    for (guint i = 0; bitmaps && i < bitmaps->len; i++) {
        const ImageBitmap *b = g_ptr_array_index(bitmaps, i);
        if (b->in_use) {
            error_warn("Skipping inconsistent bitmap '%s'", b->name);
        } else if (!bitmap_copy(c, b, &err)) {
            error_prepend(&err, "Failed to populate bitmap %s: ", b->name);
            return img_fail(err, EXIT_FAILURE);
        }
    }
    return EXIT_SUCCESS;
}

/* --- the whole ---------------------------------------------------------- */

static int convert(Convert *c)
{
    if (!sources_open(c)) {
        return EXIT_FAILURE;
    }
    g_autoptr(GPtrArray) bitmaps = NULL;
    if (c->args->bitmaps) {
        ImageInfo *info = image_describe(c->from[0]);
        bitmaps = g_steal_pointer(&info->bitmaps);
        image_info_free(info);
    }
    if (!bitmaps_check(c, bitmaps) || !target_make(c)) {
        return EXIT_FAILURE;
    }
    int status = copy_all(c);
    return status == EXIT_SUCCESS ? bitmaps_copy(c, bitmaps) : status;
}

static bool args_valid(const ImgArgs *a, uint64_t *sparse)
{
    const char *wrong =
        a->count < 2 ? "Must specify image file name" :
        a->target_zero && !a->no_create ?
            "--target-is-zero requires use of -n flag" :
        a->target_image_opts && !a->no_create ?
            "--target-image-opts requires use of -n flag" :
        a->copy_range && a->sparse ? "Cannot enable copy offloading when -S "
                                     "is used" :
        a->copy_range && a->compress ? "Cannot enable copy offloading when -c "
                                       "is used" :
        a->broken_bitmaps && !a->bitmaps ?
            "Use of --skip-broken-bitmaps requires --bitmaps" :
        a->bitmaps && a->snapshot ? "Bitmaps of a snapshot do not exist" :
        NULL;
    uint64_t n = 8;
    if (wrong) {
        error_report("%s", wrong);
        return false;
    }
    if (!img_number("sparse size", a->sparse, INT64_MAX, sparse) ||
        !img_number("number of coroutines", a->coroutines, 16, &n)) {
        return false;
    }
    if (n < 1 || *sparse % 512) {
        error_report(n < 1 ? "Invalid number of coroutines. Allowed number of "
                             "coroutines is between 1 and 16"
                           : "Invalid buffer size for sparse output specified."
                             " Valid sizes are multiples of 512 up to 1 GiB. "
                             "Select 0 to disable sparse detection.");
        return false;
    }
    return true;
}

int img_convert(const ImgArgs *a)
{
    Convert c = { .args = a, .sparse_bytes = 4096 };
    c.format = a->other_format ? a->other_format : "raw";
    if (img_options_help(a, c.format)) {
        return EXIT_SUCCESS;
    }
    if (!args_valid(a, &c.sparse_bytes)) {
        return EXIT_FAILURE;
    }
    c.sources = a->count - 1;
    c.target = a->names[c.sources];
    c.from = g_new0(Image *, c.sources);
    int status = convert(&c);
    status = img_close(c.to, status);
    for (int i = 0; i < c.sources; i++) {
        image_close(c.from[i]);
    }
    g_free(c.from);
    return status;
}
