/*
 * reprise-img: makes, describes, checks and changes disk images. The commands,
 * options and outputs are those that users of qemu-img know.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "img.h"

enum {
    OPT_OUTPUT = 256,
    OPT_SHRINK,
    OPT_HELP,
};

static const struct {
    const char *name;
    int (*run)(const ImgArgs *a);
    const char *letters;   /* that getopt accepts */
    const char *usage;
} commands[] = {
    { "check", img_check, "f:r:q",
      "check [-q] [-f fmt] [--output=human|json] [-r leaks|all] filename" },
    { "compare", img_compare, "f:F:qsp",
      "compare [-f fmt] [-F fmt] [-q] [-s] filename1 filename2" },
    { "convert", img_convert, "f:O:o:B:cnpqt:T:S:m:W",
      "convert [-f fmt] [-O output_fmt] [-o options] [-B backing_file] "
      "[-n] filename output_filename" },
    { "create", img_create, "f:F:b:o:qu",
      "create [-q] [-f fmt] [-b backing_file [-F backing_fmt]] [-u] "
      "[-o options] filename [size]" },
    { "info", img_info, "f:U",
      "info [-f fmt] [--output=human|json] [-U] filename" },
    { "resize", img_resize, "f:q",
      "resize [-f fmt] [-q] [--shrink] filename [+|-]size" },
    { "snapshot", img_snapshot, "f:la:c:d:qU",
      "snapshot [-q] [-U] [-l | -a snapshot | -c snapshot | -d snapshot] "
      "filename" },
};

static void print_help(void)
{
    printf("reprise-img version " REPRISE_VERSION "\n"
           "usage: reprise-img [--help | --version] command "
           "[command options]\n\nCommands:\n");
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        printf("  %s\n", commands[i].usage);
    }
    printf("\n"
           "  fmt      raw or qcow2; without -f it is found out, and new "
           "images are raw\n"
           "  size     bytes, or with a suffix k, M, G, T, P or E\n"
           "  options  of a new qcow2 image, 'key=value' with commas between: "
           "size,\n"
           "           cluster_size, refcount_bits, compat, backing_file, "
           "backing_fmt,\n"
           "           lazy_refcounts=off, preallocation=off, "
           "extended_l2=off,\n"
           "           compression_type=zlib\n"
           "  -q       no messages but errors\n"
           "  -U       do not ask whether another process writes the image\n"
           "  -s       strict: sizes must be the same, too\n"
           "  -u       do not look at the backing file\n"
           "\n"
           "snapshot: -l lists (the default), -a goes to one, -c makes one, "
           "-d deletes one.\n"
           "check: exit status 0 good, 1 not checked, 2 corrupt, 3 leaks, "
           "63 raw.\n"
           "compare: exit status 0 same, 1 different, 2 and more not "
           "compared.\n");
}

static int usage_error(const char *fmt, const char *what)
{
    error_report(fmt, what);
    fprintf(stderr, "Try 'reprise-img --help' for more information\n");
    return EXIT_FAILURE;
}

static bool parse_output(ImgArgs *a, const char *text)
{
    a->json = strcmp(text, "json") == 0;
    return a->json || strcmp(text, "human") == 0;
}

/* One option; false if its argument is bad. */
static bool parse_option(ImgArgs *a, int opt)
{
    bool *const flags[128] = {
        ['q'] = &a->quiet, ['U'] = &a->share, ['s'] = &a->strict,
        ['p'] = &a->progress, ['u'] = &a->unsafe, ['n'] = &a->no_create,
    };
    const char **const texts[128] = {
        ['f'] = &a->format, ['F'] = &a->other_format,
        ['O'] = &a->other_format, ['b'] = &a->backing, ['B'] = &a->backing,
        ['r'] = &a->repair,
    };
    if (opt == OPT_OUTPUT) {
        return parse_output(a, optarg);
    }
    if (opt == OPT_SHRINK) {
        a->shrink = true;
    } else if (opt < 128 && texts[opt]) {
        *texts[opt] = optarg;
    } else if (opt < 128 && flags[opt]) {
        *flags[opt] = true;
    } else if (opt == 'o') {
        g_ptr_array_add(a->options, optarg);
    }
    /* The rest tune how QEMU copies, and mean nothing here. */
    return true;
}

