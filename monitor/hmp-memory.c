/*
 * The human monitor's memory dumps and `print`.
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "hmp.h"

/* The most that one command shows: while it prints, nobody else is served. */
#define MOST_VALUES 65536u
#define MOST_INSNS  10000u

typedef struct Format {
    uint64_t count;
    char format;           /* x d u o c i */
    unsigned size;         /* bytes */
} Format;

static unsigned size_of_letter(char c)
{
    switch (c) {
    case 'b':
        return 1;
    case 'h':
        return 2;
    case 'w':
        return 4;
    case 'g':
        return 8;
    default:
        return 0;
    }
}

/* "/4xw": count, format and size in gdb's fashion; absent parts keep what f
 * holds. */
static bool take_format(Hmp *h, const char **args, Format *f)
{
    while (g_ascii_isspace(**args)) {
        (*args)++;
    }
    if (**args != '/') {
        return true;
    }
    (*args)++;
    if (g_ascii_isdigit(**args)) {
        char *end;
        f->count = g_ascii_strtoull(*args, &end, 10);
        *args = end;
    }
    for (; **args && !g_ascii_isspace(**args); (*args)++) {
        if (strchr("xduoci", **args)) {
            f->format = **args;
        } else if (size_of_letter(**args)) {
            f->size = size_of_letter(**args);
        } else {
            hmp_print(h, "invalid char in format: '%c'\n", **args);
            return false;
        }
    }
    return true;
}

static void print_value(Hmp *h, const Format *f, uint64_t v)
{
    switch (f->format) {
    case 'x':
        hmp_print(h, "0x%0*" PRIx64, (int)f->size * 2, v);
        break;
    case 'o':
        hmp_print(h, "0%*" PRIo64, (int)(f->size * 8 + 2) / 3, v);
        break;
    case 'u':
        hmp_print(h, "%" PRIu64, v);
        break;
    case 'd':
        hmp_print(h, "%" PRId64,
                  (int64_t)(v << (64 - 8 * f->size)) >> (64 - 8 * f->size));
        break;
    case 'c':
        hmp_print(h, g_ascii_isprint(v) ? "'%c'" : "'\\x%02x'", (int)v);
        break;
    }
}

static bool read_bytes(Hmp *h, uint64_t addr, void *buf, size_t len,
                       bool physical)
{
    return physical
        ? address_space_read_debug(h->ctx.machine->memory, addr, buf, len)
        : cpu_read_debug(hmp_cpu(h), addr, buf, len);
}

static void dump(Hmp *h, const Format *f, uint64_t addr, bool physical)
{
    enum { LINE_BYTES = 16 };
    bool wide = physical || hmp_cpu(h)->cls->address_bits(hmp_cpu(h)) == 64;
    for (unsigned i = 0; i < f->count; i++, addr += f->size) {
        uint8_t buf[8];
        if (i * f->size % LINE_BYTES == 0) {
            hmp_print(h, "%s%0*" PRIx64 ":", i ? "\n" : "", wide ? 16 : 8,
                      addr);
        }
        if (!read_bytes(h, addr, buf, f->size, physical)) {
            hmp_print(h, " Cannot access memory");
            break;
        }
        hmp_print(h, " ");
        print_value(h, f, bytes_ld_le(buf, f->size));
    }
    hmp_print(h, "\n");
}

static bool too_many(Hmp *h, const Format *f)
{
    unsigned most = f->format == 'i' ? MOST_INSNS : MOST_VALUES;
    if (f->count > most) {
        hmp_print(h, "%" PRIu64 " are too many at a time; %u are shown at "
                  "most\n", f->count, most);
    }
    return f->count > most;
}

static void examine(Hmp *h, const char *args, bool physical)
{
    Format f = { 1, 'x', 4 };
    Error *err = NULL;
    uint64_t addr;
    if (!take_format(h, &args, &f)) {
        return;
    }
    if (!expr_eval(hmp_cpu(h), &args, &addr, &err)) {
        hmp_print(h, "%s\n", error_message(err));
        error_free(err);
    } else if (!hmp_end(h, physical ? "xp" : "x", args) || too_many(h, &f)) {
        return;
    } else if (f.format == 'i') {
        disas_print(h, addr, f.count, physical);
    } else {
        f.size = f.format == 'c' ? 1 : f.size;
        dump(h, &f, addr, physical);
    }
}

void cmd_x(Hmp *h, const char *args)
{
    examine(h, args, false);
}

void cmd_xp(Hmp *h, const char *args)
{
    examine(h, args, true);
}

void cmd_print(Hmp *h, const char *args)
{
    Format f = { 1, 'x', 8 };
    Error *err = NULL;
    uint64_t v;
    if (!take_format(h, &args, &f)) {
        return;
    }
    if (!expr_eval(hmp_cpu(h), &args, &v, &err)) {
        hmp_print(h, "%s\n", error_message(err));
        error_free(err);
        return;
    }
    if (f.format == 'x') {
        hmp_print(h, "%#" PRIx64, v);
    } else {
        print_value(h, &f, v);
    }
    hmp_print(h, "\n");
}
