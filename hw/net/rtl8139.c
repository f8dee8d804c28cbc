/*
 * The Realtek RTL8139 Fast Ethernet controller: one ring for received frames,
 * four places for frames to send. Register numbers and sections are those of the
 * RTL8139C(L) data sheet (v1.4); there is no C+ mode.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "hw/pci.h"
#include "nic.h"
#include "vm/knobs.h"
#include "vm/work.h"

/* Section 5. */
enum {
    R_IDR = 0x00,          /* the address, six bytes */
    R_MAR = 0x08,          /* multicast hash, eight bytes */
    R_TSD = 0x10,          /* transmit status, four dwords */
    R_TSAD = 0x20,         /* transmit address, four dwords */
    R_RBSTART = 0x30,
    R_CR = 0x37,
    R_CAPR = 0x38,
    R_CBR = 0x3a,
    R_IMR = 0x3c,
    R_ISR = 0x3e,
    R_TCR = 0x40,
    R_RCR = 0x44,
    R_TCTR = 0x48,
    R_MPC = 0x4c,
    R_9346CR = 0x50,
    R_CONFIG1 = 0x52,
    R_MSR = 0x58,
    R_TSADALL = 0x60,
    R_BMCR = 0x62,
    R_BMSR = 0x64,
    R_ANAR = 0x66,
    R_ANLPAR = 0x68,
    R_ANER = 0x6a,
    R_BYTES = 0x100,
};

#define LINK_BIT 0x04u
#define INT_LINK 0x0020u

#define CR_BUFE 0x01u
#define CR_TE   0x04u
#define CR_RE   0x08u
#define CR_RST  0x10u

#define INT_ROK   0x0001u
#define INT_TOK   0x0004u
#define INT_RXOVW 0x0010u

#define TSD_SIZE 0x1fffu
#define TSD_OWN  0x2000u       /* the frame is done */
#define TSD_TOK  0x8000u

#define RCR_AAP  0x01u         /* all physical addresses */
#define RCR_APM  0x02u         /* ours */
#define RCR_AM   0x04u         /* multicast by hash */
#define RCR_AB   0x08u         /* broadcast */
#define RCR_WRAP 0x80u         /* a frame may run beyond the ring's end */

#define RX_ROK 0x0001u
#define RX_BAR 0x2000u
#define RX_PAM 0x4000u
#define RX_MAR 0x8000u

#define TCR_HWVERID 0x74000000u
#define TCR_WRITABLE 0x03060700u
#define CRC_BYTES    4u
#define HEADER_BYTES 4u
#define FRAME_MAX    1792u     /* what TSD can ask for, 1.75 KiB */
#define PLACES       4u

/* 93C46, through 9346CR: 5.9 and section 6. */
#define EE_DO 0x01u
#define EE_DI 0x02u
#define EE_SK 0x04u
#define EE_CS 0x08u
#define EE_MODE 0xc0u
#define EE_PROGRAM 0x80u
#define EE_COMMAND_BITS 9u
#define EE_READ 6u
#define EE_WORDS 64u

typedef uint8_t RtlRegisters[R_BYTES];

#define RTL_STATE(_)                                                          \
    PCI_FUNCTION_STATE(_)                                                     \
    _(RtlRegisters, STATE_U8, reg, 0, 1, "registers")                         \
    _(uint8_t, STATE_U8, place, 0, 1, "the next frame to send",               \
      STATE_IN(0, PLACES - 1))                                                \
    _(uint32_t, STATE_U32, ee_in, 0, 1, "bits shifted into the EEPROM")       \
    _(uint8_t, STATE_U8, ee_bits, 0, 1, "how many")                           \
    _(uint32_t, STATE_U32, ee_out, 0, 1, "bits that it shifts out")           \
    _(bool, STATE_BOOL, ee_reading, 0, 1, "it does")                          \
    NIC_LINK_STATE(_)

STATE_STRUCT(RtlState, RTL_STATE);
static STATE_TABLE(rtl_state, "rtl8139", 2, RtlState, RTL_STATE)

