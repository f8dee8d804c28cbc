/*
 * What -device plugs into any board.
 */
#include "board-plug.h"

/* --- -device ----------------------------------------------------------------------*/

static const char *config_prop(const DeviceConfig *c, const char *name)
{
    for (guint i = 0; c->props && i + 1 < c->props->len; i += 2) {
        if (g_str_equal(g_ptr_array_index(c->props, i), name)) {
            return g_ptr_array_index(c->props, i + 1);
        }
    }
    return NULL;
}

static void *find_bus(const Machine *m, const DeviceClass *cls,
                      const DeviceConfig *c, Error **errp)
{
    const char *want = config_prop(c, "bus");
    const char *kind = cls->bus ? cls->bus : "System";
    const MachineBus *bus =
        machine_find_bus(m, kind, want, config_prop(c, "unit"));

    if (bus) {
        return bus->bus;
    }
    if (want) {
        error_set(errp, "Bus '%s' not found", want);
    } else if (machine_bus_at(m, kind, 0)) {
        error_set(errp, "No free place on an %s bus", kind);
    } else {
        error_set(errp, "No '%s' bus found for device '%s'", kind, cls->name);
    }
    return NULL;
}

static bool set_props(Device *dev, const DeviceConfig *c, Error **errp)
{
    for (guint i = 0; c->props && i + 1 < c->props->len; i += 2) {
        const char *name = g_ptr_array_index(c->props, i);
        const char *value = g_ptr_array_index(c->props, i + 1);
        if (!g_str_equal(name, "bus") &&
            !device_set_prop(dev, name, value, errp)) {
            return false;
        }
    }
    return true;
}

static bool id_is_free(const Machine *m, const char *id)
{
    for (guint i = 0; i < m->devices->len; i++) {
        const Device *dev = g_ptr_array_index(m->devices, i);
        if (dev->id && id && g_str_equal(dev->id, id)) {
            return false;
        }
    }
    return true;
}

static bool plug_device(Machine *m, const DeviceConfig *c, Error **errp)
{
    const DeviceClass *cls = device_class_find(m->parts, c->driver);

    if (!cls || !cls->user) {
        error_set(errp, "'%s' is not a valid device model name", c->driver);
        return false;
    }
    if (!id_is_free(m, c->id)) {
        error_set(errp, "Duplicate ID '%s' for device", c->id);
        return false;
    }
    void *bus = find_bus(m, cls, c, errp);
    if (!bus) {
        return false;
    }
    Device *dev = device_new(m, cls, c->id);
    dev->bus = bus;
    return set_props(dev, c, errp) && device_realize(dev, errp);
}

bool board_plug_devices(Machine *m, Error **errp)
{
    const GPtrArray *devices = m->config.devices;

    for (guint i = 0; devices && i < devices->len; i++) {
        const DeviceConfig *c = g_ptr_array_index(devices, i);
        if (!plug_device(m, c, errp)) {
            error_prepend(errp, "-device %s: ", c->driver);
            return false;
        }
    }
    return true;
}
