/*
 * What chardev back ends and the core know of each other. See io/chardev.h
 * for what users see and io/chardev-open.h for how one is opened.
 *
 * A back end opens descriptors and hands them to the core, which does all
 * reading, writing and buffering; it is told when the stream ended.
 */
#ifndef HOST_CHARDEV_IMPL_H
#define HOST_CHARDEV_IMPL_H

#include "io/chardev-open.h"
#include "vm/nondet.h"

typedef struct ChardevBackend {
    const char *name;
    /* Fills in c; false with an error. close() is called in both cases. */
    bool (*open)(Chardev *c, const ChardevSpec *spec, Error **errp);
    /* Releases `priv` and what the core does not know; may be NULL. */
    void (*close)(Chardev *c);
    char *(*describe)(const Chardev *c);
    /* The peer closed its end or a write failed; the descriptors are still
     * attached. NULL: input ends, output goes on if it can. */
    void (*ended)(Chardev *c);
    /* Instead of writing to out_fd; NULL: buffered by the core. */
    void (*write)(Chardev *c, const uint8_t *data, size_t len);
    /* Instead of read(): its result; NULL: read(). */
    ssize_t (*read)(Chardev *c, uint8_t *data, size_t len);
    int (*take_fd)(Chardev *c); /* chardev_take_fd(); NULL: never one */
    /* read() has something although the descriptor may not; NULL: never. */
    bool (*has_input)(const Chardev *c);
    /* A guest's port was bound (to a front end of a mux); may be NULL. */
    void (*bound)(Chardev *c);
    /* The user is not spoken to now: OPENED waits (a front end of a mux
     * without the focus). NULL: always. */
    bool (*aside)(const Chardev *c);
} ChardevBackend;

struct Chardev {
    ChardevHead head;
    const ChardevBackend *backend;
    ChardevSet *set;
    void *priv;                /* the back end's own */
    bool connected, terminal, claimed;

    int in_fd, out_fd;         /* -1: none; they may be equal */
    void *in_tag, *out_tag;    /* GSource's, while polled */
    unsigned in_events;        /* what in_tag is polled for */
    GSource *source;
    bool announce;             /* OPENED is owed to the handler */
    GByteArray *out;           /* not sent yet, from out_sent on */
    size_t out_sent;
    int log_fd;

    NondetPort *port;
    ChardevRoom *room;         /* NULL: takes anything */
    void *room_opaque;
    ChardevInput *input;
    ChardevNotify *notify;
    void *opaque;
};

struct ChardevSet {
    Machine *machine;
    GHashTable *table;         /* id -> Chardev, owned */
    GPtrArray *order;          /* Chardev, in order of creation */
    bool muted;                /* guest devices are not heard */
    uint8_t escape;            /* of shared terminals */
    void (*quit)(void *opaque);
    void *opaque;
};

/* ORDER chardev-backend (host/chardev-set.c) */
extern const ChardevBackend chardev_null, chardev_stdio, chardev_file,
    chardev_pipe, chardev_pty, chardev_socket, chardev_udp, chardev_ringbuf,
    chardev_mux_front;

/* For the set: a chardev without descriptors, and its end (output drained). */
Chardev *chardev_new(ChardevSet *set, const char *id,
                     const ChardevBackend *backend);
void chardev_free(Chardev *c);
/* A chardev of a back end, in the set under its id, without descriptors. */
Chardev *chardev_add(ChardevSet *set, const char *id,
                     const ChardevBackend *backend);

/* Gives the core descriptors to read and write (-1: none); they are closed by
 * chardev_detach(). The chardev is connected from now on. */
void chardev_attach(Chardev *c, int in_fd, int out_fd);
/* Closes them and forgets unsent output; the chardev is disconnected. */
void chardev_detach(Chardev *c);
/* Closes the input only (end of file). */
void chardev_end_input(Chardev *c);

/* True if input would be taken now, and how many bytes. */
size_t chardev_room(Chardev *c);
/* Hands over at most chardev_room() bytes. */
void chardev_receive(Chardev *c, const uint8_t *data, size_t len);
/* Tells the handler that the peer came or went. */
void chardev_event(Chardev *c, ChardevEvent event);

/* Sends bytes as they are, for a back end's write(). */
void chardev_buffer(Chardev *c, const uint8_t *data, size_t len);

/* --- mux (chardev-mux.c) */

/* Makes base a shared stream. */
void chardev_mux_init(Chardev *base);
bool chardev_is_mux(const Chardev *c);
/* Undoes chardev_mux_init(), when the front ends are gone. */
void chardev_mux_fini(Chardev *base);
/* A new front end of base, named "ID-muxN". */
Chardev *chardev_mux_front_new(Chardev *base);

/* --- descriptors */

/* Non-blocking and closed on exec. */
void fd_prepare(int fd);

#endif
