/*
 * Whether the machine runs, and who changed that. See vm/runstate.h.
 */
#include "vm/runstate.h"

#include "softmmu.h"
#include "vm/cpu.h"
#include "vm/machine.h"

typedef struct Listener {
    RunListener *fn;
    void *opaque;
} Listener;

struct RunControl {
    RunState state;
    GArray *listeners;             /* Listener */
    ShutdownCause reset_wanted;    /* CAUSE_NONE: not wanted */
    ShutdownCause shutdown_wanted;
    ShutdownCause cause;           /* of the shutdown that happened */
    bool stop_wanted, stop_by_guest;
    RunState stop_state;
    bool quit;
    int exit_code;
};

/* ORDER runstate (include/vm/runstate.h) */
static const char *const state_names[] = {
    "debug",   "guest-panicked", "internal-error", "io-error", "paused",
    "prelaunch", "restore-vm", "running", "save-vm", "shutdown", "watchdog",
};

/* ORDER shutdown-cause (include/vm/runstate.h) */
static const char *const cause_names[] = {
    "none",        "host-qmp-quit",  "host-qmp-system-reset",
    "host-signal", "host-ui",        "guest-shutdown",
    "guest-reset", "guest-panic",    "replay-end",
};

struct RunControl *run_control_new(void)
{
    struct RunControl *rc = g_new0(struct RunControl, 1);
    rc->state = RUN_PRELAUNCH;
    rc->listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
    return rc;
}

void run_control_free(struct RunControl *rc)
{
    g_array_free(rc->listeners, TRUE);
    g_free(rc);
}

RunState runstate(Machine *m)
{
    return m->run->state;
}

bool runstate_running(Machine *m)
{
    return m->run->state == RUN_RUNNING;
}

const char *runstate_name(RunState s)
{
    return state_names[s];
}

const char *shutdown_cause_name(ShutdownCause c)
{
    return cause_names[c];
}

static bool caused_by_guest(ShutdownCause c)
{
    return c == CAUSE_GUEST_SHUTDOWN || c == CAUSE_GUEST_RESET ||
           c == CAUSE_GUEST_PANIC;
}

/* A listener may remove itself while it is told. Nobody is told of what
 * happens again while a replay travels. */
void runstate_tell(Machine *m, const RunEvent *ev)
{
    g_autoptr(GArray) all = g_array_copy(m->run->listeners);
    for (guint i = 0; i < all->len; i++) {
        Listener *l = &g_array_index(all, Listener, i);
        l->fn(l->opaque, ev);
    }
}

static void tell(Machine *m, const RunEvent *ev)
{
    if (!m->debug.travelling) {
        runstate_tell(m, ev);
    }
}

void runstate_set(Machine *m, RunState s)
{
    RunEvent ev = { .type = RUN_EVENT_STATE, .old_state = m->run->state,
                    .new_state = s };
    if (ev.old_state != s) {
        m->run->state = s;
        tell(m, &ev);
    }
}

void runstate_listen(Machine *m, RunListener *fn, void *opaque)
{
    Listener l = { fn, opaque };
    g_array_append_val(m->run->listeners, l);
}

void runstate_unlisten(Machine *m, RunListener *fn, void *opaque)
{
    GArray *list = m->run->listeners;
    for (guint i = 0; i < list->len; i++) {
        Listener *l = &g_array_index(list, Listener, i);
        if (l->fn == fn && l->opaque == opaque) {
            g_array_remove_index(list, i);
            return;
        }
    }
}

/* --- requests ------------------------------------------------------------------ */

static void kick_all(Machine *m)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        cpu_kick(g_ptr_array_index(m->cpus, i));
    }
}

void runstate_request_reset(Machine *m, ShutdownCause cause)
{
    if (m->no_reboot && caused_by_guest(cause)) {
        runstate_request_shutdown(m, cause, 0);
        return;
    }
    m->run->reset_wanted = cause;
    kick_all(m);
}

void runstate_request_shutdown(Machine *m, ShutdownCause cause, int exit_code)
{
    m->run->shutdown_wanted = cause;
    m->run->exit_code = exit_code;
    kick_all(m);
}

void runstate_request_stop(Machine *m, RunState s)
{
    m->run->stop_wanted = true;
    m->run->stop_by_guest = false;
    m->run->stop_state = s;
    kick_all(m);
}

void runstate_request_guest_stop(Machine *m, RunState s)
{
    if (!m->run->stop_wanted) {
        runstate_request_stop(m, s);
        m->run->stop_by_guest = true;
    }
}

bool runstate_request_pending(Machine *m)
{
    const struct RunControl *rc = m->run;
    return rc->reset_wanted || rc->shutdown_wanted || rc->stop_wanted ||
           rc->quit;
}

static void do_reset(Machine *m)
{
    RunEvent ev = { .type = RUN_EVENT_RESET, .cause = m->run->reset_wanted,
                    .guest = caused_by_guest(m->run->reset_wanted) };
    m->run->reset_wanted = CAUSE_NONE;
    machine_reset(m);
    /* Not what a replay finds when it arrives at this icount. */
    m->sched.at_boundary = false;
    tell(m, &ev);
}

static void do_shutdown(Machine *m)
{
    struct RunControl *rc = m->run;
    RunEvent ev = { .type = RUN_EVENT_SHUTDOWN, .cause = rc->shutdown_wanted,
                    .guest = caused_by_guest(rc->shutdown_wanted) };
    rc->cause = rc->shutdown_wanted;
    rc->shutdown_wanted = CAUSE_NONE;
    tell(m, &ev);
    if (m->no_shutdown) {
        runstate_set(m, RUN_SHUTDOWN);
    } else {
        rc->quit = true;
    }
}

void runstate_handle_requests(Machine *m)
{
    struct RunControl *rc = m->run;
    if (rc->reset_wanted) {
        do_reset(m);
    }
    if (rc->shutdown_wanted) {
        do_shutdown(m);
    }
    if (rc->stop_wanted) {
        rc->stop_wanted = rc->stop_by_guest = false;
        runstate_set(m, rc->stop_state);
    }
}

bool runstate_drop_shutdown(Machine *m)
{
    bool waited = m->run->shutdown_wanted;
    m->run->shutdown_wanted = CAUSE_NONE;
    return waited;
}

void runstate_drop_guest_stop(Machine *m)
{
    if (m->run->stop_by_guest) {
        m->run->stop_wanted = m->run->stop_by_guest = false;
    }
}

bool runstate_quit_requested(Machine *m, int *exit_code)
{
    if (m->run->quit) {
        *exit_code = m->run->exit_code;
    }
    return m->run->quit;
}

void runstate_quit(Machine *m, ShutdownCause cause, int exit_code)
{
    struct RunControl *rc = m->run;
    if (!rc->quit) {
        RunEvent ev = { .type = RUN_EVENT_SHUTDOWN, .cause = cause };
        rc->quit = true;
        rc->cause = cause;
        rc->exit_code = exit_code;
        tell(m, &ev);
        kick_all(m);
    }
}

ShutdownCause runstate_shutdown_cause(Machine *m)
{
    return m->run->cause;
}

void runstate_rewind(Machine *m)
{
    struct RunControl *rc = m->run;
    rc->reset_wanted = CAUSE_NONE;
    rc->shutdown_wanted = CAUSE_NONE;
    rc->stop_wanted = rc->stop_by_guest = false;
    rc->cause = CAUSE_NONE;
}
