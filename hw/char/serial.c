/*
 * 16550A UART on the ISA bus (National Semiconductor PC16550D data sheet).
 *
 * What comes from outside arrives in bulk through a nondet port and waits in a
 * small buffer until the receiver can take it, so nothing is lost because the
 * guest is slow; only loopback can overrun.
 *
 * A written byte leaves at once unless pace=on, which lets it take the time
 * that line settings and divisor say. The reason: polling an I/O port costs a
 * guest here one instruction instead of the bus's microsecond, and loops with
 * a fixed number of polls would give up in the middle of a character.
 */
#include "base/bits.h"
#include "hw/isa.h"
#include "hw/pc-chips.h"
#include "io/chardev.h"
#include "vm/nondet.h"

#define CLOCK_HZ      1843200
#define FIFO_BYTES    16
#define PENDING_BYTES 64
#define AUTO          UINT32_MAX

enum { REG_DATA, REG_IER, REG_IIR, REG_LCR, REG_MCR, REG_LSR, REG_MSR,
       REG_SCR, REGS, REG_FCR = REG_IIR };

#define IER_RX       BIT(0)
#define IER_TX       BIT(1)
#define IER_LINE     BIT(2)
#define IER_MODEM    BIT(3)

/* Table 5: interrupt identification, highest priority first. */
#define IIR_LINE     0x06
#define IIR_RX       0x04
#define IIR_TIMEOUT  0x0c
#define IIR_TX       0x02
#define IIR_MODEM    0x00
#define IIR_NONE     0x01
#define IIR_FIFOS    0xc0

#define FCR_ENABLE   BIT(0)
#define FCR_CLEAR_RX BIT(1)
#define FCR_CLEAR_TX BIT(2)
#define FCR_STORED   (FCR_ENABLE | 0xc8)

#define LCR_STOP     BIT(2)
#define LCR_PARITY   BIT(3)
#define LCR_DLAB     BIT(7)

#define MCR_DTR      BIT(0)
#define MCR_RTS      BIT(1)
#define MCR_OUT1     BIT(2)
#define MCR_OUT2     BIT(3)
#define MCR_LOOP     BIT(4)
#define MCR_MASK     0x1f

#define LSR_DR       BIT(0)
#define LSR_OVERRUN  BIT(1)
#define LSR_THRE     BIT(5)
#define LSR_TEMT     BIT(6)

#define MSR_DCTS     BIT(0)
#define MSR_CTS      BIT(4)
#define MSR_DSR      BIT(5)
#define MSR_RI       BIT(6)
#define MSR_DCD      BIT(7)

typedef uint8_t SerialFifo[FIFO_BYTES];
typedef uint8_t SerialPending[PENDING_BYTES];

#define SERIAL_STATE(_)                                                      \
    _(uint16_t, STATE_U16, divisor, 12, 1, "divisor latch")                  \
    _(uint8_t, STATE_U8, ier, 0, 1, "interrupt enable")                      \
    _(uint8_t, STATE_U8, fcr, 0, 1, "FIFO control")                          \
    _(uint8_t, STATE_U8, lcr, 0, 1, "line control")                          \
    _(uint8_t, STATE_U8, mcr, 0, 1, "modem control")                         \
    _(uint8_t, STATE_U8, errors, 0, 1, "error bits of line status")          \
    _(uint8_t, STATE_U8, deltas, 0, 1, "delta bits of modem status")         \
    _(uint8_t, STATE_U8, scr, 0, 1, "scratch")                               \
    _(SerialFifo, STATE_U8, rx, 0, 1, "receiver FIFO, a ring")               \
    _(uint8_t, STATE_U8, rx_head, 0, 1, "place of its first byte",           \
      STATE_IN(0, FIFO_BYTES - 1))                                           \
    _(uint8_t, STATE_U8, rx_count, 0, 1, "bytes in it",                      \
      STATE_IN(0, FIFO_BYTES))                                               \
    _(uint8_t, STATE_U8, rx_last, 0, 1, "what an empty receiver reads as")   \
    _(bool, STATE_BOOL, timeout, false, 1, "received bytes have waited")     \
    _(SerialFifo, STATE_U8, tx, 0, 1, "transmitter FIFO, a ring")            \
    _(uint8_t, STATE_U8, tx_head, 0, 1, "place of its first byte",           \
      STATE_IN(0, FIFO_BYTES - 1))                                           \
    _(uint8_t, STATE_U8, tx_count, 0, 1, "bytes in it",                      \
      STATE_IN(0, FIFO_BYTES))                                               \
    _(uint8_t, STATE_U8, tsr, 0, 1, "transmitter shift register")            \
    _(bool, STATE_BOOL, tx_busy, false, 1, "it is shifting")                 \
    _(bool, STATE_BOOL, tx_empty_irq, false, 1, "THR ran empty, not told")   \
    _(SerialPending, STATE_U8, pending, 0, 1, "bytes on the wire, a ring")   \
    _(uint8_t, STATE_U8, pending_head, 0, 1, "place of its first byte",      \
      STATE_IN(0, PENDING_BYTES - 1))                                        \
    _(uint8_t, STATE_U8, pending_count, 0, 1, "bytes in it",                 \
      STATE_IN(0, PENDING_BYTES))                                            \
    _(int64_t, STATE_TIME, tx_due, TIME_NEVER, 1, "a byte has been sent")    \
    _(int64_t, STATE_TIME, timeout_due, TIME_NEVER, 1, "receive time-out")

