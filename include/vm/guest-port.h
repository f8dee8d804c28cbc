/*
 * A store to an I/O port that no guest has asked for: a monitor's command, when
 * it is delivered. Implemented by softmmu/guest-action.c.
 */
#ifndef VM_GUEST_PORT_H
#define VM_GUEST_PORT_H

#include "base/types.h"

void guest_write_port(Machine *m, unsigned port, uint32_t value,
                      unsigned size);

#endif
