/*
 * The door of `-accel qtest`: a test pokes the machine's devices and moves its
 * clock by hand, over QEMU's qtest protocol. No CPU runs.
 *
 * Implemented by monitor/qtest.c; created by the roof for -qtest.
 */
#ifndef SVC_QTEST_H
#define SVC_QTEST_H

#include <stdio.h>

#include "io/chardev.h"
#include "vm/machine.h"

typedef struct Qtest Qtest;

/* Serves the machine on chr, which it takes over with chardev_set_handlers()
 * but does not own. log: where requests and answers are written, too, or NULL;
 * the caller's. Cannot fail. */
Qtest *qtest_new(Machine *m, Chardev *chr, FILE *log);
/* Lets go of the chardev; NULL is allowed. */
void qtest_free(Qtest *q);

#endif
