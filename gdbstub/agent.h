/*
 * Conditions of breakpoints that gdb sends along with them, in the bytecode of
 * the GDB manual's appendix "The GDB Agent Expression Mechanism". Private to
 * gdbstub/.
 */
#ifndef GDBSTUB_AGENT_H
#define GDBSTUB_AGENT_H

#include "vm/cpu.h"

/* Evaluates an expression for a CPU stopped before an instruction. False if
 * it cannot be evaluated (unknown or forbidden opcode, stack or code overrun,
 * memory that is not there): the caller then stops as if it held. */
bool agent_eval(Cpu *cpu, const CpuGdbView *view, GBytes *code,
                uint64_t *result);

#endif
