/*
 * virtio-scsi: a SCSI host adapter. Section 5.6 of the virtio specification,
 * version 1.2.
 *
 * A command is carried out when it is taken from its queue (hw/scsi/) and
 * returned later, in order (later.h); task management is in scsi-tmf.c.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "hw/virtio-pci.h"
#include "scsi.h"

/* Offsets of the configuration, 5.6.4. */
enum {
    CONFIG_QUEUES = 0,
    CONFIG_SEG_MAX = 4,
    CONFIG_MAX_SECTORS = 8,
    CONFIG_CMD_PER_LUN = 12,
    CONFIG_EVENT_SIZE = 16,
    CONFIG_SENSE_SIZE = 20,
    CONFIG_CDB_SIZE = 24,
    CONFIG_MAX_CHANNEL = 28,
    CONFIG_MAX_TARGET = 30,
    CONFIG_MAX_LUN = 32,
    CONFIG_BYTES = 36,
};

/* A request and its response, 5.6.6.1. */
enum {
    REQUEST_LUN = 0,
    REQUEST_TAG = 8,
    REQUEST_CDB = 19,
    RESPONSE_SENSE_LEN = 0,
    RESPONSE_RESIDUAL = 4,
    RESPONSE_STATUS = 10,
    RESPONSE_RESPONSE = 11,
    RESPONSE_SENSE = 12,
};

#define EVENT_BYTES  16u
#define MAX_TARGET   255u
#define MAX_LUN      16383u
#define QUEUES_MAX   (VIRTIO_QUEUES_MAX - SCSI_QUEUE_REQUEST)
#define QUEUES_AUTO  UINT32_MAX
#define RESPONSE_MAX (RESPONSE_SENSE + VSCSI_SENSE_MAX)
#define REQUEST_MAX  (REQUEST_CDB + VSCSI_CDB_MAX)

static STATE_TABLE(vscsi_state, "virtio-scsi", 1, VirtioScsiState,
                   VIRTIO_SCSI_STATE)

/* 5.6.6.1: a unit's address. False: of another form, so nobody has it. */
bool vscsi_address(const uint8_t *lun, ScsiAddress *at)
{
    unsigned method = lun[2] >> 6;

    *at = (ScsiAddress){ 0, lun[1], bytes_ld_be16(lun + 2) & 0x3fff };
    return lun[0] == 1 && method < 2 && !bytes_ld_be32(lun + 4);
}

/* --- a command's data ------------------------------------------------------------*/

/* What a task's buffers are part of. */
typedef struct Request {
    VirtioScsi *d;
    const VirtioBuffer *b;
    uint32_t out_start, in_start;  /* of the data in the buffer's two parts */
} Request;

static bool to_initiator(ScsiTask *t, uint64_t offset, const void *from,
                         size_t len)
{
    const Request *r = t->host;
    return virtio_write(&r->d->v, r->b, r->in_start + offset, from, len) ==
           len;
}

static bool from_initiator(ScsiTask *t, uint64_t offset, void *to, size_t len)
{
    const Request *r = t->host;
    return virtio_read(&r->d->v, r->b, r->out_start + offset, to, len) == len;
}

static const ScsiMover mover = { to_initiator, from_initiator };

/* --- requests --------------------------------------------------------------------------*/

static void respond(const Request *r, const ScsiTask *t, uint8_t response)
{
    const VirtioScsi *d = r->d;
    uint8_t out[RESPONSE_MAX] = { 0 };
    uint32_t sense = MIN(t->sense_bytes, d->s.sense_size);
    uint64_t left = t->in_room - t->moved_in + t->out_room - t->moved_out;

    bytes_st_le32(out + RESPONSE_SENSE_LEN, sense);
    bytes_st_le32(out + RESPONSE_RESIDUAL, MIN(left, UINT32_MAX));
    out[RESPONSE_STATUS] = t->status;
    out[RESPONSE_RESPONSE] = response;
    memcpy(out + RESPONSE_SENSE, t->sense, sense);
    virtio_write(&r->d->v, r->b, 0, out, r->in_start);
}

/* What to respond to a command that is carried out now. Without F_INOUT there
 * is data in one direction only. */
static uint8_t run(const Request *r, const uint8_t *lun, ScsiTask *t)
{
    ScsiAddress at;

    if (t->in_room && t->out_room) {
        return VSCSI_FAILURE;
    }
    if (!vscsi_address(lun, &at) || !scsi_bus_run(&r->d->bus, &at, t)) {
        return VSCSI_BAD_TARGET;
    }
    return t->overrun ? VSCSI_OVERRUN : VSCSI_OK;
}

