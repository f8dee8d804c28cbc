/*
 * The output queue of a PS/2 device: a ring in which replies to commands
 * stand before key strokes and movements that wait.
 *
 * Indices are reduced to the ring's size wherever they are used, so that no
 * loaded state can lead outside of it.
 */
#include "base/types.h"
#include "hw/ps2.h"

static uint8_t *queue_at(Ps2Queue *q, unsigned i)
{
    return &q->bytes[(q->head + i) % PS2_QUEUE_BYTES];
}

static void queue_notify(Ps2Device *ps2)
{
    if (ps2->notify) {
        ps2->notify(ps2->opaque);
    }
}

uint8_t ps2_take(Ps2Device *ps2)
{
    Ps2Queue *q = ps2->queue;
    g_assert(q->count);
    uint8_t byte = *queue_at(q, 0);
    q->head = (q->head + 1) % PS2_QUEUE_BYTES;
    q->count--;
    if (q->replies) {
        q->replies--;
    }
    q->last_sent = byte;
    if (!q->count && ps2->drained) {
        ps2->drained(ps2);
    }
    return byte;
}

static bool queue_append(Ps2Device *ps2, const uint8_t *bytes, unsigned n,
                         unsigned limit)
{
    Ps2Queue *q = ps2->queue;
    if (q->count + n > limit) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        *queue_at(q, q->count++) = bytes[i];
    }
    queue_notify(ps2);
    return true;
}

bool ps2_queue_event(Ps2Device *ps2, const uint8_t *bytes, unsigned n)
{
    return queue_append(ps2, bytes, n, PS2_QUEUE_EVENT_BYTES);
}

void ps2_queue_overrun(Ps2Device *ps2, uint8_t byte)
{
    queue_append(ps2, &byte, 1, PS2_QUEUE_BYTES);
}

void ps2_queue_begin_reply(Ps2Device *ps2)
{
    Ps2Queue *q = ps2->queue;
    unsigned drop = MIN(q->replies, q->count);
    q->head = (q->head + drop) % PS2_QUEUE_BYTES;
    q->count -= drop;
    q->replies = 0;
}

void ps2_queue_reply(Ps2Device *ps2, uint8_t byte)
{
    Ps2Queue *q = ps2->queue;
    if (q->count >= PS2_QUEUE_BYTES) {
        return;
    }
    for (unsigned i = q->count; i > q->replies; i--) {
        *queue_at(q, i) = *queue_at(q, i - 1);
    }
    *queue_at(q, q->replies) = byte;
    q->replies++;
    q->count++;
    queue_notify(ps2);
}

void ps2_queue_clear(Ps2Device *ps2)
{
    Ps2Queue *q = ps2->queue;
    q->head = q->count = q->replies = 0;
}
