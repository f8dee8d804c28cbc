/*
 * reprise-io: reads and writes of a disk image, one by one, for tests and for
 * whoever wants to see what an image does. Commands, options and outputs are
 * those that users of qemu-io know.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "tool-version.h"

static void print_help(void)
{
    printf("Usage: reprise-io [OPTIONS]... [-c STRING]... [file]\n"
           "Reads and writes of disk images\n\n"
           "  --image-opts         treat file as option string\n"
           "  -c, --cmd STRING     execute command with its arguments\n"
           "                       from the given string\n"
           "  -f, --format FMT     specifies the block driver to use\n"
           "  -r, --read-only      open for reading only\n"
           "  -t, --cache=MODE, -n, -k, -i, -d, -m, -C\n"
           "                       accepted, and change nothing\n"
           "  -U, --force-share    do not ask who else has the image open\n"
           "  -h, --help           display this help and exit\n"
           "  -V, --version        output version information and exit\n\n"
           "See 'reprise-io -c help' for information on available "
           "commands.\n");
}

enum { LONG_IMAGE_OPTS = 256, LONG_OBJECT, LONG_DESCRIBE };

static const struct option longs[] = {
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },
    { "cmd", required_argument, NULL, 'c' },
    { "format", required_argument, NULL, 'f' },
    { "read-only", no_argument, NULL, 'r' },
    { "snapshot", no_argument, NULL, 's' },
    { "nocache", no_argument, NULL, 'n' },
    { "copy-on-read", no_argument, NULL, 'C' },
    { "misalign", no_argument, NULL, 'm' },
    { "native-aio", no_argument, NULL, 'k' },
    { "aio", required_argument, NULL, 'i' },
    { "discard", required_argument, NULL, 'd' },
    { "cache", required_argument, NULL, 't' },
    { "trace", required_argument, NULL, 'T' },
    { "force-share", no_argument, NULL, 'U' },
    { "image-opts", no_argument, NULL, LONG_IMAGE_OPTS },
    { "object", required_argument, NULL, LONG_OBJECT },
    { "describe", no_argument, NULL, LONG_DESCRIBE },
    { NULL, 0, NULL, 0 },
};

/* One option; -1: go on, otherwise the exit status. */
static int option_apply(IoSession *s, GPtrArray *commands, int opt)
{
    switch (opt) {
    case 'h':
        print_help();
        return EXIT_SUCCESS;
    case 'V':
        printf("reprise-io version %s\n", tool_version());
        return EXIT_SUCCESS;
    case LONG_DESCRIBE:
        io_describe();
        return EXIT_SUCCESS;
    case 'c':
        g_ptr_array_add(commands, optarg);
        return -1;
    case 'f':
        s->format = g_strdup(optarg);
        return -1;
    case 's':
    case LONG_OBJECT:
        error_report("%s is not supported", opt == 's' ?
                     "-s: temporary images are the emulator's (snapshot=on); "
                     "it" : "--object: nothing here takes an object; it");
        return EXIT_FAILURE;
    case '?':
        fprintf(stderr, "Try 'reprise-io --help' for more information.\n");
        return EXIT_FAILURE;
    }
    s->readonly |= opt == 'r';
    s->share |= opt == 'U';
    s->options |= opt == LONG_IMAGE_OPTS;
    return -1;
}

/* Lines from standard input. Scripts look for the prompt that they know, and
 * take it away. */
static void interact(IoSession *s, bool *failed)
{
    char *line = NULL;
    size_t room = 0;
    const char *prompt = isatty(STDIN_FILENO) ? "reprise-io> " : "qemu-io> ";
    while (!s->done) {
        printf("%s", prompt);
        fflush(stdout);
        if (getline(&line, &room, stdin) < 0) {
            printf("\n");
            break;
        }
        *failed |= io_line(s, line) < 0;
    }
    free(line);
}

static int run(IoSession *s, const GPtrArray *commands)
{
    bool failed = s->name && io_session_open(s) < 0;
    if (failed) {
        return EXIT_FAILURE;
    }
    for (guint i = 0; i < commands->len && !s->done; i++) {
        failed |= io_line(s, g_ptr_array_index(commands, i)) < 0;
    }
    if (commands->len == 0) {
        interact(s, &failed);
        failed = false;
    }
    io_session_close(s);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) commands = g_ptr_array_new();
    IoSession s = { 0 };
    int opt, status = -1;
    error_set_program("reprise-io");
    while (status < 0 && (opt = getopt_long(argc, argv, "hVc:d:f:rsnCmki:t:T:U",
                                            longs, NULL)) != -1) {
        status = option_apply(&s, commands, opt);
    }
    if (status < 0 && argc - optind > 1) {
        error_report("Too many arguments");
        status = EXIT_FAILURE;
    }
    if (status < 0) {
        s.name = g_strdup(argv[optind]);
        status = run(&s, commands);
    }
    g_free(s.name);
    g_free(s.format);
    return status;
}
