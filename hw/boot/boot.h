/*
 * The formats of kernels that boot.c chooses between.
 */
#ifndef HW_BOOT_FORMATS_H
#define HW_BOOT_FORMATS_H

#include "hw/boot.h"

bool multiboot_is(const uint8_t *data, size_t len);
/* m->config.kernel is one. */
bool multiboot_add(Machine *m, Device *fw, uint64_t ram_bytes, Error **errp);

#endif
