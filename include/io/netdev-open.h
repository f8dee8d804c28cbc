/*
 * How networks come to be: what the roof asks of host/.
 *
 * Implemented by host/net*.c. Devices do not include this; they are handed a
 * Netdev (io/netdev.h).
 */
#ifndef IO_NETDEV_OPEN_H
#define IO_NETDEV_OPEN_H

#include "io/netdev.h"

/* All networks of the program. */
typedef struct NetdevSet NetdevSet;

/* What to open: the back end's name, and keys with values, in their order; some
 * may come more than once. */
typedef struct NetdevSpec {
    const char *backend;   /* "user", "tap", "socket", … */
    const char *id;
    const GPtrArray *keys, *values; /* char * */
} NetdevSpec;

/* In a replay nothing is opened: every network is silent. */
NetdevSet *netdev_set_new(bool replay);
/* The machine's boundary and virtual time, before any port is bound. */
void netdev_set_machine(NetdevSet *set, Machine *m, Clock *clock);
/* While muted, what guest devices send is dropped: it was sent before. */
void netdev_set_mute(NetdevSet *set, bool muted);
void netdev_set_free(NetdevSet *set);

/* The keys of a back end, separated by spaces; NULL: there is no such one. */
const char *netdev_backend_keys(const char *backend);
/* The list for -netdev help, a line each. */
void netdev_backend_help(GString *out);

/* Opens a network; NULL with an error that names the id. Owned by the set. */
Netdev *netdev_open(NetdevSet *set, const NetdevSpec *spec, Error **errp);
/* id -> Netdev *, of the set. */
GHashTable *netdev_set_table(NetdevSet *set);
/* -object filter-dump: all frames of a network into a file, in libpcap's
 * format, each with its virtual time; no more than maxlen bytes of each. */
bool netdev_dump(NetdevSet *set, const char *netdev, const char *file,
                 uint32_t maxlen, Error **errp);

/* `info usernet` */
void netdev_set_usernet(NetdevSet *set, GString *out);
/* The networks that no adapter is connected to, for `info network`. */
void netdev_set_print_rest(NetdevSet *set, GString *out);

#endif
