/*
 * A file that a door writes (memsave, dump-guest-memory, screendump): opened,
 * written, and asked once at the end whether all of it went well.
 *
 * Implemented by host/outfile.c; called by monitor/.
 */
#ifndef IO_OUTFILE_H
#define IO_OUTFILE_H

#include "base/error.h"
#include "base/types.h"

typedef struct OutFile {
    const char *path;      /* borrowed */
    int fd;
    int error;             /* the first errno; what follows is not written */
} OutFile;

/* Makes a file that only its owner may read, or empties it. False with an
 * error. */
bool outfile_open(OutFile *f, const char *path, Error **errp);
void outfile_write(OutFile *f, const void *data, size_t bytes);
/* False with an error if not everything was written. */
bool outfile_close(OutFile *f, Error **errp);

#endif
