/*
 * scsi-hd and scsi-cd: logical units for a SCSI bus. See unit.h.
 */
#include "base/bits.h"
#include "unit.h"

#define ANY UINT32_MAX

static STATE_TABLE(scsi_state, "scsi-unit", 1, ScsiState, SCSI_STATE)

/* --- where it is plugged in ----------------------------------------------------------*/

static bool check_address(const ScsiDevice *d, Error **errp)
{
    if (d->channel > d->bus->max_channel) {
        error_set(errp, "bad scsi channel id: %u", d->channel);
    } else if (d->target != ANY && d->target > d->bus->max_target) {
        error_set(errp, "bad scsi device id: %u", d->target);
    } else if (d->lun != ANY && d->lun > d->bus->max_lun) {
        error_set(errp, "bad scsi device lun: %u", d->lun);
    } else {
        return true;
    }
    return false;
}

/* A target that is not given is the first that is free; a LUN likewise. */
static bool choose_address(ScsiDevice *d, Error **errp)
{
    ScsiAddress at = { d->channel, d->target == ANY ? 0 : d->target,
                       d->lun == ANY ? 0 : d->lun };

    while (d->target == ANY && scsi_bus_unit(d->bus, &at)) {
        if (at.target++ == d->bus->max_target) {
            error_set(errp, "no free target");
            return false;
        }
    }
    while (d->lun == ANY && scsi_bus_unit(d->bus, &at)) {
        if (at.lun++ == d->bus->max_lun) {
            error_set(errp, "no free lun");
            return false;
        }
    }
    if (scsi_bus_unit(d->bus, &at)) {
        error_set(errp, "lun already used by '%s'",
                  scsi_bus_unit(d->bus, &at)->dev.path);
        return false;
    }
    d->target = at.target;
    d->lun = at.lun;
    return true;
}

static int by_address(gconstpointer a, gconstpointer b)
{
    const ScsiDevice *x = *(ScsiDevice *const *)a;
    const ScsiDevice *y = *(ScsiDevice *const *)b;
    uint64_t p = (uint64_t)x->channel << 48 | (uint64_t)x->target << 24 |
                 x->lun;
    uint64_t q = (uint64_t)y->channel << 48 | (uint64_t)y->target << 24 |
                 y->lun;
    return p < q ? -1 : p > q;
}

static bool plug(ScsiDevice *d, Error **errp)
{
    d->bus = d->dev.bus;
    if (!d->bus) {
        error_set(errp, "%s needs a SCSI bus", d->dev.cls->name);
        return false;
    }
    if (!check_address(d, errp) || !choose_address(d, errp)) {
        return false;
    }
    g_ptr_array_add(d->bus->units, d);
    g_ptr_array_sort(d->bus->units, by_address);
    d->dev.at = g_strdup_printf("%u:%u:%u", d->channel, d->target, d->lun);
    return true;
}

/* --- life ---------------------------------------------------------------------------------*/

static bool unit_init(ScsiDevice *d, Error **errp)
{
    if (!plug(d, errp)) {
        return false;
    }
    d->bounce = g_malloc0(SCSI_BOUNCE_BYTES);
    if (d->block) {
        blockdev_bind(d->block, d->dev.machine);
    }
    return true;
}

static bool sizes_good(const ScsiDevice *d, Error **errp)
{
    uint32_t logical = d->block_bytes, physical = d->physical_bytes;

    if (!bits_is_pow2(logical) || logical < 512 || logical > 32768 ||
        !bits_is_pow2(physical) || physical < logical || physical > 2 * MIB) {
        error_set(errp, "logical_block_size=%u, physical_block_size=%u: "
                  "powers of two from 512 to 32768, and not the logical one "
                  "larger", logical, physical);
        return false;
    }
    if (d->rotation_rate > UINT16_MAX) {
        error_set(errp, "rotation_rate=%u is more than 65535",
                  d->rotation_rate);
        return false;
    }
    return true;
}

static bool hd_realize(Device *dev, Error **errp)
{
    ScsiDevice *d = (ScsiDevice *)dev;

    if (!d->block) {
        error_set(errp, "drive property not set");
        return false;
    }
    if (blockdev_is_empty(d->block)) {
        error_set(errp, "Device needs media, but drive is empty");
        return false;
    }
    if (!sizes_good(d, errp)) {
        return false;
    }
    d->blocks = blockdev_size_bytes(d->block) / d->block_bytes;
    if (!d->blocks) {
        error_set(errp, "the image has less than one block of %u bytes",
                  d->block_bytes);
        return false;
    }
    return unit_init(d, errp);
}

