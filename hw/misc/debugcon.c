/*
 * A debug console: one port, what is written to it goes to a chardev. Reading
 * gives a fixed byte, by which firmware finds out that somebody listens
 * (SeaBIOS and OVMF look for 0xe9 at port 0x402).
 */
#include "hw/isa.h"
#include "hw/pc-chips.h"
#include "io/chardev.h"

typedef struct Debugcon {
    Device dev;
    Chardev *chr;
    uint32_t iobase, readback;
    MemRegion io;
} Debugcon;

static uint64_t debugcon_read(void *opaque, PhysAddr offset, unsigned size)
{
    Debugcon *d = opaque;
    return d->readback & 0xff;
}

static void debugcon_write(void *opaque, PhysAddr offset, uint64_t v,
                           unsigned size)
{
    Debugcon *d = opaque;
    uint8_t byte = v;
    if (d->chr) {
        chardev_write(d->chr, &byte, 1);
    }
}

static const MemOps debugcon_ops = { debugcon_read, debugcon_write,
                                     .max_size = 1 };

static bool debugcon_realize(Device *dev, Error **errp)
{
    Debugcon *d = (Debugcon *)dev;
    if (d->iobase > 0xffff) {
        error_set(errp, "isa-debugcon: iobase=0x%x is not a port", d->iobase);
        return false;
    }
    mem_init_io(&d->io, "isa-debugcon", 1, &debugcon_ops, d);
    isa_add_ports(dev->bus, &d->io, d->iobase);
    return true;
}

static const PropDef debugcon_props[] = {
    PROP(Debugcon, chr, "chardev", PROP_CHARDEV, NULL,
         "where the text goes"),
    PROP(Debugcon, iobase, "iobase", PROP_U32, "0xe9", "port"),
    PROP(Debugcon, readback, "readback", PROP_U32, "0xe9",
         "what the port reads as"),
    PROP_END
};

const DeviceClass isa_debugcon_class = {
    .name = "isa-debugcon",
    .desc = "debug console port",
    .bus = "ISA",
    .category = "Misc",
    .user = true,
    .size = sizeof(Debugcon),
    .state_offset = offsetof(Debugcon, io),
    .state = state_none,
    .props = debugcon_props,
    .realize = debugcon_realize,
};
