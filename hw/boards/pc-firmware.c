/*
 * What a PC's firmware finds: its own image, and the descriptions of the
 * machine in CMOS and fw_cfg.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "hw/boot.h"
#include "hw/floppy.h"
#include "hw/fw-cfg.h"
#include "hw/smbios.h"
#include "pc.h"

#define FIRMWARE_UNIT  (64 * KIB)
#define FIRMWARE_MAX   (16 * MIB)
#define ISA_BIOS_MAX   (128 * KIB)

/* Below 1 MiB the last 128 KiB of it are seen as well. */
static void show_in_isa_space(Pc *pc, MemRegion *firmware, uint64_t len)
{
    uint64_t low = MIN(len, ISA_BIOS_MAX);

    if (pc->firmware_in_ram) {
        return;
    }
    mem_init_alias(&pc->isa_bios, "isa-bios", firmware, len - low, low);
    mem_add(pc->pci_memory, MIB - low, &pc->isa_bios, 0);
}

static bool add_rom(Pc *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    gsize len = 0;
    const void *data = m->config.firmware
                           ? g_bytes_get_data(m->config.firmware, &len)
                           : NULL;
    const char *name = m->config.firmware_name ? m->config.firmware_name
                                               : "firmware";

    if (!len || len % FIRMWARE_UNIT || len > FIRMWARE_MAX) {
        error_set(errp, "could not load PC BIOS '%s': %" G_GSIZE_FORMAT
                  " bytes is not a multiple of 64 KiB up to 16 MiB",
                  name, len);
        return false;
    }
    mem_init_ram(&pc->bios, "pc.bios", rom_block_new(m, "pc.bios", data, len));
    mem_add(pc->pci_memory, 4 * GIB - len, &pc->bios, 0);
    show_in_isa_space(pc, &pc->bios, len);
    return true;
}

/* -drive if=pflash: the first chip ends at 4 GiB, the next one below it. */
static bool add_flash(Pc *pc, Error **errp)
{
    static const char *const names[PC_FLASHES] = { "system.flash0",
                                                   "system.flash1" };
    const GPtrArray *drives = pc->dev.machine->config.drives;
    PhysAddr end = 4 * GIB;
    for (unsigned n = 0; n < PC_FLASHES; n++) {
        for (guint i = 0; drives && i < drives->len; i++) {
            const DriveConfig *c = g_ptr_array_index(drives, i);
            if (!c->pflash || c->index != (int)n) {
                continue;
            }
            pc->flash[n] = pflash_new(pc->dev.machine, names[n], c->dev, end,
                                      errp);
            if (!pc->flash[n]) {
                return false;
            }
            end -= pflash_bytes(pc->flash[n]);
        }
    }
    if (pc->flash[1] && !pc->flash[0]) {
        error_set(errp, "-drive if=pflash,index=1: there is none with index=0");
        return false;
    }
    return true;
}

bool pc_add_firmware(Pc *pc, Error **errp)
{
    if (!add_flash(pc, errp)) {
        return false;
    }
    if (!pc->flash[0]) {
        return add_rom(pc, errp);
    }
    show_in_isa_space(pc, pflash_array(pc->flash[0]),
                      pflash_bytes(pc->flash[0]));
    return true;
}

/* --- fw_cfg -------------------------------------------------------------------*/

/* The BIOS's e820 table: base, length, type, packed; type 1 is RAM. */
enum { E820_ENTRY = 20, E820_RAM = 1 };

static unsigned e820_add(uint8_t *table, unsigned len, uint64_t base,
                         uint64_t size)
{
    bytes_st_le64(table + len, base);
    bytes_st_le64(table + len + 8, size);
    bytes_st_le32(table + len + 16, E820_RAM);
    return len + E820_ENTRY;
}

static void describe_memory(Pc *pc)
{
    uint64_t below = pc->below_4g;
    uint64_t above = pc->above_4g;
    uint8_t table[2 * E820_ENTRY];
    unsigned len = e820_add(table, 0, 0, below);

    if (above) {
        len = e820_add(table, len, 4 * GIB, above);
    }
    fw_cfg_add_file_copy(pc->fw_cfg, "etc/e820", table, len);
    fw_cfg_add_i64(pc->fw_cfg, FW_CFG_RAM_SIZE, below + above);
    if (pc->rtc) {
        mc146818_set_ram(pc->rtc, below, above);
    }
}

/* "01234567-89ab-cdef-0123-456789abcdef" to its 16 bytes; zeroes without. */
static void parse_uuid(const char *text, uint8_t *uuid)
{
    unsigned digits = 0;

    memset(uuid, 0, 16);
    for (; text && *text && digits < 32; text++) {
        int v = g_ascii_xdigit_value(*text);
        if (v >= 0) {
            uuid[digits / 2] |= digits % 2 ? v : v << 4;
            digits++;
        }
    }
}

