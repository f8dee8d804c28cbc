/*
 * What machine a log is of: lines "key=value", written into its header and
 * compared when it is replayed. The roof says what the command line decided;
 * the rest is read off the machine that was built.
 */
#include "internal.h"

#define MOST_DIFFERENCES 6

static void add_section(void *opaque, const Section *s)
{
    g_string_append_printf(opaque, "section %s=%s version %u\n", s->name,
                           s->table->name, s->table->version);
}

GString *identity_text(Machine *m, const GString *extra)
{
    GString *out = g_string_new(extra ? extra->str : "");
    if (out->len && out->str[out->len - 1] != '\n') {
        g_string_append_c(out, '\n');
    }
    const GPtrArray *ports = nondet_ports(m);
    for (guint i = 0; i < ports->len; i++) {
        const NondetPort *p = g_ptr_array_index(ports, i);
        g_string_append_printf(out, "port %u=%s %s\n", i,
                               nondet_kind_name(p->kind), p->name);
    }
    const GPtrArray *blocks = ram_blocks(m);
    for (guint i = 0; i < blocks->len; i++) {
        const RamBlock *b = g_ptr_array_index(blocks, i);
        g_string_append_printf(out, "memory %s=%" G_GUINT64_FORMAT " bytes\n",
                               b->name, b->size_bytes);
    }
    machine_sections(m, add_section, out);
    return out;
}

/* Key to value; a key that comes twice gets a number, so that none is lost. */
static GHashTable *parse(const char *text)
{
    GHashTable *t = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                          g_free);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal,
                                                       g_free, NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        char *eq = strchr(*l, '=');
        if (!**l) {
            continue;
        }
        char *key = eq ? g_strndup(*l, eq - *l) : g_strdup(*l);
        unsigned n = GPOINTER_TO_UINT(g_hash_table_lookup(seen, key)) + 1;
        g_hash_table_insert(seen, g_strdup(key), GUINT_TO_POINTER(n));
        if (n > 1) {
            g_free(key);
            key = g_strdup_printf("%.*s #%u", (int)(eq ? eq - *l : 64), *l, n);
        }
        g_hash_table_insert(t, key, g_strdup(eq ? eq + 1 : ""));
    }
    return t;
}

static char *with_value(const char *key, const char *value)
{
    return value ? g_strdup_printf("%s=%s", key, value)
                 : g_strdup_printf("no %s", key);
}

/* Adds what differs for the keys of text that are in `a` ... and, for
 * only_missing, not in `b`. */
static unsigned differences(const char *text, GHashTable *recorded,
                            GHashTable *now, bool only_new, GString *out)
{
    unsigned count = 0;
    g_autoptr(GHashTable) keys = parse(text);
    g_autoptr(GList) sorted =
        g_list_sort(g_hash_table_get_keys(keys), (GCompareFunc)strcmp);
    for (GList *l = sorted; l; l = l->next) {
        const char *was = g_hash_table_lookup(recorded, l->data);
        const char *is = g_hash_table_lookup(now, l->data);
        if ((only_new && was) || g_strcmp0(was, is) == 0) {
            continue;
        }
        if (count++ < MOST_DIFFERENCES) {
            g_autofree char *a = with_value(l->data, was);
            g_autofree char *b = with_value(l->data, is);
            g_string_append_printf(out, "%srecorded with %s, started with %s",
                                   out->len ? "; " : "", a, b);
        }
    }
    return count;
}

bool identity_compare(const char *path, const char *recorded, const char *now,
                      Error **errp)
{
    if (g_str_equal(recorded, now)) {
        return true;
    }
    g_autoptr(GHashTable) a = parse(recorded);
    g_autoptr(GHashTable) b = parse(now);
    g_autoptr(GString) text = g_string_new(NULL);
    unsigned count = differences(recorded, a, b, false, text) +
                     differences(now, a, b, true, text);
    if (!count) {
        return true;       /* the same lines in another order */
    }
    error_set(errp, "'%s' is a recording of another machine: %s%s", path,
              text->str, count > MOST_DIFFERENCES ? "; and more" : "");
    return false;
}
