/*
 * Interrupt lines. See vm/irq.h.
 */
#include "vm/irq.h"

void irq_connect(IrqLine *line, IrqFn *fn, void *opaque, int n)
{
    g_assert(!line->fn);
    line->fn = fn;
    line->opaque = opaque;
    line->n = n;
}

void irq_set(const IrqLine *line, bool level)
{
    if (line->fn) {
        line->fn(line->opaque, line->n, level);
    }
}

void irq_pulse(const IrqLine *line)
{
    irq_set(line, true);
    irq_set(line, false);
}
