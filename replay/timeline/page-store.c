/*
 * Contents of RAM at several points in time: what has changed since is kept,
 * what has not is in RAM itself.
 *
 * An image is a table of leaves, a leaf a table of pages, both counted by
 * reference. A page has no bytes of its own as long as they are in RAM: they
 * are copied before the first write (the undo set), into the page that all
 * images of that time share. So taking an image copies nothing. A slot
 * without a page means the content that RAM had at first.
 *
 * Going to an image looks at the leaves in which it differs from the image RAM
 * is based on, and at the pages written since: the cost is what changed, not
 * the size of RAM.
 */
#include "internal.h"
#include "page-pool.h"

#define LEAF_BITS  8
#define LEAF_PAGES (1u << LEAF_BITS)

typedef struct Page {
    unsigned refs;
    const uint8_t *data;   /* NULL: in RAM, or of no use to anybody */
} Page;

typedef struct Leaf {
    unsigned refs;
    Page *page[LEAF_PAGES];
} Leaf;

struct MemImage {
    unsigned refs;
    Leaf **leaf;           /* NULL: all as at first */
};

struct PageStore {
    Machine *m;
    DirtySet *dirty;       /* pages written since base was taken */
    uint64_t pages, leaves;
    MemImage *first;       /* pages that were written at all, as at first */
    MemImage *base;        /* RAM is this but for dirty pages */
    uint64_t bytes;
    PagePool *pool;
};

static const uint8_t zeroes[PAGE_SIZE];

/* What a piece of memory takes with the allocator's own words. */
#define HEAP_BYTES(size) (((uint64_t)(size) + 8 + 15) & ~UINT64_C(15))
#define PAGE_HEAP HEAP_BYTES(sizeof(Page))
#define LEAF_HEAP HEAP_BYTES(sizeof(Leaf))

uint64_t page_store_bytes(const PageStore *ps)
{
    return ps->bytes;
}

/* --- references ------------------------------------------------------------------- */

static Page *page_new(PageStore *ps)
{
    Page *p = g_new0(Page, 1);
    p->refs = 1;
    ps->bytes += PAGE_HEAP;
    return p;
}

static void page_unref(PageStore *ps, Page *p)
{
    if (!p || --p->refs) {
        return;
    }
    if (p->data && p->data != zeroes) {
        page_pool_give(ps->pool, (uint8_t *)p->data);
        ps->bytes -= PAGE_SIZE;
    }
    g_free(p);
    ps->bytes -= PAGE_HEAP;
}

static Page *page_ref(Page *p)
{
    if (p) {
        p->refs++;
    }
    return p;
}

static void leaf_unref(PageStore *ps, Leaf *l)
{
    if (l && !--l->refs) {
        for (unsigned i = 0; i < LEAF_PAGES; i++) {
            page_unref(ps, l->page[i]);
        }
        g_free(l);
        ps->bytes -= LEAF_HEAP;
    }
}

/* The leaf of an image, made its own. */
static Leaf *leaf_own(PageStore *ps, MemImage *image, uint64_t n)
{
    Leaf *old = image->leaf[n];
    if (old && old->refs == 1) {
        return old;
    }
    Leaf *l = g_new0(Leaf, 1);
    l->refs = 1;
    ps->bytes += LEAF_HEAP;
    for (unsigned i = 0; old && i < LEAF_PAGES; i++) {
        l->page[i] = page_ref(old->page[i]);
    }
    leaf_unref(ps, old);
    image->leaf[n] = l;
    return l;
}

static MemImage *image_new(PageStore *ps, const MemImage *like)
{
    MemImage *image = g_new0(MemImage, 1);
    image->refs = 1;
    image->leaf = g_new0(Leaf *, ps->leaves);
    ps->bytes += ps->leaves * sizeof(Leaf *);
    for (uint64_t i = 0; like && i < ps->leaves; i++) {
        image->leaf[i] = like->leaf[i];
        if (image->leaf[i]) {
            image->leaf[i]->refs++;
        }
    }
    return image;
}

void mem_image_free(PageStore *ps, MemImage *image)
{
    if (image && !--image->refs) {
        for (uint64_t i = 0; i < ps->leaves; i++) {
            leaf_unref(ps, image->leaf[i]);
        }
        ps->bytes -= ps->leaves * sizeof(Leaf *);
        g_free(image->leaf);
        g_free(image);
    }
}

/* --- keeping ----------------------------------------------------------------------- */

static Page *slot_of(const MemImage *image, uint64_t page)
{
    const Leaf *l = image->leaf[page >> LEAF_BITS];
    return l ? l->page[page & (LEAF_PAGES - 1)] : NULL;
}

static void set_slot(PageStore *ps, MemImage *image, uint64_t page, Page *p)
{
    Page **slot = &leaf_own(ps, image, page >> LEAF_BITS)
                       ->page[page & (LEAF_PAGES - 1)];
    page_unref(ps, *slot);
    *slot = p;
}

