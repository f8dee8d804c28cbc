/*
 * What the files of softmmu/ share among themselves.
 */
#ifndef SOFTMMU_SOFTMMU_H
#define SOFTMMU_SOFTMMU_H

#include "vm/machine.h"

struct RamState *ram_state_new(void);
void ram_state_free(struct RamState *r);

struct MemState *mem_state_new(void);
void mem_state_free(struct MemState *s);

struct RunControl *run_control_new(void);
void run_control_free(struct RunControl *rc);

/* turn.c, for machine.c. */
struct TurnState *turn_state_new(void);
void turn_state_free(struct TurnState *t);
const StateTable *turn_table(void);
void turn_reset(Machine *m);
/* False if it was nobody's turn: rows that were loaded are wrong. */
bool turn_check(Machine *m);

/* WatchdogActionKind; a row of section "machine". */
unsigned machine_watchdog_action(const Machine *m);

#endif
