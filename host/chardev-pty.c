/*
 * A new pseudo terminal, whose other end any terminal program can open.
 */
#include "chardev-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

/* How often we look whether somebody has opened the other end: a pty tells
 * only by ceasing to report a hang-up. */
#define LOOK_MS 250

typedef struct Pty {
    int master;
    char *name;                /* "/dev/pts/3" */
    guint timer;
} Pty;

static void pty_look(Chardev *c)
{
    Pty *pty = c->priv;
    struct pollfd p = { .fd = pty->master, .events = POLLOUT };
    if (!c->connected && poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP)) {
        /* The core closes what it is given; the master must survive. */
        int fd = fcntl(pty->master, F_DUPFD_CLOEXEC, 0);
        if (fd >= 0) {
            chardev_attach(c, fd, fd);
        }
    }
}

static gboolean pty_timer(gpointer opaque)
{
    pty_look(opaque);
    return G_SOURCE_CONTINUE;
}

/* The other end was closed: read() said EIO. */
static void pty_ended(Chardev *c)
{
    chardev_detach(c);
}

/* Opens and closes the other end, in raw mode: from then on the master
 * reports a hang-up while nobody has it open. */
static bool pty_prepare(Pty *pty, Error **errp)
{
    int fd = open(pty->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios t;
    if (fd < 0 || tcgetattr(fd, &t) < 0) {
        error_set_errno(errp, errno, "cannot open '%s'", pty->name);
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    cfmakeraw(&t);
    tcsetattr(fd, TCSANOW, &t);
    close(fd);
    return true;
}

static bool pty_open(Chardev *c, const ChardevSpec *spec, Error **errp)
{
    Pty *pty = g_new0(Pty, 1);
    c->priv = pty;
    pty->master = posix_openpt(O_RDWR | O_NOCTTY);
    char name[64];
    if (pty->master < 0 || grantpt(pty->master) < 0
        || unlockpt(pty->master) < 0
        || ptsname_r(pty->master, name, sizeof name) != 0) {
        error_set_errno(errp, errno, "cannot make a pseudo terminal");
        return false;
    }
    fd_prepare(pty->master);
    pty->name = g_strdup(name);
    if (!pty_prepare(pty, errp)) {
        return false;
    }
    printf("char device redirected to %s (label %s)\n", pty->name, c->head.id);
    fflush(stdout);
    pty->timer = g_timeout_add(LOOK_MS, pty_timer, c);
    return true;
}

static void pty_close(Chardev *c)
{
    Pty *pty = c->priv;
    if (!pty) {
        return;
    }
    if (pty->timer) {
        g_source_remove(pty->timer);
    }
    if (pty->master >= 0) {
        close(pty->master);
    }
    g_free(pty->name);
    g_free(pty);
}

static char *pty_describe(const Chardev *c)
{
    const Pty *pty = c->priv;
    return g_strdup_printf("%spty:%s", c->connected ? "" : "disconnected:",
                           pty->name);
}

const ChardevBackend chardev_pty = {
    .name = "pty",
    .open = pty_open,
    .close = pty_close,
    .describe = pty_describe,
    .ended = pty_ended,
};
