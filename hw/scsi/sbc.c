/*
 * The commands of a disk: SBC-3, section 5.
 */
#include "base/bytes.h"
#include "unit.h"

/* --- which blocks ----------------------------------------------------------------*/

BlockRange sbc_range(const uint8_t *cdb)
{
    switch (cdb[0] >> 5) {
    case 0:                             /* 6 bytes: 0 blocks are 256 */
        return (BlockRange){ bytes_ld_be32(cdb) & 0x1fffff,
                             cdb[4] ? cdb[4] : 256 };
    case 4:
        return (BlockRange){ bytes_ld_be64(cdb + 2), bytes_ld_be32(cdb + 10) };
    case 5:
        return (BlockRange){ bytes_ld_be32(cdb + 2), bytes_ld_be32(cdb + 6) };
    default:
        return (BlockRange){ bytes_ld_be32(cdb + 2), bytes_ld_be16(cdb + 7) };
    }
}

bool sbc_in_range(const ScsiDevice *d, BlockRange r, ScsiTask *t)
{
    if (r.lba > d->blocks || r.count > d->blocks - r.lba) {
        task_sense(t, SENSE_ILLEGAL_REQUEST, CODE_BAD_LBA);
        return false;
    }
    return true;
}

/* Blocks that are to be moved: no more than block limits say, without
 * protection information (the first three bits of byte 1, 4.21). */
static bool may_move(const ScsiDevice *d, BlockRange r, ScsiTask *t)
{
    if (t->cdb[0] >= 0x20 && (t->cdb[1] & 0xe0)) {
        task_bad_field(t);
        return false;
    }
    if (!sbc_in_range(d, r, t)) {
        return false;
    }
    if (r.count > SCSI_MOVE_MAX_BYTES / d->block_bytes) {
        task_bad_field(t);
        return false;
    }
    return true;
}

/* --- reading and writing ----------------------------------------------------------*/

static void cmd_read(ScsiDevice *d, ScsiTask *t)
{
    BlockRange r = sbc_range(t->cdb);
    uint64_t bytes = (uint64_t)r.count * d->block_bytes;

    if (!may_move(d, r, t) || !task_has_in(t, bytes)) {
        return;
    }
    while (t->moved_in < bytes && !t->lost) {
        size_t n = MIN(bytes - t->moved_in, SCSI_BOUNCE_BYTES);
        if (blockdev_read(d->block, r.lba * d->block_bytes + t->moved_in,
                          d->bounce, n) < 0) {
            task_sense(t, SENSE_MEDIUM_ERROR, CODE_READ_ERROR);
            return;
        }
        t->lost = !t->mover->to_initiator(t, t->moved_in, d->bounce, n);
        t->moved_in += n;
    }
    task_good(t);
}

void sbc_written(ScsiDevice *d, ScsiTask *t, bool force)
{
    if ((force || !d->s.write_cache) && blockdev_flush(d->block) < 0) {
        task_sense(t, SENSE_MEDIUM_ERROR, CODE_WRITE_ERROR);
    } else {
        task_good(t);
    }
}

static void cmd_write(ScsiDevice *d, ScsiTask *t)
{
    BlockRange r = sbc_range(t->cdb);
    uint64_t bytes = (uint64_t)r.count * d->block_bytes;
    bool fua = t->cdb[0] >= 0x20 && (t->cdb[1] & 0x08);

    if (!may_move(d, r, t) || !task_has_out(t, bytes)) {
        return;
    }
    for (uint64_t done = 0; done < bytes; done = t->moved_out) {
        size_t n = MIN(bytes - done, SCSI_BOUNCE_BYTES);
        if (!task_take(t, done, d->bounce, n)) {
            return;
        }
        if (blockdev_write(d->block, r.lba * d->block_bytes + done, d->bounce,
                           n) < 0) {
            task_sense(t, SENSE_MEDIUM_ERROR, CODE_WRITE_ERROR);
            return;
        }
    }
    sbc_written(d, t, fua);
}

/* WRITE AND VERIFY (5.48): what was written is there. */
static void cmd_write_verify(ScsiDevice *d, ScsiTask *t)
{
    if (t->cdb[1] & 0x06) {             /* BYTCHK */
        task_bad_field(t);
        return;
    }
    t->cdb[1] &= ~0x08;
    cmd_write(d, t);
}

/* VERIFY with BYTCHK 01b (5.36): the initiator sends what should be there. */
static void compare(ScsiDevice *d, ScsiTask *t, BlockRange r)
{
    uint64_t bytes = (uint64_t)r.count * d->block_bytes;
    size_t half = SCSI_BOUNCE_BYTES / 2;

    if (!may_move(d, r, t) || !task_has_out(t, bytes)) {
        return;
    }
    for (uint64_t done = 0; done < bytes; done = t->moved_out) {
        size_t n = MIN(bytes - done, half);
        if (!task_take(t, done, d->bounce, n)) {
            return;
        }
        if (blockdev_read(d->block, r.lba * d->block_bytes + done,
                          d->bounce + half, n) < 0) {
            task_sense(t, SENSE_MEDIUM_ERROR, CODE_READ_ERROR);
            return;
        }
        if (memcmp(d->bounce, d->bounce + half, n)) {
            task_sense(t, SENSE_MISCOMPARE, CODE_MISCOMPARE);
            return;
        }
    }
    task_good(t);
}

