/*
 * Reads and writes of reprise-io. There is one kind of each: a request is over
 * when its function returns, so that the asynchronous commands are the others
 * by another name, and what they say is said at once.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "io.h"

#define REQUEST_MAX INT32_MAX

typedef struct Transfer {
    IoReport report;
    bool vm_state, compress, fua, unmap, zero, no_fallback, dump;
    int pattern;           /* -1: none */
    const char *source;    /* -s of write */
    const char *verify_offset, *verify_bytes; /* -s and -l of read */
    bool list;             /* several lengths: readv */
    uint8_t *buf;
} Transfer;

static void apply(Transfer *t, int opt, bool reads)
{
    bool *const flags[128] = {
        ['b'] = &t->vm_state, ['c'] = &t->compress, ['f'] = &t->fua,
        ['u'] = &t->unmap, ['z'] = &t->zero, ['n'] = &t->no_fallback,
        ['v'] = &t->dump, ['q'] = &t->report.quiet, ['C'] = &t->report.terse,
    };
    if (opt == 's') {
        *(reads ? &t->verify_offset : &t->source) = optarg;
    } else if (opt == 'l') {
        t->verify_bytes = optarg;
    } else if (flags[opt]) {
        *flags[opt] = true;
    }
    /* -p and -i tell where a request is counted: not here. */
}

/* Options, then an offset and lengths; false after a report. */
static bool parse(Transfer *t, int argc, char **argv, const char *letters,
                  bool reads)
{
    int opt;
    *t = (Transfer) { .pattern = -1 };
    optind = 0;
    while ((opt = getopt(argc, argv, letters)) != -1) {
        if (opt == '?') {
            io_usage(io_command_find(argv[0]));
            return false;
        }
        if (opt == 'P') {
            if (!io_pattern(optarg, &t->pattern)) {
                return false;
            }
            continue;
        }
        apply(t, opt, reads);
    }
    int left = argc - optind;
    t->list = strchr(argv[0], 'v') || g_str_has_prefix(argv[0], "aio");
    if (left < 2 || (left > 2 && !t->list)) {
        io_usage(io_command_find(argv[0]));
        return false;
    }
    if (!io_number(argv[optind], &t->report.offset)) {
        return false;
    }
    for (int i = optind + 1; i < argc; i++) {
        uint64_t bytes;
        if (!io_number(argv[i], &bytes)) {
            return false;
        }
        t->report.wanted += bytes;
        if (bytes > REQUEST_MAX || t->report.wanted > REQUEST_MAX) {
            printf("length cannot exceed %d, given %s\n", REQUEST_MAX,
                   argv[i]);
            return false;
        }
    }
    t->report.bytes = t->report.wanted;
    return true;
}

static int failed(const char *what, int err)
{
    printf("%s failed: %s\n", what, g_strerror(-err));
    return -1;
}

/* --- reading ------------------------------------------------------------ */

/* Is the part that was asked for all of the pattern? */
static bool verify(const Transfer *t)
{
    uint64_t begin = 0, bytes = t->report.wanted;
    if ((t->verify_offset && !io_number(t->verify_offset, &begin)) ||
        begin > t->report.wanted) {
        return false;
    }
    bytes -= begin;
    if (t->verify_bytes &&
        (!io_number(t->verify_bytes, &bytes) ||
         bytes > t->report.wanted - begin)) {
        printf("pattern verification range exceeds end of read data\n");
        return false;
    }
    for (uint64_t i = 0; i < bytes; i++) {
        if (t->buf[begin + i] != t->pattern) {
            printf("Pattern verification failed at offset %" G_GUINT64_FORMAT
                   ", %" G_GUINT64_FORMAT " bytes\n",
                   t->report.offset + begin, bytes);
            return false;
        }
    }
    return true;
}

static int read_to(IoSession *s, Transfer *t, const char *what)
{
    t->buf = g_try_malloc0(MAX(t->report.wanted, 1));
    t->report.begun_us = g_get_monotonic_time();
    int err = !t->buf ? -ENOMEM :
              t->vm_state ? image_vm_state_read(s->image, t->report.offset,
                                                t->buf, t->report.wanted) :
              image_read(s->image, t->report.offset, t->buf,
                         t->report.wanted);
    if (err < 0) {
        g_free(t->buf);
        return failed(what, err);
    }
    bool good = t->pattern < 0 || verify(t);
    if (t->dump && !t->report.quiet) {
        io_dump(t->buf, t->report.wanted, t->report.offset);
    }
    t->report.verb = "read";
    io_report(&t->report);
    g_free(t->buf);
    return good ? 0 : -1;
}

int io_read(IoSession *s, int argc, char **argv)
{
    Transfer t;
    if (!parse(&t, argc, argv, "bCl:pP:qs:v", true)) {
        return -1;
    }
    if (t.pattern < 0 && (t.verify_offset || t.verify_bytes)) {
        io_usage(io_command_find(argv[0]));
        return -1;
    }
    return read_to(s, &t, "read");
}

