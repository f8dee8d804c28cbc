/*
 * The Intel 82574L gigabit Ethernet controller: registers and life. See e1000e.h.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "e1000e.h"
#include "vm/clock.h"
#include "vm/knobs.h"

#define RAH_VALID    0x80000000u
#define STATUS_RESET 0x00000081u   /* full duplex, 1000 Mb/s */
#define STATUS_GIO_MASTER 0x00080000u
#define SWSM_SMBI    1u
#define WINDOW_BYTES 32u
#define FLASH_BYTES  0x20000u
/* Express capability, PCI Express Base 1.1, 7.8: an endpoint, one lane of
 * 2.5 GT/s. */
#define CAP_EXPRESS    0x10u
#define CAP_EXPRESS_AT 0xe0u
#define CAP_EXPRESS_BYTES 0x14u
#define CAP_MSIX_AT    0xa0u

void e1000e_count(E1000e *d, unsigned offset, uint32_t n)
{
    uint32_t *reg = e1000e_reg(d, offset);
    *reg = *reg > UINT32_MAX - n ? UINT32_MAX : *reg + n;
}

/* --- reset -------------------------------------------------------------------------- */

/* What CTRL.RST and power-on do; the cable stays as it is. */
static void registers_reset(E1000e *d)
{
    uint32_t link = d->s.link_down ? 0 : STATUS_LINK_UP;

    memset(d->s.reg, 0, sizeof d->s.reg);
    *e1000e_reg(d, E_CTRL) = 0x00100201;
    *e1000e_reg(d, E_STATUS) = STATUS_RESET | link;
    *e1000e_reg(d, E_PBA) = 0x00140014;
    *e1000e_reg(d, E_VET) = 0x8100;
    *e1000e_reg(d, E_TARC) = 0x403;
    *e1000e_reg(d, E_TARC + E_QUEUE_STRIDE) = 0x403;
    *e1000e_reg(d, E_RA) = bytes_ld_le32(d->nic.mac);
    *e1000e_reg(d, E_RA + 4) = bytes_ld_le16(d->nic.mac + 4) | RAH_VALID;
    d->s.frame_len[0] = d->s.frame_len[1] = 0;
    d->s.told = 0;
    e1000e_clock_set(d, 0);
    e1000e_irq_update(d);
}

/* --- registers, 10.2 -------------------------------------------------------------------- */

static bool is_statistic(unsigned at)
{
    return at >= E_STATS && at < E_STATS_END;
}

static uint32_t status_read(E1000e *d)
{
    bool off = *e1000e_reg(d, E_CTRL) & CTRL_GIO_DISABLE;
    return *e1000e_reg(d, E_STATUS) | (off ? 0 : STATUS_GIO_MASTER);
}

/* 10.2.3.3: who reads it as zero has it; the next reader sees that. */
static uint32_t swsm_read(E1000e *d)
{
    uint32_t v = *e1000e_reg(d, E_SWSM);
    *e1000e_reg(d, E_SWSM) |= SWSM_SMBI;
    return v;
}

static uint32_t register_read(E1000e *d, unsigned at)
{
    uint32_t v = at < EE_REGISTERS_END ? *e1000e_reg(d, at) : 0;

    switch (at) {
    case E_STATUS:
        return status_read(d);
    case E_ICR:
        return e1000e_icr_read(d);
    case E_EECD:
        return e1000e_eecd_read(d);
    case E_SWSM:
        return swsm_read(d);
    case E_SYSTIML:
        return e1000e_clock(d);
    case E_SYSTIMH:
        return e1000e_clock(d) >> 32;
    case E_ICS:
    case E_IMC:
        return 0;
    }
    if (is_statistic(at)) {
        *e1000e_reg(d, at) = 0;
    }
    return v;
}

static void ctrl_write(E1000e *d, uint32_t v)
{
    if (v & CTRL_RST) {
        registers_reset(d);
        return;
    }
    if (v & CTRL_PHY_RST) {
        e1000e_phy_reset(d);
    }
    if (v & ~*e1000e_reg(d, E_CTRL) & CTRL_SLU) {
        e1000e_cause(d, INT_LSC);
    }
    *e1000e_reg(d, E_CTRL) = v & ~CTRL_PHY_RST;
}

static void mask_write(E1000e *d, uint32_t set, uint32_t clear)
{
    uint32_t *mask = e1000e_reg(d, E_IMS);
    *mask = (*mask | set) & ~clear;
    e1000e_irq_update(d);
}

