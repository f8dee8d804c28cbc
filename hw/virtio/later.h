/*
 * Requests of a device that takes time: a disk's, whatever its commands are.
 *
 * A request is carried out when it is taken from its queue and returned at a
 * virtual time that depends on its size, in order (the model of
 * hw/ide/drive.c). What has been carried out waits in a ring of rows until
 * then. Implemented by later.c, used by blk.c and scsi.c.
 */
#ifndef HW_VIRTIO_LATER_H
#define HW_VIRTIO_LATER_H

#include "hw/virtio.h"

#define LATER_MAX 128u

typedef uint16_t LaterU16s[LATER_MAX];
typedef uint32_t LaterU32s[LATER_MAX];
typedef int64_t LaterTimes[LATER_MAX];

/* The first rows of such a device. */
#define VIRTIO_LATER_STATE(_)                                                 \
    VIRTIO_STATE(_)                                                           \
    _(uint64_t, STATE_U64, stalled, 0, 1, "queues that were left, a mask")    \
    _(uint8_t, STATE_U8, head, 0, 1, "first of the finished requests",        \
      STATE_IN(0, LATER_MAX - 1))                                             \
    _(uint8_t, STATE_U8, count, 0, 1, "how many there are",                   \
      STATE_IN(0, LATER_MAX))                                                 \
    _(LaterU16s, STATE_U16, queue, 0, 1, "their queues",                      \
      STATE_IN(0, VIRTIO_QUEUES_MAX - 1))                                     \
    _(LaterU16s, STATE_U16, id, 0, 1, "their numbers")                        \
    _(LaterU16s, STATE_U16, entries, 0, 1, "the ring entries they take")      \
    _(LaterU32s, STATE_U32, written, 0, 1, "bytes written to them")           \
    _(LaterTimes, STATE_TIME, when_ns, 0, 1, "when they are returned")        \
    _(int64_t, STATE_TIME, due_ns, TIME_NEVER, 1, "the first one's time")

STATE_STRUCT(VirtioLaterState, VIRTIO_LATER_STATE);

/* Wiring. */
typedef struct VirtioLater {
    VirtioDevice *v;
    VirtioLaterState *s;   /* the start of the device's state struct */
    Timer timer;
    /* Carries a request out and calls later_add(), or breaks the device. The
     * bytes that the host moved, wrote or cleared for it. */
    uint64_t (*start)(VirtioDevice *v, const VirtioBuffer *b);
} VirtioLater;

/* From realize(). */
void later_init(VirtioLater *l, VirtioDevice *v, const char *name,
                uint64_t (*start)(VirtioDevice *, const VirtioBuffer *));
/* From unrealize(), even if later_init() was not reached. */
void later_destroy(VirtioLater *l);
/* The device was reset. */
void later_reset(VirtioLater *l);
/* There may be requests in queue q: takes as many as may be done now. */
void later_queue(VirtioLater *l, unsigned q);
/* A request that moved so many bytes is done; `written` of them went into the
 * buffer. Its place in the ring of rows. */
unsigned later_add(VirtioLater *l, const VirtioBuffer *b, uint64_t bytes,
                   uint32_t written);
/* The place of the n-th request that waits. */
unsigned later_place(const VirtioLater *l, unsigned n);

#endif