STATE_STRUCT(SerialState, SERIAL_STATE);
static STATE_TABLE(serial_state, "isa-serial", 1, SerialState, SERIAL_STATE)

typedef struct Serial {
    Device dev;
    SerialState s;
    Chardev *chr;
    NondetPort *port;
    uint32_t index, iobase, irq_number;
    bool pace;
    IrqLine irq;
    Timer tx_timer, timeout_timer;
    MemRegion io;
} Serial;

/* --- rings ---------------------------------------------------------------- */

static uint8_t ring_take(const uint8_t *ring, unsigned size, uint8_t *head,
                         uint8_t *count)
{
    uint8_t byte = ring[*head % size];
    *head = (*head + 1) % size;
    (*count)--;
    return byte;
}

static void ring_put(uint8_t *ring, unsigned size, uint8_t head,
                     uint8_t *count, uint8_t byte)
{
    ring[(head + *count) % size] = byte;
    (*count)++;
}

static unsigned fifo_size(const SerialState *s)
{
    return s->fcr & FCR_ENABLE ? FIFO_BYTES : 1;
}

/* --- status and interrupt ------------------------------------------------- */

static uint8_t serial_lsr(const SerialState *s)
{
    return s->errors | (s->rx_count ? LSR_DR : 0)
           | (s->tx_count ? 0 : LSR_THRE)
           | (s->tx_count || s->tx_busy ? 0 : LSR_TEMT);
}

/* The modem lines: those of a peer that is always ready, in loopback our own
 * outputs. */
static uint8_t serial_modem_lines(uint8_t mcr)
{
    if (!(mcr & MCR_LOOP)) {
        return MSR_CTS | MSR_DSR | MSR_DCD;
    }
    return (mcr & MCR_RTS ? MSR_CTS : 0) | (mcr & MCR_DTR ? MSR_DSR : 0)
           | (mcr & MCR_OUT1 ? MSR_RI : 0) | (mcr & MCR_OUT2 ? MSR_DCD : 0);
}

static bool rx_ready(const SerialState *s)
{
    static const uint8_t trigger[] = { 1, 4, 8, 14 };
    unsigned level = s->fcr & FCR_ENABLE ? trigger[s->fcr >> 6] : 1;
    return s->rx_count >= level;
}

static uint8_t serial_iir(const SerialState *s)
{
    if ((s->ier & IER_LINE) && s->errors) {
        return IIR_LINE;
    }
    if ((s->ier & IER_RX) && rx_ready(s)) {
        return IIR_RX;
    }
    if ((s->ier & IER_RX) && s->timeout) {
        return IIR_TIMEOUT;
    }
    if ((s->ier & IER_TX) && s->tx_empty_irq) {
        return IIR_TX;
    }
    return (s->ier & IER_MODEM) && s->deltas ? IIR_MODEM : IIR_NONE;
}

static void serial_update_irq(Serial *u)
{
    irq_set(&u->irq, serial_iir(&u->s) != IIR_NONE);
}

