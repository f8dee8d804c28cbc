/*
 * PrimeCell UART PL011 (DDI 0183). What is written leaves at once; what comes
 * from outside waits in the receive FIFO, which asks for no more than it
 * holds.
 */
#include "hw/arm-chips.h"

#include "base/bits.h"
#include "base/log.h"
#include "io/chardev.h"
#include "vm/nondet.h"

#define FIFO_BYTES 16

enum {
    REG_DR = 0x00, REG_RSR = 0x04, REG_FR = 0x18, REG_ILPR = 0x20,
    REG_IBRD = 0x24, REG_FBRD = 0x28, REG_LCR = 0x2c, REG_CR = 0x30,
    REG_IFLS = 0x34, REG_IMSC = 0x38, REG_RIS = 0x3c, REG_MIS = 0x40,
    REG_ICR = 0x44, REG_DMACR = 0x48, REG_ID = 0xfe0,
};

/* 3.3.3: the flags; 3.3.10: the interrupts. */
enum { FR_RXFE = 0x10, FR_RXFF = 0x40, FR_TXFE = 0x80, FR_CTS = 1 };
enum { INT_RX = 0x10, INT_TX = 0x20, INT_RT = 0x40, INT_OE = 0x400 };
enum { LCR_FEN = 0x10 };
enum { CR_UARTEN = 1, CR_LBE = 0x80 };

static const uint8_t ids[] = { 0x11, 0x10, 0x14, 0, 0x0d, 0xf0, 0x05, 0xb1 };

typedef uint8_t Pl011Fifo[FIFO_BYTES];

#define PL011_STATE(_)                                                       \
    _(Pl011Fifo, STATE_U8, rx, 0, 1, "receive FIFO, a ring")                 \
    _(uint8_t, STATE_U8, rx_head, 0, 1, "place of its first byte",           \
      STATE_IN(0, FIFO_BYTES - 1))                                           \
    _(uint8_t, STATE_U8, rx_count, 0, 1, "bytes in it",                      \
      STATE_IN(0, FIFO_BYTES))                                               \
    _(uint16_t, STATE_U16, raw, 0, 1, "UARTRIS")                             \
    _(uint16_t, STATE_U16, mask, 0, 1, "UARTIMSC")                           \
    _(uint16_t, STATE_U16, ibrd, 0, 1, "UARTIBRD")                           \
    _(uint8_t, STATE_U8, fbrd, 0, 1, "UARTFBRD")                             \
    _(uint8_t, STATE_U8, lcr, 0, 1, "UARTLCR_H")                             \
    _(uint16_t, STATE_U16, cr, 0x300, 1, "UARTCR")                           \
    _(uint8_t, STATE_U8, ifls, 0x12, 1, "UARTIFLS")                          \
    _(uint8_t, STATE_U8, ilpr, 0, 1, "UARTILPR")                             \
    _(uint8_t, STATE_U8, dmacr, 0, 1, "UARTDMACR")

STATE_STRUCT(Pl011State, PL011_STATE);
static STATE_TABLE(pl011_state, "pl011", 1, Pl011State, PL011_STATE)

typedef struct Pl011 {
    Device dev;
    Pl011State s;
    Chardev *chr;
    NondetPort *port;
    IrqLine irq;
    MemRegion region;
} Pl011;

static void update_irq(Pl011 *u)
{
    irq_set(&u->irq, u->s.raw & u->s.mask);
}

static unsigned fifo_size(const Pl011State *s)
{
    return s->lcr & LCR_FEN ? FIFO_BYTES : 1;
}

/* 3.3.9: 1/8, 1/4, 1/2, 3/4, 7/8 full. */
static unsigned trigger(const Pl011State *s)
{
    static const uint8_t levels[] = { 2, 4, 8, 12, 14, 14, 14, 14 };
    return s->lcr & LCR_FEN ? levels[s->ifls >> 3 & 7] : 1;
}

/* --- receiver ------------------------------------------------------------- */

/* Bytes below the trigger level would raise an interrupt after 32 bit times:
 * they do at once. */
static void receive(Pl011 *u, uint8_t byte)
{
    Pl011State *s = &u->s;
    if (s->rx_count >= FIFO_BYTES) {
        s->raw |= INT_OE;
        return;
    }
    s->rx[(s->rx_head + s->rx_count++) % FIFO_BYTES] = byte;
    s->raw |= s->rx_count >= trigger(s) ? INT_RX : INT_RT;
}

static void input(void *opaque, const void *data, size_t len)
{
    Pl011 *u = opaque;
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        receive(u, bytes[i]);
    }
    update_irq(u);
}

