/*
 * The ICH9's LPC bridge: routing of PCI interrupts, the root complex registers,
 * and reset control. Its power management is in ich9-pm.c.
 *
 * Register numbers and names are those of the Intel I/O Controller Hub 9 (ICH9)
 * Family Datasheet, chapters 10 (chipset configuration) and 13 (D31:F0).
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "ich9.h"
#include "vm/runstate.h"

#define PIRQ_COUNT    8u
#define PIRQ_PIN      16       /* of the I/O APIC: PIRQA# */
#define PIRQ_DISABLED 0x80u

#define RESET_BITS 0x0eu       /* RST_CNT: FULL_RST, RST_CPU, SYS_RST */
#define RESET_CPU  0x04u       /* rising edge resets */

#define RCBA_ENABLE 1u
#define RCBA_BASE   0xffffc000u

/* In the root complex registers, 10.1; the first of them that do something or
 * keep what is written. */
enum {
    CC_FIRST = 0x3000,
    CC_D31IP = 0x3100,     /* pins of the ICH9's own devices */
    CC_D30IP = 0x3104,
    CC_D29IP = 0x3108,
    CC_D28IP = 0x310c,
    CC_D27IP = 0x3110,
    CC_D26IP = 0x3114,
    CC_D25IP = 0x3118,
    CC_D31IR = 0x3140,     /* where they go, four bits a pin */
    CC_GCS = 0x3410,
};
#define CC_PINS   0x1cu    /* bytes */
#define CC_ROUTES 0x12u

#define GCS_NO_REBOOT 0x20u

/* The register of a slot from 25 to 31; there are holes in between. */
static unsigned route_register(unsigned slot)
{
    static const uint8_t at[7] = { 0x10, 0x0c, 0x08, 0x06, 0x04, 0x02, 0x00 };
    return CC_D31IR + at[slot - 25];
}

/* --- interrupts -----------------------------------------------------------------*/

/* 10.1.21 ff.: the devices of the chip itself go where these registers say. The
 * slots before them take turns on PIRQE# to PIRQH#, as the machine's firmware
 * and the DSDT know. */
static unsigned ich9_route(void *opaque, int devfn, unsigned pin)
{
    const Ich9 *p = opaque;
    unsigned slot = devfn >> 3;

    if (slot < 25) {
        return 4 + ((slot + pin) & 3);
    }
    return p->s.chipset[route_register(slot) - CC_FIRST + pin / 2] >> (pin % 2 * 4) & 7;
}

/* The ISA IRQ of a PIRQ at the 8259s, -1 if it goes nowhere (13.1.17). IRQ 0, 1,
 * 2, 8 and 13 are reserved. */
static int isa_route(const Ich9 *p, unsigned pirq)
{
    unsigned at = pirq < 4 ? ICH9_PIRQA : ICH9_PIRQE - 4;
    uint8_t v = p->s.config[at + pirq];
    unsigned irq = v & 0x0f;
    uint16_t reserved = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 8 | 1 << 13;
    return (v & PIRQ_DISABLED) || (reserved >> irq & 1) ? -1 : (int)irq;
}

/* 13.1.13: the interrupt for power management, an ISA IRQ or an input of the
 * I/O APIC. */
static int sci_pin(const Ich9 *p)
{
    static const int8_t pins[8] = { 9, 10, 11, -1, 20, 21, -1, -1 };
    return pins[p->s.config[ICH9_ACPI_CNTL] & 7];
}

static bool sci_level(const Ich9 *p, int pin)
{
    return p->s.sci && sci_pin(p) == pin;
}

static void drive_isa(Ich9 *p, int irq)
{
    bool level = sci_level(p, irq);

    for (unsigned pirq = 0; pirq < PIRQ_COUNT; pirq++) {
        level = level || (isa_route(p, pirq) == irq &&
                          pci_bus_pirq_level(p->pci_bus, pirq));
    }
    p->lines.pic(p->lines.opaque, irq, level);
}

static void drive_apic(Ich9 *p, int pin)
{
    bool level = sci_level(p, pin);

    if (pin >= PIRQ_PIN) {
        level = level || pci_bus_pirq_level(p->pci_bus, pin - PIRQ_PIN);
    }
    p->lines.apic(p->lines.opaque, pin, level);
}

static void ich9_pirq(void *opaque, int pirq, bool level)
{
    Ich9 *p = opaque;
    int irq = isa_route(p, pirq);

    drive_apic(p, PIRQ_PIN + pirq);
    if (irq >= 0) {
        drive_isa(p, irq);
    }
}

static void drive_sci(Ich9 *p, int pin)
{
    if (pin >= 0) {
        drive_apic(p, pin);
    }
    if (pin >= 0 && pin < 16) {
        drive_isa(p, pin);
    }
}

