/*
 * QEMU's qtest protocol: a line a request, a line an answer, "OK" and perhaps
 * a value, or "FAIL" and why. See docs/devel/testing.md for the commands.
 *
 * Nothing else moves the machine: a request is carried out at once, with all
 * that follows from it (a reset that a port asks for), before the next.
 */
#include "qtest-parts.h"

#include <string.h>

#include "vm/sched.h"

/* A peer that sends this much without an end of line is hung up on. */
#define LINE_MAX_BYTES (128u << 20)

/* --- what is said ---------------------------------------------------------------- */

static void log_line(Qtest *q, char direction, const char *line)
{
    if (q->log) {
        double s = (g_get_monotonic_time() - q->start_us) / 1e6;
        fprintf(q->log, "[%c +%f] %s\n", direction, s, line);
        fflush(q->log);
    }
}

void qtest_say(Qtest *q, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    g_autofree char *line = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    log_line(q, 'S', line);
    chardev_write(q->chr, line, strlen(line));
    chardev_write(q->chr, "\n", 1);
}

/* Word n as a number (decimal, 0x hexadecimal, 0 octal). False: told. */
bool qtest_number(Qtest *q, unsigned n, uint64_t *v)
{
    char *end;
    if (n >= q->count) {
        qtest_say(q, "FAIL %s: too few arguments", q->words[0]);
        return false;
    }
    *v = g_ascii_strtoull(q->words[n], &end, 0);
    if (end == q->words[n] || *end) {
        qtest_say(q, "FAIL %s: '%s' is no number", q->words[0], q->words[n]);
        return false;
    }
    return true;
}

/* --- the clock ----------------------------------------------------------------------- */

static void clock_go(Qtest *q, int64_t ns)
{
    sched_clock_to(q->machine, ns);
    qtest_say(q, "OK %" G_GINT64_FORMAT, clock_now_ns(q->machine->clock));
}

/* By so many ns; without a number to the next timer. */
static void cmd_clock_step(Qtest *q)
{
    Clock *c = q->machine->clock;
    int64_t now_ns = clock_now_ns(c), due_ns = clock_next_due_ns(c);
    uint64_t step_ns;
    if (q->count == 1) {
        clock_go(q, due_ns == TIME_NEVER ? now_ns : MAX(due_ns, now_ns));
    } else if (qtest_number(q, 1, &step_ns)) {
        if (step_ns > (uint64_t)(INT64_MAX - 1 - now_ns)) {
            qtest_say(q, "FAIL clock_step: the clock does not go that far");
        } else {
            clock_go(q, now_ns + step_ns);
        }
    }
}

/* It never goes back. */
static void cmd_clock_set(Qtest *q)
{
    uint64_t ns;
    if (qtest_number(q, 1, &ns)) {
        if (ns >= INT64_MAX) {
            qtest_say(q, "FAIL clock_set: the clock does not go that far");
        } else {
            clock_go(q, ns);
        }
    }
}

/* --- interrupt lines ------------------------------------------------------------------ */

static void tap_told(void *opaque, int n, bool level)
{
    Tap *t = opaque;
    if (t->level != level) {
        t->level = level;
        qtest_say(t->qtest, "IRQ %s %d", level ? "raise" : "lower", n);
    }
}

/* By its path in `info qtree`, its id, or the name of its class. */
static Device *find_device(Machine *m, const char *name)
{
    for (guint i = 0; i < m->devices->len; i++) {
        Device *dev = g_ptr_array_index(m->devices, i);
        if (g_str_equal(dev->path, name) || !g_strcmp0(dev->id, name) ||
            g_str_equal(dev->cls->name, name)) {
            return dev;
        }
    }
    return NULL;
}

static unsigned tap_all(Qtest *q, Device *dev, bool out)
{
    unsigned n = 0;
    IrqLine *line;
    while (n < TAPS_MAX && (line = dev->cls->irq_tap(dev, out, n))) {
        q->taps[n] = (Tap){ q, line, false };
        irq_connect(line, tap_told, &q->taps[n], n);
        n++;
    }
    return n;
}

static void cmd_irq_intercept(Qtest *q)
{
    bool out = g_str_has_suffix(q->words[0], "_out");
    Device *dev = q->count > 1 ? find_device(q->machine, q->words[1]) : NULL;
    if (!dev) {
        qtest_say(q, "FAIL Unknown device");
    } else if (q->tapped) {
        qtest_say(q, "FAIL IRQ intercept already enabled");
    } else if (!dev->cls->irq_tap || !tap_all(q, dev, out)) {
        qtest_say(q, "FAIL %s: its lines cannot be watched", dev->path);
    } else {
        q->tapped = true;
        qtest_say(q, "OK");
    }
}

