/*
 * Contents of RAM at several points in time, sharing what did not change.
 *
 * An image is a table of leaves, a leaf a table of pages, both counted by
 * reference; a page of zeroes is NULL. A new image shares everything with the
 * one before but the pages written since (dirty.c). Going to an image looks at
 * the leaves in which it differs from the image RAM is based on, and at the
 * pages written since: the cost is what changed, not the size of RAM.
 */
#include "internal.h"

#define LEAF_BITS  8
#define LEAF_PAGES (1u << LEAF_BITS)

typedef struct Page {
    unsigned refs;
    uint8_t data[PAGE_SIZE];
} Page;

typedef struct Leaf {
    unsigned refs;
    Page *page[LEAF_PAGES];
} Leaf;

struct MemImage {
    unsigned refs;
    Leaf **leaf;           /* NULL: only zeroes */
};

struct PageStore {
    Machine *m;
    DirtySet *dirty;
    uint64_t pages, leaves;
    MemImage *base;        /* RAM is this but for dirty pages */
    uint64_t bytes;
};

uint64_t page_store_bytes(const PageStore *ps)
{
    return ps->bytes;
}

/* --- references ------------------------------------------------------------------- */

static void page_unref(PageStore *ps, Page *p)
{
    if (p && !--p->refs) {
        g_free(p);
        ps->bytes -= sizeof *p;
    }
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
        ps->bytes -= sizeof *l;
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
    ps->bytes += sizeof *l;
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

/* --- taking ------------------------------------------------------------------------ */

static bool is_zero(const uint8_t *p)
{
    return !p[0] && !memcmp(p, p + 1, PAGE_SIZE - 1);
}

static const Page *image_page(const MemImage *image, uint64_t page)
{
    const Leaf *l = image->leaf[page >> LEAF_BITS];
    return l ? l->page[page & (LEAF_PAGES - 1)] : NULL;
}

static void capture(PageStore *ps, MemImage *image, uint64_t page)
{
    const uint8_t *host = ram_host(ps->m, page << PAGE_BITS);
    const Page *old = image_page(image, page);
    if (old ? !memcmp(old->data, host, PAGE_SIZE) : is_zero(host)) {
        return;
    }
    Page **slot = &leaf_own(ps, image, page >> LEAF_BITS)
                       ->page[page & (LEAF_PAGES - 1)];
    page_unref(ps, *slot);
    *slot = NULL;
    if (!is_zero(host)) {
        Page *p = g_new(Page, 1);
        p->refs = 1;
        memcpy(p->data, host, PAGE_SIZE);
        ps->bytes += sizeof *p;
        *slot = p;
    }
}

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
    ps->pages = ram_total_bytes(m) >> PAGE_BITS;
    ps->leaves = (ps->pages + LEAF_PAGES - 1) >> LEAF_BITS;
    MemImage *first = image_new(ps, NULL);
    for (uint64_t page = 0; page < ps->pages; page++) {
        capture(ps, first, page);
    }
    ps->base = first;
    ps->dirty = dirty_set_new(m, RAM_WATCH_UNDO);
    return ps;
}

void page_store_free(PageStore *ps)
{
    if (ps) {
        dirty_set_free(ps->dirty);
        mem_image_free(ps, ps->base);
        g_free(ps);
    }
}

MemImage *mem_image_take(PageStore *ps)
{
    MemImage *image = image_new(ps, ps->base);
    const GArray *dirty = dirty_set_pages(ps->dirty);
    for (guint i = 0; i < dirty->len; i++) {
        capture(ps, image, g_array_index(dirty, uint64_t, i));
    }
    set_base(ps, image);
    return image;
}

/* --- going back -------------------------------------------------------------------- */

static void put_back(PageStore *ps, const MemImage *image, uint64_t page)
{
    static const uint8_t zeroes[PAGE_SIZE];
    const Page *p = image_page(image, page);
    const uint8_t *want = p ? p->data : zeroes;
    RamAddr ra = page << PAGE_BITS;
    uint8_t *host = ram_host(ps->m, ra);
    if (memcmp(host, want, PAGE_SIZE)) {
        ram_will_write(ps->m, ra, PAGE_SIZE);
        memcpy(host, want, PAGE_SIZE);
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
