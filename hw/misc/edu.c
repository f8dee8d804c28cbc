/*
 * edu: a PCI function for learning to write drivers. The guest's view is that of
 * QEMU's docs/specs/edu: an identification, an inverter, a factorial that is
 * computed for a while, interrupts by pin or MSI, and DMA to and from a buffer
 * of 4 KiB.
 *
 * Computing and DMA end after a fixed virtual time.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "hw/pci.h"

enum {
    REG_ID = 0x00, REG_LIVENESS = 0x04, REG_FACTORIAL = 0x08,
    REG_STATUS = 0x20, REG_INTERRUPT = 0x24, REG_RAISE = 0x60,
    REG_ACK = 0x64, REG_DMA_SOURCE = 0x80, REG_DMA_TARGET = 0x88,
    REG_DMA_COUNT = 0x90, REG_DMA_COMMAND = 0x98,
};
#define IDENTIFICATION   0x010000edu
#define STATUS_COMPUTING 0x01u
#define STATUS_INTERRUPT 0x80u     /* when it is done */
#define INTERRUPT_FACTORIAL 0x001u
#define INTERRUPT_DMA    0x100u
#define DMA_RUN          0x1u
#define DMA_TO_MEMORY    0x2u
#define DMA_INTERRUPT    0x4u
#define DMA_COMMAND      (DMA_RUN | DMA_TO_MEMORY | DMA_INTERRUPT)

#define BUFFER_AT    0x40000u
#define BUFFER_BYTES 4096u
#define MSI_AT       0x40
#define COMPUTE_NS   (10 * NS_PER_US)
#define DMA_NS       (100 * NS_PER_US)

typedef uint8_t EduBuffer[BUFFER_BYTES];

#define EDU_STATE(_)                                                         \
    PCI_FUNCTION_STATE(_)                                                    \
    _(uint32_t, STATE_U32, liveness, 0, 1, "inverted")                       \
    _(uint32_t, STATE_U32, factorial, 0, 1, "operand, then result")          \
    _(uint32_t, STATE_U32, status, 0, 1, "status register")                  \
    _(uint32_t, STATE_U32, interrupt, 0, 1, "interrupt status")              \
    _(uint64_t, STATE_U64, source, 0, 1, "DMA: from")                        \
    _(uint64_t, STATE_U64, target, 0, 1, "DMA: to")                          \
    _(uint64_t, STATE_U64, count, 0, 1, "DMA: bytes")                        \
    _(uint64_t, STATE_U64, command, 0, 1, "DMA: command")                    \
    _(EduBuffer, STATE_U8, buffer, 0, 1, "buffer")                           \
    _(int64_t, STATE_TIME, computed_ns, TIME_NEVER, 1,                       \
      "when the factorial is there")                                         \
    _(int64_t, STATE_TIME, moved_ns, TIME_NEVER, 1, "when the DMA is done")
STATE_STRUCT(EduState, EDU_STATE);
static STATE_TABLE(edu_state, "edu", 1, EduState, EDU_STATE)

typedef struct Edu {
    PciFunction pci;
    EduState s;
    uint64_t dma_mask;     /* property */
    Timer compute, move;
    bool timers_are_there;
    MemRegion io;
} Edu;

/* --- interrupts ----------------------------------------------------------------- */

static void interrupt(Edu *d, uint32_t bits)
{
    d->s.interrupt |= bits;
    if (!d->s.interrupt) {
        return;
    }
    if (pci_msi_enabled(&d->pci)) {
        pci_msi_send(&d->pci);
    } else {
        pci_set_intx(&d->pci, true);
    }
}

static void acknowledge(Edu *d, uint32_t bits)
{
    d->s.interrupt &= ~bits;
    if (!d->s.interrupt) {
        pci_set_intx(&d->pci, false);
    }
}

/* --- the factorial ---------------------------------------------------------------- */

/* Modulo 2^32: from 34! on there are 32 factors of two. */
static uint32_t factorial(uint32_t n)
{
    uint32_t product = 1;
    for (uint32_t i = 2; i <= MIN(n, 34); i++) {
        product *= i;
    }
    return product;
}

static void computed(void *opaque)
{
    Edu *d = opaque;
    d->s.factorial = factorial(d->s.factorial);
    d->s.status &= ~STATUS_COMPUTING;
    if (d->s.status & STATUS_INTERRUPT) {
        interrupt(d, INTERRUPT_FACTORIAL);
    }
}

static void compute(Edu *d, uint32_t n)
{
    if (!(d->s.status & STATUS_COMPUTING)) {
        d->s.factorial = n;
        d->s.status |= STATUS_COMPUTING;
        timer_arm(&d->compute,
                  clock_now_ns(d->pci.dev.machine->clock) + COMPUTE_NS);
    }
}

/* --- DMA ---------------------------------------------------------------------------- */

/* Where in the buffer the device's end of a transfer lies. */
static bool in_buffer(const Edu *d, uint64_t at, uint64_t *offset)
{
    *offset = at - BUFFER_AT;
    if (at >= BUFFER_AT && *offset <= BUFFER_BYTES &&
        d->s.count <= BUFFER_BYTES - *offset) {
        return true;
    }
    guest_error("%s: DMA of %" G_GINT64_MODIFIER "u bytes at 0x%"
                G_GINT64_MODIFIER "x is outside of the buffer\n",
                d->pci.dev.path, d->s.count, at);
    return false;
}

