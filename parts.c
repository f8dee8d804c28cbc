/*
 * What this program is made of. PROGRAM_CPU is the one thing in which the
 * programs differ; the build gives it (meson.build).
 */
#include "vm/machine.h"

extern const CpuClass PROGRAM_CPU;                 /* target/ */
extern const BoardClass *const board_classes[];    /* hw/boards/boards.c */
extern const DeviceClass *const device_classes[];  /* hw/devices.c */
extern const AccelOps accel_tcg;                   /* accel/tcg/accel.c */

extern const ProgramOption program_options[];      /* cli/option-list.c */
extern const ProgramOption program_objects[];      /* cli/objects.c */

extern const MachineParts program_parts;           /* cli/options.h */
const MachineParts program_parts = {
    .cpu = &PROGRAM_CPU,
    .accel = &accel_tcg,
    .boards = board_classes,
    .devices = device_classes,
    .options = program_options,
    .objects = program_objects,
};
