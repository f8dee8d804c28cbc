/*
 * The ACPI tables of a PC: FADT, FACS, DSDT, MADT, HPET, MCFG, WAET, and a small
 * SSDT with the numbers that the DSDT leaves open. ACPI 6.4, chapter 5; IA-PC
 * HPET Specification, 3.2.4; PCI Firmware Specification, 4.1.2; "Windows ACPI
 * Emulated Devices Table".
 */
#include <string.h>

#include "acpi-tables.h"
#include "base/bits.h"
#include "hw/acpi.h"
#include "hw/apic.h"
#include "hw/hpet.h"
#include "pins/x86.h"
#include "vm/machine.h"

/* --- FADT (5.2.9) -------------------------------------------------------------- */

/* The port for commands to firmware, and those that switch ACPI on and off. */
enum { SMI_PORT = 0xb2, SMI_ACPI_ON = 0xf1, SMI_ACPI_OFF = 0xf0 };
enum { PM_EVENT = 0, PM_CONTROL = 4, PM_TIMER = 8 };
enum { RESET_PORT = 0xcf9, RESET_VALUE = 0x0f };
#define CMOS_CENTURY 0x32

#define FADT_WBINVD     BIT(0)
#define FADT_C1         BIT(2)
#define FADT_SLEEP_BUTTON BIT(5)   /* there is none of the fixed kind */
#define FADT_RTC_S4     BIT(7)
#define FADT_RESET      BIT(10)

/* IA-PC boot flags: legacy devices, an 8042. */
#define BOOT_LEGACY 1u
#define BOOT_8042   2u

static void fadt_fixed(AcpiTables *t, const AcpiPlatform *p)
{
    acpi_u8(t, 0);                 /* was: interrupt model */
    acpi_u8(t, 0);                 /* profile: unspecified */
    acpi_u16(t, p->sci_irq);
    acpi_u32(t, SMI_PORT);
    acpi_u8(t, SMI_ACPI_ON);
    acpi_u8(t, SMI_ACPI_OFF);
    acpi_u16(t, 0);                /* no S4BIOS, no P-states */
    acpi_u32(t, p->pm_port + PM_EVENT);
    acpi_u32(t, 0);
    acpi_u32(t, p->pm_port + PM_CONTROL);
    acpi_u32(t, 0);
    acpi_u32(t, 0);
    acpi_u32(t, p->pm_port + PM_TIMER);
    acpi_u32(t, p->gpe_port);
    acpi_u32(t, 0);
    acpi_u8(t, 4);                 /* lengths of the blocks */
    acpi_u8(t, 2);
    acpi_u8(t, 0);
    acpi_u8(t, 4);
    acpi_u8(t, p->gpe_bytes);
    acpi_u8(t, 0);
    acpi_u8(t, 0);
    acpi_u8(t, 0);                 /* no C-state notification */
    acpi_u16(t, 0xfff);            /* no C2, no C3 */
    acpi_u16(t, 0xfff);
    acpi_zeroes(t, 4);             /* flush size and stride */
    acpi_zeroes(t, 2);             /* duty cycle */
    acpi_zeroes(t, 2);             /* alarms of the clock */
    acpi_u8(t, CMOS_CENTURY);
    acpi_u16(t, BOOT_LEGACY | BOOT_8042);
    acpi_u8(t, 0);
    acpi_u32(t, FADT_WBINVD | FADT_C1 | FADT_SLEEP_BUTTON | FADT_RTC_S4 |
                    FADT_RESET);
    acpi_port(t, 8, RESET_PORT);
    acpi_u8(t, RESET_VALUE);
    acpi_zeroes(t, 3);
}

static void fadt_extended(AcpiTables *t, const AcpiPlatform *p)
{
    acpi_port(t, 32, p->pm_port + PM_EVENT);
    acpi_port(t, 0, 0);
    acpi_port(t, 16, p->pm_port + PM_CONTROL);
    acpi_port(t, 0, 0);
    acpi_port(t, 0, 0);
    acpi_port(t, 32, p->pm_port + PM_TIMER);
    acpi_port(t, 8 * p->gpe_bytes, p->gpe_port);
    acpi_port(t, 0, 0);
}