static void move(Edu *d)
{
    bool out = d->s.command & DMA_TO_MEMORY;
    uint64_t memory = (out ? d->s.target : d->s.source) & d->dma_mask;
    uint64_t at;

    if (!in_buffer(d, out ? d->s.source : d->s.target, &at)) {
        return;
    }
    if (out) {
        pci_dma_write(&d->pci, memory, d->s.buffer + at, d->s.count);
    } else {
        pci_dma_read(&d->pci, memory, d->s.buffer + at, d->s.count);
    }
}

static void moved(void *opaque)
{
    Edu *d = opaque;
    move(d);
    d->s.command &= ~DMA_RUN;
    if (d->s.command & DMA_INTERRUPT) {
        interrupt(d, INTERRUPT_DMA);
    }
}

static bool dma_runs(const Edu *d)
{
    return d->s.command & DMA_RUN;
}

static void dma_command(Edu *d, uint64_t v)
{
    d->s.command = v & DMA_COMMAND;
    if (dma_runs(d)) {
        timer_arm(&d->move,
                  clock_now_ns(d->pci.dev.machine->clock) + DMA_NS);
    }
}

/* --- registers ------------------------------------------------------------------------ */

static uint64_t *dma_register(Edu *d, PhysAddr offset)
{
    switch (offset & ~7u) {
    case REG_DMA_SOURCE:
        return &d->s.source;
    case REG_DMA_TARGET:
        return &d->s.target;
    case REG_DMA_COUNT:
        return &d->s.count;
    case REG_DMA_COMMAND:
        return &d->s.command;
    }
    return NULL;
}

static uint64_t edu_read(void *opaque, PhysAddr offset, unsigned size)
{
    Edu *d = opaque;
    const uint64_t *dma = dma_register(d, offset);

    if (offset & (size - 1)) {
        return UINT64_MAX;
    }
    if (dma) {
        return *dma >> 8 * (offset & 7);
    }
    switch (offset) {
    case REG_ID:
        return IDENTIFICATION;
    case REG_LIVENESS:
        return d->s.liveness;
    case REG_FACTORIAL:
        return d->s.factorial;
    case REG_STATUS:
        return d->s.status;
    case REG_INTERRUPT:
        return d->s.interrupt;
    }
    return UINT64_MAX;
}

/* Half of a register changes that half. A transfer that is under way keeps what
 * it was told. */
static void dma_write(Edu *d, PhysAddr offset, uint64_t v, unsigned size)
{
    uint64_t *to = dma_register(d, offset);
    unsigned bit = 8 * (offset & 7);

    v = size == 8 ? v : bits_deposit(*to, bit, 32, v);
    if (dma_runs(d)) {
        guest_error("%s: its DMA is under way\n", d->pci.dev.path);
    } else if (to == &d->s.command) {
        dma_command(d, v);
    } else {
        *to = v;
    }
}

static void edu_write(void *opaque, PhysAddr offset, uint64_t v,
                      unsigned size)
{
    Edu *d = opaque;

    if (offset & (size - 1)) {
        return;
    }
    if (dma_register(d, offset)) {
        dma_write(d, offset, v, size);
        return;
    }
    switch (offset) {
    case REG_LIVENESS:
        d->s.liveness = ~v;
        break;
    case REG_FACTORIAL:
        compute(d, v);
        break;
    case REG_STATUS:
        d->s.status = (d->s.status & STATUS_COMPUTING) |
                      (v & STATUS_INTERRUPT);
        break;
    case REG_RAISE:
        interrupt(d, v);
        break;
    case REG_ACK:
        acknowledge(d, v);
        break;
    }
}

static const MemOps edu_ops = { edu_read, edu_write, 4, 8 };

/* --- life -------------------------------------------------------------------------------- */

static const PciInfo edu_info = {
    .vendor = 0x1234,
    .device = 0x11e8,
    .class_code = 0x00ff,
    .revision = 0x10,
    .interrupt_pin = 1,
};

static bool edu_realize(Device *dev, Error **errp)
{
    Edu *d = (Edu *)dev;
    Clock *clock = dev->machine->clock;

    if (!pci_function_init(&d->pci, &edu_info, PCI_ADDR_AUTO, errp)) {
        return false;
    }
    timer_init(&d->compute, clock, "edu-factorial", &d->s.computed_ns,
               computed, d);
    timer_init(&d->move, clock, "edu-dma", &d->s.moved_ns, moved, d);
    d->timers_are_there = true;
    pci_msi_init(&d->pci, MSI_AT);
    mem_init_io(&d->io, "edu", MIB, &edu_ops, d);
    pci_bar_init(&d->pci, 0, PCI_BAR_MEM32, &d->io);
    return true;
}

static void edu_unrealize(Device *dev)
{
    Edu *d = (Edu *)dev;
    if (d->timers_are_there) {
        timer_destroy(&d->compute);
        timer_destroy(&d->move);
    }
    pci_function_unrealize(&d->pci);
}

static const PropDef edu_props[] = {
    PCI_PROPS(Edu),
    PROP(Edu, dma_mask, "dma_mask", PROP_U64, "0xfffffff",
         "what of an address in memory the device has wires for"),
    PROP_END
};

extern const DeviceClass edu_class;

const DeviceClass edu_class = {
    .name = "edu",
    .desc = "a device to learn from",
    .bus = "PCI",
    .category = "Misc",
    .user = true,
    .size = sizeof(Edu),
    .state_offset = offsetof(Edu, s),
    .state = edu_state,
    .props = edu_props,
    .realize = edu_realize,
    .reset = pci_device_reset,
    .rewire = pci_device_rewire,
    .unrealize = edu_unrealize,
};
