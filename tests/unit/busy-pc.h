/*
 * Machines for tests that must hold for all devices: each board, with every
 * device that a user can add to it, connected to disks, networks, a folder.
 */
#ifndef TESTS_BUSY_PC_H
#define TESTS_BUSY_PC_H

#include "fake-pc.h"

/* Calls fn with one such machine after the other, each powered on and some
 * milliseconds old; they are freed behind it. */
void busy_machines(void (*fn)(Machine *m, void *opaque), void *opaque);

#endif
