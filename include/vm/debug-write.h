/*
 * A debugger's write to memory or to a register, as it crosses the boundary
 * (NONDET_DEBUG).
 *
 * Implemented by softmmu/debug-write.c, which carries it out when the machine
 * records, replays or does neither. Called by replay/gate.c only: doors ask
 * the gate (svc/gate.h).
 */
#ifndef VM_DEBUG_WRITE_H
#define VM_DEBUG_WRITE_H

#include "vm/cpu.h"

typedef struct DebugWrite {
    enum { DEBUG_MEMORY, DEBUG_REGISTER } what;
    unsigned cpu;
    GuestAddr addr;        /* MEMORY: virtual, */
    bool physical;         /* or physical */
    CpuRegValue value;     /* REGISTER */
    const void *data;      /* MEMORY: bytes; REGISTER: its name, without NUL */
    size_t len;
} DebugWrite;

/* False with an error if there is no such CPU, memory or register now. */
bool debug_write_possible(Machine *m, const DebugWrite *w, Error **errp);
/* Does it; one that is not possible does nothing. */
void debug_write_apply(Machine *m, const DebugWrite *w);

/* As a post's payload; the caller frees it. */
GByteArray *debug_write_encode(const DebugWrite *w);
/* The sink of Machine.debug_port. */
void debug_write_sink(void *machine, const void *data, size_t len);

#endif
