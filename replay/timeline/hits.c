/*
 * Hits that a search has seen. See hits.h.
 */
#include "hits.h"

#include "base/digest.h"

#define MOST_HITS 16384u

void hits_clear(HitList *l)
{
    g_clear_pointer(&l->hits, g_array_unref);
    *l = (HitList){ 0 };
}

uint64_t hits_points(Machine *m)
{
    uint64_t sum = digest_mix(m->debug.break_conditions, 1);
    for (guint i = 0; i < m->cpus->len; i++) {
        const Cpu *cpu = g_ptr_array_index(m->cpus, i);
        for (guint k = 0; k < cpu->breakpoints->len; k++) {
            const Breakpoint *b =
                &g_array_index(cpu->breakpoints, Breakpoint, k);
            /* A sum: debuggers set the same points in any order. */
            sum += b->owner == BREAK_GDB ? digest_mix(b->addr, 2 + i) : 0;
        }
        for (guint k = 0; k < cpu->watchpoints->len; k++) {
            const Watchpoint *w =
                &g_array_index(cpu->watchpoints, Watchpoint, k);
            uint64_t what = digest_mix(w->len, w->access);
            sum += w->owner == BREAK_GDB
                ? digest_mix(w->addr, digest_mix(what, i)) : 0;
        }
    }
    return sum ? sum : 1;
}

bool hits_valid(const HitList *l, uint64_t points, Icount before)
{
    return l->points == points && l->from < before &&
           before <= l->to;
}

const Hit *hits_last(const HitList *l, Icount before)
{
    for (guint i = l->hits->len; i-- > 0;) {
        const Hit *h = &g_array_index(l->hits, Hit, i);
        if (h->icount < before) {
            return h;
        }
    }
    return NULL;
}

void hits_begin(HitList *l, uint64_t points, Icount to)
{
    hits_clear(l);
    l->hits = g_array_new(FALSE, FALSE, sizeof(Hit));
    l->points = points;
    l->from = l->to = to;
}

void hits_extend(HitList *l, Icount from, const GArray *hits)
{
    guint first = hits->len > MOST_HITS ? hits->len - MOST_HITS : 0;
    g_assert(!l->hits->len);
    g_array_append_vals(l->hits, &g_array_index(hits, Hit, first),
                        hits->len - first);
    /* Hits at the same icount as the first may be among those left out. */
    l->from = first ? g_array_index(hits, Hit, first).icount + 1 : from;
}
