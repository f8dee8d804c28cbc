/*
 * The Intel 82540EM gigabit Ethernet controller: registers, interrupts and
 * receiver. See e1000.h.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "e1000.h"
#include "vm/knobs.h"
#include "vm/work.h"

#define DESC_BYTES 16u
#define CRC_BYTES  4u

/* 3.2.3: a receive descriptor's status. */
#define RX_DD   0x01u
#define RX_EOP  0x02u
#define RX_IXSM 0x04u          /* checksums were not looked at */
#define RX_VP   0x08u

#define STATUS_RESET 0x80080781u   /* full duplex, 1000 Mb/s */
#define RAH_VALID    0x80000000u

/* --- interrupts, 3.4 -------------------------------------------------------------*/

static void drive_pin(E1000 *d)
{
    pci_set_intx(&d->pci, *e1000_reg(d, E_ICR) & *e1000_reg(d, E_IMS));
}

void e1000_cause(E1000 *d, uint32_t causes)
{
    *e1000_reg(d, E_ICR) |= causes;
    drive_pin(d);
}

void e1000_count(E1000 *d, unsigned offset, uint32_t n)
{
    uint32_t *reg = e1000_reg(d, offset);
    *reg = *reg > UINT32_MAX - n ? UINT32_MAX : *reg + n;
}

/* --- receiver ---------------------------------------------------------------------------*/

static uint32_t rx_count(E1000 *d)
{
    return *e1000_reg(d, E_RDLEN) / DESC_BYTES;
}

/* Descriptors that are the hardware's: from head up to tail. */
static uint32_t rx_free(E1000 *d)
{
    uint32_t count = rx_count(d), head = *e1000_reg(d, E_RDH);
    uint32_t tail = *e1000_reg(d, E_RDT);

    if (head >= count || tail >= count) {
        return 0;
    }
    return tail >= head ? tail - head : count - head + tail;
}

/* 13.4.22: BSIZE, times 16 with BSEX. */
static uint32_t rx_buffer_bytes(E1000 *d)
{
    uint32_t rctl = *e1000_reg(d, E_RCTL);
    uint32_t bytes = 2048u >> (rctl >> 16 & 3);
    return rctl & RCTL_BSEX ? MIN(bytes * 16, 16384) : bytes;
}

static void put_desc(E1000 *d, PhysAddr at, uint16_t len, uint8_t status,
                     uint16_t tag)
{
    uint8_t tail[8] = { 0 };

    bytes_st_le16(tail, len);
    tail[4] = status;
    bytes_st_le16(tail + 6, tag);
    pci_dma_write(&d->pci, at + 8, tail, sizeof tail);
}

/* The frame with its checksum, into one buffer after another. */
static void store_frame(E1000 *d, const uint8_t *frame, size_t len,
                        uint8_t status, uint16_t tag)
{
    PhysAddr base = (uint64_t)*e1000_reg(d, E_RDBAH) << 32 |
                    (*e1000_reg(d, E_RDBAL) & ~15u);
    uint32_t *head = e1000_reg(d, E_RDH), size = rx_buffer_bytes(d);

    for (size_t done = 0; done < len;) {
        PhysAddr at = base + (uint64_t)*head * DESC_BYTES;
        size_t n = MIN(size, len - done);
        uint8_t where[8];
        pci_dma_read(&d->pci, at, where, sizeof where);
        pci_dma_write(&d->pci, bytes_ld_le64(where), frame + done, n);
        done += n;
        put_desc(d, at, n, status | (done == len ? RX_EOP : 0), tag);
        *head = *head + 1 == rx_count(d) ? 0 : *head + 1;
    }
}

/* 3.2.5.1: the ring has run down to the part that RDMTS says. */
static uint32_t low_cause(E1000 *d)
{
    unsigned shift = 1 + (*e1000_reg(d, E_RCTL) >> 8 & 3);
    return rx_free(d) <= rx_count(d) >> MIN(shift, 3) ? INT_RXDMT0 : 0;
}

static bool can_receive(E1000 *d)
{
    return (*e1000_reg(d, E_RCTL) & RCTL_EN) &&
           (pci_config_16(&d->pci, PCI_COMMAND) & PCI_COMMAND_MASTER);
}