typedef struct Rtl {
    PciFunction pci;
    RtlState s;
    Nic nic;
    uint32_t boot_index;
    MemRegion io, mmio;
    bool busy;             /* it is at work: an access is its own doing */
} Rtl;

static uint16_t reg16(const Rtl *d, unsigned at)
{
    return bytes_ld_le16(d->s.reg + at);
}

static uint32_t reg32(const Rtl *d, unsigned at)
{
    return bytes_ld_le32(d->s.reg + at);
}

/* --- interrupts -------------------------------------------------------------------*/

static void drive_pin(Rtl *d)
{
    pci_set_intx(&d->pci, reg16(d, R_ISR) & reg16(d, R_IMR));
}

static void cause(Rtl *d, uint16_t bits)
{
    bytes_st_le16(d->s.reg + R_ISR, reg16(d, R_ISR) | bits);
    drive_pin(d);
}

/* --- transmitter ---------------------------------------------------------------------*/

static void send_place(Rtl *d, unsigned n)
{
    uint8_t frame[FRAME_MAX];
    uint32_t status = reg32(d, R_TSD + 4 * n), len = status & TSD_SIZE;

    if (len > FRAME_MAX) {
        guest_error("%s: a frame of %u bytes\n", d->pci.dev.path, len);
        len = FRAME_MAX;
    }
    pci_dma_read(&d->pci, reg32(d, R_TSAD + 4 * n), frame, len);
    nic_send(&d->nic, frame, len);
    bytes_st_le32(d->s.reg + R_TSD + 4 * n, status | TSD_OWN | TSD_TOK);
    cause(d, INT_TOK);
}

/* 5.4: in turn, as many as have been handed over. */
static void transmit(Rtl *d)
{
    if (d->busy) {
        return;
    }
    d->busy = true;
    for (unsigned i = 0; i < PLACES; i++) {
        unsigned n = d->s.place;
        if (!(d->s.reg[R_CR] & CR_TE) ||
            (reg32(d, R_TSD + 4 * n) & TSD_OWN)) {
            break;
        }
        send_place(d, n);
        d->s.place = (n + 1) % PLACES;
    }
    d->busy = false;
}

/* --- receiver, 5.7 and 7.2 --------------------------------------------------------------*/

static uint32_t ring_bytes(const Rtl *d)
{
    return 8192u << (reg32(d, R_RCR) >> 11 & 3);
}

/* CAPR is behind by 16, as the data sheet has it. */
static uint32_t ring_used(const Rtl *d)
{
    uint32_t size = ring_bytes(d);
    return (reg16(d, R_CBR) - (reg16(d, R_CAPR) + 16u)) & (size - 1);
}

static bool can_receive(const Rtl *d)
{
    return (d->s.reg[R_CR] & CR_RE) &&
           (pci_config_16(&d->pci, PCI_COMMAND) & PCI_COMMAND_MASTER);
}

/* 0: the frame is not for us. */
static uint16_t rx_status(const Rtl *d, const uint8_t *to)
{
    uint32_t rcr = reg32(d, R_RCR);

    if (mac_is_broadcast(to)) {
        return rcr & (RCR_AB | RCR_AAP) ? RX_ROK | RX_BAR : 0;
    }
    if (mac_is_multicast(to)) {
        unsigned bit = mac_crc(to) >> 26;
        bool hit = (rcr & RCR_AM) && (d->s.reg[R_MAR + bit / 8] >> bit % 8 & 1);
        return hit || (rcr & RCR_AAP) ? RX_ROK | RX_MAR : 0;
    }
    if ((rcr & RCR_APM) && !memcmp(to, d->s.reg + R_IDR, MAC_BYTES)) {
        return RX_ROK | RX_PAM;
    }
    return rcr & RCR_AAP ? RX_ROK : 0;
}

