/*
 * The PIIX4's power management function: the ACPI fixed registers, the timer,
 * the APM ports with their SMI, and an SMBus without devices.
 *
 * Registers: Intel 82371AB (PIIX4) datasheet, section 7; bits of the fixed
 * registers: ACPI 1.0b, section 4.7. The general-purpose event block is at
 * port 0xafe0, where the machine's firmware expects it.
 *
 * The timer is computed, not stepped: it is virtual time in ticks of
 * 3.579545 MHz. What is state is the tick count at which its top bit toggles
 * next; until that has been acknowledged, the overflow is pending.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "hw/pc-bridges.h"
#include "vm/runstate.h"

/* Configuration space, 7.1. */
enum {
    CFG_PMBASE = 0x40,
    CFG_DEVACTB = 0x58,
    CFG_PMREGMISC = 0x80,
    CFG_SMBBASE = 0x90,
    CFG_SMBHSTCFG = 0xd2,
};
#define DEVACTB_APMC_EN BIT(25)

/* At PMBASE, 7.2. */
enum {
    PM_STATUS = 0x00,
    PM_ENABLE = 0x02,
    PM_CONTROL = 0x04,
    PM_TIMER = 0x08,
    PM_GLOBAL_CONTROL = 0x28,
    PM_SIZE = 0x40,
};

#define STS_TIMER  0x0001u
#define STS_BM     0x0010u
#define STS_GLOBAL 0x0020u
#define STS_PWRBTN 0x0100u
#define STS_RTC    0x0400u
#define STS_WAKE   0x8000u
#define STS_CLEARS (STS_TIMER | STS_BM | STS_GLOBAL | STS_PWRBTN | STS_RTC | \
                    STS_WAKE)
#define EN_BITS    (STS_TIMER | STS_GLOBAL | STS_PWRBTN | STS_RTC)

#define CNT_SCI_EN  0x0001u
#define CNT_SLP_EN  0x2000u
#define CNT_BITS    0x1c03u        /* SLP_TYP, BM_RLD, SCI_EN; GBL_RLS reads 0 */

/* SLP_TYP as the machine's firmware tables say (fw_cfg etc/system-states). */
enum { SLEEP_S5 = 0, SLEEP_S3 = 1, SLEEP_S4 = 2 };

/* What firmware tells the OS to write to the APM port (FADT). */
enum { APM_ACPI_DISABLE = 0xf0, APM_ACPI_ENABLE = 0xf1 };

#define GPE_PORT 0xafe0
#define GPE_SIZE 4                 /* two status bytes, two enable bytes */

#define TIMER_HZ   3579545
#define TIMER_MASK 0xffffffu
#define TIMER_HALF BIT(23)         /* the top bit toggles every so many ticks */

#define SMBUS_SIZE 16
#define SMB_STATUS 0               /* at SMBBASE, 7.3 */
#define SMB_CONTROL 2
#define SMB_STATUS_DEV_ERR 0x04u
#define SMB_CONTROL_START  0x40u

typedef uint8_t PmPorts[PM_SIZE];
typedef uint8_t GpePorts[GPE_SIZE];
typedef uint8_t SmbusPorts[SMBUS_SIZE];

#define PM_STATE(_)                                                          \
    PCI_FUNCTION_STATE(_)                                                    \
    _(uint16_t, STATE_U16, status, 0, 1, "PMSTS, without an elapsed timer")  \
    _(uint16_t, STATE_U16, enable, 0, 1, "PMEN")                             \
    _(uint16_t, STATE_U16, control, 0, 1, "PMCNTRL")                         \
    _(uint64_t, STATE_U64, toggle_tick, 0, 1, "tick of the timer's overflow", \
      STATE_IN(0, INT64_C(1) << 53))                                         \
    _(int64_t, STATE_TIME, due_ns, TIME_NEVER, 1, "interrupt of the timer")  \
    _(PmPorts, STATE_U8, ports, 0, 1, "registers that only keep their value") \
    _(GpePorts, STATE_U8, gpe, 0, 1, "general-purpose events")               \
    _(uint8_t, STATE_U8, apm_command, 0, 1, "APMC, port 0xb2")               \
    _(uint8_t, STATE_U8, apm_status, 0, 1, "APMS, port 0xb3")                \
    _(SmbusPorts, STATE_U8, smbus, 0, 1, "SMBus host registers")

