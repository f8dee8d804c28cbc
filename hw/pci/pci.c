/*
 * A PCI function: its configuration space, and what follows from it.
 *
 * The 256 configuration bytes are state. Where BARs are mapped and whether
 * the interrupt pin reaches the bus is computed from them, after a write and
 * after a load alike. Section numbers: PCI Local Bus Specification 3.0.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "pci-internal.h"

#define PCI_ROM_ENABLE 1u      /* 6.2.5.2 */

uint16_t pci_config_16(const PciFunction *f, unsigned offset)
{
    g_assert(offset <= sizeof(PciConfig) - 2);
    return bytes_ld_le16(f->s->config + offset);
}

uint32_t pci_config_32(const PciFunction *f, unsigned offset)
{
    g_assert(offset <= sizeof(PciConfig) - 4);
    return bytes_ld_le32(f->s->config + offset);
}

void pci_config_set_16(PciFunction *f, unsigned offset, uint16_t v)
{
    g_assert(offset <= sizeof(PciConfig) - 2);
    bytes_st_le16(f->s->config + offset, v);
}

void pci_config_set_32(PciFunction *f, unsigned offset, uint32_t v)
{
    g_assert(offset <= sizeof(PciConfig) - 4);
    bytes_st_le32(f->s->config + offset, v);
}

/* --- BARs ------------------------------------------------------------------*/

static unsigned bar_offset(unsigned n)
{
    return n == PCI_ROM_SLOT ? PCI_ROM : PCI_BAR0 + 4 * n;
}

bool pci_bar_decode(const PciFunction *f, unsigned n, PhysAddr *addr)
{
    const PciBar *bar = &f->bar[n];
    uint16_t command = pci_config_16(f, PCI_COMMAND);
    uint64_t raw = pci_config_32(f, bar_offset(n));
    uint64_t limit = UINT32_MAX;
    bool on = command & PCI_COMMAND_MEMORY;

    if (n == PCI_ROM_SLOT) {
        on = on && (raw & PCI_ROM_ENABLE);
    } else if (bar->flags & PCI_BAR_IO) {
        on = command & PCI_COMMAND_IO;
        limit = 0x10000;
    } else if (bar->flags & PCI_BAR_MEM64) {
        raw |= (uint64_t)pci_config_32(f, bar_offset(n + 1)) << 32;
        limit = BIT(52);
    }
    *addr = raw & ~(bar->size - 1);
    /* Zero is "not assigned"; the top is what sizing writes leave behind. */
    return on && *addr != 0 && *addr + bar->size - 1 >= *addr &&
           *addr + bar->size - 1 < limit;
}

static void bars_map(PciFunction *f)
{
    mem_transaction_begin(f->dev.machine);
    for (unsigned n = 0; n <= PCI_ROM_SLOT; n++) {
        MemRegion *region = f->bar[n].region;
        PhysAddr addr;
        if (!region) {
            continue;
        }
        if (pci_bar_decode(f, n, &addr)) {
            mem_set_address(region, addr);
            mem_set_enabled(region, true);
        } else {
            mem_set_enabled(region, false);
        }
    }
    mem_transaction_commit(f->dev.machine);
}

static void bar_add(PciFunction *f, unsigned n, unsigned flags,
                    MemRegion *region)
{
    uint64_t mask = ~(region->size - 1);
    unsigned offset = bar_offset(n);

    g_assert(!f->bar[n].region && bits_is_pow2(region->size));
    f->bar[n] = (PciBar){ region, flags, region->size };
    bytes_st_le32(f->writable + offset, mask);
    if (flags & PCI_BAR_MEM64) {
        bytes_st_le32(f->writable + offset + 4, mask >> 32);
    }
    mem_set_enabled(region, false);
    mem_add(flags & PCI_BAR_IO ? f->bus->io : f->bus->memory, 0, region, 1);
}

void pci_bar_init(PciFunction *f, unsigned n, unsigned flags,
                  MemRegion *region)
{
    g_assert(n + !!(flags & PCI_BAR_MEM64) < PCI_BAR_COUNT);
    g_assert(region->size >= (flags & PCI_BAR_IO ? 4 : 16));
    bar_add(f, n, flags, region);
}

void pci_rom_init(PciFunction *f, MemRegion *region)
{
    g_assert(region->size >= 2 * KIB);
    bar_add(f, PCI_ROM_SLOT, PCI_BAR_MEM32, region);
    f->writable[PCI_ROM] |= PCI_ROM_ENABLE;
}

/* --- life -------------------------------------------------------------------*/

/* "SLOT" or "SLOT.FUNCTION", hexadecimal. */
static bool addr_parse(const char *text, int *devfn)
{
    char *end;
    guint64 slot = g_ascii_strtoull(text, &end, 16);
    guint64 fn = 0;

    if (end == text || slot > 31) {
        return false;
    }
    if (*end == '.') {
        const char *digits = end + 1;
        fn = g_ascii_strtoull(digits, &end, 16);
        if (end == digits || fn > 7) {
            return false;
        }
    }
    *devfn = PCI_DEVFN(slot, fn);
    return *end == '\0';
}

bool pci_function_init(PciFunction *f, const PciInfo *info, int devfn,
                       Error **errp)
{
    if (!f->dev.bus) {
        error_set(errp, "%s needs a PCI bus", f->dev.cls->name);
        return false;
    }
    if (f->addr && !addr_parse(f->addr, &devfn)) {
        error_set(errp, "Property '%s.addr' doesn't take value '%s'",
                  f->dev.cls->name, f->addr);
        return false;
    }
    f->info = info;
    f->bus = f->dev.bus;
    f->s = device_state(&f->dev);
    if (!pci_bus_claim(f->bus, f, devfn, errp)) {
        f->bus = NULL;
        return false;
    }
    g_free(f->dev.at);
    f->dev.at = g_strdup_printf("%02x.%x", f->devfn >> 3, f->devfn & 7);
    pci_header_init(f);
    return !f->rom || pci_rom_add(f, errp);
}

