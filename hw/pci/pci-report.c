/*
 * What is on the PCI buses. See vm/pci-report.h.
 */
#include "vm/pci-report.h"

#include "pci-internal.h"

static void report_regions(const PciFunction *f, PciReport *r)
{
    for (unsigned n = 0; n <= PCI_ROM_SLOT; n++) {
        const PciBar *bar = &f->bar[n];
        PhysAddr addr = 0;
        bool on = bar->region && pci_bar_decode(f, n, &addr);
        r->region[n] = (PciReportRegion){
            .present = bar->region != NULL,
            .io = bar->flags & PCI_BAR_IO,
            .prefetch = bar->flags & PCI_BAR_PREFETCH,
            .is_64 = bar->flags & PCI_BAR_MEM64,
            .addr = on ? addr : UINT64_MAX, .size = bar->size,
        };
    }
}

static void report_bridge(const PciFunction *f, PciReport *r)
{
    const uint8_t *config = f->s->config;
    r->bridge = true;
    r->primary = config[PCI_PRIMARY];
    r->secondary = config[PCI_SECONDARY];
    r->subordinate = config[PCI_SUBORDINATE];
    for (unsigned n = 0; n < PCI_REPORT_WINDOWS; n++) {
        pci_bridge_window(f, n, &r->window[n].base, &r->window[n].limit);
    }
}

static PciReport report_of(const PciFunction *f)
{
    const uint8_t *config = f->s->config;
    PciReport r = {
        .bus = pci_bus_number(f->bus), .slot = f->devfn >> 3,
        .function = f->devfn & 7,
        .vendor = pci_config_16(f, PCI_VENDOR_ID),
        .device = pci_config_16(f, PCI_DEVICE_ID),
        .subsystem_vendor = pci_config_16(f, PCI_SUBSYSTEM_VENDOR),
        .subsystem = pci_config_16(f, PCI_SUBSYSTEM_ID),
        .class_code = pci_config_16(f, PCI_CLASS),
        .class_name = pci_class_name(pci_config_16(f, PCI_CLASS)),
        .id = f->dev.id ? f->dev.id : "",
        .irq = config[PCI_INTERRUPT_LINE],
        .irq_pin = config[PCI_INTERRUPT_PIN],
    };
    report_regions(f, &r);
    if (f->secondary) {
        report_bridge(f, &r);
    }
    return r;
}

static void report_bus(const PciBus *bus, unsigned depth, PciReportFn *fn,
                       void *opaque)
{
    for (int devfn = 0; devfn < PCI_DEVFN_COUNT; devfn++) {
        const PciFunction *f = bus->function[devfn];
        if (f) {
            PciReport r = report_of(f);
            fn(opaque, depth, &r);
        }
        if (f && f->secondary) {
            report_bus(f->secondary, depth + 1, fn, opaque);
        }
    }
}

void pci_report(const Machine *m, PciReportFn *fn, void *opaque)
{
    for (guint i = 0; m->infos && i < m->infos->len; i++) {
        const MachineInfo *info = g_ptr_array_index(m->infos, i);
        if (info->fn == pci_bus_info) {
            report_bus(info->opaque, 0, fn, opaque);
        }
    }
}
