/*
 * The host's end of a socket device: packets of virtio-vsock go out and come in,
 * each a header of 44 bytes and its data.
 *
 * Implemented by host/vsock*.c over unix sockets, reached through ops; used by
 * hw/virtio/vsock.c. A packet that comes in crosses the boundary (a NONDET_VSOCK
 * port of the device), so it is in the log; in a replay there is no host, and
 * what is sent is dropped. A packet of no bytes at all says that all connections
 * are gone. All calls are on the machine thread.
 */
#ifndef IO_VSOCK_H
#define IO_VSOCK_H

#include "base/error.h"
#include "base/types.h"

typedef struct Vsock Vsock;

/* The header, and where its fields are; little-endian. */
enum { VSOCK_SRC_CID = 0, VSOCK_DST_CID = 8, VSOCK_SRC_PORT = 16,
       VSOCK_DST_PORT = 20, VSOCK_LEN = 24, VSOCK_TYPE = 28, VSOCK_OP = 30,
       VSOCK_FLAGS = 32, VSOCK_BUF_ALLOC = 36, VSOCK_FWD_CNT = 40,
       VSOCK_HEADER = 44 };
#define VSOCK_TYPE_STREAM 1u
#define VSOCK_CID_HOST    2u
enum { VSOCK_OP_REQUEST = 1, VSOCK_OP_RESPONSE, VSOCK_OP_RST,
       VSOCK_OP_SHUTDOWN, VSOCK_OP_RW, VSOCK_OP_CREDIT_UPDATE,
       VSOCK_OP_CREDIT_REQUEST };
#define VSOCK_SHUTDOWN_RCV  1u
#define VSOCK_SHUTDOWN_SEND 2u

/* Data of a packet from the guest, and of one to it: with its header it fits into
 * what Linux gives for it, a page without its own bookkeeping. */
#define VSOCK_DATA_MAX    65536u
#define VSOCK_TO_GUEST_MAX (3584u - VSOCK_HEADER)

/* How many packets the device can take now; a pure function of its state. */
typedef unsigned VsockRoom(void *opaque);

/* What a device asks of the host: see the functions of the same names. */
typedef struct VsockOps {
    void (*send)(Vsock *s, const uint8_t *packet, size_t len);
    void (*bind_port)(Vsock *s, NondetPort *port, VsockRoom *room,
                      void *opaque);
    void (*kick)(Vsock *s);
    void (*received)(Vsock *s);
    void (*reset)(Vsock *s);
    void (*resumed)(Vsock *s);
} VsockOps;

/* Who implements it begins struct Vsock with this. */
typedef struct VsockHead {
    const VsockOps *ops;
    char *path;
    uint64_t guest_cid;    /* set by the device */
} VsockHead;

/* Sends a packet, whose header's length is right. */
static inline void vsock_send(Vsock *s, const uint8_t *packet, size_t len)
{
    ((VsockHead *)s)->ops->send(s, packet, len);
}

/* Connects the device of guest_cid: packets are posted to the port, no more at a
 * time than room() says. */
static inline void vsock_bind_port(Vsock *s, uint64_t guest_cid,
                                   NondetPort *port, VsockRoom *room,
                                   void *opaque)
{
    ((VsockHead *)s)->guest_cid = guest_cid;
    ((VsockHead *)s)->ops->bind_port(s, port, room, opaque);
}

/* The device has made room. Cheap. */
static inline void vsock_kick(Vsock *s)
{
    ((VsockHead *)s)->ops->kick(s);
}

/* The device's port has delivered a packet (replays included). */
static inline void vsock_received(Vsock *s)
{
    ((VsockHead *)s)->ops->received(s);
}

/* The guest has forgotten all connections. */
static inline void vsock_reset(Vsock *s)
{
    ((VsockHead *)s)->ops->reset(s);
}

/* The device's state was loaded: the guest knows of other connections. */
static inline void vsock_resumed(Vsock *s)
{
    ((VsockHead *)s)->ops->resumed(s);
}

#endif