static void describe_machine(Pc *pc)
{
    Machine *m = pc->dev.machine;
    Device *fw = pc->fw_cfg;
    /* Sleep types of S3, S4, S5; bit 7: supported. ORDER sleep-type */
    static const uint8_t states[6] = { 0x80, 0, 0, 0x01, 0x82, 0x80 };
    static const uint8_t wait_forever[4] = { 0xff, 0xff, 0xff, 0xff };
    uint8_t uuid[16];

    parse_uuid(m->config.uuid, uuid);
    fw_cfg_add_bytes(fw, FW_CFG_UUID, uuid, sizeof uuid);
    fw_cfg_add_i16(fw, FW_CFG_NB_CPUS, m->config.smp.cpus);
    fw_cfg_add_i16(fw, FW_CFG_MAX_CPUS, m->config.smp.cpus);
    fw_cfg_add_i16(fw, FW_CFG_BOOT_MENU, 0);
    fw_cfg_add_i32(fw, FW_CFG_IRQ0_OVERRIDE, 1);
    fw_cfg_add_file_copy(fw, "etc/system-states", states, sizeof states);
    fw_cfg_add_file_copy(fw, "etc/boot-fail-wait", wait_forever,
                         sizeof wait_forever);
}

/* Without a display adapter the firmware's console is the first serial port,
 * if there is one. */
static void describe_console(Pc *pc)
{
    const GPtrArray *serials = pc->dev.machine->config.serials;
    bool serial = serials && serials->len && g_ptr_array_index(serials, 0);
    uint8_t port[2];

    fw_cfg_add_i16(pc->fw_cfg, FW_CFG_NOGRAPHIC, serial);
    if (serial) {
        bytes_st_le16(port, 0x3f8);
        fw_cfg_add_file_copy(pc->fw_cfg, "etc/sercon-port", port, sizeof port);
    }
}

/* --- the boot order: a line an Open Firmware path ------------------------------*/

typedef struct BootEntry {
    uint32_t index;
    unsigned n;            /* to keep the order among equals */
    char *path;
} BootEntry;

static void boot_entry_clear(gpointer entry)
{
    g_free(((BootEntry *)entry)->path);
}

/* Owns path. */
static void boot_add(GArray *list, uint32_t index, char *path)
{
    BootEntry e = { index, list->len, path };
    if (index == UINT32_MAX) {
        g_free(path);
    } else {
        g_array_append_val(list, e);
    }
}

static int boot_order(gconstpointer a, gconstpointer b)
{
    const BootEntry *x = a, *y = b;
    return x->index != y->index ? (x->index < y->index ? -1 : 1)
                                : (int)x->n - (int)y->n;
}

static void boot_add_channel(const Pc *pc, unsigned n, GArray *list)
{
    const IdeBus *bus = pc_ide_bus(pc, n);
    for (unsigned unit = 0; unit < bus->units; unit++) {
        boot_add(list, ide_bus_boot_index(bus, unit),
                 g_strdup_printf("%s/drive@%u/disk@%u", pc->ide_path, n,
                                 unit));
    }
}

typedef struct BootFunction {
    GArray *list;
    const char *bridges;   /* in front of it */
    int devfn;
} BootFunction;

/* "SLOT" or "SLOT,FUNCTION", hexadecimal. */
static char *boot_unit(int devfn)
{
    return devfn & 7 ? g_strdup_printf("%x,%x", devfn >> 3, devfn & 7)
                     : g_strdup_printf("%x", devfn >> 3);
}

static void boot_add_function(void *function, uint32_t index, const char *path)
{
    const BootFunction *b = function;
    g_auto(GStrv) parts = g_strsplit(path, "%s", 2);
    g_autofree char *at = boot_unit(b->devfn);
    g_autofree char *own = g_strjoinv(at, parts);
    boot_add(b->list, index, g_strdup_printf("%s%s", b->bridges, own));
}

static void boot_add_pci(PciBus *bus, const char *bridges, GArray *list)
{
    for (int devfn = 0; bus && devfn < 256; devfn++) {
        const PciFunction *f = pci_bus_function(bus, devfn);
        BootFunction b = { list, bridges, devfn };
        if (f && f->info->boot_places) {
            f->info->boot_places(f, boot_add_function, &b);
        } else if (f && f->boot_path) {
            boot_add_function(&b, *f->boot_index, f->boot_path);
        } else if (f && f->secondary) {
            g_autofree char *at = boot_unit(devfn);
            g_autofree char *path =
                g_strdup_printf("%spci-bridge@%s/", bridges, at);
            boot_add_pci(f->secondary, path, list);
        }
    }
}

