/*
 * What disks and CD drives have in common: registers, the data port, the
 * latency timer, resets. See drive.h.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "drive.h"

enum {
    REG_FEATURE = 1,       /* read: error */
    REG_NSECTOR,
    REG_LBA_LOW,
    REG_LBA_MID,
    REG_LBA_HIGH,
    REG_SELECT,
    REG_STATUS,
};

/* The latency model: a fixed part, and a rate of about 500 MB/s. */
#define COMMAND_NS  (10 * NS_PER_US)
#define SECTOR_NS   (1 * NS_PER_US)
#define RESET_NS    (50 * NS_PER_US)

int64_t drive_latency_ns(uint64_t bytes)
{
    return COMMAND_NS + (int64_t)(bytes / SECTOR_BYTES) * SECTOR_NS;
}

/* --- how a command goes on ---------------------------------------------------*/

static void set_irq(IdeDrive *d, bool irq)
{
    d->s.irq = irq;
    ide_bus_irq_changed(d->bus);
}

static void go_on_later(IdeDrive *d, DriveNext next, int64_t ns)
{
    d->s.next = next;
    d->s.status = ST_BSY;
    timer_arm(&d->timer, clock_now_ns(d->dev.machine->clock) + ns);
}

void drive_done(IdeDrive *d, uint8_t status, uint8_t error, int64_t ns)
{
    d->s.phase = PHASE_IDLE;
    d->s.next_status = status;
    d->s.next_error = error;
    go_on_later(d, NEXT_DONE, ns);
}

void drive_ok(IdeDrive *d)
{
    drive_done(d, ST_OK, 0, COMMAND_NS);
}

void drive_abort(IdeDrive *d)
{
    drive_done(d, ST_DRDY | ST_ERR, ER_ABRT, COMMAND_NS);
}

void drive_data_in(IdeDrive *d, int64_t ns)
{
    g_assert(d->s.pos < d->s.end && d->s.end <= BUFFER_BYTES);
    d->s.phase = PHASE_IN;
    go_on_later(d, NEXT_DATA, ns);
}

void drive_data_out_first(IdeDrive *d, DrivePhase phase, uint32_t bytes)
{
    g_assert(bytes && bytes <= BUFFER_BYTES);
    d->s.pos = 0;
    d->s.end = bytes;
    d->s.phase = phase;
    d->s.status = ST_OK | ST_DRQ;
    if (d->bus->data_block) {
        d->bus->data_block(d->bus->host);
    }
}

void drive_data_out(IdeDrive *d, uint32_t bytes, int64_t ns)
{
    g_assert(bytes && bytes <= BUFFER_BYTES);
    d->s.pos = 0;
    d->s.end = bytes;
    d->s.phase = PHASE_OUT;
    go_on_later(d, NEXT_DATA, ns);
}

static bool is_dma(const IdeDrive *d)
{
    return d->s.phase == PHASE_DMA_IN || d->s.phase == PHASE_DMA_OUT;
}

void drive_dma_start(IdeDrive *d)
{
    if (is_dma(d) &&
        d->bus->dma_ready(d->bus->host, d->s.phase == PHASE_DMA_IN)) {
        d->kind->dma(d);
    }
}

void drive_dma_wait(IdeDrive *d, DrivePhase phase)
{
    d->s.phase = phase;
    d->s.status = ST_OK | ST_DRQ;
    drive_dma_start(d);
}

void drive_dma_done(IdeDrive *d, uint8_t status, uint8_t error, int64_t ns)
{
    d->s.phase = PHASE_IDLE;
    d->s.next_status = status;
    d->s.next_error = error;
    go_on_later(d, NEXT_DMA_DONE, ns);
}

void drive_signature(IdeDrive *d)
{
    d->s.nsector = 1;
    d->s.lba_low = 1;
    d->s.lba_mid = d->kind->packet ? 0x14 : 0;
    d->s.lba_high = d->kind->packet ? 0xeb : 0;
    d->s.select &= DH_DEV;
}

void drive_stop(IdeDrive *d)
{
    timer_cancel(&d->timer);
    d->s.next = NEXT_NOTHING;
    d->s.phase = PHASE_IDLE;
    d->s.pos = d->s.end = d->s.fill = 0;
    d->s.left = 0;
    set_irq(d, false);
}

