/*
 * Port 0x92, system control port A (IBM PS/2 Technical Reference): the fast
 * way to A20 (bit 1) and to a reset (a rising bit 0).
 */
#include "base/bits.h"
#include "hw/pc-chips.h"
#include "vm/machine.h"

#define FAST_RESET BIT(0)
#define FAST_A20   BIT(1)
#define STORED     0xcd    /* the bits that only read back what was written */

#define PORT92_STATE(_) \
    _(uint8_t, STATE_U8, value, 0, 1, "last value written, without A20")

STATE_STRUCT(Port92State, PORT92_STATE);
static STATE_TABLE(port92_state, "port92", 1, Port92State, PORT92_STATE)

typedef struct Port92 {
    Device dev;
    Port92State s;
    Device *gate;
    MemRegion io;
} Port92;

void port92_set_a20(Device *dev, Device *gate)
{
    ((Port92 *)dev)->gate = gate;
}

static uint64_t port92_read(void *opaque, PhysAddr offset, unsigned size)
{
    Port92 *p = opaque;
    bool open = p->gate && pc_a20_is_open(p->gate);
    return p->s.value | (open ? FAST_A20 : 0);
}

static void port92_write(void *opaque, PhysAddr offset, uint64_t v,
                         unsigned size)
{
    Port92 *p = opaque;
    bool reset = (v & FAST_RESET) && !(p->s.value & FAST_RESET);
    p->s.value = v & STORED;
    if (p->gate) {
        pc_a20_set(p->gate, v & FAST_A20);
    }
    if (reset) {
        runstate_request_reset(p->dev.machine, CAUSE_GUEST_RESET);
    }
}

static const MemOps port92_ops = { port92_read, port92_write, .max_size = 1 };

static bool port92_realize(Device *dev, Error **errp)
{
    Port92 *p = (Port92 *)dev;
    mem_init_io(&p->io, "port92", 1, &port92_ops, p);
    mem_add(&dev->machine->io_root, 0x92, &p->io, 0);
    return true;
}

const DeviceClass port92_class = {
    .name = "port92",
    .desc = "system control port A",
    .category = "Misc",
    .size = sizeof(Port92),
    .state_offset = offsetof(Port92, s),
    .state = port92_state,
    .realize = port92_realize,
};
