/*
 * What the commands share: images opened, sizes, JSON, modes.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

#define BLOCK_BYTES 4096

int img_fail(Error *err, int status)
{
    error_report("%s", error_message(err));
    error_free(err);
    return status;
}

int img_fail_open(const char *file, Error *err, int status)
{
    error_prepend(&err, "Could not open '%s': ", file);
    return img_fail(err, status);
}

/* --- sizes -------------------------------------------------------------- */

bool img_size_parse(const char *text, uint64_t *bytes)
{
    static const char suffixes[] = "BKMGTPE";
    char *end;
    if (!g_ascii_isdigit(*text)) {
        return false;
    }
    bool hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
    uint64_t whole = g_ascii_strtoull(text, &end, hex ? 16 : 10);
    double fraction = 0;
    if (*end == '.' && !hex) {
        fraction = g_ascii_strtod(end, &end);
    }
    const char *suffix = *end ? strchr(suffixes, g_ascii_toupper(*end)) : NULL;
    uint64_t unit = UINT64_C(1) << (suffix ? 10 * (suffix - suffixes) : 0);
    if ((*end && (!suffix || end[1] || hex)) ||
        whole > (uint64_t)INT64_MAX / unit || (fraction != 0 && unit == 1)) {
        return false;
    }
    *bytes = whole * unit + (uint64_t)(fraction * unit);
    return true;
}

bool img_number(const char *what, const char *text, uint64_t max,
                uint64_t *value)
{
    if (text && (!img_size_parse(text, value) || *value > max)) {
        error_report("Invalid %s specified: '%s'", what, text);
        return false;
    }
    return true;
}

char *img_size_text(uint64_t bytes)
{
    static const char units[][4] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB",
                                     "EiB" };
    double v = bytes;
    unsigned i = 0;
    while (v >= 1000 && i + 1 < G_N_ELEMENTS(units)) {
        v /= 1024;
        i++;
    }
    return g_strdup_printf("%.3g %s", v, units[i]);
}

/* --- images ------------------------------------------------------------- */

ImageOpen img_open_how(const ImgArgs *a, const char *name, bool readonly)
{
    return (ImageOpen) {
        .name = name, .options = a->image_opts,
        .format = a->image_opts ? NULL : a->format, .readonly = readonly,
        .share = a->share,
    };
}

Image *img_open(const ImageOpen *how)
{
    Error *err = NULL;
    Image *image = image_open(how, &err);
    if (!image) {
        img_fail_open(how->name, err, 0);
    }
    return image;
}

int img_close(Image *image, int status)
{
    g_autofree char *file = image ? g_strdup(image_file(image)) : NULL;
    int err = image_close(image);
    if (err < 0) {
        error_report("Could not write '%s': %s", file, g_strerror(-err));
        status = EXIT_FAILURE;
    }
    return status;
}

bool img_one_name(const ImgArgs *a)
{
    if (a->count != 1) {
        error_report("Expecting one image file name");
    }
    return a->count == 1;
}

void img_print_json(json_t *o)
{
    char *text = json_dumps(o, JSON_INDENT(4));
    printf("%s\n", text);
    free(text);
    json_decref(o);
}

/* --- modes -------------------------------------------------------------- */

static bool cache_valid(const char *mode, bool source)
{
    static const char *const modes[] = { "none", "writeback", "writethrough",
                                         "directsync", "unsafe", "off" };
    for (size_t i = 0; mode && i < G_N_ELEMENTS(modes); i++) {
        if (strcmp(mode, modes[i]) == 0) {
            return true;
        }
    }
    if (mode) {
        error_report(source ? "Invalid source cache option: %s"
                            : "Invalid cache option: %s", mode);
    }
    return !mode;
}

bool img_modes_valid(const ImgArgs *a)
{
    uint64_t rate = 1;
    if (a->objects->len > 0) {
        error_report("--object %s: not supported: objects are secrets and "
                     "limits, and neither encrypted images nor images of "
                     "other hosts are", (char *)a->objects->pdata[0]);
        return false;
    }
    if (a->image_opts && a->format) {
        error_report("--image-opts and --format are mutually exclusive");
        return false;
    }
    return cache_valid(a->cache, false) && cache_valid(a->src_cache, true) &&
           img_number("rate limit", a->rate, INT64_MAX, &rate);
}

/* --- zeroes ------------------------------------------------------------- */

bool img_is_zero(const uint8_t *p, size_t bytes)
{
    return bytes == 0 || (p[0] == 0 && memcmp(p, p + 1, bytes - 1) == 0);
}

size_t img_run_length(const uint8_t *p, size_t bytes, bool *zero)
{
    size_t len = MIN(BLOCK_BYTES, bytes);
    *zero = img_is_zero(p, len);
    while (len < bytes) {
        size_t next = MIN(BLOCK_BYTES, bytes - len);
        if (img_is_zero(p + len, next) != *zero) {
            break;
        }
        len += next;
    }
    return len;
}
