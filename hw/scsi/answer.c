/*
 * Answers that SCSI devices of every kind give: sense data and INQUIRY. See
 * hw/scsi.h.
 */
#include "base/bytes.h"
#include "hw/scsi.h"

void scsi_answer_sense(ScsiAnswer *a, uint8_t key, uint16_t code)
{
    a->outcome = SCSI_OUTCOME_SENSE;
    a->sense = (ScsiSense){ key, code };
}

void scsi_answer_bytes(ScsiAnswer *a, uint32_t bytes, uint32_t allocated)
{
    g_assert(bytes <= SCSI_ANSWER_BYTES);
    a->outcome = SCSI_OUTCOME_BYTES;
    a->bytes = bytes;
    a->allocated = allocated;
}

void scsi_put_text(uint8_t *out, const char *text, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        out[i] = *text ? *text++ : ' ';
    }
}

/* An ATAPI drive is of no version and of response format 1 (SFF-8020). */
void scsi_put_inquiry(uint8_t *out, const ScsiIdentity *id)
{
    out[0] = id->type;
    out[1] = id->removable ? 0x80 : 0;
    out[2] = id->atapi ? 0 : 6;         /* SPC-4 */
    out[3] = id->atapi ? 0x21 : 0x02;   /* response data format */
    out[4] = 36 - 5;
    out[7] = id->atapi ? 0 : 0x02;      /* command queuing */
    scsi_put_text(out + 8, id->vendor ? id->vendor : "", 8);
    scsi_put_text(out + 16, id->product ? id->product : "", 16);
    scsi_put_text(out + 32, id->version ? id->version : "", 4);
}

void scsi_put_sense(uint8_t *out, ScsiSense sense)
{
    memset(out, 0, SCSI_SENSE_BYTES);
    out[0] = 0x70;                      /* current, fixed format */
    out[2] = sense.key;
    out[7] = SCSI_SENSE_BYTES - 8;
    bytes_st_be16(out + 12, sense.code);
}
