/*
 * What a CD drive tells about itself and its disc: mode pages, the table of
 * contents, features and events. MMC-6, section 6.
 */
#include "base/bytes.h"
#include "mmc.h"

#define PROFILE_CD_ROM  0x0008u
#define PROFILE_DVD_ROM 0x0010u
/* More than this does not fit on a CD: 80 minutes of 75 frames a second. */
#define CD_MAX_BLOCKS (80u * 60u * 75u)

/* --- MODE SENSE(10) ------------------------------------------------------------------*/

/* Read error recovery, MMC-3 table 326. */
static const uint8_t page_recovery[] = { 0x01, 0x06, 0x00, 0x05 };
/* CD audio control, table 334: immediate, two channels. */
static const uint8_t page_audio[] = { 0x0e, 0x0e, 0x04, 0x00, 0x00, 0x00,
                                      0x00, 0x00, 0x01, 0xff, 0x02, 0xff };
/* Capabilities and mechanical status, table 339: reads CD-R, CD-RW, DVD; mode
 * 2; tray, lockable; 706 kB/s. */
static const uint8_t page_capabilities[] = {
    0x2a, 0x12, 0x3b, 0x00, 0x71, 0x60, 0x29, 0x00, 0x02, 0xc2,
    0x00, 0x02, 0x02, 0x00, 0x02, 0xc2,
};

typedef struct ModePage {
    const uint8_t *head;   /* the rest is zero */
    uint8_t head_bytes;
} ModePage;

static const ModePage mode_pages[] = {
    { page_recovery, sizeof page_recovery },
    { page_audio, sizeof page_audio },
    { page_capabilities, sizeof page_capabilities },
};

void mmc_mode_sense(const MmcDrive *d, const uint8_t *cdb,
                    ScsiAnswer *a)
{
    unsigned page = cdb[2] & 0x3f, control = cdb[2] >> 6, len = 8;
    uint8_t *out = a->data;

    if (control == 3) {                 /* saved values */
        scsi_answer_sense(a, SENSE_ILLEGAL_REQUEST, CODE_SAVING_UNSUPPORTED);
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(mode_pages); i++) {
        const ModePage *p = &mode_pages[i];
        if (page != 0x3f && page != p->head[0]) {
            continue;
        }
        /* Changeable values: nothing is. */
        memcpy(out + len, p->head, control == 1 ? 2 : p->head_bytes);
        if (p->head[0] == 0x2a && *d->tray_locked && control != 1) {
            out[len + 6] |= 2;
        }
        len += 2 + p->head[1];
    }
    if (len == 8) {
        mmc_bad_field(a);
        return;
    }
    bytes_st_be16(out, len - 2);
    out[2] = *d->tray_open ? 0x71 : mmc_has_medium(d) ? 0x01 : 0x70;
    scsi_answer_bytes(a, len, bytes_ld_be16(cdb + 7));
}

/* --- READ TOC: one data track ------------------------------------------------------*/

static void toc_address(uint8_t *out, bool msf, uint32_t lba)
{
    if (msf) {
        out[0] = 0;
        mmc_lba_to_msf(out + 1, lba);
    } else {
        bytes_st_be32(out, lba);
    }
}

/* Format 0: the track, and the lead-out as track AAh. */
static unsigned toc_tracks(const MmcDrive *d, uint8_t *out, bool msf,
                           uint8_t start)
{
    unsigned len = 4;

    out[2] = out[3] = 1;
    if (start <= 1) {
        out[len + 1] = 0x14;            /* data track */
        out[len + 2] = 1;
        toc_address(out + len + 4, msf, 0);
        len += 8;
    }
    out[len + 1] = 0x16;
    out[len + 2] = 0xaa;
    toc_address(out + len + 4, msf, mmc_blocks(d));
    return len + 8;
}

/* Format 1: the only session starts with track 1. */
static unsigned toc_sessions(const MmcDrive *d, uint8_t *out, bool msf)
{
    out[2] = out[3] = 1;
    out[5] = 0x14;
    out[6] = 1;
    toc_address(out + 8, msf, 0);
    return 12;
}

/* Format 2: the Q channel's points A0h, A1h, A2h and the track. */
static unsigned toc_full(const MmcDrive *d, uint8_t *out)
{
    static const uint8_t points[] = { 0xa0, 0xa1, 0xa2, 1 };
    unsigned len = 4;

    out[2] = out[3] = 1;
    for (unsigned i = 0; i < G_N_ELEMENTS(points); i++, len += 11) {
        uint8_t *entry = out + len;
        entry[0] = 1;
        entry[1] = 0x14;
        entry[3] = points[i];
        entry[8] = points[i] == 0xa0 || points[i] == 0xa1;
        if (points[i] == 0xa2) {
            mmc_lba_to_msf(entry + 8, mmc_blocks(d));
        } else if (points[i] == 1) {
            mmc_lba_to_msf(entry + 8, 0);
        }
    }
    return len;
}

