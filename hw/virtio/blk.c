/*
 * virtio-blk: a disk. Section 5.2 of the virtio specification, version 1.2.
 *
 * A request is carried out when it is taken from its queue, and returned later
 * (later.h).
 */
#include "base/bytes.h"
#include "base/log.h"
#include "hw/virtio-pci.h"
#include "io/blockdev.h"
#include "later.h"

/* Features, 5.2.3. */
#define F_SEG_MAX      BIT(2)
#define F_GEOMETRY     BIT(4)
#define F_READ_ONLY    BIT(5)
#define F_BLOCK_SIZE   BIT(6)
#define F_FLUSH        BIT(9)
#define F_TOPOLOGY     BIT(10)
#define F_CONFIG_WCE   BIT(11)
#define F_MULTI_QUEUE  BIT(12)
#define F_DISCARD      BIT(13)
#define F_WRITE_ZEROES BIT(14)

/* Offsets of the configuration, 5.2.4. */
enum {
    CONFIG_CAPACITY = 0,
    CONFIG_SEG_MAX = 12,
    CONFIG_CYLINDERS = 16,
    CONFIG_HEADS = 18,
    CONFIG_SECTORS = 19,
    CONFIG_BLOCK_SIZE = 20,
    CONFIG_PHYSICAL_EXP = 24,
    CONFIG_MIN_IO = 26,
    CONFIG_OPT_IO = 28,
    CONFIG_WRITEBACK = 32,
    CONFIG_QUEUES = 34,
    CONFIG_DISCARD_SECTORS = 36,
    CONFIG_DISCARD_SEGMENTS = 40,
    CONFIG_DISCARD_ALIGN = 44,
    CONFIG_ZEROES_SECTORS = 48,
    CONFIG_ZEROES_SEGMENTS = 52,
    CONFIG_ZEROES_UNMAP = 56,
    CONFIG_BYTES = 60,
};

/* Requests and their status, 5.2.6. */
enum { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4, TYPE_GET_ID = 8,
       TYPE_DISCARD = 11, TYPE_WRITE_ZEROES = 13 };
enum { STATUS_OK, STATUS_IO_ERROR, STATUS_UNSUPPORTED };

#define HEADER_BYTES  16u
#define ID_BYTES      20u
#define SECTOR_BYTES  512u
#define RANGE_BYTES   16u      /* of discard and write zeroes */
#define RANGE_UNMAP   1u
#define RANGE_SECTORS (1u << 22)

#define BOUNCE_BYTES   (64 * KIB)
/* The most that one request moves: the host's time is bounded. */
#define REQUEST_MAX_BYTES (64 * MIB)

#define QUEUES_MAX  16u
#define QUEUES_AUTO 0xffffu

#define BLK_STATE(_)                                                          \
    VIRTIO_LATER_STATE(_)                                                     \
    _(bool, STATE_BOOL, write_cache, 1, 1, "writes may stay in a cache")

STATE_STRUCT(BlkState, BLK_STATE);
static STATE_TABLE(blk_state, "virtio-blk", 1, BlkState, BLK_STATE)

typedef struct VirtioBlk {
    VirtioDevice v;
    BlkState s;
    BlockDev *block;
    uint32_t boot_index, queues, queue_size;
    uint32_t logical_bytes, physical_bytes;
    bool write_cache, config_wce, discard, write_zeroes;
    char *serial;
    uint64_t sectors;
    uint64_t cleared;          /* bytes, by the present request */
    VirtioLater later;
    uint8_t *bounce;
} VirtioBlk;

/* --- what a request does ---------------------------------------------------------*/

static bool in_range(const VirtioBlk *d, uint64_t sector, uint64_t bytes)
{
    uint64_t align = d->logical_bytes / SECTOR_BYTES;
    return bytes <= REQUEST_MAX_BYTES && bytes % d->logical_bytes == 0 &&
           sector % align == 0 && sector <= d->sectors &&
           bytes / SECTOR_BYTES <= d->sectors - sector;
}

/* 5.2.5: without a flush command, or a cache, what was written is safe. */
static bool writes_through(const VirtioBlk *d)
{
    return !virtio_has(&d->v, F_FLUSH) || !d->s.write_cache;
}

static uint8_t status_of(int answer)
{
    return answer < 0 ? STATUS_IO_ERROR : STATUS_OK;
}

