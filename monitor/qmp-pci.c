/*
 * QMP: the PCI buses (qapi/pci.json).
 */
#include "monitor.h"
#include "vm/pci-report.h"

/* Bridges that are behind each other; a machine has 256 buses at most. */
#define DEPTH_MAX 256

typedef struct PciLister {
    /* Functions of the bus at each depth. */
    json_t *devices[DEPTH_MAX];
} PciLister;

static json_t *put_region(const PciReportRegion *r, unsigned n)
{
    PciMemoryRegion region = {
        .bar = n,
        .type = r->io ? PCI_REGION_TYPE_IO : PCI_REGION_TYPE_MEMORY,
        .address = (int64_t)r->addr, .size = r->size,
        .has_prefetch = !r->io, .prefetch = r->prefetch,
        .has_mem_type_64 = !r->io, .mem_type_64 = r->is_64,
    };
    return qapi_put_PciMemoryRegion(&region);
}

static json_t *put_regions(const PciReport *r)
{
    json_t *list = json_array();
    for (unsigned n = 0; n < PCI_REPORT_REGIONS; n++) {
        if (r->region[n].present) {
            json_array_append_new(list, put_region(&r->region[n], n));
        }
    }
    return list;
}

static json_t *put_bridge(const PciReport *r, json_t *devices)
{
    PciMemoryRange range[PCI_REPORT_WINDOWS];
    for (unsigned n = 0; n < PCI_REPORT_WINDOWS; n++) {
        range[n] = (PciMemoryRange){ r->window[n].base, r->window[n].limit };
    }
    PciBusInfo bus = { r->primary, r->secondary, r->subordinate, &range[0],
                       &range[1], &range[2] };
    PciBridgeInfo bridge = { &bus, devices };
    return qapi_put_PciBridgeInfo(&bridge);
}

static void add_function(void *opaque, unsigned depth, const PciReport *r)
{
    PciLister *l = opaque;
    PciDeviceClass class_info = { r->class_name, r->class_code };
    PciDeviceId id = {
        .device = r->device, .vendor = r->vendor,
        .has_subsystem = !r->bridge, .subsystem = r->subsystem,
        .has_subsystem_vendor = !r->bridge,
        .subsystem_vendor = r->subsystem_vendor,
    };
    PciDeviceInfo info = {
        .bus = r->bus, .slot = r->slot, .function = r->function,
        .class_info = &class_info, .id = &id, .has_irq = r->irq_pin != 0,
        .irq = r->irq, .irq_pin = r->irq_pin, .qdev_id = r->id,
        .regions = put_regions(r),
    };
    json_t *o = qapi_put_PciDeviceInfo(&info);
    json_array_append_new(l->devices[depth], o);
    if (r->bridge && depth + 1 < DEPTH_MAX) {
        l->devices[depth + 1] = json_array();
        json_t *behind = json_incref(l->devices[depth + 1]);
        json_object_set_new(o, "pci_bridge", put_bridge(r, behind));
        json_decref(l->devices[depth + 1]); /* its bridge has it */
    }
}

json_t *qmp_query_pci(QmpContext *ctx, Error **errp)
{
    PciLister l = { { json_array() } };
    pci_report(ctx->machine, add_function, &l);
    json_t *list = json_array();
    if (json_array_size(l.devices[0])) {
        PciInfo info = { 0, l.devices[0] };
        json_array_append_new(list, qapi_put_PciInfo(&info));
    } else {
        json_decref(l.devices[0]);
    }
    return list;
}