static void ring_put(Rtl *d, uint32_t at, const uint8_t *p, uint32_t len)
{
    uint32_t size = ring_bytes(d), base = reg32(d, R_RBSTART);
    bool beyond = (reg32(d, R_RCR) & RCR_WRAP) && size < 65536;
    uint32_t first = beyond ? len : MIN(len, size - at);

    pci_dma_write(&d->pci, base + at, p, first);
    if (first < len) {
        pci_dma_write(&d->pci, base, p + first, len - first);
    }
}

static void rtl_receive(Device *dev, const uint8_t *frame, size_t len)
{
    Rtl *d = (Rtl *)dev;
    uint8_t bytes[HEADER_BYTES + 2048 + CRC_BYTES] = { 0 };
    uint16_t status = rx_status(d, frame);

    if (!can_receive(d) || d->busy || !status || len > 2000) {
        return;
    }
    memcpy(bytes + HEADER_BYTES, frame, len);
    uint32_t stored = MAX(len, ETH_MIN) + CRC_BYTES;
    uint32_t size = ring_bytes(d), at = reg16(d, R_CBR) & (size - 1);
    uint32_t whole = bits_align_up(HEADER_BYTES + stored, 4);
    if (ring_used(d) + whole >= size) {
        cause(d, INT_RXOVW);
        return;
    }
    bytes_st_le16(bytes, status);
    bytes_st_le16(bytes + 2, stored);
    d->busy = true;
    ring_put(d, at, bytes, whole);
    d->busy = false;
    bytes_st_le16(d->s.reg + R_CBR, (at + whole) & (size - 1));
    cause(d, INT_ROK);
}

static unsigned rtl_room(Device *dev)
{
    const Rtl *d = (Rtl *)dev;
    return can_receive(d) ? (ring_bytes(d) - 1 - ring_used(d)) / 1536 : 0;
}

static const NicOps nic_ops = { rtl_receive, rtl_room };

/* --- the EEPROM ------------------------------------------------------------------------------*/

static uint16_t ee_word(const Rtl *d, unsigned n)
{
    return n == 0              ? 0x8129
           : n >= 7 && n < 10  ? bytes_ld_le16(d->nic.mac + 2 * (n - 7))
                               : 0;
}

static void ee_clock(Rtl *d, bool bit)
{
    RtlState *s = &d->s;

    if (s->ee_reading) {
        s->ee_out <<= 1;
    } else if (s->ee_bits || bit) {
        s->ee_in = s->ee_in << 1 | bit;
        if (++s->ee_bits == EE_COMMAND_BITS) {
            s->ee_reading = s->ee_in >> 6 == EE_READ;
            s->ee_out = ee_word(d, s->ee_in % EE_WORDS);
            s->ee_in = s->ee_bits = 0;
        }
    }
}

static void ee_write(Rtl *d, uint8_t v)
{
    uint8_t before = d->s.reg[R_9346CR];
    bool on = (v & EE_MODE) == EE_PROGRAM && (v & EE_CS);

    d->s.reg[R_9346CR] = v & ~EE_DO;
    if (!on) {
        d->s.ee_in = d->s.ee_bits = 0;
        d->s.ee_reading = false;
    } else if (v & ~before & EE_SK) {
        ee_clock(d, v & EE_DI);
    }
}

static uint8_t ee_read(const Rtl *d)
{
    bool out = !d->s.ee_reading || (d->s.ee_out & 0x10000);
    return d->s.reg[R_9346CR] | (out ? EE_DO : 0);
}

/* --- registers --------------------------------------------------------------------------------*/

/* 5.1 and 6.1: in the media status a bit says that there is no link, in that of
 * the PHY that there is one. */
static void show_link(Rtl *d)
{
    uint8_t *media = &d->s.reg[R_MSR], *phy = &d->s.reg[R_BMSR];

    *media = (*media & ~LINK_BIT) | (d->s.link_down ? LINK_BIT : 0);
    *phy = (*phy & ~LINK_BIT) | (d->s.link_down ? 0 : LINK_BIT);
}

