/*
 * Sectors between a disk and the host's scatter list, and DATA SET MANAGEMENT,
 * whose data says which sectors nobody needs any more (ACS, 7.10).
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "drive.h"

#define CHUNK_SECTORS 64u

/* Ranges of sectors in a block of DATA SET MANAGEMENT: 48 bits, 16 bits. */
#define TRIM_RANGES (SECTOR_BYTES / 8)

bool ata_in_range(const IdeDrive *d, uint64_t lba, uint32_t n)
{
    return lba < d->total_sectors && n <= d->total_sectors - lba;
}

/* Moves up to n sectors. -1: the disk failed; else the sectors moved, fewer
 * than n if the scatter list has ended. */
static int move_chunk(IdeDrive *d, const DriveMove *m, uint32_t n)
{
    uint8_t buf[CHUNK_SECTORS * SECTOR_BYTES];
    uint64_t offset = m->lba * SECTOR_BYTES;
    uint32_t bytes = n * SECTOR_BYTES;

    if (!ata_in_range(d, m->lba, n) ||
        (m->in && blockdev_read(d->block, offset, buf, bytes) < 0)) {
        return -1;
    }
    n = d->bus->dma_move(d->bus->host, buf, bytes, m->in) / SECTOR_BYTES;
    if (!m->in && n &&
        blockdev_write(d->block, offset, buf, n * SECTOR_BYTES) < 0) {
        return -1;
    }
    return n;
}

bool ata_written(IdeDrive *d, bool through)
{
    return (!through && d->s.write_cache) || blockdev_flush(d->block) >= 0;
}

DriveMoveEnd ata_move(IdeDrive *d, DriveMove *m)
{
    while (m->sectors) {
        uint32_t want = MIN(m->sectors, CHUNK_SECTORS);
        int n = move_chunk(d, m, want);
        if (n < 0) {
            return MOVE_FAILED;
        }
        m->moved_bytes += (uint64_t)n * SECTOR_BYTES;
        m->lba += n;
        m->sectors -= n;
        if ((uint32_t)n < want) {
            guest_error("%s: scatter list is too short\n", d->dev.path);
            return MOVE_STARVED;
        }
    }
    return m->in || ata_written(d, m->through) ? MOVE_DONE : MOVE_FAILED;
}

/* --- DATA SET MANAGEMENT ------------------------------------------------------- */

static bool trim_range(IdeDrive *d, uint64_t range)
{
    uint64_t lba = range & (BIT(48) - 1);
    uint32_t n = range >> 48;

    return !n || (ata_in_range(d, lba, n) &&
                  blockdev_discard(d->block, lba * SECTOR_BYTES,
                                   (uint64_t)n * SECTOR_BYTES) >= 0);
}

DriveMoveEnd ata_trim(IdeDrive *d)
{
    uint8_t ranges[SECTOR_BYTES];

    if (d->bus->dma_move(d->bus->host, ranges, sizeof ranges, false) <
        sizeof ranges) {
        guest_error("%s: scatter list is too short\n", d->dev.path);
        return MOVE_STARVED;
    }
    for (unsigned i = 0; i < TRIM_RANGES; i++) {
        if (!trim_range(d, bytes_ld_le64(ranges + 8 * i))) {
            return MOVE_FAILED;
        }
    }
    return MOVE_DONE;
}
