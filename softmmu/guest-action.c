/*
 * Panics and watchdogs. See vm/guest-action.h.
 */
#include "vm/guest-action.h"

#include <stdlib.h>

#include "base/log.h"
#include "softmmu.h"
#include "vm/guest-port.h"
#include "vm/machine.h"

/* ORDER run-event-action (qapi/run-state.json: GuestPanicAction). */
enum { TOLD_PAUSE, TOLD_POWEROFF, TOLD_RUN };

static void tell(Machine *m, RunEventType type, unsigned action)
{
    RunEvent ev = { .type = type, .guest = true, .action = action };
    if (!m->debug.travelling) {
        runstate_tell(m, &ev);
    }
}

/* -------- panics ----------------------------------------------------------- */

/* With -no-shutdown the machine stays to be looked at. */
static bool pauses(const Machine *m)
{
    PanicAction a = m->config.panic_action;
    return a == PANIC_PAUSE || (a == PANIC_SHUTDOWN && m->no_shutdown);
}

void guest_panicked(Machine *m)
{
    PanicAction a = m->config.panic_action;

    guest_error("the guest says that it has panicked\n");
    if (a == PANIC_NONE) {
        tell(m, RUN_EVENT_PANIC, TOLD_RUN);
    } else if (pauses(m)) {
        tell(m, RUN_EVENT_PANIC, TOLD_PAUSE);
        runstate_request_guest_stop(m, RUN_GUEST_PANICKED);
    } else {
        tell(m, RUN_EVENT_PANIC, TOLD_POWEROFF);
        runstate_request_shutdown(m, CAUSE_GUEST_PANIC,
                                  a == PANIC_EXIT_FAILURE ? EXIT_FAILURE : 0);
    }
}

void guest_crash_loaded(Machine *m)
{
    guest_error("the guest says that its crash kernel runs\n");
    tell(m, RUN_EVENT_CRASH_LOADED, TOLD_RUN);
}

/* -------- buttons ------------------------------------------------------------ */

static void press(const MachineButton *b)
{
    if (b->press) {
        b->press(b->opaque);
    }
}

void guest_press_power(Machine *m)
{
    press(&m->power_button);
    tell(m, RUN_EVENT_POWERDOWN, 0);
}

void guest_press_nmi(Machine *m)
{
    press(&m->nmi_button);
}

void guest_write_port(Machine *m, unsigned port, uint32_t value,
                      unsigned size)
{
    address_space_st(m->io, port, value, size);
}

/* -------- watchdogs --------------------------------------------------------- */

static void tell_user(const Machine *m)
{
    if (!m->debug.travelling) {
        error_report("watchdog: timer fired");
    }
}

void guest_watchdog_expired(Machine *m)
{
    unsigned action = machine_watchdog_action(m);

    tell(m, RUN_EVENT_WATCHDOG, action);
    switch ((WatchdogActionKind)action) {
    case WATCHDOG_RESET:
        runstate_request_reset(m, CAUSE_GUEST_RESET);
        break;
    case WATCHDOG_SHUTDOWN:
        guest_press_power(m);
        break;
    case WATCHDOG_POWEROFF:
        runstate_request_shutdown(m, CAUSE_GUEST_SHUTDOWN, 0);
        break;
    case WATCHDOG_PAUSE:
        runstate_request_guest_stop(m, RUN_WATCHDOG);
        break;
    case WATCHDOG_DEBUG:
        tell_user(m);
        break;
    case WATCHDOG_INJECT_NMI:
        guest_press_nmi(m);
        break;
    case WATCHDOG_NONE:
    case WATCHDOG_ACTIONS:
        break;
    }
}
