/*
 * A port that ends the process: a guest test writes v and the emulator leaves
 * with exit code (v << 1) | 1, never 0.
 */
#include "hw/isa.h"
#include "hw/pc-chips.h"

typedef struct DebugExit {
    Device dev;
    uint32_t iobase, iosize;
    MemRegion io;
} DebugExit;

static uint64_t debug_exit_read(void *opaque, PhysAddr offset, unsigned size)
{
    return 0;
}

static void debug_exit_write(void *opaque, PhysAddr offset, uint64_t v,
                             unsigned size)
{
    DebugExit *d = opaque;
    runstate_request_shutdown(d->dev.machine, CAUSE_GUEST_SHUTDOWN,
                              (int)((uint32_t)v << 1 | 1));
}

static const MemOps debug_exit_ops = { debug_exit_read, debug_exit_write,
                                       .max_size = 4 };

static bool debug_exit_realize(Device *dev, Error **errp)
{
    DebugExit *d = (DebugExit *)dev;
    if (!d->iosize || d->iosize > 0x10000
        || d->iobase > 0x10000 - d->iosize) {
        error_set(errp, "isa-debug-exit: %u ports at 0x%x do not exist",
                  d->iosize, d->iobase);
        return false;
    }
    mem_init_io(&d->io, "isa-debug-exit", d->iosize, &debug_exit_ops, d);
    isa_add_ports(dev->bus, &d->io, d->iobase);
    return true;
}

static const PropDef debug_exit_props[] = {
    PROP(DebugExit, iobase, "iobase", PROP_U32, "0x501", "first port"),
    PROP(DebugExit, iosize, "iosize", PROP_U32, "2", "number of ports"),
    PROP_END
};

const DeviceClass isa_debug_exit_class = {
    .name = "isa-debug-exit",
    .desc = "ends the emulator with a code of the guest's choice",
    .bus = "ISA",
    .category = "Misc",
    .user = true,
    .size = sizeof(DebugExit),
    .state_offset = offsetof(DebugExit, io),
    .state = state_none,
    .props = debug_exit_props,
    .realize = debug_exit_realize,
};
