/*
 * The header of a function's configuration space: what software may write there,
 * and what is there after a reset. PCI Local Bus Specification 3.0, 6.1; of a
 * bridge: PCI-to-PCI Bridge Architecture Specification 1.2, 3.2.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "pci-internal.h"

/* Every function without an identity of its own says it is part of this. */
#define PCI_SUBSYSTEM_VENDOR_DEFAULT 0x1af4
#define PCI_SUBSYSTEM_DEFAULT        0x1100

/* PCI-to-PCI Bridge Architecture Specification 1.2, 3.2.5: addresses of 64 bits
 * for the prefetchable window, of 16 bits for ports. */
static void bridge_writable_init(PciFunction *f)
{
    uint8_t *w = f->writable;

    memset(w + PCI_PRIMARY, 0xff, 4);
    w[PCI_BRIDGE_IO_BASE] = w[PCI_BRIDGE_IO_LIMIT] = 0xf0;
    bytes_st_le16(f->clears + PCI_BRIDGE_STATUS, 0xf900);
    bytes_st_le32(w + PCI_BRIDGE_MEMORY, 0xfff0fff0);
    bytes_st_le32(w + PCI_BRIDGE_PREFETCH, 0xfff0fff0);
    memset(w + PCI_BRIDGE_PREFETCH_HIGH, 0xff, 8);
    bytes_st_le16(w + PCI_BRIDGE_CONTROL, 0x0fff & ~BIT(10));
    bytes_st_le16(f->clears + PCI_BRIDGE_CONTROL, BIT(10));
}

void pci_header_init(PciFunction *f)
{
    memset(f->writable, 0, sizeof f->writable);
    memset(f->clears, 0, sizeof f->clears);
    bytes_st_le16(f->writable + PCI_COMMAND,
                  PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
                      PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
                      PCI_COMMAND_INTX_OFF);
    bytes_st_le16(f->clears + PCI_STATUS, 0xf900);
    f->writable[PCI_CACHE_LINE] = 0xff;
    f->writable[PCI_LATENCY] = 0xff;
    f->writable[PCI_INTERRUPT_LINE] = 0xff;
    if (f->info->bridge) {
        bridge_writable_init(f);
    }
}

static void subsystem_reset(PciFunction *f)
{
    const PciInfo *info = f->info;
    pci_config_set_16(f, PCI_SUBSYSTEM_VENDOR,
                      info->subsystem_vendor ? info->subsystem_vendor
                                             : PCI_SUBSYSTEM_VENDOR_DEFAULT);
    pci_config_set_16(f, PCI_SUBSYSTEM_ID,
                      info->subsystem_device ? info->subsystem_device
                                             : PCI_SUBSYSTEM_DEFAULT);
}

/* Windows are shut: their limits are below their bases. */
static void bridge_reset(uint8_t *config)
{
    config[PCI_BRIDGE_IO_BASE] = 0xf0;
    bytes_st_le32(config + PCI_BRIDGE_MEMORY, 0x0000fff0);
    bytes_st_le32(config + PCI_BRIDGE_PREFETCH, 0x0001fff1);
}

void pci_header_reset(PciFunction *f)
{
    const PciInfo *info = f->info;
    uint8_t *config = f->s->config;

    pci_config_set_16(f, PCI_VENDOR_ID, info->vendor);
    pci_config_set_16(f, PCI_DEVICE_ID, info->device);
    pci_config_set_16(f, PCI_CLASS, info->class_code);
    config[PCI_REVISION] = info->revision;
    config[PCI_CLASS_PROG] = info->prog_if;
    config[PCI_HEADER_TYPE] = info->bridge;
    if (info->multifunction || f->multifunction) {
        config[PCI_HEADER_TYPE] |= PCI_HEADER_MULTIFUNCTION;
    }
    config[PCI_INTERRUPT_PIN] = info->interrupt_pin;
    if (info->bridge) {
        bridge_reset(config);
    } else {
        subsystem_reset(f);
    }
    for (unsigned n = 0; n < PCI_BAR_COUNT; n++) {
        if (f->bar[n].region) {
            config[PCI_BAR0 + 4 * n] = f->bar[n].flags;
        }
    }
}
