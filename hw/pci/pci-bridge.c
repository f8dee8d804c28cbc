/*
 * Bridges to a conventional PCI bus: "pci-bridge" from such a bus, and
 * "pcie-pci-bridge" from PCI Express. Neither has a hot-plug controller.
 */
#include "bridge.h"

enum { CAP_EXPRESS = 0x40, CAP_SLOT = 0x80 };

/* PCI-to-PCI Bridge Architecture Specification 1.2, 13.1: numbers of slots and
 * of the chassis. */
#define CAP_ID_SLOT    0x04u
#define CAP_SLOT_BYTES 4u

#define BRIDGE_STATE(_) PCI_FUNCTION_STATE(_)
STATE_STRUCT(BridgeState, BRIDGE_STATE);
static STATE_TABLE(bridge_state, "pci-bridge", 1, BridgeState, BRIDGE_STATE)

typedef struct ToPci {
    PciBridge bridge;
    BridgeState s;
    uint32_t chassis;      /* property */
} ToPci;

static void conventional_config_reset(PciFunction *f)
{
    const ToPci *p = (ToPci *)f;
    pci_config_set_16(f, PCI_STATUS, 0x00a0);
    pci_capability_add(f, CAP_ID_SLOT, CAP_SLOT, CAP_SLOT_BYTES);
    f->s->config[CAP_SLOT + 2] = 0x20;   /* first in chassis, no slots */
    f->s->config[CAP_SLOT + 3] = p->chassis;
}

static const PciInfo conventional_info = {
    .vendor = 0x1b36,
    .device = 0x0001,
    .class_code = 0x0604,
    .bridge = true,
    .config_reset = conventional_config_reset,
    .config_written = pci_bridge_written,
};

static const PciInfo express_info = {
    .vendor = 0x1b36,
    .device = 0x000e,
    .class_code = 0x0604,
    .bridge = true,
    .config_written = pci_bridge_written,
};

static bool conventional_realize(Device *dev, Error **errp)
{
    const ToPci *p = (ToPci *)dev;

    if (!p->chassis || p->chassis > UINT8_MAX) {
        error_set(errp, "chassis_nr=%u must be from 1 to 255", p->chassis);
        return false;
    }
    return pci_bridge_init((PciBridge *)dev, &conventional_info, false, errp);
}

static bool express_realize(Device *dev, Error **errp)
{
    PciBridge *b = (PciBridge *)dev;
    const PciExpress express = { .capability = CAP_EXPRESS,
                                 .kind = PCI_EXPRESS_TO_PCI };

    if (!pci_bridge_init(b, &express_info, false, errp)) {
        return false;
    }
    pci_express_init(&b->pci, &express);
    return true;
}

static const PropDef conventional_props[] = {
    PCI_PROPS(PciBridge),
    PROP(ToPci, chassis, "chassis_nr", PROP_U32, "0",
         "number of the chassis behind it, from 1 to 255"),
    PROP_END
};

static const PropDef express_props[] = {
    PCI_PROPS(PciBridge),
    PROP_END
};

const DeviceClass pci_bridge_class = {
    .name = "pci-bridge",
    .desc = "Standard PCI Bridge",
    .bus = "PCI",
    .category = "Controller/Bridge",
    .user = true,
    .size = sizeof(ToPci),
    .state_offset = offsetof(ToPci, s),
    .state = bridge_state,
    .props = conventional_props,
    .realize = conventional_realize,
    .reset = pci_bridge_reset,
    .rewire = pci_bridge_rewire,
    .unrealize = pci_bridge_unrealize,
};

const DeviceClass pcie_pci_bridge_class = {
    .name = "pcie-pci-bridge",
    .desc = "PCI Express to PCI Bridge",
    .bus = "PCI",
    .category = "Controller/Bridge",
    .user = true,
    .size = sizeof(ToPci),
    .state_offset = offsetof(ToPci, s),
    .state = bridge_state,
    .props = express_props,
    .realize = express_realize,
    .reset = pci_bridge_reset,
    .rewire = pci_bridge_rewire,
    .unrealize = pci_bridge_unrealize,
};
