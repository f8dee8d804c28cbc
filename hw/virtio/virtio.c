/*
 * A virtio device without its registers: status, features, configuration,
 * interrupts. Sections: Virtual I/O Device (VIRTIO) Version 1.2.
 */
#include <stdarg.h>

#include "base/bytes.h"
#include "base/log.h"
#include "internal.h"

const char *virtio_name(const VirtioDevice *v)
{
    const Device *owner = v->bus->owner;
    return owner->id ? owner->id : owner->path;
}

bool virtio_has(const VirtioDevice *v, uint64_t feature)
{
    return v->s->driver_features & feature;
}

/* 3.1.1; a legacy driver may use queues before it says DRIVER_OK (3.1.2). */
bool virtio_is_live(const VirtioDevice *v)
{
    bool ok = v->s->legacy || ((v->s->status & VIRTIO_FEATURES_OK) &&
                               (v->s->status & VIRTIO_DRIVER_OK));
    return ok && !v->s->broken && v->bus->can_dma(v->bus->host);
}

/* --- interrupts -----------------------------------------------------------------*/

static void config_interrupt(VirtioDevice *v)
{
    v->bus->interrupt(v->bus->host, VIRTIO_ISR_CONFIG, v->s->config_vector);
}

void virtio_config_changed(VirtioDevice *v)
{
    v->s->generation++;
    if (v->s->status & VIRTIO_DRIVER_OK) {
        config_interrupt(v);
    }
}

