/*
 * The commands of CD drives: those that move the medium or its blocks, and how
 * all are found. MMC-6 section 6, and SPC-4 for those that every SCSI device
 * has. See hw/scsi.h; mmc-info.c has those that tell about drive and disc.
 */
#include "base/bytes.h"
#include "mmc.h"

#define FRAMES_PER_SECOND 75u
#define LEAD_IN_FRAMES 150u

bool mmc_has_medium(const MmcDrive *d)
{
    return d->block && !blockdev_is_empty(d->block) && !*d->tray_open;
}

uint32_t mmc_blocks(const MmcDrive *d)
{
    uint64_t n = mmc_has_medium(d)
                     ? blockdev_size_bytes(d->block) / CD_BLOCK_BYTES : 0;
    return MIN(n, UINT32_MAX);
}

void mmc_lba_to_msf(uint8_t *msf, uint32_t lba)
{
    uint64_t frames = (uint64_t)lba + LEAD_IN_FRAMES;
    msf[0] = frames / FRAMES_PER_SECOND / 60;
    msf[1] = frames / FRAMES_PER_SECOND % 60;
    msf[2] = frames % FRAMES_PER_SECOND;
}

void mmc_bad_field(ScsiAnswer *a)
{
    scsi_answer_sense(a, SENSE_ILLEGAL_REQUEST, CODE_BAD_FIELD);
}

static void answer_blocks(ScsiAnswer *a, uint32_t lba, uint32_t count,
                          uint16_t block_bytes)
{
    a->outcome = count ? SCSI_OUTCOME_BLOCKS : SCSI_OUTCOME_DONE;
    a->lba = lba;
    a->count = count;
    a->block_bytes = block_bytes;
}

/* A raw sector of 2352 bytes around 2048 of user data, mode 1 (ECMA-130,
 * clause 14): sync, header, data; the error codes are left zero. */
static void put_raw_frame(uint8_t *raw, uint32_t lba)
{
    memset(raw, 0, 16);
    memset(raw + 1, 0xff, 10);
    mmc_lba_to_msf(raw + 12, lba);
    raw[15] = 1;
    memset(raw + 16 + CD_BLOCK_BYTES, 0, CD_RAW_BYTES - 16 - CD_BLOCK_BYTES);
}

bool mmc_read_block(const MmcDrive *d, uint32_t lba, uint16_t block_bytes,
                    uint8_t *to)
{
    bool raw = block_bytes == CD_RAW_BYTES;

    if (raw) {
        put_raw_frame(to, lba);
    }
    return lba < mmc_blocks(d) &&
           blockdev_read(d->block, (uint64_t)lba * CD_BLOCK_BYTES,
                         to + (raw ? 16 : 0), CD_BLOCK_BYTES) >= 0;
}

/* --- the drive -----------------------------------------------------------------*/

static void cmd_test_unit_ready(const MmcDrive *d, const uint8_t *cdb,
                                ScsiAnswer *a)
{
    a->outcome = SCSI_OUTCOME_DONE;
}

static void cmd_start_stop(const MmcDrive *d, const uint8_t *cdb,
                           ScsiAnswer *a)
{
    bool start = cdb[4] & 1, load_eject = cdb[4] & 2;

    if (load_eject) {
        if (!start && *d->tray_locked) {
            scsi_answer_sense(a, SENSE_ILLEGAL_REQUEST, CODE_REMOVAL_PREVENTED);
            return;
        }
        *d->tray_open = !start;
    }
    a->outcome = SCSI_OUTCOME_DONE;
}

static void cmd_prevent_removal(const MmcDrive *d, const uint8_t *cdb,
                                ScsiAnswer *a)
{
    *d->tray_locked = cdb[4] & 1;
    a->outcome = SCSI_OUTCOME_DONE;
}

static void cmd_set_speed(const MmcDrive *d, const uint8_t *cdb, ScsiAnswer *a)
{
    a->outcome = SCSI_OUTCOME_DONE;
}

/* --- the medium ---------------------------------------------------------------------*/

static void cmd_read_capacity(const MmcDrive *d, const uint8_t *cdb,
                              ScsiAnswer *a)
{
    uint8_t *out = a->data;
    bytes_st_be32(out, MAX(mmc_blocks(d), 1) - 1);
    bytes_st_be32(out + 4, CD_BLOCK_BYTES);
    scsi_answer_bytes(a, 8, 8);
}

