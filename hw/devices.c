/*
 * Every device class of the program, from devices.def.
 */
#include "vm/device.h"

#define DEVICE(cls) extern const DeviceClass cls;
#include "devices.def"
#undef DEVICE

const DeviceClass *const device_classes[] = {
#define DEVICE(cls) &cls,
#include "devices.def"
#undef DEVICE
    NULL
};
