/*
 * The SMBIOS structures of a machine, which firmware reads through fw_cfg and
 * gives to the system. Implemented by hw/nvram/smbios.c; called by boards.
 */
#ifndef HW_SMBIOS_H
#define HW_SMBIOS_H

#include "vm/machine.h"

/* RAM is what lies below and from 4 GiB on. Also -fw_cfg's files. */
void smbios_describe(const Machine *m, Device *fw_cfg, uint64_t below_4g,
                     uint64_t above_4g);
void fw_files_describe(const Machine *m, Device *fw_cfg);

#endif
