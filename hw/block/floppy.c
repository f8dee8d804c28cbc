/*
 * A floppy drive: its head, its medium, and what size of image is what medium.
 */
#include "hw/floppy.h"
#include "vm/machine.h"

#define HEAD_TRACKS_SPARE 3u   /* that a drive can reach beyond the usual 80 */

#define FLOPPY_STATE(_)                                                      \
    _(uint8_t, STATE_U8, track, 0, 1, "track that the head is on")           \
    _(bool, STATE_BOOL, changed, 1, 1, "the medium may be another one")

STATE_STRUCT(FloppyState, FLOPPY_STATE);
static STATE_TABLE(floppy_state, "floppy", 1, FloppyState, FLOPPY_STATE)

struct FloppyDrive {
    Device dev;
    FloppyState s;
    BlockDev *block;
    uint32_t unit;
    char *type_text;
    FloppyType type;
    const FloppyFormat *format;
};

/* Sizes of images that are in use: DOS from 1.0 on, and formats with more
 * sectors or tracks than usual. */
static const FloppyFormat formats[] = {
    { 160, 40, 1, 8, FLOPPY_250K, FLOPPY_360 },
    { 180, 40, 1, 9, FLOPPY_250K, FLOPPY_360 },
    { 320, 40, 2, 8, FLOPPY_250K, FLOPPY_360 },
    { 360, 40, 2, 9, FLOPPY_250K, FLOPPY_360 },
    { 400, 40, 2, 10, FLOPPY_250K, FLOPPY_360 },
    { 410, 41, 2, 10, FLOPPY_250K, FLOPPY_360 },
    { 420, 42, 2, 10, FLOPPY_250K, FLOPPY_360 },
    { 640, 80, 2, 8, FLOPPY_250K, FLOPPY_720 },
    { 720, 80, 2, 9, FLOPPY_250K, FLOPPY_720 },
    { 800, 80, 2, 10, FLOPPY_250K, FLOPPY_720 },
    { 820, 82, 2, 10, FLOPPY_250K, FLOPPY_720 },
    { 830, 83, 2, 10, FLOPPY_250K, FLOPPY_720 },
    { 1040, 80, 2, 13, FLOPPY_500K, FLOPPY_1440 },
    { 1120, 80, 2, 14, FLOPPY_500K, FLOPPY_1440 },
    { 1200, 80, 2, 15, FLOPPY_500K, FLOPPY_1200 },
    { 1440, 80, 2, 18, FLOPPY_500K, FLOPPY_1440 },
    { 1476, 82, 2, 18, FLOPPY_500K, FLOPPY_1440 },
    { 1494, 83, 2, 18, FLOPPY_500K, FLOPPY_1440 },
    { 1600, 80, 2, 20, FLOPPY_500K, FLOPPY_1440 },
    { 1680, 80, 2, 21, FLOPPY_500K, FLOPPY_1440 },
    { 1722, 82, 2, 21, FLOPPY_500K, FLOPPY_1440 },
    { 1743, 83, 2, 21, FLOPPY_500K, FLOPPY_1440 },
    { 1760, 80, 2, 22, FLOPPY_500K, FLOPPY_1440 },
    { 1840, 80, 2, 23, FLOPPY_500K, FLOPPY_1440 },
    { 1920, 80, 2, 24, FLOPPY_500K, FLOPPY_1440 },
    { 2880, 80, 2, 36, FLOPPY_1M, FLOPPY_2880 },
    { 3120, 80, 2, 39, FLOPPY_1M, FLOPPY_2880 },
    { 3200, 80, 2, 40, FLOPPY_1M, FLOPPY_2880 },
    { 3520, 80, 2, 44, FLOPPY_1M, FLOPPY_2880 },
    { 3840, 80, 2, 48, FLOPPY_1M, FLOPPY_2880 },
};

/* ORDER floppy-type (include/hw/floppy.h) */
static const struct {
    const char *word;
    uint8_t tracks;
} types[] = {
    { "none", 0 },         { "360", 40 + HEAD_TRACKS_SPARE },
    { "120", 80 + HEAD_TRACKS_SPARE }, { "720", 80 + HEAD_TRACKS_SPARE },
    { "144", 80 + HEAD_TRACKS_SPARE }, { "288", 80 + HEAD_TRACKS_SPARE },
};

FloppyType floppy_type(const FloppyBus *bus, unsigned unit)
{
    return bus->drive[unit] ? bus->drive[unit]->type : FLOPPY_NONE;
}

/* --- the medium -----------------------------------------------------------------*/

static bool has_medium(const FloppyDrive *d)
{
    return d->block && !blockdev_is_empty(d->block);
}

