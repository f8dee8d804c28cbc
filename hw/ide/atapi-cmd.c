/*
 * The packet commands of a CD drive: MMC-3 (T10/1363-D), section 6, and SPC-2
 * for those that every SCSI device has.
 *
 * Packets and answers are big-endian. Answers are built in the drive's buffer,
 * after the packet has been copied out of it.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "atapi.h"

typedef uint8_t Packet[PACKET_BYTES];

#define CD_BLOCK 2048u
#define FRAMES_PER_SECOND 75u
#define LEAD_IN_FRAMES 150u

#define PROFILE_CD_ROM 0x0008
#define PROFILE_DVD_ROM 0x0010
/* More than this does not fit on a CD: 80 minutes. */
#define CD_MAX_BLOCKS (80u * 60u * FRAMES_PER_SECOND)

static bool has_medium(const IdeDrive *d)
{
    return d->block && !blockdev_is_empty(d->block) && !d->s.tray_open;
}

uint32_t atapi_blocks(const IdeDrive *d)
{
    uint64_t n = has_medium(d) ? blockdev_size_bytes(d->block) / CD_BLOCK : 0;
    return MIN(n, UINT32_MAX);
}

void atapi_lba_to_msf(uint8_t *msf, uint32_t lba)
{
    uint64_t frames = (uint64_t)lba + LEAD_IN_FRAMES;
    msf[0] = frames / FRAMES_PER_SECOND / 60;
    msf[1] = frames / FRAMES_PER_SECOND % 60;
    msf[2] = frames % FRAMES_PER_SECOND;
}

static void invalid_field(IdeDrive *d)
{
    atapi_error(d, SENSE_ILLEGAL_REQUEST, 0x24, 0);
}

/* The zeroed buffer, for an answer. */
static uint8_t *answer_buffer(IdeDrive *d)
{
    memset(d->s.buffer, 0, sizeof d->s.buffer);
    return d->s.buffer;
}

/* --- any SCSI device ------------------------------------------------------------*/

static void cmd_test_unit_ready(IdeDrive *d, const uint8_t *packet)
{
    atapi_done(d);
}

static void cmd_request_sense(IdeDrive *d, const uint8_t *packet)
{
    uint8_t *out = answer_buffer(d);

    out[0] = 0x70;                      /* current, fixed format */
    out[2] = d->s.sense_key;
    out[7] = 10;
    out[12] = d->s.sense_asc;
    out[13] = d->s.sense_ascq;
    d->s.sense_key = d->s.sense_asc = d->s.sense_ascq = 0;
    atapi_answer(d, 18, packet[4]);
}

static void put_text(uint8_t *out, const char *text, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        out[i] = *text ? *text++ : ' ';
    }
}

static void cmd_inquiry(IdeDrive *d, const uint8_t *packet)
{
    uint8_t *out = answer_buffer(d);

    if (packet[1] & 3) {                /* no vital product data */
        invalid_field(d);
        return;
    }
    out[0] = 5;                         /* CD/DVD device */
    out[1] = 0x80;                      /* removable */
    out[3] = 0x21;                      /* ATAPI, answer format 1 */
    out[4] = 31;
    put_text(out + 8, "QEMU", 8);
    put_text(out + 16, d->model ? d->model : "", 16);
    put_text(out + 32, d->version ? d->version : "", 4);
    atapi_answer(d, 36, packet[4]);
}

static void cmd_start_stop(IdeDrive *d, const uint8_t *packet)
{
    bool start = packet[4] & 1, load_eject = packet[4] & 2;

    if (load_eject) {
        if (!start && d->s.tray_locked) {
            atapi_error(d, SENSE_ILLEGAL_REQUEST, 0x53, 2);
            return;
        }
        d->s.tray_open = !start;
    }
    atapi_done(d);
}

