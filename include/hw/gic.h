/*
 * The interrupt controller of Arm boards.
 *
 * Implemented by hw/intc/gicv2*.c (IHI 0048B). A board makes it
 * (device_create()), tells it its size, maps its two regions and connects
 * lines: shared interrupts (SPIs) by number from 0, private ones (PPIs) by
 * vCPU.
 */
#ifndef HW_GIC_H
#define HW_GIC_H

#include "vm/device.h"
#include "vm/irq.h"
#include "vm/memory.h"

#define GICV2_CPUS  8u
#define GIC_SPIS    256u
#define GIC_PRIVATE 32u        /* SGIs and PPIs, of each vCPU */

extern const DeviceClass gicv2_class;

/* The distributor's and the CPU interface's registers. */
#define GICV2_DIST_BYTES 0x1000u
#define GICV2_CPU_BYTES  0x2000u
MemRegion *gicv2_dist_region(Device *dev);
MemRegion *gicv2_cpu_region(Device *dev);
/* Inputs, for irq_connect(): n is an SPI from 0, or vCPU * GIC_PRIVATE + the
 * number of a private interrupt, 16..31. */
void gicv2_spi(void *dev, int n, bool level);
void gicv2_ppi(void *dev, int n, bool level);
/* Once, by the board, when its vCPUs are there. */
void gicv2_connect_cpus(Device *dev);

#endif
