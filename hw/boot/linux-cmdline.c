/*
 * vga= and mem=: see linux-cmdline.h.
 */
#include "linux-cmdline.h"

#include <string.h>

/* The last word that begins so, without its beginning; NULL: none. Freed by
 * the caller. */
static char *value_of(const char *cmdline, const char *key)
{
    g_auto(GStrv) words = g_strsplit(cmdline, " ", -1);
    char *value = NULL;

    for (unsigned i = 0; words[i]; i++) {
        if (g_str_has_prefix(words[i], key)) {
            g_free(value);
            value = g_strdup(words[i] + strlen(key));
        }
    }
    return value;
}

bool linux_cmdline_video(const char *cmdline, uint16_t *mode, Error **errp)
{
    static const struct {
        const char *name;
        uint16_t mode;
    } names[] = { { "normal", 0xffff }, { "ext", 0xfffe }, { "ask", 0xfffd } };
    g_autofree char *value = value_of(cmdline, "vga=");
    char *end;

    *mode = 0;
    for (unsigned i = 0; value && i < G_N_ELEMENTS(names); i++) {
        if (g_str_equal(value, names[i].name)) {
            *mode = names[i].mode;
            return true;
        }
    }
    if (value) {
        uint64_t n = g_ascii_strtoull(value, &end, 0);
        if (!*value || *end || n > UINT16_MAX) {
            error_set(errp, "-append: vga=%s is no video mode: a number up to "
                      "65535, normal, ext or ask", value);
            return false;
        }
        *mode = n;
    }
    return true;
}

bool linux_cmdline_memory(const char *cmdline, uint64_t *bytes, Error **errp)
{
    g_autofree char *value = value_of(cmdline, "mem=");
    char *end;

    *bytes = UINT64_MAX;
    /* mem=nopentium is another word that happens to begin so. */
    if (!value || !g_ascii_isdigit(*value)) {
        return true;
    }
    uint64_t n = g_ascii_strtoull(value, &end, 0);
    const char *unit = *end ? strchr("kmgtKMGT", *end) : NULL;
    unsigned shift = unit ? 10 * ((unit - "kmgtKMGT") % 4 + 1) : 0;

    if ((unit ? end[1] : *end) || n > UINT64_MAX >> shift) {
        error_set(errp, "-append: mem=%s is no size", value);
        return false;
    }
    *bytes = n << shift;
    return true;
}
