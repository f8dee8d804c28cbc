/*
 * Between how a CD drive moves data (atapi.c) and what its packet commands do
 * (atapi-cmd.c, which asks hw/scsi/mmc.c).
 */
#ifndef HW_IDE_ATAPI_H
#define HW_IDE_ATAPI_H

#include "drive.h"
#include "hw/scsi.h"

/* Ends a packet command: well; with a sense (hw/scsi.h); or with the first
 * `bytes` of the buffer, of which the host wants at most `allocated`. */
void atapi_done(IdeDrive *d);
void atapi_error(IdeDrive *d, uint8_t key, uint16_t code);
void atapi_answer(IdeDrive *d, uint32_t bytes, uint32_t allocated);
/* With blocks of the medium, which the caller has found to exist. */
void atapi_answer_blocks(IdeDrive *d, uint64_t lba, uint32_t count,
                         uint16_t block_bytes);

/* The drive as its commands see it. */
MmcDrive atapi_mmc(IdeDrive *d);

#endif
