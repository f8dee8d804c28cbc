/*
 * MADT: processors, I/O APICs and where ISA interrupts go (ACPI 6.4, 5.2.12).
 */
#include "acpi-tables.h"
#include "hw/apic.h"
#include "pins/x86.h"
#include "vm/machine.h"

enum { MADT_LAPIC, MADT_IOAPIC, MADT_OVERRIDE, MADT_LAPIC_NMI = 4,
       MADT_X2APIC = 9 };
#define MADT_PCAT    1u            /* there are 8259s, too */
#define ALL_PROCESSORS 0xffu

static void add_processor(AcpiTables *t, unsigned n, uint32_t id)
{
    bool wide = id >= 255;
    acpi_u8(t, wide ? MADT_X2APIC : MADT_LAPIC);
    acpi_u8(t, wide ? 16 : 8);
    if (wide) {
        acpi_u16(t, 0);
        acpi_u32(t, id);
        acpi_u32(t, 1);
        acpi_u32(t, n);
    } else {
        acpi_u8(t, n);
        acpi_u8(t, id);
        acpi_u32(t, 1);
    }
}

guint acpi_begin_madt(AcpiTables *t, const Machine *m, bool has_pic)
{
    guint at = acpi_begin_table(t, "APIC", 3);
    acpi_u32(t, APIC_BASE);
    acpi_u32(t, has_pic ? MADT_PCAT : 0);
    for (guint i = 0; i < m->cpus->len; i++) {
        add_processor(t, i, x86_apic_id(&m->config.smp, i));
    }
    return at;
}

void acpi_add_ioapic(AcpiTables *t, uint8_t id, uint32_t base, uint32_t gsi)
{
    acpi_u8(t, MADT_IOAPIC);
    acpi_u8(t, 12);
    acpi_u8(t, id);
    acpi_u8(t, 0);
    acpi_u32(t, base);
    acpi_u32(t, gsi);
}

void acpi_add_override(AcpiTables *t, unsigned irq, unsigned gsi,
                       unsigned flags)
{
    acpi_u8(t, MADT_OVERRIDE);
    acpi_u8(t, 10);
    acpi_u8(t, 0);
    acpi_u8(t, irq);
    acpi_u32(t, gsi);
    acpi_u16(t, flags);
}

void acpi_end_madt(AcpiTables *t, guint at)
{
    acpi_u8(t, MADT_LAPIC_NMI);
    acpi_u8(t, 6);
    acpi_u8(t, ALL_PROCESSORS);
    acpi_u16(t, 0);
    acpi_u8(t, 1);                 /* LINT1 */
    acpi_end_table(t, at);
    acpi_name_in_root(t, at);
}
