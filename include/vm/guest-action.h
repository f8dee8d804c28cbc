/*
 * What becomes of a machine whose guest has panicked, or whose watchdog timer
 * has run out: -action panic=, -action watchdog=; and the buttons of the case.
 *
 * Implemented by softmmu/guest-action.c; called by the devices that notice
 * (pvpanic, watchdogs). Both happen at an exact icount, in a replay again. What
 * would stop the machine for good does not end a replay whose recording goes
 * on: then somebody let it.
 */
#ifndef VM_GUEST_ACTION_H
#define VM_GUEST_ACTION_H

#include "base/types.h"

/* ORDER panic-action (cli/options-machine.c: the words of -action). */
typedef enum PanicAction {
    PANIC_PAUSE,
    PANIC_SHUTDOWN,
    PANIC_EXIT_FAILURE,
    PANIC_NONE,
} PanicAction;

/* ORDER watchdog-action (qapi/run-state.json: WatchdogAction). */
typedef enum WatchdogActionKind {
    WATCHDOG_RESET,
    WATCHDOG_SHUTDOWN,         /* the power button */
    WATCHDOG_POWEROFF,
    WATCHDOG_PAUSE,
    WATCHDOG_DEBUG,            /* a line on the terminal */
    WATCHDOG_NONE,
    WATCHDOG_INJECT_NMI,
    WATCHDOG_ACTIONS,
} WatchdogActionKind;

/* The guest says that its system has crashed. */
void guest_panicked(Machine *m);
/* It has, and another one, for a dump, has been started in its place. */
void guest_crash_loaded(Machine *m);

/* Somebody presses a button of the case, if it has one. */
void guest_press_power(Machine *m);
void guest_press_nmi(Machine *m);

/* A watchdog's time is up. */
void guest_watchdog_expired(Machine *m);
/* The action is the machine's state: it may change while it runs. */
void guest_set_watchdog_action(Machine *m, WatchdogActionKind action);

#endif
