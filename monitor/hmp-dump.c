/*
 * The human monitor's dumps of memory, and descriptors for them.
 */
#include <inttypes.h>

#include "hmp.h"

/* ORDER dump-flag */
enum { FLAG_PAGING, FLAG_DETACH, FLAG_ZLIB, FLAG_LZO, FLAG_SNAPPY,
       FLAG_WINDOWS };

/* The format that the flags choose; NULL if they choose several. */
static const char *format_of(unsigned flags)
{
    static const char *const formats[] = {
        [FLAG_ZLIB] = "kdump-zlib", [FLAG_LZO] = "kdump-lzo",
        [FLAG_SNAPPY] = "kdump-snappy", [FLAG_WINDOWS] = "win-dmp",
    };
    const char *found = "elf";
    for (unsigned i = FLAG_ZLIB; i <= FLAG_WINDOWS; i++) {
        if (flags & 1u << i) {
            if (flags >> (i + 1)) {
                return NULL;
            }
            found = formats[i];
        }
    }
    return found;
}

static void dump(Hmp *h, unsigned flags, char **word)
{
    const char *format = format_of(flags);
    uint64_t begin = 0, length = 0;
    if (!format) {
        hmp_print(h, "Error: only one of '-z|-l|-s|-w' can be set\n");
        return;
    }
    if ((word[1] && !hmp_number(h, word[1], &begin)) ||
        (word[2] && !hmp_number(h, word[2], &length))) {
        return;
    }
    g_autofree char *protocol = g_strconcat("file:", word[0], NULL);
    json_t *o = json_pack("{s:b,s:s,s:b,s:s}", "paging",
                          (int)(flags >> FLAG_PAGING & 1), "protocol", protocol,
                          "detach", (int)(flags >> FLAG_DETACH & 1), "format",
                          format);
    if (word[1]) {
        json_object_set_new(o, "begin", json_integer(begin));
    }
    if (word[2]) {
        json_object_set_new(o, "length", json_integer(length));
    }
    hmp_relay(h, "dump-guest-memory", o);
}

void cmd_dump_guest_memory(Hmp *h, const char *args)
{
    static const char name[] = "dump-guest-memory";
    char *word[3] = { NULL };
    unsigned flags;
    /* ORDER dump-flag */
    if (hmp_flags(h, name, &args, "pdzlsw", &flags) &&
        hmp_words(h, name, args, 1, 3, word)) {
        dump(h, flags, word);
    }
    hmp_free_words(word, 3);
}

void info_dump(Hmp *h, const char *args)
{
    json_t *o = qmp_query_dump(&h->ctx, NULL);
    const char *status = json_string_value(json_object_get(o, "status"));
    hmp_print(h, "Status: %s\n", status);
    if (g_str_equal(status, "active")) {
        double done = json_integer_value(json_object_get(o, "completed"));
        double total = json_integer_value(json_object_get(o, "total"));
        hmp_print(h, "Finished: %.2f %%\n", 100 * done / total);
    }
    json_decref(o);
}

static void relay_name(Hmp *h, const char *command, const char *args)
{
    char *word[1] = { NULL };
    if (hmp_words(h, command, args, 1, 1, word)) {
        hmp_relay(h, command, json_pack("{s:s}", "fdname", word[0]));
    }
    hmp_free_words(word, 1);
}

void cmd_getfd(Hmp *h, const char *args)
{
    relay_name(h, "getfd", args);
}

void cmd_closefd(Hmp *h, const char *args)
{
    relay_name(h, "closefd", args);
}
