/*
 * The table of device classes: finding one, and -device help. See
 * vm/device.h.
 */
#include "vm/device.h"

#include <string.h>

#include "vm/parts.h"

const DeviceClass *device_class_find(const MachineParts *parts,
                                     const char *name)
{
    for (const DeviceClass *const *c = parts->devices; *c; c++) {
        if (g_str_equal((*c)->name, name)) {
            return *c;
        }
    }
    return NULL;
}

static void help_category(const MachineParts *parts, const char *category,
                          GString *out)
{
    bool first = true;
    for (const DeviceClass *const *c = parts->devices; *c; c++) {
        if (!(*c)->user || g_strcmp0((*c)->category, category)) {
            continue;
        }
        if (first) {
            g_string_append_printf(out, "%s%s devices:\n", out->len ? "\n" : "",
                                   category);
            first = false;
        }
        g_string_append_printf(out, "name \"%s\"", (*c)->name);
        if ((*c)->bus) {
            g_string_append_printf(out, ", bus %s", (*c)->bus);
        }
        if ((*c)->desc) {
            g_string_append_printf(out, ", desc \"%s\"", (*c)->desc);
        }
        g_string_append_c(out, '\n');
    }
}

void device_help(const MachineParts *parts, GString *out)
{
    static const char *const categories[] = {
        "Controller/Bridge", "USB", "Storage", "Network", "Input", "Display",
        "Sound", "Misc", "CPU", "Watchdog",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(categories); i++) {
        help_category(parts, categories[i], out);
    }
}

static void help_props(const DeviceClass *cls, GString *out)
{
    /* ORDER prop-type (include/vm/device.h) */
    static const char *const types[] = { "str", "bool", "uint32", "uint64",
                                         "str", "str", "str", "str", "str",
                                         "str" };
    for (const PropDef *p = cls->props; p && p->name; p++) {
        g_string_append_printf(out, "  %s=<%s>%*s - %s", p->name,
                               types[p->type],
                               MAX(0, 18 - (int)strlen(p->name)), "", p->what);
        if (p->value) {
            g_string_append_printf(out, " (default: %s)", p->value);
        }
        g_string_append_c(out, '\n');
    }
}

bool device_help_props(const MachineParts *parts, const char *name,
                       GString *out, Error **errp)
{
    const DeviceClass *cls = device_class_find(parts, name);
    if (!cls || !cls->user) {
        error_set(errp, "'%s' is not a valid device model name", name);
        return false;
    }
    g_string_append_printf(out, "%s options:\n", name);
    help_props(cls, out);
    if (cls->inner) {
        help_props(cls->inner, out);
    }
    return true;
}
