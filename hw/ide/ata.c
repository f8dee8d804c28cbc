/*
 * The commands of a disk.
 *
 * A transfer command turns the register's address into a first block and a
 * count that is inside the disk, once; what follows never looks at the
 * registers again. Command numbers and their registers: ATA-7 (T13/1532D),
 * volume 1, clause 6.
 */
#include "base/bits.h"
#include "base/log.h"
#include "drive.h"

/* How a transfer command moves its data; bits of AtaCommand.how. */
enum {
    HOW_WRITE = 1,
    HOW_EXT = 2,           /* 48-bit address, 16-bit count */
    HOW_MULTIPLE = 4,
    HOW_DMA = 8,
    HOW_VERIFY = 16,       /* no data */
};

enum {
    CMD_DATA_SET = 0x06,
    CMD_WRITE_DMA_FUA = 0x3d,
    CMD_WRITE_MULTIPLE_FUA = 0xce,
};

typedef struct AtaCommand {
    uint8_t first, last;   /* command codes */
    void (*fn)(IdeDrive *d, unsigned how);
    unsigned how;
} AtaCommand;

/* --- addresses ----------------------------------------------------------------*/

static uint64_t address_48(const DriveState *s)
{
    return (uint64_t)s->hob_lba_high << 40 | (uint64_t)s->hob_lba_mid << 32 |
           (uint64_t)s->hob_lba_low << 24 | s->lba_high << 16 |
           s->lba_mid << 8 | s->lba_low;
}

static bool address_chs(const DriveState *s, uint64_t *lba)
{
    unsigned cylinder = s->lba_high << 8 | s->lba_mid;
    unsigned head = s->select & DH_HEAD;

    if (head >= s->heads || s->lba_low == 0 || s->lba_low > s->sectors) {
        return false;
    }
    *lba = ((uint64_t)cylinder * s->heads + head) * s->sectors +
           s->lba_low - 1;
    return true;
}

static bool address(const IdeDrive *d, unsigned how, uint64_t *lba)
{
    const DriveState *s = &d->s;

    if (how & HOW_EXT) {
        *lba = address_48(s);
        return true;
    }
    if (s->select & DH_LBA) {
        *lba = (uint64_t)(s->select & DH_HEAD) << 24 | s->lba_high << 16 |
               s->lba_mid << 8 | s->lba_low;
        return true;
    }
    return address_chs(s, lba);
}

static uint32_t sector_count(const IdeDrive *d, unsigned how)
{
    const DriveState *s = &d->s;

    if (how & HOW_EXT) {
        unsigned n = s->hob_nsector << 8 | s->nsector;
        return n ? n : 65536;
    }
    return s->nsector ? s->nsector : 256;
}

static void set_address_chs(DriveState *s, uint64_t lba)
{
    uint32_t sectors = MAX(s->sectors, 1), heads = MAX(s->heads, 1);
    uint64_t cylinder = lba / sectors / heads;

    s->lba_low = lba % sectors + 1;
    s->lba_mid = cylinder;
    s->lba_high = cylinder >> 8;
    s->select = (s->select & ~DH_HEAD) | (lba / sectors % heads & DH_HEAD);
}

/* Puts a block address into the registers in the form that the command used. */
static void set_address(IdeDrive *d, uint64_t lba)
{
    DriveState *s = &d->s;

    if (!(s->select & DH_LBA)) {
        set_address_chs(s, lba);
        return;
    }
    s->lba_low = lba;
    s->lba_mid = lba >> 8;
    s->lba_high = lba >> 16;
    s->select = (s->select & ~DH_HEAD) | (lba >> 24 & DH_HEAD);
    s->hob_lba_low = lba >> 24;
    s->hob_lba_mid = lba >> 32;
    s->hob_lba_high = lba >> 40;
}

static uint64_t offset_bytes(const IdeDrive *d)
{
    return d->s.lba * SECTOR_BYTES;
}

