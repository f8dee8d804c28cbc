/*
 * An address space's inside: written by memory.c, searched by dispatch.c.
 */
#ifndef SOFTMMU_MEMORY_VIEW_H
#define SOFTMMU_MEMORY_VIEW_H

#include "vm/memory.h"

struct AddressSpace {
    Machine *machine;
    char *name;
    MemRegion *root;
    GArray *view;          /* MemRange, sorted */
    guint last;            /* index of the last range found: a cache */
};

#endif
