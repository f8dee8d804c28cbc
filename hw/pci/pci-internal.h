/*
 * What pci.c (functions) and pci-bus.c (the bus) share.
 */
#ifndef HW_PCI_INTERNAL_H
#define HW_PCI_INTERNAL_H

#include "hw/pci.h"

#define PCI_DEVFN_COUNT 256

struct PciBus {
    Machine *machine;
    char *name;
    MemRegion *memory, *io;
    PciFunction *function[PCI_DEVFN_COUNT];
    IrqFn *irq_fn;
    void *irq_opaque;
};

/* Claims an address; false with an error if it is taken or none is free. */
bool pci_bus_claim(PciBus *bus, PciFunction *f, int devfn, Error **errp);
void pci_bus_release(PciBus *bus, PciFunction *f);
/* The level of one pin may have changed. */
void pci_bus_drive_pin(PciBus *bus, const PciFunction *f);

/* The function's MSI-X, if it has one: reset, and after configuration bytes
 * were written (hw/pci/msix.c). */
void pci_msix_reset(PciFunction *f);
void pci_msix_written(PciFunction *f, unsigned offset, unsigned size);

/* The same for MSI (hw/pci/msi.c). */
void pci_msi_reset(PciFunction *f);
void pci_msi_written(PciFunction *f);

/* What BAR n decodes now; false: nothing. */
bool pci_bar_decode(const PciFunction *f, unsigned n, PhysAddr *addr);
/* A configuration access to a function; offset + size <= 256. */
uint32_t pci_function_read(PciFunction *f, unsigned offset, unsigned size);
void pci_function_write(PciFunction *f, unsigned offset, uint32_t v,
                        unsigned size);

#endif
