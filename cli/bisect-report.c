/*
 * What -replay-bisect says of the first instruction whose effect differs.
 */
#include "walk.h"

#include <stdio.h>
#include <string.h>

#include "svc/verify.h"

#define MOST_FIELDS 64u        /* worth showing */
#define MOST_PAGES  8u
#define MOST_BYTES  32u        /* lines of eight */

typedef struct Pair {
    const Options *o;
    const Way *way[2];
    Icount first;
} Pair;

typedef GHashTable *Fields[2];

/* --- walking ------------------------------------------------------------------------- */

/* The last icount where they are the same, if there is one. */
static Icount before(const Pair *p)
{
    return p->first ? p->first - 1 : 0;
}

/* Both ways from there to the first other state. */
static bool walk_both(const Pair *p, const char *more, Walk *w[2],
                      Error **errp)
{
    for (unsigned i = 0; i < 2; i++) {
        w[i] = walk_start(p->o, p->way[i], before(p), p->first, 1, more,
                          errp);
        if (!w[i]) {
            return false;
        }
    }
    return walk_finish(w[0], errp) && walk_finish(w[1], errp);
}

/* --- differences ----------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names that begin so and whose values differ, in order; what is not there is
 * zero. */
static GPtrArray *differing(Fields f, const char *prefix)
{
    GPtrArray *names = g_ptr_array_new();
    for (unsigned i = 0; i < 2; i++) {
        GHashTableIter iter;
        void *name, *value;
        g_hash_table_iter_init(&iter, f[i]);
        while (g_hash_table_iter_next(&iter, &name, &value)) {
            const char *other = g_hash_table_lookup(f[!i], name);
            bool same = other ? g_str_equal(other, value) : false;
            if (!same && !(i && other) && g_str_has_prefix(name, prefix)) {
                g_ptr_array_add(names, name);
            }
        }
    }
    g_ptr_array_sort(names, by_name);
    return names;
}

static const char *value_of(GHashTable *fields, const char *name)
{
    const char *value = g_hash_table_lookup(fields, name);
    return value ? value : "0";
}

static void print_values(Fields f, GPtrArray *names, guint most)
{
    for (guint i = 0; i < MIN(names->len, most); i++) {
        const char *name = g_ptr_array_index(names, i);
        printf("    %s: %s | %s\n", name, value_of(f[0], name),
               value_of(f[1], name));
    }
    if (names->len > most) {
        printf("    ... and %u more\n", names->len - most);
    }
}

static bool is_memory(const char *name)
{
    return g_str_has_prefix(name, "ram ");
}

/* The differing pages' differing bytes. */
static bool print_bytes(const Pair *p, Fields f, Error **errp)
{
    g_autoptr(GPtrArray) pages = differing(f, "ram ");
    g_autoptr(GString) more = g_string_new(",page=");
    Walk *w[2] = { NULL, NULL };
    if (!pages->len) {
        return true;
    }
    for (guint i = 0; i < MIN(pages->len, MOST_PAGES); i++) {
        const char *name = g_ptr_array_index(pages, i);
        g_string_append_printf(more, "%s%s", i ? ":" : "",
                               name + strlen("ram "));
    }
    printf("  pages of RAM that differ: %u\n", pages->len);
    bool ok = walk_both(p, more->str, w, errp);
    if (ok) {
        Fields bytes = { walk_fields(w[0], p->first),
                         walk_fields(w[1], p->first) };
        g_autoptr(GPtrArray) names = differing(bytes, "bytes ");
        print_values(bytes, names, MOST_BYTES);
        g_hash_table_unref(bytes[0]);
        g_hash_table_unref(bytes[1]);
    }
    walk_free(w[0]);
    walk_free(w[1]);
    return ok;
}

static bool print_differences(const Pair *p, Fields f, Error **errp)
{
    g_autoptr(GPtrArray) all = differing(f, "");
    g_autoptr(GPtrArray) fields = g_ptr_array_new();
    for (guint i = 0; i < all->len; i++) {
        if (!is_memory(g_ptr_array_index(all, i)) &&
            !g_str_equal(g_ptr_array_index(all, i), "insn")) {
            g_ptr_array_add(fields, g_ptr_array_index(all, i));
        }
    }
    printf("  %s (%s | %s):\n", p->first ? "after it" : "there", p->way[0]->name, p->way[1]->name);
    print_values(f, fields, MOST_FIELDS);
    return print_bytes(p, f, errp);
}

/* --- before ---------------------------------------------------------------------------- */

static bool print_events(const Pair *p, Error **errp)
{
    for (unsigned i = 0; i < 2; i++) {
        const char *log = p->way[i]->log;
        g_autoptr(GString) text = g_string_new(NULL);
        if (i && !log) {
            break;             /* the same */
        }
        log = log ? log : p->o->icount.rrfile;
        if (!replay_log_print_events(log, before(p), text, errp)) {
            return false;
        }
        g_auto(GStrv) lines = g_strsplit(g_strchomp(text->str), "\n", -1);
        for (char **line = lines; *line; line++) {
            printf("  input in %s: %s\n", log, *line);
        }
    }
    return true;
}

static void print_insn(const char *what, Walk *const w[2], Icount icount)
{
    for (unsigned i = 0; i < 2; i++) {
        GHashTable *f = walk_fields(w[i], icount);
        const char *insn = f ? g_hash_table_lookup(f, "insn") : NULL;
        if (insn) {
            printf("  %s %s\n", what, insn);
            i = 1;
        }
        if (f) {
            g_hash_table_unref(f);
        }
    }
}

/* --- all ------------------------------------------------------------------------------- */

/* One of them did not get there. */
static void print_stopped(const Pair *p, Walk *const w[2], Fields f)
{
    for (unsigned i = 0; i < 2; i++) {
        const char *why = walk_divergence(w[i]);
        if (!f[i]) {
            printf("  %s ends at icount %" G_GUINT64_FORMAT ": %s\n",
                   p->way[i]->name, walk_stop(w[i]),
                   why ? why : "the recording ends");
        }
    }
}

static void print_place(const Pair *p, Walk *const w[2])
{
    if (!p->first) {
        printf("  the states differ from the start\n");
        return;
    }
    printf("  the states are the same until icount %" G_GUINT64_FORMAT
           " and differ at icount %" G_GUINT64_FORMAT "\n", before(p),
           p->first);
    print_insn("the instruction between (unless an interrupt came):", w,
               before(p));
}

static bool print_first(const Pair *p, Walk *const w[2], Error **errp)
{
    Fields f = { walk_fields(w[0], p->first), walk_fields(w[1], p->first) };
    bool ok = true;
    print_place(p, w);
    ok = print_events(p, errp);
    if (ok && f[0] && f[1]) {
        ok = print_differences(p, f, errp);
    } else if (ok) {
        print_stopped(p, w, f);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (f[i]) {
            g_hash_table_unref(f[i]);
        }
    }
    return ok;
}

bool bisect_print(const Options *o, const Way *a, const Way *b, Icount first,
                  Error **errp)
{
    Pair p = { o, { a, b }, first };
    Walk *w[2] = { NULL, NULL };
    bool ok = walk_both(&p, ",whole=on", w, errp) &&
              print_first(&p, w, errp);
    walk_free(w[0]);
    walk_free(w[1]);
    return ok;
}
