/*
 * Events, sleeping and reset of a machine without fixed ACPI hardware. See
 * hw/ged.h.
 */
#include "hw/ged.h"

#include "base/bits.h"
#include "vm/machine.h"

#define REGISTER_BYTES 0x203u
enum { EVENTS = 0x000, SLEEP = 0x200, RESET = 0x202 };
#define EVENT_POWER_BUTTON 1u

/* Sleep control: the type in bits 4..2, and go. ORDER ged-sleep-type */
#define SLEEP_ENABLE  0x20u
#define SLEEP_TYPE_S5 5u

#define GED_STATE(_) \
    _(uint32_t, STATE_U32, events, 0, 1, "events that were not read yet")
STATE_STRUCT(GedState, GED_STATE);
static STATE_TABLE(ged_state, "acpi-ged", 1, GedState, GED_STATE)

typedef struct Ged {
    Device dev;
    GedState s;
    IrqLine irq;
    MemRegion region;
} Ged;

static uint64_t ged_read(void *opaque, PhysAddr offset, unsigned size)
{
    Ged *d = opaque;
    uint32_t events = d->s.events;

    if (offset != EVENTS || size != 4) {
        return 0;
    }
    d->s.events = 0;
    irq_set(&d->irq, false);
    return events;
}

static void ged_write(void *opaque, PhysAddr offset, uint64_t v,
                      unsigned size)
{
    Machine *m = ((Ged *)opaque)->dev.machine;

    if (size != 1) {
        return;
    }
    if (offset == SLEEP && (v & SLEEP_ENABLE) &&
        (v >> 2 & 7) == SLEEP_TYPE_S5) {
        runstate_request_shutdown(m, CAUSE_GUEST_SHUTDOWN, 0);
    } else if (offset == RESET && v == GED_RESET_VALUE) {
        runstate_request_reset(m, CAUSE_GUEST_RESET);
    }
}

static const MemOps ged_ops = { ged_read, ged_write, 1, 4 };

void ged_power_button(void *ged)
{
    Ged *d = ged;
    d->s.events |= EVENT_POWER_BUTTON;
    irq_set(&d->irq, true);
}

IrqLine *ged_irq(Device *ged)
{
    return &((Ged *)ged)->irq;
}

static bool ged_realize(Device *dev, Error **errp)
{
    Ged *d = (Ged *)dev;
    mem_init_io(&d->region, "acpi-ged", REGISTER_BYTES, &ged_ops, d);
    mem_add(&dev->machine->memory_root, GED_BASE, &d->region, 0);
    return true;
}

static void ged_rewire(Device *dev)
{
    const Ged *d = (Ged *)dev;
    irq_set(&d->irq, d->s.events);
}

const DeviceClass ged_class = {
    .name = "acpi-ged",
    .desc = "ACPI events, sleep and reset in memory",
    .category = "Misc",
    .size = sizeof(Ged),
    .state_offset = offsetof(Ged, s),
    .state = ged_state,
    .realize = ged_realize,
    .rewire = ged_rewire,
};