/* --- PIO -------------------------------------------------------------------------*/

/* Sectors of the next data block; the rows may come from a stream. */
static uint32_t block_sectors(const IdeDrive *d)
{
    return MIN(d->s.left, CLAMP(d->s.group, 1, MULTIPLE_MAX));
}

static void medium_error(IdeDrive *d, uint8_t error)
{
    set_address(d, d->s.lba);
    d->s.left = 0;
    drive_done(d, ST_DRDY | ST_ERR, error, drive_latency_ns(0));
}

static void read_block(IdeDrive *d)
{
    uint32_t n = block_sectors(d), bytes = n * SECTOR_BYTES;

    if (!n || !ata_in_range(d, d->s.lba, n) ||
        blockdev_read(d->block, offset_bytes(d), d->s.buffer, bytes) < 0) {
        medium_error(d, ER_UNC);
        return;
    }
    d->s.lba += n;
    d->s.left -= n;
    d->s.pos = 0;
    d->s.end = bytes;
    drive_data_in(d, drive_latency_ns(bytes));
}

static void read_block_done(IdeDrive *d)
{
    if (d->s.left) {
        read_block(d);
        return;
    }
    d->s.phase = PHASE_IDLE;
    d->s.status = ST_OK;
}

static void write_block_done(IdeDrive *d)
{
    uint32_t n = block_sectors(d), bytes = n * SECTOR_BYTES;

    if (!n || !ata_in_range(d, d->s.lba, n) ||
        blockdev_write(d->block, offset_bytes(d), d->s.buffer, bytes) < 0) {
        medium_error(d, ER_ABRT);
        return;
    }
    d->s.lba += n;
    d->s.left -= n;
    if (!d->s.left && !ata_written(d, d->s.command == CMD_WRITE_MULTIPLE_FUA)) {
        medium_error(d, ER_ABRT);
    } else if (d->s.left) {
        drive_data_out(d, block_sectors(d) * SECTOR_BYTES,
                       drive_latency_ns(bytes));
    } else {
        drive_done(d, ST_OK, 0, drive_latency_ns(bytes));
    }
}

static void ata_data_done(IdeDrive *d)
{
    if (d->s.phase == PHASE_IN) {
        read_block_done(d);
    } else {
        write_block_done(d);
    }
}

/* --- DMA --------------------------------------------------------------------------*/

static DriveMoveEnd dma_go_on(IdeDrive *d, uint64_t *bytes)
{
    DriveMove move = { .lba = d->s.lba,
                       .sectors = d->s.left,
                       .in = d->s.phase == PHASE_DMA_IN,
                       .through = d->s.command == CMD_WRITE_DMA_FUA };

    if (d->s.command == CMD_DATA_SET) {
        return ata_trim(d);
    }
    DriveMoveEnd end = ata_move(d, &move);
    d->s.lba = move.lba;
    d->s.left = move.sectors;
    *bytes = move.moved_bytes;
    return end;
}

/* A list that is too short ends the transfer without an interrupt, and the
 * drive goes on waiting for the rest (PIIX3, bus master status register). */
static void ata_dma(IdeDrive *d)
{
    uint64_t bytes = 0;

    switch (dma_go_on(d, &bytes)) {
    case MOVE_DONE:
        drive_dma_done(d, ST_OK, 0, drive_latency_ns(bytes));
        break;
    case MOVE_FAILED:
        set_address(d, d->s.lba);
        drive_dma_done(d, ST_DRDY | ST_ERR,
                       d->s.phase == PHASE_DMA_IN ? ER_UNC : ER_ABRT,
                       drive_latency_ns(bytes));
        break;
    case MOVE_STARVED:
        d->bus->dma_end(d->bus->host);
        break;
    }
}

/* --- transfer commands ---------------------------------------------------------------*/

