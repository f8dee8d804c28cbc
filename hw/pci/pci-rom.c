/*
 * Expansion ROMs of PCI functions. PCI Local Bus Specification 3.0, 6.3.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "pci-internal.h"

#define ROM_MAX_BYTES    (16 * MIB)
#define ROM_HEADER_BYTES 0x1au
#define ROM_DATA_AT      0x18u   /* where its data structure is */
#define ROM_CHECKSUM     6u      /* a byte that nobody uses */
enum { ROM_DATA_VENDOR = 4, ROM_DATA_DEVICE = 6, ROM_DATA_BYTES = 8 };

/* Firmware takes only a ROM that names the device; a ROM for a transitional
 * virtio device is as good for a modern one. */
static void rom_rename(const PciFunction *f, uint8_t *rom, size_t len)
{
    static const uint8_t mark[4] = { 'P', 'C', 'I', 'R' };
    uint8_t ids[4], change = 0;

    if (len < ROM_HEADER_BYTES || rom[0] != 0x55 || rom[1] != 0xaa) {
        return;
    }
    size_t at = bytes_ld_le16(rom + ROM_DATA_AT);
    if (at + ROM_DATA_BYTES > len || memcmp(rom + at, mark, 4)) {
        return;
    }
    bytes_st_le16(ids, f->info->vendor);
    bytes_st_le16(ids + 2, f->info->device);
    for (unsigned i = 0; i < 4; i++) {
        change += rom[at + ROM_DATA_VENDOR + i] - ids[i];
        rom[at + ROM_DATA_VENDOR + i] = ids[i];
    }
    rom[ROM_CHECKSUM] += change;
}

bool pci_rom_add(PciFunction *f, Error **errp)
{
    gsize len;
    const void *data = g_bytes_get_data(f->rom, &len);
    uint64_t size = PAGE_SIZE;

    if (!len || len > ROM_MAX_BYTES) {
        error_set(errp, "romfile: %" G_GSIZE_FORMAT " bytes are no boot ROM",
                  len);
        return false;
    }
    while (size < len) {
        size *= 2;
    }
    g_autofree uint8_t *rom = g_malloc0(size);
    g_autofree char *name = g_strdup_printf("%s.rom", f->dev.path);
    memcpy(rom, data, len);
    rom_rename(f, rom, len);
    mem_init_ram(&f->rom_region, "rom",
                 rom_block_new(f->dev.machine, name, rom, size));
    pci_rom_init(f, &f->rom_region);
    return true;
}
