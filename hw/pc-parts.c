/*
 * What the programs that emulate PCs are made of: their boards, and every
 * device class that can be plugged into one.
 */
#include "hw/parts.h"

#define DEVICE(cls) extern const DeviceClass cls;
#include "devices.def"
#include "pc-devices.def"
#undef DEVICE

extern const BoardClass microvm_board, pc_i440fx_7_2_board, pc_q35_7_2_board;

const BoardClass *const pc_boards[] = {
    &pc_i440fx_7_2_board,
    &pc_q35_7_2_board,
    &microvm_board,
    &none_board,
    NULL,
};

const DeviceClass *const pc_devices[] = {
#define DEVICE(cls) &cls,
#include "pc-devices.def"
#include "devices.def"
#undef DEVICE
    NULL
};
