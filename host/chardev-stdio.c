/*
 * The program's own terminal (or whatever its standard input and output are).
 *
 * A terminal is put into raw mode while the program runs, and restored at
 * exit, before a crash, and around a stop (Ctrl-Z). Descriptors 0 and 1 are
 * shared with other processes, so they are not made non-blocking.
 */
#include "chardev-impl.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* The terminal belongs to the process, not to a machine: signal handlers and
 * atexit() need these. */
static struct termios terminal_before, terminal_raw;
static volatile sig_atomic_t terminal_is_raw;
static bool stdio_in_use;

static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE,
                                     SIGABRT };

static void terminal_restore(void)
{
    if (terminal_is_raw) {
        terminal_is_raw = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
    }
}

/* tcsetattr() and raise() may be called from a handler (POSIX 2.4.3); the
 * handler was reset by SA_RESETHAND, so the signal now has its own effect. */
static void on_crash(int signum)
{
    terminal_restore();
    raise(signum);
}

static void on_continue(int signum)
{
    if (terminal_is_raw) {
        int saved = errno;
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal_raw);
        errno = saved;
    }
}

static void catch_signals(void)
{
    struct sigaction crash = { .sa_handler = on_crash,
                               .sa_flags = SA_RESETHAND };
    struct sigaction cont = { .sa_handler = on_continue,
                              .sa_flags = SA_RESTART };
    for (size_t i = 0; i < G_N_ELEMENTS(crash_signals); i++) {
        sigaction(crash_signals[i], &crash, NULL);
    }
    sigaction(SIGCONT, &cont, NULL);
    atexit(terminal_restore);
}

static void terminal_make_raw(bool signals)
{
    terminal_raw = terminal_before;
    terminal_raw.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR
                              | IGNCR | ICRNL | IXON);
    terminal_raw.c_oflag |= OPOST;
    terminal_raw.c_lflag &= ~(ECHO | ECHONL | ICANON | IEXTEN);
    if (!signals) {
        terminal_raw.c_lflag &= ~ISIG;
    }
    terminal_raw.c_cflag &= ~(CSIZE | PARENB);
    terminal_raw.c_cflag |= CS8;
    terminal_raw.c_cc[VMIN] = 1;
    terminal_raw.c_cc[VTIME] = 0;
    terminal_is_raw = 1;
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal_raw);
}

static bool stdio_open(Chardev *c, const ChardevSpec *spec, Error **errp)
{
    if (stdio_in_use) {
        error_set(errp, "standard input and output are in use already; share "
                  "them with mux=on, or mon:stdio");
        return false;
    }
    stdio_in_use = true;
    c->priv = &stdio_in_use;
    c->terminal = isatty(STDIN_FILENO)
                  && tcgetattr(STDIN_FILENO, &terminal_before) == 0;
    if (c->terminal) {
        catch_signals();
        terminal_make_raw(spec->signal);
    }
    chardev_attach(c, STDIN_FILENO, STDOUT_FILENO);
    return true;
}

static void stdio_close(Chardev *c)
{
    if (c->priv) {
        terminal_restore();
        stdio_in_use = false;
    }
}

static char *stdio_describe(const Chardev *c)
{
    return g_strdup("stdio");
}

const ChardevBackend chardev_stdio = {
    .name = "stdio",
    .open = stdio_open,
    .close = stdio_close,
    .describe = stdio_describe,
};