int io_readv(IoSession *s, int argc, char **argv)
{
    Transfer t;
    return parse(&t, argc, argv, "CP:qv", true) ? read_to(s, &t, "readv") : -1;
}

int io_aio_read(IoSession *s, int argc, char **argv)
{
    Transfer t;
    if (parse(&t, argc, argv, "CP:iqv", true)) {
        (void)read_to(s, &t, "readv");
        return 0; /* how it ended was said; the request was begun */
    }
    return -1;
}

/* --- writing ------------------------------------------------------------ */

/* What is written: a file over and over, or one byte. */
static bool fill(Transfer *t)
{
    g_autofree char *text = NULL;
    gsize len = 0;
    GError *err = NULL;
    t->buf = g_try_malloc(MAX(t->report.wanted, 1));
    if (!t->buf) {
        failed("write", -ENOMEM);
        return false;
    }
    if (!t->source) {
        memset(t->buf, t->pattern < 0 ? 0xcd : t->pattern, t->report.wanted);
        return true;
    }
    if (!g_file_get_contents(t->source, &text, &len, &err) || len == 0) {
        printf("%s: %s\n", t->source, !err ? "file is empty" :
               err->code == G_FILE_ERROR_NOENT ? "No such file or directory"
                                               : err->message);
        g_clear_error(&err);
        return false;
    }
    for (uint64_t i = 0; i < t->report.wanted; i += len) {
        memcpy(t->buf + i, text, MIN(len, t->report.wanted - i));
    }
    return true;
}

static const char *combination_wrong(const Transfer *t)
{
    return t->vm_state && t->compress ? "-b and -c cannot be specified at the "
                                        "same time" :
           t->vm_state && t->zero ? "-b and -z cannot be specified at the "
                                    "same time" :
           t->vm_state && t->fua ? "-f and -b cannot be specified at the "
                                   "same time" :
           t->compress && t->zero ? "-c and -z cannot be specified at the "
                                    "same time" :
           t->no_fallback && !t->zero ? "-n requires -z to be specified" :
           t->unmap && !t->zero ? "-u requires -z to be specified" :
           (t->zero + (t->pattern >= 0) + (t->source != NULL)) > 1 ?
               "Only one of -z, -P, and -s can be specified at the same time" :
           NULL;
}

static int write_it(IoSession *s, Transfer *t)
{
    uint64_t at = t->report.offset, bytes = t->report.wanted;
    int err = t->zero ? image_write_zeroes(s->image, at, bytes) :
              t->vm_state ? image_vm_state_write(s->image, at, t->buf,
                                                 bytes) :
              t->compress ? image_write_compressed(s->image, at, t->buf,
                                                   bytes) :
              image_write(s->image, at, t->buf, bytes);
    return err < 0 || !t->fua ? err : image_flush(s->image);
}

static int write_from(IoSession *s, Transfer *t, const char *what)
{
    const char *wrong = combination_wrong(t);
    if (!wrong && t->compress && t->report.wanted % 512) {
        printf("%" G_GUINT64_FORMAT " is not a sector-aligned value for "
               "'count'\n", t->report.wanted);
        return -1;
    }
    if (wrong) {
        printf("%s\n", wrong);
        return -1;
    }
    if (!t->zero && !fill(t)) {
        g_free(t->buf);
        return -1;
    }
    t->report.begun_us = g_get_monotonic_time();
    int err = write_it(s, t);
    g_free(t->buf);
    if (err < 0) {
        return failed(what, err);
    }
    t->report.verb = "wrote";
    io_report(&t->report);
    return 0;
}

int io_write(IoSession *s, int argc, char **argv)
{
    Transfer t;
    return parse(&t, argc, argv, "bcCfnpP:qs:uz", false) ?
           write_from(s, &t, "write") : -1;
}

int io_writev(IoSession *s, int argc, char **argv)
{
    Transfer t;
    return parse(&t, argc, argv, "CfqP:", false) ?
           write_from(s, &t, "writev") : -1;
}

int io_aio_write(IoSession *s, int argc, char **argv)
{
    Transfer t;
    if (!parse(&t, argc, argv, "CfiqP:uz", false)) {
        return -1;
    }
    if (combination_wrong(&t)) {
        return write_from(s, &t, "aio_write");
    }
    (void)write_from(s, &t, "aio_write");
    return 0;
}

int io_discard(IoSession *s, int argc, char **argv)
{
    Transfer t;
    if (!parse(&t, argc, argv, "Cq", false)) {
        return -1;
    }
    t.report.begun_us = g_get_monotonic_time();
    int err = image_write_zeroes(s->image, t.report.offset, t.report.wanted);
    if (err < 0) {
        return failed("discard", err);
    }
    t.report.verb = "discard";
    io_report(&t.report);
    return 0;
}
