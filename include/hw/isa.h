/*
 * The ISA bus as its devices see it: ports and interrupt lines.
 *
 * Made by a board (over its PIC); used by hw/char/serial.c and friends, which
 * find it in their Device.bus. Ports are added to the machine's io_root.
 */
#ifndef HW_ISA_H
#define HW_ISA_H

#include "vm/device.h"
#include "vm/irq.h"
#include "vm/machine.h"

typedef struct IsaBus {
    Machine *machine;
    IrqFn *irq_fn;         /* receiver of ISA IRQ 0..15 */
    void *irq_opaque;
    Device *dma;           /* its DMA controllers (hw/pc-chips.h), or NULL */
} IsaBus;

static inline void isa_connect_irq(IsaBus *bus, IrqLine *line, unsigned irq)
{
    irq_connect(line, bus->irq_fn, bus->irq_opaque, irq);
}

static inline void isa_add_ports(IsaBus *bus, MemRegion *region, uint16_t port)
{
    mem_add(&bus->machine->io_root, port, region, 0);
}

#endif
