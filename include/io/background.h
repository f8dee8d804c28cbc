/*
 * Work on a copy of the process: the copy has the machine's memory as it is
 * now, and writes it out while the machine goes on.
 *
 * Implemented by host/background.c with fork(); used by dump-guest-memory.
 */
#ifndef IO_BACKGROUND_H
#define IO_BACKGROUND_H

#include "base/error.h"
#include "base/types.h"

typedef struct Background Background;

typedef struct BackgroundWork {
    /* In the copy, which ends with it: false with an error. It may use memory
     * and keep_fd, and nothing else. */
    bool (*work)(void *opaque, Background *b, Error **errp);
    /* In the process, from the main loop, once; error NULL: all went well. The
     * Background is freed after it. */
    void (*done)(void *opaque, const char *error);
    void *opaque;
    int keep_fd;           /* the only file that stays open in the copy */
} BackgroundWork;

/* Starts the copy; NULL with an error. */
Background *background_start(const BackgroundWork *work, Error **errp);
/* In the copy: says how far it is. */
void background_tell(Background *b, uint64_t completed);
/* In the process: what was said last. */
uint64_t background_completed(const Background *b);
/* Ends the copy without calling done(). */
void background_cancel(Background *b);

#endif
