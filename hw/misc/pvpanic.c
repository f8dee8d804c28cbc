/*
 * pvpanic: the guest says that its system has crashed. One byte, as a port of
 * the ISA bus or in memory of a PCI function; the guest's view is that of
 * QEMU's docs/specs/pvpanic: reading gives the events that may be told, and
 * writing tells them.
 */
#include "hw/fw-cfg.h"
#include "hw/isa.h"
#include "hw/pci.h"
#include "hw/pc-chips.h"
#include "vm/guest-action.h"

#define EVENT_PANICKED     0x01u
#define EVENT_CRASH_LOADED 0x02u
#define PORT_FILE "etc/pvpanic-port"

/* What both are. */
typedef struct Pvpanic {
    Machine *machine;
    uint32_t events;       /* property: those that are offered */
    MemRegion io;
} Pvpanic;

static uint64_t pvpanic_read(void *opaque, PhysAddr offset, unsigned size)
{
    const Pvpanic *p = opaque;
    return offset ? 0 : p->events;
}

static void pvpanic_write(void *opaque, PhysAddr offset, uint64_t v,
                          unsigned size)
{
    const Pvpanic *p = opaque;
    uint32_t told = offset ? 0 : v & p->events;

    if (told & EVENT_PANICKED) {
        guest_panicked(p->machine);
    } else if (told & EVENT_CRASH_LOADED) {
        guest_crash_loaded(p->machine);
    }
}

static const MemOps pvpanic_ops = { pvpanic_read, pvpanic_write,
                                    .max_size = 1 };

static bool pvpanic_init(Pvpanic *p, Device *dev, uint64_t bytes,
                         Error **errp)
{
    p->machine = dev->machine;
    if (p->events & ~(EVENT_PANICKED | EVENT_CRASH_LOADED)) {
        error_set(errp, "%s: events=%u: there are 1 and 2", dev->cls->name,
                  p->events);
        return false;
    }
    mem_init_io(&p->io, "pvpanic", bytes, &pvpanic_ops, p);
    return true;
}

#define EVENTS_PROP(Type)                                                    \
    PROP(Type, p.events, "events", PROP_U32, "3",                            \
         "1: a panic can be told, 2: that a crash kernel runs, 3: both")

/* --- on the ISA bus ---------------------------------------------------------- */

typedef struct PvpanicIsa {
    Device dev;
    Pvpanic p;
    uint32_t ioport;
} PvpanicIsa;

static bool isa_realize(Device *dev, Error **errp)
{
    PvpanicIsa *d = (PvpanicIsa *)dev;
    Device *fw = fw_cfg_of(dev->machine);
    uint8_t port[2] = { d->ioport, d->ioport >> 8 };

    if (d->ioport > 0xffff || !d->ioport) {
        error_set(errp, "pvpanic: ioport=0x%x is not a port", d->ioport);
        return false;
    }
    if (!pvpanic_init(&d->p, dev, 1, errp)) {
        return false;
    }
    isa_add_ports(dev->bus, &d->p.io, d->ioport);
    if (fw) {
        fw_cfg_add_file_copy(fw, PORT_FILE, port, sizeof port);
    }
    return true;
}

uint16_t pvpanic_port(const Device *dev)
{
    return ((const PvpanicIsa *)dev)->ioport;
}

static const PropDef isa_props[] = {
    PROP(PvpanicIsa, ioport, "ioport", PROP_U32, "0x505", "port"),
    EVENTS_PROP(PvpanicIsa),
    PROP_END
};

const DeviceClass pvpanic_isa_class = {
    .name = "pvpanic",
    .desc = "tells of a guest that has crashed",
    .bus = "ISA",
    .category = "Misc",
    .user = true,
    .size = sizeof(PvpanicIsa),
    .state_offset = offsetof(PvpanicIsa, p),
    .state = state_none,
    .props = isa_props,
    .realize = isa_realize,
};

/* --- on PCI -------------------------------------------------------------------- */

#define PVPANIC_STATE(_) PCI_FUNCTION_STATE(_)
STATE_STRUCT(PvpanicState, PVPANIC_STATE);
static STATE_TABLE(pvpanic_state, "pvpanic-pci", 1, PvpanicState,
                   PVPANIC_STATE)

typedef struct PvpanicPci {
    PciFunction pci;
    PvpanicState s;
    Pvpanic p;
} PvpanicPci;

/* The smallest BAR of memory that there is. */
#define PCI_BYTES 16

static const PciInfo pci_info = {
    .vendor = 0x1b36,
    .device = 0x0011,
    .class_code = 0x0880,
    .revision = 1,
};

static bool pci_realize(Device *dev, Error **errp)
{
    PvpanicPci *d = (PvpanicPci *)dev;

    if (!pci_function_init(&d->pci, &pci_info, PCI_ADDR_AUTO, errp) ||
        !pvpanic_init(&d->p, dev, PCI_BYTES, errp)) {
        return false;
    }
    pci_bar_init(&d->pci, 0, PCI_BAR_MEM32, &d->p.io);
    return true;
}

static const PropDef pci_props[] = {
    PCI_PROPS(PvpanicPci),
    EVENTS_PROP(PvpanicPci),
    PROP_END
};

extern const DeviceClass pvpanic_pci_class;

const DeviceClass pvpanic_pci_class = {
    .name = "pvpanic-pci",
    .desc = "tells of a guest that has crashed",
    .bus = "PCI",
    .category = "Misc",
    .user = true,
    .size = sizeof(PvpanicPci),
    .state_offset = offsetof(PvpanicPci, s),
    .state = pvpanic_state,
    .props = pci_props,
    .realize = pci_realize,
    .reset = pci_device_reset,
    .rewire = pci_device_rewire,
    .unrealize = pci_device_unrealize,
};
