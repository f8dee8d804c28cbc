/*
 * Virtio over memory-mapped registers, 4.2: what a board without PCI has. One
 * interrupt line, one page of registers, version 2 of the interface.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "hw/virtio-mmio.h"

#define MAGIC   0x74726976u    /* "virt" */
#define VERSION 2u
#define VENDOR  0x1af4u

/* 4.2.2 */
enum {
    REG_MAGIC = 0x000,
    REG_VERSION = 0x004,
    REG_DEVICE = 0x008,
    REG_VENDOR = 0x00c,
    REG_DEVICE_FEATURES = 0x010,
    REG_DEVICE_SELECT = 0x014,
    REG_DRIVER_FEATURES = 0x020,
    REG_DRIVER_SELECT = 0x024,
    REG_QUEUE_SELECT = 0x030,
    REG_QUEUE_MAX = 0x034,
    REG_QUEUE_SIZE = 0x038,
    REG_QUEUE_READY = 0x044,
    REG_QUEUE_NOTIFY = 0x050,
    REG_INTERRUPT_STATUS = 0x060,
    REG_INTERRUPT_ACK = 0x064,
    REG_STATUS = 0x070,
    REG_QUEUE_DESC = 0x080,
    REG_QUEUE_DRIVER = 0x090,
    REG_QUEUE_DEVICE = 0x0a0,
    REG_SHM_LENGTH = 0x0b0,        /* to 0x0bc: all ones, there is none */
    REG_GENERATION = 0x0fc,
    REG_CONFIG = 0x100,
};

typedef struct VirtioMmio {
    Device dev;
    VirtioBus bus;
    IrqLine irq;
    MemRegion region;
} VirtioMmio;

/* --- interrupts ------------------------------------------------------------------*/

static void mmio_interrupt(void *host, uint8_t isr, uint16_t vector)
{
    VirtioMmio *p = host;
    p->bus.device->s->isr |= isr;
    irq_set(&p->irq, true);
}

static bool mmio_can_dma(void *host)
{
    return true;
}

static void mmio_was_reset(void *host)
{
    VirtioMmio *p = host;
    irq_set(&p->irq, false);
}

/* --- registers --------------------------------------------------------------------*/

static uint32_t queue_register(const VirtioDevice *v, unsigned at)
{
    int q = virtio_selected(v);

    if (q < 0) {
        return 0;
    }
    switch (at) {
    case REG_QUEUE_MAX:
        return v->queue_max[q];
    case REG_QUEUE_READY:
        return v->s->queue_enabled[q];
    }
    return 0;
}

static uint32_t device_register(const VirtioDevice *v, unsigned at)
{
    const VirtioState *s = v->s;

    switch (at) {
    case REG_DEVICE:
        return v->info->type;
    case REG_DEVICE_FEATURES:
        return s->device_select < 2
                   ? virtio_offered(v) >> (32 * s->device_select) : 0;
    case REG_INTERRUPT_STATUS:
        return s->isr;
    case REG_STATUS:
        return s->status;
    case REG_GENERATION:
        return s->generation;
    }
    return at >= REG_SHM_LENGTH && at < REG_SHM_LENGTH + 16
               ? UINT32_MAX : queue_register(v, at);
}

/* 4.2.2.2: without a device the type is 0, and nothing else is looked at. */
static uint64_t mmio_read(void *opaque, PhysAddr offset, unsigned size)
{
    const VirtioMmio *p = opaque;
    VirtioDevice *v = p->bus.device;

    if (v && offset >= REG_CONFIG) {
        return virtio_config_read(v, offset - REG_CONFIG, size);
    }
    if (size != 4) {
        guest_error("%s: a read of %u bytes\n", p->dev.path, size);
        return 0;
    }
    switch (offset) {
    case REG_MAGIC:
        return MAGIC;
    case REG_VERSION:
        return VERSION;
    case REG_VENDOR:
        return VENDOR;
    }
    return v ? device_register(v, offset) : 0;
}

static void area_write(VirtioDevice *v, int q, unsigned at, uint32_t value)
{
    uint64_t *area = at < REG_QUEUE_DRIVER   ? v->s->desc_area
                     : at < REG_QUEUE_DEVICE ? v->s->driver_area
                                             : v->s->device_area;
    area[q] = bits_deposit(area[q], at & 4 ? 32 : 0, 32, value);
}

