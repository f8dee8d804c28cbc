/*
 * The ACPI tables of a PC (hw/acpi/pc-tables.c), which firmware reads through
 * fw_cfg and gives to the system. Called by boards, once everything is plugged
 * in.
 */
#ifndef HW_ACPI_H
#define HW_ACPI_H

#include "vm/device.h"

/* What the tables have to say of a board. */
typedef struct AcpiPlatform {
    const uint8_t *dsdt;   /* as iasl has compiled it */
    size_t dsdt_bytes;
    uint16_t pm_port;      /* of the fixed registers: event, control, timer */
    uint16_t gpe_port;
    uint8_t gpe_bytes;
    uint8_t sci_irq;
    uint16_t level_irqs;   /* a bit for each ISA IRQ that PCI shares */
    uint32_t pci_hole;     /* where memory of PCI may begin, below 4 GiB */
    bool has_apic, has_hpet;
    bool has_mcfg;         /* a window of PCI Express configuration */
    uint64_t mcfg_base;    /* where it is */
    unsigned mcfg_buses;   /* and for how many; 0: nowhere yet */
} AcpiPlatform;

void acpi_describe(Machine *m, Device *fw_cfg, const AcpiPlatform *p);

/* Compiled from hw/acpi/dsdt-{pc,q35}.asl. */
extern const uint8_t acpi_dsdt_pc[];
extern const size_t acpi_dsdt_pc_bytes;
extern const uint8_t acpi_dsdt_q35[];
extern const size_t acpi_dsdt_q35_bytes;

#endif
