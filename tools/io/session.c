/*
 * Commands of reprise-io about the image as a whole.
 */
#include <getopt.h>
#include <string.h>

#include "io.h"

/* --- open and close ----------------------------------------------------- */

int io_session_open(IoSession *s)
{
    Error *err = NULL;
    ImageOpen how = { .name = s->name, .options = s->options,
                      .format = s->format, .readonly = s->readonly,
                      .share = s->share };
    s->image = image_open(&how, &err);
    if (!s->image) {
        error_report("can't open%s%s: %s", s->options ? "" : " device ",
                     s->options ? "" : s->name, error_message(err));
        error_free(err);
    }
    return s->image ? 0 : -1;
}

void io_session_close(IoSession *s)
{
    int err = image_close(s->image);
    if (err < 0) {
        error_report("Could not write '%s': %s", s->name, g_strerror(-err));
    }
    s->image = NULL;
}

int io_close(IoSession *s, int argc, char **argv)
{
    io_session_close(s);
    return 0;
}

static void set_text(char **field, const char *text)
{
    g_free(*field);
    *field = g_strdup(text);
}

int io_open(IoSession *s, int argc, char **argv)
{
    int opt;
    const char *options = NULL;
    if (s->image) {
        error_report("file open already, try 'help close'");
        return -1;
    }
    s->readonly = s->share = s->options = false;
    set_text(&s->format, NULL);
    optind = 0;
    while ((opt = getopt(argc, argv, "d:knsCro:t:U")) != -1) {
        if (opt == '?' || opt == 's') {
            if (opt == 's') {
                printf("-s: temporary images are the emulator's "
                       "(snapshot=on)\n");
            }
            io_usage(io_command_find("open"));
            return -1;
        }
        s->readonly |= opt == 'r';
        s->share |= opt == 'U';
        options = opt == 'o' ? optarg : options;
    }
    if (argc - optind > 1 || (argc == optind && !options)) {
        io_usage(io_command_find("open"));
        return -1;
    }
    s->options = options && argc == optind;
    if (options && !s->options) {
        g_autofree char *all = g_strdup_printf("%s,file.filename=%s", options,
                                               argv[optind]);
        set_text(&s->name, all);
        s->options = true;
    } else {
        set_text(&s->name, options ? options : argv[optind]);
    }
    return io_session_open(s);
}

int io_reopen(IoSession *s, int argc, char **argv)
{
    int opt;
    bool readonly = s->readonly;
    optind = 0;
    while ((opt = getopt(argc, argv, "c:o:rw")) != -1) {
        if (opt == '?' || opt == 'o') {
            if (opt == 'o') {
                printf("-o: options change nothing that is open\n");
            }
            io_usage(io_command_find("reopen"));
            return -1;
        }
        readonly = opt == 'r' ? true : opt == 'w' ? false : readonly;
    }
    io_session_close(s);
    s->readonly = readonly;
    return io_session_open(s);
}

/* --- what it is --------------------------------------------------------- */

int io_length(IoSession *s, int argc, char **argv)
{
    g_autofree char *size = io_size_text(image_size_bytes(s->image));
    printf("%s\n", size);
    return 0;
}

int io_flush(IoSession *s, int argc, char **argv)
{
    int err = image_flush(s->image);
    if (err < 0) {
        printf("flush failed: %s\n", g_strerror(-err));
    }
    return err < 0 ? -1 : 0;
}

static bool prealloc(const char *text, ImagePreallocation *how)
{
    static const char *const modes[] = { "off", "metadata", "falloc",
                                         "full" };
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        if (strcmp(text, modes[i]) == 0) {
            *how = i;
            return true;
        }
    }
    error_report("Invalid preallocation mode '%s'", text);
    return false;
}

int io_truncate(IoSession *s, int argc, char **argv)
{
    ImagePreallocation how = PREALLOCATION_OFF;
    uint64_t bytes;
    int opt;
    optind = 0;
    while ((opt = getopt(argc, argv, "m:")) != -1) {
        if (opt == '?') {
            io_usage(io_command_find("truncate"));
            return -1;
        }
        if (!prealloc(optarg, &how)) {
            return -1;
        }
    }
    if (argc - optind != 1 || !io_number(argv[optind], &bytes)) {
        return -1;
    }
    Error *err = NULL;
    if (!image_truncate(s->image, bytes, true, how, &err)) {
        error_report("%s", error_message(err));
        error_free(err);
        return -1;
    }
    return 0;
}

/* A run that this image has or has not; its length. */
static uint64_t run_length(Image *image, uint64_t at, uint64_t end,
                           bool *allocated)
{
    uint64_t length = 0;
    while (at + length < end) {
        BlockPlace p;
        uint64_t run = image_place(image, at + length, end - at - length, &p);
        bool here = p.allocated && p.depth == 0;
        if (length > 0 && here != *allocated) {
            break;
        }
        *allocated = here;
        length += run;
    }
    return length;
}

int io_map(IoSession *s, int argc, char **argv)
{
    uint64_t size = image_size_bytes(s->image), run;
    for (uint64_t at = 0; at < size; at += run) {
        bool allocated = false;
        run = run_length(s->image, at, size, &allocated);
        g_autofree char *length = io_size_text(run);
        g_autofree char *offset = io_size_text(at);
        printf("%s (0x%" G_GINT64_MODIFIER "x) bytes %s allocated at offset "
               "%s (0x%" G_GINT64_MODIFIER "x)\n", length, run,
               allocated ? "   " : "not", offset, at);
    }
    return 0;
}

int io_alloc(IoSession *s, int argc, char **argv)
{
    uint64_t at, bytes = 512, sum = 0, size = image_size_bytes(s->image), run;
    if (!io_number(argv[1], &at) || (argc > 2 && !io_number(argv[2],
                                                            &bytes))) {
        return -1;
    }
    if (at > size || bytes > size - at) {
        printf("alloc: the range is not in the disk\n");
        return -1;
    }
    for (uint64_t i = at; i < at + bytes; i += run) {
        bool allocated = false;
        run = run_length(s->image, i, at + bytes, &allocated);
        sum += allocated ? run : 0;
    }
    g_autofree char *offset = io_size_text(at);
    printf("%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT " bytes allocated at "
           "offset %s\n", sum, bytes, offset);
    return 0;
}

int io_info(IoSession *s, int argc, char **argv)
{
    ImageInfo *info = image_describe(s->image);
    printf("format name: %s\n", info->format);
    if (info->cluster_bytes) {
        g_autofree char *cluster = io_size_text(info->cluster_bytes);
        printf("cluster size: %s\n", cluster);
    }
    image_info_free(info);
    return 0;
}
