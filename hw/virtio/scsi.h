/*
 * virtio-scsi, inside: between its requests (scsi.c) and its control queue
 * (scsi-tmf.c).
 */
#ifndef HW_VIRTIO_SCSI_H
#define HW_VIRTIO_SCSI_H

#include "hw/scsi.h"
#include "later.h"

/* Queues, 5.6.2. */
enum { SCSI_QUEUE_CONTROL, SCSI_QUEUE_EVENT, SCSI_QUEUE_REQUEST };

/* Responses, 5.6.6.1 and 5.6.6.2. */
enum {
    VSCSI_OK = 0,
    VSCSI_OVERRUN = 1,
    VSCSI_BAD_TARGET = 3,
    VSCSI_FAILURE = 9,
    VSCSI_SUCCEEDED = 10,
    VSCSI_REJECTED = 11,
    VSCSI_INCORRECT_LUN = 12,
};

/* What a driver may set in the configuration. */
#define VSCSI_SENSE_MAX 252u
#define VSCSI_CDB_MAX   255u

typedef uint64_t ScsiTags[LATER_MAX];
typedef uint32_t ScsiUnits[LATER_MAX];

#define VIRTIO_SCSI_STATE(_)                                                  \
    VIRTIO_LATER_STATE(_)                                                     \
    _(uint32_t, STATE_U32, sense_size, 96, 1, "bytes for sense data",         \
      STATE_IN(0, VSCSI_SENSE_MAX))                                           \
    _(uint32_t, STATE_U32, cdb_size, 32, 1, "bytes of a CDB",                 \
      STATE_IN(0, VSCSI_CDB_MAX))                                             \
    _(ScsiTags, STATE_U64, tag, 0, 1, "tags of requests that wait")           \
    _(ScsiUnits, STATE_U32, unit, 0, 1,                                       \
      "what they are for: four bytes of an address, 0: for no unit")

STATE_STRUCT(VirtioScsiState, VIRTIO_SCSI_STATE);

typedef struct VirtioScsi {
    VirtioDevice v;
    VirtioScsiState s;
    VirtioLater later;
    ScsiBus bus;
    uint32_t queues, queue_size, max_sectors, cmd_per_lun; /* properties */
} VirtioScsi;

/* A unit's address as drivers write it. False: there is no such form. */
bool vscsi_address(const uint8_t *lun, ScsiAddress *at);
/* Carries out a request of the control queue. The bytes that it moved. */
uint64_t vscsi_control(VirtioScsi *d, const VirtioBuffer *b);

#endif
