/*
 * A machine as the main loop sees it (io/loop.h).
 */
#include "program.h"

#include "vm/sched.h"

static bool guest_quit(void *opaque)
{
    const Program *p = opaque;
    int code;
    return runstate_quit_requested(p->m, &code);
}

static bool guest_running(void *opaque)
{
    const Program *p = opaque;
    return runstate_running(p->m);
}

static bool guest_wanted(void *opaque)
{
    const Program *p = opaque;
    return nondet_pending(p->m) || runstate_request_pending(p->m);
}

/* Without -icount virtual time is the host's; instructions take none of their
 * own to speak of, so it only ever has to be moved forward. */
static void follow_host_clock(Program *p)
{
    int64_t ns, now_ns = clock_now_ns(p->m->clock);
    if (!p->host_clock) {
        return;
    }
    if (now_ns != p->left_ns) {
        world_clock_set(p->world, now_ns);     /* loadvm */
    }
    nondet_pull(p->host_clock, &ns, sizeof ns);
    if (ns > now_ns) {
        clock_warp_to(p->m->clock, ns);
    }
}

static bool guest_run(void *opaque, uint64_t max_insns)
{
    Program *p = opaque;
    follow_host_clock(p);
    bool idle = replay_run_slice(p->m, p->replay, max_insns).idle;
    p->left_ns = clock_now_ns(p->m->clock);
    return idle;
}

static void guest_paused(void *opaque)
{
    const Program *p = opaque;
    if (runstate(p->m) == RUN_SHUTDOWN && nondet_pending(p->m)) {
        /* The reset button, say, which switches it on again. */
        sched_take_inputs(p->m);
    }
    if (runstate_request_pending(p->m)) {
        runstate_handle_requests(p->m);
    }
}

static Icount guest_icount(void *opaque)
{
    const Program *p = opaque;
    return machine_icount(p->m);
}

static int64_t guest_now_ns(void *opaque)
{
    const Program *p = opaque;
    return clock_now_ns(p->m->clock);
}

static int64_t guest_idle_due_ns(void *opaque)
{
    const Program *p = opaque;
    return sched_idle_due_ns(p->m);
}

/* Only a timer or an input ends idling, in the recording too; a request from
 * a monitor is dealt with while the guest goes on sleeping. */
static void guest_idle_end(void *opaque, int64_t ns)
{
    Program *p = opaque;
    if (nondet_pending(p->m) || ns >= sched_idle_due_ns(p->m)) {
        sched_idle_end(p->m, ns);
        p->left_ns = clock_now_ns(p->m->clock);
    }
}

static unsigned guest_shift(void *opaque)
{
    const Program *p = opaque;
    return clock_shift(p->m->clock);
}

static void guest_set_shift(void *opaque, unsigned shift)
{
    const Program *p = opaque;
    uint8_t byte = shift;
    nondet_post(p->shift_port, &byte, 1);
}

static void guest_signalled(void *opaque, int signum)
{
    const Program *p = opaque;
    runstate_quit(p->m, CAUSE_HOST_SIGNAL, 0);
}

/* --- -accel qtest ------------------------------------------------------------- */

static bool qtest_run(void *opaque, uint64_t max_insns)
{
    const Program *p = opaque;
    if (runstate_request_pending(p->m)) {
        runstate_handle_requests(p->m);
    }
    if (runstate_running(p->m)) {
        sched_run_devices(p->m);
    }
    return true;
}

static int64_t qtest_idle_due_ns(void *opaque)
{
    return TIME_NEVER;         /* the test moves the clock, not the host */
}

static void qtest_idle_end(void *opaque, int64_t ns)
{
}

int program_run(Program *p)
{
    bool tune = p->shift_port && nondet_wants_input(p->m);
    LoopGuest guest = {
        .opaque = p,
        .quit = guest_quit,
        .running = guest_running,
        .wanted = guest_wanted,
        .run = guest_run,
        .paused = guest_paused,
        .icount = guest_icount,
        .now_ns = guest_now_ns,
        .idle_due_ns = guest_idle_due_ns,
        .idle_end = guest_idle_end,
        .shift = tune ? guest_shift : NULL,
        .set_shift = tune ? guest_set_shift : NULL,
        .signalled = guest_signalled,
    };
    if (p->opts.qtest) {
        guest.run = qtest_run;
        guest.idle_due_ns = qtest_idle_due_ns;
        guest.idle_end = qtest_idle_end;
    }
    loop_run(&guest, p->host_clock ? p->world : NULL);
    int code = 0;
    runstate_quit_requested(p->m, &code);
    return code;
}