static void registers_reset(Rtl *d)
{
    uint8_t *reg = d->s.reg;
    uint8_t mac[MAC_BYTES];

    memcpy(mac, reg + R_IDR, MAC_BYTES);
    memset(reg, 0, R_BYTES);
    memcpy(reg + R_IDR, mac, MAC_BYTES);
    for (unsigned n = 0; n < PLACES; n++) {
        bytes_st_le32(reg + R_TSD + 4 * n, TSD_OWN);
    }
    reg[R_CR] = CR_BUFE;
    bytes_st_le16(reg + R_CAPR, 0xfff0);
    bytes_st_le32(reg + R_TCR, TCR_HWVERID);
    reg[R_CONFIG1] = 0x0c;
    bytes_st_le16(reg + R_BMCR, 0x1000);
    bytes_st_le16(reg + R_BMSR, 0x782d);
    bytes_st_le16(reg + R_ANAR, 0x05e1);
    bytes_st_le16(reg + R_ANLPAR, 0x45e1);
    bytes_st_le16(reg + R_ANER, 0x0001);
    d->s.place = 0;
    show_link(d);
    drive_pin(d);
}

/* 5.3: what the four places are at, in one word. */
static uint16_t places_read(const Rtl *d)
{
    uint16_t v = 0;

    for (unsigned n = 0; n < PLACES; n++) {
        uint32_t status = reg32(d, R_TSD + 4 * n);
        v |= (status & TSD_TOK ? 1u << (12 + n) : 0) |
             (status & TSD_OWN ? 1u << n : 0);
    }
    return v;
}

static uint8_t byte_read(Rtl *d, unsigned at)
{
    switch (at) {
    case R_CR:
        return (d->s.reg[R_CR] & ~CR_BUFE) | (ring_used(d) ? 0 : CR_BUFE);
    case R_9346CR:
        return ee_read(d);
    case R_TSADALL:
        return places_read(d);
    case R_TSADALL + 1:
        return places_read(d) >> 8;
    }
    return d->s.reg[at];
}

static uint64_t rtl_read(void *opaque, PhysAddr offset, unsigned size)
{
    Rtl *d = opaque;
    uint32_t v = 0;

    for (unsigned i = 0; i < size; i++) {
        v |= (uint32_t)byte_read(d, (offset + i) % R_BYTES) << (8 * i);
    }
    return v;
}

static void command_write(Rtl *d, uint8_t v)
{
    if (v & CR_RST) {
        registers_reset(d);
        return;
    }
    d->s.reg[R_CR] = v & (CR_TE | CR_RE);
    nic_kick(&d->nic);
}

/* The bits of a byte that can be written. */
static uint8_t writable(unsigned at)
{
    if (at < 0x0e || (at >= R_TSAD && at < R_RBSTART + 4) ||
        (at >= R_IMR && at < R_IMR + 2) || (at >= R_CAPR && at < R_CBR) ||
        (at >= R_RCR && at < R_RCR + 4) || (at >= 0x51 && at < 0x5e) ||
        (at >= R_BMCR && at < R_BMCR + 2) ||
        (at >= R_ANAR && at < R_ANAR + 2)) {
        return at == R_MSR ? 0xc0 : 0xff;
    }
    return at >= R_TCR && at < R_TCR + 4
               ? (uint8_t)(TCR_WRITABLE >> (8 * (at - R_TCR))) : 0;
}

static void byte_write(Rtl *d, unsigned at, uint8_t v)
{
    uint8_t *byte = &d->s.reg[at], mask = writable(at);

    switch (at) {
    case R_CR:
        command_write(d, v);
        return;
    case R_9346CR:
        ee_write(d, v);
        return;
    case R_ISR:
    case R_ISR + 1:
        *byte &= ~v;
        return;
    }
    *byte = (*byte & ~mask) | (v & mask);
}

/* A dword that hands a frame over. */
static void status_write(Rtl *d, unsigned at, uint32_t v)
{
    bytes_st_le32(d->s.reg + (at & ~3u), v & ~(TSD_TOK | 0xc0000000u));
    transmit(d);
}