static void clock_write(E1000e *d, unsigned at, uint32_t v)
{
    uint64_t now = e1000e_clock(d);

    if (at == E_TIMINCA) {
        *e1000e_reg(d, at) = v;
    }
    e1000e_clock_set(d, at == E_SYSTIML ? (now >> 32 << 32) | v
                        : at == E_SYSTIMH
                            ? (uint64_t)v << 32 | (uint32_t)now : now);
}

/* Those of interrupts; false: it is none. */
static bool interrupt_act(E1000e *d, unsigned at, uint32_t v)
{
    switch (at) {
    case E_ICR:
        *e1000e_reg(d, E_ICR) &= ~v;
        e1000e_irq_update(d);
        return true;
    case E_ICS:
        e1000e_cause(d, v);
        return true;
    case E_IMS:
        mask_write(d, v, 0);
        return true;
    case E_IMC:
        mask_write(d, 0, v);
        return true;
    }
    return false;
}

/* Those with a use of their own; false: it is remembered. */
static bool register_act(E1000e *d, unsigned at, uint32_t v)
{
    switch (at) {
    case E_CTRL:
        ctrl_write(d, v);
        return true;
    case E_STATUS:
        return true;
    case E_EERD:
        e1000e_eerd_write(d, v);
        return true;
    case E_MDIC:
        e1000e_mdic_write(d, v);
        return true;
    case E_SYSTIML:
    case E_SYSTIMH:
    case E_TIMINCA:
        clock_write(d, at, v);
        return true;
    }
    return interrupt_act(d, at, v) || is_statistic(at);
}

/* A queue's register, as the first queue's; q says which. */
static unsigned queue_register(unsigned at, unsigned *q)
{
    bool second = (at >= E_RDBAL + E_QUEUE_STRIDE &&
                   at < E_RDBAL + 2 * E_QUEUE_STRIDE) ||
                  (at >= E_TDBAL + E_QUEUE_STRIDE &&
                   at < E_TDBAL + 2 * E_QUEUE_STRIDE);
    *q = second;
    return second ? at - E_QUEUE_STRIDE : at;
}

static void register_write(E1000e *d, unsigned at, uint32_t v)
{
    unsigned q, same;

    if (at >= EE_REGISTERS_END || register_act(d, at, v)) {
        return;
    }
    same = queue_register(at, &q);
    if (same == E_RDH || same == E_RDT || same == E_TDH || same == E_TDT) {
        v &= 0xffff;
    } else if (same == E_RDLEN || same == E_TDLEN) {
        v &= 0xfff80;
    }
    *e1000e_reg(d, at) = v;
    if (same == E_TDT) {
        e1000e_transmit(d, q);
    } else if (at == E_TCTL) {
        e1000e_transmit(d, 0);
        e1000e_transmit(d, 1);
    } else if (same == E_RDT || at == E_RCTL) {
        nic_kick(&d->nic);
    } else if (at == E_IVAR || at == E_CTRL_EXT) {
        e1000e_irq_update(d);
    }
}

static uint64_t mmio_read(void *opaque, PhysAddr offset, unsigned size)
{
    return register_read(opaque, offset & ~(PhysAddr)3);
}

static void mmio_write(void *opaque, PhysAddr offset, uint64_t v,
                       unsigned size)
{
    register_write(opaque, offset & ~(PhysAddr)3, v);
}

static const MemOps mmio_ops = { mmio_read, mmio_write, 4, 4 };

/* The flash chip is not there: nothing is in it. */
static uint64_t flash_read(void *opaque, PhysAddr offset, unsigned size)
{
    return UINT32_MAX;
}

static void flash_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
}

static const MemOps flash_ops = { flash_read, flash_write, 4, 4 };

/* 10.2.1.2: IOADDR and IODATA, a window onto the registers. The address is kept
 * where there is no register. */
static uint64_t io_read(void *opaque, PhysAddr offset, unsigned size)
{
    E1000e *d = opaque;
    uint32_t at = *e1000e_reg(d, EE_REGISTERS_END - 4);
    return offset == 0 ? at : offset == 4 ? register_read(d, at & ~3u) : 0;
}

static void io_write(void *opaque, PhysAddr offset, uint64_t v, unsigned size)
{
    E1000e *d = opaque;
    uint32_t *at = e1000e_reg(d, EE_REGISTERS_END - 4);

    if (offset == 0) {
        *at = v & 0x1ffff;
    } else if (offset == 4) {
        register_write(d, *at & ~3u, v);
    }
}

static const MemOps io_ops = { io_read, io_write, 4, 4 };

/* --- life ------------------------------------------------------------------------------------ */

static STATE_TABLE(e1000e_state, "e1000e", 3, E1000eState, E1000E_STATE)

