/*
 * A monitor: QMP or the human monitor on one chardev.
 *
 * Implemented by monitor/; created by the roof for -monitor, -qmp and -mon.
 */
#ifndef SVC_MONITOR_H
#define SVC_MONITOR_H

#include "io/chardev.h"
#include "svc/timeline.h"

typedef enum MonitorMode {
    MONITOR_READLINE,      /* HMP: lines typed by a person */
    MONITOR_CONTROL,       /* QMP: JSON */
} MonitorMode;

typedef struct Monitor Monitor;

/* Makes the machine carry out commands that change the guest when they are
 * delivered (they pass the boundary). Called once, before record or replay
 * starts, whether or not there will be a monitor. */
void monitor_init(Machine *m);
/* What monitors ask of the roof. */
typedef struct MonitorRoof {
    void *opaque;
    /* Starts a gdb stub on a device as -gdb takes it; "none": ends it. */
    bool (*gdbserver)(void *opaque, const char *device, Error **errp);
    /* Opens a character device; options as -chardev takes them. */
    bool (*chardev_add)(void *opaque, const char *options, Error **errp);
    bool (*chardev_remove)(void *opaque, const char *id, Error **errp);
} MonitorRoof;

/* Once, before there are sessions. */
void monitor_set_roof(Machine *m, const MonitorRoof *roof);
/* Ends what the monitors have going on in the background. */
void monitor_done(Machine *m);

/* Serves the machine on chr, which it takes over with chardev_set_handlers()
 * but does not own. r may be NULL (no record/replay). pretty: QMP answers are
 * indented. Cannot fail. */
Monitor *monitor_new(Machine *m, Replay *r, Chardev *chr, MonitorMode mode,
                     bool pretty);
/* Lets go of the chardev; NULL is allowed. */
void monitor_free(Monitor *mon);

/* Runs one HMP command line for somebody else (gdb's `monitor`, QMP's
 * human-monitor-command) and returns what it printed; the caller frees it. *cpu:
 * the vCPU that it is about; the command `cpu` changes it. */
char *monitor_run_hmp(Machine *m, Replay *r, unsigned *cpu, const char *line);

#endif
