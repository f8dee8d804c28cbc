/*
 * What every logical unit tells about itself: INQUIRY with its vital product
 * data, REQUEST SENSE, REPORT LUNS. SPC-4, section 6; pages of SBC-3, 6.5.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "unit.h"

#define PAGE_HEADER 4u
#define PAGE_MAX    256u

/* A page of vital product data: fills in what follows its header of four
 * bytes; the length of that. */
typedef struct VpdPage {
    uint8_t code;
    bool disk_only;
    unsigned (*fill)(const ScsiDevice *d, uint8_t *out);
} VpdPage;

static unsigned put_string(uint8_t *out, const char *text, unsigned max)
{
    unsigned n = MIN(strlen(text), max);
    memcpy(out, text, n);
    return n;
}

/* 80h, 7.8.15. */
static unsigned vpd_serial(const ScsiDevice *d, uint8_t *out)
{
    return put_string(out, d->serial ? d->serial : "", 36);
}

/* A designator's header, 7.8.6.1. */
static unsigned designator(uint8_t *out, uint8_t code_set, uint8_t type,
                           unsigned len)
{
    out[0] = code_set;
    out[1] = type;
    out[3] = len;
    return 4 + len;
}

/* 83h, 7.8.6: what the user calls it, in ASCII, after the vendor's name (7.8.6.4);
 * and its name in the world, if it has one (7.8.6.6). */
static unsigned vpd_designation(const ScsiDevice *d, uint8_t *out)
{
    const char *name = d->device_id ? d->device_id
                       : d->serial  ? d->serial
                       : d->block   ? blockdev_node(d->block) : NULL;
    unsigned len = 0;

    if (name) {
        scsi_put_text(out + 4, d->vendor, 8);
        len = designator(out, 2, 1, 8 + put_string(out + 12, name, 36));
    }
    if (d->wwn) {
        bytes_st_be64(out + len + 4, d->wwn);
        len += designator(out + len, 1, 3, 8);
    }
    return len;
}

/* B0h, block limits, SBC-3, 6.5.3. */
static unsigned vpd_limits(const ScsiDevice *d, uint8_t *out)
{
    uint32_t move = SCSI_MOVE_MAX_BYTES / d->block_bytes;

    out[0] = 1;                         /* WSNZ: WRITE SAME of 0 is nothing */
    bytes_st_be32(out + 4, move);       /* maximum transfer length */
    bytes_st_be32(out + 16, SCSI_CLEAR_MAX_BYTES / d->block_bytes);
    bytes_st_be32(out + 20, 255);       /* descriptors of one UNMAP */
    bytes_st_be32(out + 24, d->physical_bytes / d->block_bytes);
    bytes_st_be64(out + 32, move);      /* WRITE SAME */
    return 0x3c;
}

/* B1h, block device characteristics, 6.5.2. */
static unsigned vpd_characteristics(const ScsiDevice *d, uint8_t *out)
{
    bytes_st_be16(out, d->rotation_rate);
    return 0x3c;
}

/* B2h, logical block provisioning, 6.5.4: UNMAP and both WRITE SAMEs unmap,
 * what is unmapped reads as zeroes, thin. */
static unsigned vpd_provisioning(const ScsiDevice *d, uint8_t *out)
{
    out[1] = 0x80 | 0x40 | 0x20 | 0x04;
    out[2] = 2;
    return 4;
}

static unsigned vpd_supported(const ScsiDevice *d, uint8_t *out);

static const VpdPage vpd_pages[] = {
    { 0x00, false, vpd_supported },
    { 0x80, false, vpd_serial },
    { 0x83, false, vpd_designation },
    { 0xb0, true, vpd_limits },
    { 0xb1, true, vpd_characteristics },
    { 0xb2, true, vpd_provisioning },
};

/* A unit without a serial number has no page for it. */
static bool has_page(const ScsiDevice *d, const VpdPage *p)
{
    return !(p->disk_only && d->cd) && !(p->code == 0x80 && !d->serial);
}

static unsigned vpd_supported(const ScsiDevice *d, uint8_t *out)
{
    unsigned n = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(vpd_pages); i++) {
        if (has_page(d, &vpd_pages[i])) {
            out[n++] = vpd_pages[i].code;
        }
    }
    return n;
}

static void inquire_page(const ScsiDevice *d, ScsiTask *t)
{
    uint8_t out[PAGE_MAX] = { d->cd ? 5 : 0, t->cdb[2] };

    for (unsigned i = 0; i < G_N_ELEMENTS(vpd_pages); i++) {
        if (vpd_pages[i].code == t->cdb[2] && has_page(d, &vpd_pages[i])) {
            unsigned n = vpd_pages[i].fill(d, out + PAGE_HEADER);
            bytes_st_be16(out + 2, n);
            task_answer(t, out, PAGE_HEADER + n, bytes_ld_be16(t->cdb + 3));
            return;
        }
    }
    task_bad_field(t);
}

void spc_inquiry(ScsiDevice *d, ScsiTask *t)
{
    const ScsiIdentity id = { .type = d->cd ? 5 : 0,
                              .removable = d->removable || d->cd,
                              .vendor = d->vendor,
                              .product = d->product,
                              .version = d->version };
    uint8_t out[36] = { 0 };

    if (t->cdb[1] & 1) {
        inquire_page(d, t);
    } else if (t->cdb[1] || t->cdb[2]) {
        task_bad_field(t);
    } else {
        scsi_put_inquiry(out, &id);
        task_answer(t, out, sizeof out, bytes_ld_be16(t->cdb + 3));
    }
}

/* 6.39: sense data went with the command that failed, so what is left to be
 * told is a unit attention. Only the fixed format is known. */
static void answer_sense(ScsiTask *t, ScsiSense sense)
{
    uint8_t out[SCSI_SENSE_BYTES];

    if (t->cdb[1] & 1) {
        task_bad_field(t);
        return;
    }
    scsi_put_sense(out, sense);
    task_answer(t, out, sizeof out, t->cdb[4]);
}

void spc_request_sense(ScsiDevice *d, ScsiTask *t)
{
    ScsiSense sense = { SENSE_NONE, 0 };

    if (d->s.attention) {
        sense = (ScsiSense){ SENSE_UNIT_ATTENTION, d->s.attention };
    }
    answer_sense(t, sense);
    if (t->status == SCSI_GOOD) {
        d->s.attention = 0;
    }
}

/* --- REPORT LUNS, and logical units that are not there -----------------------------*/

void spc_report_luns(ScsiDevice *d, ScsiTask *t)
{
    spc_list_luns(d->bus, d->channel, d->target, t);
}

/* SPC-4, 6.6.2 and SAM-5, 5.12: INQUIRY says that there is none; REQUEST SENSE
 * and everything else that there is no such number. */
void spc_no_unit(ScsiBus *bus, const ScsiAddress *at, ScsiTask *t)
{
    uint8_t out[36] = { 0x7f, 0, 6, 0x02, 36 - 5 };

    switch (t->cdb[0]) {
    case 0x03:
        answer_sense(t, (ScsiSense){ SENSE_ILLEGAL_REQUEST, CODE_BAD_LUN });
        break;
    case 0x12:
        if (t->cdb[1] || t->cdb[2]) {
            task_bad_field(t);
        } else {
            task_answer(t, out, sizeof out, bytes_ld_be16(t->cdb + 3));
        }
        break;
    case 0xa0:
        spc_list_luns(bus, at->channel, at->target, t);
        break;
    default:
        task_sense(t, SENSE_ILLEGAL_REQUEST, CODE_BAD_LUN);
    }
}
