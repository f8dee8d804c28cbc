/*
 * What a program is made of: one target, one accelerator, its boards and
 * devices. The roof has the one table of them and gives it to the machine, so
 * that floor 2 links without knowing any of their names.
 */
#ifndef VM_PARTS_H
#define VM_PARTS_H

#include "vm/accel.h"

/* An option of the command line. */
typedef struct ProgramOption {
    const char *name;
    const char *keys;      /* "file* if format": what it takes as KEY=VALUE; a
                            * star marks the one that may go without KEY=; NULL:
                            * one value */
} ProgramOption;

struct MachineParts {
    const CpuClass *cpu;                 /* the target; NULL: no CPUs */
    const AccelOps *accel;               /* NULL: no CPUs */
    const BoardClass *const *boards;     /* ended by NULL */
    const DeviceClass *const *devices;   /* ended by NULL */
    const ProgramOption *options;        /* ended by a NULL name; NULL: none */
    const ProgramOption *objects;        /* what -object makes; the same */
};

/* By name or alias; NULL if the program has no such board. */
const BoardClass *board_find(const MachineParts *parts, const char *name);
/* By name, NULL if unknown. */
const DeviceClass *device_class_find(const MachineParts *parts,
                                     const char *name);

#endif
