/*
 * -object: one row of objects.def each.
 */
#include <stdio.h>
#include <string.h>

#include "options.h"

typedef bool ObjectFn(Options *o, const KeyVal *kv, Error **errp);

#define OBJECT(type, keys, handler, help) static ObjectFn handler;
OBJECT(,, object_filter_replay,)
OBJECT(,, object_memory_ram,)
OBJECT(,, object_memory_file,)
OBJECT(,, object_nothing,)
#undef OBJECT

typedef struct ObjectRow {
    const char *type, *keys;
    ObjectFn *handler;
    const char *help;
} ObjectRow;

static const ObjectRow rows[] = {
#define OBJECT(type, keys, handler, help) \
    { type, "qom-type* id " keys, handler, help },
#include "objects.def"
#undef OBJECT
};

const ProgramOption program_objects[] = { /* parts.c */
#define OBJECT(type, keys, handler, help) { type, keys },
#include "objects.def"
#undef OBJECT
    { NULL, NULL },
};

static bool object_nothing(Options *o, const KeyVal *kv, Error **errp)
{
    return true;
}

static bool object_filter_replay(Options *o, const KeyVal *kv, Error **errp)
{
    const char *netdev = keyval_get(kv, "netdev");
    if (!netdev) {
        error_set(errp, "filter-replay needs netdev=ID");
        return false;
    }
    g_ptr_array_add(o->filtered, (char *)netdev);
    return true;
}

static bool object_memory_ram(Options *o, const KeyVal *kv, Error **errp)
{
    uint64_t bytes = 0;
    const char *id = keyval_get(kv, "id");
    if (!id || !keyval_has(kv, "size")) {
        error_set(errp, "a memory backend needs id=ID and size=BYTES");
        return false;
    }
    if (!keyval_size(kv, "size", 1, &bytes, errp)) {
        return false;
    }
    g_hash_table_insert(o->memory_backends, (char *)id,
                        g_memdup2(&bytes, sizeof(bytes)));
    return true;
}

static bool object_memory_file(Options *o, const KeyVal *kv, Error **errp)
{
    error_set(errp, "guest memory is this process's own, so that its past can "
                    "be kept; use memory-backend-ram");
    return false;
}

static bool print_help(Options *o)
{
    printf("List of user creatable objects:\n");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        printf("  %-22s %s\n", rows[i].type, rows[i].help);
    }
    o->done = true;
    return true;
}

bool opt_object(Options *o, const char *arg, KeyVal *unused, Error **errp)
{
    g_autofree char *flat = *arg == '{' ? options_flatten_json(arg, errp)
                                        : g_strdup(arg);
    KeyVal *kv = flat ? keyval_parse(flat, "qom-type* id ...", errp) : NULL;
    if (!kv) {
        return false;
    }
    g_ptr_array_add(o->kept, kv);
    const char *type = keyval_get(kv, "qom-type");
    if (kv->help) {
        return print_help(o);
    }
    for (size_t i = 0; type && i < G_N_ELEMENTS(rows); i++) {
        if (g_str_equal(rows[i].type, type)) {
            return keyval_check(kv, rows[i].keys, errp) &&
                   rows[i].handler(o, kv, errp);
        }
    }
    error_set(errp, "object type '%s' is not supported; -object help lists "
              "those that are", type ? type : "");
    return false;
}
