/*
 * Numbers in and out, as users of qemu-io and their scripts know them.
 */
#include <stdlib.h>
#include <string.h>

#include "io.h"

char *io_size_text(double v)
{
    static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB",
                                         "PiB", "EiB" };
    unsigned i = 0;
    while (v >= 1024 && i + 1 < G_N_ELEMENTS(units)) {
        v /= 1024;
        i++;
    }
    g_autofree char *number = g_strdup_printf("%.3f", v);
    char *zeroes = strstr(number, ".000");
    if (zeroes) {
        *zeroes = '\0';
    }
    return g_strdup_printf("%s %s", number, units[i]);
}

bool io_number(const char *text, uint64_t *value)
{
    static const char suffixes[] = "BKMGTPE";
    char *end = NULL;
    *value = g_ascii_isdigit(*text) ? g_ascii_strtoull(text, &end, 0) : 0;
    double fraction = end && *end == '.' ? g_ascii_strtod(end, &end) : 0;
    const char *suffix = end && *end ?
                         strchr(suffixes, g_ascii_toupper(*end)) : NULL;
    uint64_t unit = UINT64_C(1) << (suffix ? 10 * (suffix - suffixes) : 0);
    if (!end || (*end && (!suffix || end[1]))) {
        printf("Parsing error: non-numeric argument, or extraneous/"
               "unrecognized suffix -- %s\n", text);
        return false;
    }
    if (*value > INT64_MAX / unit) {
        printf("Parsing error: argument too large -- %s\n", text);
        return false;
    }
    *value = *value * unit + (uint64_t)(fraction * unit);
    return true;
}

bool io_pattern(const char *text, int *value)
{
    char *end;
    long v = strtol(text, &end, 0);
    if (!*text || *end || v < 0 || v > 255) {
        printf("%s is not a valid pattern byte\n", text);
        return false;
    }
    *value = v;
    return true;
}

void io_dump(const uint8_t *p, size_t bytes, uint64_t offset)
{
    for (size_t i = 0; i < bytes; i += 16) {
        printf("%08" G_GINT64_MODIFIER "x:  ", offset + i);
        for (size_t k = 0; k < 16 && i + k < bytes; k++) {
            printf("%02x ", p[i + k]);
        }
        printf(" ");
        for (size_t k = 0; k < 16 && i + k < bytes; k++) {
            printf("%c", g_ascii_isprint(p[i + k]) ? p[i + k] : '.');
        }
        printf("\n");
    }
}

void io_report(const IoReport *r)
{
    double seconds = MAX(g_get_monotonic_time() - r->begun_us, 1) / 1e6;
    unsigned hundredths = (unsigned)(seconds * 100) % 6000;
    if (r->quiet) {
        return;
    }
    if (r->terse) {
        printf("%" G_GUINT64_FORMAT ",1,0:%02u:%02u.%02u,%.3f,%.3f\n",
               r->bytes, (unsigned)seconds / 60, hundredths / 100,
               hundredths % 100, r->bytes / seconds, 1 / seconds);
        return;
    }
    g_autofree char *size = io_size_text(r->bytes);
    g_autofree char *rate = io_size_text(r->bytes / seconds);
    printf("%s %" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT " bytes at offset %"
           G_GUINT64_FORMAT "\n", r->verb, r->bytes, r->wanted, r->offset);
    printf("%s, 1 ops; %02u.%02u sec (%s/sec and %.4f ops/sec)\n", size,
           hundredths / 100, hundredths % 100, rate, 1 / seconds);
}
