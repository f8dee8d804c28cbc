/*
 * virtio-9p: a folder of the host as a file system of the guest. The messages of
 * the 9P2000.L protocol pass through; who answers them is a share (io/share.h).
 * Its type number is in the virtio specification 1.2, 5; the queue and the
 * configuration are as Linux's net/9p documents them.
 *
 * A request stays in its queue until its answer is there, and one is under way at
 * a time: so what a snapshot must have is a number.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "hw/virtio-pci.h"
#include "io/share.h"
#include "vm/work.h"

#define QUEUE_ENTRIES 128u
#define F_MOUNT_TAG   BIT(0)
#define TAG_MAX       32u
#define CONFIG_TAG    2u       /* behind its length */

/* size[4] type[1] tag[2] */
#define HEADER_BYTES 7u
#define ERROR_BYTES  11u
#define RLERROR      7u
#define EIO_NUMBER   5u

#define P9_STATE(_)                                                           \
    VIRTIO_STATE(_)                                                           \
    _(bool, STATE_BOOL, waiting, 0, 1, "a request is under way")              \
    _(uint64_t, STATE_U64, number, 0, 1, "of the latest request",             \
      STATE_IN(0, STATE_ICOUNT_MAX))

STATE_STRUCT(P9State, P9_STATE);
static STATE_TABLE(p9_state, "virtio-9p", 1, P9State, P9_STATE)

typedef struct Virtio9p {
    VirtioDevice v;
    P9State s;
    Share *share;
    NondetPort *port;
    char *tag;
    uint64_t number;       /* as the row, which a reset clears */
} Virtio9p;

/* --- requests ---------------------------------------------------------------------*/

static bool is_request(Virtio9p *d, const VirtioBuffer *b)
{
    if (b->out_bytes >= HEADER_BYTES && b->out_bytes <= SHARE_MESSAGE_MAX &&
        b->in_bytes >= ERROR_BYTES) {
        return true;
    }
    virtio_break(&d->v, "a message of %" G_GINT64_MODIFIER "u bytes with room "
                 "for %" G_GINT64_MODIFIER "u", b->out_bytes, b->in_bytes);
    return false;
}

static void ask(Virtio9p *d, const VirtioBuffer *b)
{
    g_autofree uint8_t *message = g_malloc(b->out_bytes);
    size_t len = virtio_read(&d->v, b, 0, message, b->out_bytes);

    virtio_unpop(&d->v, 0, 1, b->entries);
    d->s.waiting = true;
    d->s.number = ++d->number;
    share_request(d->share, d->number, MIN(b->in_bytes, SHARE_MESSAGE_MAX),
                  message, len);
}

static void look(Virtio9p *d)
{
    VirtioBuffer b;

    if (!d->s.waiting && virtio_pop(&d->v, 0, &b) && is_request(d, &b)) {
        ask(d, &b);
    }
}

static void p9_queue(VirtioDevice *v, unsigned q)
{
    look(container_of(v, Virtio9p, v));
}

/* --- answers -------------------------------------------------------------------------*/

/* Nobody answers: an error with the request's tag. */
static size_t put_error(Virtio9p *d, const VirtioBuffer *b)
{
    uint8_t bytes[ERROR_BYTES] = { ERROR_BYTES };

    virtio_read(&d->v, b, 0, bytes, HEADER_BYTES);
    bytes_st_le32(bytes, ERROR_BYTES);
    bytes[4] = RLERROR;
    bytes_st_le32(bytes + HEADER_BYTES, EIO_NUMBER);
    return virtio_write(&d->v, b, 0, bytes, sizeof bytes);
}

/* The driver may have changed the buffer meanwhile. */
static void answer(Virtio9p *d, const uint8_t *data, size_t len)
{
    VirtioBuffer b;

    if (!virtio_pop(&d->v, 0, &b) || !is_request(d, &b)) {
        return;
    }
    if (len > b.in_bytes) {
        virtio_break(&d->v, "no room left for an answer");
        return;
    }
    size_t n = len ? virtio_write(&d->v, &b, 0, data, len) : put_error(d, &b);
    virtio_push(&d->v, 0, b.id, b.entries, n);
    virtio_interrupt(&d->v, 0);
}

