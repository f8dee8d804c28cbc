/*
 * -serial on a board with an ISA bus.
 */
#ifndef HW_BOARDS_ISA_SERIALS_H
#define HW_BOARDS_ISA_SERIALS_H

#include "hw/isa.h"

/* A serial port for each -serial that is not none. False with an error if there
 * are more than four. */
bool isa_plug_serials(Machine *m, IsaBus *isa, Error **errp);

#endif
