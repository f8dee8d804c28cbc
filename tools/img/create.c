/*
 * reprise-img create.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

static char *backing_path(const ImageCreate *c)
{
    return g_str_has_prefix(c->backing_file, "json:") ?
           g_strdup(c->backing_file) :
           image_path_beside(c->file, c->backing_file);
}

/* The backing file must open; without a size the image takes its own. */
static bool look_at_backing(ImageCreate *c, bool sized, Error **errp)
{
    g_autofree char *path = backing_path(c);
    ImageOpen how = {
        .name = path, .format = c->backing_format, .readonly = true,
    };
    Image *b = image_open(&how, errp);
    if (!b) {
        error_prepend(errp, "%s: ", c->file);
        return false;
    }
    if (!sized) {
        c->size_bytes = image_size_bytes(b);
    }
    image_close(b);
    return true;
}

static void print_text(const char *key, const char *value)
{
    if (value) {
        printf(" %s=%s", key, value);
    }
}

static void print_created(const ImageCreate *c)
{
    static const char *const modes[] = { NULL, "metadata", "falloc", "full" };
    printf("Formatting '%s', fmt=%s", c->file, c->format);
    if (strcmp(c->format, "qcow2") != 0) {
        printf(" size=%" G_GUINT64_FORMAT, c->size_bytes);
        print_text("preallocation", modes[c->preallocation]);
        printf("\n");
        return;
    }
    printf(" cluster_size=%u extended_l2=%s", c->cluster_bytes ?
           c->cluster_bytes : 65536, c->extended_l2 ? "on" : "off");
    print_text("preallocation", modes[c->preallocation]);
    printf(" compression_type=%s size=%" G_GUINT64_FORMAT,
           c->zstd ? "zstd" : "zlib", c->size_bytes);
    print_text("compat", c->version == 2 ? "0.10" : c->version ? "1.1" : NULL);
    print_text("backing_file", c->backing_file);
    print_text("backing_fmt", c->backing_format);
    print_text("data_file", c->data_file);
    if (c->data_file_raw) {
        printf(" data_file_raw=on");
    }
    printf(" lazy_refcounts=%s refcount_bits=%u\n",
           c->lazy_refcounts ? "on" : "off",
           c->refcount_bits ? c->refcount_bits : 16);
}

static bool bad_size(void)
{
    error_report("Invalid image size specified. You may use k, M, G, T, P or "
                 "E suffixes for ");
    error_report("kilobytes, megabytes, gigabytes, terabytes, petabytes and "
                 "exabytes.");
    return false;
}

/* Fills in c; false after a report. */
static bool create_args(const ImgArgs *a, ImageCreate *c, bool *sized)
{
    Error *err = NULL;
    if (a->count < 1 || a->count > 2) {
        error_report(a->count < 1 ? "Expecting image file name"
                                  : "Unexpected argument: %s", a->names[2]);
        return false;
    }
    c->size_bytes = UINT64_MAX;
    c->file = a->names[0];
    if (!img_options_parse(a, c, &err)) {
        error_prepend(&err, "%s: ", a->names[0]);
        img_fail(err, 0);
        return false;
    }
    if (a->count == 2 && !img_size_parse(a->names[1], &c->size_bytes)) {
        return bad_size();
    }
    *sized = c->size_bytes != UINT64_MAX;
    c->backing_file = a->backing ? a->backing : c->backing_file;
    c->backing_format = a->backing_format ? a->backing_format
                                          : c->backing_format;
    return true;
}

static bool create_valid(const ImageCreate *c, bool sized, bool unsafe,
                         Error **errp)
{
    if (strcmp(c->format, "raw") != 0 && strcmp(c->format, "qcow2") != 0) {
        bool luks = strcmp(c->format, "luks") == 0;
        error_set(errp, "%s: %s '%s'", c->file, luks ?
                  "Encrypted images are not supported: format" :
                  "Unknown file format", c->format);
    } else if (c->backing_file && !c->backing_format) {
        error_set(errp, "%s: Backing file specified without backing format",
                  c->file);
    } else if (c->backing_format && !c->backing_file) {
        error_set(errp, "%s: Backing format specified without backing file",
                  c->file);
    } else if (!sized && (!c->backing_file || unsafe)) {
        error_set(errp, "%s: Image creation needs a size parameter", c->file);
    } else {
        return true;
    }
    return false;
}

int img_create(const ImgArgs *a)
{
    ImageCreate c = { .format = a->format ? a->format : "raw" };
    Error *err = NULL;
    bool sized = false;
    if (img_options_help(a, c.format)) {
        return EXIT_SUCCESS;
    }
    if (!create_args(a, &c, &sized)) {
        return EXIT_FAILURE;
    }
    if (!create_valid(&c, sized, a->unsafe, &err) ||
        (c.backing_file && !a->unsafe && !look_at_backing(&c, sized, &err))) {
        return img_fail(err, EXIT_FAILURE);
    }
    if (!a->quiet) {
        print_created(&c);
    }
    if (!image_create(&c, &err)) {
        error_prepend(&err, "%s: ", c.file);
        return img_fail(err, EXIT_FAILURE);
    }
    return EXIT_SUCCESS;
}
