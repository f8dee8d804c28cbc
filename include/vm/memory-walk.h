/*
 * All of the machine's memory, for those who look at it as a whole: dumps, and
 * `info`. Implemented by softmmu/.
 */
#ifndef VM_MEMORY_WALK_H
#define VM_MEMORY_WALK_H

#include "vm/memory.h"

/* The range at addr (address_space_find()), or else the next one above; NULL:
 * there is none. */
const MemRange *address_space_next(AddressSpace *as, PhysAddr addr);
/* Each block of RAM as a line of text, those of ROMs only if roms. */
void ram_print_blocks(Machine *m, bool roms, GString *out);

#endif
