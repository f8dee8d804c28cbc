/*
 * Building ACPI tables (ACPI 6.x, chapter 5) and the script by which firmware
 * puts them into memory: fw_cfg's table loader.
 *
 * Tables are laid one behind another in the file "etc/acpi/tables". Addresses
 * in them are not known yet: the script says where one is to be added, and
 * which bytes are to be summed up afterwards. Used by hw/acpi/pc-tables.c.
 */
#ifndef HW_ACPI_TABLES_H
#define HW_ACPI_TABLES_H

#include "base/types.h"
#include "vm/device.h"

typedef struct AcpiTables {
    GByteArray *bytes;     /* the file */
    GByteArray *script;
    GArray *roots;         /* guint: offsets of tables that the root names */
} AcpiTables;

/* Sizes of the common header and what is in it (5.2.6). */
#define ACPI_HEADER_BYTES 36u

void acpi_begin(AcpiTables *t);
/* Writes a header whose length and checksum acpi_end_table() fills in; the
 * table's offset. */
guint acpi_begin_table(AcpiTables *t, const char *signature, uint8_t revision);
void acpi_end_table(AcpiTables *t, guint at);
/* The same for a table that is there as a whole, header included. */
guint acpi_add_table(AcpiTables *t, const void *data, size_t bytes);
/* It is one of those that the root tables name. */
void acpi_name_in_root(AcpiTables *t, guint at);

/* Little-endian numbers, and zeroes, at the end of the file. */
void acpi_u8(AcpiTables *t, uint8_t v);
void acpi_u16(AcpiTables *t, uint16_t v);
void acpi_u32(AcpiTables *t, uint32_t v);
void acpi_u64(AcpiTables *t, uint64_t v);
void acpi_zeroes(AcpiTables *t, unsigned bytes);
void acpi_align(AcpiTables *t, unsigned bytes);
/* A generic address (5.2.3.2) of `bits` at an I/O port, or nowhere if that is
 * 0; at a memory address. */
void acpi_port(AcpiTables *t, unsigned bits, uint16_t port);
void acpi_memory(AcpiTables *t, unsigned bits, uint64_t address);
/* The `size` bytes at `at`, which hold the offset of another table, get its
 * address. */
void acpi_point(AcpiTables *t, guint at, unsigned size, guint target);

/* Name(\NAME, number) in AML: names in the root so that no scope has to be opened.
 * The number is the last four bytes. */
void acpi_name_number(AcpiTables *t, const char *name, uint32_t v);

/* Firmware allocates memory for another file of fw_cfg, with its content; the
 * `size` bytes at `at` of the tables get its address; and a file that can be
 * written gets it, plus offset, in its first `size` bytes. */
void acpi_allocate(AcpiTables *t, const char *file, uint32_t align);
void acpi_point_to_file(AcpiTables *t, guint at, unsigned size,
                        const char *file);
void acpi_tell_pointer(AcpiTables *t, const char *told, unsigned size,
                       const char *file, uint32_t offset);

/* --- parts of what acpi_describe() makes --- */

/* madt.c: begins the MADT, with the processors; adds I/O APICs and overrides of
 * ISA interrupts; ends it. */
#define ACPI_ACTIVE_HIGH_LEVEL 0xdu
guint acpi_begin_madt(AcpiTables *t, const Machine *m, bool has_pic);
void acpi_add_ioapic(AcpiTables *t, uint8_t id, uint32_t base, uint32_t gsi);
void acpi_add_override(AcpiTables *t, unsigned irq, unsigned gsi,
                       unsigned flags);
void acpi_end_madt(AcpiTables *t, guint at);

/* device-tables.c: tables of what the command line adds. */
void acpi_add_devices(AcpiTables *t, const Machine *m);
/* numa-tables.c: SRAT and SLIT, if there are nodes. */
void acpi_add_numa(AcpiTables *t, const Machine *m, uint64_t below_4g);

/* Writes RSDT, XSDT and RSDP and hands everything to fw_cfg. Frees t's. */
void acpi_finish(AcpiTables *t, Device *fw_cfg);

#endif
