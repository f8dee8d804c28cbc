/*
 * virtio-vsock: sockets between the guest and its host. Section 5.10 of the virtio
 * specification 1.2, streams only. Packets pass through; connections are the
 * guest's and the host's (io/vsock.h).
 */
#include "base/bytes.h"
#include "base/log.h"
#include "hw/virtio-pci.h"
#include "io/vsock.h"
#include "vm/work.h"

enum { QUEUE_RX, QUEUE_TX, QUEUE_EVENT, QUEUE_COUNT };

#define QUEUE_ENTRIES 128u
#define CONFIG_BYTES  8u
#define F_STREAM      BIT(0)
/* 5.10.6.7: connections are gone, and the CID may be another. */
#define EVENT_TRANSPORT_RESET 0u
#define EVENT_BYTES   4u

#define CID_FIRST 3u           /* those below are reserved, 5.10.4 */

#define VSOCK_STATE(_)                                                        \
    VIRTIO_STATE(_)                                                           \
    _(bool, STATE_BOOL, reset_due, 0, 1,                                      \
      "the driver is to hear that connections are gone")

STATE_STRUCT(VsockState, VSOCK_STATE);
static STATE_TABLE(vsock_state, "virtio-vsock", 1, VsockState, VSOCK_STATE)

typedef struct VirtioVsock {
    VirtioDevice v;
    VsockState s;
    Vsock *host;
    NondetPort *port;
    uint64_t cid;
    uint8_t *packet;           /* one that is being sent */
} VirtioVsock;

/* --- to the host ------------------------------------------------------------------*/

/* What lies about its length or its sender goes nowhere. */
static bool packet_good(const VirtioVsock *d, size_t len)
{
    const uint8_t *p = d->packet;

    if (len >= VSOCK_HEADER &&
        bytes_ld_le64(p + VSOCK_SRC_CID) == d->cid &&
        bytes_ld_le32(p + VSOCK_LEN) == len - VSOCK_HEADER) {
        return true;
    }
    guest_error("%s: a packet of %zu bytes that is none\n",
                virtio_name(&d->v), len);
    return false;
}

static void send_packet(VirtioVsock *d, const VirtioBuffer *b)
{
    uint64_t most = VSOCK_HEADER + VSOCK_DATA_MAX;
    size_t len = virtio_read(&d->v, b, 0, d->packet,
                             MIN(b->out_bytes, most));

    if (b->out_bytes <= most && packet_good(d, len)) {
        vsock_send(d->host, d->packet, len);
    }
}

static void send_all(VirtioVsock *d)
{
    VirtioBuffer b;

    for (unsigned n = 0; n < QUEUE_ENTRIES; n++) {
        if (!virtio_pop(&d->v, QUEUE_TX, &b)) {
            break;
        }
        send_packet(d, &b);
        virtio_push(&d->v, QUEUE_TX, b.id, b.entries, 0);
    }
    virtio_has_buffer(&d->v, QUEUE_TX);
    virtio_interrupt(&d->v, QUEUE_TX);
}

/* --- from the host -------------------------------------------------------------------*/

static void tell_reset(VirtioVsock *d)
{
    uint8_t event[EVENT_BYTES] = { EVENT_TRANSPORT_RESET };
    VirtioBuffer b;

    if (d->s.reset_due && virtio_pop(&d->v, QUEUE_EVENT, &b)) {
        uint32_t n = virtio_write(&d->v, &b, 0, event, sizeof event);
        virtio_push(&d->v, QUEUE_EVENT, b.id, b.entries, n);
        virtio_interrupt(&d->v, QUEUE_EVENT);
        d->s.reset_due = false;
    }
}

static void receive(VirtioVsock *d, const uint8_t *packet, size_t len)
{
    VirtioBuffer b;

    if (!virtio_pop(&d->v, QUEUE_RX, &b)) {
        return;
    }
    if (b.in_bytes < len) {
        virtio_break(&d->v, "a buffer of %" G_GINT64_MODIFIER "u bytes for a "
                     "packet of %zu", b.in_bytes, len);
        return;
    }
    virtio_write(&d->v, &b, 0, packet, len);
    virtio_push(&d->v, QUEUE_RX, b.id, b.entries, len);
    /* Who has nothing left to give is to notify when there is more. */
    virtio_has_buffer(&d->v, QUEUE_RX);
    virtio_interrupt(&d->v, QUEUE_RX);
}

