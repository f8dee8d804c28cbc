/*
 * What bridges have in common. See bridge.h.
 *
 * A bridge hands DMA and messages on in any case: firmware leaves its bus master
 * bit alone where it has set that of the device.
 */
#include "bridge.h"

#include "base/bits.h"
#include "pci-internal.h"

#define CONTROL_BUS_RESET 0x40u    /* 3.2.5.18 */

/* Above this nothing can be reached. */
#define ADDRESS_END BIT(52)

/* 3.2.5.6, 3.2.5.8, 3.2.5.9: a base and a limit, whose lower bits are zeroes
 * and ones. */
void pci_bridge_window(const PciFunction *f, unsigned n, uint64_t *base,
                       uint64_t *end)
{
    const uint8_t *config = f->s->config;
    unsigned at = n == PCI_WINDOW_MEMORY ? PCI_BRIDGE_MEMORY
                                         : PCI_BRIDGE_PREFETCH;

    if (n == PCI_WINDOW_IO) {
        *base = (uint64_t)(config[PCI_BRIDGE_IO_BASE] & 0xf0) << 8;
        *end = (uint64_t)(config[PCI_BRIDGE_IO_LIMIT] & 0xf0) << 8 | 0xfff;
        return;
    }
    *base = (uint64_t)(pci_config_16(f, at) & 0xfff0) << 16;
    *end = (uint64_t)(pci_config_16(f, at + 2) & 0xfff0) << 16 | 0xfffff;
    if (n == PCI_WINDOW_PREFETCH) {
        *base |= (uint64_t)pci_config_32(f, PCI_BRIDGE_PREFETCH_HIGH) << 32;
        *end |= (uint64_t)pci_config_32(f, PCI_BRIDGE_PREFETCH_HIGH + 4) << 32;
    }
}

static void window_map(PciBridge *b, unsigned n)
{
    MemRegion *r = &b->window[n];
    uint16_t command = pci_config_16(&b->pci, PCI_COMMAND);
    bool on = command & (n == PCI_WINDOW_IO ? PCI_COMMAND_IO
                                            : PCI_COMMAND_MEMORY);
    uint64_t base, end;

    pci_bridge_window(&b->pci, n, &base, &end);
    if (!on || end < base || end >= ADDRESS_END) {
        mem_set_enabled(r, false);
        return;
    }
    mem_set_alias_size(r, end - base + 1);
    mem_set_alias(r, n == PCI_WINDOW_IO ? &b->io : &b->memory, base);
    mem_set_address(r, base);
    mem_set_enabled(r, true);
}

static void bridge_map(PciBridge *b)
{
    mem_transaction_begin(b->pci.dev.machine);
    for (unsigned n = 0; n < PCI_WINDOWS; n++) {
        window_map(b, n);
    }
    mem_transaction_commit(b->pci.dev.machine);
}

/* --- a reset of the bus behind it ------------------------------------------------*/

static void bus_reset(PciBus *bus)
{
    for (guint i = 0; i < bus->present->len; i++) {
        PciFunction *f = g_ptr_array_index(bus->present, i);
        device_reset(&f->dev);
        if (f->dev.inner) {
            device_reset(f->dev.inner);
        }
        if (f->secondary) {
            bus_reset(f->secondary);
        }
    }
}

void pci_bridge_written(PciFunction *f, unsigned offset, unsigned len)
{
    PciBridge *b = (PciBridge *)f;

    if (pci_overlaps(offset, len, PCI_COMMAND, 2) ||
        pci_overlaps(offset, len, PCI_BRIDGE_IO_BASE, 0x14)) {
        bridge_map(b);
    }
    if (pci_overlaps(offset, len, PCI_BRIDGE_CONTROL, 2) &&
        (pci_config_16(f, PCI_BRIDGE_CONTROL) & CONTROL_BUS_RESET)) {
        bus_reset(b->bus);
    }
}

/* --- life -------------------------------------------------------------------------*/

static char *bus_name(const Device *dev, bool express)
{
    unsigned n = 0;
    if (dev->id) {
        return g_strdup(dev->id);
    }
    while (machine_bus_at(dev->machine, "PCI", n)) {
        n++;
    }
    return g_strdup_printf("%s.%u", express ? "pcie" : "pci", n);
}

static void window_init(PciBridge *b, unsigned n)
{
    static const char *const names[PCI_WINDOWS] = {
        "pci-bridge-io", "pci-bridge-memory", "pci-bridge-prefetch"
    };
    bool io = n == PCI_WINDOW_IO;
    MemRegion *r = &b->window[n];

    mem_init_alias(r, names[n], io ? &b->io : &b->memory, 0, PAGE_SIZE);
    mem_set_enabled(r, false);
    mem_add(io ? b->pci.bus->io : b->pci.bus->memory, 0, r, 1);
}

bool pci_bridge_init(PciBridge *b, const PciInfo *info, bool express,
                     Error **errp)
{
    PciFunction *f = &b->pci;

    g_assert(info->bridge);
    if (!pci_function_init(f, info, PCI_ADDR_AUTO, errp)) {
        return false;
    }
    g_autofree char *name = bus_name(&f->dev, express);
    mem_init_container(&b->memory, "pci-bus-memory", UINT64_MAX);
    mem_init_container(&b->io, "pci-bus-io", 0x10000);
    b->bus = pci_bus_new_behind(f, name, &b->memory, &b->io);
    if (express) {
        pci_bus_set_express(b->bus);
    }
    for (unsigned n = 0; n < PCI_WINDOWS; n++) {
        window_init(b, n);
    }
    return true;
}

void pci_bridge_reset(Device *dev)
{
    pci_function_reset((PciFunction *)dev);
    bridge_map((PciBridge *)dev);
}

void pci_bridge_rewire(Device *dev)
{
    pci_function_rewire((PciFunction *)dev);
    bridge_map((PciBridge *)dev);
}

void pci_bridge_unrealize(Device *dev)
{
    PciBridge *b = (PciBridge *)dev;

    if (b->bus) {
        pci_bus_free(b->bus);
        for (unsigned n = 0; n < PCI_WINDOWS; n++) {
            mem_remove(&b->window[n]);
        }
        b->bus = NULL;
    }
    pci_function_unrealize(&b->pci);
}
