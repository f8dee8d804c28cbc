/*
 * The commands of reprise-img and what they share. Private to tools/img.
 */
#ifndef IMG_H
#define IMG_H

#include <jansson.h>
#include <stdio.h>

#include "base/error.h"
#include "io/image.h"

/* One step of `bitmap`, in the order of the command line. */
typedef struct ImgStep {
    ImageBitmapAction action;
    const char *source;        /* --merge */
} ImgStep;

/* What a command line said; not every command accepts everything. A field is
 * named by the option's row in the command's table (commands.c). */
typedef struct ImgArgs {
    const char *format;        /* -f */
    const char *other_format;  /* -O, compare -F */
    const char *backing;       /* -b, -B */
    const char *backing_format; /* -F */
    const char *repair, *output, *cache, *src_cache, *rate, *snapshot,
               *sparse, *coroutines, *preallocation, *start, *length, *size,
               *granularity, *count_text, *depth, *aio, *offset, *pattern,
               *buffer, *step, *flush_interval;
    GPtrArray *options;        /* -o, each "key=value,…" */
    GPtrArray *objects;        /* --object */
    GArray *steps;             /* bitmap: of ImgStep */
    char action;               /* snapshot: l, a, c or d */
    const char *tag;           /* its argument */
    bool quiet, share, strict, shrink, progress, compress, unsafe, no_create,
         image_opts, target_image_opts, target_zero, bitmaps, broken_bitmaps,
         salvage, out_of_order, copy_range, keep, chain, force, write,
         no_drain;
    bool json;                 /* --output=json */
    char **names;              /* what is no option */
    int count;
} ImgArgs;

typedef enum ImgOptionKind {
    IMG_FLAG, IMG_TEXT, IMG_LIST,
    IMG_ACTION,                /* snapshot: the letter, and its argument */
    IMG_STEP,                  /* bitmap: field is the ImageBitmapAction */
} ImgOptionKind;

typedef struct ImgOption {
    char letter;               /* 0: has none */
    const char *name;          /* long, or NULL */
    const char *arg;           /* what it takes, NULL: nothing */
    ImgOptionKind kind;
    size_t field;              /* offset in ImgArgs */
    const char *help;
} ImgOption;

typedef struct ImgCommand {
    const char *name;
    int (*run)(const ImgArgs *a); /* the exit status */
    const char *operands;      /* for usage */
    const char *summary;
    const ImgOption *options;  /* to the row without letter and name */
} ImgCommand;

/* --- commands.c --------------------------------------------------------- */

/* All, to the row without a name. */
extern const ImgCommand img_commands[];
/* Prints everything; or of one command. */
void img_help(const ImgCommand *only);
/* The tables as JSON, for what is made from them. */
void img_describe(void);

/* --- parse.c ------------------------------------------------------------ */

/* Runs a command; argv[0] is its name. */
int img_run(const ImgCommand *c, int argc, char **argv);
int img_usage_error(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/* --- common.c ----------------------------------------------------------- */

/* Reports and frees; returns status. */
int img_fail(Error *err, int status);
/* As img_fail(), naming the file. */
int img_fail_open(const char *file, Error *err, int status);
/* Bytes of "10", "64k", "1.5G"; false if it is none. */
bool img_size_parse(const char *text, uint64_t *bytes);
/* The same of an option's text, in a range; NULL stays what it was. False
 * after a report. */
bool img_number(const char *what, const char *text, uint64_t max,
                uint64_t *value);
/* "68.4 KiB"; free it. */
char *img_size_text(uint64_t bytes);
/* How the command opens its image; false after a report. */
ImageOpen img_open_how(const ImgArgs *a, const char *name, bool readonly);
/* NULL after a report. */
Image *img_open(const ImageOpen *how);
/* Closes an image that was written; the status, after a report. */
int img_close(Image *image, int status);
/* Prints and frees. */
void img_print_json(json_t *o);
/* One operand; false after a report. */
bool img_one_name(const ImgArgs *a);
/* --object, cache modes and rates: accepted or refused; false after a
 * report. */
bool img_modes_valid(const ImgArgs *a);
bool img_is_zero(const uint8_t *p, size_t bytes);
/* The first bytes of a buffer, at most `bytes` (blocks of 4 KiB), that are all
 * zero or all not. */
size_t img_run_length(const uint8_t *p, size_t bytes, bool *zero);

/* --- progress.c --------------------------------------------------------- */

/* How far a command is: as other tools print it with -p, otherwise a line on
 * a terminal when it takes longer. */
typedef struct ImgProgress ImgProgress;
ImgProgress *img_progress_new(const ImgArgs *a, uint64_t total_bytes);
void img_progress_at(ImgProgress *p, uint64_t bytes);
/* Frees; `done`: it is complete. */
void img_progress_end(ImgProgress *p, bool done);

/* --- options.c ---------------------------------------------------------- */

/* Applies -o options to c; false after an error. */
bool img_options_parse(const ImgArgs *a, ImageCreate *c, Error **errp);
/* "-o help": prints what a format has; true if that was asked for. */
bool img_options_help(const ImgArgs *a, const char *format);
/* "off", "metadata", …; false after an error. */
bool img_preallocation_parse(const char *text, ImagePreallocation *how,
                             Error **errp);

/* --- info-print.c ------------------------------------------------------- */

void img_print_snapshots(const GPtrArray *snapshots);
void img_info_human(const char *file, const ImageInfo *info);
json_t *img_info_json(const char *file, const ImageInfo *info);

/* --- copy.c ------------------------------------------------------------- */

/* What is copied between two disks. */
typedef struct ImgCopy {
    Image *from, *to;
    uint64_t from_offset, to_offset, bytes;
    unsigned below;            /* do not copy what only images of the chain
                                * from this depth on have; 0: copy all */
    bool zeroes;               /* what is not written is not zero: write it */
    bool compress, salvage;
    uint64_t sparse_bytes;     /* shorter runs of zeroes are copied; 0: all */
    ImgProgress *progress;
    uint64_t progress_at;      /* bytes of copies before this one */
} ImgCopy;
/* The exit status, after a report that names from_name or to_name. */
int img_copy(const ImgCopy *c, const char *from_name, const char *to_name);

/* --- the commands ------------------------------------------------------- */

int img_amend(const ImgArgs *a);
int img_bench(const ImgArgs *a);
int img_bitmap(const ImgArgs *a);
int img_check(const ImgArgs *a);
int img_commit(const ImgArgs *a);
int img_compare(const ImgArgs *a);
int img_convert(const ImgArgs *a);
int img_create(const ImgArgs *a);
int img_dd(const ImgArgs *a);
int img_info(const ImgArgs *a);
int img_map(const ImgArgs *a);
int img_measure(const ImgArgs *a);
int img_rebase(const ImgArgs *a);
int img_resize(const ImgArgs *a);
int img_snapshot(const ImgArgs *a);

#endif