/* `snapshot` and `convert` have letters of their own. */
static bool parse_special(ImgArgs *a, const char *command, int opt)
{
    if (strcmp(command, "snapshot") == 0 && opt && strchr("lacd", opt)) {
        if (a->action) {
            return false;
        }
        a->action = opt;
        a->tag = optarg;
    } else if (strcmp(command, "convert") == 0 && opt == 'c') {
        a->compress = true;
    }
    return true;
}

static int run_command(size_t i, int argc, char **argv)
{
    static const struct option longs[] = {
        { "output", required_argument, NULL, OPT_OUTPUT },
        { "shrink", no_argument, NULL, OPT_SHRINK },
        { "force-share", no_argument, NULL, 'U' },
        { "help", no_argument, NULL, OPT_HELP },
        { NULL, 0, NULL, 0 },
    };
    static char program[] = "reprise-img";
    g_autoptr(GPtrArray) options = g_ptr_array_new();
    g_autofree char *letters = g_strconcat(commands[i].letters, "h", NULL);
    ImgArgs a = { .options = options };
    int opt;
    argv[0] = program; /* for getopt's messages */
    /* `resize` ends in a size, which may look like an option: "-10M". */
    int end = argc - (strcmp(commands[i].name, "resize") == 0 && argc > 1 &&
                      argv[argc - 1][0] == '-' &&
                      g_ascii_isdigit(argv[argc - 1][1]));
    while ((opt = getopt_long(end, argv, letters, longs, NULL)) != -1) {
        if (opt == '?') {
            return usage_error("%s: bad option", commands[i].name);
        }
        if (opt == OPT_HELP || opt == 'h') {
            print_help();
            return EXIT_SUCCESS;
        }
        if (!parse_option(&a, opt)) {
            return usage_error("--output must be used with human or json as "
                               "argument, not '%s'", optarg);
        }
        if (!parse_special(&a, commands[i].name, opt)) {
            return usage_error("Cannot mix '-l', '-a', '-c', '-d'%s", "");
        }
    }
    a.names = argv + optind;
    a.count = argc - optind;
    return commands[i].run(&a);
}

int main(int argc, char **argv)
{
    error_set_program("reprise-img");
    if (argc < 2) {
        return usage_error("Not enough arguments%s", "");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help();
        return EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("reprise-img version " REPRISE_VERSION "\n");
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return run_command(i, argc - 1, argv + 1);
        }
    }
    return usage_error("Command not found: %s", argv[1]);
}

/* --- shared by the commands -------------------------------------------- */

int img_fail(Error *err, int status)
{
    error_report("%s", error_message(err));
    error_free(err);
    return status;
}

int img_fail_open(const char *file, Error *err, int status)
{
    error_prepend(&err, "Could not open '%s': ", file);
    return img_fail(err, status);
}

bool img_size_parse(const char *text, uint64_t *bytes)
{
    static const char suffixes[] = "BKMGTPE";
    char *end;
    if (!g_ascii_isdigit(*text)) {
        return false;
    }
    uint64_t whole = g_ascii_strtoull(text, &end, 10);
    double fraction = 0;
    if (*end == '.') {
        fraction = g_ascii_strtod(end, &end);
    }
    const char *suffix = *end ? strchr(suffixes, g_ascii_toupper(*end)) : NULL;
    uint64_t unit = UINT64_C(1) << (suffix ? 10 * (suffix - suffixes) : 0);
    if ((*end && (!suffix || end[1])) || whole > (uint64_t)INT64_MAX / unit ||
        (fraction != 0 && unit == 1)) {
        return false;
    }
    *bytes = whole * unit + (uint64_t)(fraction * unit);
    return true;
}

char *img_size_text(uint64_t bytes)
{
    static const char units[][4] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB",
                                     "EiB" };
    double v = bytes;
    unsigned i = 0;
    while (v >= 1000 && i + 1 < G_N_ELEMENTS(units)) {
        v /= 1024;
        i++;
    }
    return g_strdup_printf("%.3g %s", v, units[i]);
}

BlockDev *img_open(const char *file, const char *format, bool readonly)
{
    BlockOpenOptions opts = {
        .node = file, .file = file, .format = format, .readonly = readonly,
    };
    Error *err = NULL;
    BlockDev *b = blockdev_open(&opts, &err);
    if (!b) {
        img_fail_open(file, err, 0);
    }
    return b;
}