static void transfer_start(IdeDrive *d, unsigned how)
{
    if (how & HOW_VERIFY) {
        uint64_t bytes = (uint64_t)d->s.left * SECTOR_BYTES;
        drive_done(d, ST_OK, 0, drive_latency_ns(bytes));
    } else if (how & HOW_DMA) {
        drive_dma_wait(d, how & HOW_WRITE ? PHASE_DMA_OUT : PHASE_DMA_IN);
    } else if (how & HOW_WRITE) {
        drive_data_out_first(d, PHASE_OUT, block_sectors(d) * SECTOR_BYTES);
    } else {
        read_block(d);
    }
}

static void cmd_transfer(IdeDrive *d, unsigned how)
{
    DriveState *s = &d->s;
    uint64_t lba;
    uint32_t n = sector_count(d, how);

    if ((how & HOW_MULTIPLE) && !s->multiple) {
        drive_abort(d);
        return;
    }
    if (!address(d, how, &lba) || !ata_in_range(d, lba, n)) {
        drive_done(d, ST_DRDY | ST_ERR, ER_IDNF, drive_latency_ns(0));
        return;
    }
    s->lba = lba;
    s->left = n;
    s->group = how & HOW_MULTIPLE ? s->multiple : 1;
    transfer_start(d, how);
}

static void cmd_seek(IdeDrive *d, unsigned how)
{
    uint64_t lba;
    if (address(d, 0, &lba) && ata_in_range(d, lba, 1)) {
        drive_ok(d);
    } else {
        drive_done(d, ST_DRDY | ST_ERR, ER_IDNF, drive_latency_ns(0));
    }
}

/* --- other commands -------------------------------------------------------------------*/

static void cmd_ok(IdeDrive *d, unsigned how)
{
    drive_ok(d);
}

static void cmd_identify(IdeDrive *d, unsigned how)
{
    memset(d->s.buffer, 0, SECTOR_BYTES);
    ata_identify(d, d->s.buffer);
    d->s.left = 0;
    d->s.pos = 0;
    d->s.end = SECTOR_BYTES;
    drive_data_in(d, drive_latency_ns(SECTOR_BYTES));
}

static void cmd_set_features(IdeDrive *d, unsigned how)
{
    drive_set_features(d);
}

static void cmd_set_multiple(IdeDrive *d, unsigned how)
{
    uint8_t n = d->s.nsector;
    if (n > MULTIPLE_MAX || (n && !bits_is_pow2(n))) {
        drive_abort(d);
        return;
    }
    d->s.multiple = n;
    drive_ok(d);
}

/* INITIALIZE DEVICE PARAMETERS: the translation for CHS addresses. */
static void cmd_set_geometry(IdeDrive *d, unsigned how)
{
    if (!d->s.nsector) {
        drive_abort(d);
        return;
    }
    d->s.heads = (d->s.select & DH_HEAD) + 1;
    d->s.sectors = d->s.nsector;
    drive_ok(d);
}

static void cmd_flush(IdeDrive *d, unsigned how)
{
    if (blockdev_flush(d->block) < 0) {
        drive_abort(d);
    } else {
        drive_ok(d);
    }
}

static void cmd_native_max(IdeDrive *d, unsigned how)
{
    uint64_t max = d->total_sectors - 1;

    if (how & HOW_EXT) {
        d->s.select |= DH_LBA;
    } else {
        max = MIN(max, 0xfffffff);
    }
    set_address(d, max);
    drive_ok(d);
}

/* Active or idle: the only power state there is. */
static void cmd_power_mode(IdeDrive *d, unsigned how)
{
    d->s.nsector = 0xff;
    drive_ok(d);
}

static void cmd_read_log(IdeDrive *d, unsigned how)
{
    drive_read_log(d);
}

/* DATA SET MANAGEMENT with TRIM, the only thing it can do; IDENTIFY says that
 * one block of ranges may come at a time. */