static void cmd_prevent_removal(IdeDrive *d, const uint8_t *packet)
{
    d->s.tray_locked = packet[4] & 1;
    atapi_done(d);
}

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

static void cmd_mode_sense(IdeDrive *d, const uint8_t *packet)
{
    unsigned page = packet[2] & 0x3f, control = packet[2] >> 6, len = 8;
    uint8_t *out = answer_buffer(d);

    if (control == 3) {                 /* saved values */
        atapi_error(d, SENSE_ILLEGAL_REQUEST, 0x39, 0);
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(mode_pages); i++) {
        const ModePage *p = &mode_pages[i];
        if (page != 0x3f && page != p->head[0]) {
            continue;
        }
        /* Changeable values: nothing is. */
        memcpy(out + len, p->head, control == 1 ? 2 : p->head_bytes);
        if (p->head[0] == 0x2a && d->s.tray_locked && control != 1) {
            out[len + 6] |= 2;
        }
        len += 2 + p->head[1];
    }
    if (len == 8) {
        invalid_field(d);
        return;
    }
    bytes_st_be16(out, len - 2);
    out[2] = d->s.tray_open ? 0x71 : has_medium(d) ? 0x01 : 0x70;
    atapi_answer(d, len, bytes_ld_be16(packet + 7));
}

/* --- the medium ---------------------------------------------------------------------*/

static void cmd_read_capacity(IdeDrive *d, const uint8_t *packet)
{
    uint8_t *out = answer_buffer(d);
    bytes_st_be32(out, MAX(atapi_blocks(d), 1) - 1);
    bytes_st_be32(out + 4, CD_BLOCK);
    atapi_answer(d, 8, 8);
}

static bool in_range(IdeDrive *d, uint32_t lba, uint32_t count)
{
    uint32_t blocks = atapi_blocks(d);
    if (lba > blocks || count > blocks - lba) {
        atapi_error(d, SENSE_ILLEGAL_REQUEST, 0x21, 0);
        return false;
    }
    return true;
}

static void cmd_read_10(IdeDrive *d, const uint8_t *packet)
{
    uint32_t lba = bytes_ld_be32(packet + 2), n = bytes_ld_be16(packet + 7);
    if (in_range(d, lba, n)) {
        atapi_answer_blocks(d, lba, n, CD_BLOCK);
    }
}

static void cmd_read_12(IdeDrive *d, const uint8_t *packet)
{
    uint32_t lba = bytes_ld_be32(packet + 2), n = bytes_ld_be32(packet + 6);
    if (in_range(d, lba, n)) {
        atapi_answer_blocks(d, lba, n, CD_BLOCK);
    }
}

/* READ CD: byte 9 says which parts of the sector are wanted. */
static void cmd_read_cd(IdeDrive *d, const uint8_t *packet)
{
    uint32_t lba = bytes_ld_be32(packet + 2);
    uint32_t n = packet[6] << 16 | bytes_ld_be16(packet + 7);

    if (!in_range(d, lba, n)) {
        return;
    }
    switch (packet[9] & 0xf8) {
    case 0x00:
        atapi_done(d);
        break;
    case 0x10:
        atapi_answer_blocks(d, lba, n, CD_BLOCK);
        break;
    case 0xf8:
        atapi_answer_blocks(d, lba, n, 2352);
        break;
    default:
        invalid_field(d);
    }
}

static void cmd_seek(IdeDrive *d, const uint8_t *packet)
{
    if (in_range(d, bytes_ld_be32(packet + 2), 1)) {
        atapi_done(d);
    }
}

/* --- READ TOC: one data track ------------------------------------------------------*/

static void toc_address(uint8_t *out, bool msf, uint32_t lba)
{
    if (msf) {
        out[0] = 0;
        atapi_lba_to_msf(out + 1, lba);
    } else {
        bytes_st_be32(out, lba);
    }
}

