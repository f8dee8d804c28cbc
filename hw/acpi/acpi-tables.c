/*
 * ACPI tables as bytes, and the table loader's script. See acpi-tables.h.
 */
#include "acpi-tables.h"

#include <string.h>

#include "base/bytes.h"
#include "hw/fw-cfg.h"

#define TABLES_FILE "etc/acpi/tables"
#define RSDP_FILE   "etc/acpi/rsdp"
#define SCRIPT_FILE "etc/table-loader"

/* The loader's commands, each in a record of fixed size with names of files in
 * fields of fixed size ("QEMU Firmware Configuration", linker/loader). */
#define COMMAND_BYTES 128u
#define NAME_BYTES    56u
enum { COMMAND_ALLOCATE = 1, COMMAND_ADD_POINTER = 2,
       COMMAND_ADD_CHECKSUM = 3, COMMAND_WRITE_POINTER = 4 };
enum { ZONE_HIGH = 1, ZONE_FSEG = 2 };

/* Who made the tables (5.2.6). */
#define OEM_ID       "REPRIS"
#define OEM_TABLE_ID "REPRISE "
#define CREATOR_ID   "RPRS"

/* --- numbers ------------------------------------------------------------------- */

static void append(AcpiTables *t, const void *data, size_t bytes)
{
    g_byte_array_append(t->bytes, data, bytes);
}

void acpi_u8(AcpiTables *t, uint8_t v)
{
    append(t, &v, 1);
}

void acpi_u16(AcpiTables *t, uint16_t v)
{
    uint8_t b[2];
    bytes_st_le16(b, v);
    append(t, b, sizeof b);
}

void acpi_u32(AcpiTables *t, uint32_t v)
{
    uint8_t b[4];
    bytes_st_le32(b, v);
    append(t, b, sizeof b);
}

void acpi_u64(AcpiTables *t, uint64_t v)
{
    uint8_t b[8];
    bytes_st_le64(b, v);
    append(t, b, sizeof b);
}

void acpi_zeroes(AcpiTables *t, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        acpi_u8(t, 0);
    }
}

void acpi_align(AcpiTables *t, unsigned bytes)
{
    while (t->bytes->len % bytes) {
        acpi_u8(t, 0);
    }
}

/* Space 0 is memory, 1 are ports; the access size is 1, 2, 3 for 8, 16, 32
 * bits. */
static void generic_address(AcpiTables *t, unsigned space, unsigned bits,
                            uint64_t address)
{
    acpi_u8(t, space);
    acpi_u8(t, bits);
    acpi_u8(t, 0);
    acpi_u8(t, bits > 16 ? 3 : bits / 8);
    acpi_u64(t, address);
}

void acpi_port(AcpiTables *t, unsigned bits, uint16_t port)
{
    if (port) {
        generic_address(t, 1, bits, port);
    } else {
        acpi_zeroes(t, 12);
    }
}

void acpi_memory(AcpiTables *t, unsigned bits, uint64_t address)
{
    generic_address(t, 0, bits, address);
}

/* --- the script ------------------------------------------------------------------ */

static void set_name(uint8_t *field, const char *name)
{
    g_assert(strlen(name) < NAME_BYTES);
    memcpy(field, name, strlen(name));
}

/* A new record; its file name is in place. */
static uint8_t *command(AcpiTables *t, uint32_t number, const char *file)
{
    guint at = t->script->len;
    g_byte_array_set_size(t->script, at + COMMAND_BYTES);
    uint8_t *c = t->script->data + at;
    memset(c, 0, COMMAND_BYTES);
    bytes_st_le32(c, number);
    set_name(c + 4, file);
    return c;
}

static void allocate(AcpiTables *t, const char *file, uint32_t align,
                     uint8_t zone)
{
    uint8_t *c = command(t, COMMAND_ALLOCATE, file);
    bytes_st_le32(c + 4 + NAME_BYTES, align);
    c[8 + NAME_BYTES] = zone;
}

/* In `file`, at `at`: the address of another file is added. */
static void add_pointer_to(AcpiTables *t, const char *file, uint32_t at,
                           uint8_t size, const char *target)
{
    uint8_t *c = command(t, COMMAND_ADD_POINTER, file);
    set_name(c + 4 + NAME_BYTES, target);
    bytes_st_le32(c + 4 + 2 * NAME_BYTES, at);
    c[8 + 2 * NAME_BYTES] = size;
}

static void add_pointer(AcpiTables *t, const char *file, uint32_t at,
                        uint8_t size)
{
    add_pointer_to(t, file, at, size, TABLES_FILE);
}

void acpi_allocate(AcpiTables *t, const char *file, uint32_t align)
{
    allocate(t, file, align, ZONE_HIGH);
}

void acpi_point_to_file(AcpiTables *t, guint at, unsigned size,
                        const char *file)
{
    add_pointer_to(t, TABLES_FILE, at, size, file);
}

void acpi_tell_pointer(AcpiTables *t, const char *told, unsigned size,
                       const char *file, uint32_t offset)
{
    uint8_t *c = command(t, COMMAND_WRITE_POINTER, told);
    set_name(c + 4 + NAME_BYTES, file);
    bytes_st_le32(c + 8 + 2 * NAME_BYTES, offset);
    c[12 + 2 * NAME_BYTES] = size;
}