STATE_STRUCT(PmState, PM_STATE);
static STATE_TABLE(pm_state, "PIIX4_PM", 1, PmState, PM_STATE)

typedef struct Pm {
    PciFunction pci;
    PmState s;
    IrqLine sci, smi;
    Timer timer;
    MemRegion io, gpe_io, apm_io, smbus_io;
    uint16_t told_base;    /* what `moved` was told last */
    void (*moved)(void *opaque);
    void *moved_opaque;
} Pm;

/* --- the timer -------------------------------------------------------------*/

static uint64_t ticks_at(int64_t ns)
{
    return (unsigned __int128)(uint64_t)ns * TIMER_HZ / NS_PER_SEC;
}

/* The first ns at which the tick count is at least that. */
static int64_t ns_of_tick(uint64_t tick)
{
    unsigned __int128 product = (unsigned __int128)tick * NS_PER_SEC;
    product = (product + TIMER_HZ - 1) / TIMER_HZ;
    return product > INT64_MAX ? TIME_NEVER : (int64_t)product;
}

static uint64_t ticks_now(const Pm *pm)
{
    return ticks_at(clock_now_ns(pm->pci.dev.machine->clock));
}

static uint16_t status_now(const Pm *pm)
{
    bool elapsed = ticks_now(pm) >= pm->s.toggle_tick;
    return pm->s.status | (elapsed ? STS_TIMER : 0);
}

static void overflow_acknowledge(Pm *pm)
{
    pm->s.toggle_tick = (ticks_now(pm) & ~(TIMER_HALF - 1)) + TIMER_HALF;
}

/* --- interrupts -----------------------------------------------------------------*/

static bool sci_level(const Pm *pm)
{
    const PmState *s = &pm->s;
    bool gpe = (s->gpe[0] & s->gpe[2]) || (s->gpe[1] & s->gpe[3]);
    return (status_now(pm) & s->enable & EN_BITS) || gpe;
}

static void pm_update(Pm *pm)
{
    const PmState *s = &pm->s;

    irq_set(&pm->sci, (s->control & CNT_SCI_EN) && sci_level(pm));
    if ((s->enable & STS_TIMER) && !(status_now(pm) & STS_TIMER)) {
        timer_arm(&pm->timer, ns_of_tick(s->toggle_tick));
    } else {
        timer_cancel(&pm->timer);
    }
}

static void timer_fired(void *opaque)
{
    pm_update(opaque);
}

void piix4_pm_power_button(void *opaque)
{
    Pm *pm = opaque;
    pm->s.status |= STS_PWRBTN;
    pm_update(pm);
}

/* --- fixed registers -----------------------------------------------------------*/

static void write_status(Pm *pm, uint16_t v)
{
    pm->s.status &= ~(v & STS_CLEARS);
    if (v & STS_TIMER & status_now(pm)) {
        overflow_acknowledge(pm);
    }
}

static void fall_asleep(Pm *pm)
{
    unsigned type = pm->s.control >> 10 & 7;

    if (type == SLEEP_S5 || type == SLEEP_S4) {
        runstate_request_shutdown(pm->pci.dev.machine, CAUSE_GUEST_SHUTDOWN,
                                  0);
    } else {
        guest_unimp("PIIX4_PM: sleep type %u\n", type);
    }
}

static void write_control(Pm *pm, uint16_t v)
{
    pm->s.control = v & CNT_BITS;
    if (v & CNT_SLP_EN) {
        fall_asleep(pm);
    }
}

/* The 64 ports as they read now. */
static void io_image(const Pm *pm, uint8_t *image)
{
    memcpy(image, pm->s.ports, PM_SIZE);
    bytes_st_le16(image + PM_STATUS, status_now(pm));
    bytes_st_le16(image + PM_ENABLE, pm->s.enable);
    bytes_st_le16(image + PM_CONTROL, pm->s.control);
    bytes_st_le32(image + PM_TIMER, ticks_now(pm) & TIMER_MASK);
}

static uint64_t io_read(void *opaque, PhysAddr offset, unsigned size)
{
    uint8_t image[PM_SIZE];
    io_image(opaque, image);
    return bytes_ld_le(image + offset, MIN(size, PM_SIZE - offset));
}

