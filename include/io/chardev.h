/*
 * A stream of bytes to and from the world: stdio, a file, a socket.
 *
 * Implemented by host/chardev-*.c, whose ops devices reach through
 * softmmu/world.c; used by serial ports (whose input goes
 * through a nondet port) and by the doors, monitor and gdbstub (whose input
 * does not reach the guest by itself). All calls are on the machine thread.
 */
#ifndef IO_CHARDEV_H
#define IO_CHARDEV_H

#include "base/error.h"
#include "base/types.h"

typedef enum ChardevEvent { CHARDEV_OPENED, CHARDEV_CLOSED } ChardevEvent;

/* How many bytes the device can take now; a pure function of its state. */
typedef size_t ChardevRoom(void *opaque);
/* Input for a door. */
typedef void ChardevInput(void *opaque, const uint8_t *data, size_t len);
/* A peer came or went. A chardev that is open already when the handler is
 * set reports OPENED from the main loop soon after. */
typedef void ChardevNotify(void *opaque, ChardevEvent event);

/* What a device asks of a stream: see the functions of the same names. */
typedef struct ChardevOps {
    void (*write)(Chardev *c, const void *data, size_t len);
    void (*bind_port)(Chardev *c, NondetPort *port, ChardevRoom *room,
                      void *opaque);
    void (*kick)(Chardev *c);
} ChardevOps;

/* Who implements streams begins struct Chardev with this. */
typedef struct ChardevHead {
    const ChardevOps *ops;
    char *id;
} ChardevHead;

/* The id given by -chardev id= or made up ("serial0"). */
const char *chardev_id(const Chardev *c);
/* True while someone can receive what is written. */
bool chardev_connected(const Chardev *c);

/* The name of the nth kind that there is; NULL behind the last. */
const char *chardev_backend_at(unsigned n);

/* What it leads to, as `info chardev` shows it ("unix:/tmp/m,server=on", with
 * the real port of a TCP server); freed by the caller. */
char *chardev_describe(const Chardev *c);

/* Sends bytes. Never blocks and never fails as far as the caller can see:
 * what cannot be sent now is buffered up to a bound, then dropped. */
void chardev_write(Chardev *c, const void *data, size_t len);
/* Tries to send all that is buffered before returning (used at exit). */
void chardev_drain(Chardev *c);

/* Connects a guest device: input is read from the host only while room()
 * says so, and is posted to the port. In replay nothing is read. */
void chardev_bind_port(Chardev *c, NondetPort *port, ChardevRoom *room,
                       void *opaque);
/* The device has made room: the host side may look again. Cheap. */
void chardev_kick(Chardev *c);

/* Connects a door. input and notify may be NULL to disconnect. */
void chardev_set_handlers(Chardev *c, ChardevInput *input,
                          ChardevNotify *notify, void *opaque);
/* A "ringbuf": takes what was written longest ago out of it; how many bytes. */
bool chardev_is_ringbuf(const Chardev *c);
size_t chardev_ringbuf_read(Chardev *c, uint8_t *data, size_t len);
/* The oldest descriptor that the peer of a unix socket has sent and nobody has
 * taken, which is the caller's from now on; -1: there is none. */
int chardev_take_fd(Chardev *c);
/* Hangs up the present peer of a socket; others keep going. */
void chardev_disconnect(Chardev *c);

#endif
