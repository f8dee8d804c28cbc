/*
 * Which pages the CPUs touch. See vm/page-trace.h.
 */
#include "vm/page-trace.h"

#include <string.h>

#include "vm/cpu.h"

void page_trace_begin(Machine *m, PageTrace *t)
{
    memset(t, 0, sizeof *t);
    m->trace = t;
    tlb_revoke_all(m);
    for (guint i = 0; i < m->cpus->len; i++) {
        jump_cache_flush(g_ptr_array_index(m->cpus, i));
    }
}

void page_trace_end(Machine *m)
{
    m->trace = NULL;
}
