/*
 * The table of commands and options: what is parsed, printed by --help, and
 * made into the manual page and shell completion.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "img.h"

#define FLAG(l, n, f, h) \
    { l, n, NULL, IMG_FLAG, offsetof(ImgArgs, f), h }
#define TEXT(l, n, a, f, h) \
    { l, n, a, IMG_TEXT, offsetof(ImgArgs, f), h }
#define LIST(l, n, a, f, h) \
    { l, n, a, IMG_LIST, offsetof(ImgArgs, f), h }
#define ACTION(l, a, h) { l, NULL, a, IMG_ACTION, 0, h }
#define STEP(n, a, f, h) { 0, n, a, IMG_STEP, f, h }
#define END { 0, NULL, NULL, IMG_FLAG, 0, NULL }

/* Rows that several commands have. */
#define OBJECT LIST(0, "object", "OBJECT", objects, \
                    "refused: nothing here takes an object")
#define IMAGE_OPTS FLAG(0, "image-opts", image_opts, \
                        "image names are options, KEY=VALUE,...")
#define FORMAT TEXT('f', NULL, "FORMAT", format, \
                    "the image's format; otherwise found out")
#define SHARE FLAG('U', "force-share", share, \
                   "do not ask whether another process writes the image")
#define QUIET FLAG('q', NULL, quiet, "no messages but errors")
#define PROGRESS FLAG('p', NULL, progress, "show progress")
#define CACHE TEXT('t', NULL, "CACHE", cache, \
                   "none, writeback, writethrough, directsync or unsafe")
#define SRC_CACHE TEXT('T', NULL, "CACHE", src_cache, \
                       "the same for what is only read")
#define OUTPUT TEXT(0, "output", "human|json", output, "how it is printed")
#define RATE TEXT('r', NULL, "RATE", rate, \
                  "bytes a second at most")