/* Time on the line of one character: start, 5..8 data, parity, stop bits. */
static int64_t serial_char_ns(const SerialState *s)
{
    unsigned data = 5 + (s->lcr & 3);
    unsigned half_bits = 2 * (1 + data) + (s->lcr & LCR_PARITY ? 2 : 0)
                         + (!(s->lcr & LCR_STOP) ? 2 : data == 5 ? 3 : 4);
    int64_t divisor = s->divisor ? s->divisor : 1;
    return half_bits * 8 * divisor * NS_PER_SEC / CLOCK_HZ;
}

/* --- receiver ------------------------------------------------------------- */

/* "At least one character is in the FIFO and none came or was read during the
 * last four character times": starts counting anew. */
static void serial_arm_timeout(Serial *u)
{
    SerialState *s = &u->s;
    s->timeout = false;
    if ((s->fcr & FCR_ENABLE) && s->rx_count) {
        int64_t now = clock_now_ns(u->dev.machine->clock);
        timer_arm(&u->timeout_timer, now + 4 * serial_char_ns(s));
    } else {
        timer_cancel(&u->timeout_timer);
    }
}

static void serial_timeout(void *opaque)
{
    Serial *u = opaque;
    u->s.timeout = true;
    serial_update_irq(u);
}

static void serial_receive(Serial *u, uint8_t byte)
{
    SerialState *s = &u->s;
    if (s->rx_count >= fifo_size(s)) {
        s->errors |= LSR_OVERRUN;
        if (s->fcr & FCR_ENABLE) {
            return;        /* the FIFO keeps what it has */
        }
        s->rx_count = 0;   /* the buffer register is overwritten */
    }
    ring_put(s->rx, FIFO_BYTES, s->rx_head, &s->rx_count, byte);
    serial_arm_timeout(u);
}

/* Lets waiting bytes into the receiver. */
static void serial_pull(Serial *u)
{
    SerialState *s = &u->s;
    bool moved = false;
    while (s->pending_count && s->rx_count < fifo_size(s)
           && !(s->mcr & MCR_LOOP)) {
        serial_receive(u, ring_take(s->pending, PENDING_BYTES,
                                    &s->pending_head, &s->pending_count));
        moved = true;
    }
    if (moved && u->chr) {
        chardev_kick(u->chr);
    }
    serial_update_irq(u);
}

static void serial_input(void *opaque, const void *data, size_t len)
{
    Serial *u = opaque;
    SerialState *s = &u->s;
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        if (s->pending_count < PENDING_BYTES) {
            ring_put(s->pending, PENDING_BYTES, s->pending_head,
                     &s->pending_count, bytes[i]);
        } else {
            s->errors |= LSR_OVERRUN;
        }
    }
    serial_pull(u);
}

/* What is on its way to us has not been counted yet: no room until it has. */
static size_t serial_room(void *opaque)
{
    Serial *u = opaque;
    return nondet_pending(u->dev.machine)
        ? 0 : PENDING_BYTES - MIN(u->s.pending_count, PENDING_BYTES);
}

static uint8_t serial_read_data(Serial *u)
{
    SerialState *s = &u->s;
    if (s->rx_count) {
        s->rx_last = ring_take(s->rx, FIFO_BYTES, &s->rx_head, &s->rx_count);
    }
    serial_arm_timeout(u);
    /* The line falls before the next byte raises it: an edge for the PIC. */
    serial_update_irq(u);
    serial_pull(u);
    return s->rx_last;
}

/* --- transmitter ---------------------------------------------------------- */

static void serial_sent(Serial *u)
{
    if (u->s.mcr & MCR_LOOP) {
        serial_receive(u, u->s.tsr);
    } else if (u->chr) {
        chardev_write(u->chr, &u->s.tsr, 1);
    }
}

/* Fills the shift register as often as it is free. */
static void serial_shift(Serial *u)
{
    SerialState *s = &u->s;
    while (s->tx_count && !s->tx_busy) {
        s->tsr = ring_take(s->tx, FIFO_BYTES, &s->tx_head, &s->tx_count);
        s->tx_empty_irq |= !s->tx_count;
        if (u->pace) {
            s->tx_busy = true;
            timer_arm(&u->tx_timer, clock_now_ns(u->dev.machine->clock)
                                        + serial_char_ns(s));
        } else {
            serial_sent(u);
        }
    }
    serial_update_irq(u);
}

