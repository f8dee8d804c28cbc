/*
 * What the files of softmmu/ share among themselves.
 */
#ifndef SOFTMMU_SOFTMMU_H
#define SOFTMMU_SOFTMMU_H

#include "vm/memory.h"

struct RamState *ram_state_new(void);
void ram_state_free(struct RamState *r);

struct MemState *mem_state_new(void);
void mem_state_free(struct MemState *s);

struct RunControl *run_control_new(void);
void run_control_free(struct RunControl *rc);

#endif
