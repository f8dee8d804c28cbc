/*
 * The I/O APIC: 24 inputs, each with an entry that says what message it sends.
 * Intel 82093AA data sheet (290566), sections 3.0 to 3.2.4; version 20h, which
 * has an EOI register (ICH9 data sheet, 13.5).
 *
 * An edge that comes while its entry is masked is kept until it is not.
 */
#include "apic.h"

#include "base/log.h"
#include "irq-counts.h"

#define VERSION (0x20u | (IOAPIC_PINS - 1) << 16)

/* The window: an index, data, and the EOI register. */
enum { IOREGSEL = 0x00, IOWIN = 0x10, IOEOI = 0x40 };
enum { IOAPIC_ID, IOAPIC_VER, IOAPIC_ARB, IOAPIC_TABLE = 0x10 };

#define RTE_LOGICAL    BIT(11)
#define RTE_PENDING    BIT(12)     /* read only: delivery status */
#define RTE_REMOTE_IRR BIT(14)     /* read only */
#define RTE_LEVEL      BIT(15)
#define RTE_MASKED     BIT(16)
#define RTE_WRITABLE   UINT64_C(0xff0000000001afff)

typedef uint64_t IoApicTable[IOAPIC_PINS];

#define IOAPIC_STATE(_)                                                    \
    _(uint8_t, STATE_U8, id, 0, 1, "identification")                       \
    _(uint8_t, STATE_U8, select, 0, 1, "the register that is shown")       \
    _(IoApicTable, STATE_U64, table, RTE_MASKED, 1, "redirection table")   \
    _(uint32_t, STATE_U32, level, 0, 1, "inputs as they are now")          \
    _(uint32_t, STATE_U32, edges, 0, 1, "edges that were not sent yet")    \
    _(IoApicTable, STATE_U64, sent, 0, 2, "messages sent for each input")

STATE_STRUCT(IoApicState, IOAPIC_STATE);
static STATE_TABLE(ioapic_state, "ioapic", 2, IoApicState, IOAPIC_STATE)

typedef struct IoApic {
    Device dev;
    IoApicState s;
    Device *bus;
    unsigned id;
    MemRegion window;
    IrqLine taps[IOAPIC_PINS];
} IoApic;

static void send(IoApic *p, unsigned n)
{
    uint64_t rte = p->s.table[n];
    ApicMessage msg = { .dest = rte >> 56, .logical = rte & RTE_LOGICAL,
                        .level = rte & RTE_LEVEL, .mode = rte >> 8 & 7,
                        .vector = rte };
    p->s.sent[n]++;
    apic_bus_send(p->bus, &msg);
}

/* Sends what input n asks for, if its entry lets it. */
static void serve(IoApic *p, unsigned n)
{
    uint64_t *rte = &p->s.table[n];
    uint32_t bit = 1u << n;
    if (*rte & RTE_MASKED) {
        return;
    }
    if (!(*rte & RTE_LEVEL)) {
        if (p->s.edges & bit) {
            p->s.edges &= ~bit;
            send(p, n);
        }
    } else if ((p->s.level & bit) && !(*rte & RTE_REMOTE_IRR)) {
        *rte |= RTE_REMOTE_IRR;
        send(p, n);
    }
}

void ioapic_irq(void *opaque, int pin, bool level)
{
    IoApic *p = opaque;
    uint32_t bit = 1u << pin;
    g_assert(pin >= 0 && pin < (int)IOAPIC_PINS);
    irq_set(&p->taps[pin], level);
    if (level && !(p->s.level & bit)) {
        p->s.edges |= bit;
    }
    p->s.level = level ? p->s.level | bit : p->s.level & ~bit;
    if (p->s.table[pin] & RTE_LEVEL) {
        p->s.edges &= ~bit;
    }
    serve(p, pin);
}

void ioapic_eoi(Device *dev, uint8_t vector)
{
    IoApic *p = (IoApic *)dev;
    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        uint64_t *rte = &p->s.table[n];
        if ((uint8_t)*rte == vector && (*rte & RTE_LEVEL)) {
            *rte &= ~(uint64_t)RTE_REMOTE_IRR;
            serve(p, n);
        }
    }
}

/* --- registers -------------------------------------------------------------------- */

static uint32_t read_register(const IoApic *p, unsigned n)
{
    switch (n) {
    case IOAPIC_ID:
    case IOAPIC_ARB:
        return (uint32_t)p->s.id << 24;
    case IOAPIC_VER:
        return VERSION;
    }
    unsigned pin = (n - IOAPIC_TABLE) / 2;
    if (n < IOAPIC_TABLE || pin >= IOAPIC_PINS) {
        return 0;
    }
    return p->s.table[pin] >> (n % 2 ? 32 : 0);
}

