/*
 * reprise-replay: describes, prints, checks and packs recordings (rrfile)
 * without running them.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "replay-tool.h"
#include "tool-version.h"

enum {
    OPT_OUTPUT = 256,
    OPT_JSON,
    OPT_FROM,
    OPT_TO,
    OPT_FORCE,
    OPT_ALSO,
    OPT_YES,
    OPT_MAX_SIZE,
};

/* What a pack's files may have together, unless the user allows more. */
#define MAX_SIZE_DEFAULT (1024 * GIB)

static const struct {
    const char *name;
    int (*run)(const ToolArgs *a);
    const char *options;   /* that it accepts; see option_letter() */
    const char *usage;
} commands[] = {
    { "info", tool_info, "J", "info [--output=human|json] FILE" },
    { "dump", tool_dump, "T", "dump [--from ICOUNT] [--to ICOUNT] FILE" },
    { "verify", tool_verify, "q", "verify [-q] FILE" },
    { "stats", tool_stats, "J", "stats [--output=human|json] FILE" },
    { "events", tool_events, "TJ",
      "events [--json] [--from ICOUNT] [--to ICOUNT] FILE" },
    { "trace", tool_trace, "Toqf",
      "trace [-q] [--force] [--from ICOUNT] [--to ICOUNT] [-o OUT.json] "
      "FILE" },
    { "pack", tool_pack, "oqfay",
      "pack [-q] [--force] [--yes] [--also FOLDER]... -o OUT.rrpack FILE" },
    { "unpack", tool_unpack, "Cqfm",
      "unpack [-q] [--force] [--max-size GIB] [-C FOLDER] PACK.rrpack" },
};

static const struct option longs[] = {
    { "output", required_argument, NULL, OPT_OUTPUT },
    { "json", no_argument, NULL, OPT_JSON },
    { "from", required_argument, NULL, OPT_FROM },
    { "to", required_argument, NULL, OPT_TO },
    { "force", no_argument, NULL, OPT_FORCE },
    { "also", required_argument, NULL, OPT_ALSO },
    { "yes", no_argument, NULL, OPT_YES },
    { "max-size", required_argument, NULL, OPT_MAX_SIZE },
    { "quiet", no_argument, NULL, 'q' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void print_help(void)
{
    printf("reprise-replay version " REPRISE_VERSION "\n"
           "usage: reprise-replay [--help | --version] command "
           "[command options]\n\nCommands:\n");
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        printf("  %s\n", commands[i].usage);
    }
    printf("\n"
           "  FILE     a recording (-icount rr=record,rrfile=FILE)\n"
           "  info     what it is of, how it was made, where it ends\n"
           "  dump     its chunks and events as text, a line each\n"
           "  verify   checks all that can be checked without running it\n"
           "  stats    where its bytes and events come from\n"
           "  events   what came from outside, snapshots and digests, a line "
           "each\n"
           "  trace    the same for Perfetto and Chrome's about:tracing\n"
           "  pack     it and all files that a replay needs, in one file\n"
           "  unpack   writes those into a folder, with a script 'replay'\n"
           "  --json   the same as --output=json\n"
           "  --force  overwrite files\n"
           "  --also   files in that folder may be packed, too; without it "
           "only those\n"
           "           in the folder of FILE, and the usual firmware\n"
           "  --yes    pack them without asking\n"
           "  --max-size  GiB that the files of a pack may have together; "
           "1024\n"
           "  -q       no messages but errors\n"
           "\n"
           "Exit status: 0 good, 1 damaged or failed; verify: 2 good, but "
           "cut off.\n");
}

static int usage_error(const char *fmt, const char *what)
{
    error_report(fmt, what);
    fprintf(stderr, "Try 'reprise-replay --help' for more information\n");
    return STATUS_BAD;
}

static bool parse_icount(const char *text, Icount *icount)
{
    char *end;
    *icount = g_ascii_strtoull(text, &end, 10);
    return g_ascii_isdigit(*text) && !*end;
}

static bool parse_gib(const char *text, uint64_t *bytes)
{
    Icount gib;
    bool ok = parse_icount(text, &gib) && gib < UINT64_MAX / GIB;
    *bytes = ok ? gib * GIB : 0;
    return ok;
}

/* One option; false if its argument is bad. */
static bool parse_option(ToolArgs *a, int opt)
{
    switch (opt) {
    case OPT_OUTPUT:
        a->json = strcmp(optarg, "json") == 0;
        return a->json || strcmp(optarg, "human") == 0;
    case OPT_JSON:
        a->json = true;
        return true;
    case OPT_FROM:
        return parse_icount(optarg, &a->from);
    case OPT_TO:
        return parse_icount(optarg, &a->to);
    case OPT_FORCE:
        a->force = true;
        return true;
    case OPT_ALSO:
        if (!a->also) {
            a->also = g_ptr_array_new_with_free_func(g_free);
        }
        g_ptr_array_add(a->also, g_strdup(optarg));
        return *optarg;
    case OPT_YES:
        a->yes = true;
        return true;
    case OPT_MAX_SIZE:
        return parse_gib(optarg, &a->max_bytes);
    case 'q':
        a->quiet = true;
        return true;
    case 'o':
        a->out = optarg;
        return true;
    default:
        a->folder = optarg;
        return true;
    }
}

/* The letter by which the table of commands names an option. */
static char option_letter(int opt)
{
    switch (opt) {
    case OPT_OUTPUT:
    case OPT_JSON:
        return 'J';
    case OPT_FROM:
    case OPT_TO:
        return 'T';
    case OPT_FORCE:
        return 'f';
    case OPT_ALSO:
        return 'a';
    case OPT_YES:
        return 'y';
    case OPT_MAX_SIZE:
        return 'm';
    default:
        return opt;
    }
}

static int run_command(size_t i, int argc, char **argv)
{
    static char program[] = "reprise-replay";
    ToolArgs a = { .to = ICOUNT_NONE, .folder = ".",
                   .max_bytes = MAX_SIZE_DEFAULT };
    int opt;
    argv[0] = program; /* for getopt's messages */
    while ((opt = getopt_long(argc, argv, "qho:C:", longs, NULL)) != -1) {
        if (opt == 'h') {
            print_help();
            return STATUS_GOOD;
        }
        if (opt == '?' || !strchr(commands[i].options, option_letter(opt))) {
            return usage_error("%s: bad option", commands[i].name);
        }
        if (!parse_option(&a, opt)) {
            return usage_error("'%s' is not a good value", optarg);
        }
    }
    if (argc - optind != 1) {
        return usage_error("%s: expecting one file name", commands[i].name);
    }
    a.file = argv[optind];
    int status = commands[i].run(&a);
    if (a.also) {
        g_ptr_array_free(a.also, TRUE);
    }
    return status;
}

int main(int argc, char **argv)
{
    error_set_program("reprise-replay");
    if (argc < 2) {
        return usage_error("Not enough arguments%s", "");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help();
        return STATUS_GOOD;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("reprise-replay version %s\n", tool_version());
        return STATUS_GOOD;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            int status = run_command(i, argc - 1, argv + 1);
            if (fflush(stdout) != 0 || ferror(stdout)) {
                error_report("Could not write standard output");
                return STATUS_BAD;
            }
            return status;
        }
    }
    return usage_error("Command not found: %s", argv[1]);
}
