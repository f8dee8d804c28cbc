/*
 * The NVM command set: what the namespace does. Section 6. See nvme.h.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "nvme.h"

enum {
    IO_FLUSH = 0x00,
    IO_WRITE = 0x01,
    IO_READ = 0x02,
    IO_COMPARE = 0x05,
    IO_WRITE_ZEROES = 0x08,
    IO_DATASET = 0x09,
    IO_VERIFY = 0x0c,
};

#define FORCE_UNIT_ACCESS 0x40000000u   /* dword 12, 6.9 and 6.15 */
#define DEALLOCATE        0x4u          /* dword 11, 6.7 */
#define RANGE_BYTES       16u
#define RANGES_MAX        256u

/* Blocks of dwords 10 to 12, as bytes of the image. */
typedef struct Extent {
    uint64_t lba, count;
} Extent;

static Extent extent_of(const NvmeCommand *c)
{
    return (Extent){ c->dw[10] | (uint64_t)c->dw[11] << 32,
                     (c->dw[12] & 0xffff) + 1 };
}

static bool exists(const Nvme *d, Extent e)
{
    return e.lba <= d->blocks && e.count <= d->blocks - e.lba;
}

static uint64_t offset_of(const Nvme *d, Extent e)
{
    return e.lba * d->block_bytes;
}

static uint64_t bytes_of(const Nvme *d, Extent e)
{
    return e.count * d->block_bytes;
}

/* Without a cache, or if it is asked for, what was written is safe. */
static uint16_t written(Nvme *d, bool force)
{
    bool flush = force || !d->s.write_cache;
    return flush && blockdev_flush(d->block) < 0 ? NVME_WRITE_FAULT : NVME_OK;
}

static uint16_t cmd_flush(Nvme *d, NvmeCommand *c)
{
    return written(d, true);
}

/* --- moving blocks ------------------------------------------------------------------*/

/* What is done to a piece of the extent, n bytes at that offset of the image. */
typedef uint16_t PieceFn(Nvme *d, uint64_t at, uint32_t n);

static uint16_t read_piece(Nvme *d, uint64_t at, uint32_t n)
{
    if (blockdev_read(d->block, at, d->bounce, n) < 0) {
        return NVME_READ_ERROR;
    }
    return nvme_put(d, d->bounce, n) ? NVME_OK : NVME_TRANSFER_ERROR;
}

static uint16_t write_piece(Nvme *d, uint64_t at, uint32_t n)
{
    if (!nvme_get(d, d->bounce, n)) {
        return NVME_TRANSFER_ERROR;
    }
    return blockdev_write(d->block, at, d->bounce, n) < 0 ? NVME_WRITE_FAULT
                                                          : NVME_OK;
}

static uint16_t compare_piece(Nvme *d, uint64_t at, uint32_t n)
{
    uint8_t *theirs = d->bounce + NVME_BOUNCE_BYTES / 2;

    if (blockdev_read(d->block, at, d->bounce, n) < 0) {
        return NVME_READ_ERROR;
    }
    if (!nvme_get(d, theirs, n)) {
        return NVME_TRANSFER_ERROR;
    }
    return memcmp(d->bounce, theirs, n) ? NVME_COMPARE_FAILED : NVME_OK;
}

static uint16_t move(Nvme *d, NvmeCommand *c, PieceFn *piece, uint32_t most)
{
    Extent e = extent_of(c);
    uint64_t bytes = bytes_of(d, e);
    uint16_t status;

    if (bytes > nvme_transfer_max(d)) {
        return NVME_BAD_FIELD;
    }
    if (!exists(d, e)) {
        return NVME_BAD_LBA;
    }
    status = nvme_map(d, c, bytes);
    while (!status && c->bytes < bytes) {
        uint32_t n = MIN(bytes - c->bytes, most);
        status = piece(d, offset_of(d, e) + c->bytes, n);
        c->bytes += n;
    }
    return status;
}

static uint16_t cmd_read(Nvme *d, NvmeCommand *c)
{
    uint16_t status = move(d, c, read_piece, NVME_BOUNCE_BYTES);

    d->s.reads++;
    d->s.sectors_read += c->bytes / 512;
    return status;
}

static uint16_t cmd_write(Nvme *d, NvmeCommand *c)
{
    uint16_t status = move(d, c, write_piece, NVME_BOUNCE_BYTES);

    d->s.writes++;
    d->s.sectors_written += c->bytes / 512;
    return status ? status : written(d, c->dw[12] & FORCE_UNIT_ACCESS);
}