static const ImgOption amend_options[] = {
    OBJECT, IMAGE_OPTS, PROGRESS, QUIET, FORMAT, CACHE,
    FLAG(0, "force", force, "accepted: nothing here is unsafe"),
    LIST('o', NULL, "OPTIONS", options,
         "what is changed; -o help lists what can be"),
    END,
};
static const ImgOption bench_options[] = {
    TEXT('c', NULL, "COUNT", count_text, "requests (75000)"),
    TEXT('d', NULL, "DEPTH", depth, "requests at once: one is as fast here"),
    FORMAT,
    TEXT(0, "flush-interval", "N", flush_interval,
         "flush after each N requests"),
    TEXT('i', NULL, "AIO", aio, "threads, native or io_uring: all the same"),
    FLAG('n', NULL, unsafe, "native AIO: changes nothing"),
    FLAG(0, "no-drain", no_drain, "flush without waiting: changes nothing"),
    TEXT('o', NULL, "OFFSET", offset, "where to begin (0)"),
    TEXT(0, "pattern", "BYTE", pattern, "what is written (0)"),
    QUIET,
    TEXT('s', NULL, "SIZE", buffer, "bytes of a request (4096)"),
    TEXT('S', NULL, "STEP", step, "from one request to the next (SIZE)"),
    CACHE, FLAG('w', NULL, write, "write instead of read"), SHARE, IMAGE_OPTS,
    OBJECT, END,
};
static const ImgOption bitmap_options[] = {
    STEP("add", NULL, BITMAP_ADD, "make a bitmap"),
    STEP("remove", NULL, BITMAP_REMOVE, "forget it"),
    STEP("clear", NULL, BITMAP_CLEAR, "make it empty"),
    STEP("enable", NULL, BITMAP_ENABLE, "note writes from now on"),
    STEP("disable", NULL, BITMAP_DISABLE, "note no more writes"),
    STEP("merge", "SOURCE", BITMAP_MERGE, "add what another one has"),
    TEXT('b', NULL, "FILE", backing, "the image that has SOURCE"),
    TEXT('F', NULL, "FORMAT", backing_format, "its format"),
    TEXT('g', NULL, "SIZE", granularity, "--add: bytes of a bit (64k)"),
    OBJECT, IMAGE_OPTS, FORMAT, END,
};
static const ImgOption check_options[] = {
    OBJECT, IMAGE_OPTS, QUIET, FORMAT, OUTPUT,
    TEXT('r', NULL, "leaks|all", repair, "repair what is found"),
    SRC_CACHE, SHARE, END,
};
static const ImgOption commit_options[] = {
    OBJECT, IMAGE_OPTS, QUIET, FORMAT, CACHE,
    TEXT('b', NULL, "BASE", backing,
         "an image further down the chain; implies -d"),
    RATE, FLAG('d', NULL, keep, "do not empty the image afterwards"),
    PROGRESS, END,
};
static const ImgOption compare_options[] = {
    OBJECT, IMAGE_OPTS, FORMAT,
    TEXT('F', NULL, "FORMAT", other_format, "the second image's format"),
    SRC_CACHE, PROGRESS, QUIET,
    FLAG('s', NULL, strict, "sizes and what is allocated must agree, too"),
    SHARE, END,
};
static const ImgOption convert_options[] = {
    OBJECT, IMAGE_OPTS,
    FLAG(0, "target-image-opts", target_image_opts,
         "the target's name is options; needs -n"),
    FLAG(0, "target-is-zero", target_zero,
         "the target reads as zeroes; needs -n"),
    FLAG(0, "bitmaps", bitmaps, "copy the bitmaps, too"),
    FLAG(0, "skip-broken-bitmaps", broken_bitmaps,
         "leave out those that are out of date"),
    SHARE, FLAG('C', NULL, copy_range, "let the host copy: changes nothing"),
    FLAG('c', NULL, compress, "compress"), PROGRESS, QUIET,
    FLAG('n', NULL, no_create, "the target exists"), FORMAT, CACHE, SRC_CACHE,
    TEXT('O', NULL, "FORMAT", other_format, "the target's format (raw)"),
    TEXT('B', "backing", "FILE", backing,
         "the target's backing file: what it has is not copied"),
    TEXT('F', NULL, "FORMAT", backing_format, "its format"),
    LIST('o', NULL, "OPTIONS", options,
         "of the target; -o help lists them"),
    TEXT('l', NULL, "SNAPSHOT", snapshot,
         "copy a snapshot: its name or id, or snapshot.id=,snapshot.name="),
    TEXT('S', NULL, "SIZE", sparse,
         "runs of zeroes of that length take no room (4k); 0: all is written"),
    RATE, TEXT('m', NULL, "N", coroutines, "1 to 16: changes nothing"),
    FLAG('W', NULL, out_of_order, "out of order: changes nothing"),
    FLAG(0, "salvage", salvage, "what cannot be read becomes zeroes"), END,
};
static const ImgOption create_options[] = {
    OBJECT, QUIET, FORMAT,
    TEXT('b', NULL, "FILE", backing, "the backing file"),
    TEXT('F', NULL, "FORMAT", backing_format, "its format"),
    FLAG('u', NULL, unsafe, "do not look at the backing file"),
    LIST('o', NULL, "OPTIONS", options, "-o help lists them"), END,
};
static const ImgOption dd_options[] = {
    IMAGE_OPTS, SHARE, FORMAT, OBJECT,
    TEXT('O', NULL, "FORMAT", other_format, "the target's format (raw)"),
    END,
};
static const ImgOption info_options[] = {
    OBJECT, IMAGE_OPTS, FORMAT, OUTPUT,
    FLAG(0, "backing-chain", chain, "of all images of the chain"), SHARE, END,
};
static const ImgOption map_options[] = {
    OBJECT, IMAGE_OPTS, FORMAT,
    TEXT('s', "start-offset", "OFFSET", start, "begin there"),
    TEXT('l', "max-length", "LENGTH", length, "look at no more"),
    OUTPUT, SHARE, END,
};
static const ImgOption measure_options[] = {
    OUTPUT, TEXT('O', NULL, "FORMAT", other_format, "the format (raw)"),
    LIST('o', NULL, "OPTIONS", options, "of the new image"),
    TEXT(0, "size", "SIZE", size, "of a disk that is all data"),
    OBJECT, IMAGE_OPTS, FORMAT,
    TEXT('l', NULL, "SNAPSHOT", snapshot, "measure a snapshot"), SHARE, END,
};
static const ImgOption rebase_options[] = {
    OBJECT, IMAGE_OPTS, SHARE, QUIET, FORMAT, CACHE, SRC_CACHE, PROGRESS,
    FLAG('u', NULL, unsafe, "only write the new name"),
    TEXT('b', NULL, "FILE", backing, "the new backing file; \"\": none"),
    TEXT('F', NULL, "FORMAT", backing_format, "its format"), END,
};
static const ImgOption resize_options[] = {
    OBJECT, IMAGE_OPTS, FORMAT,
    TEXT(0, "preallocation", "MODE", preallocation,
         "of what is new: off, metadata, falloc or full"),
    QUIET, FLAG(0, "shrink", shrink, "it may become smaller"), END,
};
static const ImgOption snapshot_options[] = {
    OBJECT, IMAGE_OPTS, SHARE, QUIET, FORMAT,
    ACTION('l', NULL, "list them (the default)"),
    ACTION('a', "NAME", "go to one"), ACTION('c', "NAME", "take one"),
    ACTION('d', "NAME", "delete one"), END,
};

