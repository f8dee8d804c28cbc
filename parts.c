/*
 * What this program is made of. PROGRAM_CPU, PROGRAM_BOARDS and PROGRAM_DEVICES
 * are all in which the programs differ; the build gives them (meson.build).
 */
#include "hw/parts.h"
#include "vm/machine.h"

extern const CpuClass PROGRAM_CPU;                 /* target/ */
extern const AccelOps accel_tcg;                   /* accel/tcg/accel.c */

extern const ProgramOption program_options[];      /* cli/option-list.c */
extern const ProgramOption program_objects[];      /* cli/objects.c */

extern const MachineParts program_parts;           /* cli/options.h */
const MachineParts program_parts = {
    .cpu = &PROGRAM_CPU,
    .accel = &accel_tcg,
    .boards = PROGRAM_BOARDS,
    .devices = PROGRAM_DEVICES,
    .options = program_options,
    .objects = program_objects,
};