static void taps_free(Qtest *q)
{
    for (unsigned n = 0; n < TAPS_MAX; n++) {
        if (q->taps[n].line) {
            *q->taps[n].line = (IrqLine){ 0 };
        }
    }
}

/* --- requests ------------------------------------------------------------------------- */

static void cmd_endianness(Qtest *q)
{
    qtest_say(q, "OK little");
}

static const struct {
    const char *name;
    void (*fn)(Qtest *q);
} commands[] = {
    { "inb", qtest_cmd_in }, { "inw", qtest_cmd_in }, { "inl", qtest_cmd_in },
    { "outb", qtest_cmd_out }, { "outw", qtest_cmd_out }, { "outl", qtest_cmd_out },
    { "readb", qtest_cmd_load }, { "readw", qtest_cmd_load }, { "readl", qtest_cmd_load },
    { "readq", qtest_cmd_load },
    { "writeb", qtest_cmd_store }, { "writew", qtest_cmd_store },
    { "writel", qtest_cmd_store }, { "writeq", qtest_cmd_store },
    { "read", qtest_cmd_read }, { "write", qtest_cmd_write },
    { "b64read", qtest_cmd_b64read }, { "b64write", qtest_cmd_b64write },
    { "memset", qtest_cmd_memset },
    { "clock_step", cmd_clock_step }, { "clock_set", cmd_clock_set },
    { "irq_intercept_in", cmd_irq_intercept },
    { "irq_intercept_out", cmd_irq_intercept },
    { "endianness", cmd_endianness },
};

static void run_words(Qtest *q)
{
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (g_str_equal(q->words[0], commands[i].name)) {
            commands[i].fn(q);
            return;
        }
    }
    qtest_say(q, "FAIL Unknown command '%s'", q->words[0]);
}

/* Empty words, from two spaces, do not count. */
static void split(Qtest *q, const char *line)
{
    q->words = g_strsplit_set(line, " \t\r", -1);
    q->count = 0;
    for (char **word = q->words; *word; word++) {
        if (**word) {
            q->words[q->count++] = *word;
        } else {
            g_free(*word);
        }
    }
    q->words[q->count] = NULL;
}

static void run_line(Qtest *q, const char *line)
{
    log_line(q, 'R', line);
    split(q, line);
    if (q->count) {
        run_words(q);
        if (runstate_request_pending(q->machine)) {
            runstate_handle_requests(q->machine);
        }
    }
    g_clear_pointer(&q->words, g_strfreev);
}

static void qtest_input(void *opaque, const uint8_t *data, size_t len)
{
    Qtest *q = opaque;
    char *end;
    g_string_append_len(q->input, (const char *)data, len);
    while ((end = memchr(q->input->str, '\n', q->input->len))) {
        size_t n = end - q->input->str;
        g_autofree char *line = g_strndup(q->input->str, n);
        g_string_erase(q->input, 0, n + 1);
        run_line(q, line);
    }
    if (q->input->len > LINE_MAX_BYTES) {
        g_string_truncate(q->input, 0);
        qtest_say(q, "FAIL the line is too long");
        chardev_disconnect(q->chr);
    }
}

static void qtest_notify(void *opaque, ChardevEvent event)
{
    Qtest *q = opaque;
    g_string_truncate(q->input, 0);
    if (event == CHARDEV_CLOSED) {
        taps_free(q);
        memset(q->taps, 0, sizeof q->taps);
        q->tapped = false;
    }
}

Qtest *qtest_new(Machine *m, Chardev *chr, FILE *log)
{
    Qtest *q = g_new0(Qtest, 1);
    q->machine = m;
    q->chr = chr;
    q->log = log;
    q->start_us = g_get_monotonic_time();
    q->input = g_string_new(NULL);
    chardev_set_handlers(chr, qtest_input, qtest_notify, q);
    return q;
}

void qtest_free(Qtest *q)
{
    if (!q) {
        return;
    }
    chardev_set_handlers(q->chr, NULL, NULL, NULL);
    taps_free(q);
    g_string_free(q->input, TRUE);
    g_free(q);
}
