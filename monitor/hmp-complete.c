/*
 * What the word at the end of a line of HMP may become: names of commands, and
 * for their first argument whatever each of them takes.
 */
#include <string.h>

#include "base/log.h"
#include "hmp.h"
#include "io/input.h"

typedef struct Completion {
    Hmp *h;
    const char *word;      /* what is there of it */
    GPtrArray *found;      /* char * */
} Completion;

static void offer(Completion *c, const char *name)
{
    if (g_str_has_prefix(name, c->word)) {
        g_ptr_array_add(c->found, g_strdup(name));
    }
}

static void complete_commands(Completion *c)
{
    const char *name;
    for (unsigned i = 0; (name = hmp_command_name(i)); i++) {
        offer(c, name);
    }
}

static void complete_info(Completion *c)
{
    const char *name;
    for (unsigned i = 0; (name = hmp_info_name(i)); i++) {
        offer(c, name);
    }
    const GPtrArray *more = c->h->ctx.machine->infos;
    for (guint i = 0; more && i < more->len; i++) {
        const MachineInfo *info = g_ptr_array_index(more, i);
        offer(c, info->name);
    }
}

/* Of "ctrl-alt-de", the last key. */
static void complete_keys(Completion *c)
{
    const char *dash = strrchr(c->word, '-');
    size_t kept = dash ? dash + 1 - c->word : 0;
    g_autofree char *before = g_strndup(c->word, kept);
    for (unsigned i = 1; i < input_key_count(); i++) {
        g_autofree char *whole = g_strconcat(before, input_key_word(i), NULL);
        offer(c, whole);
    }
}

static void complete_snapshots(Completion *c)
{
    Error *err = NULL;
    GPtrArray *list = snapshot_list(c->h->ctx.machine, &err);
    error_free(err);
    for (guint i = 0; list && i < list->len; i++) {
        const BlockSnapshot *s = g_ptr_array_index(list, i);
        offer(c, s->name);
        block_snapshot_free(g_ptr_array_index(list, i));
    }
    if (list) {
        g_ptr_array_free(list, TRUE);
    }
}

static void complete_bookmarks(Completion *c)
{
    const GArray *all = replay_bookmarks(c->h->ctx.replay);
    for (guint i = 0; all && i < all->len; i++) {
        offer(c, g_array_index(all, ReplayBookmark, i).name);
    }
}

static void complete_cpus(Completion *c)
{
    for (guint i = 0; i < c->h->ctx.machine->cpus->len; i++) {
        g_autofree char *number = g_strdup_printf("%u", i);
        offer(c, number);
    }
}

static void complete_log(Completion *c)
{
    const char *word;
    for (unsigned i = 0; (word = log_word_at(i)); i++) {
        offer(c, word);
    }
    offer(c, "all");
    offer(c, "none");
}

static void complete_chardevs(Completion *c)
{
    GHashTable *all = c->h->ctx.machine->config.chardevs;
    GHashTableIter iter;
    gpointer id;
    if (all) {
        g_hash_table_iter_init(&iter, all);
        while (g_hash_table_iter_next(&iter, &id, NULL)) {
            offer(c, id);
        }
    }
}

static void complete_watchdog(Completion *c)
{
    for (const char *const *w = qapi_WatchdogAction_words; *w; w++) {
        offer(c, *w);
    }
}

static void complete_gdbserver(Completion *c)
{
    offer(c, "none");
    offer(c, "tcp::1234");
}

static const struct {
    const char *command;
    void (*complete)(Completion *c);
} arguments[] = {
    { "help", complete_commands }, { "?", complete_commands },
    { "info", complete_info },
    { "sendkey", complete_keys },
    { "loadvm", complete_snapshots }, { "delvm", complete_snapshots },
    { "replay_seek", complete_bookmarks },
    { "replay_delete_bookmark", complete_bookmarks },
    { "cpu", complete_cpus },
    { "chardev-remove", complete_chardevs },
    { "ringbuf_read", complete_chardevs },
    { "ringbuf_write", complete_chardevs },
    { "watchdog_action", complete_watchdog },
    { "gdbserver", complete_gdbserver },
    { "log", complete_log },
};

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *hmp_complete(Hmp *h, const char *line, size_t *word_at)
{
    const char *first = line + strspn(line, " ");
    size_t len = strcspn(first, " ");
    const char *word = first + len + strspn(first + len, " ");
    Completion c = { h, word, g_ptr_array_new_with_free_func(g_free) };
    g_autofree char *command = g_strndup(first, len);
    *word_at = word - line;
    if (!first[len]) {
        c.word = first;
        *word_at = first - line;
        complete_commands(&c);
    } else if (!strchr(word, ' ')) {
        for (size_t i = 0; i < G_N_ELEMENTS(arguments); i++) {
            if (g_str_equal(arguments[i].command, command)) {
                arguments[i].complete(&c);
            }
        }
    }
    g_ptr_array_sort(c.found, by_name);
    return c.found;
}
