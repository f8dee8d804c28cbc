/*
 * What the files that carry out packets share. A handler gets the text behind
 * its packet's name and the number of bytes left (there is a NUL behind them);
 * it answers, or what it set going does later (resume.c). Private to gdbstub/.
 */
#ifndef GDBSTUB_COMMANDS_H
#define GDBSTUB_COMMANDS_H

#include "stub.h"
#include "svc/gate.h"

typedef void CommandHandler(Gdbstub *g, const char *args, size_t len);

#define GDB_COMMAND(prefix, rest, handler, what) \
    CommandHandler handle_##handler;
#include "commands.def"
#undef GDB_COMMAND

/* --- commands.c --------------------------------------------------------------- */

/* "OK", or the error. */
void command_answer(Gdbstub *g, bool ok, const char *error);
/* False after an answer: the machine runs. */
bool command_may_look(Gdbstub *g);
/* Asks the gate for a change, and answers. */
void command_change(Gdbstub *g, const GateChange *c);

/* --- memory.c ------------------------------------------------------------------ */

/* "ADDR,LENGTH", of no more than a packet can hold. */
bool memory_get_range(const char **args, uint64_t *addr, uint64_t *len);

/* --- registers.c --------------------------------------------------------------- */

/* That the debugger wants to go on elsewhere. */
GateChange register_set_pc(Gdbstub *g, uint64_t pc);

#endif
