/*
 * An NE2000 on PCI, as the RTL8029AS is one: a DP8390 with 32 KiB of memory of its
 * own, which the host reaches byte by byte through a data port. Registers: the
 * data sheets of National's DP8390D (section 10) and of the RTL8029AS.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "hw/pci.h"
#include "nic.h"
#include "vm/knobs.h"

#define PORT_DATA  0x10u
#define PORT_RESET 0x18u
#define PORTS      0x100u

/* The command register. */
#define CR_STOP     0x01u
#define CR_TRANSMIT 0x04u
#define CR_DMA      0x38u
#define CR_NO_DMA   0x20u

#define INT_RX    0x01u
#define INT_TX    0x02u
#define INT_OVER  0x10u
#define INT_DMA   0x40u
#define INT_RESET 0x80u

#define RX_BROADCAST 0x04u     /* RCR: AB, AM, PRO */
#define RX_MULTICAST 0x08u
#define RX_ALL       0x10u

#define RSR_OK   0x01u
#define RSR_GROUP 0x20u
#define TSR_OK   0x01u
#define DCR_WORDS 0x01u

/* The memory as the DP8390 sees it: PROM, nothing, RAM. */
#define PROM_BYTES 32u
#define RAM_START  0x4000u
#define RAM_END    0xc000u
#define FRAME_MAX  1600u

/* Registers that are written, by page and number; page 0's differ when read. */
enum { W_PSTART = 1, W_PSTOP, W_BNRY, W_TPSR, W_TBCR0, W_TBCR1, W_ISR,
       W_RSAR0, W_RSAR1, W_RBCR0, W_RBCR1, W_RCR, W_TCR, W_DCR, W_IMR };
enum { P1_CURR = 7, P1_MAR = 8 };

typedef uint8_t NeRegisters[16];
typedef uint8_t NeMemory[RAM_END - RAM_START];

#define NE_STATE(_)                                                           \
    PCI_FUNCTION_STATE(_)                                                     \
    _(uint8_t, STATE_U8, command, CR_STOP | CR_NO_DMA, 1, "command")          \
    _(NeRegisters, STATE_U8, page0, 0, 1, "what was written to page 0")       \
    _(NeRegisters, STATE_U8, page1, 0, 1, "address, current page, hash")      \
    _(uint8_t, STATE_U8, isr, INT_RESET, 1, "interrupt status")               \
    _(uint8_t, STATE_U8, tsr, 0, 1, "transmit status")                        \
    _(uint8_t, STATE_U8, rsr, 0, 1, "receive status")                         \
    _(uint16_t, STATE_U16, dma_at, 0, 1, "remote DMA: address")               \
    _(uint16_t, STATE_U16, dma_left, 0, 1, "remote DMA: bytes left")          \
    _(NeMemory, STATE_U8, memory, 0, 1, "the adapter's memory")               \
    NIC_LINK_STATE(_)

STATE_STRUCT(NeState, NE_STATE);
static STATE_TABLE(ne_state, "ne2k_pci", 2, NeState, NE_STATE)

typedef struct Ne2k {
    PciFunction pci;
    NeState s;
    Nic nic;
    uint32_t boot_index;
    MemRegion io;
} Ne2k;

/* --- its memory ------------------------------------------------------------------*/

/* Each byte of the PROM stands there twice; 0x57 says that words work. */
static uint8_t prom_byte(const Ne2k *d, unsigned at)
{
    unsigned n = at / 2;
    return n < MAC_BYTES ? d->nic.mac[n] : n >= 14 ? 0x57 : 0;
}

static uint8_t memory_read(const Ne2k *d, uint16_t at)
{
    return at < PROM_BYTES                       ? prom_byte(d, at)
           : at >= RAM_START && at < RAM_END ? d->s.memory[at - RAM_START]
                                                 : 0xff;
}

static void memory_write(Ne2k *d, uint16_t at, uint8_t v)
{
    if (at >= RAM_START && at < RAM_END) {
        d->s.memory[at - RAM_START] = v;
    }
}

/* --- interrupts --------------------------------------------------------------------*/

static void drive_pin(Ne2k *d)
{
    pci_set_intx(&d->pci, d->s.isr & d->s.page0[W_IMR] & 0x7f);
}

static void cause(Ne2k *d, uint8_t bits)
{
    d->s.isr |= bits;
    drive_pin(d);
}

/* --- transmitter ---------------------------------------------------------------------*/

static void transmit(Ne2k *d)
{
    const uint8_t *r = d->s.page0;
    uint16_t at = r[W_TPSR] << 8, len = r[W_TBCR0] | r[W_TBCR1] << 8;
    uint8_t frame[FRAME_MAX];

    if (len > FRAME_MAX) {
        guest_error("%s: a frame of %u bytes\n", d->pci.dev.path, len);
    } else {
        for (unsigned i = 0; i < len; i++) {
            frame[i] = memory_read(d, at + i);
        }
        nic_send(&d->nic, frame, len);
    }
    d->s.tsr = TSR_OK;
    d->s.command &= ~CR_TRANSMIT;
    cause(d, INT_TX);
}