static uint8_t do_read(VirtioBlk *d, const VirtioBuffer *b, uint64_t sector)
{
    uint64_t bytes = b->in_bytes - 1, at = sector * SECTOR_BYTES;

    if (!in_range(d, sector, bytes)) {
        return STATUS_IO_ERROR;
    }
    for (uint64_t done = 0; done < bytes; done += BOUNCE_BYTES) {
        size_t n = MIN(bytes - done, BOUNCE_BYTES);
        if (blockdev_read(d->block, at + done, d->bounce, n) < 0) {
            return STATUS_IO_ERROR;
        }
        virtio_write(&d->v, b, done, d->bounce, n);
    }
    return STATUS_OK;
}

static uint8_t do_write(VirtioBlk *d, const VirtioBuffer *b, uint64_t sector)
{
    uint64_t bytes = b->out_bytes - HEADER_BYTES, at = sector * SECTOR_BYTES;

    if (blockdev_readonly(d->block) || !in_range(d, sector, bytes)) {
        return STATUS_IO_ERROR;
    }
    for (uint64_t done = 0; done < bytes; done += BOUNCE_BYTES) {
        size_t n = MIN(bytes - done, BOUNCE_BYTES);
        if (virtio_read(&d->v, b, HEADER_BYTES + done, d->bounce, n) < n ||
            blockdev_write(d->block, at + done, d->bounce, n) < 0) {
            return STATUS_IO_ERROR;
        }
    }
    return writes_through(d) ? status_of(blockdev_flush(d->block))
                             : STATUS_OK;
}

static uint8_t do_get_id(VirtioBlk *d, const VirtioBuffer *b)
{
    char id[ID_BYTES] = { 0 };

    memcpy(id, d->serial ? d->serial : "",
           MIN(strlen(d->serial ? d->serial : ""), ID_BYTES));
    virtio_write(&d->v, b, 0, id, MIN(b->in_bytes - 1, ID_BYTES));
    return STATUS_OK;
}

/* 5.2.6.2: one range, as the configuration says. Either way the sectors read
 * as zeroes afterwards, whatever the image is, unless it keeps what is
 * discarded. */
static uint8_t do_range(VirtioBlk *d, const VirtioBuffer *b, bool discard)
{
    uint8_t range[RANGE_BYTES];

    if (!virtio_has(&d->v, discard ? F_DISCARD : F_WRITE_ZEROES) ||
        blockdev_readonly(d->block)) {
        return STATUS_UNSUPPORTED;
    }
    if (b->out_bytes != HEADER_BYTES + RANGE_BYTES ||
        virtio_read(&d->v, b, HEADER_BYTES, range, RANGE_BYTES) <
            RANGE_BYTES) {
        return STATUS_UNSUPPORTED;
    }
    uint64_t sector = bytes_ld_le64(range);
    uint32_t count = bytes_ld_le32(range + 8);
    uint32_t flags = bytes_ld_le32(range + 12);
    if (flags & (discard ? ~0u : ~RANGE_UNMAP)) {
        return STATUS_UNSUPPORTED;
    }
    if (count > RANGE_SECTORS || sector > d->sectors ||
        count > d->sectors - sector) {
        return STATUS_IO_ERROR;
    }
    uint64_t at = sector * SECTOR_BYTES, bytes = (uint64_t)count * SECTOR_BYTES;
    d->cleared = bytes;
    return status_of(discard ? blockdev_discard(d->block, at, bytes)
                             : blockdev_write_zeroes(d->block, at, bytes));
}

static uint8_t do_request(VirtioBlk *d, const VirtioBuffer *b)
{
    uint8_t header[HEADER_BYTES];

    virtio_read(&d->v, b, 0, header, sizeof header);
    uint64_t sector = bytes_ld_le64(header + 8);
    switch (bytes_ld_le32(header)) {
    case TYPE_IN:
        return do_read(d, b, sector);
    case TYPE_OUT:
        return do_write(d, b, sector);
    case TYPE_FLUSH:
        return status_of(blockdev_flush(d->block));
    case TYPE_GET_ID:
        return do_get_id(d, b);
    case TYPE_DISCARD:
        return do_range(d, b, true);
    case TYPE_WRITE_ZEROES:
        return do_range(d, b, false);
    }
    guest_error("%s: request of type %u\n", virtio_name(&d->v),
                bytes_ld_le32(header));
    return STATUS_UNSUPPORTED;
}

/* --- requests ---------------------------------------------------------------------*/

