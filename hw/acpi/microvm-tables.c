/*
 * The ACPI tables of a machine with reduced hardware (ACPI 6.4, 4.1): FADT,
 * MADT, the DSDT, and an SSDT with its virtio devices.
 */
#include "acpi-tables.h"
#include "base/bits.h"
#include "hw/apic.h"
#include "hw/ged.h"
#include "hw/microvm-acpi.h"
#include "hw/virtio-mmio.h"

/* Compiled from dsdt-microvm.asl. */
extern const uint8_t acpi_dsdt_microvm[];
extern const size_t acpi_dsdt_microvm_bytes;

/* --- FADT (5.2.9), revision 5 --------------------------------------------------- */

#define FADT_BYTES 268u
enum { F_DSDT = 40, F_IAPC_BOOT = 109, F_FLAGS = 112, F_RESET_REG = 116,
       F_RESET_VALUE = 128, F_MINOR = 131, F_X_DSDT = 140,
       F_SLEEP_CONTROL = 244, F_SLEEP_STATUS = 256 };
#define FADT_WBINVD       BIT(0)
#define FADT_C1           BIT(2)
#define FADT_POWER_BUTTON BIT(4)       /* it is a device */
#define FADT_SLEEP_BUTTON BIT(5)
#define FADT_RESET        BIT(10)
#define FADT_REDUCED      BIT(20)
#define BOOT_LEGACY 0x01u
#define BOOT_NO_VGA 0x04u
#define BOOT_NO_RTC 0x20u

/* Zeroes up to an offset of the table. */
static void pad(AcpiTables *t, guint at, unsigned offset)
{
    acpi_zeroes(t, at + offset - t->bytes->len);
}

static void add_fadt(AcpiTables *t, const MicrovmAcpi *p, guint dsdt)
{
    guint at = acpi_begin_table(t, "FACP", 5);

    pad(t, at, F_IAPC_BOOT);
    acpi_point(t, at + F_DSDT, 4, dsdt);
    acpi_u16(t, BOOT_NO_VGA | (p->has_serial ? BOOT_LEGACY : 0) |
                    (p->has_rtc ? 0 : BOOT_NO_RTC));
    pad(t, at, F_FLAGS);
    acpi_u32(t, FADT_WBINVD | FADT_C1 | FADT_POWER_BUTTON |
                    FADT_SLEEP_BUTTON | FADT_RESET | FADT_REDUCED);
    acpi_memory(t, 8, GED_RESET);
    acpi_u8(t, GED_RESET_VALUE);
    pad(t, at, F_MINOR);
    acpi_u8(t, 1);
    pad(t, at, F_X_DSDT + 8);
    acpi_point(t, at + F_X_DSDT, 8, dsdt);
    pad(t, at, F_SLEEP_CONTROL);
    acpi_memory(t, 8, GED_SLEEP);
    acpi_memory(t, 8, GED_STATUS);
    pad(t, at, FADT_BYTES);
    acpi_end_table(t, at);
    acpi_name_in_root(t, at);
}

/* --- MADT ------------------------------------------------------------------------- */

#define TIMER_GSI 2u

static void add_madt(AcpiTables *t, const Machine *m, const MicrovmAcpi *p)
{
    guint at = acpi_begin_madt(t, m, p->has_pic);

    acpi_add_ioapic(t, 0, IOAPIC_BASE, 0);
    acpi_add_ioapic(t, 1, MICROVM_IOAPIC_2, MICROVM_GSI);
    if (p->has_pit) {
        acpi_add_override(t, 0, TIMER_GSI, 0);
    }
    acpi_add_override(t, GED_IRQ, GED_IRQ, ACPI_ACTIVE_HIGH_LEVEL);
    acpi_end_madt(t, at);
}

/* --- virtio devices, as AML (20.2) --------------------------------------------------- */

