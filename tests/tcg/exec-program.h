/*
 * Random programs for test-exec: its chance, and code, tables and registers.
 */
#ifndef TESTS_TCG_EXEC_PROGRAM_H
#define TESTS_TCG_EXEC_PROGRAM_H

#include "tiny.h"

void random_start(uint64_t seed);   /* not 0 */
uint64_t random64(void);
unsigned below(unsigned n);
bool chance(unsigned percent);

/* Memory, registers and icount of m become a program's at its start. */
void program_make(TinyModel *m);
/* Where it may load or store. */
GuestAddr program_watch_address(void);

#endif
