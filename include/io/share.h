/*
 * A folder of the host as a device model sees it: requests go out, answers come
 * in, both messages of the 9P2000.L protocol.
 *
 * Implemented by host/share.c, whose ops devices reach through
 * softmmu/world.c; used by hw/virtio/9p.c. An answer crosses the boundary (a
 * NONDET_SHARE port of the device), so it is in the log; in a replay there is no
 * folder, and requests go nowhere. All calls are on the machine thread.
 *
 * A device has one request under way at a time, and numbers them. What comes in
 * at the port is the number of the request (u64, little-endian) and the answer;
 * with nothing behind the number, there will be none: whoever had the request
 * is gone.
 */
#ifndef IO_SHARE_H
#define IO_SHARE_H

#include "base/error.h"
#include "base/types.h"

typedef struct Share Share;

/* The longest message. */
#define SHARE_MESSAGE_MAX (512u * 1024)
/* What stands before an answer. */
#define SHARE_ANSWER_HEAD 8u

/* The number of the request that the device waits for; 0: none. A pure
 * function of its state. */
typedef uint64_t ShareWaits(void *opaque);

/* What a device asks of a share: see the functions of the same names. */
typedef struct ShareOps {
    void (*request)(Share *s, uint64_t number, size_t room,
                    const void *message, size_t len);
    void (*bind_port)(Share *s, NondetPort *port, ShareWaits *waits,
                      void *opaque);
    void (*received)(Share *s, uint64_t number);
    void (*resumed)(Share *s);
} ShareOps;

/* Who implements shares begins struct Share with this. */
typedef struct ShareHead {
    const ShareOps *ops;
    char *id;
} ShareHead;

/* Asks; the answer has at most room bytes. */
static inline void share_request(Share *s, uint64_t number, size_t room,
                                 const void *message, size_t len)
{
    ((ShareHead *)s)->ops->request(s, number, room, message, len);
}

/* Connects a device. */
static inline void share_bind_port(Share *s, NondetPort *port,
                                   ShareWaits *waits, void *opaque)
{
    ((ShareHead *)s)->ops->bind_port(s, port, waits, opaque);
}

/* The device's port has delivered an answer (replays included). */
static inline void share_received(Share *s, uint64_t number)
{
    ((ShareHead *)s)->ops->received(s, number);
}

/* The device's state was loaded: it may wait for an answer that nobody owes
 * it. */
static inline void share_resumed(Share *s)
{
    ((ShareHead *)s)->ops->resumed(s);
}

#endif
