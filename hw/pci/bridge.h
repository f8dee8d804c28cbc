/*
 * A PCI-to-PCI bridge: a function with a bus behind it, and windows through
 * which memory and ports of that bus are seen. Section numbers: PCI-to-PCI
 * Bridge Architecture Specification 1.2.
 *
 * Implemented by bridge.c; used by bridges (pci-bridge.c) and by ports of PCI
 * Express (root-port.c), whose device structs start with PciBridge.
 */
#ifndef HW_PCI_BRIDGE_H
#define HW_PCI_BRIDGE_H

#include "hw/pci.h"

typedef struct PciBridge {
    PciFunction pci;
    PciBus *bus;           /* behind it */
    MemRegion memory, io;  /* what is there */
    MemRegion window[PCI_WINDOWS];
} PciBridge;

/* From realize(): the function, and the bus behind it, called like the device
 * or else by number. info->bridge must be set. */
bool pci_bridge_init(PciBridge *b, const PciInfo *info, bool express,
                     Error **errp);
/* As hooks of a DeviceClass, and PciInfo.config_written. */
void pci_bridge_reset(Device *dev);
void pci_bridge_rewire(Device *dev);
void pci_bridge_unrealize(Device *dev);
void pci_bridge_written(PciFunction *f, unsigned offset, unsigned len);

extern const DeviceClass pcie_root_port_class, ioh3420_class, pci_bridge_class,
    pcie_pci_bridge_class;

#endif