static uint64_t start_command(VirtioScsi *d, const VirtioBuffer *b)
{
    uint8_t head[REQUEST_MAX] = { 0 };
    Request r = { d, b, REQUEST_CDB + d->s.cdb_size,
                  RESPONSE_SENSE + d->s.sense_size };

    if (b->out_bytes < r.out_start || b->in_bytes < r.in_start) {
        virtio_break(&d->v, "a request of %" G_GUINT64_FORMAT " and %"
                     G_GUINT64_FORMAT " bytes", b->out_bytes, b->in_bytes);
        return 0;
    }
    ScsiTask t = { .in_room = b->in_bytes - r.in_start,
                   .out_room = b->out_bytes - r.out_start,
                   .mover = &mover,
                   .host = &r };
    virtio_read(&d->v, b, 0, head, r.out_start);
    memcpy(t.cdb, head + REQUEST_CDB, MIN(d->s.cdb_size, SCSI_CDB_BYTES));
    respond(&r, &t, run(&r, head + REQUEST_LUN, &t));
    if (!d->v.s->broken) {
        unsigned at = later_add(&d->later, b, t.moved_in + t.moved_out,
                                r.in_start + t.moved_in);
        d->s.tag[at] = bytes_ld_le64(head + REQUEST_TAG);
        d->s.unit[at] = bytes_ld_be32(head + REQUEST_LUN);
    }
    return t.moved_in + t.moved_out + t.unmoved;
}

static uint64_t start_request(VirtioDevice *v, const VirtioBuffer *b)
{
    VirtioScsi *d = container_of(v, VirtioScsi, v);

    return b->queue == SCSI_QUEUE_CONTROL ? vscsi_control(d, b)
                                          : start_command(d, b);
}

/* Buffers for events stay where they are: nothing is plugged in or changes its
 * size, and no event was agreed on. */
static void vscsi_queue(VirtioDevice *v, unsigned q)
{
    if (q != SCSI_QUEUE_EVENT) {
        later_queue(&container_of(v, VirtioScsi, v)->later, q);
    }
}

/* --- configuration ------------------------------------------------------------------------*/

static void vscsi_get_config(VirtioDevice *v, uint8_t *config)
{
    const VirtioScsi *d = container_of(v, VirtioScsi, v);

    bytes_st_le32(config + CONFIG_QUEUES, d->queues);
    bytes_st_le32(config + CONFIG_SEG_MAX, d->queue_size - 2);
    bytes_st_le32(config + CONFIG_MAX_SECTORS, d->max_sectors);
    bytes_st_le32(config + CONFIG_CMD_PER_LUN, d->cmd_per_lun);
    bytes_st_le32(config + CONFIG_EVENT_SIZE, EVENT_BYTES);
    bytes_st_le32(config + CONFIG_SENSE_SIZE, d->s.sense_size);
    bytes_st_le32(config + CONFIG_CDB_SIZE, d->s.cdb_size);
    bytes_st_le16(config + CONFIG_MAX_CHANNEL, d->bus.max_channel);
    bytes_st_le16(config + CONFIG_MAX_TARGET, d->bus.max_target);
    bytes_st_le32(config + CONFIG_MAX_LUN, d->bus.max_lun);
}

/* 5.6.4.1: the driver may say how long a CDB and sense data are to be. */
static void vscsi_set_config(VirtioDevice *v, const uint8_t *config,
                             unsigned offset, unsigned len)
{
    VirtioScsi *d = container_of(v, VirtioScsi, v);
    uint32_t sense = bytes_ld_le32(config + CONFIG_SENSE_SIZE);
    uint32_t cdb = bytes_ld_le32(config + CONFIG_CDB_SIZE);

    if (sense > VSCSI_SENSE_MAX || cdb > VSCSI_CDB_MAX) {
        guest_error("%s: sense_size=%u, cdb_size=%u\n", virtio_name(v), sense,
                    cdb);
        return;
    }
    d->s.sense_size = sense;
    d->s.cdb_size = cdb;
}

/* A reset of the adapter resets what is behind it (5.6.6.0). */
static void vscsi_reset(VirtioDevice *v)
{
    VirtioScsi *d = container_of(v, VirtioScsi, v);

    later_reset(&d->later);
    for (guint i = 0; i < d->bus.units->len; i++) {
        scsi_unit_reset(g_ptr_array_index(d->bus.units, i), CODE_BUS_RESET);
    }
}

