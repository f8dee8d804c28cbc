/*
 * What the host's end of a socket device is made of: vsock.c (packets, the
 * listener), vsock-conn.c (connections), vsock-call.c (their beginnings).
 */
#ifndef HOST_VSOCK_IMPL_H
#define HOST_VSOCK_IMPL_H

#include "io/vsock-open.h"
#include "vm/nondet.h"

struct VsockSet {
    GHashTable *table;
    GPtrArray *order;          /* Vsock */
    Machine *machine;
    bool replay, muted;
};

struct Vsock {
    VsockHead head;
    VsockSet *set;
    bool is_open;
    bool left;                 /* it was a replay, which goes on live */
    int listen_fd;             /* -1: none */
    guint listen_tag;
    GPtrArray *connections;    /* VsockConn, in the order of their making */
    uint32_t next_port;        /* of a connection from the host */
    NondetPort *port;
    VsockRoom *room;
    void *room_opaque;
    GQueue waiting;            /* GBytes: packets that there was no room for */
    unsigned posted;           /* packets that the device has not seen yet */
};

/* --- packets to the guest (vsock.c) --------------------------------------------- */

typedef struct VsockPacket {
    uint32_t src_port, dst_port, flags, buf_alloc, fwd_cnt;
    uint16_t op;
    const void *data;
    uint32_t len;
} VsockPacket;

/* Whether the guest may be told things now. */
bool vsock_is_live(const Vsock *s);
/* Sends, or keeps it until there is room. */
void vsock_post(Vsock *s, const VsockPacket *p);
/* So much waits for room that no more is to be read for the guest. */
bool vsock_is_full(const Vsock *s);

/* --- connections (vsock-conn.c) --------------------------------------------------- */

/* What the guest may send before the host's program has read. */
#define VSOCK_CREDIT_BYTES (256u * 1024)
#define VSOCK_CONNECTIONS_MAX 256u

typedef enum ConnState { CONN_STRANGER, CONN_CALLING, CONN_OPEN } ConnState;

typedef struct VsockConn {
    Vsock *s;
    ConnState state;
    int fd;
    uint32_t guest_port, host_port;
    /* 5.10.6.3: what the guest has room for, what it has taken of that, what
     * it was sent. */
    uint32_t peer_alloc, peer_fwd, sent;
    uint32_t forwarded, told;  /* of the guest's bytes; what it knows of that */
    bool host_done;            /* the program sends no more */
    uint32_t guest_shut;       /* VSOCK_SHUTDOWN_*: what the guest is done with */
    GByteArray *out;           /* from the guest, not yet in the socket */
    guint in_tag, out_tag;
} VsockConn;

VsockConn *vsock_conn_new(Vsock *s, int fd, ConnState state);
void vsock_conn_free(VsockConn *c);
/* Ends it on both sides. */
void vsock_conn_abort(VsockConn *c);
VsockConn *vsock_conn_find(Vsock *s, uint32_t host_port, uint32_t guest_port);
void vsock_conn_send(VsockConn *c, uint16_t op, uint32_t flags,
                     const void *data, uint32_t len);
/* Watches the program's bytes, or not, as things are now. */
void vsock_conn_update(VsockConn *c);
/* To who speaks of a connection that there is not. */
void vsock_refuse(Vsock *s, const uint8_t *packet);

/* A packet of the guest's. */
void vsock_conn_packet(Vsock *s, const uint8_t *packet, size_t len);
/* Reads what may be read now: room, credit or permission have come. */
void vsock_conn_update_all(Vsock *s);
void vsock_conn_close_all(Vsock *s);

/* --- how they begin (vsock-call.c) -------------------------------------------------- */

/* A client of the listener, who is to say whom it wants; what it says; and that the
 * guest takes the call. */
void vsock_conn_accept(Vsock *s, int fd);
void vsock_call_read(VsockConn *c);
void vsock_call_accepted(VsockConn *c);
/* The guest calls a port of the host; NULL: nobody is there. */
VsockConn *vsock_call_from_guest(Vsock *s, const uint8_t *packet);

#endif
