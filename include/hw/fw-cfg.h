/*
 * fw_cfg: the items a board hands to the firmware by number or by file name.
 *
 * Implemented by hw/nvram/fw_cfg.c (docs: the guest's view is QEMU's
 * "fw_cfg" interface); filled by hw/boards and hw/boot. Items are wiring: the
 * board adds the same ones in every run with the same command line. Only what
 * the guest has selected is state.
 */
#ifndef HW_FW_CFG_H
#define HW_FW_CFG_H

#include "vm/device.h"

extern const DeviceClass fw_cfg_class;     /* ports 510, 511, 514..51b */

/* The numbered items firmware knows. */
enum FwCfgKey {
    FW_CFG_SIGNATURE = 0x00,   /* "QEMU"; added by the device */
    FW_CFG_ID = 0x01,          /* i32: 1 traditional, 2 DMA; by the device */
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_MACHINE_ID = 0x06,
    FW_CFG_KERNEL_ADDR = 0x07,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_KERNEL_CMDLINE = 0x09,
    FW_CFG_INITRD_ADDR = 0x0a,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_DEVICE = 0x0c,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_ADDR = 0x16,
    FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19,    /* kept by the device */
    FW_CFG_FILE_FIRST = 0x20,
    FW_CFG_ACPI_TABLES = 0x8000,
    FW_CFG_SMBIOS_ENTRIES = 0x8001,
    FW_CFG_IRQ0_OVERRIDE = 0x8002,
    FW_CFG_E820_TABLE = 0x8003,
};

/* Adds or replaces an item. The bytes are copied. */
void fw_cfg_add_bytes(Device *fw, uint16_t key, const void *data, size_t len);
/* Little-endian integers. */
void fw_cfg_add_i16(Device *fw, uint16_t key, uint16_t value);
void fw_cfg_add_i32(Device *fw, uint16_t key, uint32_t value);
void fw_cfg_add_i64(Device *fw, uint16_t key, uint64_t value);

/* Adds or replaces a file; takes its own reference. Names are at most 55
 * bytes. Keys are given to files in order of name. */
void fw_cfg_add_file(Device *fw, const char *name, GBytes *content);
/* As above with a copy of len bytes. */
void fw_cfg_add_file_copy(Device *fw, const char *name, const void *data,
                          size_t len);

/* Adds a file whose bytes are another device's, for as long as it lives: they
 * must be rows of its state, or follow from them. */
void fw_cfg_add_live(Device *fw, const char *name, uint8_t *bytes, size_t len,
                     bool writable);
/* The machine's; NULL: it has none (yet). */
Device *fw_cfg_of(const Machine *m);

/* What is at a key or name, NULL if nothing; owned by the device. */
GBytes *fw_cfg_item(Device *fw, uint16_t key);
GBytes *fw_cfg_file(Device *fw, const char *name);

#endif
