/*
 * -global: a property for every device of a kind on this command line that does
 * not say it itself: those of -device, and those that -drive, -nic, -net and
 * -virtfs make. What the board makes has its properties from -machine.
 */
#include "options.h"

#include <string.h>

/* What the three words are, in either form of the option. */
typedef struct GlobalOption {
    char *arg;                 /* as it was given */
    char *driver, *property, *value;
} GlobalOption;

static void global_free(void *opaque)
{
    GlobalOption *g = opaque;
    g_free(g->arg);
    g_free(g->driver);
    g_free(g->property);
    g_free(g->value);
    g_free(g);
}

/* "DRIVER.PROPERTY=VALUE"; false: it has not that form. */
static bool take_short(GlobalOption *g, const char *arg)
{
    const char *eq = strchr(arg, '=');
    const char *dot = strchr(arg, '.');
    if (!eq || !dot || dot > eq || dot == arg || eq == dot + 1) {
        return false;
    }
    g->driver = g_strndup(arg, dot - arg);
    g->property = g_strndup(dot + 1, eq - dot - 1);
    g->value = g_strdup(eq + 1);
    return true;
}

static bool take_long(GlobalOption *g, const char *arg, Error **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(arg, "driver property value", errp);
    if (!kv) {
        return false;
    }
    g->driver = g_strdup(keyval_get(kv, "driver"));
    g->property = g_strdup(keyval_get(kv, "property"));
    g->value = g_strdup(keyval_get(kv, "value"));
    if (!g->driver || !g->property || !g->value) {
        error_set(errp, "DRIVER.PROPERTY=VALUE, or driver=, property= and "
                        "value= are expected");
    }
    return g->driver && g->property && g->value;
}

bool opt_global(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    GlobalOption *g = g_new0(GlobalOption, 1);
    g->arg = g_strdup(arg);
    if (!o->globals) {
        o->globals = g_ptr_array_new_with_free_func(global_free);
    }
    g_ptr_array_add(o->globals, g);
    return take_short(g, arg) || take_long(g, arg, errp);
}

static bool has_property(const DeviceClass *cls, const char *name)
{
    for (const PropDef *p = cls->props; p && p->name; p++) {
        if (g_str_equal(p->name, name)) {
            return true;
        }
    }
    return false;
}

/* False with an error if there can be no device that it is about. */
static bool global_check(const GlobalOption *g, const DeviceClass *cls,
                         Error **errp)
{
    if (!cls) {
        error_set(errp, "-global %s: there is no device '%s'", g->arg,
                  g->driver);
    } else if (!cls->user) {
        error_set(errp, "-global %s: '%s' is the board's, whose properties "
                  "-machine has", g->arg, g->driver);
    } else if (!has_property(cls, g->property)) {
        error_set(errp, "-global %s: '%s' has no property '%s'", g->arg,
                  g->driver, g->property);
        cls = NULL;
    }
    return cls && cls->user;
}

static bool says_itself(const DeviceConfig *d, const char *property)
{
    for (guint i = 0; i < d->props->len; i += 2) {
        if (g_str_equal(g_ptr_array_index(d->props, i), property)) {
            return true;
        }
    }
    return false;
}

static void global_apply(const Options *o, const GlobalOption *g,
                         const DeviceClass *cls)
{
    bool any = false;
    for (guint i = 0; i < o->devices->len; i++) {
        DeviceConfig *d = g_ptr_array_index(o->devices, i);
        if (device_class_find(&program_parts, d->driver) != cls) {
            continue;
        }
        any = true;
        if (!says_itself(d, g->property)) {
            g_ptr_array_add(d->props, g_strdup(g->property));
            g_ptr_array_add(d->props, g_strdup(g->value));
        }
    }
    if (!any) {
        error_warn("-global %s: there is no such device on this command line",
                   g->arg);
    }
}

bool options_apply_globals(Options *o, Error **errp)
{
    /* The last one that speaks of a property counts. */
    for (guint i = o->globals ? o->globals->len : 0; i-- > 0;) {
        const GlobalOption *g = g_ptr_array_index(o->globals, i);
        const DeviceClass *cls = device_class_find(&program_parts, g->driver);
        if (!global_check(g, cls, errp)) {
            return false;
        }
        global_apply(o, g, cls);
    }
    return true;
}
