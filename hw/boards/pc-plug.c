/*
 * What the command line plugs into a PC: -drive with an interface, and the
 * devices that are there by default. The rest is in board-plug.c.
 */
#include "board-plug.h"
#include "hw/floppy.h"
#include "isa-serials.h"
#include "pc.h"

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

/* A floppy drive on the command line brings the controller with it, unless the
 * user has one, too. */
static bool plug_floppy_controller(Pc *pc, Error **errp)
{
    const GPtrArray *devices = pc->dev.machine->config.devices;
    bool drives = false;

    for (guint i = 0; devices && i < devices->len; i++) {
        const DeviceConfig *c = g_ptr_array_index(devices, i);
        drives |= g_str_equal(c->driver, "floppy");
        if (g_str_equal(c->driver, "isa-fdc")) {
            return true;
        }
    }
    if (!drives) {
        return true;
    }
    Device *fdc = device_new(pc->dev.machine, &isa_fdc_class, NULL);
    fdc->bus = &pc->isa;
    return device_realize(fdc, errp);
}

bool pc_plug_all(Pc *pc, Error **errp)
{
    return plug_drives(pc, errp) &&
           isa_plug_serials(pc->dev.machine, &pc->isa, errp) &&
           plug_defaults(pc, errp) && plug_floppy_controller(pc, errp) &&
           board_plug_devices(pc->dev.machine, errp);
}