static void cmd_data_set(IdeDrive *d, unsigned how)
{
    if (!d->discard_bytes || d->s.feature != 1 || sector_count(d, how) != 1) {
        drive_abort(d);
        return;
    }
    d->s.left = 1;
    drive_dma_wait(d, PHASE_DMA_OUT);
}

static const AtaCommand commands[] = {
    { CMD_DATA_SET, CMD_DATA_SET, cmd_data_set, HOW_EXT },
    { 0x10, 0x1f, cmd_ok, 0 },                          /* RECALIBRATE */
    { 0x20, 0x21, cmd_transfer, 0 },                    /* READ SECTOR(S) */
    { 0x24, 0x24, cmd_transfer, HOW_EXT },
    { 0x25, 0x25, cmd_transfer, HOW_EXT | HOW_DMA },
    { 0x27, 0x27, cmd_native_max, HOW_EXT },
    { 0x29, 0x29, cmd_transfer, HOW_EXT | HOW_MULTIPLE },
    { 0x2f, 0x2f, cmd_read_log, HOW_EXT },
    { 0x30, 0x31, cmd_transfer, HOW_WRITE },            /* WRITE SECTOR(S) */
    { 0x34, 0x34, cmd_transfer, HOW_EXT | HOW_WRITE },
    { 0x35, 0x35, cmd_transfer, HOW_EXT | HOW_WRITE | HOW_DMA },
    { 0x39, 0x39, cmd_transfer, HOW_EXT | HOW_WRITE | HOW_MULTIPLE },
    { CMD_WRITE_DMA_FUA, CMD_WRITE_DMA_FUA, cmd_transfer,
      HOW_EXT | HOW_WRITE | HOW_DMA },
    { 0x40, 0x41, cmd_transfer, HOW_VERIFY },           /* READ VERIFY */
    { 0x42, 0x42, cmd_transfer, HOW_EXT | HOW_VERIFY },
    { 0x70, 0x7f, cmd_seek, 0 },
    { 0x91, 0x91, cmd_set_geometry, 0 },
    { 0x94, 0x97, cmd_ok, 0 },                          /* power, retired */
    { 0x98, 0x98, cmd_power_mode, 0 },
    { 0x99, 0x99, cmd_ok, 0 },
    { 0xc4, 0xc4, cmd_transfer, HOW_MULTIPLE },
    { 0xc5, 0xc5, cmd_transfer, HOW_MULTIPLE | HOW_WRITE },
    { 0xc6, 0xc6, cmd_set_multiple, 0 },
    { 0xc8, 0xc9, cmd_transfer, HOW_DMA },              /* READ DMA */
    { 0xca, 0xcb, cmd_transfer, HOW_DMA | HOW_WRITE },  /* WRITE DMA */
    { CMD_WRITE_MULTIPLE_FUA, CMD_WRITE_MULTIPLE_FUA, cmd_transfer,
      HOW_EXT | HOW_WRITE | HOW_MULTIPLE },
    { 0xe0, 0xe3, cmd_ok, 0 },                          /* STANDBY, IDLE */
    { 0xe5, 0xe5, cmd_power_mode, 0 },
    { 0xe6, 0xe6, cmd_ok, 0 },                          /* SLEEP */
    { 0xe7, 0xe7, cmd_flush, 0 },
    { 0xea, 0xea, cmd_flush, HOW_EXT },
    { 0xec, 0xec, cmd_identify, 0 },
    { 0xef, 0xef, cmd_set_features, 0 },
    { 0xf8, 0xf8, cmd_native_max, 0 },
};

static void ata_command(IdeDrive *d, uint8_t command)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
        const AtaCommand *c = &commands[i];
        if (command >= c->first && command <= c->last) {
            c->fn(d, c->how);
            return;
        }
    }
    drive_abort(d);
}

const DriveKind ata_kind = {
    .packet = false,
    .command = ata_command,
    .data_done = ata_data_done,
    .dma = ata_dma,
};