static void e1000_receive(Device *dev, const uint8_t *frame, size_t len)
{
    E1000 *d = (E1000 *)dev;
    uint8_t bytes[16384 + ETH_HEADER] = { 0 }, status = RX_DD | RX_IXSM;
    bool jumbo = *e1000_reg(d, E_RCTL) & RCTL_LPE;
    uint16_t tag = 0;

    if (!can_receive(d) || d->busy || len > (jumbo ? 16380 : 1522) ||
        !e1000_filter_passes(d->s.reg, frame, len)) {
        return;
    }
    memcpy(bytes, frame, len);
    if ((*e1000_reg(d, E_CTRL) & CTRL_VME) && e1000_filter_tagged(d->s.reg, frame, len)) {
        tag = bytes_ld_be16(frame + 14);
        memmove(bytes + 12, bytes + 16, len - 16);
        len -= 4;
        status |= RX_VP;
    }
    len = MAX(len, ETH_MIN);
    memset(bytes + len, 0, CRC_BYTES);
    len += *e1000_reg(d, E_RCTL) & RCTL_SECRC ? 0 : CRC_BYTES;
    if ((len + rx_buffer_bytes(d) - 1) / rx_buffer_bytes(d) > rx_free(d)) {
        e1000_count(d, E_MPC, 1);
        e1000_cause(d, INT_RXO);
        return;
    }
    d->busy = true;
    store_frame(d, bytes, len, status, tag);
    d->busy = false;
    e1000_count(d, E_GPRC, 1);
    e1000_count(d, E_TPR, 1);
    e1000_count(d, E_GORCL, len);
    e1000_cause(d, INT_RXT0 | low_cause(d));
}

/* A frame of the usual size takes one buffer of 2048 bytes. */
static unsigned e1000_room(Device *dev)
{
    E1000 *d = (E1000 *)dev;
    uint32_t each = 1 + 1522 / rx_buffer_bytes(d);
    return can_receive(d) ? rx_free(d) / each : 0;
}

static const NicOps nic_ops = { e1000_receive, e1000_room };

/* --- registers, 13.4 --------------------------------------------------------------------------*/

static void set_address(E1000 *d)
{
    *e1000_reg(d, E_RA) = bytes_ld_le32(d->nic.mac);
    *e1000_reg(d, E_RA + 4) = bytes_ld_le16(d->nic.mac + 4) | RAH_VALID;
}

/* What CTRL.RST and power-on do. */
static void registers_reset(E1000 *d)
{
    memset(d->s.reg, 0, sizeof d->s.reg);
    *e1000_reg(d, E_CTRL) = 0x00000a41;
    *e1000_reg(d, E_STATUS) = STATUS_RESET |
                              (d->s.link_down ? 0 : STATUS_LINK_UP);
    *e1000_reg(d, E_PBA) = 0x00100030;
    *e1000_reg(d, E_VET) = 0x8100;
    set_address(d);
    d->s.frame_len = 0;
    drive_pin(d);
}

static bool is_statistic(unsigned at)
{
    return at >= E_STATS && at < E_STATS_END;
}

static uint32_t register_read(E1000 *d, unsigned at)
{
    uint32_t v = at < E_REGISTERS_END ? *e1000_reg(d, at) : 0;

    switch (at) {
    case E_ICR:
        *e1000_reg(d, E_ICR) = 0;
        drive_pin(d);
        return v;
    case E_EECD:
        return e1000_eecd_read(d);
    case E_ICS:
    case E_IMC:
        return 0;
    }
    if (is_statistic(at)) {
        *e1000_reg(d, at) = 0;
    }
    return v;
}

static void ctrl_write(E1000 *d, uint32_t v)
{
    if (v & CTRL_RST) {
        registers_reset(d);
        return;
    }
    if (v & ~*e1000_reg(d, E_CTRL) & CTRL_SLU) {
        e1000_cause(d, INT_LSC);
    }
    *e1000_reg(d, E_CTRL) = v;
}

static void mask_write(E1000 *d, uint32_t set, uint32_t clear)
{
    uint32_t *mask = e1000_reg(d, E_IMS);
    *mask = (*mask | set) & ~clear;
    drive_pin(d);
}

/* Those with a use of their own; false: it is remembered. */
static bool register_act(E1000 *d, unsigned at, uint32_t v)
{
    switch (at) {
    case E_CTRL:
        ctrl_write(d, v);
        return true;
    case E_STATUS:
        return true;
    case E_EECD:
        e1000_eecd_write(d, v);
        return true;
    case E_EERD:
        e1000_eerd_write(d, v);
        return true;
    case E_MDIC:
        e1000_mdic_write(d, v);
        return true;
    case E_ICR:
        *e1000_reg(d, E_ICR) &= ~v;
        drive_pin(d);
        return true;
    case E_ICS:
        e1000_cause(d, v);
        return true;
    case E_IMS:
        mask_write(d, v, 0);
        return true;
    case E_IMC:
        mask_write(d, 0, v);
        return true;
    }
    return is_statistic(at);
}