/* 4.2.2.2: what is in use cannot be changed; ready becomes 0 by a reset of
 * the device, too, and by the driver's writing it. */
static void queue_write(VirtioDevice *v, unsigned at, uint32_t value)
{
    int q = virtio_selected(v);

    if (q < 0) {
        return;
    }
    if (at == REG_QUEUE_READY && !value) {
        v->s->queue_enabled[q] = false;
    } else if (v->s->queue_enabled[q]) {
        guest_error("%s: queue %d is in use\n", virtio_name(v), q);
    } else if (at == REG_QUEUE_READY) {
        virtio_queue_enable(v, q);
    } else if (at == REG_QUEUE_SIZE) {
        v->s->queue_size[q] = MIN(value, v->queue_max[q]);
    } else if (at >= REG_QUEUE_DESC && at < REG_SHM_LENGTH && !(at & 8)) {
        area_write(v, q, at, value);
    }
}

static void interrupt_ack(VirtioMmio *p, uint32_t value)
{
    VirtioState *s = p->bus.device->s;
    s->isr &= ~value;
    irq_set(&p->irq, s->isr);
}

static void register_write(VirtioMmio *p, unsigned at, uint32_t value)
{
    VirtioDevice *v = p->bus.device;
    VirtioState *s = v->s;

    switch (at) {
    case REG_DEVICE_SELECT:
        s->device_select = value;
        break;
    case REG_DRIVER_SELECT:
        s->driver_select = value;
        break;
    case REG_DRIVER_FEATURES:
        if (s->driver_select < 2) {
            virtio_set_driver_features(
                v, bits_deposit(s->driver_features, 32 * s->driver_select, 32,
                                value));
        }
        break;
    case REG_QUEUE_SELECT:
        s->queue_select = MIN(value, UINT16_MAX);
        break;
    case REG_QUEUE_NOTIFY:
        virtio_queue_notify(v, value);
        break;
    case REG_INTERRUPT_ACK:
        interrupt_ack(p, value);
        break;
    case REG_STATUS:
        virtio_set_status(v, value);
        break;
    default:
        queue_write(v, at, value);
        break;
    }
}

static void mmio_write(void *opaque, PhysAddr offset, uint64_t value,
                       unsigned size)
{
    VirtioMmio *p = opaque;

    if (!p->bus.device) {
        return;
    }
    if (offset >= REG_CONFIG) {
        virtio_config_write(p->bus.device, offset - REG_CONFIG, value, size);
    } else if (size == 4) {
        register_write(p, offset, value);
    } else {
        guest_error("%s: a write of %u bytes\n", p->dev.path, size);
    }
}

static const MemOps mmio_ops = { mmio_read, mmio_write, 1, 4 };

/* --- life ---------------------------------------------------------------------------*/

static bool mmio_realize(Device *dev, Error **errp)
{
    VirtioMmio *p = (VirtioMmio *)dev;

    p->bus = (VirtioBus){ .host = p,
                          .owner = dev,
                          .interrupt = mmio_interrupt,
                          .can_dma = mmio_can_dma,
                          .was_reset = mmio_was_reset };
    mem_init_io(&p->region, "virtio-mmio", VIRTIO_MMIO_BYTES, &mmio_ops, p);
    return true;
}

/* The line is what the interrupt status says; after a load, too. */
static void mmio_rewire(Device *dev)
{
    VirtioMmio *p = (VirtioMmio *)dev;
    if (p->bus.device) {
        irq_set(&p->irq, p->bus.device->s->isr);
    }
}

const DeviceClass virtio_mmio_class = {
    .name = "virtio-mmio",
    .desc = "virtio registers in memory",
    .category = "Misc",
    .size = sizeof(VirtioMmio),
    .state_offset = offsetof(VirtioMmio, dev),
    .state = state_none,
    .realize = mmio_realize,
    .rewire = mmio_rewire,
};

MemRegion *virtio_mmio_region(Device *dev)
{
    return &((VirtioMmio *)dev)->region;
}

IrqLine *virtio_mmio_irq(Device *dev)
{
    return &((VirtioMmio *)dev)->irq;
}

VirtioBus *virtio_mmio_bus(Device *dev)
{
    return &((VirtioMmio *)dev)->bus;
}
