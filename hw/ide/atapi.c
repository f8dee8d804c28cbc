/*
 * A CD drive on an ATA channel: the few ATA commands it knows, and how the
 * answer to a packet reaches the host (ATA-7, 9.8 to 9.10).
 *
 * An answer is a stream: what is in the buffer, then `left` blocks of the
 * medium. By PIO the host takes it in data blocks of at most byte_limit bytes,
 * each with an interrupt; by DMA in one go.
 */
#include "base/log.h"
#include "atapi.h"

#define CMD_IDENTIFY_PACKET 0xa1

/* --- from the medium to the buffer ------------------------------------------*/

/* Refills the empty buffer. False: the medium cannot be read. */
static bool refill(IdeDrive *d)
{
    const MmcDrive mmc = atapi_mmc(d);
    uint32_t block = d->s.block_bytes == CD_RAW_BYTES ? CD_RAW_BYTES
                                                        : CD_BLOCK_BYTES;

    d->s.pos = d->s.fill = 0;
    while (d->s.left && d->s.fill + block <= BUFFER_BYTES) {
        if (d->s.lba > UINT32_MAX ||
            !mmc_read_block(&mmc, d->s.lba, d->s.block_bytes,
                            d->s.buffer + d->s.fill)) {
            return false;
        }
        d->s.fill += block;
        d->s.lba++;
        d->s.left--;
    }
    return true;
}

/* --- PIO ---------------------------------------------------------------------*/

void atapi_done(IdeDrive *d)
{
    d->s.nsector = IR_COD | IR_IO;
    drive_ok(d);
}

void atapi_error(IdeDrive *d, uint8_t key, uint16_t code)
{
    d->s.sense_key = key;
    d->s.sense_asc = code >> 8;
    d->s.sense_ascq = code;
    d->s.left = 0;
    d->s.nsector = IR_COD | IR_IO;
    if (d->s.phase == PHASE_DMA_IN) {
        drive_dma_done(d, ST_DRDY | ST_ERR, key << 4 | ER_ABRT,
                       drive_latency_ns(0));
    } else {
        drive_done(d, ST_DRDY | ST_ERR, key << 4 | ER_ABRT,
                   drive_latency_ns(0));
    }
}

/* Presents the next data block, or the end. */
static void pio_next(IdeDrive *d)
{
    uint64_t read_bytes = 0;

    /* A loaded stream may hold anything. */
    d->s.fill = MIN(d->s.fill, BUFFER_BYTES);
    if (d->s.pos >= d->s.fill) {
        read_bytes = d->s.left * (uint64_t)CD_BLOCK_BYTES;
        if (!refill(d)) {
            atapi_error(d, SENSE_MEDIUM_ERROR, CODE_READ_ERROR);
            return;
        }
        read_bytes -= d->s.left * (uint64_t)CD_BLOCK_BYTES;
    }
    if (d->s.pos >= d->s.fill) {
        atapi_done(d);
        return;
    }
    uint32_t n = d->s.fill - d->s.pos;
    n = MIN(n, MAX(d->s.byte_limit, 2));
    d->s.end = d->s.pos + n;
    d->s.nsector = IR_IO;
    d->s.lba_mid = n;
    d->s.lba_high = n >> 8;
    drive_data_in(d, drive_latency_ns(read_bytes));
}

/* --- DMA ---------------------------------------------------------------------*/

static void atapi_dma(IdeDrive *d)
{
    uint64_t bytes = 0;

    for (;;) {
        uint32_t n = MIN(d->s.fill, BUFFER_BYTES);
        n = n > d->s.pos ? n - d->s.pos : 0;
        size_t moved = d->bus->dma_move(d->bus->host, d->s.buffer + d->s.pos,
                                        n, true);
        bytes += moved;
        d->s.pos += moved;
        if (moved < n) {
            guest_error("%s: scatter list is too short\n", d->dev.path);
            d->bus->dma_end(d->bus->host);
            return;
        }
        if (!d->s.left) {
            break;
        }
        if (!refill(d)) {
            atapi_error(d, SENSE_MEDIUM_ERROR, CODE_READ_ERROR);
            return;
        }
    }
    d->s.nsector = IR_COD | IR_IO;
    drive_dma_done(d, ST_OK, 0, drive_latency_ns(bytes));
}