static void add_checksum(AcpiTables *t, const char *file, uint32_t at,
                         uint32_t from, uint32_t bytes)
{
    uint8_t *c = command(t, COMMAND_ADD_CHECKSUM, file);
    bytes_st_le32(c + 4 + NAME_BYTES, at);
    bytes_st_le32(c + 8 + NAME_BYTES, from);
    bytes_st_le32(c + 12 + NAME_BYTES, bytes);
}

void acpi_point(AcpiTables *t, guint at, unsigned size, guint target)
{
    if (size == 8) {
        bytes_st_le64(t->bytes->data + at, target);
    } else {
        bytes_st_le32(t->bytes->data + at, target);
    }
    add_pointer(t, TABLES_FILE, at, size);
}

/* --- AML (20.2) -------------------------------------------------------------- */

enum { AML_NAME = 0x08, AML_DWORD = 0x0c };

void acpi_name_number(AcpiTables *t, const char *name, uint32_t v)
{
    acpi_u8(t, AML_NAME);
    acpi_u8(t, '\\');
    append(t, name, 4);
    acpi_u8(t, AML_DWORD);
    acpi_u32(t, v);
}

/* --- tables ------------------------------------------------------------------------- */

enum { HEADER_LENGTH = 4, HEADER_CHECKSUM = 9 };

void acpi_begin(AcpiTables *t)
{
    t->bytes = g_byte_array_new();
    t->script = g_byte_array_new();
    t->roots = g_array_new(FALSE, FALSE, sizeof(guint));
    allocate(t, RSDP_FILE, 16, ZONE_FSEG);
    allocate(t, TABLES_FILE, 64, ZONE_HIGH);
}

guint acpi_begin_table(AcpiTables *t, const char *signature, uint8_t revision)
{
    guint at = t->bytes->len;
    append(t, signature, 4);
    acpi_u32(t, 0);
    acpi_u8(t, revision);
    acpi_u8(t, 0);
    append(t, OEM_ID, 6);
    append(t, OEM_TABLE_ID, 8);
    acpi_u32(t, 1);
    append(t, CREATOR_ID, 4);
    acpi_u32(t, 1);
    return at;
}

void acpi_end_table(AcpiTables *t, guint at)
{
    guint bytes = t->bytes->len - at;
    bytes_st_le32(t->bytes->data + at + HEADER_LENGTH, bytes);
    add_checksum(t, TABLES_FILE, at + HEADER_CHECKSUM, at, bytes);
}

/* Its checksum is made anew: what is added to it must start at zero. */
guint acpi_add_table(AcpiTables *t, const void *data, size_t bytes)
{
    guint at = t->bytes->len;
    append(t, data, bytes);
    t->bytes->data[at + HEADER_CHECKSUM] = 0;
    acpi_end_table(t, at);
    return at;
}

void acpi_name_in_root(AcpiTables *t, guint at)
{
    g_array_append_val(t->roots, at);
}

/* RSDT or XSDT (5.2.7, 5.2.8): addresses of 4 or 8 bytes. */
static guint add_root(AcpiTables *t, const char *signature, unsigned size)
{
    guint at = acpi_begin_table(t, signature, 1);
    for (guint i = 0; i < t->roots->len; i++) {
        acpi_zeroes(t, size);
        acpi_point(t, t->bytes->len - size, size,
                   g_array_index(t->roots, guint, i));
    }
    acpi_end_table(t, at);
    return at;
}

/* 5.2.5.3; the first 20 bytes have a sum of their own. */
static void add_rsdp(AcpiTables *t, Device *fw_cfg, guint rsdt, guint xsdt)
{
    uint8_t rsdp[36] = "RSD PTR ";
    memcpy(rsdp + 9, OEM_ID, 6);
    rsdp[15] = 2;
    bytes_st_le32(rsdp + 16, rsdt);
    bytes_st_le32(rsdp + 20, sizeof rsdp);
    bytes_st_le64(rsdp + 24, xsdt);
    add_pointer(t, RSDP_FILE, 16, 4);
    add_pointer(t, RSDP_FILE, 24, 8);
    add_checksum(t, RSDP_FILE, 8, 0, 20);
    add_checksum(t, RSDP_FILE, 32, 0, sizeof rsdp);
    fw_cfg_add_file_copy(fw_cfg, RSDP_FILE, rsdp, sizeof rsdp);
}

void acpi_finish(AcpiTables *t, Device *fw_cfg)
{
    guint rsdt = add_root(t, "RSDT", 4);
    acpi_align(t, 8);
    guint xsdt = add_root(t, "XSDT", 8);
    add_rsdp(t, fw_cfg, rsdt, xsdt);
    fw_cfg_add_file_copy(fw_cfg, TABLES_FILE, t->bytes->data, t->bytes->len);
    fw_cfg_add_file_copy(fw_cfg, SCRIPT_FILE, t->script->data,
                         t->script->len);
    g_byte_array_free(t->bytes, TRUE);
    g_byte_array_free(t->script, TRUE);
    g_array_free(t->roots, TRUE);
}