void ich9_sci(void *opaque, int n, bool level)
{
    Ich9 *p = opaque;
    p->s.sci = level;
    if (p->pci_bus) {
        drive_sci(p, sci_pin(p));
    }
}

static uint16_t routed_irqs(const Ich9 *p)
{
    uint16_t irqs = 0;
    for (unsigned pirq = 0; pirq < PIRQ_COUNT; pirq++) {
        int irq = isa_route(p, pirq);
        irqs |= irq >= 0 ? 1u << irq : 0;
    }
    return irqs;
}

/* Lines that nothing leads to any more are let go. */
static void route(Ich9 *p)
{
    uint16_t irqs = routed_irqs(p), changed = irqs | p->routed;
    int sci = sci_pin(p), old = p->sci_pin;

    if (!p->pci_bus) {
        return;
    }
    p->routed = irqs;
    p->sci_pin = sci;
    for (int irq = 0; irq < 16; irq++) {
        if (changed >> irq & 1) {
            drive_isa(p, irq);
        }
    }
    drive_sci(p, old);
    drive_sci(p, sci);
    for (unsigned pirq = 0; pirq < PIRQ_COUNT; pirq++) {
        drive_apic(p, PIRQ_PIN + pirq);
    }
}

void ich9_lpc_connect(Device *lpc, PciBus *bus, const Ich9Lines *lines)
{
    Ich9 *p = (Ich9 *)lpc;
    p->pci_bus = bus;
    p->lines = *lines;
    pci_bus_set_route(bus, PIRQ_COUNT, ich9_route);
    pci_bus_connect_irq(bus, ich9_pirq, p);
}

/* --- the root complex registers (10.1) -----------------------------------------------*/

static uint64_t chipset_read(void *opaque, PhysAddr at, unsigned size)
{
    const Ich9 *p = opaque;
    return at < CC_FIRST ? 0 : bytes_ld_le(p->s.chipset + at - CC_FIRST, size);
}

/* Registers without an effect here keep what is written to them. Where devices
 * have their pins is read-only in this machine, and a strap says that its
 * watchdog does not reboot. */
static void chipset_write(void *opaque, PhysAddr at, uint64_t v, unsigned size)
{
    Ich9 *p = opaque;

    if (at < CC_FIRST || pci_overlaps(at, size, CC_D31IP, CC_PINS)) {
        return;
    }
    for (unsigned i = 0; i < size; i++) {
        p->s.chipset[at - CC_FIRST + i] = v >> (8 * i);
    }
    p->s.chipset[CC_GCS - CC_FIRST] |= GCS_NO_REBOOT;
    if (pci_overlaps(at, size, CC_D31IR, CC_ROUTES)) {
        route(p);
    }
}

static const MemOps chipset_ops = { chipset_read, chipset_write, 1, 4 };

/* Defaults of the data sheet: INTA# to INTD# of a device on PIRQA# to PIRQD#. */
static void chipset_reset(Ich9 *p)
{
    static const struct {
        uint16_t at;
        uint32_t value;
    } defaults[] = { { CC_D31IP, 0x00042210 }, { CC_D29IP, 0x10004321 },
                     { CC_D28IP, 0x00214321 }, { CC_D27IP, 1 },
                     { CC_D26IP, 0x30000321 }, { CC_D25IP, 1 },
                     { CC_GCS, GCS_NO_REBOOT } };
    uint8_t *c = p->s.chipset;

    for (unsigned slot = 25; slot < 32; slot++) {
        bytes_st_le16(c + route_register(slot) - CC_FIRST, 0x3210);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(defaults); i++) {
        bytes_st_le32(c + defaults[i].at - CC_FIRST, defaults[i].value);
    }
}

static void chipset_map(Ich9 *p)
{
    uint32_t v = pci_config_32(&p->pci, ICH9_RCBA);
    mem_set_address(&p->chipset, v & RCBA_BASE);
    mem_set_enabled(&p->chipset, (v & RCBA_ENABLE) && (v & RCBA_BASE));
}

/* --- reset control (13.7.5) -----------------------------------------------------------*/

static uint64_t reset_read(void *opaque, PhysAddr offset, unsigned size)
{
    const Ich9 *p = opaque;
    return p->s.reset_control;
}

static void reset_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
    Ich9 *p = opaque;
    bool rising = (v & RESET_CPU) && !(p->s.reset_control & RESET_CPU);

    p->s.reset_control = v & RESET_BITS & ~RESET_CPU;
    if (rising) {
        runstate_request_reset(p->pci.dev.machine, CAUSE_GUEST_RESET);
    }
}