/* --- answers of packet commands ---------------------------------------------------*/

static void answer_start(IdeDrive *d)
{
    if (d->s.packet_dma) {
        drive_dma_wait(d, PHASE_DMA_IN);
    } else if (d->s.byte_limit == 0) {
        drive_abort(d);                 /* no room at all: ATA-7, 6.24 */
    } else {
        pio_next(d);
    }
}

void atapi_answer(IdeDrive *d, uint32_t bytes, uint32_t allocated)
{
    g_assert(bytes <= BUFFER_BYTES);
    d->s.left = 0;
    d->s.pos = 0;
    d->s.fill = MIN(bytes, allocated);
    if (!d->s.fill) {
        atapi_done(d);
        return;
    }
    answer_start(d);
}

void atapi_answer_blocks(IdeDrive *d, uint64_t lba, uint32_t count,
                         uint16_t block_bytes)
{
    if (!count) {
        atapi_done(d);
        return;
    }
    d->s.lba = lba;
    d->s.left = count;
    d->s.block_bytes = block_bytes;
    d->s.pos = d->s.fill = 0;
    answer_start(d);
}

static void atapi_data_done(IdeDrive *d)
{
    if (d->s.phase == PHASE_PACKET) {
        d->s.phase = PHASE_IDLE;
        atapi_packet(d);
    } else if (d->s.command == CMD_IDENTIFY_PACKET) {
        d->s.phase = PHASE_IDLE;        /* PIO data-in: no interrupt at the end */
        d->s.status = ST_OK;
    } else {
        pio_next(d);
    }
}

/* --- ATA commands ------------------------------------------------------------------*/

/* PACKET: the feature register asks for DMA, the cylinder registers say how
 * much the host takes at once. */
static void cmd_packet(IdeDrive *d)
{
    unsigned limit = d->s.lba_high << 8 | d->s.lba_mid;

    d->s.packet_dma = d->s.feature & 1;
    d->s.byte_limit = limit == 1 ? 2 : limit & 0xfffe;
    d->s.nsector = IR_COD;
    drive_data_out_first(d, PHASE_PACKET, PACKET_BYTES);
}

static void cmd_identify_packet(IdeDrive *d)
{
    memset(d->s.buffer, 0, SECTOR_BYTES);
    atapi_identify(d, d->s.buffer);
    d->s.left = 0;
    d->s.pos = 0;
    d->s.end = d->s.fill = SECTOR_BYTES;
    drive_data_in(d, drive_latency_ns(SECTOR_BYTES));
}

/* A command for disks: refused in the way that tells the host what this is. */
static void cmd_not_a_disk(IdeDrive *d)
{
    drive_signature(d);
    drive_abort(d);
}

static void cmd_power_mode(IdeDrive *d)
{
    d->s.nsector = 0xff;
    drive_ok(d);
}

typedef struct AtapiCommand {
    uint8_t code;
    void (*fn)(IdeDrive *d);
} AtapiCommand;

static const AtapiCommand commands[] = {
    { 0x20, cmd_not_a_disk },           /* READ SECTOR(S) */
    { 0xa0, cmd_packet },
    { CMD_IDENTIFY_PACKET, cmd_identify_packet },
    { 0xe0, drive_ok },                 /* STANDBY IMMEDIATE */
    { 0xe1, drive_ok },                 /* IDLE IMMEDIATE */
    { 0xe5, cmd_power_mode },
    { 0xe6, drive_ok },                 /* SLEEP */
    { 0xe7, drive_ok },                 /* FLUSH CACHE */
    { 0xec, cmd_not_a_disk },           /* IDENTIFY DEVICE */
    { 0xef, drive_set_features },
};

static void atapi_command(IdeDrive *d, uint8_t command)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (commands[i].code == command) {
            commands[i].fn(d);
            return;
        }
    }
    drive_abort(d);
}

const DriveKind atapi_kind = {
    .packet = true,
    .command = atapi_command,
    .data_done = atapi_data_done,
    .dma = atapi_dma,
};
