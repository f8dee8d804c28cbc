/*
 * What the parts of reprise-io share. Private to tools/io.
 */
#ifndef IO_H
#define IO_H

#include <stdio.h>

#include "base/error.h"
#include "io/image.h"

/* How an image is open; `image` NULL: none is. */
typedef struct IoSession {
    Image *image;
    char *name, *format;
    bool options, readonly, share, misalign;
    bool done;             /* `quit` was said */
} IoSession;

typedef struct IoCommand {
    const char *name, *alias;
    /* argv[0] is the name; 0 or -1, after a report. */
    int (*run)(IoSession *s, int argc, char **argv);
    int least, most;       /* arguments; most -1: any number */
    bool closed;           /* works without an image */
    const char *args, *what;
} IoCommand;

/* --- commands.c --------------------------------------------------------- */

extern const IoCommand io_commands[];
const IoCommand *io_command_find(const char *name);
/* Runs a line; 0 or -1. */
int io_line(IoSession *s, const char *line);
int io_help(IoSession *s, int argc, char **argv);
void io_usage(const IoCommand *c);
void io_describe(void);

/* --- transfer.c --------------------------------------------------------- */

int io_read(IoSession *s, int argc, char **argv);
int io_readv(IoSession *s, int argc, char **argv);
int io_write(IoSession *s, int argc, char **argv);
int io_writev(IoSession *s, int argc, char **argv);
int io_discard(IoSession *s, int argc, char **argv);
int io_aio_read(IoSession *s, int argc, char **argv);
int io_aio_write(IoSession *s, int argc, char **argv);

/* --- session.c ---------------------------------------------------------- */

int io_open(IoSession *s, int argc, char **argv);
int io_close(IoSession *s, int argc, char **argv);
int io_reopen(IoSession *s, int argc, char **argv);
int io_length(IoSession *s, int argc, char **argv);
int io_truncate(IoSession *s, int argc, char **argv);
int io_map(IoSession *s, int argc, char **argv);
int io_alloc(IoSession *s, int argc, char **argv);
int io_info(IoSession *s, int argc, char **argv);
int io_flush(IoSession *s, int argc, char **argv);
/* Opens as the session says; -1 after a report. */
int io_session_open(IoSession *s);
void io_session_close(IoSession *s);

/* --- text.c ------------------------------------------------------------- */

/* "1.500 KiB", "512 bytes"; free it. */
char *io_size_text(double bytes);
/* Bytes of "64k"; false after a report. */
bool io_number(const char *text, uint64_t *value);
/* A byte to fill with; false after a report. */
bool io_pattern(const char *text, int *value);
void io_dump(const uint8_t *p, size_t bytes, uint64_t offset);

typedef struct IoReport {
    const char *verb;      /* "read", "wrote" */
    uint64_t offset, bytes, wanted;
    int64_t begun_us;
    bool quiet, terse;
} IoReport;
void io_report(const IoReport *r);

#endif
