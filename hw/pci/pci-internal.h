/*
 * What pci.c (functions), pci-bus.c (buses), pci-info.c and bridge.c share.
 */
#ifndef HW_PCI_INTERNAL_H
#define HW_PCI_INTERNAL_H

#include "hw/pci.h"

#define PCI_DEVFN_COUNT 256

#define PCI_HEADER_MULTIFUNCTION 0x80u

/* A bridge's header, PCI-to-PCI Bridge Architecture Specification 1.2, 3.2. */
enum {
    PCI_BRIDGE_IO_BASE = 0x1c,
    PCI_BRIDGE_IO_LIMIT = 0x1d,
    PCI_BRIDGE_STATUS = 0x1e,
    PCI_BRIDGE_MEMORY = 0x20,
    PCI_BRIDGE_PREFETCH = 0x24,
    PCI_BRIDGE_PREFETCH_HIGH = 0x28, /* base, then limit */
    PCI_BRIDGE_CONTROL = 0x3e,
};

struct PciBus {
    Machine *machine;
    char *name;
    MemRegion *memory, *io;
    bool express;          /* links, not a shared bus */
    PciFunction *bridge;   /* in front of it; NULL: a root bus */
    PciFunction *function[PCI_DEVFN_COUNT];
    GPtrArray *present;    /* the same, those that are there */
    /* Of a root bus. */
    IrqFn *irq_fn;
    void *irq_opaque;
    unsigned lines;
    PciRouteFn *route;
};

/* Claims an address; false with an error if it is taken or none is free. */
bool pci_bus_claim(PciBus *bus, PciFunction *f, int devfn, Error **errp);
void pci_bus_release(PciBus *bus, PciFunction *f);
/* The level of one pin may have changed. */
void pci_bus_drive_pin(PciBus *bus, const PciFunction *f);
/* The number that its bridge has been given; 0 for a root bus. */
unsigned pci_bus_number(const PciBus *bus);

/* The function's MSI-X, if it has one: reset, and after configuration bytes
 * were written (hw/pci/msix.c). */
void pci_msix_reset(PciFunction *f);
void pci_msix_written(PciFunction *f, unsigned offset, unsigned size);

/* The same for MSI (hw/pci/msi.c). */
void pci_msi_reset(PciFunction *f);
void pci_msi_written(PciFunction *f);
/* And PCI Express (hw/pci/express.c). */
void pci_express_reset(PciFunction *f);

/* The header: bits that software may write, and values after a reset
 * (hw/pci/pci-header.c). */
void pci_header_init(PciFunction *f);
void pci_header_reset(PciFunction *f);

/* Whether an access to [offset, offset + size) touches a register. */
bool pci_overlaps(unsigned offset, unsigned size, unsigned start,
                  unsigned len);
/* The expansion ROM that property romfile gives (hw/pci/pci-rom.c). */
bool pci_rom_add(PciFunction *f, Error **errp);

/* What a class code is called; NULL: nothing (hw/pci/pci-info.c). */
const char *pci_class_name(uint16_t class_code);
/* What BAR n decodes now; false: nothing. */
bool pci_bar_decode(const PciFunction *f, unsigned n, PhysAddr *addr);
/* A configuration access to a function; offset + size <= 4096. */
uint32_t pci_function_read(PciFunction *f, unsigned offset, unsigned size);
void pci_function_write(PciFunction *f, unsigned offset, uint32_t v,
                        unsigned size);

#endif
