/*
 * How the host's ends of socket devices come to be: what the roof asks of host/.
 *
 * Implemented by host/vsock.c. Devices do not include this; they are handed a
 * Vsock (io/vsock.h).
 */
#ifndef IO_VSOCK_OPEN_H
#define IO_VSOCK_OPEN_H

#include "io/vsock.h"

typedef struct VsockSet VsockSet;

/* In a replay nothing is opened. */
VsockSet *vsock_set_new(bool replay);
/* The machine's boundary, before any port is bound. */
void vsock_set_machine(VsockSet *set, Machine *m);
/* While muted, what devices send is dropped: it was sent before. */
void vsock_set_mute(VsockSet *set, bool muted);
void vsock_set_free(VsockSet *set);

/* Listens at a unix socket's path; NULL with an error that names it. Owned by the
 * set. */
Vsock *vsock_open(VsockSet *set, const char *path, Error **errp);
/* path -> Vsock *, of the set. */
GHashTable *vsock_set_table(VsockSet *set);

#endif
