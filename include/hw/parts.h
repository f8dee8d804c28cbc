/*
 * The boards and device classes of each kind of program, for the table of what
 * a program is made of (vm/parts.h). Lists end with NULL.
 */
#ifndef HW_PARTS_H
#define HW_PARTS_H

#include "vm/device.h"
#include "vm/machine.h"

/* reprise-system-x86_64 and -i386. */
extern const BoardClass *const pc_boards[];
extern const DeviceClass *const pc_devices[];

/* reprise-system-aarch64. */
extern const BoardClass *const virt_boards[];
extern const DeviceClass *const virt_devices[];

/* -M none, which every program has: RAM and, if one is asked for, a CPU. */
extern const BoardClass none_board;

#endif
