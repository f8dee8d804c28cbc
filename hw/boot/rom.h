/*
 * The option ROM from which the firmware starts a kernel: each format has its
 * own, this puts it where the firmware looks.
 */
#ifndef HW_BOOT_ROM_H
#define HW_BOOT_ROM_H

#include "vm/device.h"

enum { BOOT_ROM_BYTES = 1024 };

/* Fills in the checksums of an assembled ROM (*-rom.S) and adds it to fw_cfg
 * under the name that the board puts first into the boot order. */
void boot_rom_add(Device *fw, uint8_t rom[BOOT_ROM_BYTES]);

#endif
