/*
 * ACPI tables of what the command line adds to any board: devices that no bus
 * shows (ssdt-devices.asl), and tables that the user brings (-acpitable).
 */
#include "acpi-tables.h"

#include <string.h>

#include "hw/acpi.h"
#include "hw/fw-cfg.h"
#include "hw/pc-chips.h"
#include "hw/vmgenid.h"
#include "vm/machine.h"

/* Compiled from ssdt-devices.asl. */
extern const uint8_t acpi_ssdt_devices[];
extern const size_t acpi_ssdt_devices_bytes;

static const Device *find(const Machine *m, const DeviceClass *cls)
{
    for (guint i = 0; i < m->devices->len; i++) {
        const Device *dev = g_ptr_array_index(m->devices, i);
        if (dev->cls == cls) {
            return dev;
        }
    }
    return NULL;
}

/* Firmware allocates the page, puts its address into the table, and says in the
 * other file where that is. */
static void add_vmgenid(AcpiTables *t, guint number_at)
{
    acpi_allocate(t, VMGENID_GUID_FILE, VMGENID_FILE_BYTES);
    acpi_point_to_file(t, number_at, 4, VMGENID_GUID_FILE);
    acpi_tell_pointer(t, VMGENID_ADDRESS_FILE, 8, VMGENID_GUID_FILE,
                      VMGENID_GUID_OFFSET);
}

/* ORDER device-number: External() in ssdt-devices.asl. */
static void add_numbers(AcpiTables *t, const Machine *m)
{
    const Device *pvpanic = find(m, &pvpanic_isa_class);
    guint at = acpi_begin_table(t, "SSDT", 1);

    acpi_name_number(t, "PVPP", pvpanic ? pvpanic_port(pvpanic) : 0);
    acpi_name_number(t, "VGIA", 0);
    guint address = t->bytes->len - 4;
    acpi_end_table(t, at);
    acpi_name_in_root(t, at);
    if (find(m, &vmgenid_class)) {
        add_vmgenid(t, address);
    }
}

static void add_users_table(gpointer table, gpointer t)
{
    gsize len;
    const void *data = g_bytes_get_data(table, &len);
    acpi_name_in_root(t, acpi_add_table(t, data, len));
}

void acpi_add_devices(AcpiTables *t, const Machine *m)
{
    add_numbers(t, m);
    acpi_name_in_root(t, acpi_add_table(t, acpi_ssdt_devices,
                                        acpi_ssdt_devices_bytes));
    if (m->config.tables.acpi_tables) {
        g_ptr_array_foreach(m->config.tables.acpi_tables, add_users_table, t);
    }
}