static void io_write_byte(Pm *pm, unsigned offset, uint8_t v)
{
    PmState *s = &pm->s;
    unsigned shift = 8 * (offset & 1);
    uint16_t mask = 0xff << shift, word = v << shift;

    switch (offset & ~1u) {
    case PM_STATUS:
        write_status(pm, word);
        break;
    case PM_ENABLE:
        s->enable = ((s->enable & ~mask) | word) & EN_BITS;
        break;
    case PM_CONTROL:
        write_control(pm, (s->control & ~mask) | word);
        break;
    case PM_TIMER:
    case PM_TIMER + 2:
        break;
    default:
        s->ports[offset] = v;
    }
}

static void io_write(void *opaque, PhysAddr offset, uint64_t v, unsigned size)
{
    Pm *pm = opaque;
    for (unsigned i = 0; i < size && offset + i < PM_SIZE; i++) {
        io_write_byte(pm, offset + i, v >> (8 * i));
    }
    pm_update(pm);
}

static const MemOps io_ops = { io_read, io_write, 1, 4 };

/* --- general-purpose events ---------------------------------------------------------*/

static uint64_t gpe_read(void *opaque, PhysAddr offset, unsigned size)
{
    const Pm *pm = opaque;
    return pm->s.gpe[offset];
}

static void gpe_write(void *opaque, PhysAddr offset, uint64_t v, unsigned size)
{
    Pm *pm = opaque;
    if (offset < GPE_SIZE / 2) {
        pm->s.gpe[offset] &= ~v;
    } else {
        pm->s.gpe[offset] = v;
    }
    pm_update(pm);
}

static const MemOps gpe_ops = { gpe_read, gpe_write, 1, 1 };

/* --- APM: ports 0xb2 and 0xb3 --------------------------------------------------------*/

static uint64_t apm_read(void *opaque, PhysAddr offset, unsigned size)
{
    const Pm *pm = opaque;
    return offset ? pm->s.apm_status : pm->s.apm_command;
}

/* The firmware's SMI handler does not know the two ACPI commands: the machine
 * carries them out itself. */
static void apm_write(void *opaque, PhysAddr offset, uint64_t v, unsigned size)
{
    Pm *pm = opaque;

    if (offset) {
        pm->s.apm_status = v;
        return;
    }
    pm->s.apm_command = v;
    if (v == APM_ACPI_ENABLE || v == APM_ACPI_DISABLE) {
        pm->s.control &= ~CNT_SCI_EN;
        pm->s.control |= v == APM_ACPI_ENABLE ? CNT_SCI_EN : 0;
        pm_update(pm);
    }
    if (pci_config_32(&pm->pci, CFG_DEVACTB) & DEVACTB_APMC_EN) {
        irq_pulse(&pm->smi);
    }
}

static const MemOps apm_ops = { apm_read, apm_write, 1, 1 };

/* --- SMBus: nobody answers -------------------------------------------------------------*/

static uint64_t smbus_read(void *opaque, PhysAddr offset, unsigned size)
{
    const Pm *pm = opaque;
    return pm->s.smbus[offset];
}

static void smbus_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
    Pm *pm = opaque;

    if (offset == SMB_STATUS) {
        pm->s.smbus[SMB_STATUS] &= ~v;
        return;
    }
    pm->s.smbus[offset] = v;
    if (offset == SMB_CONTROL && (v & SMB_CONTROL_START)) {
        pm->s.smbus[SMB_CONTROL] &= ~SMB_CONTROL_START;
        pm->s.smbus[SMB_STATUS] |= SMB_STATUS_DEV_ERR;
    }
}

static const MemOps smbus_ops = { smbus_read, smbus_write, 1, 1 };

/* --- the function ----------------------------------------------------------------------*/

static void place(MemRegion *r, uint32_t base, uint32_t mask, bool on)
{
    mem_set_address(r, base & mask);
    mem_set_enabled(r, on && (base & mask));
}

static void pm_map(Pm *pm)
{
    const uint8_t *config = pm->s.config;

    mem_transaction_begin(pm->pci.dev.machine);
    place(&pm->io, pci_config_32(&pm->pci, CFG_PMBASE), 0xffc0,
          config[CFG_PMREGMISC] & 1);
    place(&pm->smbus_io, pci_config_32(&pm->pci, CFG_SMBBASE), 0xfff0,
          config[CFG_SMBHSTCFG] & 1);
    mem_transaction_commit(pm->pci.dev.machine);
    if (pm->moved && pm->told_base != piix4_pm_base(&pm->pci.dev)) {
        pm->told_base = piix4_pm_base(&pm->pci.dev);
        pm->moved(pm->moved_opaque);
    }
}

