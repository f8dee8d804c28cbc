/*
 * A PCI root bus: who is where, the four interrupt lines, and `info pci`.
 */
#include <inttypes.h>

#include "base/log.h"
#include "pci-internal.h"

PciBus *pci_bus_new(Machine *m, const char *name, MemRegion *memory,
                    MemRegion *io)
{
    PciBus *bus = g_new0(PciBus, 1);
    bus->machine = m;
    bus->name = g_strdup(name);
    bus->memory = memory;
    bus->io = io;
    machine_add_bus(m, &(MachineBus){ .kind = "PCI", .name = bus->name,
                                      .bus = bus });
    return bus;
}

void pci_bus_free(PciBus *bus)
{
    if (bus) {
        for (int devfn = 0; devfn < PCI_DEVFN_COUNT; devfn++) {
            if (bus->function[devfn]) {
                pci_function_unrealize(bus->function[devfn]);
            }
        }
        g_free(bus->name);
        g_free(bus);
    }
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

static int free_slot(const PciBus *bus)
{
    for (int devfn = 0; devfn < PCI_DEVFN_COUNT; devfn += 8) {
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
    f->devfn = devfn;
    bus->function[devfn] = f;
    return true;
}

void pci_bus_release(PciBus *bus, PciFunction *f)
{
    g_assert(bus->function[f->devfn] == f);
    bus->function[f->devfn] = NULL;
}

/* --- interrupt lines ---------------------------------------------------------*/

void pci_bus_connect_irq(PciBus *bus, IrqFn *irq_fn, void *opaque)
{
    bus->irq_fn = irq_fn;
    bus->irq_opaque = opaque;
}

unsigned pci_pirq_of(int devfn, unsigned pin)
{
    unsigned slot = devfn >> 3;
    return (slot + pin + 3) & 3;       /* slot 1, INTA#: line 0 */
}

static bool pin_level(const PciFunction *f)
{
    return f->s->intx && f->s->config[PCI_INTERRUPT_PIN] &&
           !(pci_config_16(f, PCI_COMMAND) & PCI_COMMAND_INTX_OFF);
}

static unsigned function_pirq(const PciFunction *f)
{
    return pci_pirq_of(f->devfn, f->s->config[PCI_INTERRUPT_PIN] - 1u);
}

bool pci_bus_pirq_level(const PciBus *bus, unsigned pirq)
{
    for (int devfn = 0; devfn < PCI_DEVFN_COUNT; devfn++) {
        const PciFunction *f = bus->function[devfn];
        if (f && pin_level(f) && function_pirq(f) == pirq) {
            return true;
        }
    }
    return false;
}

static void drive_line(PciBus *bus, unsigned pirq)
{
    if (bus->irq_fn) {
        bus->irq_fn(bus->irq_opaque, pirq, pci_bus_pirq_level(bus, pirq));
    }
}

void pci_bus_drive_pin(PciBus *bus, const PciFunction *f)
{
    if (f->s->config[PCI_INTERRUPT_PIN]) {
        drive_line(bus, function_pirq(f));
    }
}

void pci_bus_drive_irqs(PciBus *bus)
{
    for (unsigned pirq = 0; pirq < 4; pirq++) {
        drive_line(bus, pirq);
    }
}

/* --- configuration accesses ----------------------------------------------------*/

/* The function at a bus/device/function number; only bus 0 exists. */
static PciFunction *function_at(PciBus *bus, unsigned bdf, unsigned offset,
                                unsigned size)
{
    if (offset + size > sizeof(PciConfig) || (offset & 3) + size > 4) {
        guest_error("pci: configuration access of %u bytes at 0x%x\n", size,
                    offset);
        return NULL;
    }
    return bdf < PCI_DEVFN_COUNT ? bus->function[bdf] : NULL;
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

/* --- info pci --------------------------------------------------------------------*/

typedef struct ClassName {
    uint16_t class_code;
    const char *name;
} ClassName;

static const ClassName class_names[] = {
    { 0x0100, "SCSI controller" },
    { 0x0101, "IDE controller" },
    { 0x0106, "SATA controller" },
    { 0x0107, "SAS controller" },
    { 0x0180, "Storage controller" },
    { 0x0200, "Ethernet controller" },
    { 0x0280, "Network controller" },
    { 0x0300, "VGA controller" },
    { 0x0401, "Audio controller" },
    { 0x0500, "RAM controller" },
    { 0x0600, "Host bridge" },
    { 0x0601, "ISA bridge" },
    { 0x0604, "PCI bridge" },
    { 0x0680, "Bridge" },
    { 0x0700, "Serial port" },
    { 0x0c03, "USB controller" },
    { 0x0c05, "SMBus" },
};

static void print_class(const PciFunction *f, GString *out)
{
    uint16_t code = pci_config_16(f, PCI_CLASS);
    for (unsigned i = 0; i < G_N_ELEMENTS(class_names); i++) {
        if (class_names[i].class_code == code) {
            g_string_append(out, class_names[i].name);
            return;
        }
    }
    g_string_append_printf(out, "Class %04x", code);
}

static void print_bar(const PciFunction *f, unsigned n, GString *out)
{
    const PciBar *bar = &f->bar[n];
    PhysAddr addr;
    bool on = pci_bar_decode(f, n, &addr);

    g_string_append_printf(out, "      BAR%u: ", n);
    if (bar->flags & PCI_BAR_IO) {
        g_string_append_printf(out,
                               "I/O at 0x%04" PRIx64 " [0x%04" PRIx64 "]",
                               addr, addr + bar->size - 1);
    } else {
        const char *pad = bar->flags & PCI_BAR_MEM64 ? "64 bit" : "32 bit";
        g_string_append_printf(
            out, "%s%s memory at 0x%08" PRIx64 " [0x%08" PRIx64 "]", pad,
            bar->flags & PCI_BAR_PREFETCH ? " prefetchable" : "", addr,
            addr + bar->size - 1);
    }
    g_string_append(out, on ? ".\n" : " (not decoded).\n");
}

static void print_function(const PciFunction *f, GString *out)
{
    const uint8_t *config = f->s->config;

    g_string_append_printf(out, "  Bus  0, device %3d, function %d:\n    ",
                           f->devfn >> 3, f->devfn & 7);
    print_class(f, out);
    g_string_append_printf(out, ": PCI device %04x:%04x\n",
                           pci_config_16(f, PCI_VENDOR_ID),
                           pci_config_16(f, PCI_DEVICE_ID));
    g_string_append_printf(out, "      PCI subsystem %04x:%04x\n",
                           pci_config_16(f, PCI_SUBSYSTEM_VENDOR),
                           pci_config_16(f, PCI_SUBSYSTEM_ID));
    if (config[PCI_INTERRUPT_PIN]) {
        g_string_append_printf(out, "      IRQ %u, pin %c\n",
                               config[PCI_INTERRUPT_LINE],
                               'A' + config[PCI_INTERRUPT_PIN] - 1);
    }
    for (unsigned n = 0; n <= PCI_ROM_SLOT; n++) {
        if (f->bar[n].region) {
            print_bar(f, n, out);
        }
    }
    g_string_append_printf(out, "      id \"%s\"\n",
                           f->dev.id ? f->dev.id : "");
}

void pci_bus_info(void *opaque, GString *out)
{
    const PciBus *bus = opaque;
    for (int devfn = 0; devfn < PCI_DEVFN_COUNT; devfn++) {
        if (bus->function[devfn]) {
            print_function(bus->function[devfn], out);
        }
    }
}