static void rtl_write(void *opaque, PhysAddr offset, uint64_t v,
                      unsigned size)
{
    Rtl *d = opaque;

    if (offset >= R_TSD && offset < R_TSD + 4 * PLACES) {
        if (size == 4) {
            status_write(d, offset, v);
        }
        return;
    }
    for (unsigned i = 0; i < size; i++) {
        byte_write(d, (offset + i) % R_BYTES, v >> (8 * i));
    }
    drive_pin(d);
    if (offset == R_CAPR || offset == R_RCR) {
        nic_kick(&d->nic);
    }
}

static const MemOps rtl_ops = { rtl_read, rtl_write, 1, 4 };

/* --- life ---------------------------------------------------------------------------------------*/

static const PciInfo rtl_info = {
    .vendor = 0x10ec,
    .device = 0x8139,
    .class_code = 0x0200,
    .revision = 0x10,
    .interrupt_pin = 1,
};

static bool rtl_realize(Device *dev, Error **errp)
{
    Rtl *d = (Rtl *)dev;

    d->nic.down = &d->s.link_down;
    if (!pci_function_init(&d->pci, &rtl_info, PCI_ADDR_AUTO, errp) ||
        !nic_init(&d->nic, dev, dev, &nic_ops, errp)) {
        return false;
    }
    d->pci.boot_index = &d->boot_index;
    d->pci.boot_path = "ethernet@%s/ethernet-phy@0";
    mem_init_io(&d->io, "rtl8139-io", R_BYTES, &rtl_ops, d);
    pci_bar_init(&d->pci, 0, PCI_BAR_IO, &d->io);
    mem_init_io(&d->mmio, "rtl8139", R_BYTES, &rtl_ops, d);
    pci_bar_init(&d->pci, 1, PCI_BAR_MEM32, &d->mmio);
    return true;
}

static void rtl_reset(Device *dev)
{
    Rtl *d = (Rtl *)dev;

    pci_function_reset(&d->pci);
    nic_reset(&d->nic);
    memcpy(d->s.reg + R_IDR, d->nic.mac, MAC_BYTES);
    registers_reset(d);
}

static void rtl_rewire(Device *dev)
{
    pci_device_rewire(dev);
    nic_rewire(&((Rtl *)dev)->nic);
}

static void rtl_set_link(Device *dev, bool up)
{
    Rtl *d = (Rtl *)dev;

    nic_set_link(&d->nic, up);
    show_link(d);
    cause(d, INT_LINK);
}

static const char *rtl_network(const Device *dev)
{
    return nic_network(&((const Rtl *)dev)->nic);
}

static const DeviceKnobs rtl_knobs = { .network = rtl_network,
                                       .set_link = rtl_set_link };

static void rtl_print(Device *dev, GString *out)
{
    const Rtl *d = (Rtl *)dev;
    nic_print(&d->nic, d->s.reg + R_IDR, out);
}

static const PropDef rtl_props[] = {
    PCI_PROPS(Rtl),
    PCI_ROM_PROP(Rtl, "efi-rtl8139.rom"),
    NIC_PROPS(Rtl),
    PROP(Rtl, boot_index, "bootindex", PROP_U32, "0xffffffff",
         "place in the firmware's boot order, from 0"),
    PROP_END
};

extern const DeviceClass rtl8139_class;

const DeviceClass rtl8139_class = {
    .name = "rtl8139",
    .desc = "Realtek Fast Ethernet (RTL8139)",
    .bus = "PCI",
    .category = "Network",
    .user = true,
    .size = sizeof(Rtl),
    .state_offset = offsetof(Rtl, s),
    .state = rtl_state,
    .props = rtl_props,
    .realize = rtl_realize,
    .reset = rtl_reset,
    .rewire = rtl_rewire,
    .knobs = &rtl_knobs,
    .unrealize = pci_device_unrealize,
    .info_word = "network",
    .info = rtl_print,
};