static void cmd_verify(ScsiDevice *d, ScsiTask *t)
{
    BlockRange r = sbc_range(t->cdb);

    switch (t->cdb[1] >> 1 & 3) {
    case 0:
        if (sbc_in_range(d, r, t)) {
            task_good(t);
        }
        break;
    case 1:
        compare(d, t, r);
        break;
    default:
        task_bad_field(t);
    }
}

static void cmd_seek(ScsiDevice *d, ScsiTask *t)
{
    BlockRange r = { bytes_ld_be32(t->cdb + 2), 1 };
    if (sbc_in_range(d, r, t)) {
        task_good(t);
    }
}

static void cmd_synchronize(ScsiDevice *d, ScsiTask *t)
{
    if (sbc_in_range(d, sbc_range(t->cdb), t)) {
        sbc_written(d, t, true);
    }
}

/* --- the unit ------------------------------------------------------------------------*/

static void cmd_test_unit_ready(ScsiDevice *d, ScsiTask *t)
{
    task_good(t);
}

/* 5.25. Stopping writes back what is cached, unless NO_FLUSH. A power condition
 * is as good as any other. */
static void cmd_start_stop(ScsiDevice *d, ScsiTask *t)
{
    bool start = t->cdb[4] & 1, no_flush = t->cdb[4] & 4;

    if (t->cdb[4] >> 4) {
        task_good(t);
        return;
    }
    d->s.stopped = !start;
    sbc_written(d, t, !start && !no_flush);
}

static void cmd_prevent_removal(ScsiDevice *d, ScsiTask *t)
{
    d->s.tray_locked = t->cdb[4] & 1;
    task_good(t);
}

/* FORMAT UNIT (5.3) without parameters: the medium is formatted. */
static void cmd_format(ScsiDevice *d, ScsiTask *t)
{
    if (t->cdb[1] & 0x1f) {
        task_bad_field(t);
    } else {
        task_good(t);
    }
}

static void cmd_read_capacity_10(ScsiDevice *d, ScsiTask *t)
{
    uint8_t out[8];

    if (bytes_ld_be32(t->cdb + 2) && !(t->cdb[8] & 1)) {
        task_bad_field(t);
        return;
    }
    bytes_st_be32(out, MIN(d->blocks - 1, UINT32_MAX));
    bytes_st_be32(out + 4, d->block_bytes);
    task_answer(t, out, sizeof out, sizeof out);
}

/* SERVICE ACTION IN(16): READ CAPACITY(16), 5.17. LBPME and LBPRZ. */
static void cmd_service_in(ScsiDevice *d, ScsiTask *t)
{
    uint8_t out[32] = { 0 };

    if ((t->cdb[1] & 0x1f) != 0x10) {
        task_bad_field(t);
        return;
    }
    bytes_st_be64(out, d->blocks - 1);
    bytes_st_be32(out + 8, d->block_bytes);
    out[13] = __builtin_ctz(d->physical_bytes / d->block_bytes);
    out[14] = 0xc0;
    task_answer(t, out, sizeof out, bytes_ld_be32(t->cdb + 10));
}

const ScsiCommand sbc_commands[] = {
    { 0x00, SCSI_READY, cmd_test_unit_ready },
    { 0x04, SCSI_READY | SCSI_WRITES, cmd_format },
    { 0x08, SCSI_READY, cmd_read },
    { 0x0a, SCSI_READY | SCSI_WRITES, cmd_write },
    { 0x15, 0, spc_mode_select },
    { 0x1a, 0, spc_mode_sense },
    { 0x1b, 0, cmd_start_stop },
    { 0x1e, 0, cmd_prevent_removal },
    { 0x25, SCSI_READY, cmd_read_capacity_10 },
    { 0x28, SCSI_READY, cmd_read },
    { 0x2a, SCSI_READY | SCSI_WRITES, cmd_write },
    { 0x2b, SCSI_READY, cmd_seek },
    { 0x2e, SCSI_READY | SCSI_WRITES, cmd_write_verify },
    { 0x2f, SCSI_READY, cmd_verify },
    { 0x35, SCSI_READY, cmd_synchronize },
    { 0x41, SCSI_READY | SCSI_WRITES, sbc_write_same },
    { 0x42, SCSI_READY | SCSI_WRITES, sbc_unmap },
    { 0x55, 0, spc_mode_select },
    { 0x5a, 0, spc_mode_sense },
    { 0x88, SCSI_READY, cmd_read },
    { 0x8a, SCSI_READY | SCSI_WRITES, cmd_write },
    { 0x8e, SCSI_READY | SCSI_WRITES, cmd_write_verify },
    { 0x8f, SCSI_READY, cmd_verify },
    { 0x91, SCSI_READY, cmd_synchronize },
    { 0x93, SCSI_READY | SCSI_WRITES, sbc_write_same },
    { 0x9e, SCSI_READY, cmd_service_in },
    { 0xa8, SCSI_READY, cmd_read },
    { 0xaa, SCSI_READY | SCSI_WRITES, cmd_write },
    { 0xae, SCSI_READY | SCSI_WRITES, cmd_write_verify },
    { 0xaf, SCSI_READY, cmd_verify },
    { 0, 0, NULL },
};