/* What was asked before a reset has its answer still on the way. */
static void p9_input(void *opaque, const void *data, size_t len)
{
    Virtio9p *d = opaque;
    const uint8_t *bytes = data;

    if (len < SHARE_ANSWER_HEAD || !d->s.waiting ||
        bytes_ld_le64(bytes) != d->s.number) {
        return;
    }
    share_received(d->share, d->s.number);
    d->s.waiting = false;
    d->v.busy = true;
    answer(d, bytes + SHARE_ANSWER_HEAD, len - SHARE_ANSWER_HEAD);
    look(d);
    d->v.busy = false;
}

static uint64_t p9_waits(void *opaque)
{
    const Virtio9p *d = opaque;
    return d->s.waiting ? d->s.number : 0;
}

/* --- life --------------------------------------------------------------------------------*/

static uint64_t p9_features(VirtioDevice *v)
{
    return F_MOUNT_TAG;
}

static void p9_get_config(VirtioDevice *v, uint8_t *config)
{
    const Virtio9p *d = container_of(v, Virtio9p, v);
    size_t len = strlen(d->tag);

    bytes_st_le16(config, len);
    memcpy(config + CONFIG_TAG, d->tag, len);
}

/* Requests are counted on, lest an answer from before be taken for a new one. */
static void p9_reset(VirtioDevice *v)
{
    Virtio9p *d = container_of(v, Virtio9p, v);
    d->s.number = d->number;
}

static const VirtioInfo p9_info = {
    .type = 9,
    .features = p9_features,
    .get_config = p9_get_config,
    .queue = p9_queue,
    .reset = p9_reset,
};

static bool p9_realize(Device *dev, Error **errp)
{
    Virtio9p *d = (Virtio9p *)dev;

    if (!d->share || !d->tag || !*d->tag || strlen(d->tag) > TAG_MAX) {
        error_set(errp, "fsdev= and mount_tag= (of 1 to %u bytes) are wanted",
                  TAG_MAX);
        return false;
    }
    d->v.queue_count = 1;
    d->v.queue_max[0] = QUEUE_ENTRIES;
    d->v.config_bytes = CONFIG_TAG + strlen(d->tag);
    if (!virtio_init(&d->v, &p9_info, errp)) {
        return false;
    }
    d->port = nondet_port(dev->machine, NONDET_SHARE, virtio_name(&d->v),
                          p9_input, d);
    share_bind_port(d->share, d->port, p9_waits, d);
    return true;
}

static void p9_rewire(Device *dev)
{
    Virtio9p *d = (Virtio9p *)dev;
    d->number = d->s.number;
    share_resumed(d->share);
}

static const PropDef p9_props[] = {
    PROP(Virtio9p, share, "fsdev", PROP_SHARE, NULL,
         "the folder it shares"),
    PROP(Virtio9p, tag, "mount_tag", PROP_STRING, NULL,
         "what the guest mounts it by"),
    VIRTIO_PROPS(Virtio9p),
    PROP_END
};

extern const DeviceClass virtio_9p_class, virtio_9p_pci_class;

const DeviceClass virtio_9p_class = {
    .name = "virtio-9p-device",
    .desc = "folder of the host, by 9P",
    .bus = "virtio-bus",
    .category = "Storage",
    .user = true,
    .size = sizeof(Virtio9p),
    .state_offset = offsetof(Virtio9p, s),
    .state = p9_state,
    .props = p9_props,
    .realize = p9_realize,
    .reset = virtio_device_reset,
    .rewire = p9_rewire,
};

static unsigned p9_vectors(const VirtioDevice *v)
{
    return 2;
}

static const VirtioPciInfo p9_pci_info = {
    .type = 9,
    .class_code = 0x0002,
    .vectors = p9_vectors,
};

VIRTIO_PCI_CLASS(virtio_9p_pci_class, "virtio-9p-pci", "Storage",
                 virtio_9p_class, p9_pci_info);
