/*
 * How far a command is. With -p it is printed as users of qemu-img know it;
 * without, whoever waits at a terminal gets a line with rate and time left
 * when it takes longer than a second. The limit of -r is kept here, too.
 */
#include <stdlib.h>

#include "img.h"
#include "tool-progress.h"

struct ImgProgress {
    uint64_t total;
    uint64_t rate;         /* bytes a second, 0: no limit */
    int64_t begun_us;
    bool print;
    unsigned printed;      /* percent */
    ToolProgress *line;    /* or NULL */
};

ImgProgress *img_progress_new(const ImgArgs *a, uint64_t total_bytes)
{
    ImgProgress *p = g_new0(ImgProgress, 1);
    p->total = total_bytes;
    p->print = a->progress && !a->quiet;
    p->begun_us = g_get_monotonic_time();
    if (a->rate) {
        img_size_parse(a->rate, &p->rate);
    }
    if (p->print) {
        printf("    (0.00/100%%)\r");
        fflush(stdout);
    } else if (!a->quiet) {
        p->line = tool_progress_new("copied", TOOL_UNIT_BYTES, total_bytes);
    }
    return p;
}

/* Waits until that many bytes may have been copied. */
static void keep_rate(const ImgProgress *p, uint64_t bytes)
{
    int64_t due = p->begun_us + (int64_t)((double)bytes / p->rate * 1e6);
    int64_t now = g_get_monotonic_time();
    if (due > now) {
        g_usleep(due - now);
    }
}

void img_progress_at(ImgProgress *p, uint64_t bytes)
{
    if (p->rate) {
        keep_rate(p, bytes);
    }
    tool_progress_at(p->line, bytes);
    unsigned percent = p->total ? bytes * 100.0 / p->total : 0;
    if (p->print && percent > p->printed && percent < 100) {
        printf("    (%3.2f/100%%)\r", bytes * 100.0 / p->total);
        fflush(stdout);
        p->printed = percent;
    }
}

void img_progress_end(ImgProgress *p, bool done)
{
    tool_progress_end(p->line);
    if (p->print) {
        printf("%s\n", done ? "    (100.00/100%)" : "");
    }
    g_free(p);
}