static const VirtioInfo vscsi_info = {
    .type = 8,
    .config_bytes = CONFIG_BYTES,
    .get_config = vscsi_get_config,
    .set_config = vscsi_set_config,
    .queue = vscsi_queue,
    .reset = vscsi_reset,
};

/* --- life -------------------------------------------------------------------------------------*/

/* The user's id, or a number among those without one. */
static void offer_bus(VirtioScsi *d)
{
    Machine *m = d->v.dev.machine;
    const char *id = d->v.bus->owner->id;
    unsigned n = 0;

    while (machine_bus_at(m, "SCSI", n)) {
        n++;
    }
    g_autofree char *name = id ? g_strdup_printf("%s.0", id)
                               : g_strdup_printf("scsi.%u", n);
    machine_add_bus(m, &(MachineBus){ .kind = "SCSI", .name = name,
                                      .bus = &d->bus });
}

static bool vscsi_realize(Device *dev, Error **errp)
{
    VirtioScsi *d = (VirtioScsi *)dev;

    if (d->queues == QUEUES_AUTO) {
        d->queues = CLAMP(dev->machine->config.smp.cpus, 1, QUEUES_MAX);
    }
    if (!d->queues || d->queues > QUEUES_MAX) {
        error_set(errp, "Invalid number of queues (= %u), must be a positive "
                  "integer less than %u.", d->queues, QUEUES_MAX + 1);
        return false;
    }
    if (!virtio_ring_size_good("virtqueue_size", d->queue_size, 4, errp)) {
        return false;
    }
    scsi_bus_init(&d->bus, dev, dev->machine);
    d->bus.max_target = MAX_TARGET;
    d->bus.max_lun = MAX_LUN;
    later_init(&d->later, &d->v, "virtio-scsi", start_request);
    if (!virtio_realize(&d->v, &vscsi_info, SCSI_QUEUE_REQUEST + d->queues,
                        d->queue_size, errp)) {
        return false;
    }
    offer_bus(d);
    return true;
}

static void vscsi_unrealize(Device *dev)
{
    VirtioScsi *d = (VirtioScsi *)dev;

    later_destroy(&d->later);
    scsi_bus_free(&d->bus);
}

static const PropDef vscsi_props[] = {
    PROP(VirtioScsi, queues, "num_queues", PROP_U32, "0xffffffff",
         "request queues; one for each vCPU by default"),
    PROP(VirtioScsi, queue_size, "virtqueue_size", PROP_U32, "256",
         "entries of a queue"),
    PROP(VirtioScsi, max_sectors, "max_sectors", PROP_U32, "65535",
         "the largest transfer that the driver is to ask for"),
    PROP(VirtioScsi, cmd_per_lun, "cmd_per_lun", PROP_U32, "128",
         "commands that the driver may send to a unit at a time"),
    VIRTIO_PROPS(VirtioScsi),
    PROP_END
};

extern const DeviceClass virtio_scsi_class, virtio_scsi_pci_class;

const DeviceClass virtio_scsi_class = {
    .name = "virtio-scsi-device",
    .desc = "virtio SCSI host adapter",
    .bus = "virtio-bus",
    .category = "Storage",
    .user = true,
    .size = sizeof(VirtioScsi),
    .state_offset = offsetof(VirtioScsi, s),
    .state = vscsi_state,
    .props = vscsi_props,
    .realize = vscsi_realize,
    .reset = virtio_device_reset,
    .unrealize = vscsi_unrealize,
};

/* One for each queue, one for configuration changes. */
static unsigned vscsi_vectors(const VirtioDevice *v)
{
    return v->queue_count + 1;
}

static void vscsi_boot_places(const VirtioDevice *v, PciBootFn *add,
                              void *opaque)
{
    scsi_bus_boot_places(&container_of(v, VirtioScsi, v)->bus, add, opaque);
}

static const VirtioPciInfo vscsi_pci_info = {
    .type = 8,
    .class_code = 0x0100,
    .vectors = vscsi_vectors,
    .boot_places = vscsi_boot_places,
};

VIRTIO_PCI_CLASS(virtio_scsi_pci_class, "virtio-scsi-pci", "Storage",
                 virtio_scsi_class, vscsi_pci_info);
