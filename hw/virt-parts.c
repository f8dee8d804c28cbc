/*
 * What the programs that emulate Arm boards are made of.
 */
#include "hw/parts.h"

#define DEVICE(cls) extern const DeviceClass cls;
#include "devices.def"
#include "virt-devices.def"
#undef DEVICE

extern const BoardClass virt_7_2_board;

const BoardClass *const virt_boards[] = {
    &virt_7_2_board,
    &none_board,
    NULL,
};

const DeviceClass *const virt_devices[] = {
#define DEVICE(cls) &cls,
#include "virt-devices.def"
#include "devices.def"
#undef DEVICE
    NULL
};
