/*
 * What only drives behind a serial link have: registers that come in a frame,
 * a reset of the link, and the log of the queue's error. See hw/ide/ahci.h for
 * the link's other side; SATA 2.6, 10.3 and 11.2.
 */
#include "drive.h"

/* A register FIS from the host: byte 2 is the command. */
void drive_load_fis(IdeDrive *d, const uint8_t *fis)
{
    DriveState *s = &d->s;

    s->feature = fis[3];
    s->lba_low = fis[4];
    s->lba_mid = fis[5];
    s->lba_high = fis[6];
    s->select = fis[7];
    s->hob_lba_low = fis[8];
    s->hob_lba_mid = fis[9];
    s->hob_lba_high = fis[10];
    s->hob_feature = fis[11];
    s->nsector = fis[12];
    s->hob_nsector = fis[13];
    s->control = fis[15];
}

void drive_hard_reset(IdeDrive *d)
{
    drive_stop(d);
    d->s.control = 0;
    drive_defaults(d);
    drive_reset_end(d);
}

#define LOG_DIRECTORY   0x00
#define LOG_QUEUE_ERROR 0x10

/* READ LOG EXT (ACS, 7.24): log address in LBA low, page in LBA mid. */
void drive_read_log(IdeDrive *d)
{
    DriveState *s = &d->s;
    unsigned page = s->hob_lba_mid << 8 | s->lba_mid;
    unsigned pages = s->hob_nsector << 8 | s->nsector;

    if (!d->bus->queue_log || page || pages != 1 ||
        (s->lba_low != LOG_DIRECTORY && s->lba_low != LOG_QUEUE_ERROR)) {
        drive_abort(d);
        return;
    }
    memset(s->buffer, 0, SECTOR_BYTES);
    if (s->lba_low == LOG_QUEUE_ERROR) {
        d->bus->queue_log(d->bus->host, s->buffer);
    } else {
        s->buffer[0] = 1;                       /* version */
        s->buffer[2 * LOG_QUEUE_ERROR] = 1;     /* pages of that log */
    }
    s->left = 0;
    s->pos = 0;
    s->end = SECTOR_BYTES;
    drive_data_in(d, drive_latency_ns(SECTOR_BYTES));
}