enum { AML_ONE = 0x01, AML_NAME = 0x08, AML_BYTE = 0x0a, AML_STRING = 0x0d,
       AML_SCOPE = 0x10, AML_BUFFER = 0x11, AML_EXT = 0x5b,
       AML_EXT_DEVICE = 0x82 };
/* Resource descriptors, 6.4: memory, interrupt (level, high), end. */
enum { RES_MEMORY32 = 0x86, RES_INTERRUPT = 0x89, RES_END = 0x79 };
#define RES_BYTES    23u
#define DEVICE_BYTES 66u   /* from its package length on */

static void text(AcpiTables *t, const char *s, unsigned len)
{
    g_byte_array_append(t->bytes, (const guint8 *)s, len);
}

static void name(AcpiTables *t, const char *s)
{
    acpi_u8(t, AML_NAME);
    text(t, s, 4);
}

/* A package length of two bytes counts itself. */
static void package_length(AcpiTables *t, unsigned bytes)
{
    acpi_u8(t, 0x40 | (bytes & 0xf));
    acpi_u8(t, bytes >> 4);
}

static void resources(AcpiTables *t, unsigned place)
{
    acpi_u8(t, AML_BUFFER);
    acpi_u8(t, RES_BYTES + 3);
    acpi_u8(t, AML_BYTE);
    acpi_u8(t, RES_BYTES);
    acpi_u8(t, RES_MEMORY32);
    acpi_u16(t, 9);
    acpi_u8(t, 1);
    acpi_u32(t, MICROVM_PLACE_BASE + place * VIRTIO_MMIO_BYTES);
    acpi_u32(t, VIRTIO_MMIO_BYTES);
    acpi_u8(t, RES_INTERRUPT);
    acpi_u16(t, 6);
    acpi_u8(t, 1);
    acpi_u8(t, 1);
    acpi_u32(t, MICROVM_GSI + place);
    acpi_u8(t, RES_END);
    acpi_u8(t, 0);
}

static void add_place(AcpiTables *t, unsigned place)
{
    char label[5];

    g_snprintf(label, sizeof label, "VR%02u", place);
    acpi_u8(t, AML_EXT);
    acpi_u8(t, AML_EXT_DEVICE);
    package_length(t, DEVICE_BYTES);
    text(t, label, 4);
    name(t, "_HID");
    acpi_u8(t, AML_STRING);
    text(t, "LNRO0005", 9);
    name(t, "_UID");
    acpi_u8(t, AML_BYTE);
    acpi_u8(t, place);
    name(t, "_CCA");
    acpi_u8(t, AML_ONE);
    name(t, "_CRS");
    resources(t, place);
}

/* ORDER microvm-number: External() in dsdt-microvm.asl. */
static void add_ssdt(AcpiTables *t, const MicrovmAcpi *p)
{
    guint at = acpi_begin_table(t, "SSDT", 1);

    acpi_name_number(t, "COM1", p->has_serial ? 0xf : 0);
    acpi_name_number(t, "RTCS", p->has_rtc ? 0xf : 0);
    acpi_u8(t, AML_SCOPE);
    package_length(t, 7 + __builtin_popcount(p->used) * (DEVICE_BYTES + 2));
    text(t, "\\_SB_", 5);
    for (unsigned place = 0; place < MICROVM_PLACES; place++) {
        if (p->used & BIT(place)) {
            add_place(t, place);
        }
    }
    acpi_end_table(t, at);
    acpi_name_in_root(t, at);
}

void acpi_describe_microvm(const Machine *m, Device *fw_cfg,
                           const MicrovmAcpi *p)
{
    AcpiTables t;

    acpi_begin(&t);
    guint dsdt = acpi_add_table(&t, acpi_dsdt_microvm,
                                acpi_dsdt_microvm_bytes);
    add_fadt(&t, p, dsdt);
    add_madt(&t, m, p);
    add_ssdt(&t, p);
    acpi_add_numa(&t, m, p->below_4g);
    acpi_add_devices(&t, m);
    acpi_finish(&t, fw_cfg);
}
