/*
 * The human monitor's character devices.
 */
#include "hmp.h"

void cmd_chardev_add(Hmp *h, const char *args)
{
    char *word[1] = { NULL };
    Error *err = NULL;
    const MonitorRoof *roof = &monitor_shared(h->ctx.machine)->roof;
    if (hmp_words(h, "chardev-add", args, 1, 1, word) &&
        (!monitor_has_roof(h->ctx.machine, &err) ||
         !roof->chardev_add(roof->opaque, word[0], &err))) {
        hmp_error(h, err);
    }
    hmp_free_words(word, 1);
}

void cmd_chardev_remove(Hmp *h, const char *args)
{
    char *word[1] = { NULL };
    if (hmp_words(h, "chardev-remove", args, 1, 1, word)) {
        hmp_relay(h, "chardev-remove", json_pack("{s:s}", "id", word[0]));
    }
    hmp_free_words(word, 1);
}

void cmd_ringbuf_write(Hmp *h, const char *args)
{
    char *word[2] = { NULL };
    if (hmp_words(h, "ringbuf_write", args, 2, 2, word)) {
        hmp_relay(h, "ringbuf-write", json_pack("{s:s,s:s}", "device", word[0],
                                                "data", word[1]));
    }
    hmp_free_words(word, 2);
}

void cmd_ringbuf_read(Hmp *h, const char *args)
{
    char *word[2] = { NULL };
    Error *err = NULL;
    uint64_t size;
    if (hmp_words(h, "ringbuf_read", args, 2, 2, word) &&
        hmp_number(h, word[1], &size)) {
        g_autofree char *data = qmp_ringbuf_read(&h->ctx, word[0], size, false,
                                                 0, &err);
        hmp_print(h, "%s%s", data ? data : "", data ? "\n" : "");
    }
    if (err) {
        hmp_error(h, err);
    }
    hmp_free_words(word, 2);
}
