/*
 * What is on the PCI buses, for those who only look.
 *
 * Implemented by hw/pci/pci-report.c; called by monitor/ (query-pci).
 */
#ifndef VM_PCI_REPORT_H
#define VM_PCI_REPORT_H

#include "base/types.h"

#define PCI_REPORT_REGIONS 7   /* six BARs, and the ROM as number 6 */
#define PCI_REPORT_WINDOWS 3   /* I/O, memory, prefetchable memory */

typedef struct PciReportRegion {
    bool present, io, prefetch, is_64;
    uint64_t addr;             /* UINT64_MAX: it is not decoded */
    uint64_t size;
} PciReportRegion;

typedef struct PciReport {
    unsigned bus, slot, function;
    uint16_t vendor, device, subsystem_vendor, subsystem;
    uint16_t class_code;
    const char *class_name;    /* NULL: it has none here */
    const char *id;            /* of -device, or "" */
    unsigned irq, irq_pin;     /* pin 0: none */
    PciReportRegion region[PCI_REPORT_REGIONS];
    bool bridge;               /* with what follows */
    unsigned primary, secondary, subordinate;
    struct { uint64_t base, limit; } window[PCI_REPORT_WINDOWS];
} PciReport;

/* Called for each function of a root bus, and after a bridge for each behind
 * it; depth says how many bridges are before it. */
typedef void PciReportFn(void *opaque, unsigned depth, const PciReport *r);
/* Nothing if the machine has no PCI. */
void pci_report(const Machine *m, PciReportFn *fn, void *opaque);

#endif
