/*
 * What the command line plugs into a PC: -drive with an interface, -serial,
 * -device, and the devices that are there by default.
 */
#include "hw/virtio.h"
#include "pc.h"

#define SERIAL_MAX 4

/* --- drives with if=ide ---------------------------------------------------------*/

/* Drives are numbered through the board's channels. */
static unsigned units(const Pc *pc)
{
    return pc->ide_channels ? pc_ide_bus(pc, 0)->units : 1;
}

static int index_end(const Pc *pc)
{
    return pc->ide_channels * units(pc);
}

static IdeBus *ide_bus_of(const Pc *pc, int index)
{
    return pc_ide_bus(pc, index / units(pc));
}

static bool index_is_free(const Pc *pc, int index)
{
    return !ide_bus_of(pc, index)->drive[index % units(pc)];
}

static bool plug_drive(Pc *pc, BlockDev *block, bool cdrom, int index,
                       Error **errp)
{
    Device *dev = device_new(pc->dev.machine,
                             cdrom ? &ide_cd_class : &ide_hd_class, NULL);
    g_autofree char *unit = g_strdup_printf("%u", index % units(pc));

    dev->bus = ide_bus_of(pc, index);
    if (block) {
        device_set_drive(dev, "drive", block);
    }
    return device_set_prop(dev, "unit", unit, errp) &&
           device_realize(dev, errp);
}

/* A drive that another one of the list wants by number is not free. */
static bool index_is_wanted(const GPtrArray *drives, int index)
{
    for (guint i = 0; i < drives->len; i++) {
        const DriveConfig *c = g_ptr_array_index(drives, i);
        if (!c->if_none && c->index == index) {
            return true;
        }
    }
    return false;
}

static int next_index(const Pc *pc, const GPtrArray *drives)
{
    int index = 0;
    while (index < index_end(pc) &&
           (!index_is_free(pc, index) || index_is_wanted(drives, index))) {
        index++;
    }
    return index;
}

static bool plug_drive_config(Pc *pc, const GPtrArray *drives,
                              const DriveConfig *c, Error **errp)
{
    int index = c->index >= 0 ? c->index : next_index(pc, drives);

    if (index >= index_end(pc)) {
        error_set(errp, "drive '%s': machine type does not support more than "
                  "%d IDE drives", c->id ? c->id : "", index_end(pc));
        return false;
    }
    if (!index_is_free(pc, index)) {
        error_set(errp, "drive with bus=%u, unit=%u (index=%d) exists",
                  index / units(pc), index % units(pc), index);
        return false;
    }
    if (!plug_drive(pc, c->dev, c->cdrom, index, errp)) {
        error_prepend(errp, "drive '%s': ", c->id ? c->id : "");
        return false;
    }
    return true;
}

static bool plug_drives(Pc *pc, Error **errp)
{
    const GPtrArray *drives = pc->dev.machine->config.drives;

    for (guint i = 0; drives && i < drives->len; i++) {
        const DriveConfig *c = g_ptr_array_index(drives, i);
        if (!c->if_none && !plug_drive_config(pc, drives, c, errp)) {
            return false;
        }
    }
    return true;
}

/* --- -serial ----------------------------------------------------------------------*/

static bool plug_serials(Pc *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    const GPtrArray *serials = m->config.serials;

    for (guint i = 0; serials && i < serials->len; i++) {
        Chardev *chr = g_ptr_array_index(serials, i);
        g_autofree char *index = g_strdup_printf("%u", i);
        if (!chr) {
            continue;
        }
        if (i >= SERIAL_MAX) {
            error_set(errp, "max. %d serial ports are supported", SERIAL_MAX);
            return false;
        }
        Device *dev = device_new(m, &isa_serial_class, NULL);
        dev->bus = &pc->isa;
        device_set_chardev(dev, "chardev", chr);
        if (!device_set_prop(dev, "index", index, errp) ||
            !device_realize(dev, errp)) {
            return false;
        }
    }
    return true;
}

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

static void *find_bus(Pc *pc, const DeviceClass *cls, const DeviceConfig *c,
                      Error **errp)
{
    const char *want = config_prop(c, "bus");
    const Machine *m = pc->dev.machine;
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

static bool plug_device(Pc *pc, const DeviceConfig *c, Error **errp)
{
    Machine *m = pc->dev.machine;
    const DeviceClass *cls = device_class_find(m->parts, c->driver);

    if (!cls || !cls->user) {
        error_set(errp, "'%s' is not a valid device model name", c->driver);
        return false;
    }
    if (!id_is_free(m, c->id)) {
        error_set(errp, "Duplicate ID '%s' for device", c->id);
        return false;
    }
    void *bus = find_bus(pc, cls, c, errp);
    if (!bus) {
        return false;
    }
    Device *dev = device_new(m, cls, c->id);
    dev->bus = bus;
    return set_props(dev, c, errp) && device_realize(dev, errp);
}

static bool plug_devices(Pc *pc, Error **errp)
{
    const GPtrArray *devices = pc->dev.machine->config.devices;

    for (guint i = 0; devices && i < devices->len; i++) {
        const DeviceConfig *c = g_ptr_array_index(devices, i);
        if (!plug_device(pc, c, errp)) {
            error_prepend(errp, "-device %s: ", c->driver);
            return false;
        }
    }
    return true;
}

/* --- defaults ----------------------------------------------------------------------*/

/* The first drive of the second channel. */
#define DEFAULT_CDROM_INDEX 2

static bool wants_default_cdrom(const Machine *m)
{
    const MachineConfig *config = &m->config;

    if (!config->defaults) {
        return false;
    }
    for (guint i = 0; config->drives && i < config->drives->len; i++) {
        const DriveConfig *c = g_ptr_array_index(config->drives, i);
        if (!c->if_none && (c->cdrom || c->index == DEFAULT_CDROM_INDEX)) {
            return false;
        }
    }
    for (guint i = 0; config->devices && i < config->devices->len; i++) {
        const DeviceConfig *c = g_ptr_array_index(config->devices, i);
        if (g_str_equal(c->driver, "ide-cd") ||
            g_str_equal(c->driver, "ide-hd")) {
            return false;
        }
    }
    return true;
}

static bool plug_defaults(Pc *pc, Error **errp)
{
    return index_end(pc) <= DEFAULT_CDROM_INDEX ||
           !wants_default_cdrom(pc->dev.machine) ||
           !index_is_free(pc, DEFAULT_CDROM_INDEX) ||
           plug_drive(pc, NULL, true, DEFAULT_CDROM_INDEX, errp);
}

bool pc_plug_all(Pc *pc, Error **errp)
{
    return plug_drives(pc, errp) && plug_serials(pc, errp) &&
           plug_defaults(pc, errp) && plug_devices(pc, errp);
}
