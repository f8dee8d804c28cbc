/*
 * vmgenid: the identifier of a virtual machine's generation, by which a guest
 * finds out that it goes on as another machine.
 *
 * Implemented by hw/misc/vmgenid.c; its ACPI table is in
 * hw/acpi/device-tables.c.
 */
#ifndef HW_VMGENID_H
#define HW_VMGENID_H

#include "vm/device.h"

extern const DeviceClass vmgenid_class;

/* The files of fw_cfg: what firmware puts into memory, and where it says that it
 * has put it. The identifier is in the middle of the former. */
#define VMGENID_GUID_FILE    "etc/vmgenid_guid"
#define VMGENID_ADDRESS_FILE "etc/vmgenid_addr"
#define VMGENID_FILE_BYTES   4096u
#define VMGENID_GUID_OFFSET  40u
#define VMGENID_ADDRESS_BYTES 8u

#endif
