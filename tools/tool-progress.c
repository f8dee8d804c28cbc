/*
 * Progress at a terminal. See tool-progress.h.
 *
 * The line is rewritten in place; a signal that ends the program erases it
 * first with one write(), which a signal handler may call, and then has its
 * usual effect, so that the shell sees what ended the program.
 */
#include "tool-progress.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_US (1000 * 1000)
#define NEXT_US (200 * 1000)

struct ToolProgress {
    const char *what;
    ToolUnit unit;
    uint64_t total;
    int64_t begun_us, next_us;
    bool shown;
    struct sigaction before;
};

static const char erase[] = "\r\033[K";

char *tool_amount_text(ToolUnit unit, double amount)
{
    static const char *const bytes[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    static const char *const counts[] = { "", "k", "M", "G", "T" };
    double step = unit == TOOL_UNIT_BYTES ? 1024 : 1000;
    unsigned i = 0;
    for (; amount >= 1000 && i + 1 < G_N_ELEMENTS(bytes); i++) {
        amount /= step;
    }
    return g_strdup_printf(i ? "%.1f %s" : "%.0f %s", amount,
                           unit == TOOL_UNIT_BYTES ? bytes[i] : counts[i]);
}

bool tool_colours(void)
{
    const char *term = getenv("TERM"), *none = getenv("NO_COLOR");
    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 &&
           !(none && *none);
}

static void interrupted(int number)
{
    /* The handler was installed to run once: the second one ends us. */
    if (write(STDERR_FILENO, erase, sizeof erase - 1) < 0) {
        _exit(128 + number);
    }
    raise(number);
}

ToolProgress *tool_progress_new(const char *what, ToolUnit unit,
                                uint64_t total)
{
    const char *term = getenv("TERM");
    if (!isatty(STDERR_FILENO) || !term || strcmp(term, "dumb") == 0) {
        return NULL;
    }
    ToolProgress *p = g_new0(ToolProgress, 1);
    struct sigaction once = { .sa_handler = interrupted,
                              .sa_flags = SA_RESETHAND };
    p->what = what;
    p->unit = unit;
    p->total = total;
    p->begun_us = g_get_monotonic_time();
    p->next_us = p->begun_us + FIRST_US;
    sigaction(SIGINT, &once, &p->before);
    return p;
}

static char *time_text(double seconds)
{
    unsigned s = MIN(seconds, 359999);
    return s < 3600 ? g_strdup_printf("%u:%02u", s / 60, s % 60)
                    : g_strdup_printf("%u:%02u:%02u", s / 3600, s / 60 % 60,
                                      s % 60);
}

void tool_progress_at(ToolProgress *p, uint64_t done)
{
    int64_t now = p ? g_get_monotonic_time() : 0;
    if (!p || now < p->next_us) {
        return;
    }
    double elapsed = (now - p->begun_us) / 1e6, rate = done / elapsed;
    g_autofree char *amount = tool_amount_text(p->unit, done);
    g_autofree char *speed = tool_amount_text(p->unit, rate);
    g_autofree char *left = p->total > done && rate > 0 ?
                            time_text((p->total - done) / rate) : NULL;
    fprintf(stderr, "%s%s %s", erase, amount, p->what);
    if (p->total) {
        fprintf(stderr, ", %.0f%%", MIN(done * 100.0 / p->total, 100));
    }
    fprintf(stderr, ", %s/s", speed);
    if (left) {
        fprintf(stderr, ", %s left", left);
    }
    fflush(stderr);
    p->shown = true;
    p->next_us = now + NEXT_US;
}

void tool_progress_end(ToolProgress *p)
{
    if (p) {
        if (p->shown) {
            fputs(erase, stderr);
            fflush(stderr);
        }
        sigaction(SIGINT, &p->before, NULL);
        g_free(p);
    }
}