static void register_write(E1000 *d, unsigned at, uint32_t v)
{
    if (at >= E_REGISTERS_END || register_act(d, at, v)) {
        return;
    }
    if (at == E_RDH || at == E_RDT || at == E_TDH || at == E_TDT) {
        v &= 0xffff;
    } else if (at == E_RDLEN || at == E_TDLEN) {
        v &= 0xfff80;
    }
    *e1000_reg(d, at) = v;
    if (at == E_TDT || at == E_TCTL) {
        e1000_transmit(d);
    } else if (at == E_RDT || at == E_RCTL) {
        nic_kick(&d->nic);
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

/* 13.4.1: IOADDR and IODATA, a window onto the registers. */
static uint64_t io_read(void *opaque, PhysAddr offset, unsigned size)
{
    E1000 *d = opaque;
    uint32_t at = *e1000_reg(d, E_REGISTERS_END - 4);
    return offset == 0 ? at : offset == 4 ? register_read(d, at & ~3u) : 0;
}

static void io_write(void *opaque, PhysAddr offset, uint64_t v, unsigned size)
{
    E1000 *d = opaque;
    uint32_t *at = e1000_reg(d, E_REGISTERS_END - 4);

    if (offset == 0) {
        *at = v & 0x1ffff;
    } else if (offset == 4) {
        register_write(d, *at & ~3u, v);
    }
}

static const MemOps io_ops = { io_read, io_write, 4, 4 };

/* --- life -------------------------------------------------------------------------------------*/

static STATE_TABLE(e1000_state, "e1000", 3, E1000State, E1000_STATE)

static const PciInfo e1000_info = {
    .vendor = 0x8086,
    .device = 0x100e,
    .class_code = 0x0200,
    .revision = 3,
    .interrupt_pin = 1,
};

static bool e1000_realize(Device *dev, Error **errp)
{
    E1000 *d = (E1000 *)dev;

    d->nic.down = &d->s.link_down;
    if (!pci_function_init(&d->pci, &e1000_info, PCI_ADDR_AUTO, errp) ||
        !nic_init(&d->nic, dev, dev, &nic_ops, errp)) {
        return false;
    }
    e1000_tx_init(d);
    d->pci.boot_index = &d->boot_index;
    d->pci.boot_path = "ethernet@%s/ethernet-phy@0";
    mem_init_io(&d->mmio, "e1000", E_BAR_BYTES, &mmio_ops, d);
    pci_bar_init(&d->pci, 0, PCI_BAR_MEM32, &d->mmio);
    mem_init_io(&d->io, "e1000-io", 64, &io_ops, d);
    pci_bar_init(&d->pci, 1, PCI_BAR_IO, &d->io);
    return true;
}

static void e1000_reset(Device *dev)
{
    E1000 *d = (E1000 *)dev;

    pci_function_reset(&d->pci);
    nic_reset(&d->nic);
    timer_cancel(&d->tx_timer);
    e1000_eeprom_fill(d);
    e1000_phy_reset(d);
    registers_reset(d);
}

static void e1000_unrealize(Device *dev)
{
    e1000_tx_destroy((E1000 *)dev);
    pci_device_unrealize(dev);
}

static void e1000_rewire(Device *dev)
{
    pci_device_rewire(dev);
    nic_rewire(&((E1000 *)dev)->nic);
}

static void e1000_set_link(Device *dev, bool up)
{
    E1000 *d = (E1000 *)dev;
    uint32_t *status = e1000_reg(d, E_STATUS);

    nic_set_link(&d->nic, up);
    *status = (*status & ~STATUS_LINK_UP) | (up ? STATUS_LINK_UP : 0);
    e1000_cause(d, INT_LSC);
}

static const char *e1000_network(const Device *dev)
{
    return nic_network(&((const E1000 *)dev)->nic);
}

static const DeviceKnobs e1000_knobs = { .network = e1000_network,
                                         .set_link = e1000_set_link };

static void e1000_print(Device *dev, GString *out)
{
    const E1000 *d = (E1000 *)dev;
    nic_print(&d->nic, d->nic.mac, out);
}

static const PropDef e1000_props[] = {
    PCI_PROPS(E1000),
    PCI_ROM_PROP(E1000, "efi-e1000.rom"),
    NIC_PROPS(E1000),
    PROP(E1000, boot_index, "bootindex", PROP_U32, "0xffffffff",
         "place in the firmware's boot order, from 0"),
    PROP_END
};

extern const DeviceClass e1000_class;

const DeviceClass e1000_class = {
    .name = "e1000",
    .desc = "Intel Gigabit Ethernet (82540EM)",
    .bus = "PCI",
    .category = "Network",
    .user = true,
    .size = sizeof(E1000),
    .state_offset = offsetof(E1000, s),
    .state = e1000_state,
    .props = e1000_props,
    .realize = e1000_realize,
    .reset = e1000_reset,
    .rewire = e1000_rewire,
    .knobs = &e1000_knobs,
    .unrealize = e1000_unrealize,
    .info_word = "network",
    .info = e1000_print,
};
