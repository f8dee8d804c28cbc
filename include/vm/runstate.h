/*
 * Whether the machine runs, and who may change that.
 *
 * Implemented by softmmu/runstate.c. Monitors, gdbstub, replay and devices ask
 * for changes; the roof's loop acts on them between slices. Reset and
 * shutdown requested by the guest take effect at the next instruction
 * boundary, so that they happen at an exact icount.
 */
#ifndef VM_RUNSTATE_H
#define VM_RUNSTATE_H

#include "base/types.h"

/* ORDER runstate (softmmu/runstate.c); the words are QMP's RunState. */
typedef enum RunState {
    RUN_DEBUG,             /* stopped by gdb or a replay break */
    RUN_GUEST_PANICKED,    /* stopped by a panic (vm/guest-action.h) */
    RUN_INTERNAL_ERROR,    /* stopped because of a divergence */
    RUN_IO_ERROR,
    RUN_PAUSED,
    RUN_PRELAUNCH,         /* -S, not started yet */
    RUN_RESTORE_VM,
    RUN_RUNNING,
    RUN_SAVE_VM,
    RUN_SHUTDOWN,          /* powered off, with -no-shutdown */
    RUN_WATCHDOG,          /* stopped by a watchdog */
} RunState;

/* Why a machine was shut down or reset; ORDER shutdown-cause. The words are
 * QMP's ShutdownCause. */
typedef enum ShutdownCause {
    CAUSE_NONE,
    CAUSE_HOST_QMP_QUIT,
    CAUSE_HOST_QMP_SYSTEM_RESET,
    CAUSE_HOST_SIGNAL,
    CAUSE_HOST_UI,
    CAUSE_GUEST_SHUTDOWN,
    CAUSE_GUEST_RESET,
    CAUSE_GUEST_PANIC,
    CAUSE_REPLAY_END,
} ShutdownCause;

typedef enum RunEventType {
    RUN_EVENT_STATE,       /* state changed: old -> new */
    RUN_EVENT_RESET,
    RUN_EVENT_SHUTDOWN,
    RUN_EVENT_TRAVEL,      /* a long seek or search goes on */
    RUN_EVENT_PANIC,       /* these three: vm/guest-action.h */
    RUN_EVENT_CRASH_LOADED,
    RUN_EVENT_WATCHDOG,
    RUN_EVENT_POWERDOWN,   /* somebody pressed the power button */
} RunEventType;

typedef struct RunEvent {
    RunEventType type;
    RunState old_state, new_state;
    ShutdownCause cause;
    bool guest;            /* the guest asked for it */
    unsigned action;       /* PANIC, CRASH_LOADED: ORDER run-event-action;
                            * WATCHDOG: ORDER watchdog-action */
    const char *travel;    /* "seek" or "search"; NULL: it is over */
    Icount begin, at;      /* where it began, how far it got */
} RunEvent;

typedef void RunListener(void *opaque, const RunEvent *ev);

RunState runstate(Machine *m);
bool runstate_running(Machine *m);
const char *runstate_name(RunState s);
const char *shutdown_cause_name(ShutdownCause c);

/* Changes the state and tells the listeners; same state: nothing. */
void runstate_set(Machine *m, RunState s);
void runstate_listen(Machine *m, RunListener *fn, void *opaque);
/* Tells the listeners of something that changes no state. */
void runstate_tell(Machine *m, const RunEvent *ev);
void runstate_unlisten(Machine *m, RunListener *fn, void *opaque);

/* Ask for a reset or a power-off at the next instruction boundary. exit_code
 * is what the process returns if the shutdown ends it (isa-debug-exit). */
void runstate_request_reset(Machine *m, ShutdownCause cause);
void runstate_request_shutdown(Machine *m, ShutdownCause cause,
                               int exit_code);
/* Ask the run loop to stop at the next boundary and enter state s. */
void runstate_request_stop(Machine *m, RunState s);
/* The same for the guest's own doing, which happens again in a replay. */
void runstate_request_guest_stop(Machine *m, RunState s);

/* --- for accel/sched.c and the roof ----------------------------------- */

/* True if a reset, shutdown or stop waits; sched then leaves its slice. */
bool runstate_request_pending(Machine *m);
/* Carries out what waits: resets the machine; enters SHUTDOWN or quits
 * according to machine->no_reboot/no_shutdown. */
void runstate_handle_requests(Machine *m);
/* Forgets a shutdown that waits: something goes on after it (a recording, a
 * diversion). True if there was one. */
bool runstate_drop_shutdown(Machine *m);
/* The same for a stop that was the guest's doing. */
void runstate_drop_guest_stop(Machine *m);
/* True once the process should exit, with that code. */
bool runstate_quit_requested(Machine *m, int *exit_code);
/* Leave the process now, whatever the guest is doing (quit, SIGTERM). */
void runstate_quit(Machine *m, ShutdownCause cause, int exit_code);
/* The cause of the shutdown or quit so far. */
ShutdownCause runstate_shutdown_cause(Machine *m);
/* Forgets requests and a shutdown: the machine went back in time. */
void runstate_rewind(Machine *m);

#endif
