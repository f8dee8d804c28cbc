/*
 * Making the machine move, in either direction, and saying where it stopped.
 */
#include "stub.h"
#include "svc/gate.h"

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

static void depart(Gdbstub *g)
{
    points_sync(g);
    stub_cpu(g)->watch_hit.valid = false;
}

/* The machine cannot go on: gdb prints why, and has stopped. */
static void refused(Gdbstub *g, Error *err)
{
    g_autofree char *text = g_strdup_printf("%s\n", error_message(err));
    error_free(err);
    stub_send_text(g, text, strlen(text));
    stub_send_stop(g, g_strdup_printf("T%02xthread:01;", GDB_SIGTRAP));
}

static void resume(Gdbstub *g, bool one_insn)
{
    Error *err = NULL;
    if (at_log_end(g) && !replay_diverts(g->replay)) {
        /* What the debugger wrote is undone here as anywhere. */
        replay_diversion_end(g->replay);
        stub_send_stop(g, log_stop("end"));
        return;
    }
    depart(g);
    g->waiting = true;
    g->interrupted = false;
    if (!gate_run(g->machine, g->replay, one_insn, &err)) {
        refused(g, err);
    }
}

void resume_continue(Gdbstub *g)
{
    resume(g, false);
}

void resume_step(Gdbstub *g)
{
    resume(g, true);
}

void resume_detached(Gdbstub *g)
{
    Error *err = NULL;
    points_clear(g);
    stub_send(g, "OK");
    replay_diversion_end(g->replay);
    replay_return_to_present(g->replay);
    g->waiting = false;
    if (!gate_run(g->machine, g->replay, false, &err)) {
        error_report("gdb has let go, but %s", error_message(err));
        error_free(err);
    }
}

void resume_stopped(Gdbstub *g, RunState state)
{
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
    replay_diversion_end(g->replay);
    WatchHit hit = { 0 };
    ReverseStop stop;
    Error *err = NULL;
    g->travelling = true;
    g->interrupted = false;
    bool ok = step ? replay_reverse_step(g->replay, &stop, &err)
                   : replay_reverse_continue(g->replay, poll_interrupt, g,
                                             &stop, &hit, &err);
    g->travelling = false;
    if (!ok) {
        stub_send_error(g, err);
        return;
    }
    stub_send_stop(g, reverse_reply(g, stop, &hit));
}
