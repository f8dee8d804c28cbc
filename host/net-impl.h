/*
 * What networks are made of; see io/netdev-open.h. A back end is a file
 * net-NAME.c with one NetBackend.
 */
#ifndef HOST_NET_IMPL_H
#define HOST_NET_IMPL_H

#include "io/netdev-open.h"
#include "vm/clock.h"
#include "vm/nondet.h"

typedef struct NetBackend {
    const char *name;
    const char *keys;      /* besides type and id */
    const char *help;
    /* Fills in n->impl. */
    bool (*open)(Netdev *n, const NetdevSpec *spec, Error **errp);
    void (*send)(Netdev *n, const uint8_t *frame, size_t len);
    void (*close)(Netdev *n);
    /* Appends what -netdev said, as in ",net=10.0.2.0"; may be NULL. */
    void (*describe)(Netdev *n, GString *out);
    /* Forwards a port of the host, or no longer; may be NULL. */
    bool (*forward)(Netdev *n, const char *rule, bool add, Error **errp);
    /* `info usernet`; may be NULL. */
    void (*connections)(Netdev *n, GString *out);
} NetBackend;

/* ORDER net-backend (net.c) */
extern const NetBackend net_user, net_socket, net_stream, net_dgram, net_tap,
    net_hubport;

struct NetdevSet {
    GHashTable *table;
    GPtrArray *order;      /* Netdev */
    GPtrArray *dumps;      /* NetDump */
    Machine *machine;
    Clock *clock;
    bool replay, muted;
};

struct Netdev {
    NetdevHead head;
    NetdevSet *set;
    const NetBackend *backend; /* what was asked for */
    bool is_open;              /* and whether it is there */
    void *impl;
    /* Where frames from the network go: an adapter, or another network (a
     * hub's port that leads to this one). */
    NondetPort *port;
    NetdevRoom *room;
    void *room_opaque;
    void (*sink)(void *opaque, const uint8_t *frame, size_t len);
    void *sink_opaque;
    GQueue waiting;            /* GBytes: frames that there was no room for */
    unsigned posted;           /* frames that the adapter has not seen yet */
};

/* A frame goes out to the world. */
void net_send(Netdev *n, const uint8_t *frame, size_t len);
/* A frame came in from the world. */
void net_deliver(Netdev *n, const uint8_t *frame, size_t len);

/* A key's last value, or NULL; a boolean or a number, with an error that names
 * the key (*out is left alone without it). */
const char *net_key(const NetdevSpec *s, const char *key);
bool net_key_bool(const NetdevSpec *s, const char *key, bool *out,
                  Error **errp);
bool net_key_number(const NetdevSpec *s, const char *key, uint64_t max,
                    uint64_t *out, Error **errp);

/* --- dumps (net-dump.c) ----------------------------------------------------- */

typedef struct NetDump NetDump;
void net_dump_frame(NetdevSet *set, const Netdev *n, const void *frame,
                    size_t len);
void net_dump_free(NetDump *d);

#endif