/* Format 0: the track, and the lead-out as track AAh. */
static unsigned toc_tracks(IdeDrive *d, uint8_t *out, bool msf, uint8_t start)
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
    toc_address(out + len + 4, msf, atapi_blocks(d));
    return len + 8;
}

/* Format 1: the only session starts with track 1. */
static unsigned toc_sessions(IdeDrive *d, uint8_t *out, bool msf)
{
    out[2] = out[3] = 1;
    out[5] = 0x14;
    out[6] = 1;
    toc_address(out + 8, msf, 0);
    return 12;
}

/* Format 2: the Q channel's points A0h, A1h, A2h and the track. */
static unsigned toc_full(IdeDrive *d, uint8_t *out)
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
            atapi_lba_to_msf(entry + 8, atapi_blocks(d));
        } else if (points[i] == 1) {
            atapi_lba_to_msf(entry + 8, 0);
        }
    }
    return len;
}

static void cmd_read_toc(IdeDrive *d, const uint8_t *packet)
{
    bool msf = packet[1] & 2;
    unsigned format = packet[2] & 0x0f;
    uint8_t *out = answer_buffer(d);
    unsigned len;

    if (format == 0) {
        format = packet[9] >> 6;        /* where SFF-8020 had it */
    }
    if (format == 0 && packet[6] > 1 && packet[6] != 0xaa) {
        invalid_field(d);
        return;
    }
    if (format > 2) {
        invalid_field(d);
        return;
    }
    len = format == 0   ? toc_tracks(d, out, msf, packet[6])
          : format == 1 ? toc_sessions(d, out, msf)
                        : toc_full(d, out);
    bytes_st_be16(out, len - 2);
    atapi_answer(d, len, bytes_ld_be16(packet + 7));
}

static void cmd_read_disc_info(IdeDrive *d, const uint8_t *packet)
{
    uint8_t *out = answer_buffer(d);

    if (packet[1] & 7) {
        invalid_field(d);
        return;
    }
    bytes_st_be16(out, 32);
    out[2] = 0x0e;                      /* complete, last session complete */
    out[3] = out[4] = out[5] = out[6] = 1;
    out[7] = 0x20;                      /* unrestricted use */
    atapi_answer(d, 34, bytes_ld_be16(packet + 7));
}

/* --- what the drive can do ---------------------------------------------------------*/

static uint16_t current_profile(const IdeDrive *d)
{
    uint32_t blocks = atapi_blocks(d);
    return !blocks                  ? 0
           : blocks > CD_MAX_BLOCKS ? PROFILE_DVD_ROM
                                    : PROFILE_CD_ROM;
}

/* Feature 0: the list of profiles. */
static unsigned feature_profiles(IdeDrive *d, uint8_t *out)
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

/* Feature 1, core: the interface is ATAPI. */
static unsigned feature_core(IdeDrive *d, uint8_t *out)
{
    out[1] = 1;
    out[2] = 0x0b;                      /* version 2 */
    out[3] = 8;
    out[7] = 2;
    out[8] = 1;                         /* device busy events */
    return 12;
}

/* Feature 3, removable medium: tray, ejects, locks. */
static unsigned feature_removable(IdeDrive *d, uint8_t *out)
{
    out[1] = 3;
    out[2] = 0x03;
    out[3] = 4;
    out[4] = 0x29;
    return 8;
}

static void cmd_get_configuration(IdeDrive *d, const uint8_t *packet)
{
    static unsigned (*const features[])(IdeDrive *, uint8_t *) = {
        feature_profiles, feature_core, feature_removable
    };
    static const uint16_t codes[] = { 0, 1, 3 };
    unsigned requested = packet[1] & 3, start = bytes_ld_be16(packet + 2);
    unsigned len = 8;
    uint8_t *out = answer_buffer(d);

    if (requested == 3) {
        invalid_field(d);
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(features); i++) {
        if (requested == 2 ? codes[i] == start : codes[i] >= start) {
            len += features[i](d, out + len);
        }
    }
    bytes_st_be32(out, len - 4);
    bytes_st_be16(out + 6, current_profile(d));
    atapi_answer(d, len, bytes_ld_be16(packet + 7));
}

