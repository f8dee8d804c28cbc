/*
 * An option ROM's checksums: see rom.h.
 */
#include "rom.h"

#include "hw/boot.h"
#include "hw/fw-cfg.h"

/* The Plug and Play expansion header (Plug and Play BIOS 1.0A, 3.2). */
enum { PNP_AT = 0x20, PNP_SUM_AT = 0x29, PNP_BYTES = 32 };

/* The byte that makes the sum of all of them zero. */
static uint8_t checksum(const uint8_t *p, size_t len)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += p[i];
    }
    return -sum;
}

void boot_rom_add(Device *fw, uint8_t rom[BOOT_ROM_BYTES])
{
    rom[PNP_SUM_AT] = 0;
    rom[PNP_SUM_AT] = checksum(rom + PNP_AT, PNP_BYTES);
    rom[BOOT_ROM_BYTES - 1] = 0;
    rom[BOOT_ROM_BYTES - 1] = checksum(rom, BOOT_ROM_BYTES);
    fw_cfg_add_file_copy(fw, BOOT_KERNEL_ROM, rom, BOOT_ROM_BYTES);
}
