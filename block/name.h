/*
 * What the name of an image says. Implemented by name.c; used by node.c, and
 * by qcow2.c for names that are written in images.
 */
#ifndef NAME_H
#define NAME_H

#include "base/error.h"
#include "base/types.h"

/* Strings are owned. */
typedef struct ImageName {
    char *file;            /* of the host; NULL: nothing was said */
    char *format;          /* or NULL */
    char *backing;         /* in place of the image's own; NULL: its own */
    bool no_backing;       /* none at all */
    char *data_file;       /* in place of the image's own */
    uint64_t offset;       /* raw: where the disk begins in the file */
    uint64_t size_bytes;   /* raw: its size, 0: to the end */
    bool share, readonly;
} ImageName;

/* Takes apart "FILE", "file:FILE", "json:{…}" or, with options,
 * "driver=…,file.filename=…". A protocol that is not there is an error that
 * names it. */
bool image_name_parse(const char *text, bool options, ImageName *name,
                      Error **errp);
void image_name_clear(ImageName *name);

#endif