const MemOps ich9_reset_ops = { reset_read, reset_write, 1, 1 };

/* --- the function --------------------------------------------------------------*/

static void lpc_map(Ich9 *p)
{
    mem_transaction_begin(p->pci.dev.machine);
    chipset_map(p);
    ich9_pm_map(p);
    mem_transaction_commit(p->pci.dev.machine);
}

static void lpc_config_reset(PciFunction *f)
{
    uint8_t *config = f->s->config;

    pci_config_set_16(f, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
                                          PCI_COMMAND_MASTER);
    pci_config_set_16(f, PCI_STATUS, PCI_STATUS_MEDIUM);
    pci_config_set_32(f, ICH9_PMBASE, 1);
    pci_config_set_32(f, ICH9_GPIOBASE, 1);
    memset(config + ICH9_PIRQA, PIRQ_DISABLED, 4);
    memset(config + ICH9_PIRQE, PIRQ_DISABLED, 4);
    config[ICH9_SIRQ_CNTL] = 0x10;
}

static void lpc_config_written(PciFunction *f, unsigned offset, unsigned len)
{
    Ich9 *p = container_of(f, Ich9, pci);
    if (offset + len > ICH9_PMBASE) {
        lpc_map(p);
        route(p);
    }
}

static const PciInfo lpc_info = {
    .vendor = 0x8086,
    .device = 0x2918,
    .class_code = 0x0601,
    .revision = 2,
    .multifunction = true,
    .config_reset = lpc_config_reset,
    .config_written = lpc_config_written,
};

/* Registers without an effect here keep what is written to them. */
static void lpc_writable(Ich9 *p)
{
    uint8_t *w = p->pci.writable;

    bytes_st_le32(w + ICH9_PMBASE, 0xff80);
    w[ICH9_ACPI_CNTL] = 0x87;
    bytes_st_le32(w + ICH9_GPIOBASE, 0xff80);
    w[ICH9_GPIO_CNTL] = 0x11;
    memset(w + ICH9_PIRQA, 0x8f, 4);
    w[ICH9_SIRQ_CNTL] = 0xcf;
    memset(w + ICH9_PIRQE, 0x8f, 4);
    memset(w + 0x80, 0xff, 0x94 - 0x80);     /* LPC decode ranges */
    memset(w + 0xa0, 0xff, 0xac - 0xa0);     /* GEN_PMCON and friends */
    memset(w + 0xb8, 0xff, 4);               /* GPI_ROUT */
    memset(w + 0xd0, 0xff, 0xdd - 0xd0);     /* firmware hub, BIOS_CNTL */
    bytes_st_le32(w + ICH9_RCBA, RCBA_BASE | RCBA_ENABLE);
    w[PCI_CACHE_LINE] = w[PCI_LATENCY] = w[PCI_INTERRUPT_LINE] = 0;
}

static bool lpc_realize(Device *dev, Error **errp)
{
    Ich9 *p = (Ich9 *)dev;

    if (!pci_function_init(&p->pci, &lpc_info, PCI_DEVFN(31, 0), errp)) {
        return false;
    }
    lpc_writable(p);
    p->sci_pin = -1;
    mem_init_io(&p->chipset, "lpc-rcrb", ICH9_CHIPSET_BYTES, &chipset_ops, p);
    mem_set_enabled(&p->chipset, false);
    mem_add(&dev->machine->memory_root, 0, &p->chipset, 1);
    ich9_pm_init(p);
    return true;
}

static void lpc_reset(Device *dev)
{
    Ich9 *p = (Ich9 *)dev;

    pci_function_reset(&p->pci);
    chipset_reset(p);
    lpc_map(p);
    ich9_pm_reset(p);
    route(p);
}

/* The interrupt controllers remember their inputs, so nothing is driven here. */
static void lpc_rewire(Device *dev)
{
    Ich9 *p = (Ich9 *)dev;
    pci_function_rewire(&p->pci);
    lpc_map(p);
    p->routed = routed_irqs(p);
    p->sci_pin = sci_pin(p);
}

static void lpc_unrealize(Device *dev)
{
    Ich9 *p = (Ich9 *)dev;
    acpi_pm_destroy(&p->pm);
    pci_function_unrealize(&p->pci);
}

const DeviceClass ich9_lpc_class = {
    .name = "ICH9-LPC",
    .desc = "ICH9 LPC bridge",
    .bus = "PCI",
    .category = "Controller/Bridge",
    .size = sizeof(Ich9),
    .state_offset = offsetof(Ich9, s),
    .state = ich9_lpc_state,
    .realize = lpc_realize,
    .reset = lpc_reset,
    .rewire = lpc_rewire,
    .unrealize = lpc_unrealize,
};
