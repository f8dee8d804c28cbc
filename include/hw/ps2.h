/*
 * The PS/2 wire between a controller and a keyboard or a mouse.
 *
 * Implemented by hw/input/ps2-{keyboard,mouse}.c, which derive from Ps2Device;
 * used by hw/input/i8042.c. The device queues bytes and notifies; the
 * controller takes them one by one when it has room.
 */
#ifndef HW_PS2_H
#define HW_PS2_H

#include "vm/device.h"

#define PS2_QUEUE_BYTES 64
/* Keys and movements leave the last bytes to replies. */
#define PS2_QUEUE_EVENT_BYTES 48

typedef uint8_t Ps2Bytes[PS2_QUEUE_BYTES];

/* Rows of the output queue; every PS/2 device's state list begins with them,
 * so that its state struct begins with a Ps2Queue. */
#define PS2_QUEUE_ROWS(_)                                                    \
    _(Ps2Bytes, STATE_U8, bytes, 0, 1, "output queue, a ring")               \
    _(uint8_t, STATE_U8, head, 0, 1, "place of the first byte",              \
      STATE_IN(0, PS2_QUEUE_BYTES - 1))                                      \
    _(uint8_t, STATE_U8, count, 0, 1, "bytes in the queue",                  \
      STATE_IN(0, PS2_QUEUE_BYTES))                                          \
    _(uint8_t, STATE_U8, replies, 0, 1, "bytes at its front that answer a "  \
      "command",                                                             \
      STATE_IN(0, PS2_QUEUE_BYTES))                                          \
    _(uint8_t, STATE_U8, last_sent, 0, 1, "for the resend command")

STATE_STRUCT(Ps2Queue, PS2_QUEUE_ROWS);

typedef struct Ps2Device Ps2Device;

struct Ps2Device {
    Device dev;
    Ps2Queue *queue;
    /* A byte from the host. */
    void (*write)(Ps2Device *ps2, uint8_t byte);
    /* The queue has run empty. May be NULL. */
    void (*drained)(Ps2Device *ps2);
    /* Set by the controller: there is something in the queue. */
    void (*notify)(void *opaque);
    void *opaque;
};

/* --- for the controller --------------------------------------------------- */

static inline bool ps2_has_byte(const Ps2Device *ps2)
{
    return ps2 && ps2->queue->count;
}

/* Takes the first byte; there must be one. */
uint8_t ps2_take(Ps2Device *ps2);

/* --- for the devices (hw/input/ps2-queue.c) ------------------------------- */

/* Appends an event's bytes, all or none; false if there is no room. */
bool ps2_queue_event(Ps2Device *ps2, const uint8_t *bytes, unsigned n);
/* Appends the one byte that says that events were lost; there is always room
 * for it behind a full queue of events. */
void ps2_queue_overrun(Ps2Device *ps2, uint8_t byte);
/* A command came: replies to an earlier one are dropped. */
void ps2_queue_begin_reply(Ps2Device *ps2);
/* Appends to the replies, which go before any event. */
void ps2_queue_reply(Ps2Device *ps2, uint8_t byte);
/* Drops everything. */
void ps2_queue_clear(Ps2Device *ps2);

#endif