/* 2.1.2: a driver that is at work is told. */
void virtio_break(VirtioDevice *v, const char *fmt, ...)
{
    if (v->s->broken) {
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    g_autofree char *why = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    guest_error("%s: %s: needs a reset\n", virtio_name(v), why);
    v->s->broken = true;
    if (!v->s->legacy) {
        v->s->status |= VIRTIO_NEEDS_RESET;
        if (v->s->status & VIRTIO_DRIVER_OK) {
            config_interrupt(v);
        }
    }
}

/* --- features, 2.2 and 6 -----------------------------------------------------------*/

uint64_t virtio_offered(const VirtioDevice *v)
{
    uint64_t later = VIRTIO_F_VERSION_1 | VIRTIO_F_RING_PACKED;
    return v->s->legacy ? (v->features | VIRTIO_F_ANY_LAYOUT) & ~later &
                              UINT32_MAX
                        : v->features;
}

void virtio_set_driver_features(VirtioDevice *v, uint64_t features)
{
    if (v->s->status & VIRTIO_FEATURES_OK) {
        guest_error("%s: features after FEATURES_OK\n", virtio_name(v));
        return;
    }
    /* A legacy driver has no other way of being told no (3.1.2). */
    v->s->driver_features =
        v->s->legacy ? features & virtio_offered(v) : features;
}

/* 6.1: a driver of this interface must take VERSION_1. */
static bool features_good(const VirtioDevice *v)
{
    uint64_t f = v->s->driver_features;
    bool good = !(f & ~virtio_offered(v)) && (f & VIRTIO_F_VERSION_1);
    if (!good) {
        guest_error("%s: features 0x%" G_GINT64_MODIFIER "x of 0x%"
                    G_GINT64_MODIFIER "x\n", virtio_name(v), f,
                    virtio_offered(v));
    }
    return good;
}

/* --- status, 2.1 ------------------------------------------------------------------------*/

static void queues_reset(VirtioDevice *v)
{
    for (unsigned q = 0; q < v->queue_count; q++) {
        v->s->queue_size[q] = v->queue_max[q];
    }
}

void virtio_reset(VirtioDevice *v)
{
    const StateTable *t = v->dev.cls->state();
    state_reset(t, v->s);
    queues_reset(v);
    if (v->info->reset) {
        v->info->reset(v);
    }
    v->bus->was_reset(v->bus->host);
}

void virtio_device_reset(Device *dev)
{
    virtio_reset((VirtioDevice *)dev);
}

static void started(VirtioDevice *v)
{
    if (v->info->started && virtio_is_live(v)) {
        v->busy = true;
        v->info->started(v);
        v->busy = false;
    }
}

void virtio_set_status(VirtioDevice *v, uint8_t status)
{
    uint8_t before = v->s->status;
    uint8_t added = status & ~before;

    if (!status) {
        virtio_reset(v);
        return;
    }
    if (!v->s->legacy && (added & VIRTIO_FEATURES_OK) && !features_good(v)) {
        status &= ~VIRTIO_FEATURES_OK;
    }
    if (!v->s->legacy && (added & VIRTIO_DRIVER_OK) &&
        !(status & VIRTIO_FEATURES_OK)) {
        guest_error("%s: DRIVER_OK without FEATURES_OK\n", virtio_name(v));
        status &= ~VIRTIO_DRIVER_OK;
    }
    /* Only a reset takes a bit away (2.1.1), and NEEDS_RESET is ours. */
    status &= ~VIRTIO_NEEDS_RESET;
    v->s->status = before | status;
    if (status & ~before & VIRTIO_DRIVER_OK) {
        started(v);
    }
}

/* --- the device's configuration, 2.5 -------------------------------------------------------*/

uint64_t virtio_config_read(VirtioDevice *v, unsigned offset, unsigned size)
{
    uint8_t config[VIRTIO_CONFIG_MAX] = { 0 };

    if (offset >= v->config_bytes || size > v->config_bytes - offset) {
        return 0;
    }
    v->info->get_config(v, config);
    return bytes_ld_le(config + offset, size);
}

void virtio_config_write(VirtioDevice *v, unsigned offset, uint64_t value,
                         unsigned size)
{
    uint8_t config[VIRTIO_CONFIG_MAX] = { 0 };

    if (!v->info->set_config || offset >= v->config_bytes ||
        size > v->config_bytes - offset) {
        guest_error("%s: write to configuration at %u\n", virtio_name(v),
                    offset);
        return;
    }
    v->info->get_config(v, config);
    bytes_st_le(config + offset, size, value);
    v->info->set_config(v, config, offset, size);
}

/* --- queues as transports see them ------------------------------------------------------------*/

int virtio_selected(const VirtioDevice *v)
{
    unsigned q = v->s->queue_select;
    return q < v->queue_count ? (int)q : -1;
}

static bool is_aligned(uint64_t addr, uint64_t align)
{
    return !(addr & (align - 1));
}

/* 2.7.1 and 2.8.10.1: a split ring's size is a power of two. Alignment: 2.7 and
 * 2.8. */
void virtio_queue_enable(VirtioDevice *v, unsigned q)
{
    VirtioState *s = v->s;
    bool packed = virtio_has(v, VIRTIO_F_RING_PACKED);
    unsigned size = s->queue_size[q];

    if (!size || size > v->queue_max[q] || (!packed && !bits_is_pow2(size))) {
        virtio_break(v, "queue %u with %u entries", q, size);
        return;
    }
    if (!is_aligned(s->desc_area[q], 16) ||
        !is_aligned(s->driver_area[q], packed ? 4 : 2) ||
        !is_aligned(s->device_area[q], 4)) {
        virtio_break(v, "queue %u is not aligned", q);
        return;
    }
    s->queue_enabled[q] = true;
}

void virtio_queue_notify(VirtioDevice *v, unsigned q)
{
    if (q >= v->queue_count || !v->s->queue_enabled[q] ||
        !virtio_is_live(v)) {
        guest_error("%s: notification of queue %u, which is not in use\n",
                    virtio_name(v), q);
        return;
    }
    /* Our own interrupt message came back as a notification. */
    if (v->busy) {
        return;
    }
    v->busy = true;
    v->info->queue(v, q);
    v->busy = false;
}

/* --- life ------------------------------------------------------------------------------------*/

bool virtio_init(VirtioDevice *v, const VirtioInfo *info, Error **errp)
{
    g_assert(v->queue_count <= VIRTIO_QUEUES_MAX);
    v->bus = v->dev.bus;
    if (!v->bus) {
        error_set(errp, "%s needs a virtio bus", v->dev.cls->name);
        return false;
    }
    v->info = info;
    v->config_bytes = info->config_bytes ? info->config_bytes
                                         : v->config_bytes;
    g_assert(v->config_bytes <= VIRTIO_CONFIG_MAX);
    v->s = device_state(&v->dev);
    v->bus->device = v;
    v->features = (info->features ? info->features(v) : 0) |
                  VIRTIO_F_VERSION_1 |
                  (v->indirect_desc ? VIRTIO_F_INDIRECT_DESC : 0) |
                  (v->event_idx ? VIRTIO_F_EVENT_IDX : 0) |
                  (v->packed ? VIRTIO_F_RING_PACKED : 0);
    queues_reset(v);
    return true;
}

bool virtio_realize(VirtioDevice *v, const VirtioInfo *info, unsigned queues,
                    unsigned entries, Error **errp)
{
    v->queue_count = queues;
    for (unsigned q = 0; q < queues; q++) {
        v->queue_max[q] = entries;
    }
    return virtio_init(v, info, errp);
}

bool virtio_ring_size_good(const char *prop, uint32_t entries, uint32_t least,
                           Error **errp)
{
    if (bits_is_pow2(entries) && entries >= least &&
        entries <= VIRTIO_QUEUE_ENTRIES) {
        return true;
    }
    error_set(errp, "%s=%u must be a power of two from %u to %u", prop,
              entries, least, VIRTIO_QUEUE_ENTRIES);
    return false;
}