static void serial_tx_timer(void *opaque)
{
    Serial *u = opaque;
    u->s.tx_busy = false;
    serial_sent(u);
    serial_shift(u);
}

static void serial_write_data(Serial *u, uint8_t byte)
{
    SerialState *s = &u->s;
    s->tx_empty_irq = false;
    serial_update_irq(u);
    if (!(s->fcr & FCR_ENABLE)) {
        s->tx_count = 0;   /* overwrites what waits */
    }
    if (s->tx_count < FIFO_BYTES) {
        ring_put(s->tx, FIFO_BYTES, s->tx_head, &s->tx_count, byte);
    }
    serial_shift(u);
}

/* --- registers ------------------------------------------------------------ */

static void serial_write_ier(Serial *u, uint8_t v)
{
    SerialState *s = &u->s;
    /* Enabling it with the holding register empty interrupts at once. */
    if ((v & ~s->ier & IER_TX) && !s->tx_count) {
        s->tx_empty_irq = true;
    }
    s->ier = v & 0x0f;
}

static void serial_write_fcr(Serial *u, uint8_t v)
{
    SerialState *s = &u->s;
    if ((v ^ s->fcr) & FCR_ENABLE) {
        v |= FCR_CLEAR_RX | FCR_CLEAR_TX;
    }
    s->fcr = v & FCR_ENABLE ? v & FCR_STORED : 0;
    if (v & FCR_CLEAR_RX) {
        s->rx_head = s->rx_count = 0;
        serial_arm_timeout(u);
    }
    if (v & FCR_CLEAR_TX) {
        s->tx_empty_irq |= s->tx_count != 0;
        s->tx_head = s->tx_count = 0;
    }
    serial_pull(u);
}

static void serial_write_mcr(Serial *u, uint8_t v)
{
    SerialState *s = &u->s;
    uint8_t before = serial_modem_lines(s->mcr);
    uint8_t after = serial_modem_lines(v);
    uint8_t changed = (before ^ after) >> 4;
    /* The ring indicator counts only when it goes off. */
    if (after & MSR_RI) {
        changed &= ~(MSR_RI >> 4);
    }
    s->deltas |= changed;
    s->mcr = v & MCR_MASK;
    serial_pull(u);
}

static void serial_write_reg(Serial *u, unsigned reg, uint8_t v)
{
    SerialState *s = &u->s;
    if (reg <= REG_IER && (s->lcr & LCR_DLAB)) {
        s->divisor = bits_deposit(s->divisor, 8 * reg, 8, v);
        return;
    }
    switch (reg) {
    case REG_DATA:
        serial_write_data(u, v);
        break;
    case REG_IER:
        serial_write_ier(u, v);
        break;
    case REG_FCR:
        serial_write_fcr(u, v);
        break;
    case REG_LCR:
        s->lcr = v;
        break;
    case REG_MCR:
        serial_write_mcr(u, v);
        break;
    case REG_SCR:
        s->scr = v;
        break;
    }
    serial_update_irq(u);
}

static uint8_t serial_read_iir(SerialState *s)
{
    uint8_t v = serial_iir(s);
    if (v == IIR_TX) {
        s->tx_empty_irq = false;
    }
    return v | (s->fcr & FCR_ENABLE ? IIR_FIFOS : 0);
}

static uint8_t serial_read_msr(SerialState *s)
{
    uint8_t v = serial_modem_lines(s->mcr) | s->deltas;
    s->deltas = 0;
    return v;
}

static uint8_t serial_read_lsr(SerialState *s)
{
    uint8_t v = serial_lsr(s);
    s->errors = 0;
    return v;
}

static uint8_t serial_read_reg(Serial *u, unsigned reg)
{
    SerialState *s = &u->s;
    if (reg <= REG_IER && (s->lcr & LCR_DLAB)) {
        return s->divisor >> (8 * reg);
    }
    switch (reg) {
    case REG_DATA:
        return serial_read_data(u);
    case REG_IER:
        return s->ier;
    case REG_IIR:
        return serial_read_iir(s);
    case REG_LCR:
        return s->lcr;
    case REG_MCR:
        return s->mcr;
    case REG_LSR:
        return serial_read_lsr(s);
    case REG_MSR:
        return serial_read_msr(s);
    default:
        return s->scr;
    }
}

