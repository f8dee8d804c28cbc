/*
 * Which pages of RAM were written. Each watcher bit of vm/memory.h has one
 * such set: the first write to a page puts it into the list and disarms the
 * bit, so later writes cost nothing.
 */
#include "internal.h"

struct DirtySet {
    Machine *m;
    RamWatch bit;
    GArray *pages;         /* uint64_t */
    DirtyFn *tell;
    void *opaque;
};

static bool page_written(void *opaque, RamAddr ra, uint64_t len)
{
    DirtySet *d = opaque;
    uint64_t page = ra >> PAGE_BITS;
    if (d->tell) {
        d->tell(d->opaque, page);
    }
    g_array_append_val(d->pages, page);
    return true;
}

void dirty_set_tell(DirtySet *d, DirtyFn *tell, void *opaque)
{
    d->tell = tell;
    d->opaque = opaque;
}

DirtySet *dirty_set_new(Machine *m, RamWatch bit)
{
    DirtySet *d = g_new0(DirtySet, 1);
    d->m = m;
    d->bit = bit;
    d->pages = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    ram_watch_set(m, bit, page_written, d);
    ram_watch_arm_all(m, bit);
    return d;
}

void dirty_set_free(DirtySet *d)
{
    if (d) {
        uint64_t total = ram_total_bytes(d->m);
        for (RamAddr ra = 0; ra < total; ra += PAGE_SIZE) {
            ram_watch_disarm(d->m, d->bit, ra);
        }
        ram_watch_set(d->m, d->bit, NULL, NULL);
        g_array_free(d->pages, TRUE);
        g_free(d);
    }
}

const GArray *dirty_set_pages(const DirtySet *d)
{
    return d->pages;
}

void dirty_set_clean(DirtySet *d)
{
    ram_watch_arm_pages(d->m, d->bit, d->pages);
    g_array_set_size(d->pages, 0);
}
