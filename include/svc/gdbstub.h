/*
 * The gdb remote protocol on one chardev.
 *
 * Implemented by gdbstub/; created by the roof for -gdb and -s.
 */
#ifndef SVC_GDBSTUB_H
#define SVC_GDBSTUB_H

#include "io/chardev.h"
#include "svc/timeline.h"

typedef struct Gdbstub Gdbstub;

/* Serves a debugger on chr, which it takes over with chardev_set_handlers()
 * but does not own. r may be NULL (no record/replay). A debugger that connects
 * stops the machine. Cannot fail. */
Gdbstub *gdbstub_new(Machine *m, Replay *r, Chardev *chr);
/* Lets go of the chardev and removes its breakpoints; NULL is allowed. */
void gdbstub_free(Gdbstub *g);

#endif