void pci_function_unrealize(PciFunction *f)
{
    for (unsigned n = 0; n <= PCI_ROM_SLOT; n++) {
        if (f->bar[n].region) {
            mem_remove(f->bar[n].region);
            f->bar[n].region = NULL;
        }
    }
    if (f->bus) {
        pci_bus_release(f->bus, f);
        f->bus = NULL;
    }
}

void pci_function_reset(PciFunction *f)
{
    memset(f->s->config, 0, sizeof f->s->config);
    f->s->intx = false;
    pci_header_reset(f);
    pci_msix_reset(f);
    pci_msi_reset(f);
    pci_express_reset(f);
    if (f->info->config_reset) {
        f->info->config_reset(f);
    }
    bars_map(f);
    pci_bus_drive_pin(f->bus, f);
}

void pci_function_rewire(PciFunction *f)
{
    bars_map(f);
}

void pci_device_reset(Device *dev)
{
    pci_function_reset((PciFunction *)dev);
}

void pci_device_rewire(Device *dev)
{
    pci_function_rewire((PciFunction *)dev);
}

void pci_device_unrealize(Device *dev)
{
    pci_function_unrealize((PciFunction *)dev);
}

void pci_capability_add(PciFunction *f, uint8_t id, unsigned offset,
                        unsigned len)
{
    uint8_t *config = f->s->config;

    g_assert(offset >= 0x40 && len >= 2 && offset + len <= sizeof(PciConfig));
    memset(config + offset, 0, len);
    config[offset] = id;
    config[offset + 1] = config[PCI_CAPABILITIES];
    config[PCI_CAPABILITIES] = offset;
    config[PCI_STATUS] |= PCI_STATUS_CAPABILITIES;
}

/* --- configuration accesses -------------------------------------------------*/

/* Behind the first 256 bytes only functions of PCI Express have anything. */
static uint32_t extended_read(const PciFunction *f, unsigned offset,
                              unsigned size)
{
    if (f->extended) {
        return bytes_ld_le(f->extended->bytes + offset - sizeof(PciConfig), size);
    }
    return f->express.capability ? 0 : UINT32_MAX;
}

uint32_t pci_function_read(PciFunction *f, unsigned offset, unsigned size)
{
    if (offset >= sizeof(PciConfig)) {
        return extended_read(f, offset, size);
    }
    if (f->info->config_reading) {
        f->info->config_reading(f, offset, size);
    }
    return bytes_ld_le(f->s->config + offset, size);
}

bool pci_overlaps(unsigned offset, unsigned size, unsigned start,
                  unsigned len)
{
    return offset < start + len && start < offset + size;
}

/* Each byte of the value replaces what is writable, and clears what is cleared
 * by ones. */
static void merge(uint8_t *at, const uint8_t *writable, const uint8_t *clears,
                  uint32_t v, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = v >> (8 * i);
        at[i] = (at[i] & ~writable[i]) | (byte & writable[i]);
        at[i] &= ~(byte & clears[i]);
    }
}

static void extended_write(PciFunction *f, unsigned offset, uint32_t v,
                           unsigned size)
{
    PciExtendedSpace *x = f->extended;
    unsigned at = offset - sizeof(PciConfig);
    if (x) {
        merge(x->bytes + at, x->writable + at, x->clears + at, v, size);
    }
}

void pci_function_write(PciFunction *f, unsigned offset, uint32_t v,
                        unsigned size)
{
    if (offset >= sizeof(PciConfig)) {
        extended_write(f, offset, v, size);
        return;
    }
    merge(f->s->config + offset, f->writable + offset, f->clears + offset, v,
          size);
    if (pci_overlaps(offset, size, PCI_COMMAND, 2) ||
        pci_overlaps(offset, size, PCI_BAR0, 4 * PCI_BAR_COUNT) ||
        pci_overlaps(offset, size, PCI_ROM, 4)) {
        bars_map(f);
    }
    if (pci_overlaps(offset, size, PCI_COMMAND, 2)) {
        pci_bus_drive_pin(f->bus, f);
    }
    pci_msix_written(f, offset, size);
    pci_msi_written(f);
    if (f->info->config_written) {
        f->info->config_written(f, offset, size);
    }
}

/* --- interrupts and DMA -----------------------------------------------------*/

void pci_set_intx(PciFunction *f, bool level)
{
    if (f->s->intx == level) {
        return;
    }
    f->s->intx = level;
    f->s->config[PCI_STATUS] &= ~PCI_STATUS_INTX;
    f->s->config[PCI_STATUS] |= level ? PCI_STATUS_INTX : 0;
    pci_bus_drive_pin(f->bus, f);
}

static bool is_master(const PciFunction *f)
{
    bool master = pci_config_16(f, PCI_COMMAND) & PCI_COMMAND_MASTER;
    if (!master) {
        guest_error("%s: DMA without bus master enable\n", f->dev.path);
    }
    return master;
}

bool pci_dma_read(PciFunction *f, PhysAddr addr, void *buf, uint64_t len)
{
    if (!is_master(f)) {
        memset(buf, 0xff, len);
        return false;
    }
    address_space_read(f->dev.machine->memory, addr, buf, len);
    return true;
}

bool pci_dma_write(PciFunction *f, PhysAddr addr, const void *buf,
                   uint64_t len)
{
    if (!is_master(f)) {
        return false;
    }
    address_space_write(f->dev.machine->memory, addr, buf, len);
    return true;
}
