/*
 * An AHCI controller as in Intel's ICH9: the generic host control registers,
 * the PCI function, interrupts and DMA.
 *
 * AHCI 1.3.1, chapters 2 and 3; Intel ICH9 data sheet, chapter 15, for the
 * identity. Each port is a device of its own (ahci-port.c).
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "ahci.h"

/* Generic host control, 3.1. */
enum {
    REG_CAP = 0x00,
    REG_GHC = 0x04,
    REG_IS = 0x08,
    REG_PI = 0x0c,
    REG_VS = 0x10,
    REG_PORTS = 0x100,
};
#define PORT_BYTES 0x80u
#define ABAR_BYTES (4 * KIB)

/* 6 ports, multiple DRQ blocks by PIO, AHCI mode only, generation 2, 32 slots,
 * NCQ, 64-bit addresses; no command list override, no port multipliers. */
#define CAP_VALUE                                                            \
    ((AHCI_PORTS - 1) | (AHCI_SLOTS - 1) << 8 | 1u << 15 | 1u << 18 |        \
     2u << 20 | 1u << 30 | 1u << 31)
#define VERSION_1_0 0x00010000u

#define GHC_HR 0x00000001u
#define GHC_IE 0x00000002u
#define GHC_AE 0x80000000u     /* there is no other mode */

/* Where the capabilities are; the index-data pair of the second, 2.4. */
enum { CAP_MSI = 0x80, CAP_SATA = 0xa8, CAP_SATA_BYTES = 8 };
#define CAP_ID_SATA 0x12u
enum { PAIR_BYTES = 32, PAIR_INDEX = 0x10, PAIR_DATA = 0x14 };
#define PAIR_BAR 4u

#define AHCI_STATE(_)                                                        \
    PCI_FUNCTION_STATE(_)                                                    \
    _(bool, STATE_BOOL, irq_enable, 0, 1, "GHC.IE")                          \
    _(uint32_t, STATE_U32, is, 0, 1, "ports that want an interrupt")         \
    _(uint32_t, STATE_U32, index, 0, 1, "register that the I/O pair shows")

STATE_STRUCT(AhciState, AHCI_STATE);
static STATE_TABLE(ahci_state, "ich9-ahci", 1, AhciState, AHCI_STATE)

struct Ahci {
    PciFunction pci;
    AhciState s;
    AhciPort *port[AHCI_PORTS];
    MemRegion abar, pair;
    bool in_dma;
};

/* --- DMA ---------------------------------------------------------------------*/

bool ahci_dma(Ahci *hba, PhysAddr addr, void *buf, uint64_t len,
              bool to_memory)
{
    if (!address_space_find(hba->pci.dev.machine->memory, addr)) {
        guest_error("%s: DMA at 0x%" G_GINT64_MODIFIER "x" ", where nothing is\n",
                    hba->pci.dev.path, addr);
        return false;
    }
    hba->in_dma = true;
    bool ok = to_memory ? pci_dma_write(&hba->pci, addr, buf, len)
                        : pci_dma_read(&hba->pci, addr, buf, len);
    hba->in_dma = false;
    return ok;
}

/* --- interrupts, AHCI 10.6.2 ------------------------------------------------- */

/* Bits of IS stay until they are written; a port that still has a reason sets
 * its bit again at once. The new bits. */
static uint32_t collect(Ahci *hba)
{
    uint32_t before = hba->s.is;
    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        if (ahci_port_wants_irq(hba->port[n])) {
            hba->s.is |= BIT(n);
        }
    }
    return hba->s.is & ~before;
}

/* One message stands for all ports, so what a write leaves behind needs
 * another. */
static void drive_irq(Ahci *hba, bool message)
{
    bool level = hba->s.irq_enable && hba->s.is;

    if (!pci_msi_enabled(&hba->pci)) {
        pci_set_intx(&hba->pci, level);
    } else if (level && message) {
        hba->in_dma = true;
        pci_msi_send(&hba->pci);
        hba->in_dma = false;
    }
}

void ahci_update_irq(Ahci *hba)
{
    drive_irq(hba, collect(hba) != 0);
}

static void registers_written(Ahci *hba)
{
    collect(hba);
    drive_irq(hba, true);
}

/* --- registers ----------------------------------------------------------------*/

static void hba_reset(Ahci *hba)
{
    hba->s.irq_enable = false;
    hba->s.is = 0;
    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        ahci_port_hba_reset(hba->port[n]);
    }
    drive_irq(hba, false);
}

static uint32_t hba_read(const Ahci *hba, unsigned reg)
{
    switch (reg) {
    case REG_CAP:
        return CAP_VALUE;
    case REG_GHC:
        return GHC_AE | (hba->s.irq_enable ? GHC_IE : 0);
    case REG_IS:
        return hba->s.is;
    case REG_PI:
        return BIT(AHCI_PORTS) - 1;
    case REG_VS:
        return VERSION_1_0;
    default:
        return 0;
    }
}

static void hba_write(Ahci *hba, unsigned reg, uint32_t v)
{
    if (reg == REG_GHC && (v & GHC_HR)) {
        hba_reset(hba);
    } else if (reg == REG_GHC) {
        hba->s.irq_enable = v & GHC_IE;
        registers_written(hba);
    } else if (reg == REG_IS) {
        hba->s.is &= ~v;
        registers_written(hba);
    }
}

static AhciPort *port_at(const Ahci *hba, PhysAddr offset)
{
    unsigned n = (offset - REG_PORTS) / PORT_BYTES;
    return offset >= REG_PORTS && n < AHCI_PORTS ? hba->port[n] : NULL;
}

