/*
 * Virtio over memory-mapped registers: a place for one virtio device.
 *
 * Implemented by hw/virtio/mmio.c. A board makes as many as it has room for
 * (device_create()), maps the region, connects the line, and plugs a device of
 * bus "virtio-bus" by giving it the bus.
 */
#ifndef HW_VIRTIO_MMIO_H
#define HW_VIRTIO_MMIO_H

#include "hw/virtio.h"
#include "vm/irq.h"

#define VIRTIO_MMIO_BYTES 0x200u

extern const DeviceClass virtio_mmio_class;

MemRegion *virtio_mmio_region(Device *dev);
IrqLine *virtio_mmio_irq(Device *dev);
/* For Device.bus; .device is NULL while nothing is plugged in. */
VirtioBus *virtio_mmio_bus(Device *dev);

#endif