static void describe_boot_order(Pc *pc)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(BootEntry));
    g_autoptr(GString) text = g_string_new(NULL);

    g_array_set_clear_func(list, boot_entry_clear);
    if (fw_cfg_file(pc->fw_cfg, BOOT_KERNEL_ROM)) {
        g_string_append(text, "/rom@" BOOT_KERNEL_ROM "\n");
    }
    for (unsigned n = 0; pc->ide_path && n < pc->ide_channels; n++) {
        boot_add_channel(pc, n, list);
    }
    boot_add_pci(pc->pci, "", list);
    g_array_sort(list, boot_order);
    for (guint i = 0; i < list->len; i++) {
        g_string_append_printf(text, "/pci@i0cf8/%s\n",
                               g_array_index(list, BootEntry, i).path);
    }
    if (text->len) {
        /* An empty last line would match every device. */
        g_string_truncate(text, text->len - 1);
        fw_cfg_add_file_copy(pc->fw_cfg, "bootorder", text->str,
                             text->len + 1);
    }
}

/* --- CMOS ----------------------------------------------------------------------*/

/* Indices of the AT's CMOS and of what SeaBIOS adds. */
enum {
    CMOS_FLOPPY_TYPES = 0x10,
    CMOS_DISK_TYPES = 0x12,
    CMOS_EQUIPMENT = 0x14,
    CMOS_DISK_0_TYPE = 0x19,
    CMOS_DISK_0 = 0x1b,    /* nine bytes a disk */
    CMOS_TRANSLATION = 0x39,
};

#define EQUIPMENT_FLOPPY 0x01
#define EQUIPMENT_TWO_FLOPPIES 0x40
#define EQUIPMENT_FPU   0x02
#define EQUIPMENT_MOUSE 0x04

/* How the BIOS is to translate CHS: 0 not at all, 1 LBA, 2 bit shifts. */
static unsigned translation(uint32_t cylinders, uint32_t heads)
{
    return cylinders <= 1024 ? 0 : cylinders * heads <= 131072 ? 2 : 1;
}

static void describe_disk_type(Pc *pc, unsigned n, uint32_t cylinders,
                               uint32_t heads, uint32_t sectors)
{
    uint8_t params[9] = { cylinders, cylinders >> 8, heads, 0xff, 0xff,
                          0xc0 | (heads > 8) << 3, cylinders, cylinders >> 8,
                          sectors };
    uint8_t types = mc146818_get_cmos(pc->rtc, CMOS_DISK_TYPES);

    mc146818_set_cmos(pc->rtc, CMOS_DISK_TYPES, types | (n ? 0x0f : 0xf0));
    mc146818_set_cmos(pc->rtc, CMOS_DISK_0_TYPE + n, 47);
    for (unsigned i = 0; i < sizeof params; i++) {
        mc146818_set_cmos(pc->rtc, CMOS_DISK_0 + 9 * n + i, params[i]);
    }
}

/* The BIOS knows four disks of channels with two places each. */
static void describe_disks(Pc *pc)
{
    uint8_t flags = 0;

    for (unsigned n = 0; n < 4 && n / 2 < pc->ide_channels; n++) {
        uint32_t cylinders, heads, sectors;
        const IdeBus *bus = pc_ide_bus(pc, n / 2);
        if (bus->units < 2 ||
            !ide_bus_geometry(bus, n % 2, &cylinders, &heads, &sectors)) {
            continue;
        }
        flags |= translation(cylinders, heads) << (2 * n);
        if (n < 2) {
            describe_disk_type(pc, n, cylinders, heads, sectors);
        }
    }
    mc146818_set_cmos(pc->rtc, CMOS_TRANSLATION, flags);
}

/* The types of floppy drives; and what of them the equipment byte tells. */
static uint8_t describe_floppies(Pc *pc)
{
    const FloppyBus *bus = machine_bus_at(pc->dev.machine, "floppy-bus", 0);
    FloppyType a = bus ? floppy_type(bus, 0) : FLOPPY_NONE;
    FloppyType b = bus ? floppy_type(bus, 1) : FLOPPY_NONE;

    mc146818_set_cmos(pc->rtc, CMOS_FLOPPY_TYPES, a << 4 | b);
    return (a || b ? EQUIPMENT_FLOPPY : 0) |
           (a && b ? EQUIPMENT_TWO_FLOPPIES : 0);
}

static void describe_cmos(Pc *pc)
{
    describe_disks(pc);
    mc146818_set_cmos(pc->rtc, CMOS_EQUIPMENT,
                      EQUIPMENT_FPU | EQUIPMENT_MOUSE |
                          describe_floppies(pc));
    mc146818_set_boot_order(pc->rtc, pc->dev.machine->config.boot_order);
}

void pc_describe(Pc *pc)
{
    describe_memory(pc);
    describe_machine(pc);
    describe_console(pc);
    describe_boot_order(pc);
    smbios_describe(pc->dev.machine, pc->fw_cfg, pc->below_4g, pc->above_4g);
    fw_files_describe(pc->dev.machine, pc->fw_cfg);
    if (pc->rtc) {
        describe_cmos(pc);
    }
}
