/*
 * The ACPI tables of the microvm board (hw/acpi/microvm-tables.c), which has
 * virtio devices in places of their own instead of a bus that shows them.
 */
#ifndef HW_MICROVM_ACPI_H
#define HW_MICROVM_ACPI_H

#include "vm/machine.h"

/* Places of virtio devices: their registers, one behind another, and their
 * inputs of the second I/O APIC. */
#define MICROVM_PLACES      24u
#define MICROVM_PLACE_BASE  UINT64_C(0xfeb00000)
#define MICROVM_IOAPIC_2    UINT64_C(0xfec10000)
#define MICROVM_GSI         24u

typedef struct MicrovmAcpi {
    uint32_t used;         /* a bit for each place that has a device */
    uint64_t below_4g;     /* RAM */
    bool has_pic, has_pit, has_rtc, has_serial;
} MicrovmAcpi;

void acpi_describe_microvm(const Machine *m, Device *fw_cfg,
                           const MicrovmAcpi *p);

#endif
