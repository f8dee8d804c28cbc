/*
 * Whose turn it is: the vCPUs of a machine run one after another.
 *
 * Implemented by softmmu/turn.c. accel/sched.c passes the turn on where it is
 * over; targets give it away (PAUSE); devices and debuggers ask whose it is.
 *
 * A vCPU keeps its turn for a fixed number of instructions, the quantum, or
 * until it halts or says that it only waits. Then the next that has something
 * to do gets it. One that is alone keeps it for as long as it is: nobody stops
 * it for a turn that nobody wants. All of this is a function of state (whose
 * turn, up to which icount, who is halted), so it is the same in a recording and
 * its replay, however the run is cut into slices.
 *
 * The turn passes as part of retiring an instruction: at icount N it is already
 * with the vCPU that runs instruction N + 1, unless a timer or an input at that
 * very boundary wakes one.
 */
#ifndef VM_TURN_H
#define VM_TURN_H

#include "vm/cpu.h"

/* Instructions of a turn unless -smp quantum= says otherwise. */
#define TURN_QUANTUM      10000u
#define TURN_QUANTUM_MOST 100000000u
#define TURN_MOST_CPUS    64u /* ORDER most-cpus (vm/board-config.h) */

/* The vCPU whose turn it is: the one that runs whenever any does, and on whose
 * behalf a device is accessed. The machine has one. */
Cpu *machine_cpu(const Machine *m);
/* True if it is that one's turn. */
bool cpu_has_turn(const Cpu *cpu);
/* True if all vCPUs are halted and nothing wakes them (or there are none). */
bool machine_is_idle(const Machine *m);

/* The icount behind the last instruction that a vCPU has retired; 0: none. */
Icount cpu_ran_until(const Cpu *cpu);
/* Where the turn ends if the vCPU does not halt; ICOUNT_NONE: nobody waits for
 * it. May lie in the past. */
Icount turn_end(const Machine *m);
/* Passes the turn on if it is over. Between instructions. */
void turn_pass(Machine *m);
/* The vCPU whose turn it is has nothing to do but wait for another: its turn is
 * over when the present instruction retires. */
void turn_yield(Machine *m);

#endif
