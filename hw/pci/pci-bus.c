/*
 * PCI buses: who is where, which bus has which number, and the interrupt lines.
 */
#include "base/log.h"
#include "pci-internal.h"

static PciBus *bus_new(Machine *m, const char *name)
{
    PciBus *bus = g_new0(PciBus, 1);
    bus->machine = m;
    bus->name = g_strdup(name);
    bus->present = g_ptr_array_new();
    machine_add_bus(m, &(MachineBus){ .kind = "PCI", .name = bus->name,
                                      .bus = bus });
    return bus;
}

PciBus *pci_bus_new(Machine *m, const char *name, MemRegion *memory,
                    MemRegion *io)
{
    PciBus *bus = bus_new(m, name);
    bus->memory = memory;
    bus->io = io;
    bus->lines = 4;
    bus->route = pci_pirq_of;
    return bus;
}

PciBus *pci_bus_new_behind(PciFunction *bridge, const char *name,
                           MemRegion *memory, MemRegion *io)
{
    PciBus *bus = bus_new(bridge->dev.machine, name);
    bus->memory = memory;
    bus->io = io;
    bus->bridge = bridge;
    bridge->secondary = bus;
    return bus;
}

void pci_bus_set_express(PciBus *bus)
{
    bus->express = true;
}

bool pci_bus_is_link(const PciBus *bus)
{
    return bus->express && bus->bridge;
}

bool pci_bus_is_root_complex(const PciBus *bus)
{
    return bus->express && !bus->bridge;
}

void pci_bus_free(PciBus *bus)
{
    if (!bus) {
        return;
    }
    for (int devfn = 0; devfn < PCI_DEVFN_COUNT; devfn++) {
        if (bus->function[devfn]) {
            pci_function_unrealize(bus->function[devfn]);
        }
    }
    if (bus->bridge) {
        bus->bridge->secondary = NULL;
    }
    g_ptr_array_free(bus->present, TRUE);
    g_free(bus->name);
    g_free(bus);
}

const char *pci_bus_name(const PciBus *bus)
{
    return bus->name;
}

PciFunction *pci_bus_function(PciBus *bus, int devfn)
{
    g_assert(devfn >= 0 && devfn < PCI_DEVFN_COUNT);
    return bus->function[devfn];
}

/* A link has one device. */
static int devfn_end(const PciBus *bus)
{
    return pci_bus_is_link(bus) ? 8 : PCI_DEVFN_COUNT;
}

static int free_slot(const PciBus *bus)
{
    for (int devfn = 0; devfn < devfn_end(bus); devfn += 8) {
        if (!bus->function[devfn]) {
            return devfn;
        }
    }
    return -1;
}

bool pci_bus_claim(PciBus *bus, PciFunction *f, int devfn, Error **errp)
{
    if (devfn == PCI_ADDR_AUTO) {
        devfn = free_slot(bus);
    }
    if (devfn < 0) {
        error_set(errp, "PCI: no slot/function available for %s, all in use",
                  f->dev.cls->name);
        return false;
    }
    if (bus->function[devfn]) {
        error_set(errp,
                  "PCI: slot %d function %d not available for %s, in use by %s",
                  devfn >> 3, devfn & 7, f->dev.cls->name,
                  bus->function[devfn]->dev.cls->name);
        return false;
    }
    if (devfn >= devfn_end(bus)) {
        error_set(errp, "PCI: slot %d is not valid for %s, %s only allows "
                  "plugging into slot 0", devfn >> 3, f->dev.cls->name,
                  bus->name);
        return false;
    }
    f->devfn = devfn;
    bus->function[devfn] = f;
    g_ptr_array_add(bus->present, f);
    return true;
}

void pci_bus_release(PciBus *bus, PciFunction *f)
{
    g_assert(bus->function[f->devfn] == f);
    bus->function[f->devfn] = NULL;
    g_ptr_array_remove(bus->present, f);
}

/* --- interrupt lines ---------------------------------------------------------*/

void pci_bus_connect_irq(PciBus *bus, IrqFn *irq_fn, void *opaque)
{
    bus->irq_fn = irq_fn;
    bus->irq_opaque = opaque;
}

void pci_bus_set_route(PciBus *bus, unsigned lines, PciRouteFn *route)
{
    bus->lines = lines;
    bus->route = route;
}

