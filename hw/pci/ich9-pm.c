/*
 * Power management of the ICH9: the ACPI registers at PMBASE, and the APM ports
 * with their SMI. Intel ICH9 Family Datasheet, 13.8.
 *
 * The watchdog (TCO) is not there: its registers read as zeroes.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "ich9.h"

/* From PMBASE on, 13.8.3. */
enum {
    PM_GPE_STATUS = ICH9_GPE,
    PM_GPE_ENABLE = ICH9_GPE + ICH9_GPE_BYTES / 2,
    PM_SMI_ENABLE = 0x30,
    PM_SMI_STATUS = 0x34,
    PM_SMI_END = 0x38,
    PM_TCO = 0x60,
};

#define SMI_GLOBAL 0x01u           /* GBL_SMI_EN */
#define SMI_APM    0x20u           /* APMC_EN, APM_STS */

#define PMCON_SMI_LOCK 0x10u       /* GEN_PMCON_1: GBL_SMI_EN stays */
#define ACPI_ENABLE    0x80u       /* ACPI_CNTL */
#define PMBASE_BITS    0xff80u

STATE_TABLE(ich9_lpc_state, "ICH9-LPC", 1, Ich9State, ICH9_STATE)

static bool gpe_event(const Device *dev)
{
    const uint8_t *gpe = ((const Ich9 *)dev)->s.gpe;
    uint64_t status = bytes_ld_le64(gpe);
    return status & bytes_ld_le64(gpe + ICH9_GPE_BYTES / 2);
}

/* --- registers ------------------------------------------------------------------*/

static uint64_t pm_read(void *opaque, PhysAddr offset, unsigned size)
{
    const Ich9 *p = opaque;
    uint8_t image[ICH9_PM_BYTES];

    memcpy(image, p->s.ports, sizeof image);
    acpi_pm_image(&p->pm, image);
    memcpy(image + ICH9_GPE, p->s.gpe, ICH9_GPE_BYTES);
    bytes_st_le32(image + PM_SMI_ENABLE, p->s.smi_enable);
    bytes_st_le32(image + PM_SMI_STATUS, p->s.smi_status);
    return bytes_ld_le(image + offset, MIN(size, ICH9_PM_BYTES - offset));
}

static void write_smi(Ich9 *p, unsigned offset, uint8_t v)
{
    unsigned shift = offset % 4 * 8;
    uint32_t mask = 0xffu << shift, bits = (uint32_t)v << shift;

    if (offset >= PM_SMI_STATUS) {
        p->s.smi_status &= ~bits;
        return;
    }
    if (p->s.config[ICH9_GEN_PMCON_1] & PMCON_SMI_LOCK) {
        mask &= ~SMI_GLOBAL;
    }
    p->s.smi_enable = (p->s.smi_enable & ~mask) | (bits & mask);
}

static void write_byte(Ich9 *p, unsigned at, uint8_t v)
{
    if (at < ACPI_PM_BYTES) {
        acpi_pm_write(&p->pm, at, v);
    } else if (at >= PM_GPE_STATUS && at < PM_GPE_ENABLE) {
        p->s.gpe[at - ICH9_GPE] &= ~v;
    } else if (at >= PM_GPE_ENABLE && at < PM_SMI_ENABLE) {
        p->s.gpe[at - ICH9_GPE] = v;
    } else if (at >= PM_SMI_ENABLE && at < PM_SMI_END) {
        write_smi(p, at, v);
    } else if (at < PM_TCO) {
        p->s.ports[at] = v;
    }
}

static void pm_write(void *opaque, PhysAddr offset, uint64_t v, unsigned size)
{
    Ich9 *p = opaque;
    for (unsigned i = 0; i < size && offset + i < ICH9_PM_BYTES; i++) {
        write_byte(p, offset + i, v >> (8 * i));
    }
    acpi_pm_update(&p->pm);
}

static const MemOps pm_ops = { pm_read, pm_write, 1, 4 };

/* --- APM: ports b2 and b3 (13.7) ----------------------------------------------------*/

static uint64_t apm_read(void *opaque, PhysAddr offset, unsigned size)
{
    const Ich9 *p = opaque;
    return offset ? p->s.apm_status : p->s.apm_command;
}

static void apm_write(void *opaque, PhysAddr offset, uint64_t v, unsigned size)
{
    Ich9 *p = opaque;
    uint32_t both = SMI_GLOBAL | SMI_APM;

    if (offset) {
        p->s.apm_status = v;
        return;
    }
    p->s.apm_command = v;
    acpi_pm_apm(&p->pm, v);
    if ((p->s.smi_enable & both) == both) {
        p->s.smi_status |= SMI_APM;
        irq_pulse(&p->smi);
    }
}

static const MemOps apm_ops = { apm_read, apm_write, 1, 1 };

/* --- life ---------------------------------------------------------------------------*/

void ich9_pm_init(Ich9 *p)
{
    Machine *m = p->pci.dev.machine;

    acpi_pm_init(&p->pm, &p->pci.dev, ACPI_PM_ROWS(Ich9State, &p->s),
                 gpe_event);
    irq_connect(&p->pm.sci, ich9_sci, p, 0);
    mem_init_io(&p->pm_io, "ich9-pm", ICH9_PM_BYTES, &pm_ops, p);
    mem_set_enabled(&p->pm_io, false);
    mem_add(&m->io_root, 0, &p->pm_io, 0);
    mem_init_io(&p->apm_io, "apm-io", 2, &apm_ops, p);
    mem_add(&m->io_root, 0xb2, &p->apm_io, 0);
}

void ich9_pm_reset(Ich9 *p)
{
    acpi_pm_reset(&p->pm);
}

uint16_t ich9_lpc_pm_base(Device *lpc)
{
    return pci_config_32((PciFunction *)lpc, ICH9_PMBASE) & PMBASE_BITS;
}

void ich9_pm_map(Ich9 *p)
{
    uint16_t base = ich9_lpc_pm_base(&p->pci.dev);

    mem_set_address(&p->pm_io, base);
    mem_set_enabled(&p->pm_io,
                    base && (p->s.config[ICH9_ACPI_CNTL] & ACPI_ENABLE));
    if (p->moved && p->told_base != base) {
        p->told_base = base;
        p->moved(p->moved_opaque);
    }
}

void ich9_lpc_on_move(Device *lpc, void (*moved)(void *opaque), void *opaque)
{
    Ich9 *p = (Ich9 *)lpc;
    p->moved = moved;
    p->moved_opaque = opaque;
    p->told_base = ich9_lpc_pm_base(lpc);
}

void ich9_lpc_power_button(void *lpc)
{
    acpi_pm_button(&((Ich9 *)lpc)->pm);
}

IrqLine *ich9_lpc_smi(Device *lpc)
{
    return &((Ich9 *)lpc)->smi;
}
