/*
 * The commands of reprise-img and what they share. Private to tools/.
 */
#ifndef IMG_H
#define IMG_H

#include <stdio.h>

#include "base/error.h"
#include "io/image.h"

/* What a command line said; not every command accepts everything. */
typedef struct ImgArgs {
    const char *format;        /* -f */
    const char *other_format;  /* -O, -F */
    const char *backing;       /* -b */
    const char *repair;        /* -r */
    GPtrArray *options;        /* -o, each "key=value" */
    char action;               /* snapshot: l, a, c or d */
    const char *tag;           /* its argument */
    bool json, quiet, share, strict, shrink, progress, compress, unsafe;
    bool no_create;            /* convert -n */
    char **names;              /* what is no option */
    int count;
} ImgArgs;

/* Each returns the exit status. */
int img_check(const ImgArgs *a);
int img_compare(const ImgArgs *a);
int img_convert(const ImgArgs *a);
int img_create(const ImgArgs *a);
int img_info(const ImgArgs *a);
int img_resize(const ImgArgs *a);
int img_snapshot(const ImgArgs *a);

/* Reports and frees; returns status. */
int img_fail(Error *err, int status);
/* As img_fail(), naming the file. */
int img_fail_open(const char *file, Error *err, int status);
/* Bytes of "10", "64k", "1.5G"; false if it is none. */
bool img_size_parse(const char *text, uint64_t *bytes);
/* "68.4 KiB"; free it. */
char *img_size_text(uint64_t bytes);
/* The disk of an image; NULL after a report. */
BlockDev *img_open(const char *file, const char *format, bool readonly);
/* Applies -o options to c; false after an error. */
bool img_options_parse(const ImgArgs *a, ImageCreate *c, Error **errp);

#endif
