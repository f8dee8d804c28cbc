/*
 * A PC with a door at which a fuzz target can speak: a chardev whose input is
 * the target's and whose output is thrown away.
 */
#ifndef TESTS_FUZZ_DOOR_H
#define TESTS_FUZZ_DOOR_H

#include "io/chardev.h"
#include "vm/machine.h"

/* The chardev of the door. */
Chardev *door_chardev(void);
/* A machine that was switched on; its firmware is a short loop that reads and
 * writes memory. It is paused. */
Machine *door_machine_new(void);
void door_machine_free(Machine *m);

/* The peer comes, speaks, and goes. */
void door_open(void);
void door_say(const void *data, size_t len);
void door_close(void);
/* The machine runs a little, if it is to run. False: it is to end. */
bool door_run(Machine *m);

#endif
