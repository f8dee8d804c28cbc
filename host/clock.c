/*
 * The host's clocks as answers to the machine's questions. See io/world.h.
 */
#include "world.h"

#include <string.h>
#include <time.h>

int64_t host_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

World *world_new(bool local)
{
    World *w = g_new0(World, 1);
    w->local = local;
    return w;
}

void world_free(World *w)
{
    g_free(w);
}

int64_t world_clock_ns(World *w)
{
    return w->sum_ns + (w->running ? host_now_ns() - w->since_ns : 0);
}

void world_clock_run(World *w, bool run)
{
    if (run == w->running) {
        return;
    }
    w->sum_ns = world_clock_ns(w);
    w->since_ns = host_now_ns();
    w->running = run;
}

void world_clock_set(World *w, int64_t ns)
{
    w->sum_ns = ns;
    w->since_ns = host_now_ns();
}

/* Seconds since 1970 of what a wall clock shows, read as UTC: what a
 * battery-backed clock that was set to local time holds. */
static int64_t local_seconds(time_t now)
{
    struct tm tm;
    localtime_r(&now, &tm);
    return now + tm.tm_gmtoff;
}

static void ask_rtc_base(void *host, void *out, size_t len)
{
    const World *w = host;
    time_t now = time(NULL);
    int64_t sec = w->local ? local_seconds(now) : now;
    g_assert(len == sizeof sec);
    memcpy(out, &sec, len);
}

static void ask_host_clock(void *host, void *out, size_t len)
{
    int64_t ns = world_clock_ns(host);
    g_assert(len == sizeof ns);
    memcpy(out, &ns, len);
}

void world_connect(World *w, Machine *m)
{
    nondet_set_ask(m, NONDET_RTC_BASE, ask_rtc_base, w);
    nondet_set_ask(m, NONDET_HOST_CLOCK, ask_host_clock, w);
    nondet_set_ask(m, NONDET_SEED, entropy_ask_seed, w);
}
