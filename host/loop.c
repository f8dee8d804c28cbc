/*
 * The main loop: a slice of the guest, then the host's events, for ever.
 *
 * A slice is about a millisecond of host time, so that nobody ever has to
 * interrupt generated code: a socket waits that long at most. How many
 * instructions that is, is measured; the guest cannot see it. An idle guest
 * with sleep=on waits for real: its virtual time follows the host's from the
 * moment at which idling began.
 */
#include "io/loop.h"

#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "vm/clock.h"
#include "world.h"

#define SLICE_NS        NS_PER_MS
#define SLICE_MIN_INSNS 1000
#define SLICE_MAX_INSNS (50 * 1000 * 1000)
#define SHIFT_WINDOW_NS (100 * NS_PER_MS)
#define SHIFT_MAX       10

typedef struct Loop {
    const LoopGuest *guest;
    World *world;              /* NULL: virtual time is icount's */
    uint64_t slice_insns;
    int64_t tune_host_ns;      /* where the shift=auto window began */
    int64_t tune_virtual_ns;
    bool tuning;
} Loop;

/* GLib's poll knows milliseconds only; a guest's timer that is due in 300 us
 * must not wait for one. The host time at which polling must end. */
static int64_t poll_deadline_ns = TIME_NEVER;

static int poll_exact(GPollFD *fds, guint count, gint timeout_ms)
{
    int64_t wait_ns = timeout_ms < 0 ? TIME_NEVER : timeout_ms * NS_PER_MS;
    if (poll_deadline_ns != TIME_NEVER) {
        int64_t left_ns = poll_deadline_ns - host_now_ns();
        wait_ns = MIN(wait_ns, MAX(left_ns, 0));
    }
    struct timespec ts = { wait_ns / NS_PER_SEC, wait_ns % NS_PER_SEC };
    /* GLib documents GPollFD as struct pollfd wherever poll() exists. */
    return ppoll((struct pollfd *)fds, count,
                 wait_ns == TIME_NEVER ? NULL : &ts, NULL);
}

static bool guest_running(Loop *l)
{
    return l->guest->running(l->guest->opaque);
}

static bool guest_quit(Loop *l)
{
    return l->guest->quit(l->guest->opaque);
}

unsigned loop_next_shift(unsigned shift, int64_t virtual_ns, int64_t host_ns)
{
    /* One step is a factor of two: with these bounds a step never calls for
     * the step back. */
    if (virtual_ns * 2 > host_ns * 3 && shift > 0) {
        return shift - 1;
    }
    if (virtual_ns * 10 < host_ns * 7 && shift < SHIFT_MAX) {
        return shift + 1;
    }
    return shift;
}

/* shift=auto, once a window. */
static void tune_shift(Loop *l)
{
    const LoopGuest *g = l->guest;
    if (!g->set_shift) {
        return;
    }
    int64_t host_ns = host_now_ns();
    int64_t virtual_ns = g->now_ns(g->opaque);
    if (l->tuning && host_ns - l->tune_host_ns < SHIFT_WINDOW_NS) {
        return;
    }
    if (l->tuning) {
        unsigned shift = g->shift(g->opaque);
        unsigned next = loop_next_shift(shift,
                                        virtual_ns - l->tune_virtual_ns,
                                        host_ns - l->tune_host_ns);
        if (next != shift) {
            g->set_shift(g->opaque, next);
        }
    }
    l->tuning = true;
    l->tune_host_ns = host_ns;
    l->tune_virtual_ns = virtual_ns;
}

/* The speed just seen decides how many instructions the next slice has. */
static void adapt_slice(Loop *l, uint64_t insns, int64_t took_ns)
{
    if (insns < SLICE_MIN_INSNS && took_ns < SLICE_NS) {
        return;              /* an early stop says nothing about speed */
    }
    double next = (double)insns * SLICE_NS / MAX(took_ns, 1000);
    next = CLAMP(next, l->slice_insns / 2.0, l->slice_insns * 2.0);
    l->slice_insns = CLAMP(next, SLICE_MIN_INSNS, SLICE_MAX_INSNS);
}

