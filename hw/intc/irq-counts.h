/*
 * What `info irq` says of a controller: how often each of its inputs asked. Used
 * by i8259.c and ioapic.c, who count; the counts are state, so that they are
 * right wherever a replay goes.
 */
#ifndef HW_INTC_IRQ_COUNTS_H
#define HW_INTC_IRQ_COUNTS_H

#include <glib.h>
#include <stdint.h>

static inline void irq_counts_print(GString *out, const char *name,
                                    const uint64_t *counts, unsigned n)
{
    g_string_append_printf(out, "IRQ statistics for %s:\n", name);
    for (unsigned i = 0; i < n; i++) {
        if (counts[i]) {
            g_string_append_printf(out, "%2u: %" G_GUINT64_FORMAT "\n", i,
                                   counts[i]);
        }
    }
}

#endif