unsigned pci_pirq_of(void *opaque, int devfn, unsigned pin)
{
    unsigned slot = devfn >> 3;
    return (slot + pin + 3) & 3;       /* slot 1, INTA#: line 0 */
}

static bool pin_level(const PciFunction *f)
{
    return f->s->intx && f->s->config[PCI_INTERRUPT_PIN] &&
           !(pci_config_16(f, PCI_COMMAND) & PCI_COMMAND_INTX_OFF);
}

/* A bridge leads pins of its other side to its own, in turns by slot (PCI-to-PCI
 * Bridge Architecture Specification 1.2, 9.1; PCI Express 2.2.8.1). *bus: the
 * root bus. */
static unsigned function_pirq(const PciFunction *f, const PciBus **bus)
{
    unsigned pin = f->s->config[PCI_INTERRUPT_PIN] - 1u;
    while (f->bus->bridge) {
        pin = (pin + (f->devfn >> 3)) & 3;
        f = f->bus->bridge;
    }
    *bus = f->bus;
    return f->bus->route(f->bus->irq_opaque, f->devfn, pin);
}

static const PciBus *root_of(const PciBus *bus)
{
    while (bus->bridge) {
        bus = bus->bridge->bus;
    }
    return bus;
}

bool pci_bus_pirq_level(const PciBus *bus, unsigned pirq)
{
    for (guint i = 0; i < bus->present->len; i++) {
        const PciFunction *f = g_ptr_array_index(bus->present, i);
        const PciBus *root;
        if ((pin_level(f) && function_pirq(f, &root) == pirq) ||
            (f->secondary && pci_bus_pirq_level(f->secondary, pirq))) {
            return true;
        }
    }
    return false;
}

static void drive_line(const PciBus *root, unsigned pirq)
{
    if (root->irq_fn) {
        root->irq_fn(root->irq_opaque, pirq, pci_bus_pirq_level(root, pirq));
    }
}

void pci_bus_drive_pin(PciBus *bus, const PciFunction *f)
{
    const PciBus *root;
    if (f->s->config[PCI_INTERRUPT_PIN] && root_of(bus)->irq_fn) {
        unsigned pirq = function_pirq(f, &root);
        drive_line(root, pirq);
    }
}

void pci_bus_drive_irqs(PciBus *bus)
{
    for (unsigned pirq = 0; pirq < bus->lines; pirq++) {
        drive_line(bus, pirq);
    }
}

/* --- configuration accesses ----------------------------------------------------*/

/* PCI-to-PCI Bridge Architecture Specification 1.2, 3.2.5: the buses behind a
 * bridge have the numbers from its secondary to its subordinate one. Zero is
 * what a bridge has that was not set up yet. */
static PciBus *bus_numbered(PciBus *bus, unsigned number)
{
    if (number == pci_bus_number(bus)) {
        return bus;
    }
    for (guint i = 0; i < bus->present->len; i++) {
        const PciFunction *f = g_ptr_array_index(bus->present, i);
        const uint8_t *config = f->s->config;
        if (f->secondary && config[PCI_SECONDARY] &&
            number >= config[PCI_SECONDARY] &&
            number <= config[PCI_SUBORDINATE]) {
            return bus_numbered(f->secondary, number);
        }
    }
    return NULL;
}

unsigned pci_bus_number(const PciBus *bus)
{
    return bus->bridge ? bus->bridge->s->config[PCI_SECONDARY] : 0;
}

static PciFunction *function_at(PciBus *bus, unsigned bdf, unsigned offset,
                                unsigned size)
{
    if (offset + size > PCI_CONFIG_BYTES || (offset & 3) + size > 4) {
        guest_error("pci: configuration access of %u bytes at 0x%x\n", size,
                    offset);
        return NULL;
    }
    PciBus *at = bus_numbered(bus, bdf >> 8);
    return at ? at->function[bdf & 0xff] : NULL;
}

uint32_t pci_config_read(PciBus *bus, unsigned bdf, unsigned offset,
                         unsigned size)
{
    PciFunction *f = function_at(bus, bdf, offset, size);
    return f ? pci_function_read(f, offset, size) : UINT32_MAX;
}

void pci_config_write(PciBus *bus, unsigned bdf, unsigned offset, uint32_t v,
                      unsigned size)
{
    PciFunction *f = function_at(bus, bdf, offset, size);
    if (f) {
        pci_function_write(f, offset, v, size);
    }
}
