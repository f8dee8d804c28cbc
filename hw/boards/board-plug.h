/*
 * What the command line plugs into any board. Called by boards, once the buses
 * are there.
 */
#ifndef HW_BOARDS_BOARD_PLUG_H
#define HW_BOARDS_BOARD_PLUG_H

#include "vm/machine.h"

/* Each -device, into the bus that it names or the first with a place. */
bool board_plug_devices(Machine *m, Error **errp);

#endif