void mmc_read_toc(const MmcDrive *d, const uint8_t *cdb,
                  ScsiAnswer *a)
{
    bool msf = cdb[1] & 2;
    unsigned format = cdb[2] & 0x0f;
    uint8_t *out = a->data;
    unsigned len;

    if (format == 0) {
        format = cdb[9] >> 6;        /* where SFF-8020 had it */
    }
    if (format == 0 && cdb[6] > 1 && cdb[6] != 0xaa) {
        mmc_bad_field(a);
        return;
    }
    if (format > 2) {
        mmc_bad_field(a);
        return;
    }
    len = format == 0   ? toc_tracks(d, out, msf, cdb[6])
          : format == 1 ? toc_sessions(d, out, msf)
                        : toc_full(d, out);
    bytes_st_be16(out, len - 2);
    scsi_answer_bytes(a, len, bytes_ld_be16(cdb + 7));
}

void mmc_read_disc_info(const MmcDrive *d, const uint8_t *cdb,
                        ScsiAnswer *a)
{
    uint8_t *out = a->data;

    if (cdb[1] & 7) {
        mmc_bad_field(a);
        return;
    }
    bytes_st_be16(out, 32);
    out[2] = 0x0e;                      /* complete, last session complete */
    out[3] = out[4] = out[5] = out[6] = 1;
    out[7] = 0x20;                      /* unrestricted use */
    scsi_answer_bytes(a, 34, bytes_ld_be16(cdb + 7));
}

/* --- what the drive can do ---------------------------------------------------------*/

static uint16_t current_profile(const MmcDrive *d)
{
    uint32_t blocks = mmc_blocks(d);
    return !blocks                  ? 0
           : blocks > CD_MAX_BLOCKS ? PROFILE_DVD_ROM
                                    : PROFILE_CD_ROM;
}

/* Feature 0: the list of profiles. */
static unsigned feature_profiles(const MmcDrive *d, uint8_t *out)
{
    static const uint16_t profiles[] = { PROFILE_DVD_ROM, PROFILE_CD_ROM };

    out[2] = 0x03;                      /* persistent, current */
    out[3] = 4 * G_N_ELEMENTS(profiles);
    for (unsigned i = 0; i < G_N_ELEMENTS(profiles); i++) {
        bytes_st_be16(out + 4 + 4 * i, profiles[i]);
        out[6 + 4 * i] = profiles[i] == current_profile(d);
    }
    return 4 + out[3];
}

/* Feature 1, core: the interface is SCSI or ATAPI. */
static unsigned feature_core(const MmcDrive *d, uint8_t *out)
{
    out[1] = 1;
    out[2] = 0x0b;                      /* version 2 */
    out[3] = 8;
    out[7] = d->atapi ? 2 : 1;
    out[8] = 1;                         /* device busy events */
    return 12;
}

/* Feature 3, removable medium: tray, ejects, locks. */
static unsigned feature_removable(const MmcDrive *d, uint8_t *out)
{
    out[1] = 3;
    out[2] = 0x03;
    out[3] = 4;
    out[4] = 0x29;
    return 8;
}

void mmc_get_configuration(const MmcDrive *d, const uint8_t *cdb,
                           ScsiAnswer *a)
{
    static unsigned (*const features[])(const MmcDrive *, uint8_t *) = {
        feature_profiles, feature_core, feature_removable
    };
    static const uint16_t codes[] = { 0, 1, 3 };
    unsigned requested = cdb[1] & 3, start = bytes_ld_be16(cdb + 2);
    unsigned len = 8;
    uint8_t *out = a->data;

    if (requested == 3) {
        mmc_bad_field(a);
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(features); i++) {
        if (requested == 2 ? codes[i] == start : codes[i] >= start) {
            len += features[i](d, out + len);
        }
    }
    bytes_st_be32(out, len - 4);
    bytes_st_be16(out + 6, current_profile(d));
    scsi_answer_bytes(a, len, bytes_ld_be16(cdb + 7));
}

/* Polled only; the media class is the only one, and nothing ever happens. */
void mmc_event_status(const MmcDrive *d, const uint8_t *cdb,
                      ScsiAnswer *a)
{
    uint8_t *out = a->data;

    if (!(cdb[1] & 1)) {
        mmc_bad_field(a);
        return;
    }
    out[3] = 1 << 4;
    if (!(cdb[4] & 1 << 4)) {
        bytes_st_be16(out, 2);
        out[2] = 0x80;                  /* no event available */
        scsi_answer_bytes(a, 4, bytes_ld_be16(cdb + 7));
        return;
    }
    bytes_st_be16(out, 6);
    out[2] = 4;
    out[5] = (*d->tray_open ? 1 : 0) | (mmc_has_medium(d) ? 2 : 0);
    scsi_answer_bytes(a, 8, bytes_ld_be16(cdb + 7));
}

void mmc_mechanism_status(const MmcDrive *d, const uint8_t *cdb,
                          ScsiAnswer *a)
{
    uint8_t *out = a->data;
    out[5] = 1;
    scsi_answer_bytes(a, 8, bytes_ld_be16(cdb + 8));
}