static void vsock_input(void *opaque, const void *data, size_t len)
{
    VirtioVsock *d = opaque;

    d->v.busy = true;
    if (len) {
        vsock_received(d->host);
        receive(d, data, len);
    } else {
        d->s.reset_due = true;
        tell_reset(d);
    }
    d->v.busy = false;
    vsock_kick(d->host);
}

static unsigned vsock_room(void *opaque)
{
    VirtioVsock *d = opaque;
    return virtio_peek(&d->v, QUEUE_RX);
}

static void vsock_queue(VirtioDevice *v, unsigned q)
{
    VirtioVsock *d = container_of(v, VirtioVsock, v);

    if (q == QUEUE_TX) {
        send_all(d);
    } else if (q == QUEUE_EVENT) {
        tell_reset(d);
    } else {
        vsock_kick(d->host);
    }
}

/* --- life --------------------------------------------------------------------------------*/

static uint64_t vsock_features(VirtioDevice *v)
{
    return F_STREAM;
}

static void vsock_get_config(VirtioDevice *v, uint8_t *config)
{
    bytes_st_le64(config, container_of(v, VirtioVsock, v)->cid);
}

static void vsock_forget(VirtioDevice *v)
{
    vsock_reset(container_of(v, VirtioVsock, v)->host);
}

static void vsock_started(VirtioDevice *v)
{
    vsock_kick(container_of(v, VirtioVsock, v)->host);
}

static const VirtioInfo vsock_info = {
    .type = 19,
    .features = vsock_features,
    .get_config = vsock_get_config,
    .queue = vsock_queue,
    .reset = vsock_forget,
    .started = vsock_started,
};

static bool vsock_realize(Device *dev, Error **errp)
{
    VirtioVsock *d = (VirtioVsock *)dev;

    if (!d->host || d->cid < CID_FIRST || d->cid >= UINT32_MAX) {
        error_set(errp, "uds-path= and guest-cid= (from %u to %u) are wanted",
                  CID_FIRST, UINT32_MAX - 1);
        return false;
    }
    d->v.queue_count = QUEUE_COUNT;
    for (unsigned q = 0; q < QUEUE_COUNT; q++) {
        d->v.queue_max[q] = QUEUE_ENTRIES;
    }
    d->v.config_bytes = CONFIG_BYTES;
    if (!virtio_init(&d->v, &vsock_info, errp)) {
        return false;
    }
    d->packet = g_malloc(VSOCK_HEADER + VSOCK_DATA_MAX);
    d->port = nondet_port(dev->machine, NONDET_VSOCK, virtio_name(&d->v),
                          vsock_input, d);
    vsock_bind_port(d->host, d->cid, d->port, vsock_room, d);
    return true;
}

static void vsock_unrealize(Device *dev)
{
    g_free(((VirtioVsock *)dev)->packet);
}

static void vsock_rewire(Device *dev)
{
    VirtioVsock *d = (VirtioVsock *)dev;

    if (d->s.status & VIRTIO_DRIVER_OK) {
        vsock_resumed(d->host);
    } else {
        vsock_reset(d->host);
    }
}

static const PropDef vsock_props[] = {
    PROP(VirtioVsock, cid, "guest-cid", PROP_U64, NULL,
         "the guest's address, from 3"),
    PROP(VirtioVsock, host, "uds-path", PROP_VSOCK, NULL,
         "the unix socket at which the host calls the guest"),
    VIRTIO_PROPS(VirtioVsock),
    PROP_END
};

extern const DeviceClass virtio_vsock_class, virtio_vsock_pci_class;

const DeviceClass virtio_vsock_class = {
    .name = "virtio-vsock-device",
    .desc = "sockets between guest and host",
    .bus = "virtio-bus",
    .category = "Misc",
    .user = true,
    .size = sizeof(VirtioVsock),
    .state_offset = offsetof(VirtioVsock, s),
    .state = vsock_state,
    .props = vsock_props,
    .realize = vsock_realize,
    .reset = virtio_device_reset,
    .rewire = vsock_rewire,
    .unrealize = vsock_unrealize,
};

static unsigned vsock_vectors(const VirtioDevice *v)
{
    return QUEUE_COUNT + 1;
}

static const VirtioPciInfo vsock_pci_info = {
    .type = 19,
    .class_code = 0x0780,
    .vectors = vsock_vectors,
};

VIRTIO_PCI_CLASS(virtio_vsock_pci_class, "virtio-vsock-pci", "Misc",
                 virtio_vsock_class, vsock_pci_info);