static bool in_range(const MmcDrive *d, uint32_t lba, uint32_t count,
                     ScsiAnswer *a)
{
    uint32_t blocks = mmc_blocks(d);
    if (lba > blocks || count > blocks - lba) {
        scsi_answer_sense(a, SENSE_ILLEGAL_REQUEST, CODE_BAD_LBA);
        return false;
    }
    return true;
}

static void cmd_read_10(const MmcDrive *d, const uint8_t *cdb,
                        ScsiAnswer *a)
{
    uint32_t lba = bytes_ld_be32(cdb + 2), n = bytes_ld_be16(cdb + 7);
    if (in_range(d, lba, n, a)) {
        answer_blocks(a, lba, n, CD_BLOCK_BYTES);
    }
}

static void cmd_read_12(const MmcDrive *d, const uint8_t *cdb,
                        ScsiAnswer *a)
{
    uint32_t lba = bytes_ld_be32(cdb + 2), n = bytes_ld_be32(cdb + 6);
    if (in_range(d, lba, n, a)) {
        answer_blocks(a, lba, n, CD_BLOCK_BYTES);
    }
}

/* READ CD: byte 9 says which parts of the sector are wanted. */
static void cmd_read_cd(const MmcDrive *d, const uint8_t *cdb,
                        ScsiAnswer *a)
{
    uint32_t lba = bytes_ld_be32(cdb + 2);
    uint32_t n = cdb[6] << 16 | bytes_ld_be16(cdb + 7);

    if (!in_range(d, lba, n, a)) {
        return;
    }
    switch (cdb[9] & 0xf8) {
    case 0x00:
        a->outcome = SCSI_OUTCOME_DONE;
        break;
    case 0x10:
        answer_blocks(a, lba, n, CD_BLOCK_BYTES);
        break;
    case 0xf8:
        answer_blocks(a, lba, n, CD_RAW_BYTES);
        break;
    default:
        mmc_bad_field(a);
    }
}

static void cmd_seek(const MmcDrive *d, const uint8_t *cdb,
                     ScsiAnswer *a)
{
    if (in_range(d, bytes_ld_be32(cdb + 2), 1, a)) {
        a->outcome = SCSI_OUTCOME_DONE;
    }
}

/* --- dispatch -------------------------------------------------------------------*/

enum { NEEDS_MEDIUM = 1 };

typedef struct MmcCommand {
    uint8_t code;
    uint8_t flags;
    void (*fn)(const MmcDrive *d, const uint8_t *cdb, ScsiAnswer *a);
} MmcCommand;

static const MmcCommand mmc_commands[] = {
    { 0x00, NEEDS_MEDIUM, cmd_test_unit_ready },
    { 0x1b, 0, cmd_start_stop },
    { 0x1e, 0, cmd_prevent_removal },
    { 0x25, NEEDS_MEDIUM, cmd_read_capacity },
    { 0x28, NEEDS_MEDIUM, cmd_read_10 },
    { 0x2b, NEEDS_MEDIUM, cmd_seek },
    { 0x43, NEEDS_MEDIUM, mmc_read_toc },
    { 0x46, 0, mmc_get_configuration },
    { 0x4a, 0, mmc_event_status },
    { 0x51, NEEDS_MEDIUM, mmc_read_disc_info },
    { 0x5a, 0, mmc_mode_sense },
    { 0xa8, NEEDS_MEDIUM, cmd_read_12 },
    { 0xbb, 0, cmd_set_speed },
    { 0xbd, 0, mmc_mechanism_status },
    { 0xbe, NEEDS_MEDIUM, cmd_read_cd },
};

bool mmc_command(const MmcDrive *d, const uint8_t *cdb, ScsiAnswer *a)
{
    const MmcCommand *c = mmc_commands;
    const MmcCommand *end = c + G_N_ELEMENTS(mmc_commands);

    while (c < end && c->code != cdb[0]) {
        c++;
    }
    if (c == end) {
        return false;
    }
    if ((c->flags & NEEDS_MEDIUM) && !mmc_has_medium(d)) {
        scsi_answer_sense(a, SENSE_NOT_READY,
                          *d->tray_open ? CODE_NO_MEDIUM_OPEN
                                        : CODE_NO_MEDIUM_CLOSED);
    } else {
        c->fn(d, cdb, a);
    }
    return true;
}
