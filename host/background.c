/*
 * Work on a copy of the process. See io/background.h.
 *
 * The copy tells the process through a pipe: eight bytes for each step, and its
 * error's text at the end, behind a number that no step has. The end of the
 * pipe is the end of the copy.
 */
#include "io/background.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAILED UINT64_MAX      /* an error's text follows */

struct Background {
    BackgroundWork work;
    pid_t pid;
    int fd;                    /* of the pipe: our end */
    guint source;
    uint64_t completed;
    GByteArray *heard;         /* not looked at yet */
};

/* --- the copy ------------------------------------------------------------------ */

static void say(const Background *b, const void *data, size_t bytes)
{
    const char *at = data;
    while (bytes) {
        ssize_t n = write(b->fd, at, bytes);
        if (n > 0) {
            at += n;
            bytes -= n;
        } else if (errno != EINTR) {
            _exit(1);          /* nobody listens any more */
        }
    }
}

void background_tell(Background *b, uint64_t completed)
{
    say(b, &completed, sizeof completed);
}

/* Sockets whose peer waits for their end must not stay open here, nor a signal
 * of the process do anything but end the copy. */
static void let_go(int a, int b)
{
    int low = MIN(a, b), high = MAX(a, b);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_DFL);
    close_range(3, low - 1, 0);
    close_range(low + 1, high - 1, 0);
    close_range(high + 1, ~0u, 0);
}

static void run_copy(Background *b)
{
    Error *err = NULL;
    let_go(b->fd, b->work.keep_fd);
    if (!b->work.work(b->work.opaque, b, &err)) {
        uint64_t mark = FAILED;
        say(b, &mark, sizeof mark);
        say(b, error_message(err), strlen(error_message(err)));
    }
    _exit(0);
}

/* --- the process ------------------------------------------------------------------ */

static void background_free(Background *b)
{
    g_clear_handle_id(&b->source, g_source_remove);
    close(b->fd);
    g_byte_array_free(b->heard, TRUE);
    g_free(b);
}

/* Takes the steps that have come; true if an error's text is what is left. */
static bool take_steps(Background *b)
{
    uint64_t step;
    while (b->heard->len >= sizeof step) {
        memcpy(&step, b->heard->data, sizeof step);
        if (step == FAILED) {
            return true;
        }
        b->completed = step;
        g_byte_array_remove_range(b->heard, 0, sizeof step);
    }
    return false;
}

static void finish(Background *b)
{
    int status;
    bool failed = take_steps(b);
    g_autofree char *error = NULL;
    while (waitpid(b->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (failed) {
        error = g_strndup((char *)b->heard->data + sizeof(uint64_t),
                          b->heard->len - sizeof(uint64_t));
    } else if (!WIFEXITED(status) || WEXITSTATUS(status)) {
        error = g_strdup("the process that did it was ended");
    }
    BackgroundWork work = b->work;
    b->source = 0;
    background_free(b);
    work.done(work.opaque, error);
}

static gboolean hear(gint fd, GIOCondition condition, gpointer opaque)
{
    Background *b = opaque;
    uint8_t buf[4096];
    ssize_t n = read(fd, buf, sizeof buf);
    if (n > 0) {
        g_byte_array_append(b->heard, buf, n);
        take_steps(b);
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        finish(b);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

Background *background_start(const BackgroundWork *work, Error **errp)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0) {
        error_set_errno(errp, errno, "cannot make a pipe");
        return NULL;
    }
    Background *b = g_new0(Background, 1);
    b->work = *work;
    b->heard = g_byte_array_new();
    b->fd = fds[1];
    b->pid = fork();
    if (b->pid == 0) {
        run_copy(b);
    }
    close(fds[1]);
    b->fd = fds[0];
    if (b->pid < 0) {
        error_set_errno(errp, errno, "cannot fork");
        background_free(b);
        return NULL;
    }
    b->source = g_unix_fd_add(b->fd, G_IO_IN | G_IO_HUP, hear, b);
    return b;
}

uint64_t background_completed(const Background *b)
{
    return b->completed;
}

void background_cancel(Background *b)
{
    kill(b->pid, SIGKILL);
    while (waitpid(b->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    background_free(b);
}