static void add_fadt(AcpiTables *t, const AcpiPlatform *p, guint facs,
                     guint dsdt)
{
    guint at = acpi_begin_table(t, "FACP", 3);
    acpi_zeroes(t, 8);
    acpi_point(t, at + 36, 4, facs);
    acpi_point(t, at + 40, 4, dsdt);
    fadt_fixed(t, p);
    acpi_zeroes(t, 16);            /* X_FIRMWARE_CTRL stays 0: below 4 GiB */
    acpi_point(t, at + 140, 8, dsdt);
    fadt_extended(t, p);
    acpi_end_table(t, at);
    acpi_name_in_root(t, at);
}

/* 5.2.10: no checksum, 64 bytes, 64 bytes aligned. */
static guint add_facs(AcpiTables *t)
{
    acpi_align(t, 64);
    guint at = t->bytes->len;
    g_byte_array_append(t->bytes, (const guint8 *)"FACS", 4);
    acpi_u32(t, 64);
    acpi_zeroes(t, 56);
    return at;
}

/* --- MADT (5.2.12) ----------------------------------------------------------------- */

#define TIMER_GSI 2u

static void add_madt(AcpiTables *t, const Machine *m, const AcpiPlatform *p)
{
    guint at = acpi_begin_madt(t, m, true);

    acpi_add_ioapic(t, 0, IOAPIC_BASE, 0);
    acpi_add_override(t, 0, TIMER_GSI, 0);
    for (unsigned irq = 1; irq < 16; irq++) {
        if (p->level_irqs & BIT(irq)) {
            acpi_add_override(t, irq, irq, ACPI_ACTIVE_HIGH_LEVEL);
        }
    }
    acpi_end_madt(t, at);
}

/* --- the small ones ------------------------------------------------------------------ */

#define HPET_ID 0x8086a201u

static void add_hpet(AcpiTables *t)
{
    guint at = acpi_begin_table(t, "HPET", 1);
    acpi_u32(t, HPET_ID);
    acpi_memory(t, 0, HPET_BASE);
    acpi_u8(t, 0);
    acpi_u16(t, 0);
    acpi_u8(t, 0);
    acpi_end_table(t, at);
    acpi_name_in_root(t, at);
}

static void add_mcfg(AcpiTables *t, const AcpiPlatform *p)
{
    guint at = acpi_begin_table(t, "MCFG", 1);
    acpi_zeroes(t, 8);
    acpi_u64(t, p->mcfg_base);
    acpi_u16(t, 0);                /* segment, first and last bus */
    acpi_u8(t, 0);
    acpi_u8(t, p->mcfg_buses ? p->mcfg_buses - 1 : 0);
    acpi_zeroes(t, 4);
    acpi_end_table(t, at);
    acpi_name_in_root(t, at);
}

/* The timer needs not be read until two readings agree. */
#define WAET_PM_TIMER_GOOD 2u

static void add_waet(AcpiTables *t)
{
    guint at = acpi_begin_table(t, "WAET", 1);
    acpi_u32(t, WAET_PM_TIMER_GOOD);
    acpi_end_table(t, at);
    acpi_name_in_root(t, at);
}

/* --- what the DSDT does not know ------------------------------------------------------- */

/* ORDER dsdt-number: External() in dsdt-*.asl. */
static void add_ssdt(AcpiTables *t, const AcpiPlatform *p)
{
    guint at = acpi_begin_table(t, "SSDT", 1);
    acpi_name_number(t, "HOLE", p->pci_hole);
    acpi_name_number(t, "HPTE", p->has_hpet ? 0xf : 0);
    if (p->has_mcfg) {
        acpi_name_number(t, "ECAM", p->mcfg_base);
        acpi_name_number(t, "ECAL", p->mcfg_buses * MIB);
    }
    acpi_end_table(t, at);
    acpi_name_in_root(t, at);
}

void acpi_describe(Machine *m, Device *fw_cfg, const AcpiPlatform *p)
{
    AcpiTables t;
    acpi_begin(&t);
    guint facs = add_facs(&t);
    guint dsdt = acpi_add_table(&t, p->dsdt, p->dsdt_bytes);
    add_fadt(&t, p, facs, dsdt);
    add_ssdt(&t, p);
    if (p->has_apic) {
        add_madt(&t, m, p);
    }
    if (p->has_hpet) {
        add_hpet(&t);
    }
    if (p->has_mcfg) {
        add_mcfg(&t, p);
    }
    add_waet(&t);
    acpi_add_numa(&t, m, p->pci_hole);
    acpi_add_devices(&t, m);
    acpi_finish(&t, fw_cfg);
}