const ImgCommand img_commands[] = {
    { "amend", img_amend, "FILE", "changes the format's options",
      amend_options },
    { "bench", img_bench, "FILE", "times many equal requests",
      bench_options },
    { "bitmap", img_bitmap, "FILE BITMAP",
      "makes, changes and forgets bitmaps of what was written",
      bitmap_options },
    { "check", img_check, "FILE", "looks for damage, and repairs",
      check_options },
    { "commit", img_commit, "FILE", "writes an image into its backing file",
      commit_options },
    { "compare", img_compare, "FILE1 FILE2", "compares the content of disks",
      compare_options },
    { "convert", img_convert, "FILE [FILE2...] TARGET",
      "copies disks into a new image", convert_options },
    { "create", img_create, "FILE [SIZE]", "makes an image",
      create_options },
    { "dd", img_dd, "[bs=N] [count=N] [skip=N] if=FILE of=FILE",
      "copies a part of a disk", dd_options },
    { "info", img_info, "FILE", "describes an image", info_options },
    { "map", img_map, "FILE", "lists where the data are", map_options },
    { "measure", img_measure, "[FILE]", "says how large a copy would be",
      measure_options },
    { "rebase", img_rebase, "FILE", "changes the backing file",
      rebase_options },
    { "resize", img_resize, "FILE [+|-]SIZE", "changes the size of the disk",
      resize_options },
    { "snapshot", img_snapshot, "FILE",
      "lists, takes, goes to and deletes snapshots", snapshot_options },
    { NULL, NULL, NULL, NULL, NULL },
};

/* --- printed ------------------------------------------------------------ */

static void print_usage(const ImgCommand *c)
{
    printf("  %s", c->name);
    for (const ImgOption *o = c->options; o->help; o++) {
        printf(" [%s%c%s%s%s]", o->letter ? "-" : "--",
               o->letter ? o->letter : o->name[0],
               o->letter ? "" : o->name + 1,
               o->arg ? (o->letter ? " " : "=") : "", o->arg ? o->arg : "");
    }
    printf(" %s\n      %s\n", c->operands, c->summary);
}

static void print_options(const ImgCommand *c)
{
    for (const ImgOption *o = c->options; o->help; o++) {
        g_autofree char *letter = o->letter ?
            g_strdup_printf("-%c%s%s", o->letter, o->arg ? " " : "",
                            o->arg ? o->arg : "") : NULL;
        g_autofree char *name = o->name ?
            g_strdup_printf("--%s%s%s", o->name, o->arg ? "=" : "",
                            o->arg ? o->arg : "") : NULL;
        g_autofree char *both = g_strconcat(letter ? letter : "",
                                            letter && name ? ", " : "",
                                            name ? name : "", NULL);
        printf("      %-24s %s\n", both, o->help);
    }
}

void img_help(const ImgCommand *only)
{
    printf("reprise-img version " REPRISE_VERSION "\n"
           "usage: reprise-img [--help | --version] COMMAND "
           "[OPTION...] ...\n\nCommands:\n");
    for (const ImgCommand *c = img_commands; c->name; c++) {
        print_usage(c);
        if (c == only) {
            print_options(c);
        }
    }
    printf("\n"
           "  'reprise-img COMMAND --help' lists that command's options.\n"
           "  FORMAT is raw or qcow2, or to be read only vmdk or vdi.\n"
           "  Supported formats: qcow2 raw vdi vmdk\n"
           "  SIZE is bytes, or has a suffix k, M, G, T, P or E.\n"
           "  FILE may also be json:{...} with a driver and a file.\n"
           "\n"
           "Exit status: 0 good, 1 failed. check: 1 not checked, 2 corrupt, "
           "3 leaks,\n63 a format without checks. compare: 1 different, 2 "
           "and more not compared.\n");
}

static json_t *option_json(const ImgOption *o)
{
    json_t *j = json_pack("{s:s}", "help", o->help);
    if (o->letter) {
        json_object_set_new(j, "letter", json_stringn(&o->letter, 1));
    }
    if (o->name) {
        json_object_set_new(j, "name", json_string(o->name));
    }
    if (o->arg) {
        json_object_set_new(j, "arg", json_string(o->arg));
    }
    return j;
}

void img_describe(void)
{
    json_t *commands = json_array();
    for (const ImgCommand *c = img_commands; c->name; c++) {
        json_t *options = json_array();
        for (const ImgOption *o = c->options; o->help; o++) {
            json_array_append_new(options, option_json(o));
        }
        json_array_append_new(commands, json_pack(
            "{s:s, s:s, s:s, s:o}", "name", c->name, "operands", c->operands,
            "summary", c->summary, "options", options));
    }
    img_print_json(json_pack("{s:s, s:s, s:o}", "program", "reprise-img",
                             "summary", "disk images made, described, checked "
                             "and changed", "commands", commands));
}
