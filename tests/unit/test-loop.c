/*
 * The main loop (host/loop.c) with a pretended guest.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <unistd.h>

#include "io/loop.h"
#include "io/world.h"
#include "vm/clock.h"
#include "vm/nondet.h"

/* host/clock.c connects itself to a boundary; there is none here. */
void nondet_set_ask(Machine *m, NondetKind kind, NondetAsk *ask, void *host)
{
    g_assert_not_reached();
}

typedef struct Guest {
    Icount icount;
    int64_t now_ns, due_ns;
    unsigned slices, idle_ends;
    int64_t ended_ns;
    bool idle, running, quit, wanted;
    int signum;
} Guest;

static bool guest_quit(void *opaque)
{
    return ((Guest *)opaque)->quit;
}

static bool guest_running(void *opaque)
{
    return ((Guest *)opaque)->running;
}

static bool guest_wanted(void *opaque)
{
    return ((Guest *)opaque)->wanted;
}

static bool guest_run(void *opaque, uint64_t max_insns)
{
    Guest *g = opaque;
    g_assert_cmpuint(max_insns, >=, 1000);
    g->slices++;
    if (!g->idle) {
        g->icount += max_insns;
    }
    if (g->slices == 50) {
        g->quit = true;
    }
    return g->idle;
}

static void guest_paused(void *opaque)
{
}

static Icount guest_icount(void *opaque)
{
    return ((Guest *)opaque)->icount;
}

static int64_t guest_now(void *opaque)
{
    return ((Guest *)opaque)->now_ns;
}

static int64_t guest_due(void *opaque)
{
    return ((Guest *)opaque)->due_ns;
}

static void guest_idle_end(void *opaque, int64_t ns)
{
    Guest *g = opaque;
    g->idle_ends++;
    g->ended_ns = ns;
    g->quit = true;
}

static void guest_signalled(void *opaque, int signum)
{
    Guest *g = opaque;
    g->signum = signum;
    g->quit = true;
}

static void run(Guest *g)
{
    LoopGuest guest = {
        .opaque = g, .quit = guest_quit, .running = guest_running,
        .wanted = guest_wanted, .run = guest_run, .paused = guest_paused,
        .icount = guest_icount, .now_ns = guest_now,
        .idle_due_ns = guest_due, .idle_end = guest_idle_end,
        .signalled = guest_signalled,
    };
    loop_run(&guest, NULL);
}

static void test_busy(void)
{
    Guest g = { .running = true };
    run(&g);
    g_assert_cmpuint(g.slices, ==, 50);
    g_assert_cmpuint(g.idle_ends, ==, 0);
}

/* An idle guest wakes at its timer's virtual time, after that much host
 * time. */
static void test_idle_timer(void)
{
    Guest g = { .running = true, .idle = true, .now_ns = 1000,
                .due_ns = 1000 + 30 * NS_PER_MS };
    int64_t start_us = g_get_monotonic_time();
    run(&g);
    int64_t took_us = g_get_monotonic_time() - start_us;
    g_assert_cmpint(g.ended_ns, ==, g.due_ns);
    g_assert_cmpint(took_us, >=, 30 * 1000);
}

static gboolean input_comes(gpointer opaque)
{
    ((Guest *)opaque)->wanted = true;
    return G_SOURCE_REMOVE;
}

/* An input ends idling before the timer: virtual time has followed. */
static void test_idle_input(void)
{
    Guest g = { .running = true, .idle = true, .now_ns = 5,
                .due_ns = 3600 * NS_PER_SEC };
    g_timeout_add(20, input_comes, &g);
    run(&g);
    g_assert_cmpint(g.ended_ns, >=, 5 + 19 * NS_PER_MS);
    g_assert_cmpint(g.ended_ns, <, 60 * NS_PER_SEC);
}

static gboolean kill_self(gpointer opaque)
{
    kill(getpid(), SIGTERM);
    return G_SOURCE_REMOVE;
}

static void test_signal(void)
{
    Guest g = { .running = false, .due_ns = TIME_NEVER };
    g_timeout_add(10, kill_self, NULL);
    run(&g);
    g_assert_cmpint(g.signum, ==, SIGTERM);
    g_assert_cmpuint(g.slices, ==, 0);
}

static void test_shift(void)
{
    /* As fast as the host: no change. */
    g_assert_cmpuint(loop_next_shift(3, 1000, 1000), ==, 3);
    /* Virtual time is too fast, or too slow. */
    g_assert_cmpuint(loop_next_shift(3, 2000, 1000), ==, 2);
    g_assert_cmpuint(loop_next_shift(3, 500, 1000), ==, 4);
    g_assert_cmpuint(loop_next_shift(0, 2000, 1000), ==, 0);
    g_assert_cmpuint(loop_next_shift(10, 500, 1000), ==, 10);
    /* A step is never undone by the next one: it doubles or halves. */
    for (int64_t v = 1; v < 4000; v++) {
        unsigned next = loop_next_shift(5, v, 1000);
        int64_t after = next > 5 ? v * 2 : next < 5 ? v / 2 : v;
        unsigned again = loop_next_shift(next, after, 1000);
        g_assert_true((next >= 5 || again <= next) &&
                      (next <= 5 || again >= next));
    }
}

static void test_world_clock(void)
{
    World *w = world_new(false);
    g_usleep(2000);
    g_assert_cmpint(world_clock_ns(w), ==, 0);
    world_clock_run(w, true);
    g_usleep(2000);
    world_clock_run(w, false);
    int64_t ns = world_clock_ns(w);
    g_assert_cmpint(ns, >=, 2 * NS_PER_MS);
    g_usleep(1000);
    g_assert_cmpint(world_clock_ns(w), ==, ns);
    world_free(w);
}

static void test_firmware(void)
{
    g_autofree char *dir = g_dir_make_tmp("reprise-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "some-rom.bin", NULL);
    g_assert_true(g_file_set_contents(path, "rom", 3, NULL));
    g_autoptr(GPtrArray) dirs = g_ptr_array_new();
    g_ptr_array_add(dirs, dir);
    g_autofree char *found = world_find_firmware(dirs, "some-rom.bin");
    g_assert_cmpstr(found, ==, path);
    g_assert_null(world_find_firmware(dirs, "no-such-rom.bin"));
    g_autoptr(GBytes) bytes = world_read_file(found, NULL);
    g_assert_cmpuint(g_bytes_get_size(bytes), ==, 3);
    Error *err = NULL;
    g_assert_null(world_read_file(dir, &err));
    g_assert_nonnull(err);
    error_free(err);
    g_unlink(path);
    g_rmdir(dir);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/loop/busy", test_busy);
    g_test_add_func("/loop/idle-timer", test_idle_timer);
    g_test_add_func("/loop/idle-input", test_idle_input);
    g_test_add_func("/loop/signal", test_signal);
    g_test_add_func("/loop/shift", test_shift);
    g_test_add_func("/world/clock", test_world_clock);
    g_test_add_func("/world/firmware", test_firmware);
    return g_test_run();
}