static bool cd_realize(Device *dev, Error **errp)
{
    ScsiDevice *d = (ScsiDevice *)dev;

    d->cd = true;
    d->block_bytes = d->physical_bytes = CD_BLOCK_BYTES;
    return unit_init(d, errp);
}

static void unit_reset(Device *dev)
{
    ScsiDevice *d = (ScsiDevice *)dev;
    d->s.write_cache = d->write_cache;
}

static void unit_unrealize(Device *dev)
{
    g_clear_pointer(&((ScsiDevice *)dev)->bounce, g_free);
}

#define UNIT_PROPS(what)                                                      \
    PROP(ScsiDevice, block, "drive", PROP_DRIVE, NULL,                        \
         "Node name or ID of a block device to use as a backend"),            \
    PROP(ScsiDevice, channel, "channel", PROP_U32, "0", "channel"),           \
    PROP(ScsiDevice, target, "scsi-id", PROP_U32, "0xffffffff",               \
         "target; the first that is free"),                                   \
    PROP(ScsiDevice, lun, "lun", PROP_U32, "0xffffffff",                      \
         "logical unit number; the first that is free"),                      \
    PROP(ScsiDevice, boot_index, "bootindex", PROP_U32, "0xffffffff",         \
         "place in the firmware's boot order, from 0"),                       \
    PROP(ScsiDevice, serial, "serial", PROP_STRING, NULL, "serial number"),   \
    PROP(ScsiDevice, device_id, "device_id", PROP_STRING, NULL,               \
         "what page 83h identifies it by; serial, or the drive's id"),        \
    PROP(ScsiDevice, wwn, "wwn", PROP_U64, "0", "world wide name; 0: none"),  \
    PROP(ScsiDevice, vendor, "vendor", PROP_STRING, "QEMU",                   \
         "vendor in INQUIRY"),                                                \
    PROP(ScsiDevice, product, "product", PROP_STRING, what,                   \
         "product in INQUIRY"),                                               \
    PROP(ScsiDevice, version, "ver", PROP_STRING, "2.5+",                     \
         "revision in INQUIRY")

static const PropDef hd_props[] = {
    UNIT_PROPS("QEMU HARDDISK"),
    PROP(ScsiDevice, block_bytes, "logical_block_size", PROP_U32, "512",
         "bytes of a block"),
    PROP(ScsiDevice, physical_bytes, "physical_block_size", PROP_U32, "512",
         "what requests should be multiples of"),
    PROP(ScsiDevice, rotation_rate, "rotation_rate", PROP_U32, "0",
         "rotations a minute; 1: it does not rotate, 0: not told"),
    PROP(ScsiDevice, removable, "removable", PROP_BOOL, "off",
         "the medium can be removed"),
    PROP(ScsiDevice, dpofua, "dpofua", PROP_BOOL, "off",
         "say that FUA is known"),
    PROP(ScsiDevice, write_cache, "write-cache", PROP_BOOL, "on",
         "writes may stay in a cache until a flush"),
    PROP_END
};

static const PropDef cd_props[] = { UNIT_PROPS("QEMU CD-ROM"), PROP_END };

extern const DeviceClass scsi_hd_class, scsi_cd_class;

const DeviceClass scsi_hd_class = {
    .name = "scsi-hd",
    .desc = "virtual SCSI disk",
    .bus = "SCSI",
    .category = "Storage",
    .user = true,
    .size = sizeof(ScsiDevice),
    .state_offset = offsetof(ScsiDevice, s),
    .state = scsi_state,
    .props = hd_props,
    .realize = hd_realize,
    .reset = unit_reset,
    .unrealize = unit_unrealize,
};

const DeviceClass scsi_cd_class = {
    .name = "scsi-cd",
    .desc = "virtual SCSI CD-ROM",
    .bus = "SCSI",
    .category = "Storage",
    .user = true,
    .size = sizeof(ScsiDevice),
    .state_offset = offsetof(ScsiDevice, s),
    .state = scsi_state,
    .props = cd_props,
    .realize = cd_realize,
    .reset = unit_reset,
    .unrealize = unit_unrealize,
};
