/*
 * The tree of objects that QMP shows: qom.c walks it, qmp-qom.c asks it.
 */
#ifndef MONITOR_QOM_H
#define MONITOR_QOM_H

#include "monitor.h"

typedef enum QomKind {
    QOM_ROOT,
    QOM_MACHINE,
    QOM_PERIPHERAL,        /* devices that the user named */
    QOM_UNATTACHED,        /* all others, and the vCPUs */
    QOM_OBJECTS,
    QOM_CHARDEVS,
    QOM_DEVICE,
    QOM_CPU,
    QOM_CHARDEV,
} QomKind;

typedef struct QomNode {
    QomKind kind;
    const void *object;    /* Device, Cpu or Chardev; NULL: there is only one */
} QomNode;

/* Told of a child: its name in the parent. */
typedef void QomChildFn(void *opaque, const char *name, const QomNode *child);

void qom_children(const Machine *m, const QomNode *node, QomChildFn *fn,
                  void *opaque);
/* The name of its type, which the caller frees. */
char *qom_type(const Machine *m, const QomNode *node);
/* By an absolute path, or by the end of one. False with an error. */
bool qom_find(const Machine *m, const char *path, QomNode *node,
              Error **errp);

/* The type of a CPU model, "MODEL-x86_64-cpu"; freed by the caller. */
char *qom_cpu_type(const CpuClass *cls, const char *model);

/* The keys that an option or an object takes, as a list of OptionParameter. */
json_t *option_parameters(const ProgramOption *o);

#endif