/* The host learns of the registers: by its interrupt, or by a frame. */
static void tell(IdeDrive *d, bool irq)
{
    if (irq) {
        set_irq(d, true);
    }
    if (d->bus->registers) {
        d->bus->registers(d->bus->host);
    }
}

static void tell_data(IdeDrive *d)
{
    d->s.status = ST_OK | ST_DRQ;
    if (d->bus->data_block) {
        d->bus->data_block(d->bus->host);
    } else {
        set_irq(d, true);
    }
}

static void timer_fired(void *opaque)
{
    IdeDrive *d = opaque;
    uint8_t next = d->s.next;

    d->s.next = NEXT_NOTHING;
    if (next == NEXT_DATA) {
        tell_data(d);
        return;
    }
    if (next == NEXT_SIGNATURE) {
        d->s.status = d->kind->packet ? 0 : ST_OK;
    } else {
        d->s.status = d->s.next_status;
        d->s.error = d->s.next_error;
    }
    if (next == NEXT_DMA_DONE) {
        d->bus->dma_end(d->bus->host);
    }
    tell(d, next != NEXT_SIGNATURE);
}

/* --- the data port ------------------------------------------------------------*/

/* The indices are checked here because a loaded stream may hold anything. */
static bool data_phase(const IdeDrive *d, bool in)
{
    bool right = in ? d->s.phase == PHASE_IN
                    : d->s.phase == PHASE_OUT || d->s.phase == PHASE_PACKET;
    return right && (d->s.status & ST_DRQ) && d->s.pos < d->s.end &&
           d->s.end <= BUFFER_BYTES;
}

static void data_moved(IdeDrive *d, unsigned size)
{
    d->s.pos += size;
    if (d->s.pos >= d->s.end) {
        d->kind->data_done(d);
    }
}

uint32_t drive_data_read(IdeDrive *d, unsigned size)
{
    if (!data_phase(d, true)) {
        return 0;
    }
    unsigned n = MIN(size, d->s.end - d->s.pos);
    uint32_t v = bytes_ld_le(d->s.buffer + d->s.pos, n);
    data_moved(d, n);
    return v;
}

void drive_data_write(IdeDrive *d, uint32_t v, unsigned size)
{
    if (data_phase(d, false)) {
        unsigned n = MIN(size, d->s.end - d->s.pos);
        bytes_st_le(d->s.buffer + d->s.pos, n, v);
        data_moved(d, n);
    }
}

/* --- registers -----------------------------------------------------------------*/

uint8_t drive_read(IdeDrive *d, unsigned reg)
{
    const DriveState *s = &d->s;
    bool hob = s->control & CTL_HOB;

    switch (reg) {
    case REG_FEATURE:
        return hob ? s->hob_feature : s->error;
    case REG_NSECTOR:
        return hob ? s->hob_nsector : s->nsector;
    case REG_LBA_LOW:
        return hob ? s->hob_lba_low : s->lba_low;
    case REG_LBA_MID:
        return hob ? s->hob_lba_mid : s->lba_mid;
    case REG_LBA_HIGH:
        return hob ? s->hob_lba_high : s->lba_high;
    case REG_SELECT:
        return s->select | 0xa0;
    default:
        return s->status;
    }
}

static void push(uint8_t *now, uint8_t *before, uint8_t v)
{
    *before = *now;
    *now = v;
}

void drive_write(IdeDrive *d, unsigned reg, uint8_t v)
{
    DriveState *s = &d->s;

    s->control &= ~CTL_HOB;
    switch (reg) {
    case REG_FEATURE:
        push(&s->feature, &s->hob_feature, v);
        break;
    case REG_NSECTOR:
        push(&s->nsector, &s->hob_nsector, v);
        break;
    case REG_LBA_LOW:
        push(&s->lba_low, &s->hob_lba_low, v);
        break;
    case REG_LBA_MID:
        push(&s->lba_mid, &s->hob_lba_mid, v);
        break;
    case REG_LBA_HIGH:
        push(&s->lba_high, &s->hob_lba_high, v);
        break;
    case REG_SELECT:
        s->select = v;
        break;
    }
}

void drive_reset_end(IdeDrive *d)
{
    drive_signature(d);
    d->s.error = 1;                     /* diagnostic code: no error */
    go_on_later(d, NEXT_SIGNATURE, RESET_NS);
}

