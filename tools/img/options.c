/*
 * -o: the options of new images, one table a format. What it lists is what is
 * understood; LUKS and other encryption is named to be refused.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

typedef bool OptionSet(const char *value, ImageCreate *c, Error **errp);

static bool size_of(const char *key, const char *value, uint64_t max,
                    uint64_t *v, Error **errp)
{
    if (!img_size_parse(value, v) || *v > max) {
        error_set(errp, "Parameter '%s' expects a size or number", key);
        return false;
    }
    return true;
}

static bool bool_of(const char *key, const char *value, bool *v, Error **errp)
{
    *v = strcmp(value, "on") == 0 || strcmp(value, "true") == 0 ||
         strcmp(value, "yes") == 0 || strcmp(value, "y") == 0;
    if (!*v && strcmp(value, "off") != 0 && strcmp(value, "false") != 0 &&
        strcmp(value, "no") != 0 && strcmp(value, "n") != 0) {
        error_set(errp, "Parameter '%s' expects 'on' or 'off'", key);
        return false;
    }
    return true;
}

static bool set_size(const char *value, ImageCreate *c, Error **errp)
{
    return size_of("size", value, INT64_MAX, &c->size_bytes, errp);
}

static bool set_cluster_size(const char *value, ImageCreate *c, Error **errp)
{
    uint64_t v = 0;
    bool ok = size_of("cluster_size", value, UINT32_MAX, &v, errp);
    c->cluster_bytes = v ? v : 1; /* 0 is no size, and not the default */
    return ok;
}

static bool set_refcount_bits(const char *value, ImageCreate *c, Error **errp)
{
    uint64_t v = 0;
    bool ok = size_of("refcount_bits", value, UINT32_MAX, &v, errp);
    if (ok && (v == 0 || v > 64 || (v & (v - 1)))) {
        error_set(errp, "Refcount width must be a power of two and may not "
                  "exceed 64 bits");
        return false;
    }
    c->refcount_bits = v;
    return ok;
}

static bool set_compat(const char *value, ImageCreate *c, Error **errp)
{
    bool old = strcmp(value, "0.10") == 0 || strcmp(value, "v2") == 0;
    if (!old && strcmp(value, "1.1") != 0 && strcmp(value, "v3") != 0) {
        error_set(errp, "Invalid parameter '%s' for 'compat'", value);
        return false;
    }
    c->version = old ? 2 : 3;
    return true;
}

static bool set_backing_file(const char *value, ImageCreate *c, Error **errp)
{
    c->backing_file = value;
    return true;
}

static bool set_backing_fmt(const char *value, ImageCreate *c, Error **errp)
{
    c->backing_format = value;
    return true;
}

static bool set_data_file(const char *value, ImageCreate *c, Error **errp)
{
    c->data_file = value;
    return true;
}

static bool set_data_file_raw(const char *value, ImageCreate *c, Error **errp)
{
    return bool_of("data_file_raw", value, &c->data_file_raw, errp);
}

static bool set_lazy(const char *value, ImageCreate *c, Error **errp)
{
    return bool_of("lazy_refcounts", value, &c->lazy_refcounts, errp);
}

static bool set_extended(const char *value, ImageCreate *c, Error **errp)
{
    return bool_of("extended_l2", value, &c->extended_l2, errp);
}

static bool set_compression(const char *value, ImageCreate *c, Error **errp)
{
    c->zstd = strcmp(value, "zstd") == 0;
    if (!c->zstd && strcmp(value, "zlib") != 0) {
        error_set(errp, "Invalid parameter '%s' for 'compression_type': zlib "
                  "and zstd are there", value);
        return false;
    }
    return true;
}

static bool set_preallocation(const char *value, ImageCreate *c, Error **errp)
{
    return img_preallocation_parse(value, &c->preallocation, errp);
}

/* The host's file system is asked for nothing: what it does is good enough. */
static bool set_nocow(const char *value, ImageCreate *c, Error **errp)
{
    bool on;
    if (!bool_of("nocow", value, &on, errp)) {
        return false;
    }
    if (on) {
        error_set(errp, "Parameter 'nocow' can be 'off' only; use chattr +C "
                  "on the folder");
    }
    return !on;
}

static bool set_extent_hint(const char *value, ImageCreate *c, Error **errp)
{
    uint64_t hint = 0;
    return size_of("extent_size_hint", value, UINT32_MAX, &hint, errp);
}

