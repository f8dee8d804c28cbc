/*
 * The drive's native command queue: READ and WRITE FPDMA QUEUED.
 *
 * Commands are carried out one after the other in the order in which they came:
 * a command's data moves when its turn begins and its end is told after the
 * latency, so that a list of 32 large ones is never work of a moment. SATA 2.6,
 * 13.6; after an error the drive forgets its queue and refuses everything until
 * the log of the error has been read (ACS, log address 10h).
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "ahci.h"

enum {
    CMD_READ_LOG = 0x2f,
    CMD_READ_QUEUED = 0x60,
    CMD_WRITE_QUEUED = 0x61,
};
#define LOG_QUEUE_ERROR 0x10

enum { RECEIVED_DMA_SETUP = 0x00, RECEIVED_BITS = 0x58 };
enum { FIS_DMA_SETUP = 0x41, FIS_DEVICE_BITS = 0xa1 };
#define QUEUED_FUA      0x80u  /* in the device register */
#define FIS_INTERRUPT   0x40u
#define FIS_FROM_DEVICE 0x20u

bool ahci_queue_takes(uint8_t command)
{
    return command == CMD_READ_QUEUED || command == CMD_WRITE_QUEUED;
}

void ahci_queue_drop(AhciPort *p)
{
    p->s.queued = 0;
    p->s.held = 0;
    timer_cancel(&p->timer);
}

void ahci_queue_forget_error(AhciPort *p)
{
    p->s.queue_failed = false;
}

/* --- one command ------------------------------------------------------------------*/

static void dma_setup(AhciPort *p, unsigned tag, bool in)
{
    uint8_t fis[28] = { FIS_DMA_SETUP, in ? FIS_FROM_DEVICE : 0 };

    fis[4] = tag;
    bytes_st_le32(fis + 20, p->s.queue_sectors[tag] * SECTOR_BYTES);
    ahci_receive(p, RECEIVED_DMA_SETUP, fis, sizeof fis);
}

/* Carries out the first command of the queue and arms its end. */
static void serve(AhciPort *p)
{
    AhciPortState *s = &p->s;
    unsigned tag = s->tag[0];
    DriveMove move = { .lba = s->queue_lba[tag],
                       .sectors = s->queue_sectors[tag],
                       .in = s->queue_command[tag] == CMD_READ_QUEUED,
                       .through = s->queue_device[tag] & QUEUED_FUA };
    IdeDrive *d = ahci_port_drive(p);
    int64_t now_ns = clock_now_ns(p->dev.machine->clock);

    ahci_data_start(p, tag);
    dma_setup(p, tag, move.in);
    s->first_error = 0;
    if (!ata_in_range(d, move.lba, move.sectors)) {
        s->first_error = ER_IDNF;
    } else {
        DriveMoveEnd end = ata_move(d, &move);
        if (end == MOVE_STARVED) {
            return;                     /* until software resets the port */
        }
        s->first_error = end == MOVE_DONE ? 0 : move.in ? ER_UNC : ER_ABRT;
    }
    int64_t moves_ns =
        drive_latency_ns(move.moved_bytes) - drive_latency_ns(0);
    timer_arm(&p->timer,
              MAX(now_ns, s->queue_ns[tag] + drive_latency_ns(0)) + moves_ns);
}

/* The registers' meaning in these commands: SATA 2.6, 13.6.4.1. */
void ahci_queue_add(AhciPort *p, const uint8_t *fis)
{
    AhciPortState *s = &p->s;
    unsigned tag = fis[12] >> 3;
    unsigned sectors = fis[11] << 8 | fis[3];

    s->held |= BIT(tag);
    s->tag[s->queued++] = tag;
    s->queue_command[tag] = fis[2];
    s->queue_device[tag] = fis[7];
    s->queue_lba[tag] = (uint64_t)fis[10] << 40 | (uint64_t)fis[9] << 32 |
                        (uint64_t)fis[8] << 24 | fis[6] << 16 | fis[5] << 8 |
                        fis[4];
    s->queue_sectors[tag] = sectors ? sectors : 65536;
    s->queue_ns[tag] = clock_now_ns(p->dev.machine->clock);
    if (s->queued == 1) {
        serve(p);
    }
}