static uint64_t abar_read(void *opaque, PhysAddr offset, unsigned size)
{
    const Ahci *hba = opaque;
    const AhciPort *p = port_at(hba, offset);
    return p ? ahci_port_read(p, offset % PORT_BYTES)
             : hba_read(hba, offset);
}

static void abar_write(void *opaque, PhysAddr offset, uint64_t v,
                       unsigned size)
{
    Ahci *hba = opaque;
    AhciPort *p = port_at(hba, offset);

    if (hba->in_dma) {
        guest_error("%s: its DMA reached its own registers\n",
                    hba->pci.dev.path);
    } else if (p) {
        ahci_port_write(p, offset % PORT_BYTES, v);
    } else {
        hba_write(hba, offset, v);
    }
}

static const MemOps abar_ops = { abar_read, abar_write, 4, 4 };

/* The same registers for software that has only ports, 2.4.2. */
static uint64_t pair_read(void *opaque, PhysAddr offset, unsigned size)
{
    Ahci *hba = opaque;
    return offset == PAIR_INDEX  ? hba->s.index
           : offset == PAIR_DATA ? abar_read(hba, hba->s.index, 4) : 0;
}

static void pair_write(void *opaque, PhysAddr offset, uint64_t v,
                       unsigned size)
{
    Ahci *hba = opaque;
    if (offset == PAIR_INDEX && !hba->in_dma) {
        hba->s.index = v & (ABAR_BYTES - 4);
    } else if (offset == PAIR_DATA) {
        abar_write(hba, hba->s.index, v, 4);
    }
}

static const MemOps pair_ops = { pair_read, pair_write, 4, 4 };

/* --- the function ---------------------------------------------------------------*/

static void ahci_config_reset(PciFunction *f)
{
    pci_capability_add(f, CAP_ID_SATA, CAP_SATA, CAP_SATA_BYTES);
    pci_config_set_16(f, CAP_SATA + 2, 0x0010);            /* revision 1.0 */
    pci_config_set_32(f, CAP_SATA + 4,
                      (PAIR_INDEX / 4) << 4 | (PAIR_BAR + 4));
}

/* Switching MSI on or off moves the interrupt from one way to the other. */
static void ahci_config_written(PciFunction *f, unsigned offset, unsigned len)
{
    if (offset < CAP_MSI + 4 && offset + len > CAP_MSI) {
        registers_written((Ahci *)f);
    }
}

/* The drives' places in the boot order. */
static void ahci_boot_places(const PciFunction *f, PciBootFn *add,
                             void *opaque)
{
    const Ahci *hba = (const Ahci *)f;
    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        g_autofree char *path =
            g_strdup_printf("pci8086,2922@%%s/drive@%u/disk@0", n);
        add(opaque, ide_bus_boot_index(&hba->port[n]->bus, 0), path);
    }
}

static const PciInfo ahci_info = {
    .vendor = 0x8086,
    .device = 0x2922,
    .class_code = 0x0106,
    .prog_if = 0x01,                    /* AHCI 1.0 */
    .revision = 0x02,
    .interrupt_pin = 1,
    .config_reset = ahci_config_reset,
    .config_written = ahci_config_written,
    .boot_places = ahci_boot_places,
};

IdeBus *ahci_bus(Device *ahci, unsigned n)
{
    g_assert(n < AHCI_PORTS);
    return &((Ahci *)ahci)->port[n]->bus;
}

/* Buses are called after the controller's id, or go on counting where others
 * have stopped. */
static bool add_ports(Ahci *hba, Error **errp)
{
    Machine *m = hba->pci.dev.machine;
    const char *id = hba->pci.dev.id;
    unsigned first = 0;

    while (!id && machine_bus_at(m, "IDE", first)) {
        first++;
    }
    for (unsigned n = 0; n < AHCI_PORTS; n++) {
        Device *dev = device_new(m, &ahci_port_class, NULL);
        AhciPort *p = hba->port[n] = (AhciPort *)dev;
        p->hba = hba;
        p->n = n;
        p->name = g_strdup_printf("%s.%u", id ? id : "ide", first + n);
        if (!device_realize(dev, errp)) {
            return false;
        }
    }
    return true;
}

static bool ahci_realize(Device *dev, Error **errp)
{
    Ahci *hba = (Ahci *)dev;

    if (!pci_function_init(&hba->pci, &ahci_info, PCI_ADDR_AUTO, errp)) {
        return false;
    }
    pci_msi_init(&hba->pci, CAP_MSI);
    mem_init_io(&hba->abar, "ahci", ABAR_BYTES, &abar_ops, hba);
    pci_bar_init(&hba->pci, 5, PCI_BAR_MEM32, &hba->abar);
    mem_init_io(&hba->pair, "ahci-idp", PAIR_BYTES, &pair_ops, hba);
    pci_bar_init(&hba->pci, PAIR_BAR, PCI_BAR_IO, &hba->pair);
    return add_ports(hba, errp);
}

static const PropDef ahci_props[] = { PCI_PROPS(Ahci), PROP_END };

const DeviceClass ahci_class = {
    .name = "ich9-ahci",
    .desc = "AHCI controller of the ICH9, six SATA ports",
    .bus = "PCI",
    .category = "Storage",
    .user = true,
    .size = sizeof(Ahci),
    .state_offset = offsetof(Ahci, s),
    .state = ahci_state,
    .props = ahci_props,
    .realize = ahci_realize,
    .reset = pci_device_reset,
    .rewire = pci_device_rewire,
    .unrealize = pci_device_unrealize,
};
