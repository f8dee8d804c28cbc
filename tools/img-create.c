/*
 * reprise-img create and resize, and the options of new images.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

/* --- options ---------------------------------------------------------- */

/* Options that have one possible value here, and how it may be spelt. */
static const struct {
    const char *key, *value;
} fixed_options[] = {
    { "lazy_refcounts", "off" },
    { "preallocation", "off" },
    { "extended_l2", "off" },
    { "encryption", "off" },
    { "compression_type", "zlib" },
};

static bool option_fixed(const char *key, const char *value, Error **errp)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fixed_options); i++) {
        if (strcmp(key, fixed_options[i].key) != 0) {
            continue;
        }
        if (strcmp(value, fixed_options[i].value) == 0) {
            return true;
        }
        error_set(errp, "Parameter '%s' can be '%s' only", key,
                  fixed_options[i].value);
        return false;
    }
    error_set(errp, "Invalid parameter '%s'", key);
    return false;
}

static bool option_compat(const char *value, ImageCreate *c, Error **errp)
{
    bool old = strcmp(value, "0.10") == 0 || strcmp(value, "v2") == 0;
    if (!old && strcmp(value, "1.1") != 0 && strcmp(value, "v3") != 0) {
        error_set(errp, "Invalid parameter '%s' for 'compat'", value);
        return false;
    }
    c->version = old ? 2 : 3;
    return true;
}

static bool option_number(const char *key, const char *value, ImageCreate *c,
                          Error **errp)
{
    uint64_t v;
    bool small = strcmp(key, "size") != 0;
    if (!img_size_parse(value, &v) || (small && v > UINT32_MAX)) {
        error_set(errp, "Parameter '%s' expects a size or number", key);
        return false;
    }
    if (strcmp(key, "cluster_size") == 0) {
        c->cluster_bytes = v;
    } else if (strcmp(key, "refcount_bits") == 0) {
        c->refcount_bits = v;
    } else {
        c->size_bytes = v;
    }
    return true;
}

/* key and value live as long as the program: what is set points to them. */
static bool option_set(const char *key, const char *value, ImageCreate *c,
                       Error **errp)
{
    bool qcow2 = strcmp(c->format, "qcow2") == 0;
    if (strcmp(key, "size") == 0 ||
        (qcow2 && (strcmp(key, "cluster_size") == 0 ||
                   strcmp(key, "refcount_bits") == 0))) {
        return option_number(key, value, c, errp);
    }
    if (qcow2 && strcmp(key, "compat") == 0) {
        return option_compat(value, c, errp);
    }
    if (qcow2 && strcmp(key, "backing_file") == 0) {
        c->backing_file = value;
        return true;
    }
    if (qcow2 && strcmp(key, "backing_fmt") == 0) {
        c->backing_format = value;
        return true;
    }
    if (!qcow2 && strcmp(key, "preallocation") != 0) {
        error_set(errp, "Invalid parameter '%s'", key);
        return false;
    }
    return option_fixed(key, value, errp);
}

bool img_options_parse(const ImgArgs *a, ImageCreate *c, Error **errp)
{
    for (guint i = 0; i < a->options->len; i++) {
        g_auto(GStrv) parts = g_strsplit(g_ptr_array_index(a->options, i),
                                         ",", -1);
        for (char **p = parts; *p; p++) {
            char *eq = strchr(*p, '=');
            const char *value = eq ? g_intern_string(eq + 1) : "on";
            if (eq) {
                *eq = '\0';
            }
            if (**p && !option_set(*p, value, c, errp)) {
                return false;
            }
        }
    }
    return true;
}

/* --- create ----------------------------------------------------------- */

static char *backing_path(const ImageCreate *c)
{
    if (g_path_is_absolute(c->backing_file)) {
        return g_strdup(c->backing_file);
    }
    g_autofree char *dir = g_path_get_dirname(c->file);
    return g_build_filename(dir, c->backing_file, NULL);
}

/* The backing file must open; without a size the image takes its own. */
static bool look_at_backing(ImageCreate *c, bool sized, Error **errp)
{
    g_autofree char *path = backing_path(c);
    BlockOpenOptions opts = {
        .file = path, .format = c->backing_format, .readonly = true,
    };
    BlockDev *b = blockdev_open(&opts, errp);
    if (!b) {
        error_prepend(errp, "%s: ", c->file);
        return false;
    }
    if (!sized) {
        c->size_bytes = blockdev_size_bytes(b);
    }
    blockdev_close(b);
    return true;
}

static void print_created(const ImageCreate *c)
{
    printf("Formatting '%s', fmt=%s", c->file, c->format);
    if (strcmp(c->format, "qcow2") != 0) {
        printf(" size=%" G_GUINT64_FORMAT "\n", c->size_bytes);
        return;
    }
    printf(" cluster_size=%u extended_l2=off compression_type=zlib size=%"
           G_GUINT64_FORMAT, c->cluster_bytes ? c->cluster_bytes : 65536,
           c->size_bytes);
    if (c->version) {
        printf(" compat=%s", c->version == 2 ? "0.10" : "1.1");
    }
    if (c->backing_file) {
        printf(" backing_file=%s", c->backing_file);
    }
    if (c->backing_format) {
        printf(" backing_fmt=%s", c->backing_format);
    }
    printf(" lazy_refcounts=off refcount_bits=%u\n",
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
    c->backing_format = a->other_format ? a->other_format
                                        : c->backing_format;
    return true;
}

static bool create_valid(const ImageCreate *c, bool sized, bool unsafe,
                         Error **errp)
{
    if (strcmp(c->format, "raw") != 0 && strcmp(c->format, "qcow2") != 0) {
        error_set(errp, "%s: Unknown file format '%s'", c->file, c->format);
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

/* --- resize ----------------------------------------------------------- */

/* "+size" and "-size" are relative to the present one. */
static bool new_size(const ImgArgs *a, const char *text, uint64_t *bytes)
{
    char sign = *text == '+' || *text == '-' ? *text++ : 0;
    if (!img_size_parse(text, bytes)) {
        error_report("Invalid parameter '%s'", text);
        return false;
    }
    if (!sign) {
        return true;
    }
    BlockDev *b = img_open(a->names[0], a->format, true);
    if (!b) {
        return false;
    }
    uint64_t now = blockdev_size_bytes(b);
    blockdev_close(b);
    bool fits = sign == '+' ? *bytes <= INT64_MAX - now : *bytes < now;
    *bytes = sign == '+' ? now + *bytes : now - *bytes;
    if (!fits) {
        error_report("New image size must be positive");
    }
    return fits;
}

int img_resize(const ImgArgs *a)
{
    uint64_t bytes;
    Error *err = NULL;
    if (a->count != 2) {
        error_report("Expecting image file name and size");
        return EXIT_FAILURE;
    }
    if (!new_size(a, a->names[1], &bytes)) {
        return EXIT_FAILURE;
    }
    if (!image_resize(a->names[0], a->format, bytes, a->shrink, &err)) {
        return img_fail(err, EXIT_FAILURE);
    }
    if (!a->quiet) {
        printf("Image resized.\n");
    }
    return EXIT_SUCCESS;
}