static void write_entry(IoApic *p, unsigned pin, bool high, uint32_t v)
{
    uint64_t *rte = &p->s.table[pin];
    uint64_t mask = high ? UINT64_C(0xffffffff00000000) : 0xffffffff;
    uint64_t writable = RTE_WRITABLE & mask;
    uint64_t wanted = high ? (uint64_t)v << 32 : v;
    *rte = (*rte & ~writable) | (wanted & writable);
    if (!(*rte & RTE_LEVEL)) {
        *rte &= ~(uint64_t)RTE_REMOTE_IRR;
    }
    serve(p, pin);
}

static void write_register(IoApic *p, unsigned n, uint32_t v)
{
    unsigned pin = (n - IOAPIC_TABLE) / 2;
    if (n == IOAPIC_ID) {
        p->s.id = v >> 24 & 0xf;
    } else if (n >= IOAPIC_TABLE && pin < IOAPIC_PINS) {
        write_entry(p, pin, n % 2, v);
    }
}

static uint64_t ioapic_read(void *opaque, PhysAddr offset, unsigned size)
{
    const IoApic *p = opaque;
    switch (offset & 0xff) {
    case IOREGSEL:
        return p->s.select;
    case IOWIN:
        return read_register(p, p->s.select);
    }
    return 0;
}

static void ioapic_write(void *opaque, PhysAddr offset, uint64_t v,
                         unsigned size)
{
    IoApic *p = opaque;
    switch (offset & 0xff) {
    case IOREGSEL:
        p->s.select = v;
        break;
    case IOWIN:
        write_register(p, p->s.select, v);
        break;
    case IOEOI:
        ioapic_eoi(&p->dev, v);
        break;
    }
}

static const MemOps ioapic_ops = { ioapic_read, ioapic_write, 4, 4 };

/* --- info ioapic -------------------------------------------------------------------- */

static void ioapic_print(Device *dev, GString *out)
{
    const IoApicState *s = &((IoApic *)dev)->s;
    g_string_append_printf(out, "ioapic0: ver=0x%x id=0x%02x sel=0x%02x\n",
                           VERSION & 0xff, s->id, s->select);
    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        uint64_t rte = s->table[n];
        g_string_append_printf(
            out, "  pin %-2u 0x%016" G_GINT64_MODIFIER "x dest=%u vec=%u %s "
            "%s%s%s\n", n, rte, (unsigned)(rte >> 56), (unsigned)(rte & 0xff),
            rte & RTE_LEVEL ? "level" : "edge ",
            rte & RTE_LOGICAL ? "logical" : "physical",
            rte & RTE_MASKED ? " masked" : "",
            rte & RTE_REMOTE_IRR ? " remote-irr" : "");
    }
    g_string_append_printf(out, "  inputs 0x%06x, edges 0x%06x\n", s->level,
                           s->edges);
}

static void ioapic_counts(void *opaque, GString *out)
{
    irq_counts_print(out, "ioapic", ((IoApic *)opaque)->s.sent, IOAPIC_PINS);
}

/* --- the device ------------------------------------------------------------------------ */

Device *ioapic_new(Device *bus, PhysAddr base, unsigned id)
{
    Device *dev = device_create(bus->machine, &ioapic_class);
    IoApic *p = (IoApic *)dev;
    p->bus = bus;
    p->id = id;
    mem_add(&bus->machine->memory_root, base, &p->window, 1);
    apic_bus_add_ioapic(bus, dev);
    return dev;
}

static bool ioapic_realize(Device *dev, Error **errp)
{
    IoApic *p = (IoApic *)dev;
    mem_init_io(&p->window, "ioapic", PAGE_SIZE, &ioapic_ops, p);
    machine_add_info(dev->machine, "irq", ioapic_counts, p);
    return true;
}

static void ioapic_reset(Device *dev)
{
    IoApic *p = (IoApic *)dev;
    p->s.id = p->id;
}

static IrqLine *ioapic_irq_tap(Device *dev, bool out, unsigned n)
{
    IoApic *p = (IoApic *)dev;
    return !out && n < IOAPIC_PINS ? &p->taps[n] : NULL;
}

const DeviceClass ioapic_class = {
    .name = "ioapic",
    .desc = "I/O APIC",
    .category = "Misc",
    .size = sizeof(IoApic),
    .state_offset = offsetof(IoApic, s),
    .state = ioapic_state,
    .realize = ioapic_realize,
    .reset = ioapic_reset,
    .info_word = "ioapic",
    .info = ioapic_print,
    .irq_tap = ioapic_irq_tap,
};
