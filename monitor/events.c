/*
 * QMP events: what happened to the machine, told to every session.
 */
#include "monitor.h"

#include "qapi-events.h"

/* QMP's event timestamps are the host's wall clock: they are for people and
 * never reach the guest. */
static json_t *timestamp(void)
{
    int64_t us = g_get_real_time();
    return json_pack("{s:I,s:I}", "seconds", (json_int_t)(us / 1000000),
                     "microseconds", (json_int_t)(us % 1000000));
}

void events_send(Monitor *mon, json_t *event)
{
    if (!mon->negotiated) {
        json_decref(event);
        return;
    }
    json_object_set_new(event, "timestamp", timestamp());
    qmp_send(mon, event);
}

static void send_guest_event(Monitor *mon, const RunEvent *ev)
{
    switch (ev->type) {
    case RUN_EVENT_PANIC:
        events_send(mon, qapi_event_guest_panicked(
                            (GuestPanicAction)ev->action));
        break;
    case RUN_EVENT_CRASH_LOADED:
        events_send(mon, qapi_event_guest_crashloaded(
                            (GuestPanicAction)ev->action));
        break;
    case RUN_EVENT_WATCHDOG:
        events_send(mon, qapi_event_watchdog((WatchdogAction)ev->action));
        break;
    case RUN_EVENT_POWERDOWN:
        events_send(mon, qapi_event_powerdown());
        break;
    default:
        break;
    }
}

void events_broadcast(Machine *m, json_t *event)
{
    const GPtrArray *sessions = monitor_shared(m)->sessions;
    for (guint i = 0; i < sessions->len; i++) {
        Monitor *mon = g_ptr_array_index(sessions, i);
        if (mon->mode == MONITOR_CONTROL) {
            events_send(mon, json_copy(event));
        }
    }
    json_decref(event);
}

void events_run(void *opaque, const RunEvent *ev)
{
    Monitor *mon = opaque;
    switch (ev->type) {
    case RUN_EVENT_STATE:
        if (ev->new_state == RUN_RUNNING) {
            events_send(mon, qapi_event_resume());
        } else if (ev->old_state == RUN_RUNNING) {
            events_send(mon, qapi_event_stop());
        }
        break;
    case RUN_EVENT_RESET:
        events_send(mon, qapi_event_reset(ev->guest,
                                         (ShutdownCauseName)ev->cause));
        break;
    case RUN_EVENT_SHUTDOWN:
        events_send(mon, qapi_event_shutdown(ev->guest,
                                            (ShutdownCauseName)ev->cause));
        chardev_drain(mon->chr);
        break;
    default:
        send_guest_event(mon, ev);
        break;
    case RUN_EVENT_TRAVEL:
        if (ev->travel) {
            events_send(mon, qapi_event_replay_progress(ev->travel, ev->begin,
                                                       ev->at));
        }
        break;
    }
}
