/*
 * The control queue of virtio-scsi: task management and asynchronous
 * notifications. Virtio 1.2, 5.6.6.2 and 5.6.6.3; SAM-5, section 7.
 *
 * Commands have been carried out when they are seen here and are returned in
 * order, this request behind them. So to abort one is to let it end: FUNCTION
 * COMPLETE says that it is no longer in the task set.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "scsi.h"

enum { TYPE_TMF = 0, TYPE_AN_QUERY = 1, TYPE_AN_SUBSCRIBE = 2 };

enum {
    TMF_ABORT_TASK,
    TMF_ABORT_TASK_SET,
    TMF_CLEAR_ACA,
    TMF_CLEAR_TASK_SET,
    TMF_NEXUS_RESET,
    TMF_UNIT_RESET,
    TMF_QUERY_TASK,
    TMF_QUERY_TASK_SET,
};

/* Requests and responses. */
enum {
    TMF_SUBTYPE = 4,
    TMF_LUN = 8,
    TMF_TAG = 16,
    TMF_BYTES = 24,
    TMF_RESPONSE_BYTES = 1,
    AN_LUN = 4,
    AN_BYTES = 16,
    AN_RESPONSE = 4,
    AN_RESPONSE_BYTES = 5,
};

/* Whether a command for that unit waits to be returned; tag NULL: any. */
static bool waits(const VirtioScsi *d, uint32_t unit, const uint64_t *tag)
{
    for (unsigned n = 0; n < d->s.count; n++) {
        unsigned at = later_place(&d->later, n);
        if (d->s.unit[at] == unit && (!tag || d->s.tag[at] == *tag)) {
            return true;
        }
    }
    return false;
}

static uint8_t manage(VirtioScsi *d, ScsiDevice *unit, const uint8_t *request)
{
    uint32_t where = bytes_ld_be32(request + TMF_LUN);
    uint64_t tag = bytes_ld_le64(request + TMF_TAG);

    switch (bytes_ld_le32(request + TMF_SUBTYPE)) {
    case TMF_ABORT_TASK:
    case TMF_ABORT_TASK_SET:
    case TMF_CLEAR_TASK_SET:
        return VSCSI_OK;
    case TMF_NEXUS_RESET:
        scsi_nexus_reset(unit);
        return VSCSI_OK;
    case TMF_UNIT_RESET:
        scsi_unit_reset(unit, CODE_DEVICE_RESET);
        return VSCSI_OK;
    case TMF_QUERY_TASK:
        return waits(d, where, &tag) ? VSCSI_SUCCEEDED : VSCSI_OK;
    case TMF_QUERY_TASK_SET:
        return waits(d, where, NULL) ? VSCSI_SUCCEEDED : VSCSI_OK;
    }
    return VSCSI_REJECTED;              /* CLEAR ACA: INQUIRY has no NormACA */
}

static uint8_t task_management(VirtioScsi *d, const uint8_t *request)
{
    ScsiAddress at;

    if (!vscsi_address(request + TMF_LUN, &at) ||
        !scsi_bus_has_target(&d->bus, &at)) {
        return VSCSI_BAD_TARGET;
    }
    ScsiDevice *unit = scsi_bus_unit(&d->bus, &at);
    return unit ? manage(d, unit, request) : VSCSI_INCORRECT_LUN;
}

/* There are no asynchronous notifications: none of those asked for is given. */
static uint8_t notifications(VirtioScsi *d, const uint8_t *request)
{
    ScsiAddress at;

    return vscsi_address(request + AN_LUN, &at) &&
                   scsi_bus_unit(&d->bus, &at) ? VSCSI_OK : VSCSI_BAD_TARGET;
}

/* Carries the request out; bytes of the response, 0: it is none. */
static unsigned answer(VirtioScsi *d, const VirtioBuffer *b,
                       const uint8_t *request, uint8_t *response)
{
    uint32_t type = bytes_ld_le32(request);

    if (type == TYPE_TMF && b->out_bytes >= TMF_BYTES &&
        b->in_bytes >= TMF_RESPONSE_BYTES) {
        response[0] = task_management(d, request);
        return TMF_RESPONSE_BYTES;
    }
    if ((type == TYPE_AN_QUERY || type == TYPE_AN_SUBSCRIBE) &&
        b->out_bytes >= AN_BYTES && b->in_bytes >= AN_RESPONSE_BYTES) {
        response[AN_RESPONSE] = notifications(d, request);
        return AN_RESPONSE_BYTES;
    }
    return 0;
}

uint64_t vscsi_control(VirtioScsi *d, const VirtioBuffer *b)
{
    uint8_t request[TMF_BYTES] = { 0 }, response[AN_RESPONSE_BYTES] = { 0 };

    virtio_read(&d->v, b, 0, request, sizeof request);
    unsigned bytes = answer(d, b, request, response);
    if (!bytes) {
        virtio_break(&d->v, "a control request of type %u and %u bytes",
                     bytes_ld_le32(request),
                     (unsigned)MIN(b->out_bytes, UINT32_MAX));
        return 0;
    }
    virtio_write(&d->v, b, 0, response, bytes);
    if (!d->v.s->broken) {
        unsigned at = later_add(&d->later, b, 0, bytes);
        d->s.unit[at] = 0;
    }
    return 0;
}