static uint16_t cmd_compare(Nvme *d, NvmeCommand *c)
{
    d->s.reads++;
    return move(d, c, compare_piece, NVME_BOUNCE_BYTES / 2);
}

/* 6.14: no data is moved, so MDTS does not limit it. */
static uint16_t cmd_verify(Nvme *d, NvmeCommand *c)
{
    Extent e = extent_of(c);
    uint64_t bytes = bytes_of(d, e);

    if (!exists(d, e)) {
        return NVME_BAD_LBA;
    }
    c->unmoved = bytes;
    for (uint64_t done = 0; done < bytes; done += NVME_BOUNCE_BYTES) {
        size_t n = MIN(bytes - done, NVME_BOUNCE_BYTES);
        if (blockdev_read(d->block, offset_of(d, e) + done, d->bounce, n) < 0) {
            return NVME_READ_ERROR;
        }
    }
    return NVME_OK;
}

/* --- clearing blocks ------------------------------------------------------------------*/

static uint16_t clear(Nvme *d, NvmeCommand *c, Extent e)
{
    c->unmoved += bytes_of(d, e);
    int answer = blockdev_write_zeroes(d->block, offset_of(d, e),
                                       bytes_of(d, e));
    return answer < 0 ? NVME_WRITE_FAULT : NVME_OK;
}

static uint16_t cmd_write_zeroes(Nvme *d, NvmeCommand *c)
{
    Extent e = extent_of(c);
    uint16_t status = exists(d, e) ? clear(d, c, e) : NVME_BAD_LBA;

    d->s.writes++;
    return status ? status : written(d, c->dw[12] & FORCE_UNIT_ACCESS);
}

static Extent range_of(const uint8_t *range)
{
    return (Extent){ bytes_ld_le64(range + 8), bytes_ld_le32(range + 4) };
}

/* Deallocating is advice (6.7): what is beyond the most that one command may
 * clear is left as it is. */
static uint16_t deallocate(Nvme *d, NvmeCommand *c, const uint8_t *ranges,
                           unsigned count)
{
    uint64_t left = NVME_CLEAR_MAX_BYTES / d->block_bytes;

    for (unsigned i = 0; i < count; i++) {
        if (!exists(d, range_of(ranges + i * RANGE_BYTES))) {
            return NVME_BAD_LBA;
        }
    }
    for (unsigned i = 0; i < count && left; i++) {
        Extent e = range_of(ranges + i * RANGE_BYTES);
        e.count = MIN(e.count, left);
        left -= e.count;
        if (e.count && clear(d, c, e)) {
            return NVME_WRITE_FAULT;
        }
    }
    return written(d, false);
}

static uint16_t cmd_dataset(Nvme *d, NvmeCommand *c)
{
    unsigned count = (c->dw[10] & 0xff) + 1;
    uint8_t ranges[RANGES_MAX * RANGE_BYTES];
    uint16_t status = nvme_map(d, c, count * RANGE_BYTES);

    if (status) {
        return status;
    }
    if (!nvme_get(d, ranges, count * RANGE_BYTES)) {
        return NVME_TRANSFER_ERROR;
    }
    d->s.writes++;
    return c->dw[11] & DEALLOCATE ? deallocate(d, c, ranges, count) : NVME_OK;
}

/* --- dispatch ---------------------------------------------------------------------------*/

typedef struct IoCommand {
    uint8_t opcode;
    bool writes, any_namespace;
    uint16_t (*fn)(Nvme *d, NvmeCommand *c);
} IoCommand;

static const IoCommand io_commands[] = {
    { IO_FLUSH, false, true, cmd_flush },
    { IO_WRITE, true, false, cmd_write },
    { IO_READ, false, false, cmd_read },
    { IO_COMPARE, false, false, cmd_compare },
    { IO_WRITE_ZEROES, true, false, cmd_write_zeroes },
    { IO_DATASET, true, false, cmd_dataset },
    { IO_VERIFY, false, false, cmd_verify },
};

uint16_t nvme_io(Nvme *d, NvmeCommand *c)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(io_commands); i++) {
        const IoCommand *io = &io_commands[i];
        if (io->opcode != c->opcode) {
            continue;
        }
        if (c->nsid != NVME_NSID &&
            !(io->any_namespace && c->nsid == NVME_NSID_ALL)) {
            return NVME_BAD_NAMESPACE;
        }
        if (io->writes && blockdev_readonly(d->block)) {
            return NVME_WRITE_PROTECTED;
        }
        return io->fn(d, c);
    }
    guest_error("%s: opcode 0x%02x\n", nvme_name(d), c->opcode);
    return NVME_BAD_OPCODE;
}