/* Carries out a request; the bytes that it moved or cleared. */
static uint64_t start_request(VirtioDevice *v, const VirtioBuffer *b)
{
    VirtioBlk *d = container_of(v, VirtioBlk, v);

    if (b->out_bytes < HEADER_BYTES || !b->in_bytes) {
        virtio_break(&d->v, "a request of %u and %u bytes",
                     (unsigned)MIN(b->out_bytes, UINT32_MAX),
                     (unsigned)MIN(b->in_bytes, UINT32_MAX));
        return 0;
    }
    d->cleared = 0;
    uint8_t status = do_request(d, b);
    uint64_t bytes = status == STATUS_OK
                         ? b->out_bytes - HEADER_BYTES + b->in_bytes - 1 : 0;
    virtio_write(&d->v, b, b->in_bytes - 1, &status, 1);
    if (!d->v.s->broken) {
        later_add(&d->later, b, bytes, b->in_bytes);
    }
    return bytes + d->cleared;
}

static void blk_queue(VirtioDevice *v, unsigned q)
{
    later_queue(&container_of(v, VirtioBlk, v)->later, q);
}

/* --- configuration --------------------------------------------------------------------*/

static uint64_t blk_features(VirtioDevice *v)
{
    const VirtioBlk *d = container_of(v, VirtioBlk, v);

    return F_SEG_MAX | F_GEOMETRY | F_BLOCK_SIZE | F_FLUSH | F_TOPOLOGY |
           (blockdev_readonly(d->block) ? F_READ_ONLY : 0) |
           (d->config_wce ? F_CONFIG_WCE : 0) |
           (d->queues > 1 ? F_MULTI_QUEUE : 0) |
           (d->discard ? F_DISCARD : 0) |
           (d->write_zeroes ? F_WRITE_ZEROES : 0);
}

static unsigned physical_exp(const VirtioBlk *d)
{
    return __builtin_ctz(d->physical_bytes / d->logical_bytes);
}

static void blk_get_config(VirtioDevice *v, uint8_t *config)
{
    const VirtioBlk *d = container_of(v, VirtioBlk, v);
    uint64_t cylinders = d->sectors / (16 * 63);

    bytes_st_le64(config + CONFIG_CAPACITY, d->sectors);
    bytes_st_le32(config + CONFIG_SEG_MAX, d->queue_size - 2);
    bytes_st_le16(config + CONFIG_CYLINDERS, CLAMP(cylinders, 2, 16383));
    config[CONFIG_HEADS] = 16;
    config[CONFIG_SECTORS] = 63;
    bytes_st_le32(config + CONFIG_BLOCK_SIZE, d->logical_bytes);
    config[CONFIG_PHYSICAL_EXP] = physical_exp(d);
    bytes_st_le16(config + CONFIG_MIN_IO, 1);
    config[CONFIG_WRITEBACK] = d->s.write_cache;
    bytes_st_le16(config + CONFIG_QUEUES, d->queues);
    bytes_st_le32(config + CONFIG_DISCARD_SECTORS, RANGE_SECTORS);
    bytes_st_le32(config + CONFIG_DISCARD_SEGMENTS, 1);
    bytes_st_le32(config + CONFIG_DISCARD_ALIGN,
                  d->logical_bytes / SECTOR_BYTES);
    bytes_st_le32(config + CONFIG_ZEROES_SECTORS, RANGE_SECTORS);
    bytes_st_le32(config + CONFIG_ZEROES_SEGMENTS, 1);
    config[CONFIG_ZEROES_UNMAP] = 1;
}

static void blk_set_config(VirtioDevice *v, const uint8_t *config,
                           unsigned offset, unsigned len)
{
    VirtioBlk *d = container_of(v, VirtioBlk, v);

    if (offset <= CONFIG_WRITEBACK && CONFIG_WRITEBACK < offset + len &&
        virtio_has(v, F_CONFIG_WCE)) {
        d->s.write_cache = config[CONFIG_WRITEBACK] & 1;
    }
}

static void blk_reset(VirtioDevice *v)
{
    VirtioBlk *d = container_of(v, VirtioBlk, v);
    later_reset(&d->later);
    d->s.write_cache = d->write_cache;
}

static const VirtioInfo blk_info = {
    .type = 2,
    .config_bytes = CONFIG_BYTES,
    .features = blk_features,
    .get_config = blk_get_config,
    .set_config = blk_set_config,
    .queue = blk_queue,
    .reset = blk_reset,
};

/* --- life ---------------------------------------------------------------------------------*/

