/*
 * A folder of the host and the host's end of sockets for tests: what devices ask
 * is kept, and answers come when the test says so.
 */
#ifndef TESTS_FAKE_WORLD_H
#define TESTS_FAKE_WORLD_H

#include "io/share.h"
#include "io/vsock.h"
#include "vm/machine.h"

struct Share {
    ShareHead head;
    GPtrArray *requests;       /* GBytes: the messages */
    uint64_t number;           /* of the latest */
    size_t room;
    NondetPort *port;
    ShareWaits *waits;
    void *opaque;
    unsigned received, resumed;
};

struct Vsock {
    VsockHead head;
    GPtrArray *sent;           /* GBytes */
    NondetPort *port;
    VsockRoom *room;
    void *opaque;
    unsigned kicks, received, resets, resumed;
};

/* Known to the machine by id or path; freed by their functions, after it. */
Share *fake_share_new(Machine *m, const char *id);
void fake_share_free(Share *s);
/* Delivers an answer to request `number`. */
void fake_share_answer(Share *s, uint64_t number, const void *data,
                       size_t len);
Vsock *fake_vsock_new(Machine *m, const char *path);
void fake_vsock_free(Vsock *s);
/* Delivers a packet. */
void fake_vsock_deliver(Vsock *s, const void *packet, size_t len);

#endif