const FloppyFormat *floppy_format(const FloppyDrive *d)
{
    return has_medium(d) ? d->format : NULL;
}

bool floppy_readonly(const FloppyDrive *d)
{
    return !has_medium(d) || blockdev_readonly(d->block);
}

static bool find_format(FloppyDrive *d, Error **errp)
{
    uint64_t bytes = blockdev_size_bytes(d->block);

    for (unsigned i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (bytes == formats[i].kib * KIB) {
            d->format = &formats[i];
            return true;
        }
    }
    error_set(errp, "an image of %" G_GUINT64_FORMAT " bytes is no floppy "
              "disk; there are 160, 180, 320, 360, 720, 1200, 1440, 2880 KiB "
              "and some more", bytes);
    return false;
}

static uint64_t offset_bytes(const FloppyDrive *d, unsigned head,
                             unsigned sector)
{
    const FloppyFormat *f = d->format;

    g_assert(d->s.track < f->tracks && head < f->heads && sector >= 1 &&
             sector <= f->sectors);
    uint64_t n = (d->s.track * f->heads + head) * f->sectors + sector - 1;
    return n * FLOPPY_SECTOR_BYTES;
}

bool floppy_read(FloppyDrive *d, unsigned head, unsigned sector, void *buf)
{
    return blockdev_read(d->block, offset_bytes(d, head, sector), buf,
                         FLOPPY_SECTOR_BYTES) >= 0;
}

bool floppy_write(FloppyDrive *d, unsigned head, unsigned sector,
                  const void *buf)
{
    return blockdev_write(d->block, offset_bytes(d, head, sector), buf,
                          FLOPPY_SECTOR_BYTES) >= 0;
}

/* --- the head -------------------------------------------------------------------*/

unsigned floppy_track(const FloppyDrive *d)
{
    return d->s.track;
}

void floppy_seek(FloppyDrive *d, unsigned track)
{
    track = MIN(track, types[d->type].tracks - 1u);
    if (track != d->s.track) {
        d->s.track = track;
        d->s.changed = !has_medium(d);
    }
}

bool floppy_changed(const FloppyDrive *d)
{
    return d->s.changed;
}

/* --- life -------------------------------------------------------------------------*/

static bool find_type(FloppyDrive *d, Error **errp)
{
    if (g_str_equal(d->type_text, "auto")) {
        d->type = d->format ? d->format->type : FLOPPY_1440;
        return true;
    }
    for (unsigned i = 1; i < G_N_ELEMENTS(types); i++) {
        if (g_str_equal(d->type_text, types[i].word)) {
            d->type = i;
            return true;
        }
    }
    error_set(errp, "drive-type '%s': auto, 360, 120, 720, 144 or 288",
              d->type_text);
    return false;
}

static bool plug(FloppyDrive *d, FloppyBus *bus, Error **errp)
{
    if (d->unit == UINT32_MAX) {
        d->unit = bus->drive[0] && !bus->drive[1] ? 1 : 0;
    }
    if (d->unit >= FLOPPY_UNITS) {
        error_set(errp, "Can't create floppy unit %u, bus supports only %u "
                  "units", d->unit, FLOPPY_UNITS);
        return false;
    }
    if (bus->drive[d->unit]) {
        error_set(errp, "Floppy unit %u is in use", d->unit);
        return false;
    }
    bus->drive[d->unit] = d;
    d->dev.at = g_strdup_printf("unit %u", d->unit);
    return true;
}

static bool floppy_realize(Device *dev, Error **errp)
{
    FloppyDrive *d = (FloppyDrive *)dev;

    if (d->block) {
        blockdev_bind(d->block, dev->machine);
    }
    return (!has_medium(d) || find_format(d, errp)) && find_type(d, errp) &&
           plug(d, dev->bus, errp);
}

static const PropDef floppy_props[] = {
    PROP(FloppyDrive, block, "drive", PROP_DRIVE, NULL,
         "Node name or ID of a block device to use as a backend"),
    PROP(FloppyDrive, unit, "unit", PROP_U32, "0xffffffff",
         "0: A, 1: B (the first free one)"),
    PROP(FloppyDrive, type_text, "drive-type", PROP_STRING, "auto",
         "360, 120, 720, 144, 288; auto: as the medium wants"),
    PROP_END
};

const DeviceClass floppy_class = {
    .name = "floppy",
    .desc = "virtual floppy drive",
    .bus = "floppy-bus",
    .category = "Storage",
    .user = true,
    .size = sizeof(FloppyDrive),
    .state_offset = offsetof(FloppyDrive, s),
    .state = floppy_state,
    .props = floppy_props,
    .realize = floppy_realize,
};
