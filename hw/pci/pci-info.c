/*
 * `info pci`: functions with what their configuration space says, bus by bus.
 */
#include <inttypes.h>

#include "pci-internal.h"

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

const char *pci_class_name(uint16_t class_code)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(class_names); i++) {
        if (class_names[i].class_code == class_code) {
            return class_names[i].name;
        }
    }
    return NULL;
}

static void print_class(const PciFunction *f, GString *out)
{
    uint16_t code = pci_config_16(f, PCI_CLASS);
    const char *name = pci_class_name(code);
    if (name) {
        g_string_append(out, name);
    } else {
        g_string_append_printf(out, "Class %04u", code);
    }
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

static void print_range(const char *what, uint64_t base, uint64_t end,
                        GString *out)
{
    g_string_append_printf(out, "      %s [0x%04" PRIx64 ", 0x%04" PRIx64
                           "]\n", what, base, end);
}

static void print_bridge(const PciFunction *f, GString *out)
{
    static const char *const names[PCI_WINDOWS] = {
        "IO range", "memory range", "prefetchable memory range"
    };
    const uint8_t *config = f->s->config;

    g_string_append_printf(out, "      BUS %u.\n"
                           "      secondary bus %u.\n"
                           "      subordinate bus %u.\n",
                           pci_bus_number(f->bus), config[PCI_SECONDARY],
                           config[PCI_SUBORDINATE]);
    for (unsigned n = 0; n < PCI_WINDOWS; n++) {
        uint64_t base, end;
        pci_bridge_window(f, n, &base, &end);
        print_range(names[n], base, end, out);
    }
}

static void print_subsystem(const PciFunction *f, GString *out)
{
    g_string_append_printf(out, "      PCI subsystem %04x:%04x\n",
                           pci_config_16(f, PCI_SUBSYSTEM_VENDOR),
                           pci_config_16(f, PCI_SUBSYSTEM_ID));
}

static void print_function(const PciFunction *f, GString *out)
{
    const uint8_t *config = f->s->config;

    g_string_append_printf(out, "  Bus %2u, device %3d, function %d:\n    ",
                           pci_bus_number(f->bus), f->devfn >> 3, f->devfn & 7);
    print_class(f, out);
    g_string_append_printf(out, ": PCI device %04x:%04x\n",
                           pci_config_16(f, PCI_VENDOR_ID),
                           pci_config_16(f, PCI_DEVICE_ID));
    if (!f->secondary) {
        print_subsystem(f, out);
    }
    if (config[PCI_INTERRUPT_PIN]) {
        g_string_append_printf(out, "      IRQ %u, pin %c\n",
                               config[PCI_INTERRUPT_LINE],
                               'A' + config[PCI_INTERRUPT_PIN] - 1);
    }
    if (f->secondary) {
        print_bridge(f, out);
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
        const PciFunction *f = bus->function[devfn];
        if (f) {
            print_function(f, out);
        }
        if (f && f->secondary) {
            pci_bus_info(f->secondary, out);
        }
    }
}
