/*
 * Names of images: a path, a path with "file:" before it, or a set of options
 * as JSON or as KEY=VALUE. Both become one flat table of dotted keys, which is
 * then used up: a key that is left is an error.
 *
 * Images are files of this host. What QEMU would reach by a network or make up
 * is refused by its name, so that nobody gets a file called "nbd:…" instead.
 */
#include <jansson.h>
#include <string.h>

#include "name.h"

/* Protocols and made-up disks of QEMU. */
static const char *const elsewhere[] = {
    "blkdebug", "blklogwrites", "blkreplay", "blkverify", "compress",
    "copy-before-write", "copy-on-read", "curl", "fat", "ftp", "ftps",
    "gluster", "host_cdrom", "http", "https", "iscsi", "iser", "nbd",
    "nbd+tcp", "nbd+unix", "nfs", "null-aero", "null-aio", "null-co", "nvme",
    "preallocate", "quorum", "rbd", "replication", "ssh", "throttle",
    "vhost-user-blk", "vvfat",
};

/* Options that other programs know and that change nothing here: how much is
 * cached and what is looked for twice. */
static const char *const harmless[] = {
    "aio", "auto-read-only", "cache-clean-interval", "cache-size",
    "cache.direct", "cache.no-flush", "cache.writeback", "detect-zeroes",
    "discard", "drop-cache", "l2-cache-entry-size", "l2-cache-size",
    "lazy-refcounts", "locking", "node-name", "overlap-check",
    "pass-discard-other", "pass-discard-request", "pass-discard-snapshot",
    "refcount-cache-size", "x-check-cache-dropped",
};