static uint64_t serial_read(void *opaque, PhysAddr offset, unsigned size)
{
    Serial *u = opaque;
    uint8_t v = serial_read_reg(u, offset);
    serial_update_irq(u);
    return v;
}

static void serial_write(void *opaque, PhysAddr offset, uint64_t v,
                         unsigned size)
{
    serial_write_reg(opaque, offset, v);
}

static const MemOps serial_ops = { serial_read, serial_write, .max_size = 1 };

/* --- wiring --------------------------------------------------------------- */

/* The standard places of COM1 to COM4. */
static const struct {
    uint16_t iobase;
    uint8_t irq;
} com_ports[] = { { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 } };

static uint32_t serial_next_index(Machine *m, const Serial *self)
{
    uint32_t next = 0;
    for (guint i = 0; i < m->devices->len; i++) {
        Device *dev = g_ptr_array_index(m->devices, i);
        const Serial *u = (Serial *)dev;
        if (dev->cls == self->dev.cls && u != self && u->index != AUTO) {
            next = MAX(next, u->index + 1);
        }
    }
    return next;
}

static bool serial_place(Serial *u, Error **errp)
{
    if (u->index == AUTO) {
        u->index = serial_next_index(u->dev.machine, u);
    }
    if (u->index >= G_N_ELEMENTS(com_ports)) {
        error_set(errp, "isa-serial: at most %zu serial ports",
                  G_N_ELEMENTS(com_ports));
        return false;
    }
    if (u->iobase == AUTO) {
        u->iobase = com_ports[u->index].iobase;
    }
    if (u->irq_number == AUTO) {
        u->irq_number = com_ports[u->index].irq;
    }
    if (u->iobase > 0x10000 - REGS || u->irq_number > 15) {
        error_set(errp, "isa-serial: no place at iobase=0x%x, irq=%u",
                  u->iobase, u->irq_number);
        return false;
    }
    return true;
}

static bool serial_realize(Device *dev, Error **errp)
{
    Serial *u = (Serial *)dev;
    Machine *m = dev->machine;
    if (!serial_place(u, errp)) {
        return false;
    }
    timer_init(&u->tx_timer, m->clock, "serial-tx", &u->s.tx_due,
               serial_tx_timer, u);
    timer_init(&u->timeout_timer, m->clock, "serial-timeout",
               &u->s.timeout_due, serial_timeout, u);
    mem_init_io(&u->io, "serial", REGS, &serial_ops, u);
    isa_add_ports(dev->bus, &u->io, u->iobase);
    isa_connect_irq(dev->bus, &u->irq, u->irq_number);
    /* Also without a chardev, so that a recording made with one replays. */
    u->port = nondet_port(m, NONDET_SERIAL, dev->id ? dev->id : dev->path,
                          serial_input, u);
    if (u->chr) {
        chardev_bind_port(u->chr, u->port, serial_room, u);
    }
    return true;
}

static void serial_reset(Device *dev)
{
    Serial *u = (Serial *)dev;
    timer_cancel(&u->tx_timer);
    timer_cancel(&u->timeout_timer);
    serial_update_irq(u);
}

static const PropDef serial_props[] = {
    PROP(Serial, chr, "chardev", PROP_CHARDEV, NULL, "what is on the line"),
    PROP(Serial, index, "index", PROP_U32, "0xffffffff",
         "0..3, COM1 to COM4; the next one by default"),
    PROP(Serial, iobase, "iobase", PROP_U32, "0xffffffff", "first port"),
    PROP(Serial, irq_number, "irq", PROP_U32, "0xffffffff", "ISA IRQ"),
    PROP(Serial, pace, "pace", PROP_BOOL, "off",
         "a byte takes as long to leave as the divisor says"),
    PROP_END
};

const DeviceClass isa_serial_class = {
    .name = "isa-serial",
    .desc = "16550A UART",
    .bus = "ISA",
    .category = "Input",
    .user = true,
    .size = sizeof(Serial),
    .state_offset = offsetof(Serial, s),
    .state = serial_state,
    .props = serial_props,
    .realize = serial_realize,
    .reset = serial_reset,
};
