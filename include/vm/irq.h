/*
 * An interrupt line with exactly one driver and one receiver.
 *
 * A line has no state: a level is remembered by its receiver (the PIC's
 * irq_in row) and can be recomputed by its driver. Implemented by
 * softmmu/irq.c; connected by boards.
 */
#ifndef VM_IRQ_H
#define VM_IRQ_H

#include "base/types.h"

typedef void IrqFn(void *opaque, int n, bool level);

/* The driver's end, embedded in the driving device's wiring. */
struct IrqLine {
    IrqFn *fn;
    void *opaque;
    int n;
};

/* Connects a line to input n of a receiver. Connecting twice is our bug. */
void irq_connect(IrqLine *line, IrqFn *fn, void *opaque, int n);
/* Drives the line; an unconnected line goes nowhere. */
void irq_set(const IrqLine *line, bool level);
/* A short pulse: high, then low. */
void irq_pulse(const IrqLine *line);

#endif
