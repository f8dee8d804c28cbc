/*
 * Which of the dumped memory is at which virtual address.
 *
 * The pages of all processors' tables, cut to what is in the file; the same
 * page of several processors counts once, and neighbours become one.
 */
#include "dump.h"

void dump_add_range(GArray *ranges, PhysAddr start, uint64_t bytes)
{
    DumpRange *last = ranges->len
        ? &g_array_index(ranges, DumpRange, ranges->len - 1) : NULL;
    if (last && last->start + last->bytes == start) {
        last->bytes += bytes;
    } else {
        DumpRange r = { start, bytes };
        g_array_append_val(ranges, r);
    }
}

typedef struct Mapper {
    const GArray *ranges;
    GArray *found;         /* DumpMapping */
} Mapper;

/* Does m begin where last ends, in both kinds of memory? */
static bool continues(const DumpMapping *last, const DumpMapping *m)
{
    return last->va + last->bytes == m->va && last->pa + last->bytes == m->pa;
}

static void add_mapping(GArray *found, const DumpMapping *m)
{
    DumpMapping *last = found->len
        ? &g_array_index(found, DumpMapping, found->len - 1) : NULL;
    if (last && continues(last, m)) {
        last->bytes += m->bytes;
    } else {
        g_array_append_val(found, *m);
    }
}

static void map_page(void *opaque, GuestAddr va, PhysAddr pa, uint64_t size)
{
    const Mapper *mp = opaque;
    for (guint i = 0; i < mp->ranges->len; i++) {
        const DumpRange *r = &g_array_index(mp->ranges, DumpRange, i);
        PhysAddr from = MAX(pa, r->start);
        PhysAddr to = MIN(pa + size, r->start + r->bytes);
        if (from < to) {
            DumpMapping m = { va + (from - pa), from, to - from };
            add_mapping(mp->found, &m);
        }
    }
}

static gint by_address(gconstpointer a, gconstpointer b)
{
    const DumpMapping *x = a, *y = b;
    if (x->va != y->va) {
        return x->va < y->va ? -1 : 1;
    }
    return (x->pa > y->pa) - (x->pa < y->pa);
}

/* Does last show all that m shows? */
static bool covers(const DumpMapping *last, const DumpMapping *m)
{
    return m->va - last->va == m->pa - last->pa &&
           m->va - last->va + m->bytes <= last->bytes;
}

/* What several processors have mapped is there once. */
static GArray *without_doubles(GArray *all)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(DumpMapping));
    g_array_sort(all, by_address);
    for (guint i = 0; i < all->len; i++) {
        const DumpMapping *m = &g_array_index(all, DumpMapping, i);
        if (!out->len ||
            !covers(&g_array_index(out, DumpMapping, out->len - 1), m)) {
            add_mapping(out, m);
        }
    }
    g_array_unref(all);
    return out;
}

GArray *dump_mappings(Machine *m, const GArray *ranges, Error **errp)
{
    Mapper mp = { ranges, g_array_new(FALSE, FALSE, sizeof(DumpMapping)) };
    CpuMappings most = CPU_MAPPINGS_NONE;
    for (guint i = 0; i < m->cpus->len && most != CPU_MAPPINGS_PART; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        cpu->cls->sync(cpu);
        CpuMappings found = cpu->cls->dump->mappings(cpu, map_page, &mp);
        most = MAX(most, found);
    }
    if (most == CPU_MAPPINGS_PART) {
        error_set(errp, "the guest's page tables have no end: dump without "
                        "paging");
        g_array_unref(mp.found);
        return NULL;
    }
    for (guint i = 0; most == CPU_MAPPINGS_NONE && i < ranges->len; i++) {
        const DumpRange *r = &g_array_index(ranges, DumpRange, i);
        map_page(&mp, r->start, r->start, r->bytes);
    }
    return without_doubles(mp.found);
}
