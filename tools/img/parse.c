/*
 * A command line against the table of its command.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "img.h"

enum { LONG_BASE = 256, LONG_HELP = 1000, LONGS_MAX = 40, LETTERS_MAX = 80 };

int img_usage_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    error_report("%s", text);
    fprintf(stderr, "Try 'reprise-img --help' for more information\n");
    return EXIT_FAILURE;
}

/* What getopt_long() wants; a long option's value is its row. */
static void tables_fill(const ImgOption *rows, char *letters,
                        struct option *longs)
{
    size_t n = 0, l = 0;
    letters[l++] = ':'; /* tells a missing argument from a bad option */
    for (size_t i = 0; rows[i].help; i++) {
        g_assert(n < LONGS_MAX - 2 && l < LETTERS_MAX - 4);
        if (rows[i].letter) {
            letters[l++] = rows[i].letter;
            letters[l] = ':';
            l += rows[i].arg != NULL;
        }
        if (rows[i].name) {
            longs[n++] = (struct option) {
                rows[i].name, rows[i].arg ? required_argument : no_argument,
                NULL, LONG_BASE + i,
            };
        }
    }
    letters[l++] = 'h';
    letters[l] = '\0';
    longs[n++] = (struct option) { "help", no_argument, NULL, LONG_HELP };
    longs[n] = (struct option) { NULL, 0, NULL, 0 };
}

static const ImgOption *row_find(const ImgOption *rows, int opt)
{
    if (opt >= LONG_BASE) {
        return &rows[opt - LONG_BASE];
    }
    while (rows->help && rows->letter != opt) {
        rows++;
    }
    return rows->help ? rows : NULL;
}

static bool row_apply(ImgArgs *a, const ImgOption *row)
{
    void *field = (char *)a + row->field;
    ImgStep step = { .action = row->field, .source = optarg };
    switch (row->kind) {
    case IMG_FLAG:
        *(bool *)field = true;
        return true;
    case IMG_TEXT:
        *(const char **)field = optarg;
        return true;
    case IMG_LIST:
        g_ptr_array_add(*(GPtrArray **)field, optarg);
        return true;
    case IMG_STEP:
        g_array_append_val(a->steps, step);
        return true;
    case IMG_ACTION:
        if (a->action) {
            img_usage_error("Cannot mix '-l', '-a', '-c', '-d'");
            return false;
        }
        a->action = row->letter;
        a->tag = optarg;
        return true;
    }
    return false;
}

static bool output_valid(ImgArgs *a)
{
    if (!a->output || strcmp(a->output, "human") == 0) {
        return true;
    }
    a->json = strcmp(a->output, "json") == 0;
    if (!a->json) {
        img_usage_error("--output must be used with human or json as "
                        "argument.");
    }
    return a->json;
}

/* 0: go on; otherwise the program ends, with *status. */
static bool parse(const ImgCommand *c, ImgArgs *a, int argc, char **argv,
                  int *status)
{
    char letters[LETTERS_MAX];
    struct option longs[LONGS_MAX];
    int opt;
    tables_fill(c->options, letters, longs);
    *status = EXIT_FAILURE;
    while ((opt = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (opt == ':') {
            img_usage_error("missing argument for option '%s'",
                            argv[optind - 1]);
            return false;
        }
        if (opt == '?') {
            img_usage_error("unrecognized option '%s'", argv[optind - 1]);
            return false;
        }
        if (opt == LONG_HELP || opt == 'h') {
            img_help(c);
            *status = EXIT_SUCCESS;
            return false;
        }
        if (!row_apply(a, row_find(c->options, opt))) {
            return false;
        }
    }
    return output_valid(a) && img_modes_valid(a);
}

int img_run(const ImgCommand *c, int argc, char **argv)
{
    g_autoptr(GPtrArray) options = g_ptr_array_new();
    g_autoptr(GPtrArray) objects = g_ptr_array_new();
    g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(ImgStep));
    ImgArgs a = { .options = options, .objects = objects, .steps = steps };
    int status;
    /* `resize` ends in a size, which may look like an option: "-10M". */
    int end = argc - (strcmp(c->name, "resize") == 0 && argc > 1 &&
                      argv[argc - 1][0] == '-' &&
                      g_ascii_isdigit(argv[argc - 1][1]));
    opterr = 0;
    if (!parse(c, &a, end, argv, &status)) {
        return status;
    }
    a.names = argv + optind;
    a.count = argc - optind;
    return c->run(&a);
}
