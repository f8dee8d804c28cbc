/*
 * Root ports of PCI Express: bridges with a link and one device behind it.
 * "pcie-root-port" signals by MSI-X, "ioh3420" (Intel 5520) by MSI; neither has
 * anything to signal, because nothing is plugged in or goes wrong later.
 */
#include "bridge.h"

/* Where the capabilities lie. */
enum {
    GENERIC_SUBSYSTEM = 0x40,
    GENERIC_MSIX = 0x48,
    GENERIC_EXPRESS = 0x54,
    IOH_SUBSYSTEM = 0x40,
    IOH_MSI = 0x60,
    IOH_EXPRESS = 0x90,
};

/* PCI-to-PCI Bridge Architecture Specification 1.2, 5.3: a bridge's header has
 * no room for these. */
#define CAP_ID_SUBSYSTEM 0x0du
#define CAP_BYTES        8u

#define PORT_STATE(_)     \
    PCI_FUNCTION_STATE(_) \
    PCI_MSIX_STATE(_)

STATE_STRUCT(PortState, PORT_STATE);
static STATE_TABLE(port_state, "root-port", 1, PortState, PORT_STATE)

typedef struct RootPort {
    PciBridge bridge;
    PortState s;
    PciMsix msix;
    uint32_t port, slot, chassis; /* properties */
} RootPort;

static void subsystem_add(PciFunction *f, unsigned at)
{
    pci_capability_add(f, CAP_ID_SUBSYSTEM, at, CAP_BYTES);
    pci_config_set_16(f, at + 4, f->info->vendor);
}

static void generic_config_reset(PciFunction *f)
{
    subsystem_add(f, GENERIC_SUBSYSTEM);
}

static void ioh_config_reset(PciFunction *f)
{
    subsystem_add(f, IOH_SUBSYSTEM);
}

static const PciInfo generic_info = {
    .vendor = 0x1b36,
    .device = 0x000c,
    .class_code = 0x0604,
    .interrupt_pin = 1,
    .bridge = true,
    .config_reset = generic_config_reset,
    .config_written = pci_bridge_written,
};

static const PciInfo ioh_info = {
    .vendor = 0x8086,
    .device = 0x3420,
    .class_code = 0x0604,
    .revision = 2,
    .interrupt_pin = 1,
    .bridge = true,
    .config_reset = ioh_config_reset,
    .config_written = pci_bridge_written,
};

static bool port_init(RootPort *p, const PciInfo *info, unsigned at,
                      Error **errp)
{
    PciFunction *f = &p->bridge.pci;
    const PciExpress express = { .capability = at,
                                 .kind = PCI_EXPRESS_ROOT_PORT,
                                 .port = p->port & 0xff,
                                 .slot = p->slot & 0x1fff };

    if (!pci_bus_is_root_complex(f->dev.bus)) {
        error_set(errp, "%s needs a root bus of PCI Express",
                  f->dev.cls->name);
        return false;
    }
    if (!pci_bridge_init(&p->bridge, info, true, errp)) {
        return false;
    }
    pci_express_init(f, &express);
    return true;
}

static bool generic_realize(Device *dev, Error **errp)
{
    RootPort *p = (RootPort *)dev;

    if (!port_init(p, &generic_info, GENERIC_EXPRESS, errp)) {
        return false;
    }
    pci_msix_init(&p->bridge.pci, &p->msix,
                  &(PciMsixSetup){ .vectors = 1,
                                   .bar = 0,
                                   .capability = GENERIC_MSIX,
                                   .table = p->s.msix_table,
                                   .pending = p->s.msix_pending });
    return true;
}

static bool ioh_realize(Device *dev, Error **errp)
{
    RootPort *p = (RootPort *)dev;

    if (!port_init(p, &ioh_info, IOH_EXPRESS, errp)) {
        return false;
    }
    pci_msi_init(&p->bridge.pci, IOH_MSI);
    return true;
}

static const PropDef port_props[] = {
    PCI_PROPS(PciBridge),
    PROP(RootPort, port, "port", PROP_U32, "0", "number of its link"),
    PROP(RootPort, slot, "slot", PROP_U32, "0", "number of its slot"),
    PROP(RootPort, chassis, "chassis", PROP_U32, "0",
         "accepted and ignored"),
    PROP_END
};

const DeviceClass pcie_root_port_class = {
    .name = "pcie-root-port",
    .desc = "PCI Express Root Port",
    .bus = "PCI",
    .category = "Controller/Bridge",
    .user = true,
    .size = sizeof(RootPort),
    .state_offset = offsetof(RootPort, s),
    .state = port_state,
    .props = port_props,
    .realize = generic_realize,
    .reset = pci_bridge_reset,
    .rewire = pci_bridge_rewire,
    .unrealize = pci_bridge_unrealize,
};

const DeviceClass ioh3420_class = {
    .name = "ioh3420",
    .desc = "Intel IOH device id 3420 PCIE Root Port",
    .bus = "PCI",
    .category = "Controller/Bridge",
    .user = true,
    .size = sizeof(RootPort),
    .state_offset = offsetof(RootPort, s),
    .state = port_state,
    .props = port_props,
    .realize = ioh_realize,
    .reset = pci_bridge_reset,
    .rewire = pci_bridge_rewire,
    .unrealize = pci_bridge_unrealize,
};
