/*
 * THE gate: the one way in which a debugger or a monitor changes the guest.
 *
 * A recording holds every change as an input; a replay may not be changed, so
 * what a debugger writes there goes to a diversion, a throw-away branch. Which
 * of the two it is, or why it cannot be, depends on the run state, on whether
 * the machine is on a journey, and on record and replay: nobody but the gate
 * looks at those. Implemented by replay/gate.c; called by gdbstub/ and
 * monitor/, which write nothing themselves (tests/lint/gate.py).
 */
#ifndef SVC_GATE_H
#define SVC_GATE_H

#include "svc/timeline.h"

typedef enum GateAnswer {
    GATE_POSTED,           /* an input, recorded if anything is. A debugger's
                            * has taken effect already, a command will */
    GATE_DIVERTED,         /* done, in a replay's throw-away branch */
    GATE_REFUSED,          /* nothing changed; the error says why */
} GateAnswer;

typedef struct GateChange {
    enum { GATE_MEMORY, GATE_REGISTER, GATE_COMMAND } what;
    unsigned cpu;          /* the vCPU's number; not for COMMAND */
    GuestAddr addr;        /* MEMORY: virtual, in its present address space, */
    bool physical;         /* or physical */
    const void *data;      /* MEMORY: the bytes; COMMAND: JSON text */
    size_t len;
    const char *name;      /* REGISTER: as gdb calls it; COMMAND: for errors */
    CpuRegValue value;     /* REGISTER */
} GateChange;

/* Makes the machine carry out what a debugger writes when it is delivered.
 * Called once, before record or replay starts, whether or not there will be a
 * debugger. */
void gate_init(Machine *m);

/* Asks for a change; r may be NULL. A debugger's needs a machine that stands
 * still; a register that keeps what it had because it cannot have the value is
 * refused, too. The error is set when it is refused, and only then. */
GateAnswer gate_change(Machine *m, Replay *r, const GateChange *c,
                       Error **errp);

/* Lets a stopped machine go on until something stops it, or one instruction of
 * the vCPU `step` (NULL: no step) has retired, until which others run as they
 * would; nothing if it runs. What a debugger wrote into a replay is undone first;
 * but where it set another pc or stack pointer (a call from the debugger, a
 * jump), execution goes on in the diversion. False with an error if the machine is off, or its
 * replay has diverged, or it is on a journey. */
bool gate_run(Machine *m, Replay *r, const Cpu *step, Error **errp);

#endif
