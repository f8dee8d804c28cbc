/*
 * Memory for copies of pages, in arenas that the host hands out at once: a page
 * fault would cost more than the copy. Freed pages are used again; arenas stay
 * until the end.
 */
#include <sys/mman.h>

#include "page-pool.h"

#define ARENA_BYTES (2 * MIB)

/* Linux 5.14 has it, whatever the C library says. */
#ifdef MADV_POPULATE_WRITE
#define POPULATE MADV_POPULATE_WRITE
#else
#define POPULATE 23
#endif

typedef struct FreePage {
    struct FreePage *next;
} FreePage;

struct PagePool {
    GPtrArray *arenas;
    FreePage *free;
    uint8_t *fresh;        /* in the last arena, not used yet */
    uint64_t fresh_bytes;
};

PagePool *page_pool_new(void)
{
    PagePool *pool = g_new0(PagePool, 1);
    pool->arenas = g_ptr_array_new();
    return pool;
}

void page_pool_free(PagePool *pool)
{
    for (guint i = 0; i < pool->arenas->len; i++) {
        munmap(g_ptr_array_index(pool->arenas, i), ARENA_BYTES);
    }
    g_ptr_array_free(pool->arenas, TRUE);
    g_free(pool);
}

static void new_arena(PagePool *pool)
{
    uint8_t *p = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        g_error("cannot allocate %" G_GUINT64_FORMAT " bytes for checkpoints",
                ARENA_BYTES);
    }
    /* Where the host cannot, pages come one by one. */
    madvise(p, ARENA_BYTES, POPULATE);
    g_ptr_array_add(pool->arenas, p);
    pool->fresh = p;
    pool->fresh_bytes = ARENA_BYTES;
}

uint8_t *page_pool_take(PagePool *pool)
{
    FreePage *f = pool->free;
    if (f) {
        pool->free = f->next;
        return (uint8_t *)f;
    }
    if (!pool->fresh_bytes) {
        new_arena(pool);
    }
    uint8_t *p = pool->fresh;
    pool->fresh += PAGE_SIZE;
    pool->fresh_bytes -= PAGE_SIZE;
    return p;
}

void page_pool_give(PagePool *pool, uint8_t *page)
{
    FreePage *f = (FreePage *)page;
    f->next = pool->free;
    pool->free = f;
}
