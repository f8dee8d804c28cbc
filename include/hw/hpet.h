/*
 * The high precision event timer, as boards wire it. Implemented by
 * hw/timer/hpet.c.
 */
#ifndef HW_HPET_H
#define HW_HPET_H

#include "vm/device.h"
#include "vm/irq.h"

#define HPET_BASE UINT64_C(0xfed00000)

extern const DeviceClass hpet_class;       /* memory at HPET_BASE, 1 KiB */

/* routes: a bit for each input of the I/O APIC that its timers may drive. gsi:
 * receiver of those lines, and of IRQ 0 and 8. */
Device *hpet_new(Machine *m, uint32_t routes, IrqFn *gsi, void *opaque);
/* An IrqFn (opaque: the Device): the interval timer's output is line 0, the
 * clock's line 1; they pass unless the HPET takes their places. */
void hpet_legacy_in(void *hpet, int n, bool level);

#endif
