/*
 * The PIIX3's ISA bridge: routing of PCI interrupts to ISA IRQs, and the reset
 * control port.
 *
 * Registers: Intel 82371SB (PIIX3) datasheet, section 2.2. The edge/level
 * control that goes with level-triggered PCI interrupts is in the PIC.
 */
#include "base/log.h"
#include "hw/pc-bridges.h"
#include "vm/runstate.h"

enum {
    PIIX3_XBCS = 0x4e,     /* 2.2.6: X-bus chip select */
    PIIX3_PIRQ = 0x60,     /* 2.2.7: PIRQRCA..PIRQRCD */
};

#define PIRQ_COUNT    4
#define PIRQ_DISABLED 0x80u
#define SCI_IRQ       9

#define RESET_HARD 0x02u   /* RC: hard rather than soft reset */
#define RESET_CPU  0x04u   /* rising edge resets */

#define PIIX3_STATE(_)                                                  \
    PCI_FUNCTION_STATE(_)                                               \
    _(uint8_t, STATE_U8, reset_control, 0, 1, "RC, port 0xcf9")         \
    _(bool, STATE_BOOL, sci, 0, 1, "ACPI interrupt asserted")

STATE_STRUCT(Piix3State, PIIX3_STATE);
static STATE_TABLE(piix3_state, "PIIX3", 1, Piix3State, PIIX3_STATE)

typedef struct Piix3 {
    PciFunction pci;
    Piix3State s;
    PciBus *pci_bus;
    const IsaBus *isa;
    uint16_t routed;       /* ISA IRQs driven by PIRQs now; a cache */
} Piix3;

/* The ISA IRQ of a PIRQ, -1 if it goes nowhere. IRQ 0, 1, 2, 8 and 13 are
 * reserved. */
static int route_of(const Piix3 *p, unsigned pirq)
{
    uint8_t v = p->s.config[PIIX3_PIRQ + pirq];
    unsigned irq = v & 0x0f;
    uint16_t reserved = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 8 | 1 << 13;
    return (v & PIRQ_DISABLED) || (reserved >> irq & 1) ? -1 : (int)irq;
}

static uint16_t routed_irqs(const Piix3 *p)
{
    uint16_t irqs = 0;
    for (unsigned pirq = 0; pirq < PIRQ_COUNT; pirq++) {
        int irq = route_of(p, pirq);
        irqs |= irq >= 0 ? 1u << irq : 0;
    }
    return irqs;
}

static void drive_irq(Piix3 *p, int irq)
{
    bool level = irq == SCI_IRQ && p->s.sci;

    for (unsigned pirq = 0; pirq < PIRQ_COUNT; pirq++) {
        level = level || (route_of(p, pirq) == irq &&
                          pci_bus_pirq_level(p->pci_bus, pirq));
    }
    if (p->isa) {
        p->isa->irq_fn(p->isa->irq_opaque, irq, level);
    }
}

static void piix3_pirq(void *opaque, int pirq, bool level)
{
    Piix3 *p = opaque;
    int irq = route_of(p, pirq);
    if (irq >= 0) {
        drive_irq(p, irq);
    }
}

void piix3_sci(void *piix3, int n, bool level)
{
    Piix3 *p = piix3;
    p->s.sci = level;
    drive_irq(p, SCI_IRQ);
}

/* IRQs that no PIRQ leads to any more are let go. */
static void piix3_route(Piix3 *p)
{
    uint16_t irqs = routed_irqs(p), changed = irqs | p->routed;

    p->routed = irqs;
    for (int irq = 0; irq < 16; irq++) {
        if (changed >> irq & 1) {
            drive_irq(p, irq);
        }
    }
}

void piix3_connect(Device *piix3, PciBus *bus, const IsaBus *isa)
{
    Piix3 *p = (Piix3 *)piix3;
    p->pci_bus = bus;
    p->isa = isa;
    pci_bus_connect_irq(bus, piix3_pirq, p);
}

/* --- reset control -----------------------------------------------------------*/

static uint64_t reset_read(void *opaque, PhysAddr offset, unsigned size)
{
    Piix3 *p = opaque;
    return p->s.reset_control;
}

static void reset_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
    Piix3 *p = opaque;
    bool rising = (v & RESET_CPU) && !(p->s.reset_control & RESET_CPU);

    p->s.reset_control = v & RESET_HARD;
    if (rising) {
        runstate_request_reset(p->pci.dev.machine, CAUSE_GUEST_RESET);
    }
}

const MemOps piix3_reset_ops = { reset_read, reset_write, 1, 1 };

/* --- the function --------------------------------------------------------------*/

static void piix3_config_reset(PciFunction *f)
{
    uint8_t *config = f->s->config;

    pci_config_set_16(f, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
                                          PCI_COMMAND_MASTER);
    pci_config_set_16(f, PCI_STATUS, PCI_STATUS_MEDIUM);
    config[0x4c] = 0x4d;                /* IORT */
    config[PIIX3_XBCS] = 0x03;
    memset(config + PIIX3_PIRQ, PIRQ_DISABLED, PIRQ_COUNT);
    config[0x69] = 0x02;                /* TOM */
    config[0x70] = 0x80;                /* MBIRQ0 */
    config[0x76] = config[0x77] = 0x0c; /* MBDMA0, MBDMA1 */
    config[0x78] = 0x02;                /* PCSC */
    config[0xa0] = 0x08;                /* SMICNTL */
    config[0xa8] = 0x0f;                /* CTLTMR */
}

static void piix3_config_written(PciFunction *f, unsigned offset, unsigned len)
{
    if (offset < PIIX3_PIRQ + PIRQ_COUNT && offset + len > PIIX3_PIRQ) {
        piix3_route(container_of(f, Piix3, pci));
    }
}

static const PciInfo piix3_info = {
    .vendor = 0x8086,
    .device = 0x7000,
    .class_code = 0x0601,
    .multifunction = true,
    .config_reset = piix3_config_reset,
    .config_written = piix3_config_written,
};

static bool piix3_realize(Device *dev, Error **errp)
{
    Piix3 *p = (Piix3 *)dev;

    if (!pci_function_init(&p->pci, &piix3_info, PCI_DEVFN(1, 0), errp)) {
        return false;
    }
    memset(p->pci.writable + 0x4c, 0xff, 0xb0 - 0x4c);
    memset(p->pci.writable + PIIX3_PIRQ, 0x8f, PIRQ_COUNT);
    return true;
}

static void piix3_reset(Device *dev)
{
    Piix3 *p = (Piix3 *)dev;
    pci_function_reset(&p->pci);
    if (p->pci_bus) {
        piix3_route(p);
        drive_irq(p, SCI_IRQ);
    }
}

/* The PIC remembers its inputs, so nothing is driven here. */
static void piix3_rewire(Device *dev)
{
    Piix3 *p = (Piix3 *)dev;
    pci_function_rewire(&p->pci);
    p->routed = routed_irqs(p);
}

const DeviceClass piix3_class = {
    .name = "PIIX3",
    .desc = "ISA bridge",
    .bus = "PCI",
    .category = "Controller/Bridge",
    .size = sizeof(Piix3),
    .state_offset = offsetof(Piix3, s),
    .state = piix3_state,
    .realize = piix3_realize,
    .reset = piix3_reset,
    .rewire = piix3_rewire,
    .unrealize = pci_device_unrealize,
};
