/*
 * Making the machine move, in either direction, and saying where it stopped.
 */
#include "stub.h"
#include "vm/sched.h"

static Icount now(Gdbstub *g)
{
    return machine_icount(g->machine);
}

static bool at_log_end(Gdbstub *g)
{
    return replay_mode(g->replay) == REPLAY_PLAY &&
           now(g) >= replay_end(g->replay);
}

static char *log_stop(const char *where)
{
    return g_strdup_printf("T%02xthread:01;replaylog:%s;", GDB_SIGTRAP, where);
}

/* Execution goes on: what the debugger scribbled in replay is undone. */
static void depart(Gdbstub *g)
{
    points_sync(g);
    stub_cpu(g)->watch_hit.valid = false;
    if (g->replay) {
        replay_diversion_end(g->replay);
    }
}

static void resume(Gdbstub *g)
{
    depart(g);
    sched_skip_breakpoint(g->machine);
    g->waiting = true;
    g->interrupted = false;
    runstate_set(g->machine, RUN_RUNNING);
}

void resume_continue(Gdbstub *g)
{
    if (at_log_end(g)) {
        stub_send_stop(g, log_stop("end"));
        return;
    }
    resume(g);
}

void resume_step(Gdbstub *g)
{
    if (at_log_end(g)) {
        stub_send_stop(g, log_stop("end"));
        return;
    }
    sched_set_step(g->machine, now(g) + 1);
    resume(g);
}

void resume_stopped(Gdbstub *g, RunState state)
{
    sched_set_step(g->machine, ICOUNT_NONE);
    if (g->interrupted) {
        stub_send_stop(g, g_strdup_printf("T%02xthread:01;", GDB_SIGINT));
    } else if (replay_at_end(g->replay) && state != RUN_DEBUG) {
        stub_send_stop(g, log_stop("end"));
    } else if (state == RUN_DEBUG) {
        stub_send_stop(g, point_stop_reply(g, &stub_cpu(g)->watch_hit));
    } else {
        stub_send_stop(g, g_strdup_printf("T%02xthread:01;", GDB_SIGINT));
    }
}

/* --- backwards -------------------------------------------------------------------- */

/* True after a ^C. */
static bool poll_interrupt(void *opaque)
{
    const Gdbstub *g = opaque;
    return g->interrupted;
}

static char *reverse_reply(Gdbstub *g, ReverseStop stop, const WatchHit *hit)
{
    switch (stop) {
    case REVERSE_BEGIN:
        return log_stop("begin");
    case REVERSE_INTERRUPTED:
        return g_strdup_printf("T%02xthread:01;", GDB_SIGINT);
    case REVERSE_WATCHPOINT:
        return point_stop_reply(g, hit);
    case REVERSE_BREAKPOINT:
    case REVERSE_STEP:
        break;
    }
    return point_stop_reply(g, NULL);
}

void resume_reverse(Gdbstub *g, bool step)
{
    if (!replay_can_reverse(g->replay)) {
        stub_send(g, "E14");
        return;
    }
    depart(g);
    WatchHit hit = { 0 };
    ReverseStop stop;
    Error *err = NULL;
    g->travelling = true;
    g->interrupted = false;
    bool ok = step ? replay_reverse_step(g->replay, &stop, &err)
                   : replay_reverse_continue(g->replay, poll_interrupt, g,
                                             &stop, &hit, &err);
    g->travelling = false;
    if (!g->connected) {
        replay_return_to_present(g->replay);
    }
    if (!ok) {
        error_report("gdb: %s", error_message(err));
        error_free(err);
        stub_send(g, "E14");
        return;
    }
    stub_send_stop(g, reverse_reply(g, stop, &hit));
}
