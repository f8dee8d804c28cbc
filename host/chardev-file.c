/*
 * Chardevs that are no conversation: null, file and named pipes.
 */
#include "chardev-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* --- null ------------------------------------------------------------------ */

static bool null_open(Chardev *c, const ChardevSpec *spec, Error **errp)
{
    return true;
}

static void null_write(Chardev *c, const uint8_t *data, size_t len)
{
}

const ChardevBackend chardev_null = {
    .name = "null",
    .open = null_open,
    .write = null_write,
};

/* --- file ------------------------------------------------------------------ */

static int open_path(const char *path, int flags, Error **errp)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0) {
        error_set_errno(errp, errno, "cannot open '%s'", path);
    }
    return fd;
}

static bool file_open(Chardev *c, const ChardevSpec *spec, Error **errp)
{
    int flags = O_WRONLY | O_CREAT | (spec->append ? O_APPEND : O_TRUNC);
    int in_fd = -1, out_fd = open_path(spec->path, flags, errp);
    if (out_fd < 0) {
        return false;
    }
    if (spec->input_path) {
        in_fd = open_path(spec->input_path, O_RDONLY | O_NONBLOCK, errp);
        if (in_fd < 0) {
            close(out_fd);
            return false;
        }
    }
    c->priv = g_strdup(spec->path);
    chardev_attach(c, in_fd, out_fd);
    return true;
}

static void priv_free(Chardev *c)
{
    g_free(c->priv);
}

static char *file_describe(const Chardev *c)
{
    return g_strdup_printf("file:%s", (char *)c->priv);
}

const ChardevBackend chardev_file = {
    .name = "file",
    .open = file_open,
    .close = priv_free,
    .describe = file_describe,
};

/* --- pipe: PATH.in and PATH.out, or PATH for both ---------------------------- */

static bool pipe_open(Chardev *c, const ChardevSpec *spec, Error **errp)
{
    g_autofree char *in = g_strconcat(spec->path, ".in", NULL);
    g_autofree char *out = g_strconcat(spec->path, ".out", NULL);
    /* Open for both ways: opening does not wait for the other side then, and
     * its coming and going is no end of file. */
    int in_fd = open(in, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    int out_fd = open(out, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (in_fd < 0 || out_fd < 0) {
        if (in_fd >= 0) {
            close(in_fd);
        }
        if (out_fd >= 0) {
            close(out_fd);
        }
        in_fd = out_fd = open_path(spec->path, O_RDWR | O_NONBLOCK, errp);
        if (in_fd < 0) {
            return false;
        }
    }
    c->priv = g_strdup(spec->path);
    chardev_attach(c, in_fd, out_fd);
    return true;
}

static char *pipe_describe(const Chardev *c)
{
    return g_strdup_printf("pipe:%s", (char *)c->priv);
}

const ChardevBackend chardev_pipe = {
    .name = "pipe",
    .open = pipe_open,
    .close = priv_free,
    .describe = pipe_describe,
};
