/*
 * A monitor on a chardev: either a QMP connection or a line of HMP at a time.
 */
#include "monitor.h"

static void hmp_line(void *opaque, const char *line)
{
    Monitor *mon = opaque;
    g_autofree char *out = monitor_run_hmp(mon->machine, mon->replay, line);
    /* A terminal in raw mode needs the carriage return too. */
    g_auto(GStrv) lines = g_strsplit(out, "\n", -1);
    g_autofree char *text = g_strjoinv("\r\n", lines);
    chardev_write(mon->chr, text, strlen(text));
    readline_show_prompt(mon->readline);
}

static void hmp_open(Monitor *mon)
{
    static const char hello[] = "Reprise " REPRISE_VERSION
                                " monitor - type 'help' for more "
                                "information\r\n";
    chardev_write(mon->chr, hello, strlen(hello));
    readline_show_prompt(mon->readline);
}

static void session_input(void *opaque, const uint8_t *data, size_t len)
{
    Monitor *mon = opaque;
    if (mon->mode == MONITOR_CONTROL) {
        qmp_input(mon, data, len);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        readline_feed(mon->readline, data[i]);
    }
}

static void session_notify(void *opaque, ChardevEvent event)
{
    Monitor *mon = opaque;
    mon->negotiated = false;
    if (event != CHARDEV_OPENED) {
        return;
    }
    if (mon->mode == MONITOR_CONTROL) {
        qmp_open(mon);
    } else {
        hmp_open(mon);
    }
}

Monitor *monitor_new(Machine *m, Replay *r, Chardev *chr, MonitorMode mode,
                     bool pretty)
{
    Monitor *mon = g_new0(Monitor, 1);
    mon->machine = m;
    mon->replay = r;
    mon->chr = chr;
    mon->mode = mode;
    mon->pretty = pretty;
    mon->input = g_string_new(NULL);
    mon->readline = readline_new(chr, "(qemu) ", hmp_line, mon);
    if (mode == MONITOR_CONTROL) {
        runstate_listen(m, events_run, mon);
    }
    chardev_set_handlers(chr, session_input, session_notify, mon);
    return mon;
}

void monitor_free(Monitor *mon)
{
    if (!mon) {
        return;
    }
    chardev_set_handlers(mon->chr, NULL, NULL, NULL);
    runstate_unlisten(mon->machine, events_run, mon);
    readline_free(mon->readline);
    g_string_free(mon->input, TRUE);
    g_free(mon);
}

char *monitor_run_hmp(Machine *m, Replay *r, const char *line)
{
    Hmp h = { .ctx = { .machine = m, .replay = r },
              .out = g_string_new(NULL) };
    hmp_run(&h, line);
    return g_string_free(h.out, FALSE);
}
