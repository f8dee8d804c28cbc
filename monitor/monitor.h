/*
 * What the files of monitor/ share: a session, and how commands are run.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "io/outfile.h"
#include "qapi-commands.h"
#include "svc/monitor.h"
#include "vm/cpu.h"

struct Readline;

struct Monitor {
    Machine *machine;
    Replay *replay;
    Chardev *chr;
    MonitorMode mode;
    bool pretty;
    bool negotiated;       /* QMP: qmp_capabilities was given */
    unsigned peer;         /* counts those who came and went: during a command
                            * that takes long, another one may have */
    GString *input;        /* QMP: JSON text not complete yet */
    struct Readline *readline;
    unsigned cpu;          /* HMP: the one that the command `cpu` chose */
    bool busy;             /* HMP: a command is being carried out */
    GPtrArray *jobs;       /* QMP: that have ended (qmp-job.c); NULL: none yet */
    GString *waiting;      /* what came while the machine was travelling */
    guint waiting_source;
    GHashTable *fds;       /* name -> descriptor that getfd brought */
};

/* What the monitors of a machine have in common. */
typedef struct MonitorShared {
    Machine *machine;
    GPtrArray *sessions;   /* Monitor */
    struct MonitorDump *dump; /* dump.c */
    MonitorRoof roof;
} MonitorShared;

/* It is what the port of monitors' commands belongs to (monitor_init()). */
static inline MonitorShared *monitor_shared(const Machine *m)
{
    return m->command_port->device;
}

/* What the roof offers; with a roof that offers nothing (a test) an error, and
 * false. */
bool monitor_has_roof(const Machine *m, Error **errp);

/* --- qmp.c: a QMP connection -------------------------------------------------- */

void qmp_open(Monitor *mon);
void qmp_input(Monitor *mon, const uint8_t *data, size_t len);
/* Sends a JSON object and frees it. */
void qmp_send(Monitor *mon, json_t *o);

/* --- dispatch.c: the command table ------------------------------------------- */

/* Runs a request object; returns the response object, or NULL if it was not
 * an object (an error was put in *errp). mon may be NULL: no negotiation. */
json_t *dispatch_request(Monitor *mon, QmpContext *ctx, const json_t *request);
/* Runs a command by name as an HMP command does. args is taken over. False
 * with an error. */
bool dispatch_command(QmpContext *ctx, const char *name, json_t *args,
                      Error **errp);

/* --- refused.c ------------------------------------------------------------- */

/* Why a command of QEMU's is refused; NULL: it is not one of those. */
const char *refused_qmp(const char *name);
const char *refused_hmp(const char *name);
const char *refused_info(const char *name);

/* --- files.c -------------------------------------------------------------- */

/* outfile_open(), but for a file of this machine: its disks, its recording. */
bool monitor_open_file(QmpContext *ctx, OutFile *f, const char *path,
                       Error **errp);

/* --- fds.c ----------------------------------------------------------------- */

/* Takes a descriptor that getfd brought to this session; -1 with an error. */
int monitor_take_fd(QmpContext *ctx, const char *name, Error **errp);
/* A session's table of them. */
GHashTable *monitor_fds_new(void);

/* --- dump.c ---------------------------------------------------------------- */

struct MonitorDump *monitor_dump_new(void);
void monitor_dump_free(struct MonitorDump *s);

/* --- events.c -------------------------------------------------------------------- */

/* Sends what happens to a QMP session; a RunListener. */
void events_run(void *opaque, const RunEvent *ev);

/* Adds the time and sends an event to one session; it is taken over. */
void events_send(Monitor *mon, json_t *event);
/* The same to the sessions of all monitors. */
void events_broadcast(Machine *m, json_t *event);

/* --- qom.c ----------------------------------------------------------------- */

/* The path of a device in the tree of objects; freed by the caller. */
char *qom_device_path(const Machine *m, const Device *dev);

/* --- hmp.c ------------------------------------------------------------------------- */

typedef struct Hmp {
    QmpContext ctx;
    GString *out;
    unsigned cpu;          /* the number of the one that it asks about */
} Hmp;

/* Runs one line; what it prints goes to h->out. */
void hmp_run(Hmp *h, const char *line);
/* What the last word of the line may become, in order (a GPtrArray of char *
 * that frees them); the word begins at *word_at. */
GPtrArray *hmp_complete(Hmp *h, const char *line, size_t *word_at);
/* Prints "Error: …" and frees the error. */
void hmp_error(Hmp *h, Error *err);
void hmp_print(Hmp *h, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static inline Cpu *hmp_cpu(Hmp *h)
{
    return g_ptr_array_index(h->ctx.machine->cpus, h->cpu);
}

/* --- expr.c ------------------------------------------------------------------------ */

/* Evaluates a C-like expression with $registers at *p, and moves *p behind
 * it. False with an error. */
bool expr_eval(Cpu *cpu, const char **p, uint64_t *value, Error **errp);

/* --- disas.c ------------------------------------------------------------------------ */

/* Prints count instructions at a virtual or physical address. */
void disas_print(Hmp *h, uint64_t addr, unsigned count, bool physical);

/* --- readline.c ------------------------------------------------------------------------ */

typedef struct Readline Readline;
typedef void ReadlineDone(void *opaque, const char *line);

/* As hmp_complete(). */
typedef GPtrArray *ReadlineComplete(void *opaque, const char *line,
                                    size_t *word_at);

Readline *readline_new(Chardev *chr, const char *prompt, ReadlineDone *done,
                       void *opaque);
void readline_set_complete(Readline *r, ReadlineComplete *complete);
void readline_free(Readline *r);
void readline_show_prompt(Readline *r);
/* The nth line that was typed; NULL behind the last. */
const char *readline_history(const Readline *r, unsigned n);
void readline_feed(Readline *r, uint8_t byte);

#endif
