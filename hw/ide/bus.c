/*
 * A channel: which of its drives a register access is for. See hw/ide.h.
 *
 * Both drives see every write to the command block, and the device bit that
 * each of them remembers says who answers. A channel has no state of its own.
 */
#include "drive.h"

enum { REG_DATA = 0, REG_STATUS = 7 };

#define CMD_DIAGNOSTIC 0x90

static bool has_room(const void *opaque, const char *unit)
{
    const IdeBus *bus = opaque;
    for (unsigned n = 0; n < bus->units; n++) {
        char number[2] = { '0' + n };
        if (!bus->drive[n] && (!unit || g_str_equal(unit, number))) {
            return true;
        }
    }
    return false;
}

void ide_bus_offer(IdeBus *bus)
{
    machine_add_bus(bus->machine, &(MachineBus){ .kind = "IDE",
                                                 .name = (char *)bus->name,
                                                 .bus = bus,
                                                 .has_room = has_room });
}

static IdeDrive *any_drive(const IdeBus *bus)
{
    return bus->drive[0] ? bus->drive[0] : bus->drive[1];
}

static IdeDrive *selected(const IdeBus *bus)
{
    const IdeDrive *any = any_drive(bus);
    return any ? bus->drive[!!(any->s.select & DH_DEV)] : NULL;
}

bool ide_bus_irq_level(const IdeBus *bus)
{
    const IdeDrive *d = selected(bus);
    return d && d->s.irq && !(d->s.control & CTL_NIEN);
}

void ide_bus_irq_changed(IdeBus *bus)
{
    bus->irq(bus->host, ide_bus_irq_level(bus));
}

/* A drive that is not there reads as zeroes. */
uint32_t ide_bus_read(IdeBus *bus, unsigned reg, unsigned size)
{
    IdeDrive *d = selected(bus);
    if (!d) {
        return 0;
    }
    if (reg == REG_DATA) {
        return drive_data_read(d, size);
    }
    uint8_t v = drive_read(d, reg);
    if (reg == REG_STATUS && d->s.irq) {
        d->s.irq = false;
        ide_bus_irq_changed(bus);
    }
    return v;
}

static void command(IdeBus *bus, uint8_t v)
{
    for (unsigned unit = 0; unit < 2; unit++) {
        IdeDrive *d = bus->drive[unit];
        if (d && (v == CMD_DIAGNOSTIC || d == selected(bus))) {
            drive_command(d, v);
        }
    }
}

void ide_bus_write(IdeBus *bus, unsigned reg, uint32_t v, unsigned size)
{
    if (reg == REG_DATA) {
        IdeDrive *d = selected(bus);
        if (d) {
            drive_data_write(d, v, size);
        }
        return;
    }
    if (reg == REG_STATUS) {
        command(bus, v);
        return;
    }
    for (unsigned unit = 0; unit < 2; unit++) {
        if (bus->drive[unit]) {
            drive_write(bus->drive[unit], reg, v);
        }
    }
    ide_bus_irq_changed(bus);
}

uint8_t ide_bus_read_alt(IdeBus *bus)
{
    const IdeDrive *d = selected(bus);
    return d ? d->s.status : 0;
}

void ide_bus_write_control(IdeBus *bus, uint8_t v)
{
    for (unsigned unit = 0; unit < 2; unit++) {
        if (bus->drive[unit]) {
            drive_write_control(bus->drive[unit], v);
        }
    }
    ide_bus_irq_changed(bus);
}

void ide_bus_dma_start(IdeBus *bus)
{
    IdeDrive *d = selected(bus);
    if (d) {
        drive_dma_start(d);
    }
}

unsigned ide_bus_dma_capable(const IdeBus *bus)
{
    return (bus->drive[0] ? 1 : 0) | (bus->drive[1] ? 2 : 0);
}

uint32_t ide_bus_boot_index(const IdeBus *bus, unsigned unit)
{
    return bus->drive[unit] ? bus->drive[unit]->boot_index : UINT32_MAX;
}

bool ide_bus_geometry(const IdeBus *bus, unsigned unit, uint32_t *cylinders,
                      uint32_t *heads, uint32_t *sectors)
{
    const IdeDrive *d = bus->drive[unit];
    if (!d || d->kind->packet) {
        return false;
    }
    *cylinders = d->cylinders;
    *heads = 16;
    *sectors = 63;
    return true;
}