/* What is on its way to us has not been counted yet: no room until it has. */
static size_t room(void *opaque)
{
    Pl011 *u = opaque;
    unsigned size = fifo_size(&u->s);
    return nondet_pending(u->dev.machine) || u->s.rx_count >= size
               ? 0 : size - u->s.rx_count;
}

static uint8_t take(Pl011 *u)
{
    Pl011State *s = &u->s;
    if (!s->rx_count) {
        return 0;
    }
    uint8_t byte = s->rx[s->rx_head];
    s->rx_head = (s->rx_head + 1) % FIFO_BYTES;
    s->rx_count--;
    if (s->rx_count < trigger(s)) {
        s->raw &= ~INT_RX;
    }
    if (!s->rx_count) {
        s->raw &= ~INT_RT;
    }
    update_irq(u);
    if (u->chr) {
        chardev_kick(u->chr);
    }
    return byte;
}

/* --- registers ------------------------------------------------------------ */

static void send_byte(Pl011 *u, uint8_t byte)
{
    if (u->s.cr & CR_LBE) {
        receive(u, byte);
    } else if (u->chr) {
        chardev_write(u->chr, &byte, 1);
    }
    u->s.raw |= INT_TX;
    update_irq(u);
}

static uint32_t flags(const Pl011State *s)
{
    return FR_TXFE | FR_CTS | (s->rx_count ? 0 : FR_RXFE) |
           (s->rx_count >= fifo_size(s) ? FR_RXFF : 0);
}

static uint64_t pl011_read(void *opaque, PhysAddr offset, unsigned size)
{
    Pl011 *u = opaque;
    const Pl011State *s = &u->s;
    switch (offset) {
    case REG_DR: return take(u);
    case REG_FR: return flags(s);
    case REG_ILPR: return s->ilpr;
    case REG_IBRD: return s->ibrd;
    case REG_FBRD: return s->fbrd;
    case REG_LCR: return s->lcr;
    case REG_CR: return s->cr;
    case REG_IFLS: return s->ifls;
    case REG_IMSC: return s->mask;
    case REG_RIS: return s->raw;
    case REG_MIS: return s->raw & s->mask;
    case REG_DMACR: return s->dmacr;
    }
    return offset >= REG_ID ? ids[(offset - REG_ID) / 4 % sizeof ids] : 0;
}

static void write_settings(Pl011State *s, PhysAddr offset, uint32_t v)
{
    switch (offset) {
    case REG_ILPR: s->ilpr = v; break;
    case REG_IBRD: s->ibrd = v; break;
    case REG_FBRD: s->fbrd = v & 63; break;
    case REG_LCR: s->lcr = v; break;
    case REG_CR: s->cr = v; break;
    case REG_IFLS: s->ifls = v & 63; break;
    case REG_DMACR: s->dmacr = v & 7; break;
    case REG_RSR: break;
    default:
        guest_error("pl011: a write to register %#x\n", (unsigned)offset);
    }
}

static void pl011_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
    Pl011 *u = opaque;
    switch (offset) {
    case REG_DR:
        send_byte(u, v);
        return;
    case REG_IMSC:
        u->s.mask = v & 0x7ff;
        break;
    case REG_ICR:
        u->s.raw &= ~v;
        break;
    default:
        write_settings(&u->s, offset, v);
    }
    update_irq(u);
    if (u->chr) {
        chardev_kick(u->chr);
    }
}

static const MemOps pl011_ops = { pl011_read, pl011_write, 1, 4 };

/* --- the device ----------------------------------------------------------- */

static bool pl011_realize(Device *dev, Error **errp)
{
    Pl011 *u = (Pl011 *)dev;
    mem_init_io(&u->region, "pl011", 0x1000, &pl011_ops, u);
    u->port = nondet_port(dev->machine, NONDET_SERIAL, dev->path, input, u);
    if (u->chr) {
        chardev_bind_port(u->chr, u->port, room, u);
    }
    return true;
}

static void pl011_rewire(Device *dev)
{
    update_irq((Pl011 *)dev);
}

MemRegion *pl011_region(Device *dev)
{
    return &((Pl011 *)dev)->region;
}

IrqLine *pl011_irq(Device *dev)
{
    return &((Pl011 *)dev)->irq;
}

static const PropDef pl011_props[] = {
    PROP(Pl011, chr, "chardev", PROP_CHARDEV, NULL, "the other end"),
    PROP_END
};

const DeviceClass pl011_class = {
    .name = "pl011",
    .desc = "PL011 UART",
    .category = "Input",
    .size = sizeof(Pl011),
    .state_offset = offsetof(Pl011, s),
    .state = pl011_state,
    .props = pl011_props,
    .realize = pl011_realize,
    .rewire = pl011_rewire,
};
