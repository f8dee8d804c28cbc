/*
 * reprise-img amend: the options of an image's format changed.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

/* Options that can be changed, for -o help. */
static const char *const amendable[] = {
    "backing_file", "backing_fmt", "compat", "data_file", "data_file_raw",
    "lazy_refcounts", "refcount_bits", "size",
};

static void print_amendable(void)
{
    printf("Amend options for 'qcow2':\n");
    for (size_t i = 0; i < G_N_ELEMENTS(amendable); i++) {
        printf("  %s\n", amendable[i]);
    }
    printf("reprise-img create -f qcow2 -o help explains them.\n");
}

static bool says(const ImgArgs *a, const char *key)
{
    for (guint i = 0; i < a->options->len; i++) {
        g_auto(GStrv) parts = g_strsplit(a->options->pdata[i], ",", -1);
        for (char **p = parts; *p; p++) {
            size_t len = strcspn(*p, "=");
            if (strlen(key) == len && strncmp(*p, key, len) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* What is there for new images only. */
static bool refuse_fixed(const ImgArgs *a)
{
    static const char *const fixed[] = { "cluster_size", "compression_type",
                                         "extended_l2", "extent_size_hint",
                                         "nocow", "preallocation" };
    for (size_t i = 0; i < G_N_ELEMENTS(fixed); i++) {
        if (says(a, fixed[i])) {
            error_report("Invalid parameter '%s'", fixed[i]);
            fprintf(stderr, "This option is only supported for image "
                    "creation\n");
            return false;
        }
    }
    return true;
}

static bool change_size(Image *image, uint64_t bytes, Error **errp)
{
    return bytes == UINT64_MAX || bytes == image_size_bytes(image) ||
           image_truncate(image, bytes, true, PREALLOCATION_OFF, errp);
}

static bool change_backing(Image *image, const ImageCreate *c, Error **errp)
{
    if (!c->backing_file && !c->backing_format) {
        return true;
    }
    ImageInfo *info = image_describe(image);
    const char *file = c->backing_file ? c->backing_file : info->backing_file;
    const char *format = c->backing_format ? c->backing_format
                                           : info->backing_format;
    bool ok = image_backing_rename(image, file && *file ? file : NULL, format,
                                   errp);
    image_info_free(info);
    return ok;
}

static bool amend(const ImgArgs *a, Image *image, const ImageCreate *c,
                  Error **errp)
{
    ImageAmend change = {
        .version = c->version, .refcount_bits = c->refcount_bits,
        .lazy_refcounts = says(a, "lazy_refcounts") ? c->lazy_refcounts : -1,
        .data_file_raw = says(a, "data_file_raw") ? c->data_file_raw : -1,
        .data_file = c->data_file,
    };
    return image_amend(image, &change, errp) &&
           change_size(image, c->size_bytes, errp) &&
           change_backing(image, c, errp);
}

static int run(const ImgArgs *a, Image *image)
{
    Error *err = NULL;
    ImageCreate c = { .file = image_file(image),
                      .format = image_format(image),
                      .size_bytes = UINT64_MAX };
    ImgProgress *progress = img_progress_new(a, 1);
    bool ok = img_options_parse(a, &c, &err) && amend(a, image, &c, &err);
    img_progress_end(progress, ok);
    return ok ? EXIT_SUCCESS : img_fail(err, EXIT_FAILURE);
}

int img_amend(const ImgArgs *a)
{
    if (a->options->len == 0) {
        return img_usage_error("Must specify options (-o)");
    }
    if (says(a, "help")) {
        print_amendable();
        return EXIT_SUCCESS;
    }
    if (!img_one_name(a) || !refuse_fixed(a)) {
        return EXIT_FAILURE;
    }
    ImageOpen how = img_open_how(a, a->names[0], false);
    Image *image = img_open(&how);
    return img_close(image, image ? run(a, image) : EXIT_FAILURE);
}
