/*
 * Options from elsewhere: -readconfig takes them from a file, -set changes
 * another option.
 *
 * A file has sections and pairs, as QEMU's -writeconfig made them:
 *     [drive "d"]
 *       file = "disk.qcow2"
 */
#include <string.h>

#include "io/world.h"
#include "options.h"

/* --- -set ------------------------------------------------------------------- */

static void set_free(void *opaque)
{
    SetOption *s = opaque;
    g_strfreev(s->parts);
    g_free(s);
}

/* Before anything else is parsed: -set may stand behind what it changes. */
bool options_collect_sets(Options *o, int argc, char **argv, Error **errp)
{
    o->sets = g_ptr_array_new_with_free_func(set_free);
    for (int i = 1; i + 1 < argc; i++) {
        if (!g_str_equal(argv[i], "-set") && !g_str_equal(argv[i], "--set")) {
            continue;
        }
        SetOption *s = g_new0(SetOption, 1);
        g_ptr_array_add(o->sets, s);
        s->arg = argv[i + 1];
        s->parts = g_strsplit_set(s->arg, ".", 3);
        char *eq = g_strv_length(s->parts) == 3 ? strchr(s->parts[2], '=')
                                                : NULL;
        if (!eq) {
            error_set(errp, "-set %s: GROUP.ID.KEY=VALUE is expected", s->arg);
            return false;
        }
        *eq = 0;
        s->value = eq + 1;
    }
    return true;
}

char *options_apply_sets(Options *o, const char *group, const char *id,
                         const char *arg)
{
    g_autoptr(GString) out = g_string_new(arg);
    bool any = false;
    for (guint i = 0; id && i < o->sets->len; i++) {
        SetOption *s = g_ptr_array_index(o->sets, i);
        if (g_str_equal(s->parts[0], group) && g_str_equal(s->parts[1], id)) {
            keyval_append(out, s->parts[2], s->value);
            s->used = any = true;
        }
    }
    return any ? g_strdup(out->str) : NULL;
}

bool options_check_sets(const Options *o, Error **errp)
{
    for (guint i = 0; i < o->sets->len; i++) {
        const SetOption *s = g_ptr_array_index(o->sets, i);
        if (!s->used) {
            error_set(errp, "-set %s: there is no -%s with id=%s", s->arg,
                      s->parts[0], s->parts[1]);
            return false;
        }
    }
    return true;
}

bool opt_set(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    return true;
}

/* --- -readconfig ------------------------------------------------------------- */

typedef struct Config {
    Options *o;
    char *group;           /* of the section; NULL: before the first */
    GString *text;         /* its pairs as an option has them */
} Config;

/* Two groups are not called as their options are. */
static const char *option_of(const char *group)
{
    return g_str_equal(group, "memory") ? "m"
           : g_str_equal(group, "smp-opts") ? "smp" : group;
}

static bool section_end(Config *c, Error **errp)
{
    char *text = c->text->len ? g_strdup(c->text->str) : NULL;
    bool ok = true;
    if (c->group) {
        g_ptr_array_add(c->o->texts, text);
        ok = options_take(c->o, option_of(c->group), text ? text : "", errp);
    }
    g_clear_pointer(&c->group, g_free);
    g_string_truncate(c->text, 0);
    return ok;
}

/* "[group]" or "[group "id"]" */
static bool section_begin(Config *c, const char *line, Error **errp)
{
    g_autoptr(GMatchInfo) match = NULL;
    g_autoptr(GRegex) regex = g_regex_new(
        "^\\[\\s*([\\w-]+)(?:\\s+\"([^\"]+)\")?\\s*\\]$", 0, 0, NULL);
    if (!g_regex_match(regex, line, 0, &match)) {
        error_set(errp, "[GROUP] or [GROUP \"ID\"] is expected");
        return false;
    }
    c->group = g_match_info_fetch(match, 1);
    g_autofree char *id = g_match_info_fetch(match, 2);
    if (id && *id) {
        keyval_append(c->text, "id", id);
    }
    return true;
}

static bool pair(Config *c, const char *line, Error **errp)
{
    g_autoptr(GMatchInfo) match = NULL;
    g_autoptr(GRegex) regex = g_regex_new(
        "^([\\w.-]+)\\s*=\\s*\"([^\"]*)\"$", 0, 0, NULL);
    if (!c->group || !g_regex_match(regex, line, 0, &match)) {
        error_set(errp, c->group ? "KEY = \"VALUE\" is expected"
                                 : "a [GROUP] is expected first");
        return false;
    }
    g_autofree char *key = g_match_info_fetch(match, 1);
    g_autofree char *value = g_match_info_fetch(match, 2);
    keyval_append(c->text, key, value);
    return true;
}

static bool config_line(Config *c, char *line, Error **errp)
{
    g_strstrip(line);
    if (!*line || *line == '#') {
        return true;
    }
    if (*line == '[') {
        return section_end(c, errp) && section_begin(c, line, errp);
    }
    return pair(c, line, errp);
}

static bool config_lines(Config *c, char **lines, Error **errp)
{
    for (guint i = 0; lines[i]; i++) {
        if (!config_line(c, lines[i], errp)) {
            error_prepend(errp, "line %u: ", i + 1);
            return false;
        }
    }
    return section_end(c, errp);
}

bool opt_readconfig(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    GBytes *bytes = world_read_file(arg, errp);
    if (!bytes) {
        return false;
    }
    gsize len;
    const char *data = g_bytes_get_data(bytes, &len);
    g_autofree char *text = g_strndup(data ? data : "", len);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    Config c = { o, NULL, g_string_new(NULL) };
    bool ok = config_lines(&c, lines, errp);
    g_free(c.group);
    g_string_free(c.text, TRUE);
    g_bytes_unref(bytes);
    return ok;
}