uint16_t piix4_pm_base(Device *dev)
{
    Pm *pm = (Pm *)dev;
    return pci_config_32(&pm->pci, CFG_PMBASE) & 0xffc0;
}

void piix4_pm_on_move(Device *dev, void (*moved)(void *opaque), void *opaque)
{
    Pm *pm = (Pm *)dev;
    pm->moved = moved;
    pm->moved_opaque = opaque;
    pm->told_base = piix4_pm_base(dev);
}

static void pm_config_reset(PciFunction *f)
{
    pci_config_set_16(f, PCI_STATUS, 0x0280);
    pci_config_set_32(f, CFG_PMBASE, 1);
    pci_config_set_32(f, CFG_SMBBASE, 1);
}

static void pm_config_written(PciFunction *f, unsigned offset, unsigned len)
{
    if (offset + len > CFG_PMBASE) {
        pm_map(container_of(f, Pm, pci));
    }
}

static const PciInfo pm_info = {
    .vendor = 0x8086,
    .device = 0x7113,
    .class_code = 0x0680,
    .revision = 3,
    .interrupt_pin = 1,
    .config_reset = pm_config_reset,
    .config_written = pm_config_written,
};

static void pm_writable(Pm *pm)
{
    uint8_t *writable = pm->pci.writable;

    bytes_st_le32(writable + CFG_PMBASE, 0xffc0);
    memset(writable + 0x44, 0xff, CFG_PMREGMISC + 1 - 0x44);
    bytes_st_le32(writable + CFG_SMBBASE, 0xfff0);
    memset(writable + CFG_SMBHSTCFG, 0xff, 5);
}

static void pm_add_ports(MemRegion *r, Machine *m, uint16_t port, bool on)
{
    mem_set_enabled(r, on);
    mem_add(&m->io_root, port, r, 0);
}

static bool pm_realize(Device *dev, Error **errp)
{
    Pm *pm = (Pm *)dev;
    Machine *m = dev->machine;

    if (!pci_function_init(&pm->pci, &pm_info, PCI_DEVFN(1, 3), errp)) {
        return false;
    }
    pm_writable(pm);
    timer_init(&pm->timer, m->clock, dev->path, &pm->s.due_ns, timer_fired,
               pm);
    mem_init_io(&pm->io, "piix4-pm", PM_SIZE, &io_ops, pm);
    pm_add_ports(&pm->io, m, 0, false);
    mem_init_io(&pm->smbus_io, "pm-smbus", SMBUS_SIZE, &smbus_ops, pm);
    pm_add_ports(&pm->smbus_io, m, 0, false);
    mem_init_io(&pm->gpe_io, "acpi-gpe0", GPE_SIZE, &gpe_ops, pm);
    pm_add_ports(&pm->gpe_io, m, GPE_PORT, true);
    mem_init_io(&pm->apm_io, "apm-io", 2, &apm_ops, pm);
    pm_add_ports(&pm->apm_io, m, 0xb2, true);
    return true;
}

static void pm_reset(Device *dev)
{
    Pm *pm = (Pm *)dev;

    pci_function_reset(&pm->pci);
    overflow_acknowledge(pm);
    pm_map(pm);
    pm_update(pm);
}

static void pm_rewire(Device *dev)
{
    Pm *pm = (Pm *)dev;
    pci_function_rewire(&pm->pci);
    pm_map(pm);
}

static void pm_unrealize(Device *dev)
{
    Pm *pm = (Pm *)dev;
    if (pm->timer.clock) {
        timer_destroy(&pm->timer);
        pm->timer.clock = NULL;
    }
    pci_function_unrealize(&pm->pci);
}

const DeviceClass piix4_pm_class = {
    .name = "PIIX4_PM",
    .desc = "PM",
    .bus = "PCI",
    .category = "Controller/Bridge",
    .size = sizeof(Pm),
    .state_offset = offsetof(Pm, s),
    .state = pm_state,
    .realize = pm_realize,
    .reset = pm_reset,
    .rewire = pm_rewire,
    .unrealize = pm_unrealize,
};

IrqLine *piix4_pm_sci(Device *pm)
{
    return &((Pm *)pm)->sci;
}

IrqLine *piix4_pm_smi(Device *pm)
{
    return &((Pm *)pm)->smi;
}
