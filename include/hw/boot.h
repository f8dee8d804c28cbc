/*
 * -kernel: what a board hands to the firmware so that it starts a kernel.
 *
 * Implemented by hw/boot; called by boards. The machine is always started by
 * its firmware, which boots from an option ROM that gets the kernel's pieces
 * through fw_cfg.
 */
#ifndef HW_BOOT_H
#define HW_BOOT_H

#include "vm/machine.h"

/* The fw_cfg file of the option ROM that starts the kernel; the board puts it
 * in front of the boot order if it is there. */
#define BOOT_KERNEL_ROM "genroms/kernel.bin"

/* Adds what starts m->config.kernel, if there is one, to fw_cfg. False with
 * an error if it is not a kernel that can be started, or does not fit. */
bool boot_add_kernel(Machine *m, Device *fw_cfg, uint64_t ram_below_4g,
                     Error **errp);

#endif
