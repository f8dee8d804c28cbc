/*
 * Between how a CD drive moves data (atapi.c) and what its packet commands do
 * (atapi-cmd.c).
 */
#ifndef HW_IDE_ATAPI_H
#define HW_IDE_ATAPI_H

#include "drive.h"

/* Sense keys, SPC-2 table 107. */
enum {
    SENSE_NONE = 0,
    SENSE_NOT_READY = 2,
    SENSE_MEDIUM_ERROR = 3,
    SENSE_ILLEGAL_REQUEST = 5,
};

/* Ends a packet command: well; with a sense; or with the first `bytes` of the
 * buffer, of which the host wants at most `allocated`. */
void atapi_done(IdeDrive *d);
void atapi_error(IdeDrive *d, uint8_t key, uint8_t asc, uint8_t ascq);
void atapi_answer(IdeDrive *d, uint32_t bytes, uint32_t allocated);
/* With blocks of the medium, which the caller has found to exist. */
void atapi_answer_blocks(IdeDrive *d, uint64_t lba, uint32_t count,
                         uint16_t block_bytes);

/* The number of 2048-byte blocks on the medium; 0 without one. */
uint32_t atapi_blocks(const IdeDrive *d);
/* An address as minute, second, frame of the disc (150 frames lead in). */
void atapi_lba_to_msf(uint8_t *msf, uint32_t lba);

#endif
