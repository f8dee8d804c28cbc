/*
 * How chardevs come to be: what the roof (and chardev-add) asks of host/.
 *
 * Implemented by host/chardev*.c. Devices and doors do not include this; they
 * are handed a Chardev (io/chardev.h).
 */
#ifndef IO_CHARDEV_OPEN_H
#define IO_CHARDEV_OPEN_H

#include "io/chardev.h"

/* What to open. Fields that a back end does not know are ignored; the command
 * line has refused them already. */
typedef struct ChardevSpec {
    const char *backend;   /* "null", "stdio", "file", "socket", … */
    char *path;            /* file, pipe, unix socket */
    char *input_path;      /* file: where input comes from */
    char *host, *port;     /* TCP, UDP */
    char *local_host, *local_port; /* UDP; NULL: any */
    uint64_t size_bytes;   /* ringbuf: 0: the default */
    char *logfile;         /* a copy of all output */
    int fd;                /* socket handed over by a parent; -1: none */
    unsigned reconnect_s;  /* client: try again after so many seconds; 0: no */
    bool server, wait, nodelay;
    bool telnet, websocket; /* what a socket's bytes are wrapped in */
    bool append, logappend;
    bool signal;           /* stdio: Ctrl-C and friends are signals */
    bool mux;              /* several front ends may share it */
} ChardevSpec;

/* All chardevs of the program. */
typedef struct ChardevSet ChardevSet;

/* quit is called when the user types Ctrl-A x on a shared terminal. */
ChardevSet *chardev_set_new(void (*quit)(void *opaque), void *opaque);
/* The machine whose boundary inputs cross; before any port is bound. */
void chardev_set_machine(ChardevSet *set, Machine *m);
/* What gets out of a shared terminal instead of Ctrl-A. */
void chardev_set_escape(ChardevSet *set, uint8_t escape);
/* While muted, what guest devices write is dropped: it was shown before. */
void chardev_set_mute(ChardevSet *set, bool muted);
/* Drains, closes and frees every chardev; restores the terminal. */
void chardev_set_free(ChardevSet *set);

/* Defaults of a spec (fd = -1, wait, signal, …). Strings are the spec's. */
void chardev_spec_init(ChardevSpec *spec);
void chardev_spec_clear(ChardevSpec *spec);

/* Opens a chardev; NULL with an error that names the id. Owned by the set. */
Chardev *chardev_open(ChardevSet *set, const char *id,
                      const ChardevSpec *spec, Error **errp);
/* id -> Chardev *, of the set. */
GHashTable *chardev_set_table(ChardevSet *set);

/* Takes a chardev for one user: itself the first time; of a mux, a new front
 * end each time. NULL with an error if it is in use or there is none. */
Chardev *chardev_claim(ChardevSet *set, const char *id, Error **errp);

/* Its user has let go of it. */
void chardev_release(Chardev *c);
/* Closes a chardev that nobody has claimed; false with an error. */
bool chardev_close(ChardevSet *set, const char *id, Error **errp);

#endif
