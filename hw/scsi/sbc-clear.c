/*
 * Commands that write many blocks with few bytes: UNMAP and WRITE SAME. SBC-3,
 * 5.28, 5.43 and 5.44. What is unmapped reads as zeroes.
 */
#include "base/bytes.h"
#include "unit.h"

/* --- UNMAP ------------------------------------------------------------------------*/

#define UNMAP_HEAD       8u
#define UNMAP_DESCRIPTOR 16u
#define UNMAP_MAX        255u

static BlockRange unmap_range(const uint8_t *descriptor)
{
    return (BlockRange){ bytes_ld_be64(descriptor),
                         bytes_ld_be32(descriptor + 8) };
}

/* Nothing is done unless everything can be. False: the task has ended. */
static bool may_unmap(ScsiDevice *d, ScsiTask *t, const uint8_t *list,
                      unsigned count)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < count; i++) {
        BlockRange r = unmap_range(list + i * UNMAP_DESCRIPTOR);
        if (!sbc_in_range(d, r, t)) {
            return false;
        }
        total += r.count;
    }
    if (count > UNMAP_MAX || total > SCSI_CLEAR_MAX_BYTES / d->block_bytes) {
        task_sense(t, SENSE_ILLEGAL_REQUEST, CODE_BAD_PARAMETER);
        return false;
    }
    return true;
}

static void unmap_list(ScsiDevice *d, ScsiTask *t, const uint8_t *list,
                       unsigned count)
{
    if (!may_unmap(d, t, list, count)) {
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        BlockRange r = unmap_range(list + i * UNMAP_DESCRIPTOR);
        t->unmoved += (uint64_t)r.count * d->block_bytes;
        if (blockdev_write_zeroes(d->block, r.lba * d->block_bytes,
                                  (uint64_t)r.count * d->block_bytes) < 0) {
            task_sense(t, SENSE_MEDIUM_ERROR, CODE_WRITE_ERROR);
            return;
        }
    }
    sbc_written(d, t, false);
}

void sbc_unmap(ScsiDevice *d, ScsiTask *t)
{
    unsigned len = bytes_ld_be16(t->cdb + 7);

    if (t->cdb[1] & 1) {                /* ANCHOR */
        task_bad_field(t);
        return;
    }
    if (len && len < UNMAP_HEAD) {
        task_sense(t, SENSE_ILLEGAL_REQUEST, CODE_LIST_LENGTH);
        return;
    }
    if (!len) {
        task_good(t);
        return;
    }
    if (!task_take(t, 0, d->bounce, len)) {
        return;
    }
    /* A descriptor that is cut off is no error (5.28.2). */
    unsigned bytes = MIN(bytes_ld_be16(d->bounce + 2), len - UNMAP_HEAD);
    unmap_list(d, t, d->bounce + UNMAP_HEAD, bytes / UNMAP_DESCRIPTOR);
}

/* --- WRITE SAME ---------------------------------------------------------------------*/

enum { SAME_NDOB = 0x01, SAME_OBSOLETE = 0x06, SAME_UNMAP = 0x08,
       SAME_ANCHOR = 0x10, SAME_PROTECT = 0xe0 };

static bool is_zero(const uint8_t *p, size_t bytes)
{
    return !p[0] && !memcmp(p, p + 1, bytes - 1);
}

/* The block is at the start of the bounce buffer: fills the rest of it. */
static int write_copies(ScsiDevice *d, BlockRange r)
{
    uint64_t bytes = (uint64_t)r.count * d->block_bytes, done = 0;
    int answer = 0;

    for (size_t at = d->block_bytes; at < SCSI_BOUNCE_BYTES;
         at += d->block_bytes) {
        memcpy(d->bounce + at, d->bounce, d->block_bytes);
    }
    while (done < bytes && answer >= 0) {
        size_t n = MIN(bytes - done, SCSI_BOUNCE_BYTES);
        answer = blockdev_write(d->block, r.lba * d->block_bytes + done,
                                d->bounce, n);
        done += n;
    }
    return answer;
}

static void write_all(ScsiDevice *d, ScsiTask *t, BlockRange r)
{
    t->unmoved = (uint64_t)r.count * d->block_bytes;
    int answer = is_zero(d->bounce, d->block_bytes)
                     ? blockdev_write_zeroes(d->block,
                                             r.lba * d->block_bytes,
                                             (uint64_t)r.count *
                                                 d->block_bytes)
                     : write_copies(d, r);
    if (answer < 0) {
        task_sense(t, SENSE_MEDIUM_ERROR, CODE_WRITE_ERROR);
    } else {
        sbc_written(d, t, false);
    }
}

/* No blocks are an error, because block limits say WSNZ. */
void sbc_write_same(ScsiDevice *d, ScsiTask *t)
{
    bool is_long = t->cdb[0] == 0x93;
    uint8_t refused = SAME_OBSOLETE | SAME_ANCHOR | SAME_PROTECT |
                      (is_long ? 0 : SAME_NDOB);
    BlockRange r = sbc_range(t->cdb);

    if ((t->cdb[1] & refused) || !r.count ||
        r.count > SCSI_MOVE_MAX_BYTES / d->block_bytes) {
        task_bad_field(t);
        return;
    }
    if (!sbc_in_range(d, r, t)) {
        return;
    }
    if (t->cdb[1] & SAME_NDOB) {
        memset(d->bounce, 0, d->block_bytes);
    } else if (!task_take(t, 0, d->bounce, d->block_bytes)) {
        return;
    }
    write_all(d, t, r);
}