static bool is_one_of(const char *word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(word, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool refuse_driver(const char *driver, Error **errp)
{
    error_set(errp, "Driver '%s' is not supported: images are files of this "
              "host", driver);
    return false;
}

/* --- to a flat table ---------------------------------------------------- */

static bool flatten(GHashTable *out, const char *prefix, json_t *o,
                    Error **errp)
{
    const char *key;
    json_t *value;
    json_object_foreach(o, key, value) {
        g_autofree char *path = g_strconcat(prefix, *prefix ? "." : "", key,
                                            NULL);
        char *text;
        if (json_is_object(value)) {
            if (!flatten(out, path, value, errp)) {
                return false;
            }
            continue;
        }
        text = json_is_string(value) ? g_strdup(json_string_value(value)) :
               json_is_integer(value) ?
                   g_strdup_printf("%" JSON_INTEGER_FORMAT,
                                   json_integer_value(value)) :
               json_is_boolean(value) ?
                   g_strdup(json_is_true(value) ? "on" : "off") :
               json_is_null(value) ? g_strdup("") : NULL;
        if (!text) {
            error_set(errp, "Parameter '%s' is neither text, number, boolean "
                      "nor an object", path);
            return false;
        }
        g_hash_table_insert(out, g_steal_pointer(&path), text);
    }
    return true;
}

static bool table_from_json(GHashTable *out, const char *text, Error **errp)
{
    json_error_t why;
    json_t *o = json_loads(text, 0, &why);
    bool ok = o && json_is_object(o);
    if (!ok) {
        error_set(errp, "Could not parse the JSON options: %s",
                  o ? "not an object" : why.text);
    }
    ok = ok && flatten(out, "", o, errp);
    json_decref(o);
    return ok;
}

/* "key=value,key=value"; a doubled comma stands for one. */
static bool table_from_options(GHashTable *out, const char *text, Error **errp)
{
    while (*text) {
        size_t len = strcspn(text, "=,");
        if (text[len] != '=' || len == 0) {
            error_set(errp, "Expected '=' after parameter '%.*s'", (int)len,
                      text);
            return false;
        }
        g_autofree char *key = g_strndup(text, len);
        GString *value = g_string_new(NULL);
        for (text += len + 1; *text && (*text != ',' || text[1] == ',');
             text++) {
            text += *text == ',';
            g_string_append_c(value, *text);
        }
        text += *text == ',';
        g_hash_table_insert(out, g_steal_pointer(&key),
                            g_string_free(value, FALSE));
    }
    return true;
}

/* --- from the table ----------------------------------------------------- */

/* The value of a key, which is then gone from the table; NULL: not there. */
static char *take(GHashTable *t, const char *key)
{
    void *old_key, *value = NULL;
    if (g_hash_table_steal_extended(t, key, &old_key, &value)) {
        g_free(old_key);
    }
    return value;
}

/* The keys below "PREFIX." as a table of their own; NULL: there are none. */
static GHashTable *take_below(GHashTable *t, const char *prefix)
{
    GHashTable *sub = NULL;
    g_autofree char *start = g_strconcat(prefix, ".", NULL);
    g_autoptr(GList) keys = g_hash_table_get_keys(t);
    for (GList *k = keys; k; k = k->next) {
        if (!g_str_has_prefix(k->data, start)) {
            continue;
        }
        sub = sub ? sub : g_hash_table_new_full(g_str_hash, g_str_equal,
                                                g_free, g_free);
        char *below = g_strdup((char *)k->data + strlen(start));
        g_hash_table_insert(sub, below, take(t, k->data));
    }
    return sub;
}

static bool take_bool(GHashTable *t, const char *key, bool *value,
                      Error **errp)
{
    g_autofree char *text = take(t, key);
    if (text) {
        *value = strcmp(text, "on") == 0;
        if (!*value && strcmp(text, "off") != 0) {
            error_set(errp, "Parameter '%s' expects 'on' or 'off'", key);
            return false;
        }
    }
    return true;
}

static bool take_number(GHashTable *t, const char *key, uint64_t *value,
                        Error **errp)
{
    g_autofree char *text = take(t, key);
    if (text && (!g_ascii_string_to_unsigned(text, 10, 0, INT64_MAX, value,
                                             NULL))) {
        error_set(errp, "Parameter '%s' expects a number of bytes", key);
        return false;
    }
    return true;
}

static bool table_used_up(GHashTable *t, const char *where, Error **errp)
{
    GHashTableIter i;
    void *key;
    g_hash_table_iter_init(&i, t);
    while (g_hash_table_iter_next(&i, &key, NULL)) {
        if (!is_one_of(key, harmless, G_N_ELEMENTS(harmless)) &&
            !g_str_has_prefix(key, "overlap-check.")) {
            error_set(errp, "%s option '%s' is not supported", where,
                      (char *)key);
            return false;
        }
    }
    return true;
}

/* What is below "file": a file of the host, perhaps behind a raw layer. */
static bool take_file(GHashTable *t, ImageName *name, Error **errp)
{
    g_autofree char *driver = take(t, "driver");
    char *file = take(t, "filename");
    g_free(name->file);
    name->file = file;
    if (driver && strcmp(driver, "raw") == 0 && !file) {
        g_autoptr(GHashTable) below = take_below(t, "file");
        return below && take_file(below, name, errp) &&
               table_used_up(t, "Raw", errp);
    }
    if (driver && strcmp(driver, "file") != 0 &&
        strcmp(driver, "host_device") != 0) {
        return refuse_driver(driver, errp);
    }
    return table_used_up(t, "File", errp);
}

/* The image below, as a name again. */
static bool take_backing(GHashTable *t, ImageName *name, Error **errp)
{
    g_autofree char *plain = take(t, "backing");
    g_autoptr(GHashTable) below = take_below(t, "backing");
    name->no_backing = plain && !*plain;
    if (plain && *plain) {
        error_set(errp, "Parameter 'backing' names a node ('%s'); give its "
                  "options", plain);
        return false;
    }
    if (below) {
        json_t *o = json_object();
        GHashTableIter i;
        void *key, *value;
        g_hash_table_iter_init(&i, below);
        while (g_hash_table_iter_next(&i, &key, &value)) {
            json_object_set_new(o, key, json_string(value));
        }
        char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
        name->backing = g_strconcat("json:", text, NULL);
        free(text);
        json_decref(o);
    }
    return true;
}

static bool take_data_file(GHashTable *t, ImageName *name, Error **errp)
{
    g_autoptr(GHashTable) below = take_below(t, "data-file");
    ImageName data = { 0 };
    bool ok = !below || take_file(below, &data, errp);
    name->data_file = g_steal_pointer(&data.file);
    image_name_clear(&data);
    return ok;
}

static bool table_read(GHashTable *t, ImageName *name, Error **errp)
{
    name->format = take(t, "driver");
    name->format = name->format ? name->format : take(t, "format");
    name->file = take(t, "filename");
    if (name->format && is_one_of(name->format, elsewhere,
                                  G_N_ELEMENTS(elsewhere))) {
        return refuse_driver(name->format, errp);
    }
    g_autoptr(GHashTable) file = take_below(t, "file");
    if (file && !take_file(file, name, errp)) {
        return false;
    }
    /* A file without a format above it is the disk's bytes. */
    if (name->format && (strcmp(name->format, "file") == 0 ||
                         strcmp(name->format, "host_device") == 0)) {
        g_free(name->format);
        name->format = g_strdup("raw");
    }
    if (!name->file || !*name->file) {
        error_set(errp, "A block device must be specified for \"file\"");
        return false;
    }
    return take_backing(t, name, errp) && take_data_file(t, name, errp) &&
           take_bool(t, "force-share", &name->share, errp) &&
           take_bool(t, "read-only", &name->readonly, errp) &&
           take_number(t, "offset", &name->offset, errp) &&
           take_number(t, "size", &name->size_bytes, errp) &&
           table_used_up(t, "Image", errp);
}

/* --- names -------------------------------------------------------------- */

/* A word and a colon, with no slash before it. */
static bool refuse_protocol(const char *text, Error **errp)
{
    size_t len = strcspn(text, ":/");
    if (text[len] != ':') {
        return true;
    }
    g_autofree char *protocol = g_strndup(text, len);
    if (is_one_of(protocol, elsewhere, G_N_ELEMENTS(elsewhere))) {
        error_set(errp, "Protocol '%s' is not supported: images are files of "
                  "this host", protocol);
    } else {
        error_set(errp, "Unknown protocol '%s'", protocol);
    }
    return false;
}

bool image_name_parse(const char *text, bool options, ImageName *name,
                      Error **errp)
{
    static const char json[] = "json:", file[] = "file:";
    bool is_json = !options && g_str_has_prefix(text, json);
    *name = (ImageName) { 0 };
    if (!options && !is_json) {
        bool prefixed = g_str_has_prefix(text, file);
        name->file = g_strdup(text + (prefixed ? strlen(file) : 0));
        return prefixed || refuse_protocol(text, errp);
    }
    g_autoptr(GHashTable) t = g_hash_table_new_full(g_str_hash, g_str_equal,
                                                    g_free, g_free);
    return (is_json ? table_from_json(t, text + strlen(json), errp)
                    : table_from_options(t, text, errp)) &&
           table_read(t, name, errp);
}

void image_name_clear(ImageName *name)
{
    g_free(name->file);
    g_free(name->format);
    g_free(name->backing);
    g_free(name->data_file);
    *name = (ImageName) { 0 };
}
