/*
 * A network as a device model sees it: frames go out, frames come in.
 *
 * Implemented by host/net*.c, whose ops devices reach through
 * softmmu/world.c; used by hw/net/nic.c. A frame that comes in crosses the
 * boundary (a NONDET_NET port of the adapter), so it is in the log; in a replay
 * there is no network, and what is sent is dropped. All calls are on the
 * machine thread.
 */
#ifndef IO_NETDEV_H
#define IO_NETDEV_H

#include "base/error.h"
#include "base/types.h"

/* The longest frame that anyone sends, with its header. */
#define NETDEV_FRAME_MAX 65550u

/* How many frames the adapter can take now; a pure function of its state. */
typedef unsigned NetdevRoom(void *opaque);

/* What a device asks of a network: see the functions of the same names. */
typedef struct NetdevOps {
    void (*send)(Netdev *n, const void *frame, size_t len);
    void (*bind_port)(Netdev *n, NondetPort *port, NetdevRoom *room,
                      void *opaque);
    void (*kick)(Netdev *n);
    void (*received)(Netdev *n, const void *frame, size_t len);
    void (*describe)(Netdev *n, GString *out);
    bool (*forwards)(const Netdev *n);
    bool (*forward)(Netdev *n, const char *rule, bool add, Error **errp);
} NetdevOps;

/* Who implements networks begins struct Netdev with this. */
typedef struct NetdevHead {
    const NetdevOps *ops;
    char *id;
} NetdevHead;

/* The id given by -netdev id=. */
const char *netdev_id(const Netdev *n);
/* Sends a frame. Never blocks and never fails as far as the caller can see. */
void netdev_send(Netdev *n, const void *frame, size_t len);
/* Connects an adapter: frames are posted to the port, no more at a time than
 * room() says. */
void netdev_bind_port(Netdev *n, NondetPort *port, NetdevRoom *room,
                      void *opaque);
/* The adapter has made room. Cheap. */
void netdev_kick(Netdev *n);
/* The adapter's port has delivered a frame (replays included). */
void netdev_received(Netdev *n, const void *frame, size_t len);
/* Whether ports of the host can be forwarded into the network. */
bool netdev_forwards(const Netdev *n);
/* Adds hostfwd=RULE, or removes what it forwards (without the guest's end). */
bool netdev_forward(Netdev *n, const char *rule, bool add, Error **errp);
/* "n: index=0,type=user,net=10.0.2.0,restrict=off" */
void netdev_describe(Netdev *n, GString *out);

#endif
