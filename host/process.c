/*
 * The process: background and pid file. See io/process.h.
 */
#include "io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the child of -daemonize reports that the machine is ready; -1. */
static int ready_fd = -1;
static int pidfile_fd = -1;

/* The parent: exits with success when the child says so, and with failure
 * when the child ends before (it has printed why). */
static void wait_for_child(int fd)
{
    char byte;
    ssize_t n;
    do {
        n = read(fd, &byte, 1);
    } while (n < 0 && errno == EINTR);
    _exit(n == 1 ? 0 : 1);
}

bool process_daemonize(Error **errp)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0) {
        error_set_errno(errp, errno, "-daemonize: cannot make a pipe");
        return false;
    }
    pid_t pid = fork();
    if (pid > 0) {
        close(fds[1]);
        wait_for_child(fds[0]);
    }
    if (pid < 0) {
        error_set_errno(errp, errno, "-daemonize: cannot fork");
        return false;
    }
    close(fds[0]);
    ready_fd = fds[1];
    setsid();
    return true;
}

/* Who hears that it is ready may end it at once: such a signal waits for the
 * loop, so that the process cleans up behind itself. */
static void hold_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

void process_daemon_ready(void)
{
    if (ready_fd < 0) {
        return;
    }
    hold_signals();
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null_fd >= 0 && fd <= 2; fd++) {
        dup2(null_fd, fd);
    }
    ssize_t n = write(ready_fd, "", 1);
    (void)n;                   /* a parent that has gone does not care */
    close(ready_fd);
    ready_fd = -1;
}

bool process_write_pidfile(const char *path, Error **errp)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char text[32];
    int len = g_snprintf(text, sizeof text, "%ld\n", (long)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_set_errno(errp, errno, "-pidfile %s: cannot open it", path);
        return false;
    }
    if (fcntl(fd, F_SETLK, &lock) < 0) {
        error_set(errp, "-pidfile %s: locked by a running program", path);
        close(fd);
        return false;
    }
    if (ftruncate(fd, 0) < 0 || write(fd, text, len) != len) {
        error_set_errno(errp, errno, "-pidfile %s: cannot write it", path);
        close(fd);
        return false;
    }
    pidfile_fd = fd;           /* kept open: it holds the lock */
    return true;
}

void process_remove_pidfile(const char *path)
{
    if (pidfile_fd >= 0) {
        unlink(path);
        close(pidfile_fd);
        pidfile_fd = -1;
    }
}