static bool run_slice(Loop *l)
{
    const LoopGuest *g = l->guest;
    Icount from = g->icount(g->opaque);
    int64_t start_ns = host_now_ns();
    bool idle = g->run(g->opaque, l->slice_insns);
    Icount to = g->icount(g->opaque);
    adapt_slice(l, to > from ? to - from : 0, host_now_ns() - start_ns);
    return idle;
}

/* Virtual time while idling: it follows the host from where idling began. */
static int64_t idle_now_ns(Loop *l, int64_t virtual_ns, int64_t host_ns)
{
    if (l->world) {
        return MAX(virtual_ns, world_clock_ns(l->world));
    }
    return virtual_ns + (host_now_ns() - host_ns);
}

/* Waits until the guest's next timer is due or something comes in. */
static void idle_wait(Loop *l)
{
    const LoopGuest *g = l->guest;
    int64_t host_ns = host_now_ns();
    int64_t virtual_ns = g->now_ns(g->opaque);
    int64_t due_ns = g->idle_due_ns(g->opaque);

    for (;;) {
        int64_t now_ns = idle_now_ns(l, virtual_ns, host_ns);
        bool wanted = g->wanted(g->opaque);
        if (wanted || now_ns >= due_ns) {
            g->idle_end(g->opaque, MIN(now_ns, due_ns));
            return;
        }
        if (due_ns != TIME_NEVER) {
            poll_deadline_ns = host_now_ns() + (due_ns - now_ns);
        }
        g_main_context_iteration(NULL, TRUE);
        poll_deadline_ns = TIME_NEVER;
        if (guest_quit(l) || !guest_running(l) ||
            g->now_ns(g->opaque) != virtual_ns ||
            g->idle_due_ns(g->opaque) != due_ns) {
            return;          /* stopped, or taken elsewhere by loadvm */
        }
    }
}

static void loop_once(Loop *l)
{
    if (!guest_running(l)) {
        if (l->world) {
            world_clock_run(l->world, false);
        }
        l->tuning = false;
        g_main_context_iteration(NULL, TRUE);
        l->guest->paused(l->guest->opaque);
        return;
    }
    if (l->world) {
        world_clock_run(l->world, true);
    }
    bool idle = run_slice(l);
    tune_shift(l);
    g_main_context_iteration(NULL, FALSE);
    if (idle && guest_running(l) && !guest_quit(l)) {
        idle_wait(l);
    }
}

/* --- signals ------------------------------------------------------------- */

static const int end_signals[] = { SIGINT, SIGTERM, SIGHUP };

typedef struct SignalWatch {
    const LoopGuest *guest;
    int signum;
    guint source;
} SignalWatch;

static gboolean signal_came(gpointer opaque)
{
    const SignalWatch *w = opaque;
    w->guest->signalled(w->guest->opaque, w->signum);
    return G_SOURCE_CONTINUE;
}

/* One that came since process_daemon_ready() is answered now. */
static void let_signals_through(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < G_N_ELEMENTS(end_signals); i++) {
        sigaddset(&set, end_signals[i]);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void loop_run(const LoopGuest *guest, World *world)
{
    Loop l = { .guest = guest, .world = world, .slice_insns = 100 * 1000 };
    SignalWatch watch[G_N_ELEMENTS(end_signals)];
    for (size_t i = 0; i < G_N_ELEMENTS(end_signals); i++) {
        watch[i].guest = guest;
        watch[i].signum = end_signals[i];
        watch[i].source = g_unix_signal_add(end_signals[i], signal_came,
                                            &watch[i]);
    }
    let_signals_through();
    GPollFunc old_poll = g_main_context_get_poll_func(NULL);
    g_main_context_set_poll_func(NULL, poll_exact);
    while (!guest_quit(&l)) {
        loop_once(&l);
    }
    g_main_context_set_poll_func(NULL, old_poll);
    for (size_t i = 0; i < G_N_ELEMENTS(end_signals); i++) {
        g_source_remove(watch[i].source);
    }
}
