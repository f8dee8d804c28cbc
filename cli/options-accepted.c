/*
 * Options of QEMU's that change little or nothing here and are taken for the
 * sake of the scripts that give them.
 */
#include "options.h"

bool opt_usb(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    error_warn("-usb: this machine has no USB; nothing is added");
    return true;
}

/* Who reads a log of several programs wants to know when. */
bool opt_msg(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    bool timestamp = true, guest_name = false;
    if (!keyval_bool(kv, "timestamp", &timestamp, errp) ||
        !keyval_bool(kv, "guest-name", &guest_name, errp)) {
        return false;
    }
    if (guest_name) {
        error_set(errp, "Parameter 'guest-name' can only be off");
        return false;
    }
    error_set_timestamps(timestamp);
    return true;
}

bool opt_overcommit(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    static const char *const keys[] = { "mem-lock", "cpu-pm" };
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        bool on = false;
        if (!keyval_bool(kv, keys[i], &on, errp)) {
            return false;
        }
        if (on) {
            error_set(errp, "Parameter '%s' can only be off", keys[i]);
            return false;
        }
    }
    return true;
}

bool opt_pflash(Options *o, const char *arg, KeyVal *unused, Error **errp)
{
    g_autoptr(GString) text = g_string_new("if=pflash");
    keyval_append(text, "file", arg);
    char *kept = g_strdup(text->str);
    g_ptr_array_add(o->texts, kept);
    return options_take(o, "drive", kept, errp);
}

/* --- descriptors that somebody else opened ------------------------------------- */

bool opt_add_fd(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    uint64_t fd = 0, set = 0;
    if (!keyval_has(kv, "fd") || !keyval_has(kv, "set")) {
        error_set(errp, "fd=FD and set=SET are needed");
        return false;
    }
    if (!keyval_number(kv, "fd", 3, INT32_MAX, &fd, errp) ||
        !keyval_number(kv, "set", 0, INT32_MAX, &set, errp)) {
        return false;
    }
    /* What it is is seen by who opens it; of several the first is taken. */
    if (!g_hash_table_contains(o->fdsets, keyval_get(kv, "set"))) {
        g_hash_table_insert(o->fdsets, (char *)keyval_get(kv, "set"),
                            (char *)keyval_get(kv, "fd"));
    }
    return true;
}

bool options_resolve_fdset(const Options *o, char **path, Error **errp)
{
    static const char prefix[] = "/dev/fdset/";
    if (!*path || !g_str_has_prefix(*path, prefix)) {
        return true;
    }
    const char *fd = g_hash_table_lookup(o->fdsets,
                                         *path + sizeof(prefix) - 1);
    if (!fd) {
        error_set(errp, "'%s': there is no such -add-fd before", *path);
        return false;
    }
    g_free(*path);
    *path = g_strdup_printf("/proc/self/fd/%s", fd);
    return true;
}
