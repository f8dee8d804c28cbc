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

/* The largest packet from the host. */
#define PACKET_BYTES 4096u

typedef uint8_t VsockPacketBytes[PACKET_BYTES];

#define VSOCK_STATE(_)                                                        \
    VIRTIO_STATE(_)                                                           \
    _(bool, STATE_BOOL, reset_due, 0, 1,                                      \
      "the driver is to hear that connections are gone")                      \
    _(uint64_t, STATE_U64, buffer_bytes, 0, 2,                                \
      "of the driver's latest buffer for a packet")                           \
    _(uint32_t, STATE_U32, rest_bytes, 0, 2,                                  \
      "length of a packet that waits for buffers",                            \
      STATE_IN(0, PACKET_BYTES))                                              \
    _(uint32_t, STATE_U32, rest_at, 0, 2,                                     \
      "how far the driver has it", STATE_IN(0, PACKET_BYTES))                 \
    _(VsockPacketBytes, STATE_U8, rest, 0, 2, "that packet")

STATE_STRUCT(VsockState, VSOCK_STATE);
static STATE_TABLE(vsock_state, "virtio-vsock", 2, VsockState, VSOCK_STATE)

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

/* A part of a packet from byte `at` on, as a packet of its own; how much of the
 * buffer that takes. 5.10.6: what does not fit into a buffer goes on in the next
 * one. */
static uint32_t write_part(VirtioVsock *d, const VirtioBuffer *b, uint32_t at,
                           uint32_t len)
{
    uint8_t header[VSOCK_HEADER];

    memcpy(header, d->s.rest, sizeof header);
    bytes_st_le32(header + VSOCK_LEN, len);
    virtio_write(&d->v, b, 0, header, sizeof header);
    virtio_write(&d->v, b, sizeof header, d->s.rest + at, len);
    return sizeof header + len;
}

/* One buffer's worth of the packet that waits. False: there is no buffer. */
static bool receive_part(VirtioVsock *d)
{
    uint32_t left = d->s.rest_bytes - d->s.rest_at;
    VirtioBuffer b;

    if (!virtio_pop(&d->v, QUEUE_RX, &b)) {
        return false;
    }
    d->s.buffer_bytes = b.in_bytes;
    if (b.in_bytes < VSOCK_HEADER + MIN(left, 1)) {
        virtio_break(&d->v, "a buffer of %" G_GINT64_MODIFIER "u bytes for a "
                     "packet", b.in_bytes);
        return false;
    }
    left = MIN(left, b.in_bytes - VSOCK_HEADER);
    virtio_push(&d->v, QUEUE_RX, b.id, b.entries,
                write_part(d, &b, d->s.rest_at, left));
    d->s.rest_at += left;
    return true;
}

/* What waits goes into the buffers that there are. */
static void receive_rest(VirtioVsock *d)
{
    if (!d->s.rest_bytes) {
        return;
    }
    if (d->s.rest_at > d->s.rest_bytes) {
        d->s.rest_bytes = 0;   /* no such state was ever saved */
        return;
    }
    while (receive_part(d)) {
        if (d->s.rest_at >= d->s.rest_bytes) {
            d->s.rest_bytes = 0;
            break;
        }
    }
    /* Who has nothing left to give is to notify when there is more. */
    virtio_has_buffer(&d->v, QUEUE_RX);
    virtio_interrupt(&d->v, QUEUE_RX);
}

static void receive(VirtioVsock *d, const uint8_t *packet, size_t len)
{
    if (len < VSOCK_HEADER || len > PACKET_BYTES || !virtio_is_live(&d->v)) {
        return;
    }
    if (d->s.rest_bytes) {
        virtio_break(&d->v, "buffers for packets became smaller");
        return;
    }
    memcpy(d->s.rest, packet, len);
    d->s.rest_bytes = len;
    d->s.rest_at = VSOCK_HEADER;
    receive_rest(d);
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

/* The buffers that a packet may need, if the next ones are as the latest was. */
static unsigned buffers_of_packet(uint64_t bytes)
{
    uint64_t data = MIN(bytes, PACKET_BYTES);

    data -= MIN(data, VSOCK_HEADER);
    return data ? (VSOCK_TO_GUEST_MAX + data - 1) / data : 1;
}

static unsigned vsock_room(void *opaque)
{
    VirtioVsock *d = opaque;
    unsigned n = virtio_peek(&d->v, QUEUE_RX);

    if (d->s.rest_bytes) {
        return 0;
    }
    return d->s.buffer_bytes ? n / buffers_of_packet(d->s.buffer_bytes)
                             : MIN(n, 1);
}

static void vsock_queue(VirtioDevice *v, unsigned q)
{
    VirtioVsock *d = container_of(v, VirtioVsock, v);

    if (q == QUEUE_TX) {
        send_all(d);
    } else if (q == QUEUE_EVENT) {
        tell_reset(d);
    } else {
        receive_rest(d);
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
    VirtioVsock *d = container_of(v, VirtioVsock, v);
    d->s.rest_bytes = 0;
    d->s.buffer_bytes = 0;
    vsock_reset(d->host);
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
