/*
 * What a socket's bytes are wrapped in: Telnet commands or WebSocket frames.
 *
 * Implemented by framing-telnet.c and framing-websocket.c; used by
 * chardev-socket.c. A framing is made for each peer.
 */
#ifndef HOST_FRAMING_H
#define HOST_FRAMING_H

#include "base/types.h"

typedef struct Framing Framing;

typedef struct FramingOps {
    /* The first words of this side, appended to out. */
    void (*begin)(Framing *f, GByteArray *out);
    /* Takes len bytes of the peer's and leaves in their place what they carry,
     * which is not longer: its length, or -1 if the peer is to be hung up.
     * Answers are appended to out. */
    ssize_t (*decode)(Framing *f, uint8_t *data, size_t len, GByteArray *out);
    /* Appends data to out as the peer understands it. */
    void (*encode)(Framing *f, const uint8_t *data, size_t len,
                   GByteArray *out);
    void (*free)(Framing *f);
} FramingOps;

struct Framing {
    const FramingOps *ops;
    bool ready;                /* the peer may be spoken to */
};

Framing *framing_telnet_new(void);
/* The server's side. */
Framing *framing_websocket_new(void);

#endif
