/*
 * -replay-end: what becomes of a replay that has come to the end of its
 * recording. A person wants to look back from there; a script wants it to end.
 */
#include "program.h"

bool opt_replay_end(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    static const char *const words[] = {
        [REPLAY_END_PAUSE] = "pause",
        [REPLAY_END_EXIT] = "exit",
        [REPLAY_END_SHUTDOWN] = "shutdown",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (g_str_equal(arg, words[i])) {
            o->replay_end = i;
            return true;
        }
    }
    error_set(errp, "pause, exit or shutdown is expected");
    return false;
}

/* A machine that stopped while it ran forward, at the end or because it came
 * to differ; not one that a debugger moved there. */
static void replay_stopped(void *opaque, const RunEvent *ev)
{
    const Program *p = opaque;
    bool diverged = replay_divergence(p->replay) != NULL;
    if (ev->type == RUN_EVENT_STATE && ev->old_state == RUN_RUNNING &&
        ev->new_state != RUN_DEBUG &&
        (diverged || machine_icount(p->m) >= replay_end(p->replay))) {
        runstate_quit(p->m, CAUSE_REPLAY_END, diverged);
    }
}

bool program_arm_replay_end(Program *p, Error **errp)
{
    ReplayEndAction action = p->opts.replay_end;
    bool play = replay_mode(p->replay) == REPLAY_PLAY;
    if (action != REPLAY_END_PAUSE && !play) {
        error_set(errp, "-replay-end needs -icount …,rr=replay");
        return false;
    }
    if (action == REPLAY_END_EXIT ||
        (action == REPLAY_END_SHUTDOWN && !p->opts.no_shutdown)) {
        runstate_listen(p->m, replay_stopped, p);
    }
    return true;
}
