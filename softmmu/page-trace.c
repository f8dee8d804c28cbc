/*
 * Which pages the CPUs touch. See vm/page-trace.h.
 */
#include "vm/page-trace.h"

#include <string.h>

#include "vm/cpu.h"

static void clear(PageTrace *t)
{
    for (unsigned kind = 0; kind < PAGE_TRACE_KINDS; kind++) {
        for (unsigned n = 0; n < PAGE_TRACE_WORDS; n += 64) {
            if (t->used[kind][n / 64]) {
                memset(&t->seen[kind][n], 0, 64 * sizeof(uint64_t));
            }
        }
    }
    memset(t->used, 0, sizeof t->used);
}

void page_trace_begin(Machine *m, PageTrace *t)
{
    clear(t);
    m->debug.trace = t;
    tlb_revoke_all(m);
    tb_unchain_all(m);
    for (guint i = 0; i < m->cpus->len; i++) {
        jump_cache_flush(g_ptr_array_index(m->cpus, i));
    }
}

void page_trace_end(Machine *m)
{
    m->debug.trace = NULL;
}