static void config_reset(PciFunction *f)
{
    pci_capability_add(f, CAP_EXPRESS, CAP_EXPRESS_AT, CAP_EXPRESS_BYTES);
    pci_config_set_16(f, CAP_EXPRESS_AT + 2, 0x0001);
    pci_config_set_32(f, CAP_EXPRESS_AT + 4, 0x00008001);
    pci_config_set_32(f, CAP_EXPRESS_AT + 12, 0x00000011);
    pci_config_set_16(f, CAP_EXPRESS_AT + 18, 0x0011);
}

static const PciInfo e1000e_info = {
    .vendor = 0x8086,
    .device = 0x10d3,
    .subsystem_vendor = 0x8086,
    .class_code = 0x0200,
    .interrupt_pin = 1,
    .config_reset = config_reset,
};

static const NicOps nic_ops = { e1000e_receive, e1000e_room };

static void add_regions(E1000e *d)
{
    PciFunction *f = &d->pci;
    PciMsixSetup setup = { .vectors = EE_VECTORS,
                           .bar = 3,
                           .capability = CAP_MSIX_AT,
                           .table = d->s.msix_table,
                           .pending = d->s.msix_pending };

    mem_init_io(&d->mmio, "e1000e", E_BAR_BYTES, &mmio_ops, d);
    pci_bar_init(f, 0, PCI_BAR_MEM32, &d->mmio);
    mem_init_io(&d->flash, "e1000e-flash", FLASH_BYTES, &flash_ops, d);
    pci_bar_init(f, 1, PCI_BAR_MEM32, &d->flash);
    mem_init_io(&d->io, "e1000e-io", WINDOW_BYTES, &io_ops, d);
    pci_bar_init(f, 2, PCI_BAR_IO, &d->io);
    pci_msix_init(f, &d->msix, &setup);
}

static bool e1000e_realize(Device *dev, Error **errp)
{
    E1000e *d = (E1000e *)dev;

    d->nic.down = &d->s.link_down;
    if (!pci_function_init(&d->pci, &e1000e_info, PCI_ADDR_AUTO, errp) ||
        !nic_init(&d->nic, dev, dev, &nic_ops, errp)) {
        return false;
    }
    e1000e_tx_init(d);
    d->pci.boot_index = &d->boot_index;
    d->pci.boot_path = "ethernet@%s/ethernet-phy@0";
    add_regions(d);
    return true;
}

static void e1000e_reset(Device *dev)
{
    E1000e *d = (E1000e *)dev;

    pci_function_reset(&d->pci);
    nic_reset(&d->nic);
    timer_cancel(&d->tx_timer);
    e1000e_nvm_fill(d);
    e1000e_phy_reset(d);
    registers_reset(d);
}

static void e1000e_unrealize(Device *dev)
{
    e1000e_tx_destroy((E1000e *)dev);
    pci_device_unrealize(dev);
}

static void e1000e_rewire(Device *dev)
{
    pci_device_rewire(dev);
    nic_rewire(&((E1000e *)dev)->nic);
}

static void e1000e_set_link(Device *dev, bool up)
{
    E1000e *d = (E1000e *)dev;
    uint32_t *status = e1000e_reg(d, E_STATUS);

    nic_set_link(&d->nic, up);
    *status = (*status & ~STATUS_LINK_UP) | (up ? STATUS_LINK_UP : 0);
    e1000e_cause(d, INT_LSC);
}

static const char *e1000e_network(const Device *dev)
{
    return nic_network(&((const E1000e *)dev)->nic);
}

static const DeviceKnobs e1000e_knobs = { .network = e1000e_network,
                                          .set_link = e1000e_set_link };

static void e1000e_print(Device *dev, GString *out)
{
    const E1000e *d = (E1000e *)dev;
    nic_print(&d->nic, d->nic.mac, out);
}

static const PropDef e1000e_props[] = {
    PCI_PROPS(E1000e),
    PCI_ROM_PROP(E1000e, "efi-e1000e.rom"),
    NIC_PROPS(E1000e),
    PROP(E1000e, boot_index, "bootindex", PROP_U32, "0xffffffff",
         "place in the firmware's boot order, from 0"),
    PROP_END
};

extern const DeviceClass e1000e_class;

const DeviceClass e1000e_class = {
    .name = "e1000e",
    .desc = "Intel Gigabit Ethernet (82574L)",
    .bus = "PCI",
    .category = "Network",
    .user = true,
    .size = sizeof(E1000e),
    .state_offset = offsetof(E1000e, s),
    .state = e1000e_state,
    .props = e1000e_props,
    .realize = e1000e_realize,
    .reset = e1000e_reset,
    .rewire = e1000e_rewire,
    .knobs = &e1000e_knobs,
    .unrealize = e1000e_unrealize,
    .info_word = "network",
    .info = e1000e_print,
};
