/*
 * Chips of Arm boards: made with device_create(), mapped and connected by the
 * board.
 */
#ifndef HW_ARM_CHIPS_H
#define HW_ARM_CHIPS_H

#include "vm/device.h"
#include "vm/irq.h"
#include "vm/memory.h"

extern const DeviceClass pl011_class;  /* hw/char/pl011.c */
MemRegion *pl011_region(Device *dev);
IrqLine *pl011_irq(Device *dev);

extern const DeviceClass pl031_class;  /* hw/rtc/pl031.c */
MemRegion *pl031_region(Device *dev);
IrqLine *pl031_irq(Device *dev);
/* Seconds since 1970 at power-on; the clock goes on from there. */
void pl031_set_base(Device *dev, int64_t sec);

#endif
