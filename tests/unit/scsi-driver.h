/*
 * A driver for virtio-scsi of a made-up PC, for tests: one command at a time.
 */
#ifndef TESTS_SCSI_DRIVER_H
#define TESTS_SCSI_DRIVER_H

#include "virtio-driver.h"

#define SD_SECTORS  4096u      /* of the disk at target 1, LUN 0 */
#define SD_BLOCKS   8u         /* of the CD at target 2, LUN 3, of 2048 bytes */
#define SD_DATA     0x201000u  /* where data-in goes */
#define SD_OUT      0x300000u  /* where data-out comes from */
#define SD_REQUEST  0x200000u
#define SD_RESPONSE 0x200400u
#define SD_RESPONSE_BYTES 108u
#define SD_20_MS    (20 * NS_PER_MS)

enum { SD_CONTROL, SD_EVENT, SD_COMMANDS };

typedef struct Sd {
    Machine *m;
    BlockDev *disk, *cd;
    Vd d;
    VdQueue control, q;
} Sd;

/* What came back. response 0xee: nothing. */
typedef struct SdResult {
    uint8_t response, status, key;
    uint16_t code;
    uint32_t residual, len, sense_len;
} SdResult;

/* A machine with both units, the driver ready, unit attentions taken. */
void sd_setup(Sd *f, bool readonly);
/* The same with further properties of the disk: name and value. */
void sd_setup_with(Sd *f, const char *name, const char *value);
void sd_teardown(Sd *f);
/* The adapter's queues set up; attentions wait. */
void sd_start(Sd *f);

/* Sends a command of `bytes` bytes to a unit; in and out: bytes of its
 * buffers. Not yet over. */
void sd_send(Sd *f, unsigned target, unsigned lun, const uint8_t *cdb,
             unsigned bytes, uint32_t out, uint32_t in);
SdResult sd_finish(Sd *f);
/* Both, to the disk and to the CD. */
SdResult sd_disk(Sd *f, const uint8_t *cdb, uint32_t out, uint32_t in);
SdResult sd_cd(Sd *f, const uint8_t *cdb, uint32_t in);
#define SD_CDB(...) ((const uint8_t[32]){ __VA_ARGS__ })

/* GOOD with that much data; CHECK CONDITION with that sense. */
void sd_good(SdResult r, uint32_t residual);
void sd_sense(SdResult r, uint8_t key, uint16_t code);
/* A task management function; the response. */
uint8_t sd_manage(Sd *f, uint32_t subtype, unsigned target, unsigned lun,
                  uint64_t tag);
/* A byte, and big-endian numbers, of what was answered. */
uint8_t sd_byte(Sd *f, unsigned at);
uint32_t sd_be32(Sd *f, unsigned at);

#endif
