/*
 * Between the commands of CD drives (mmc.c) and those of them that only tell
 * something (mmc-info.c).
 */
#ifndef HW_SCSI_MMC_H
#define HW_SCSI_MMC_H

#include "hw/scsi.h"

bool mmc_has_medium(const MmcDrive *d);
/* INVALID FIELD IN CDB. */
void mmc_bad_field(ScsiAnswer *a);
/* An address as minute, second, frame of the disc (150 frames lead in). */
void mmc_lba_to_msf(uint8_t *msf, uint32_t lba);

void mmc_mode_sense(const MmcDrive *d, const uint8_t *cdb, ScsiAnswer *a);
void mmc_read_toc(const MmcDrive *d, const uint8_t *cdb, ScsiAnswer *a);
void mmc_read_disc_info(const MmcDrive *d, const uint8_t *cdb, ScsiAnswer *a);
void mmc_get_configuration(const MmcDrive *d, const uint8_t *cdb,
                           ScsiAnswer *a);
void mmc_event_status(const MmcDrive *d, const uint8_t *cdb, ScsiAnswer *a);
void mmc_mechanism_status(const MmcDrive *d, const uint8_t *cdb,
                          ScsiAnswer *a);

#endif
