/*
 * virtio-balloon: memory that the guest gives up and takes back. Section 5.5 of
 * the virtio specification 1.2, without statistics.
 *
 * RAM here costs the host what is written to it, and what the guest gave up must
 * read the same in a replay: so pages are counted, and stay as they are.
 */
#include "base/bytes.h"
#include "hw/virtio-pci.h"
#include "vm/knobs.h"

enum { QUEUE_INFLATE, QUEUE_DEFLATE, QUEUE_COUNT };
enum { CONFIG_WANTED = 0, CONFIG_ACTUAL = 4, CONFIG_BYTES = 8 };

#define QUEUE_ENTRIES 128u
#define F_DEFLATE_ON_OOM BIT(2)

#define BALLOON_STATE(_)                                                      \
    VIRTIO_STATE(_)                                                           \
    _(uint32_t, STATE_U32, actual, 0, 1, "pages that the driver says it gave") \
    _(uint32_t, STATE_U32, wanted, 0, 2, "pages that it is to give")

STATE_STRUCT(BalloonState, BALLOON_STATE);
static STATE_TABLE(balloon_state, "virtio-balloon", 2, BalloonState,
                   BALLOON_STATE)

typedef struct VirtioBalloon {
    VirtioDevice v;
    BalloonState s;
    bool deflate_on_oom;
    uint32_t wanted;       /* as the row, which a reset clears */
} VirtioBalloon;

#define PAGE_BYTES 4096u

static void balloon_queue(VirtioDevice *v, unsigned q)
{
    VirtioBuffer b;

    for (unsigned n = 0; n < QUEUE_ENTRIES && virtio_pop(v, q, &b); n++) {
        virtio_push(v, q, b.id, b.entries, 0);
    }
    virtio_interrupt(v, q);
}

static uint64_t balloon_features(VirtioDevice *v)
{
    return container_of(v, VirtioBalloon, v)->deflate_on_oom
               ? F_DEFLATE_ON_OOM : 0;
}

static void balloon_get_config(VirtioDevice *v, uint8_t *config)
{
    const VirtioBalloon *d = container_of(v, VirtioBalloon, v);
    bytes_st_le32(config + CONFIG_WANTED, d->s.wanted);
    bytes_st_le32(config + CONFIG_ACTUAL, d->s.actual);
}

static void balloon_set_config(VirtioDevice *v, const uint8_t *config,
                               unsigned offset, unsigned len)
{
    VirtioBalloon *d = container_of(v, VirtioBalloon, v);
    d->s.actual = bytes_ld_le32(config + CONFIG_ACTUAL);
}

/* What users want outlasts the driver. */
static void balloon_reset(VirtioDevice *v)
{
    VirtioBalloon *d = container_of(v, VirtioBalloon, v);
    d->s.wanted = d->wanted;
}

static void balloon_rewire(Device *dev)
{
    VirtioBalloon *d = (VirtioBalloon *)dev;
    d->wanted = d->s.wanted;
}

/* --- what users see and want ------------------------------------------------------ */

static uint64_t balloon_ram_left(const Device *dev)
{
    const VirtioBalloon *d = (const VirtioBalloon *)dev;
    uint64_t ram = dev->machine->config.ram_bytes;
    return ram - MIN(ram, (uint64_t)d->s.actual * PAGE_BYTES);
}

static void balloon_want_ram(Device *dev, uint64_t bytes)
{
    VirtioBalloon *d = (VirtioBalloon *)dev;
    uint64_t ram = dev->machine->config.ram_bytes;

    d->wanted = (ram - MIN(ram, bytes)) / PAGE_BYTES;
    d->s.wanted = d->wanted;
    virtio_config_changed(&d->v);
}

static const DeviceKnobs balloon_knobs = { .ram_left = balloon_ram_left,
                                           .want_ram = balloon_want_ram };

static const VirtioInfo balloon_info = {
    .type = 5,
    .config_bytes = CONFIG_BYTES,
    .features = balloon_features,
    .get_config = balloon_get_config,
    .set_config = balloon_set_config,
    .queue = balloon_queue,
    .reset = balloon_reset,
};

static bool balloon_realize(Device *dev, Error **errp)
{
    return virtio_realize((VirtioDevice *)dev, &balloon_info, QUEUE_COUNT,
                          QUEUE_ENTRIES, errp);
}

static const PropDef balloon_props[] = {
    PROP(VirtioBalloon, deflate_on_oom, "deflate-on-oom", PROP_BOOL, "off",
         "the driver may take pages back when it runs out of memory"),
    VIRTIO_PROPS(VirtioBalloon),
    PROP_END
};

extern const DeviceClass virtio_balloon_class, virtio_balloon_pci_class;

const DeviceClass virtio_balloon_class = {
    .name = "virtio-balloon-device",
    .desc = "virtio memory balloon",
    .bus = "virtio-bus",
    .category = "Misc",
    .user = true,
    .size = sizeof(VirtioBalloon),
    .state_offset = offsetof(VirtioBalloon, s),
    .state = balloon_state,
    .props = balloon_props,
    .realize = balloon_realize,
    .reset = virtio_device_reset,
    .rewire = balloon_rewire,
    .knobs = &balloon_knobs,
};

static unsigned balloon_vectors(const VirtioDevice *v)
{
    return v->queue_count + 1;
}

static const VirtioPciInfo balloon_pci_info = {
    .type = 5,
    .class_code = 0x00ff,
    .vectors = balloon_vectors,
};

VIRTIO_PCI_CLASS(virtio_balloon_pci_class, "virtio-balloon-pci", "Misc",
                 virtio_balloon_class, balloon_pci_info);
