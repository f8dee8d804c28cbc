/*
 * Replays in processes of their own. See walk.h.
 */
#include "walk.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct Walk {
    GPid pid;
    int out, messages;         /* pipes; -1: closed */
    char **lines;              /* ORDER state-text (cli/state.c) */
    Icount stop, agreed;
    const char *divergence;
};

/* --- starting ------------------------------------------------------------------------- */

/* As a value in a list of keys. */
static char *doubled_commas(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    return g_strjoinv(",,", parts);
}

static char *icount_argument(const Options *o, const Way *way)
{
    GString *arg = g_string_new(o->icount.arg);
    if (way->log) {
        g_autofree char *log = doubled_commas(way->log);
        g_string_append_printf(arg, ",rrfile=%s", log);
    }
    if (way->snapshot) {
        g_autofree char *name = doubled_commas(way->snapshot);
        g_string_append_printf(arg, ",rrsnapshot=%s", name);
    }
    return g_string_free(arg, FALSE);
}

static void add(GPtrArray *argv, const char *option, char *value)
{
    g_ptr_array_add(argv, g_strdup(option));
    g_ptr_array_add(argv, value);
}

/* This program's words with others behind them, which win. */
static GPtrArray *walk_argv(const Options *o, const Way *way, char *state)
{
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
    for (const char *const *word = o->argv; *word; word++) {
        g_ptr_array_add(argv, g_strdup(*word));
    }
    add(argv, "-icount", icount_argument(o, way));
    if (way->accel) {
        add(argv, "-accel", g_strconcat("tcg,", way->accel, NULL));
    }
    /* Nobody would read a log before the walk has ended. */
    add(argv, "-D", g_strdup("/dev/null"));
    add(argv, "-replay-state", state);
    g_ptr_array_add(argv, NULL);
    return argv;
}

Walk *walk_start(const Options *o, const Way *way, Icount from, Icount to,
                 uint64_t step, const char *more, Error **errp)
{
    g_autoptr(GError) err = NULL;
    char *state = g_strdup_printf(
        "from=%" G_GUINT64_FORMAT ",to=%" G_GUINT64_FORMAT
        ",step=%" G_GUINT64_FORMAT "%s%s", from, to, step,
        way->checkpoint ? ",via=checkpoint" : "", more);
    g_autoptr(GPtrArray) argv = walk_argv(o, way, state);
    Walk *w = g_new0(Walk, 1);
    if (g_spawn_async_with_pipes(NULL, (char **)argv->pdata, NULL,
                                 G_SPAWN_SEARCH_PATH |
                                     G_SPAWN_DO_NOT_REAP_CHILD,
                                 NULL, NULL, &w->pid, NULL, &w->out,
                                 &w->messages, &err)) {
        return w;
    }
    error_set(errp, "could not run '%s': %s", o->argv[0], err->message);
    g_free(w);
    return NULL;
}

/* --- finishing ------------------------------------------------------------------------- */

/* All that comes from a pipe, which is closed. */
static char *read_all(int *fd)
{
    FILE *f = fdopen(*fd, "r");
    GString *text = g_string_new(NULL);
    char buf[4096];
    size_t n;
    *fd = -1;
    while (f && (n = fread(buf, 1, sizeof buf, f)) > 0) {
        g_string_append_len(text, buf, n);
    }
    if (f) {
        fclose(f);
    }
    return g_string_free(text, FALSE);
}

/* What follows a word at the start of a line, or NULL. */
static const char *behind(const char *line, const char *word)
{
    size_t n = strlen(word);
    return strncmp(line, word, n) ? NULL : line + n;
}

static Icount number(const char *text)
{
    return g_ascii_strtoull(text, NULL, 10);
}

bool walk_finish(Walk *w, Error **errp)
{
    g_autofree char *text = read_all(&w->out);
    g_autofree char *messages = read_all(&w->messages);
    bool stopped = false;
    waitpid(w->pid, NULL, 0);
    w->pid = 0;
    w->lines = g_strsplit(text, "\n", -1);
    for (char **line = w->lines; *line; line++) {
        const char *rest;
        if ((rest = behind(*line, "stop "))) {
            w->stop = number(rest);
            stopped = true;
        } else if ((rest = behind(*line, "agreed "))) {
            w->agreed = number(rest);
        } else if ((rest = behind(*line, "diverged "))) {
            w->divergence = rest;
        }
    }
    if (!stopped) {
        error_set(errp, "%s", *messages ? g_strchomp(messages)
                                        : "the replay died");
    }
    return stopped;
}

void walk_free(Walk *w)
{
    if (w) {
        if (w->pid) {
            /* It ends once nobody stops it from writing. */
            g_free(read_all(&w->out));
            g_free(read_all(&w->messages));
            waitpid(w->pid, NULL, 0);
        }
        g_strfreev(w->lines);
        g_free(w);
    }
}

/* --- what it saw ----------------------------------------------------------------------- */

static char **next_state(char **line)
{
    while (*line && !behind(*line, "state ")) {
        line++;
    }
    return line;
}

Icount walk_compare(const Walk *a, const Walk *b)
{
    char **x = next_state(a->lines), **y = next_state(b->lines);
    while (*x && *y && g_str_equal(*x, *y)) {
        x = next_state(x + 1);
        y = next_state(y + 1);
    }
    Icount at_x = *x ? number(behind(*x, "state ")) : ICOUNT_NONE;
    Icount at_y = *y ? number(behind(*y, "state ")) : ICOUNT_NONE;
    return MIN(at_x, at_y);
}

Icount walk_stop(const Walk *w)
{
    return w->stop;
}

Icount walk_agreed(const Walk *w)
{
    return w->agreed;
}

const char *walk_divergence(const Walk *w)
{
    return w->divergence;
}

static void add_field(GHashTable *fields, const char *line)
{
    const char *equals = strstr(line, " = ");
    const char *insn = behind(line, "insn ");
    if (insn) {
        g_hash_table_insert(fields, g_strdup("insn"), g_strdup(insn));
    } else if (equals) {
        g_hash_table_insert(fields, g_strndup(line, equals - line),
                            g_strdup(equals + 3));
    }
}

GHashTable *walk_fields(const Walk *w, Icount icount)
{
    char **line = next_state(w->lines);
    while (*line && number(behind(*line, "state ")) != icount) {
        line = next_state(line + 1);
    }
    if (!*line) {
        return NULL;
    }
    GHashTable *fields =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (line++; *line && !behind(*line, "state "); line++) {
        add_field(fields, *line);
    }
    return fields;
}