void drive_write_control(IdeDrive *d, uint8_t v)
{
    bool was = d->s.control & CTL_SRST, is = v & CTL_SRST;

    d->s.control = v;
    if (is && !was) {
        drive_stop(d);
        d->s.status = ST_BSY;
    } else if (was && !is) {
        d->s.select = 0;
        drive_reset_end(d);
    }
}

#define CMD_DEVICE_RESET 0x08
#define CMD_DIAGNOSTIC   0x90

/* Both drives test themselves, and device 0 interrupts for both. */
static void diagnostic(IdeDrive *d)
{
    drive_stop(d);
    d->s.select = 0;
    if (d->unit == 1 && d->bus->drive[0]) {
        drive_reset_end(d);
        return;
    }
    drive_signature(d);
    drive_done(d, d->kind->packet ? 0 : ST_OK, 1, RESET_NS);
}

static void device_reset_command(IdeDrive *d)
{
    drive_stop(d);
    drive_reset_end(d);
}

void drive_command(IdeDrive *d, uint8_t command)
{
    d->s.control &= ~CTL_HOB;
    set_irq(d, false);
    if (command == CMD_DEVICE_RESET && d->kind->packet) {
        device_reset_command(d);
        return;
    }
    if (d->s.status & (ST_BSY | ST_DRQ)) {
        guest_error("%s: command 0x%02x while busy\n", d->dev.path, command);
        return;
    }
    d->s.command = command;
    d->s.error = 0;
    if (command == CMD_DIAGNOSTIC) {
        diagnostic(d);
    } else {
        d->kind->command(d, command);
    }
}

/* --- life -----------------------------------------------------------------------*/

static bool plug(IdeDrive *d, Error **errp)
{
    d->bus = d->dev.bus;
    if (!d->bus) {
        error_set(errp, "%s needs an IDE bus", d->dev.cls->name);
        return false;
    }
    if (d->unit == UINT32_MAX) {
        d->unit = d->bus->units > 1 && d->bus->drive[0] && !d->bus->drive[1];
    }
    if (d->unit >= d->bus->units) {
        error_set(errp, "Can't create IDE unit %u, bus supports only %u units",
                  d->unit, d->bus->units);
        return false;
    }
    if (d->bus->drive[d->unit]) {
        error_set(errp, "IDE unit %u is in use", d->unit);
        return false;
    }
    d->bus->drive[d->unit] = d;
    g_free(d->dev.at);
    d->dev.at = g_strdup_printf("%s, unit %u", d->bus->name, d->unit);
    return true;
}

/* A number for each place of each channel: "ide.1" is behind "ide.0", which
 * has two. */
static char *default_serial(const IdeDrive *d)
{
    const char *dot = strrchr(d->bus->name, '.');
    unsigned channel = dot ? g_ascii_strtoull(dot + 1, NULL, 10) : 0;
    return g_strdup_printf("QM%05u", 2 * channel + d->unit + 1);
}

static bool drive_init(IdeDrive *d, const DriveKind *kind, Error **errp)
{
    d->kind = kind;
    if (!plug(d, errp)) {
        return false;
    }
    timer_init(&d->timer, d->dev.machine->clock, d->dev.path, &d->s.due_ns,
               timer_fired, d);
    if (d->block) {
        blockdev_bind(d->block, d->dev.machine);
        d->total_sectors = blockdev_size_bytes(d->block) / SECTOR_BYTES;
    }
    uint64_t cylinders = d->total_sectors / (16 * 63);
    d->cylinders = CLAMP(cylinders, 2, 16383);
    if (!d->serial) {
        d->serial = default_serial(d);
    }
    return true;
}

static bool hd_check(IdeDrive *d, Error **errp)
{
    if (d->discard_bytes == DISCARD_AUTO) {
        d->discard_bytes = d->bus->registers ? SECTOR_BYTES : 0;
    }
    if (d->discard_bytes && d->discard_bytes != SECTOR_BYTES) {
        error_set(errp, "discard_granularity=%u: must be 0 or %u",
                  d->discard_bytes, SECTOR_BYTES);
        return false;
    }
    if (d->rotation_rate > UINT16_MAX) {
        error_set(errp, "rotation_rate=%u: at most %u", d->rotation_rate,
                  UINT16_MAX);
        return false;
    }
    return true;
}

