/*
 * A monitor on a chardev: either a QMP connection or a line of HMP at a time.
 */
#include "monitor.h"

static void hmp_line(void *opaque, const char *line)
{
    Monitor *mon = opaque;
    unsigned peer = mon->peer;
    mon->busy = true;
    Hmp h = { .ctx = { .machine = mon->machine, .replay = mon->replay,
                       .session = mon },
              .out = g_string_new(NULL), .cpu = mon->cpu };
    hmp_run(&h, line);
    mon->cpu = h.cpu;
    g_autofree char *out = g_string_free(h.out, FALSE);
    mon->busy = false;
    if (mon->peer != peer) {
        return; /* who asked is gone */
    }
    /* A terminal in raw mode needs the carriage return too. */
    g_auto(GStrv) lines = g_strsplit(out, "\n", -1);
    g_autofree char *text = g_strjoinv("\r\n", lines);
    chardev_write(mon->chr, text, strlen(text));
    readline_show_prompt(mon->readline);
}

static GPtrArray *complete_line(void *opaque, const char *line,
                                size_t *word_at)
{
    Monitor *mon = opaque;
    Hmp h = { .ctx = { .machine = mon->machine, .replay = mon->replay },
              .cpu = mon->cpu };
    return hmp_complete(&h, line, word_at);
}

static void hmp_open(Monitor *mon)
{
    static const char hello[] = "Reprise " REPRISE_VERSION
                                " monitor - type 'help' for more "
                                "information\r\n";
    chardev_write(mon->chr, hello, strlen(hello));
    readline_show_prompt(mon->readline);
}

/* --- while the machine is on its way through time ----------------------------------- */

/* Commands wait until it has arrived, but for one: `stop` ends the journey. */
static void wait_with_input(Monitor *mon, const uint8_t *data, size_t len)
{
    static const char *const words[] = {
        [MONITOR_READLINE] = "(^|\\n|\\r)s(top)?[ \t]*[\r\n]|\x03",
        [MONITOR_CONTROL] = "\"execute\"\\s*:\\s*\"stop\"",
    };
    g_string_append_len(mon->waiting, (const char *)data, len);
    if (g_regex_match_simple(words[mon->mode], mon->waiting->str, 0, 0)) {
        replay_interrupt(mon->replay);
    }
}

static void take_input(Monitor *mon, const uint8_t *data, size_t len);

static gboolean take_waiting(gpointer opaque)
{
    Monitor *mon = opaque;
    g_autoptr(GString) text = mon->waiting;
    mon->waiting = g_string_new(NULL);
    mon->waiting_source = 0;
    take_input(mon, (const uint8_t *)text->str, text->len);
    return G_SOURCE_REMOVE;
}

/* Somebody who types wants to see that it goes on. */
static void tell_progress(Monitor *mon, const RunEvent *ev)
{
    g_autofree char *line = g_strdup_printf(
        "%s: at icount %" G_GUINT64_FORMAT ", from %" G_GUINT64_FORMAT
        " ('stop' ends it)\r\n", ev->travel, ev->at, ev->begin);
    if (mon->busy) {
        chardev_write(mon->chr, line, strlen(line));
    }
}

static void session_event(void *opaque, const RunEvent *ev)
{
    Monitor *mon = opaque;
    bool travel = ev->type == RUN_EVENT_TRAVEL;
    if (travel && !ev->travel && mon->waiting->len && !mon->waiting_source) {
        mon->waiting_source = g_idle_add(take_waiting, mon);
    }
    if (mon->mode == MONITOR_CONTROL) {
        events_run(mon, ev);
    } else if (travel && ev->travel) {
        tell_progress(mon, ev);
    }
}

/* --- input ----------------------------------------------------------------------------- */

static void session_input(void *opaque, const uint8_t *data, size_t len)
{
    Monitor *mon = opaque;
    if (mon->machine->debug.travelling || mon->waiting->len) {
        wait_with_input(mon, data, len);
    } else {
        take_input(mon, data, len);
    }
}

static void take_input(Monitor *mon, const uint8_t *data, size_t len)
{
    if (mon->mode == MONITOR_CONTROL) {
        qmp_input(mon, data, len);
        return;
    }
    unsigned peer = mon->peer;
    for (size_t i = 0; i < len && mon->peer == peer; i++) {
        readline_feed(mon->readline, data[i]);
    }
}

static void session_notify(void *opaque, ChardevEvent event)
{
    Monitor *mon = opaque;
    mon->negotiated = false;
    mon->peer++;
    g_string_truncate(mon->waiting, 0);
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
    readline_set_complete(mon->readline, complete_line);
    mon->waiting = g_string_new(NULL);
    mon->fds = monitor_fds_new();
    g_ptr_array_add(monitor_shared(m)->sessions, mon);
    runstate_listen(m, session_event, mon);
    chardev_set_handlers(chr, session_input, session_notify, mon);
    return mon;
}

void monitor_free(Monitor *mon)
{
    if (!mon) {
        return;
    }
    chardev_set_handlers(mon->chr, NULL, NULL, NULL);
    runstate_unlisten(mon->machine, session_event, mon);
    g_ptr_array_remove(monitor_shared(mon->machine)->sessions, mon);
    if (mon->waiting_source) {
        g_source_remove(mon->waiting_source);
    }
    g_clear_pointer(&mon->jobs, g_ptr_array_unref);
    g_string_free(mon->waiting, TRUE);
    g_hash_table_unref(mon->fds);
    readline_free(mon->readline);
    g_string_free(mon->input, TRUE);
    g_free(mon);
}

char *monitor_run_hmp(Machine *m, Replay *r, unsigned *cpu, const char *line)
{
    Hmp h = { .ctx = { .machine = m, .replay = r },
              .out = g_string_new(NULL), .cpu = *cpu };
    hmp_run(&h, line);
    *cpu = h.cpu;
    return g_string_free(h.out, FALSE);
}