static void keep(PageStore *ps, Page *p, const uint8_t *host)
{
    bool zero = !host[0] && !memcmp(host, host + 1, PAGE_SIZE - 1);
    p->data = zero ? zeroes
                   : memcpy(page_pool_take(ps->pool), host, PAGE_SIZE);
    ps->bytes += zero ? 0 : PAGE_SIZE;
}

/* The first write to a page since base was taken. If nobody else has base,
 * nobody can go back to what only it has. */
static void before_write(void *opaque, uint64_t page)
{
    PageStore *ps = opaque;
    Page *p = slot_of(ps->base, page);
    if (ps->m->debug.trace) {
        page_trace_note(ps->m->debug.trace, PAGE_TRACE_RAM, page << PAGE_BITS);
    }
    if (p && p->refs == 1 && ps->base->refs == 1 &&
        ps->base->leaf[page >> LEAF_BITS]->refs == 1) {
        return;
    }
    if (!p && !(p = slot_of(ps->first, page))) {
        p = page_new(ps);
        set_slot(ps, ps->first, page, p);
    }
    if (!p->data) {
        keep(ps, p, ram_host(ps->m, page << PAGE_BITS));
    }
}

/* --- taking ------------------------------------------------------------------------ */

static void set_base(PageStore *ps, MemImage *image)
{
    image->refs++;
    mem_image_free(ps, ps->base);
    ps->base = image;
    dirty_set_clean(ps->dirty);
}

PageStore *page_store_new(Machine *m)
{
    PageStore *ps = g_new0(PageStore, 1);
    ps->m = m;
    ps->pool = page_pool_new();
    ps->pages = ram_total_bytes(m) >> PAGE_BITS;
    ps->leaves = (ps->pages + LEAF_PAGES - 1) >> LEAF_BITS;
    ps->first = image_new(ps, NULL);
    ps->base = image_new(ps, NULL);
    ps->dirty = dirty_set_new(m, RAM_WATCH_UNDO);
    dirty_set_tell(ps->dirty, before_write, ps);
    return ps;
}

void page_store_free(PageStore *ps)
{
    if (ps) {
        dirty_set_free(ps->dirty);
        mem_image_free(ps, ps->base);
        mem_image_free(ps, ps->first);
        page_pool_free(ps->pool);
        g_free(ps);
    }
}

void page_store_trace(const PageStore *ps)
{
    const GArray *dirty = dirty_set_pages(ps->dirty);
    for (guint i = 0; ps->m->debug.trace && i < dirty->len; i++) {
        page_trace_note(ps->m->debug.trace, PAGE_TRACE_RAM,
                        g_array_index(dirty, uint64_t, i) << PAGE_BITS);
    }
}

uint64_t page_store_changed(const PageStore *ps)
{
    return dirty_set_pages(ps->dirty)->len;
}

MemImage *mem_image_take(PageStore *ps)
{
    MemImage *image = image_new(ps, ps->base);
    const GArray *dirty = dirty_set_pages(ps->dirty);
    for (guint i = 0; i < dirty->len; i++) {
        set_slot(ps, image, g_array_index(dirty, uint64_t, i), page_new(ps));
    }
    set_base(ps, image);
    return image;
}

/* --- going back -------------------------------------------------------------------- */

static void put_back(PageStore *ps, const MemImage *image, uint64_t page)
{
    const Page *p = slot_of(image, page);
    if (!p && !(p = slot_of(ps->first, page))) {
        return; /* never written */
    }
    /* Even where both have the same bytes: base is about to lose RAM. */
    before_write(ps, page);
    g_assert(p->data);
    RamAddr ra = page << PAGE_BITS;
    uint8_t *host = ram_host(ps->m, ra);
    if (memcmp(host, p->data, PAGE_SIZE)) {
        ram_will_write(ps->m, ra, PAGE_SIZE);
        memcpy(host, p->data, PAGE_SIZE);
    }
}

static void put_back_leaf(PageStore *ps, const MemImage *image, uint64_t n)
{
    const Leaf *a = image->leaf[n], *b = ps->base->leaf[n];
    for (unsigned i = 0; i < LEAF_PAGES; i++) {
        const Page *pa = a ? a->page[i] : NULL;
        const Page *pb = b ? b->page[i] : NULL;
        if (pa != pb) {
            put_back(ps, image, (n << LEAF_BITS) + i);
        }
    }
}

void mem_image_restore(PageStore *ps, MemImage *image)
{
    /* Writing adds to the list what was clean: those need no second look. */
    guint written = dirty_set_pages(ps->dirty)->len;
    for (uint64_t n = 0; n < ps->leaves; n++) {
        if (image->leaf[n] != ps->base->leaf[n]) {
            put_back_leaf(ps, image, n);
        }
    }
    for (guint i = 0; i < written; i++) {
        put_back(ps, image,
                 g_array_index(dirty_set_pages(ps->dirty), uint64_t, i));
    }
    set_base(ps, image);
}
