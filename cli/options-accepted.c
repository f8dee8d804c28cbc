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
    g_autoptr(GString) text = g_string_new("if=pflash,file=");
    for (const char *p = arg; *p; p++) {
        g_string_append_printf(text, *p == ',' ? ",," : "%c", *p);
    }
    char *kept = g_strdup(text->str);
    g_ptr_array_add(o->texts, kept);
    return options_take(o, "drive", kept, errp);
}
