/*
 * The boot ROMs of devices: files that properties name, read here because
 * nothing below the roof opens a file.
 */
#include "program.h"

static const char *config_value(const DeviceConfig *d, const char *name)
{
    const char *value = NULL;
    for (guint i = 0; i + 1 < d->props->len; i += 2) {
        if (g_str_equal(g_ptr_array_index(d->props, i), name)) {
            value = g_ptr_array_index(d->props, i + 1);
        }
    }
    return value;
}

/* One that was not asked for may be missing. */
static bool load_rom(Program *p, const char *name, bool asked, Error **errp)
{
    GHashTable *roms = p->m->config.roms;
    Error *err = NULL;
    if (!name || !*name || g_hash_table_contains(roms, name)) {
        return true;
    }
    g_autofree char *path = world_find_firmware(p->opts.firmware_dirs, name);
    if (!path) {
        if (asked) {
            error_set(errp, "romfile=%s: not found", name);
        }
        return !asked;
    }
    GBytes *bytes = world_read_file(path, &err);
    if (!bytes) {
        error_prepend(&err, "romfile=%s: ", name);
        error_propagate(errp, err);
        return false;
    }
    g_hash_table_insert(roms, g_strdup(name), bytes);
    return true;
}

bool program_load_roms(Program *p, Error **errp)
{
    p->m->config.roms =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                              (GDestroyNotify)g_bytes_unref);
    for (unsigned i = 0; i < p->opts.devices->len; i++) {
        const DeviceConfig *d = g_ptr_array_index(p->opts.devices, i);
        const DeviceClass *cls = device_class_find(&program_parts, d->driver);
        for (const PropDef *prop = cls ? cls->props : NULL;
             prop && prop->name; prop++) {
            const char *asked = config_value(d, prop->name);
            if (prop->type == PROP_ROM &&
                !load_rom(p, asked ? asked : prop->value, asked, errp)) {
                return false;
            }
        }
    }
    return true;
}
