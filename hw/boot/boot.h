/*
 * The formats of kernels that boot.c chooses between.
 */
#ifndef HW_BOOT_FORMATS_H
#define HW_BOOT_FORMATS_H

#include "hw/boot.h"

/* Puts "-kernel NAME: " in front of an error, or "-initrd NAME: ". */
void boot_blame_kernel(const Machine *m, Error **errp);
void boot_blame_initrd(const Machine *m, Error **errp);

/* Each format: does the file look like one, and put what starts
 * m->config.kernel, which is one, into fw_cfg. ram_bytes: below 4 GiB. Errors
 * say whose fault it is. */
bool linux_is(const uint8_t *data, size_t len);
bool linux_add(Machine *m, Device *fw, uint64_t ram_bytes, Error **errp);
bool pvh_is(const uint8_t *data, size_t len);
bool pvh_add(Machine *m, Device *fw, uint64_t ram_bytes, Error **errp);
bool multiboot_is(const uint8_t *data, size_t len);
bool multiboot_add(Machine *m, Device *fw, uint64_t ram_bytes, Error **errp);

#endif