static bool hd_realize(Device *dev, Error **errp)
{
    IdeDrive *d = (IdeDrive *)dev;

    if (!d->block) {
        error_set(errp, "No drive specified");
        return false;
    }
    if (blockdev_is_empty(d->block)) {
        error_set(errp, "Device needs media, but drive is empty");
        return false;
    }
    if (blockdev_readonly(d->block)) {
        error_set(errp, "Block node is read-only");
        return false;
    }
    return drive_init(d, &ata_kind, errp) && hd_check(d, errp);
}

static bool cd_realize(Device *dev, Error **errp)
{
    IdeDrive *d = (IdeDrive *)dev;
    d->write_cache = true;              /* and means nothing */
    return drive_init(d, &atapi_kind, errp);
}

void drive_defaults(IdeDrive *d)
{
    d->s.heads = 16;
    d->s.sectors = 63;
    d->s.multiple = MULTIPLE_MAX;
    d->s.mdma_mode = 0;
    d->s.udma_mode = 1 << 5;
    d->s.write_cache = d->write_cache;
}

static void drive_reset(Device *dev)
{
    IdeDrive *d = (IdeDrive *)dev;

    drive_defaults(d);
    drive_signature(d);
    d->s.error = 1;
    d->s.status = d->kind->packet ? 0 : ST_OK;
}

static void drive_unrealize(Device *dev)
{
    IdeDrive *d = (IdeDrive *)dev;
    if (d->timer.clock) {
        timer_destroy(&d->timer);
        d->timer.clock = NULL;
    }
}

static STATE_TABLE(drive_state, "ide-drive", 1, DriveState, DRIVE_STATE)

#define DRIVE_PROPS(default_model)                                            \
    PROP(IdeDrive, block, "drive", PROP_DRIVE, NULL,                          \
         "Node name or ID of a block device to use as a backend"),            \
    PROP(IdeDrive, unit, "unit", PROP_U32, "0xffffffff",                      \
         "0: master, 1: slave (the first free one)"),                         \
    PROP(IdeDrive, boot_index, "bootindex", PROP_U32, "0xffffffff",           \
         "place in the firmware's boot order, from 0"),                       \
    PROP(IdeDrive, model, "model", PROP_STRING, default_model,                \
         "model text in IDENTIFY"),                                           \
    PROP(IdeDrive, serial, "serial", PROP_STRING, NULL,                       \
         "serial number in IDENTIFY"),                                        \
    PROP(IdeDrive, version, "ver", PROP_STRING, "2.5+",                       \
         "firmware version in IDENTIFY")

static const PropDef hd_props[] = {
    DRIVE_PROPS("QEMU HARDDISK"),
    PROP(IdeDrive, wwn, "wwn", PROP_U64, NULL,
         "world wide name in IDENTIFY; 0: none"),
    PROP(IdeDrive, rotation_rate, "rotation_rate", PROP_U32, NULL,
         "in IDENTIFY: 1: no moving parts; turns a minute"),
    PROP(IdeDrive, discard_bytes, "discard_granularity", PROP_U32,
         "0xffffffff", "512: the guest may discard sectors; 0: it may not "
         "(512 on AHCI, 0 elsewhere)"),
    PROP(IdeDrive, write_cache, "write-cache", PROP_BOOL, "on",
         "writes may stay in a cache until a flush"),
    PROP_END
};
static const PropDef cd_props[] = {
    DRIVE_PROPS("QEMU DVD-ROM"),
    PROP(IdeDrive, wwn, "wwn", PROP_U64, NULL,
         "world wide name in IDENTIFY; 0: none"),
    PROP_END
};

const DeviceClass ide_hd_class = {
    .name = "ide-hd",
    .desc = "virtual IDE disk",
    .bus = "IDE",
    .category = "Storage",
    .user = true,
    .size = sizeof(IdeDrive),
    .state_offset = offsetof(IdeDrive, s),
    .state = drive_state,
    .props = hd_props,
    .realize = hd_realize,
    .reset = drive_reset,
    .unrealize = drive_unrealize,
};

const DeviceClass ide_cd_class = {
    .name = "ide-cd",
    .desc = "virtual IDE CD-ROM",
    .bus = "IDE",
    .category = "Storage",
    .user = true,
    .size = sizeof(IdeDrive),
    .state_offset = offsetof(IdeDrive, s),
    .state = drive_state,
    .props = cd_props,
    .realize = cd_realize,
    .reset = drive_reset,
    .unrealize = drive_unrealize,
};
