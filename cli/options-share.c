/*
 * Options about folders that the guest shares: -fsdev and -virtfs.
 */
#include "options.h"

#include "io/share-open.h"

#define FSDEV_KEYS "fsdriver* id path security_model readonly fmode dmode " \
                   "writeout multidevs"

void share_option_free(ShareOption *s)
{
    g_free(s->id);
    g_free(s);
}

static bool driver_good(const KeyVal *kv, Error **errp)
{
    const char *driver = keyval_get(kv, "fsdriver");
    if (g_strcmp0(driver, "local")) {
        error_set(errp, "'%s' is not supported as a file system: 'local' is",
                  driver ? driver : "");
        return false;
    }
    return true;
}

static bool take_model(ShareOption *s, const KeyVal *kv, Error **errp)
{
    static const struct {
        const char *word;
        ShareModel model;
    } models[] = {
        { "none", SHARE_NONE },
        { "passthrough", SHARE_PASSTHROUGH },
        { "mapped-xattr", SHARE_MAPPED },
        { "mapped", SHARE_MAPPED },
    };
    const char *word = keyval_get(kv, "security_model");
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        if (!g_strcmp0(word, models[i].word)) {
            s->model = models[i].model;
            return true;
        }
    }
    error_set(errp, "security_model=%s: it is none, passthrough or "
              "mapped-xattr", word ? word : "");
    return false;
}

/* Permissions, in octal. */
static bool take_mode(const KeyVal *kv, const char *key, unsigned *out,
                      Error **errp)
{
    const char *text = keyval_get(kv, key);
    guint64 mode;
    if (!text) {
        return true;
    }
    if (!g_ascii_string_to_unsigned(text, 8, 0, 0777, &mode, NULL)) {
        error_set(errp, "%s=%s is not a mode, as 0644 is", key, text);
        return false;
    }
    *out = mode;
    return true;
}

/* A request is written when it is answered: there is nothing to be written out
 * sooner; and files of several file systems are told apart. */
static bool check_accepted(const KeyVal *kv, Error **errp)
{
    static const char *const writeouts[] = { "immediate", NULL };
    static const char *const several[] = { "remap", "warn", NULL };
    unsigned ignored;
    return keyval_word(kv, "writeout", writeouts, &ignored, errp) &&
           keyval_word(kv, "multidevs", several, &ignored, errp);
}

static bool share_add(Options *o, const KeyVal *kv, const char *id,
                      Error **errp)
{
    ShareOption *s = g_new0(ShareOption, 1);
    g_ptr_array_add(o->shares, s);
    s->id = g_strdup(id);
    s->path = keyval_get(kv, "path");
    s->file_mode = 0600;
    s->folder_mode = 0700;
    if (!s->path) {
        error_set(errp, "Parameter 'path' is missing");
        return false;
    }
    return driver_good(kv, errp) && take_model(s, kv, errp) &&
           take_mode(kv, "fmode", &s->file_mode, errp) &&
           take_mode(kv, "dmode", &s->folder_mode, errp) &&
           keyval_bool(kv, "readonly", &s->readonly, errp) &&
           check_accepted(kv, errp);
}

bool opt_fsdev(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    const char *id = keyval_get(kv, "id");
    if (!keyval_check(kv, FSDEV_KEYS, errp)) {
        return false;
    }
    if (!id) {
        error_set(errp, "Parameter 'id' is missing");
        return false;
    }
    return share_add(o, kv, id, errp);
}

static void add_device(Options *o, const char *id, const char *tag)
{
    const char *const props[] = { "fsdev", id, "mount_tag", tag };
    DeviceConfig *d = g_new0(DeviceConfig, 1);
    d->driver = g_strdup("virtio-9p-pci");
    d->props = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < G_N_ELEMENTS(props); i++) {
        g_ptr_array_add(d->props, g_strdup(props[i]));
    }
    g_ptr_array_add(o->devices, d);
}

bool opt_virtfs(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    const char *tag = keyval_get(kv, "mount_tag");
    if (!keyval_check(kv, FSDEV_KEYS " mount_tag", errp)) {
        return false;
    }
    if (!tag) {
        error_set(errp, "Parameter 'mount_tag' is missing");
        return false;
    }
    g_autofree char *id = keyval_has(kv, "id")
                              ? g_strdup(keyval_get(kv, "id"))
                              : g_strdup(tag);
    add_device(o, id, tag);
    return share_add(o, kv, id, errp);
}
