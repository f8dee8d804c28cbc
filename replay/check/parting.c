/*
 * Two logs beside each other, neither of which is run. See svc/verify.h.
 */
#include "internal.h"
#include "svc/verify.h"

#include <string.h>

typedef struct Logs {
    LogReader *log[2];
} Logs;

static void logs_close(Logs *l)
{
    log_reader_free(l->log[0]);
    log_reader_free(l->log[1]);
}

static bool logs_open(Logs *l, const char *path, const char *other,
                      Error **errp)
{
    *l = (Logs){ { log_reader_new(path, errp) } };
    l->log[1] = l->log[0] ? log_reader_new(other, errp) : NULL;
    if (!l->log[1]) {
        log_reader_free(l->log[0]);
    }
    return l->log[1];
}

/* --- identities ------------------------------------------------------------------------ */

/* Lines of a that b has not. */
static void lines_missing(const char *a, const char *b, const char *mark,
                          GString *out)
{
    g_auto(GStrv) lines = g_strsplit(a, "\n", -1);
    g_auto(GStrv) others = g_strsplit(b, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (!g_strv_contains((const char *const *)others, *line)) {
            g_string_append_printf(out, "%s%s\n", mark, *line);
        }
    }
}

static char *compare_identities(const Logs *l)
{
    const char *a = log_reader_identity(l->log[0]);
    const char *b = log_reader_identity(l->log[1]);
    GString *out = g_string_new(NULL);
    lines_missing(a, b, "-", out);
    lines_missing(b, a, "+", out);
    return g_string_free(out, out->len == 0);
}

/* --- events ----------------------------------------------------------------------------- */

static bool same_event(const LogEvent *a, const LogEvent *b)
{
    return a->icount == b->icount && a->op == b->op && a->port == b->port &&
           a->aux == b->aux && a->len == b->len &&
           (!a->len || !memcmp(a->data, b->data, a->len));
}

/* One line, whose number of the port is explained. */
static char *event_text(const LogReader *r, LogNext state, const LogEvent *e)
{
    GString *out = g_string_new(NULL);
    if (state != LOG_NEXT_OK) {
        return g_string_free(g_string_append(out, "nothing more"), FALSE);
    }
    log_event_print(e, out);
    g_string_truncate(out, out->len - 1);
    g_autofree char *key = g_strdup_printf("\nport %u=", e->port);
    const char *at = strstr(log_reader_identity(r), key);
    if (at && e->op != LOG_WARP) {
        at += strlen(key);
        g_string_append_printf(out, " (%.*s)", (int)strcspn(at, "\n"), at);
    }
    return g_string_free(out, FALSE);
}

static bool compare_events(Logs *l, LogParting *out, Error **errp)
{
    LogCursor c[2] = { 0 };
    LogEvent e[2];
    LogNext state[2];
    do {
        for (unsigned i = 0; i < 2; i++) {
            e[i] = (LogEvent){ .icount = ICOUNT_NONE };
            state[i] = log_read_event(l->log[i], &c[i], &e[i], errp);
            if (state[i] == LOG_NEXT_ERROR) {
                return false;
            }
        }
        if (state[0] == LOG_NEXT_END && state[1] == LOG_NEXT_END) {
            return true;
        }
    } while (state[0] == state[1] && same_event(&e[0], &e[1]));
    out->event = event_text(l->log[0], state[0], &e[0]);
    out->other_event = event_text(l->log[1], state[1], &e[1]);
    out->event_icount = MIN(e[0].icount, e[1].icount);
    return true;
}

/* --- digests ---------------------------------------------------------------------------- */

/* The first icount at or after `from` where both have a digest. */
static Icount both_have(const Logs *l, Icount from)
{
    Icount a = log_reader_next_digest(l->log[0], from);
    Icount b = log_reader_next_digest(l->log[1], from);
    while (a != b && a != ICOUNT_NONE && b != ICOUNT_NONE) {
        if (a < b) {
            a = log_reader_next_digest(l->log[0], b);
        } else {
            b = log_reader_next_digest(l->log[1], a);
        }
    }
    return a == b ? a : ICOUNT_NONE;
}

static bool same_digest(Logs *l, Icount icount, bool *same, Error **errp)
{
    Digest d[2] = { 0 };
    bool ok = log_reader_digest(l->log[0], icount, &d[0], errp) &&
              log_reader_digest(l->log[1], icount, &d[1], errp);
    *same = ok && d[0].total == d[1].total;
    digest_clear(&d[0]);
    digest_clear(&d[1]);
    return ok;
}

static bool compare_digests(Logs *l, LogParting *out, Error **errp)
{
    Icount at = both_have(l, 0);
    while (at != ICOUNT_NONE) {
        bool same;
        if (!same_digest(l, at, &same, errp)) {
            return false;
        }
        if (!same) {
            out->differs = at;
            return true;
        }
        /* At an event's icount it has not happened yet. */
        if (at <= out->event_icount) {
            out->same = at;
        }
        at = both_have(l, at + 1);
    }
    return true;
}

/* --- both ------------------------------------------------------------------------------- */

bool replay_logs_compare(const char *path, const char *other, LogParting *out,
                         Error **errp)
{
    Logs l;
    *out = (LogParting){ .event_icount = ICOUNT_NONE, .same = ICOUNT_NONE,
                         .differs = ICOUNT_NONE };
    if (!logs_open(&l, path, other, errp)) {
        return false;
    }
    out->identity = compare_identities(&l);
    out->end = MIN(log_reader_end(l.log[0]), log_reader_end(l.log[1]));
    bool ok = compare_events(&l, out, errp) &&
              compare_digests(&l, out, errp);
    logs_close(&l);
    return ok;
}

void log_parting_clear(LogParting *p)
{
    g_free(p->identity);
    g_free(p->event);
    g_free(p->other_event);
}

bool replay_log_print_events(const char *path, Icount icount, GString *out,
                             Error **errp)
{
    LogReader *r = log_reader_new(path, errp);
    LogCursor c = { 0 };
    LogEvent e;
    LogNext state = LOG_NEXT_END;
    while (r && (state = log_read_event(r, &c, &e, errp)) == LOG_NEXT_OK &&
           e.icount <= icount) {
        if (e.icount == icount) {
            g_autofree char *text = event_text(r, state, &e);
            g_string_append_printf(out, "%s\n", text);
        }
    }
    bool ok = r && state != LOG_NEXT_ERROR;
    log_reader_free(r);
    return ok;
}

char *replay_log_snapshot(const char *path, Icount icount)
{
    LogReader *r = log_reader_new(path, NULL);
    const GPtrArray *marks = r ? log_reader_marks(r) : NULL;
    char *name = NULL;
    for (guint i = marks ? marks->len : 0; i-- > 0 && !name;) {
        const LogMark *mark = g_ptr_array_index(marks, i);
        if (mark->icount && mark->icount <= icount && mark->at_boundary) {
            name = g_strdup(mark->name);
        }
    }
    log_reader_free(r);
    return name;
}