/* --- errors -----------------------------------------------------------------------*/

static void fail(AhciPort *p, unsigned tag, bool not_queued, uint8_t error)
{
    AhciPortState *s = &p->s;

    s->queue_failed = true;
    s->log_nq = not_queued;
    s->log_tag = tag;
    s->log_error = error;
    s->log_lba = s->queue_lba[tag];
    s->log_sectors = s->queue_sectors[tag];
    ahci_queue_drop(p);
}

bool ahci_queue_refuses(AhciPort *p, const uint8_t *fis)
{
    AhciPortState *s = &p->s;
    bool takes = ahci_queue_takes(fis[2]);
    bool again = takes && (s->held & BIT(fis[12] >> 3));

    if (s->queue_failed) {
        return !(fis[2] == CMD_READ_LOG && fis[4] == LOG_QUEUE_ERROR);
    }
    if (!s->queued || (takes && !again)) {
        return false;
    }
    fail(p, fis[12] >> 3, !takes, ER_ABRT);
    return true;
}

/* Log 10h, ACS, annex A; reading it lets the drive go on. */
void ahci_queue_log(void *port, uint8_t *log)
{
    AhciPort *p = port;
    const AhciPortState *s = &p->s;
    uint8_t sum = 0;

    memset(log, 0, SECTOR_BYTES);
    log[0] = s->log_nq ? 0x80 : s->log_tag;
    log[2] = ST_DRDY | ST_ERR;
    log[3] = s->log_error;
    for (unsigned i = 0; i < 3; i++) {
        log[4 + i] = s->log_lba >> (8 * i);
        log[8 + i] = s->log_lba >> (24 + 8 * i);
    }
    log[7] = DH_LBA;
    log[12] = s->log_sectors;
    log[13] = s->log_sectors >> 8;
    for (unsigned i = 0; i < SECTOR_BYTES - 1; i++) {
        sum -= log[i];
    }
    log[SECTOR_BYTES - 1] = sum;
    p->s.queue_failed = false;
}

/* --- the end of a command ------------------------------------------------------------*/

/* Set Device Bits: done tags, and the bits of the status that it has. */
static void device_bits(AhciPort *p, uint32_t done, uint8_t error)
{
    uint8_t status = error ? ST_DRDY | ST_ERR : ST_OK;
    uint8_t fis[8] = { FIS_DEVICE_BITS, FIS_INTERRUPT, status, error };

    bytes_st_le32(fis + 4, done);
    p->s.sact &= ~done;
    p->s.tfd = error << 8 | (p->s.tfd & (ST_BSY | ST_DRQ)) | status;
    ahci_receive(p, RECEIVED_BITS, fis, sizeof fis);
    p->s.halted |= error != 0;
    ahci_port_raise(p, PIS_SDBS | (error ? PIS_TFES : 0));
}

/* While the port is stopped by an error of the bus nobody is told anything. */
void ahci_queue_timer(void *port)
{
    AhciPort *p = port;
    AhciPortState *s = &p->s;
    unsigned tag = s->tag[0];

    if (!s->queued || s->halted || !ahci_port_drive(p)) {
        return;
    }
    if (s->first_error) {
        fail(p, tag, false, s->first_error);
        device_bits(p, 0, s->log_error);
        return;
    }
    s->queued--;
    s->held &= ~BIT(tag);
    memmove(s->tag, s->tag + 1, sizeof s->tag - 1);
    device_bits(p, BIT(tag), 0);
    if (s->queued) {
        serve(p);
    }
    ahci_commands_run(p);
}