/* --- receiver: a ring of pages of 256 bytes ----------------------------------------------*/

/* Pages of the ring; 0: there is none. */
static unsigned ring_pages(const Ne2k *d)
{
    const uint8_t *r = d->s.page0;
    return r[W_PSTOP] > r[W_PSTART] ? r[W_PSTOP] - r[W_PSTART] : 0;
}

/* Those that are free: the ring is never filled up to the boundary. */
static unsigned free_pages(const Ne2k *d)
{
    unsigned pages = ring_pages(d);
    unsigned current = d->s.page1[P1_CURR], boundary = d->s.page0[W_BNRY];

    if (!pages) {
        return 0;
    }
    unsigned used = (current + pages - boundary % pages) % pages;
    return pages - MIN(used, pages - 1) - 1;
}

/* Once started it goes on until STOP is written; drivers that change the page
 * write neither. */
static bool can_receive(const Ne2k *d)
{
    return !(d->s.command & CR_STOP);
}

static bool passes(const Ne2k *d, const uint8_t *to)
{
    uint8_t rcr = d->s.page0[W_RCR];
    unsigned bit = mac_crc(to) >> 26;

    if (mac_is_broadcast(to)) {
        return rcr & (RX_BROADCAST | RX_ALL);
    }
    if (mac_is_multicast(to)) {
        return (rcr & RX_ALL) ||
               ((rcr & RX_MULTICAST) &&
                (d->s.page1[P1_MAR + bit / 8] >> bit % 8 & 1));
    }
    return (rcr & RX_ALL) || !memcmp(to, d->s.page1 + 1, MAC_BYTES);
}

/* Bytes from the current page on, round the ring's end. */
static void ring_put(Ne2k *d, const uint8_t *p, unsigned len)
{
    unsigned first = d->s.page0[W_PSTART] * 256u;
    unsigned size = ring_pages(d) * 256u;
    unsigned at = (d->s.page1[P1_CURR] * 256u + size - first % size) % size;

    for (unsigned i = 0; i < len; i++) {
        memory_write(d, first + (at + i) % size, p[i]);
    }
}

static void ne_receive(Device *dev, const uint8_t *frame, size_t len)
{
    Ne2k *d = (Ne2k *)dev;
    uint8_t bytes[4 + FRAME_MAX] = { 0 };

    if (!can_receive(d) || len > FRAME_MAX || !passes(d, frame)) {
        return;
    }
    memcpy(bytes + 4, frame, len);
    unsigned total = 4 + MAX(len, ETH_MIN), pages = (total + 255) / 256;
    if (pages > free_pages(d)) {
        cause(d, INT_OVER);
        return;
    }
    unsigned next = d->s.page1[P1_CURR] + pages;
    next -= next >= d->s.page0[W_PSTOP] ? ring_pages(d) : 0;
    d->s.rsr = RSR_OK | (mac_is_multicast(frame) ? RSR_GROUP : 0);
    bytes[0] = d->s.rsr;
    bytes[1] = next;
    bytes_st_le16(bytes + 2, total);
    ring_put(d, bytes, total);
    d->s.page1[P1_CURR] = next;
    cause(d, INT_RX);
}

static unsigned ne_room(Device *dev)
{
    const Ne2k *d = (Ne2k *)dev;
    return can_receive(d) ? free_pages(d) / 6 : 0;
}

static const NicOps nic_ops = { ne_receive, ne_room };

/* --- remote DMA: the data port ---------------------------------------------------------------*/

/* Behind the ring's end the address goes on at its start. */
static void dma_advance(Ne2k *d)
{
    d->s.dma_at++;
    if (d->s.dma_at == d->s.page0[W_PSTOP] << 8) {
        d->s.dma_at = d->s.page0[W_PSTART] << 8;
    }
    if (d->s.dma_left && !--d->s.dma_left) {
        cause(d, INT_DMA);
    }
}

static uint32_t data_read(Ne2k *d, unsigned size)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < size; i++) {
        v |= (uint32_t)memory_read(d, d->s.dma_at) << (8 * i);
        dma_advance(d);
    }
    return v;
}

static void data_write(Ne2k *d, uint32_t v, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        memory_write(d, d->s.dma_at, v >> (8 * i));
        dma_advance(d);
    }
}

/* --- registers ---------------------------------------------------------------------------------*/

static void command_write(Ne2k *d, uint8_t v)
{
    const uint8_t *r = d->s.page0;

    d->s.command = v;
    if (v & CR_STOP) {
        d->s.isr |= INT_RESET;
        return;
    }
    d->s.isr &= ~INT_RESET;
    if ((v & CR_DMA) == 0x08 || (v & CR_DMA) == 0x10) {
        d->s.dma_at = r[W_RSAR0] | r[W_RSAR1] << 8;
        d->s.dma_left = r[W_RBCR0] | r[W_RBCR1] << 8;
        if (!d->s.dma_left) {
            cause(d, INT_DMA);
        }
    }
    if (v & CR_TRANSMIT) {
        transmit(d);
    }
    nic_kick(&d->nic);
}

