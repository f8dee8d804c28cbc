/*
 * virtio-rng: the entropy device, 5.4 of the virtio specification 1.2. Its bytes
 * are the machine's own randomness, whose seed is an input.
 */
#include "base/bytes.h"
#include "hw/virtio-pci.h"

#define QUEUE_ENTRIES 8u
/* What one buffer may get: the driver asks again. */
#define BUFFER_MAX_BYTES 4096u

#define RNG_STATE(_) VIRTIO_STATE(_)
STATE_STRUCT(RngState, RNG_STATE);
static STATE_TABLE(rng_state, "virtio-rng", 1, RngState, RNG_STATE)

typedef struct VirtioRng {
    VirtioDevice v;
    RngState s;
} VirtioRng;

static uint32_t fill(VirtioDevice *v, const VirtioBuffer *b)
{
    uint8_t bytes[BUFFER_MAX_BYTES];
    uint32_t len = MIN(b->in_bytes, sizeof bytes);

    for (uint32_t at = 0; at < len; at += 8) {
        bytes_st_le64(bytes + at, machine_random(v->dev.machine));
    }
    return virtio_write(v, b, 0, bytes, len);
}

static void rng_queue(VirtioDevice *v, unsigned q)
{
    VirtioBuffer b;

    for (unsigned n = 0; n < QUEUE_ENTRIES && virtio_pop(v, q, &b); n++) {
        virtio_push(v, q, b.id, b.entries, fill(v, &b));
    }
    virtio_interrupt(v, q);
}

static void rng_get_config(VirtioDevice *v, uint8_t *config)
{
}

static const VirtioInfo rng_info = {
    .type = 4,
    .get_config = rng_get_config,
    .queue = rng_queue,
};

static bool rng_realize(Device *dev, Error **errp)
{
    return virtio_realize((VirtioDevice *)dev, &rng_info, 1, QUEUE_ENTRIES,
                          errp);
}

static const PropDef rng_props[] = { VIRTIO_PROPS(VirtioRng), PROP_END };

extern const DeviceClass virtio_rng_class, virtio_rng_pci_class;

const DeviceClass virtio_rng_class = {
    .name = "virtio-rng-device",
    .desc = "virtio entropy source",
    .bus = "virtio-bus",
    .category = "Misc",
    .user = true,
    .size = sizeof(VirtioRng),
    .state_offset = offsetof(VirtioRng, s),
    .state = rng_state,
    .props = rng_props,
    .realize = rng_realize,
    .reset = virtio_device_reset,
};

static unsigned rng_vectors(const VirtioDevice *v)
{
    return 2;
}

static const VirtioPciInfo rng_pci_info = {
    .type = 4,
    .class_code = 0x00ff,
    .vectors = rng_vectors,
};

VIRTIO_PCI_CLASS(virtio_rng_pci_class, "virtio-rng-pci", "Misc",
                 virtio_rng_class, rng_pci_info);