static bool sizes_good(const VirtioBlk *d, Error **errp)
{
    uint32_t logical = d->logical_bytes, physical = d->physical_bytes;

    if (!bits_is_pow2(logical) || logical < 512 || logical > 32768 ||
        !bits_is_pow2(physical) || physical < logical || physical > 2 * MIB) {
        error_set(errp, "logical_block_size=%u, physical_block_size=%u: "
                  "powers of two from 512 to 32768, and not the logical one "
                  "larger", logical, physical);
        return false;
    }
    if (!virtio_ring_size_good("queue-size", d->queue_size, 4, errp)) {
        return false;
    }
    if (!d->queues || d->queues > QUEUES_MAX) {
        error_set(errp, "num-queues=%u must be from 1 to %u", d->queues,
                  QUEUES_MAX);
        return false;
    }
    return true;
}

static bool medium_good(const VirtioBlk *d, Error **errp)
{
    if (!d->block) {
        error_set(errp, "drive property not set");
        return false;
    }
    if (blockdev_is_empty(d->block)) {
        error_set(errp, "Device needs media, but drive is empty");
        return false;
    }
    return true;
}

static bool blk_realize(Device *dev, Error **errp)
{
    VirtioBlk *d = (VirtioBlk *)dev;
    Machine *m = dev->machine;

    if (d->queues == QUEUES_AUTO) {
        d->queues = CLAMP(m->config.smp.cpus, 1, QUEUES_MAX);
    }
    if (!medium_good(d, errp) || !sizes_good(d, errp)) {
        return false;
    }
    d->sectors = blockdev_size_bytes(d->block) / d->logical_bytes *
                 (d->logical_bytes / SECTOR_BYTES);
    d->bounce = g_malloc0(BOUNCE_BYTES);
    later_init(&d->later, &d->v, "virtio-blk", start_request);
    blockdev_bind(d->block, m);
    return virtio_realize(&d->v, &blk_info, d->queues, d->queue_size, errp);
}

static void blk_unrealize(Device *dev)
{
    VirtioBlk *d = (VirtioBlk *)dev;

    later_destroy(&d->later);
    g_clear_pointer(&d->bounce, g_free);
}

static const PropDef blk_props[] = {
    PROP(VirtioBlk, block, "drive", PROP_DRIVE, NULL,
         "Node name or ID of a block device to use as a backend"),
    PROP(VirtioBlk, boot_index, "bootindex", PROP_U32, "0xffffffff",
         "place in the firmware's boot order, from 0"),
    PROP(VirtioBlk, serial, "serial", PROP_STRING, NULL, "serial number"),
    PROP(VirtioBlk, queues, "num-queues", PROP_U32, "0xffff",
         "queues; one for each vCPU by default"),
    PROP(VirtioBlk, queue_size, "queue-size", PROP_U32, "256",
         "entries of a queue"),
    PROP(VirtioBlk, logical_bytes, "logical_block_size", PROP_U32, "512",
         "what requests are multiples of"),
    PROP(VirtioBlk, physical_bytes, "physical_block_size", PROP_U32, "512",
         "what they should be multiples of"),
    PROP(VirtioBlk, write_cache, "write-cache", PROP_BOOL, "on",
         "writes may stay in a cache until a flush"),
    PROP(VirtioBlk, config_wce, "config-wce", PROP_BOOL, "on",
         "the driver may switch the cache"),
    PROP(VirtioBlk, discard, "discard", PROP_BOOL, "on",
         "the driver may discard sectors"),
    PROP(VirtioBlk, write_zeroes, "write-zeroes", PROP_BOOL, "on",
         "the driver may write zeroes without sending them"),
    VIRTIO_PROPS(VirtioBlk),
    PROP_END
};

extern const DeviceClass virtio_blk_class, virtio_blk_pci_class;

const DeviceClass virtio_blk_class = {
    .name = "virtio-blk-device",
    .desc = "virtio disk",
    .bus = "virtio-bus",
    .category = "Storage",
    .user = true,
    .size = sizeof(VirtioBlk),
    .state_offset = offsetof(VirtioBlk, s),
    .state = blk_state,
    .props = blk_props,
    .realize = blk_realize,
    .reset = virtio_device_reset,
    .unrealize = blk_unrealize,
};

/* One for each queue, one for configuration changes. */
static unsigned blk_vectors(const VirtioDevice *v)
{
    return v->queue_count + 1;
}

static const VirtioPciInfo blk_pci_info = {
    .type = 2,
    .class_code = 0x0100,
    .boot_path = "scsi@%s/disk@0,0",
    .vectors = blk_vectors,
    .boot_index_offset = offsetof(VirtioBlk, boot_index),
};

VIRTIO_PCI_CLASS(virtio_blk_pci_class, "virtio-blk-pci", "Storage",
                 virtio_blk_class, blk_pci_info);