/* ORDER as other tools list them. */
static const struct {
    const char *key, *type, *help;
    bool raw;              /* raw images have it, too */
    OptionSet *set;
} rows[] = {
    { "backing_file", "str", "File name of a base image", false,
      set_backing_file },
    { "backing_fmt", "str", "Image format of the base image", false,
      set_backing_fmt },
    { "cluster_size", "size", "qcow2 cluster size", false, set_cluster_size },
    { "compat", "str", "Compatibility level (v2 [0.10] or v3 [1.1])", false,
      set_compat },
    { "compression_type", "str",
      "Compression method used for image cluster compression", false,
      set_compression },
    { "data_file", "str", "File name of an external data file", false,
      set_data_file },
    { "data_file_raw", "bool (on/off)",
      "The external data file must stay valid as a raw image", false,
      set_data_file_raw },
    { "extended_l2", "bool (on/off)", "Extended L2 tables", false,
      set_extended },
    { "extent_size_hint", "size",
      "Extent size hint for the image file, 0 to disable: changes nothing",
      true, set_extent_hint },
    { "lazy_refcounts", "bool (on/off)", "Postpone refcount updates", false,
      set_lazy },
    { "nocow", "bool (on/off)",
      "Turn off copy-on-write (valid only on btrfs): off only", true,
      set_nocow },
    { "preallocation", "str",
      "Preallocation mode (allowed values: off, metadata, falloc, full)",
      true, set_preallocation },
    { "refcount_bits", "num", "Width of a reference count entry in bits",
      false, set_refcount_bits },
    { "size", "size", "Virtual disk size", true, set_size },
};

bool img_preallocation_parse(const char *text, ImagePreallocation *how,
                             Error **errp)
{
    static const char *const modes[] = { "off", "metadata", "falloc",
                                         "full" };
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        if (strcmp(text, modes[i]) == 0) {
            *how = i;
            return true;
        }
    }
    error_set(errp, "Invalid preallocation mode '%s'", text);
    return false;
}

/* key and value live as long as the program: what is set points to them. */
static bool option_set(const char *key, const char *value, ImageCreate *c,
                       Error **errp)
{
    bool raw = strcmp(c->format, "qcow2") != 0;
    if (g_str_has_prefix(key, "encrypt.") ||
        (strcmp(key, "encryption") == 0 && strcmp(value, "off") != 0)) {
        error_set(errp, "Parameter '%s': encrypted images (aes, luks) are not "
                  "supported", key);
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(key, rows[i].key) == 0 && (rows[i].raw || !raw)) {
            return rows[i].set(value, c, errp);
        }
    }
    if (strcmp(key, "encryption") == 0) {
        return true;
    }
    error_set(errp, "Invalid parameter '%s'", key);
    return false;
}

/* The next "key=value" of a list, in which ",," is a comma. Owned. */
static char *option_next(const char **list)
{
    GString *one = g_string_new(NULL);
    const char *p = *list;
    for (; *p && (*p != ',' || p[1] == ','); p++) {
        p += *p == ',';
        g_string_append_c(one, *p);
    }
    *list = *p ? p + 1 : p;
    return g_string_free(one, FALSE);
}

bool img_options_parse(const ImgArgs *a, ImageCreate *c, Error **errp)
{
    for (guint i = 0; i < a->options->len; i++) {
        for (const char *p = g_ptr_array_index(a->options, i); *p;) {
            g_autofree char *one = option_next(&p);
            char *eq = strchr(one, '=');
            const char *value = eq ? g_intern_string(eq + 1) : "on";
            if (eq) {
                *eq = '\0';
            }
            if (*one && !option_set(one, value, c, errp)) {
                return false;
            }
        }
    }
    return true;
}

static bool asks_for_help(const ImgArgs *a)
{
    for (guint i = 0; i < a->options->len; i++) {
        g_auto(GStrv) parts = g_strsplit(a->options->pdata[i], ",", -1);
        for (char **p = parts; *p; p++) {
            if (strcmp(*p, "help") == 0 || strcmp(*p, "?") == 0) {
                return true;
            }
        }
    }
    return false;
}

bool img_options_help(const ImgArgs *a, const char *format)
{
    if (!asks_for_help(a)) {
        return false;
    }
    printf("Supported options:\n");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *key = g_strdup_printf("%s=<%s>", rows[i].key,
                                               rows[i].type);
        if (rows[i].raw || strcmp(format, "qcow2") == 0) {
            printf("  %-22s - %s\n", key, rows[i].help);
        }
    }
    return true;
}
