/*
 * The packet commands of a CD drive on an ATA channel: hw/scsi/mmc.c carries
 * them out; sense data is kept here until the host asks for it (ATA-7, 6.24).
 */
#include "base/bytes.h"
#include "base/log.h"
#include "atapi.h"

typedef uint8_t Packet[PACKET_BYTES];

enum { CMD_REQUEST_SENSE = 0x03, CMD_INQUIRY = 0x12 };

/* The zeroed buffer, for an answer. */
static uint8_t *answer_buffer(IdeDrive *d)
{
    memset(d->s.buffer, 0, sizeof d->s.buffer);
    return d->s.buffer;
}

static void clear_sense(IdeDrive *d)
{
    d->s.sense_key = d->s.sense_asc = d->s.sense_ascq = 0;
}

static void cmd_request_sense(IdeDrive *d, const uint8_t *packet)
{
    uint16_t code = d->s.sense_asc << 8 | d->s.sense_ascq;

    scsi_put_sense(answer_buffer(d), (ScsiSense){ d->s.sense_key, code });
    clear_sense(d);
    atapi_answer(d, SCSI_SENSE_BYTES, packet[4]);
}

static void cmd_inquiry(IdeDrive *d, const uint8_t *packet)
{
    const ScsiIdentity id = { .type = 5,
                              .removable = true,
                              .atapi = true,
                              .vendor = "QEMU",
                              .product = d->model,
                              .version = d->version };

    clear_sense(d);
    if (packet[1] & 3) {                /* no vital product data */
        atapi_error(d, SENSE_ILLEGAL_REQUEST, CODE_BAD_FIELD);
        return;
    }
    scsi_put_inquiry(answer_buffer(d), &id);
    atapi_answer(d, 36, packet[4]);
}

static void follow(IdeDrive *d, const ScsiAnswer *a)
{
    switch (a->outcome) {
    case SCSI_OUTCOME_DONE:
        atapi_done(d);
        break;
    case SCSI_OUTCOME_SENSE:
        atapi_error(d, a->sense.key, a->sense.code);
        break;
    case SCSI_OUTCOME_BYTES:
        atapi_answer(d, a->bytes, a->allocated);
        break;
    case SCSI_OUTCOME_BLOCKS:
        atapi_answer_blocks(d, a->lba, a->count, a->block_bytes);
        break;
    }
}

MmcDrive atapi_mmc(IdeDrive *d)
{
    return (MmcDrive){ .block = d->block,
                       .atapi = true,
                       .tray_open = &d->s.tray_open,
                       .tray_locked = &d->s.tray_locked };
}

void atapi_packet(IdeDrive *d)
{
    const MmcDrive mmc = atapi_mmc(d);
    Packet packet;

    memcpy(packet, d->s.buffer, sizeof packet);
    if (packet[0] == CMD_REQUEST_SENSE) {
        cmd_request_sense(d, packet);
        return;
    }
    if (packet[0] == CMD_INQUIRY) {
        cmd_inquiry(d, packet);
        return;
    }
    clear_sense(d);
    ScsiAnswer answer = { .data = answer_buffer(d) };
    if (!mmc_command(&mmc, packet, &answer)) {
        guest_unimp("%s: packet command 0x%02x\n", d->dev.path, packet[0]);
        atapi_error(d, SENSE_ILLEGAL_REQUEST, CODE_BAD_COMMAND);
        return;
    }
    follow(d, &answer);
}
