/*
 * Making the machine move, in either direction, and saying where it stopped.
 */
#include "stub.h"
#include "vm/turn.h"
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

static char *log_stop(Gdbstub *g, const char *where)
{
    g_autofree char *rest = g_strdup_printf("replaylog:%s;", where);
    return stub_stop_text(g, GDB_SIGTRAP, rest);
}

static void depart(Gdbstub *g)
{
    Cpu *cpu;
    points_sync(g);
    for (guint i = 0; (cpu = stub_nth_cpu(g, i)); i++) {
        cpu->watch_hit.valid = false;
    }
}

/* The machine cannot go on: gdb prints why, and has stopped. */
static void refused(Gdbstub *g, Error *err)
{
    g_autofree char *text = g_strdup_printf("%s\n", error_message(err));
    error_free(err);
    stub_send_text(g, text, strlen(text));
    stub_send_stop(g, stub_stop_text(g, GDB_SIGTRAP, ""));
}

static void resume(Gdbstub *g, const Cpu *step)
{
    Error *err = NULL;
    if (at_log_end(g) && !replay_diverts(g->replay)) {
        /* What the debugger wrote is undone here as anywhere. */
        replay_diversion_end(g->replay);
        stub_send_stop(g, log_stop(g, "end"));
        return;
    }
    depart(g);
    g->waiting = true;
    g->interrupted = false;
    g->stepping = step;
    if (!gate_run(g->machine, g->replay, step, &err)) {
        refused(g, err);
    }
}

void resume_continue(Gdbstub *g)
{
    resume(g, NULL);
}

void resume_step(Gdbstub *g, const Cpu *cpu)
{
    resume(g, cpu);
}

void resume_detached(Gdbstub *g)
{
    Error *err = NULL;
    points_clear(g);
    stub_send(g, "OK");
    replay_diversion_end(g->replay);
    replay_return_to_present(g->replay);
    g->waiting = false;
    if (!gate_run(g->machine, g->replay, NULL, &err)) {
        error_report("gdb has let go, but %s", error_message(err));
        error_free(err);
    }
}

/* The vCPU that is why the machine stopped; its watchpoint, if that was it. */
static Cpu *stopped_cpu(Gdbstub *g, const WatchHit **hit)
{
    const MachineSched *s = &g->machine->sched;
    Cpu *cpu;
    *hit = NULL;
    for (guint i = 0; (cpu = stub_nth_cpu(g, i)); i++) {
        if (cpu->watch_hit.valid) {
            *hit = &cpu->watch_hit;
            return cpu;
        }
    }
    bool stepped = g->stepping && s->step_done == now(g);
    return stepped ? stub_nth_cpu(g, g->stepping->index)
                   : machine_cpu(g->machine);
}

void resume_stopped(Gdbstub *g, RunState state)
{
    const WatchHit *hit;
    g->cpu = stopped_cpu(g, &hit);
    if (g->interrupted) {
        stub_send_stop(g, stub_stop_text(g, GDB_SIGINT, ""));
    } else if (replay_at_end(g->replay) && state != RUN_DEBUG) {
        stub_send_stop(g, log_stop(g, "end"));
    } else if (state == RUN_DEBUG) {
        stub_send_stop(g, point_stop_reply(g, hit));
    } else {
        stub_send_stop(g, stub_stop_text(g, GDB_SIGINT, ""));
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
        return log_stop(g, "begin");
    case REVERSE_INTERRUPTED:
        return stub_stop_text(g, GDB_SIGINT, "");
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
    Cpu *moving = g->resume_cpu ? g->resume_cpu : g->cpu;
    g->travelling = true;
    g->interrupted = false;
    bool ok = step ? replay_reverse_step(g->replay, moving, &stop, &err)
                   : replay_reverse_continue(g->replay, poll_interrupt, g,
                                             &stop, &hit, &err);
    g->travelling = false;
    if (!ok) {
        stub_send_error(g, err);
        return;
    }
    g->cpu = step ? moving
             : hit.valid ? stub_nth_cpu(g, hit.cpu)
                         : machine_cpu(g->machine);
    stub_send_stop(g, reverse_reply(g, stop, &hit));
}