static void register_write(Ne2k *d, unsigned n, uint8_t v)
{
    unsigned page = d->s.command >> 6;

    if (n == 0) {
        command_write(d, v);
    } else if (page == 0 && n == W_ISR) {
        d->s.isr &= ~(v & 0x7f);
        drive_pin(d);
    } else if (page == 0) {
        d->s.page0[n] = v;
        drive_pin(d);
        nic_kick(&d->nic);
    } else if (page == 1) {
        d->s.page1[n] = v;
    }
}

static uint8_t page0_read(Ne2k *d, unsigned n)
{
    switch (n) {
    case 1:
    case 2:
        return 0;              /* local DMA is never seen at work */
    case 3:
        return d->s.page0[W_BNRY];
    case 4:
        return d->s.tsr;
    case 7:
        return d->s.isr;
    case 8:
        return d->s.dma_at;
    case 9:
        return d->s.dma_at >> 8;
    case 10:
        return 0x50;           /* RTL8029 */
    case 11:
        return 0x43;
    case 12:
        return d->s.rsr;
    }
    return 0;
}

static uint8_t register_read(Ne2k *d, unsigned n)
{
    if (n == 0) {
        return d->s.command;
    }
    switch (d->s.command >> 6) {
    case 0:
        return page0_read(d, n);
    case 1:
        return d->s.page1[n];
    case 2:
        return d->s.page0[n];
    }
    /* Page 3 is Realtek's: a full-duplex twisted pair. */
    return n == 6 ? 0x40 : 0;
}

static void ne_stop(Ne2k *d)
{
    d->s.command = CR_STOP | CR_NO_DMA;
    d->s.isr = INT_RESET;
    drive_pin(d);
}

static uint64_t io_read(void *opaque, PhysAddr offset, unsigned size)
{
    Ne2k *d = opaque;

    if (offset < PORT_DATA) {
        return register_read(d, offset);
    }
    if (offset < PORT_RESET) {
        return data_read(d, size);
    }
    if (offset < 0x20) {
        ne_stop(d);
    }
    return 0;
}

static void io_write(void *opaque, PhysAddr offset, uint64_t v, unsigned size)
{
    Ne2k *d = opaque;

    if (offset < PORT_DATA) {
        register_write(d, offset, v);
    } else if (offset < PORT_RESET) {
        data_write(d, v, size);
    }
}

static const MemOps io_ops = { io_read, io_write, 1, 4 };

/* --- life ----------------------------------------------------------------------------------------*/

static const PciInfo ne_info = {
    .vendor = 0x10ec,
    .device = 0x8029,
    .class_code = 0x0200,
    .interrupt_pin = 1,
};

static bool ne_realize(Device *dev, Error **errp)
{
    Ne2k *d = (Ne2k *)dev;

    d->nic.down = &d->s.link_down;
    if (!pci_function_init(&d->pci, &ne_info, PCI_ADDR_AUTO, errp) ||
        !nic_init(&d->nic, dev, dev, &nic_ops, errp)) {
        return false;
    }
    d->pci.boot_index = &d->boot_index;
    d->pci.boot_path = "ethernet@%s/ethernet-phy@0";
    mem_init_io(&d->io, "ne2000", PORTS, &io_ops, d);
    pci_bar_init(&d->pci, 0, PCI_BAR_IO, &d->io);
    return true;
}

static void ne_print(Device *dev, GString *out)
{
    const Ne2k *d = (Ne2k *)dev;
    nic_print(&d->nic, d->nic.mac, out);
}

static void ne_reset(Device *dev)
{
    pci_device_reset(dev);
    nic_reset(&((Ne2k *)dev)->nic);
}

static void ne_rewire(Device *dev)
{
    pci_device_rewire(dev);
    nic_rewire(&((Ne2k *)dev)->nic);
}

/* The chip does not see its cable: frames stay away. */
static void ne_set_link(Device *dev, bool up)
{
    nic_set_link(&((Ne2k *)dev)->nic, up);
}

static const char *ne_network(const Device *dev)
{
    return nic_network(&((const Ne2k *)dev)->nic);
}

static const DeviceKnobs ne_knobs = { .network = ne_network,
                                      .set_link = ne_set_link };

static const PropDef ne_props[] = {
    PCI_PROPS(Ne2k),
    PCI_ROM_PROP(Ne2k, "efi-ne2k_pci.rom"),
    NIC_PROPS(Ne2k),
    PROP(Ne2k, boot_index, "bootindex", PROP_U32, "0xffffffff",
         "place in the firmware's boot order, from 0"),
    PROP_END
};

extern const DeviceClass ne2k_pci_class;

const DeviceClass ne2k_pci_class = {
    .name = "ne2k_pci",
    .desc = "NE2000 on PCI (RTL8029)",
    .bus = "PCI",
    .category = "Network",
    .user = true,
    .size = sizeof(Ne2k),
    .state_offset = offsetof(Ne2k, s),
    .state = ne_state,
    .props = ne_props,
    .realize = ne_realize,
    .reset = ne_reset,
    .rewire = ne_rewire,
    .knobs = &ne_knobs,
    .unrealize = pci_device_unrealize,
    .info_word = "network",
    .info = ne_print,
};
