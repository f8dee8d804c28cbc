/*
 * -blockdev: disks as nodes, the way libvirt describes them. A node of driver
 * "file" is an image file; one of driver "raw" or "qcow2" says how to read it,
 * naming it by file=NODE or describing it in place as file.filename=. What
 * remains is a drive that waits for a -device with drive=NODE.
 */
#include <jansson.h>
#include <string.h>

#include "options.h"

/* How the host keeps the file: nothing that a guest could see. */
#define HOST_KEYS "aio locking x-check-cache-dropped pr-manager " \
                  "cache.direct cache.no-flush"
#define NODE_KEYS "driver* node-name read-only auto-read-only force-share " \
                  "discard detect-zeroes " HOST_KEYS
static const char file_keys[] = NODE_KEYS " filename";
static const char format_keys[] =
    NODE_KEYS " backing file file.driver file.filename file.node-name "
    "file.read-only file.aio file.locking file.cache.direct "
    "file.cache.no-flush file.discard file.auto-read-only";

/* --- JSON ----------------------------------------------------------------------- */

/* {"a": {"b": 1}} becomes a.b=1. */
static bool flatten(GString *out, const char *prefix, json_t *o, Error **errp)
{
    const char *name;
    json_t *v;
    json_object_foreach(o, name, v) {
        g_autofree char *key = g_strconcat(prefix, name, NULL);
        if (json_is_object(v)) {
            g_autofree char *below = g_strconcat(key, ".", NULL);
            if (!flatten(out, below, v, errp)) {
                return false;
            }
        } else if (json_is_string(v)) {
            keyval_append(out, key, json_string_value(v));
        } else if (json_is_boolean(v)) {
            keyval_append(out, key, json_is_true(v) ? "on" : "off");
        } else if (json_is_integer(v)) {
            g_autofree char *number = g_strdup_printf(
                "%" JSON_INTEGER_FORMAT, json_integer_value(v));
            keyval_append(out, key, number);
        } else if (!json_is_null(v)) {
            error_set(errp, "Parameter '%s' takes no list", key);
            return false;
        }
    }
    return true;
}

char *options_flatten_json(const char *text, Error **errp)
{
    json_error_t err;
    json_t *o = json_loads(text, 0, &err);
    g_autoptr(GString) out = g_string_new(NULL);
    bool ok = json_is_object(o);
    if (!ok) {
        error_set(errp, "%s", o ? "a JSON object is expected" : err.text);
    }
    ok = ok && flatten(out, "", o, errp);
    json_decref(o);
    return ok ? g_strdup(out->str) : NULL;
}

/* --- nodes ------------------------------------------------------------------------- */

static int drive_index(const Options *o, const char *node)
{
    for (guint i = 0; i < o->drives->len; i++) {
        const DriveOption *d = g_ptr_array_index(o->drives, i);
        if (!g_strcmp0(d->id, node)) {
            return i;
        }
    }
    return -1;
}

/* Takes the file out of the node that a format node stands on. */
static bool take_file(Options *o, const char *node, const char **file,
                      Error **errp)
{
    int i = drive_index(o, node);
    DriveOption *d = i < 0 ? NULL : g_ptr_array_index(o->drives, i);
    if (!d || !d->plain_file) {
        error_set(errp, "there is no node '%s' of driver 'file' before this "
                  "one", node);
        return false;
    }
    *file = d->file;
    g_free(d->id);
    g_free(d);
    g_ptr_array_remove_index(o->drives, i);
    return true;
}

static bool find_file(Options *o, const KeyVal *kv, const char **file,
                      Error **errp)
{
    const char *driver = keyval_get(kv, "file.driver");
    const char *node = keyval_get(kv, "file");
    if (driver && !g_str_equal(driver, "file")) {
        error_set(errp, "Unknown driver '%s': images are files", driver);
        return false;
    }
    *file = keyval_get(kv, "file.filename");
    if (node ? *file != NULL : !*file) {
        error_set(errp, "a node needs either file=NODE or file.filename=FILE");
        return false;
    }
    return !node || take_file(o, node, file, errp);
}

static bool read_file(Options *o, const KeyVal *kv, const char **file,
                      Error **errp)
{
    *file = keyval_get(kv, "filename");
    if (!*file) {
        error_set(errp, "driver=file needs filename=");
    }
    return *file && keyval_check(kv, file_keys, errp);
}

static bool add_node(Options *o, const char *arg, const KeyVal *kv,
                     Error **errp)
{
    const char *driver = keyval_get(kv, "driver");
    const char *node = keyval_get(kv, "node-name");
    const char *file = NULL;
    bool readonly = false;
    if (!driver || !node) {
        error_set(errp, "a node needs driver= and node-name=");
        return false;
    }
    if (drive_index(o, node) >= 0) {
        error_set(errp, "Duplicate nodes with node-name='%s'", node);
        return false;
    }
    bool plain = g_str_equal(driver, "file");
    if (!plain && !g_str_equal(driver, "raw") &&
        !g_str_equal(driver, "qcow2")) {
        error_set(errp, "Unknown driver '%s'; there are file, raw and qcow2",
                  driver);
        return false;
    }
    if (!(plain ? read_file(o, kv, &file, errp)
                : keyval_check(kv, format_keys, errp) &&
                      find_file(o, kv, &file, errp)) ||
        !keyval_bool(kv, "read-only", &readonly, errp)) {
        return false;
    }
    DriveOption *d = g_new0(DriveOption, 1);
    d->arg = arg;
    d->id = g_strdup(node);
    d->file = file;
    /* -blockdev does not guess: a file is read as it is. */
    d->format = g_str_equal(driver, "qcow2") ? "qcow2" : "raw";
    d->plain_file = plain;
    d->if_none = true;
    d->index = -1;
    d->readonly = readonly ? ON : OFF;
    d->snapshot = UNSET;
    g_ptr_array_add(o->drives, d);
    return true;
}

bool opt_blockdev(Options *o, const char *arg, KeyVal *unused, Error **errp)
{
    g_autofree char *flat = *arg == '{' ? options_flatten_json(arg, errp)
                                        : g_strdup(arg);
    KeyVal *kv = flat ? keyval_parse(flat, "driver* ...", errp) : NULL;
    if (!kv) {
        return false;
    }
    g_ptr_array_add(o->kept, kv);
    return add_node(o, arg, kv, errp);
}