/* Polled only; the media class is the only one, and nothing ever happens. */
static void cmd_event_status(IdeDrive *d, const uint8_t *packet)
{
    uint8_t *out = answer_buffer(d);

    if (!(packet[1] & 1)) {
        invalid_field(d);
        return;
    }
    out[3] = 1 << 4;
    if (!(packet[4] & 1 << 4)) {
        bytes_st_be16(out, 2);
        out[2] = 0x80;                  /* no event available */
        atapi_answer(d, 4, bytes_ld_be16(packet + 7));
        return;
    }
    bytes_st_be16(out, 6);
    out[2] = 4;
    out[5] = (d->s.tray_open ? 1 : 0) | (has_medium(d) ? 2 : 0);
    atapi_answer(d, 8, bytes_ld_be16(packet + 7));
}

static void cmd_mechanism_status(IdeDrive *d, const uint8_t *packet)
{
    uint8_t *out = answer_buffer(d);
    out[5] = 1;
    atapi_answer(d, 8, bytes_ld_be16(packet + 8));
}

static void cmd_set_speed(IdeDrive *d, const uint8_t *packet)
{
    atapi_done(d);
}

/* --- dispatch -------------------------------------------------------------------------*/

enum { NEEDS_MEDIUM = 1, KEEPS_SENSE = 2 };

typedef struct PacketCommand {
    uint8_t code;
    uint8_t flags;
    void (*fn)(IdeDrive *d, const uint8_t *packet);
} PacketCommand;

static const PacketCommand packet_commands[] = {
    { 0x00, NEEDS_MEDIUM, cmd_test_unit_ready },
    { 0x03, KEEPS_SENSE, cmd_request_sense },
    { 0x12, 0, cmd_inquiry },
    { 0x1b, 0, cmd_start_stop },
    { 0x1e, 0, cmd_prevent_removal },
    { 0x25, NEEDS_MEDIUM, cmd_read_capacity },
    { 0x28, NEEDS_MEDIUM, cmd_read_10 },
    { 0x2b, NEEDS_MEDIUM, cmd_seek },
    { 0x43, NEEDS_MEDIUM, cmd_read_toc },
    { 0x46, 0, cmd_get_configuration },
    { 0x4a, 0, cmd_event_status },
    { 0x51, NEEDS_MEDIUM, cmd_read_disc_info },
    { 0x5a, 0, cmd_mode_sense },
    { 0xa8, NEEDS_MEDIUM, cmd_read_12 },
    { 0xbb, 0, cmd_set_speed },
    { 0xbd, 0, cmd_mechanism_status },
    { 0xbe, NEEDS_MEDIUM, cmd_read_cd },
};

static const PacketCommand *packet_find(uint8_t code)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(packet_commands); i++) {
        if (packet_commands[i].code == code) {
            return &packet_commands[i];
        }
    }
    return NULL;
}

void atapi_packet(IdeDrive *d)
{
    Packet packet;
    memcpy(packet, d->s.buffer, sizeof packet);
    const PacketCommand *c = packet_find(packet[0]);

    if (!c) {
        guest_unimp("%s: packet command 0x%02x\n", d->dev.path, packet[0]);
        atapi_error(d, SENSE_ILLEGAL_REQUEST, 0x20, 0);
        return;
    }
    if ((c->flags & NEEDS_MEDIUM) && !has_medium(d)) {
        atapi_error(d, SENSE_NOT_READY, 0x3a, d->s.tray_open ? 2 : 1);
        return;
    }
    if (!(c->flags & KEEPS_SENSE)) {
        d->s.sense_key = d->s.sense_asc = d->s.sense_ascq = 0;
    }
    c->fn(d, packet);
}
