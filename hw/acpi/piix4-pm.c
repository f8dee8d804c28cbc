/*
 * The PIIX4's power management function: the ACPI fixed registers, the timer,
 * the APM ports with their SMI, and an SMBus without devices.
 *
 * Registers: Intel 82371AB (PIIX4) datasheet, section 7; bits of the fixed
 * registers: ACPI 1.0b, section 4.7. The general-purpose event block is at
 * port 0xafe0, where the machine's firmware expects it.
 */
#include "hw/acpi-pm.h"
#include "base/bits.h"
#include "base/bytes.h"
#include "hw/pc-bridges.h"

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
    PM_GLOBAL_CONTROL = 0x28,
    PM_SIZE = 0x40,
};

#define GPE_PORT 0xafe0
#define GPE_SIZE 4                 /* two status bytes, two enable bytes */

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
    ACPI_PM_STATE(_)                                                         \
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
    AcpiPm pm;
    IrqLine smi;
    MemRegion io, gpe_io, apm_io, smbus_io;
    uint16_t told_base;    /* what `moved` was told last */
    void (*moved)(void *opaque);
    void *moved_opaque;
} Pm;

static bool gpe_event(const Device *dev)
{
    const PmState *s = &((const Pm *)dev)->s;
    return (s->gpe[0] & s->gpe[2]) || (s->gpe[1] & s->gpe[3]);
}

void piix4_pm_power_button(void *opaque)
{
    Pm *pm = opaque;
    acpi_pm_button(&pm->pm);
}

/* --- fixed registers -----------------------------------------------------------*/

/* The 64 ports as they read now. */
static void io_image(const Pm *pm, uint8_t *image)
{
    memcpy(image, pm->s.ports, PM_SIZE);
    acpi_pm_image(&pm->pm, image);
}

static uint64_t io_read(void *opaque, PhysAddr offset, unsigned size)
{
    uint8_t image[PM_SIZE];
    io_image(opaque, image);
    return bytes_ld_le(image + offset, MIN(size, PM_SIZE - offset));
}

static void io_write(void *opaque, PhysAddr offset, uint64_t v, unsigned size)
{
    Pm *pm = opaque;
    for (unsigned i = 0; i < size && offset + i < PM_SIZE; i++) {
        if (offset + i < ACPI_PM_BYTES) {
            acpi_pm_write(&pm->pm, offset + i, v >> (8 * i));
        } else {
            pm->s.ports[offset + i] = v >> (8 * i);
        }
    }
    acpi_pm_update(&pm->pm);
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
    acpi_pm_update(&pm->pm);
}

static const MemOps gpe_ops = { gpe_read, gpe_write, 1, 1 };

/* --- APM: ports 0xb2 and 0xb3 --------------------------------------------------------*/

static uint64_t apm_read(void *opaque, PhysAddr offset, unsigned size)
{
    const Pm *pm = opaque;
    return offset ? pm->s.apm_status : pm->s.apm_command;
}

static void apm_write(void *opaque, PhysAddr offset, uint64_t v, unsigned size)
{
    Pm *pm = opaque;

    if (offset) {
        pm->s.apm_status = v;
        return;
    }
    pm->s.apm_command = v;
    acpi_pm_apm(&pm->pm, v);
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
    acpi_pm_init(&pm->pm, dev, ACPI_PM_ROWS(PmState, &pm->s), gpe_event);
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
    pm_map(pm);
    acpi_pm_reset(&pm->pm);
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
    acpi_pm_destroy(&pm->pm);
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
    return &((Pm *)pm)->pm.sci;
}

IrqLine *piix4_pm_smi(Device *pm)
{
    return &((Pm *)pm)->smi;
}
