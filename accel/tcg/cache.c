/*
 * The cache of TBs: by place in RAM and key, so that TBs survive changes of
 * the page tables, and are found again by whoever maps the page next.
 *
 * A page with TBs is watched (RAM_WATCH_CODE); a write into bytes of a TB
 * invalidates it. An invalid TB is unlinked at once and freed when nothing can
 * be running it any more.
 */
#include "chain.h"

/* Buckets for each MiB of room: a flush looks at all of them. */
#define HASH_PER_MIB 1024u
#define LAST_HERE_MOST 65536u
/* A TB at one place that assumes too much so often is made without. */
#define STALE_MOST 4u

static unsigned hash_of(const TcgState *s, const TbKey *key, RamAddr ra,
                        TbLimit limit)
{
    /* The page of the pc, too: each process may have a library elsewhere. */
    uint64_t h = (ra ^ (key->pc & PAGE_MASK) << 20) *
                     UINT64_C(0x9e3779b97f4a7c15) ^ key->base * 31 ^
                 (uint64_t)key->flags * UINT64_C(0x85ebca6b) ^ limit;
    return (h ^ (h >> 29)) & (s->hash_size - 1);
}

Tb *cache_find(TcgState *s, const TbKey *key, RamAddr ra, TbLimit limit)
{
    Tb *tb = s->hash[hash_of(s, key, ra, limit)];
    for (; tb; tb = tb->hash_next) {
        if (tb->limit == limit && tb->ram[0] == (ra & PAGE_MASK) &&
            tb_matches(tb, key)) {
            return tb;
        }
    }
    return NULL;
}

static gpointer page_key(RamAddr page)
{
    return GSIZE_TO_POINTER(page >> PAGE_BITS);
}

/* The bytes of a TB in its page n: [*from, *to) as RamAddr. */
static void tb_extent(const Tb *tb, int n, RamAddr *from, RamAddr *to)
{
    unsigned start = tb->key.pc & ~PAGE_MASK;
    if (n == 0) {
        *from = tb->ram[0] + start;
        *to = tb->ram[0] + MIN(start + tb->len_bytes, PAGE_SIZE);
    } else {
        *from = tb->ram[1];
        *to = tb->ram[1] + (start + tb->len_bytes - PAGE_SIZE);
    }
}

static CodePage *page_get(TcgState *s, RamAddr page)
{
    CodePage *p = g_hash_table_lookup(s->pages, page_key(page));
    if (!p) {
        p = g_new0(CodePage, 1);
        g_hash_table_insert(s->pages, page_key(page), p);
        ram_watch_arm(s->machine, RAM_WATCH_CODE, page);
    }
    return p;
}

static void mark_code(CodePage *p, const Tb *tb, int n)
{
    RamAddr from, to;
    tb_extent(tb, n, &from, &to);
    for (RamAddr ra = from; ra < to; ra++) {
        p->code[(ra & ~PAGE_MASK) / 8] |= 1u << (ra & 7);
    }
}

static int page_side(const Tb *tb, RamAddr page)
{
    return tb->ram[0] == page ? 0 : 1;
}

/* Puts a TB where *at points to. */
static void page_insert(Tb **at, Tb *tb, int n)
{
    Tb *next = *at;
    tb->page_next[n] = next;
    tb->page_at[n] = at;
    if (next) {
        int side = page_side(next, tb->ram[n]);
        next->page_at[side] = &tb->page_next[n];
    }
    *at = tb;
}

static void page_remove(Tb *tb, int n)
{
    Tb *next = tb->page_next[n];
    *tb->page_at[n] = next;
    if (next) {
        next->page_at[page_side(next, tb->ram[n])] = tb->page_at[n];
    }
}

static void page_link(TcgState *s, Tb *tb, int n)
{
    if (tb->ram[n] == TB_NO_RAM) {
        return;
    }
    CodePage *p = page_get(s, tb->ram[n]);
    page_insert(&p->first, tb, n);
    mark_code(p, tb, n);
}

void cache_insert(TcgState *s, Tb *tb, RamAddr ra)
{
    Tb **head = &s->hash[hash_of(s, &tb->key, ra, tb->limit)];
    tb->hash_next = *head;
    *head = tb;
    page_link(s, tb, 0);
    page_link(s, tb, 1);
    s->bytes += tb->code_bytes + sizeof *tb;
    s->tb_count++;
}

/* --- invalidation ------------------------------------------------------------- */

static void hash_unlink(TcgState *s, Tb *tb)
{
    RamAddr ra = tb->ram[0] | (tb->key.pc & ~PAGE_MASK);
    Tb **at = &s->hash[hash_of(s, &tb->key, ra, tb->limit)];
    while (*at != tb) {
        at = &(*at)->hash_next;
    }
    *at = tb->hash_next;
}

/* The page's map keeps the bits of TBs that are gone until a write finds out:
 * it may only say too much. */
static void page_unlink(TcgState *s, Tb *tb, int n)
{
    RamAddr page = tb->ram[n];
    if (page == TB_NO_RAM) {
        return;
    }
    CodePage *p = g_hash_table_lookup(s->pages, page_key(page));
    page_remove(tb, n);
    if (!p->first) {
        g_hash_table_remove(s->pages, page_key(page));
        ram_watch_disarm(s->machine, RAM_WATCH_CODE, page);
    }
}

static void invalidate(TcgState *s, Tb *tb)
{
    if (G_UNLIKELY(g_hash_table_size(s->stale))) {
        g_hash_table_remove(s->stale, GSIZE_TO_POINTER(tb->key.pc));
    }
    tb->invalid = true;
    hash_unlink(s, tb);
    page_unlink(s, tb, 0);
    page_unlink(s, tb, 1);
    chain_cut_all(s, tb);
    jump_cache_drop(s, tb);
    s->bytes -= tb->code_bytes + sizeof *tb;
    s->tb_count--;
    s->invalidated++;
    g_ptr_array_add(s->garbage, tb);
}

static bool map_overlaps(const CodePage *p, RamAddr ra, uint64_t len)
{
    for (uint64_t i = ra & ~PAGE_MASK; i < (ra & ~PAGE_MASK) + len; i++) {
        if (p->code[i / 8] & (1u << (i & 7))) {
            return true;
        }
    }
    return false;
}

void cache_end_at(TcgState *s, Tb *tb, GuestAddr pc)
{
    if (g_hash_table_size(s->last_here) >= LAST_HERE_MOST) {
        g_hash_table_remove_all(s->last_here);
    }
    g_hash_table_add(s->last_here, GSIZE_TO_POINTER(pc));
    if (!tb->invalid) {
        invalidate(s, tb);
    }
}

void cache_drop_stale(TcgState *s, Tb *tb)
{
    gpointer pc = GSIZE_TO_POINTER(tb->key.pc);
    if (g_hash_table_size(s->stale) >= LAST_HERE_MOST) {
        g_hash_table_remove_all(s->stale);
    }
    gsize times = GPOINTER_TO_SIZE(g_hash_table_lookup(s->stale, pc));
    if (!tb->invalid) {
        invalidate(s, tb);
    }
    g_hash_table_insert(s->stale, pc, GSIZE_TO_POINTER(times + 1));
}

bool cache_may_assume(const TcgState *s, GuestAddr pc)
{
    return GPOINTER_TO_SIZE(g_hash_table_lookup(
               s->stale, GSIZE_TO_POINTER(pc))) < STALE_MOST;
}

/* The page's map from the TBs that are there. */
static void map_page(CodePage *p, RamAddr page)
{
    memset(p->code, 0, sizeof p->code);
    for (const Tb *tb = p->first; tb; tb = tb->page_next[page_side(tb, page)]) {
        mark_code(p, tb, page_side(tb, page));
    }
}

/* The range is inside one page. */
static void invalidate_page(TcgState *s, RamAddr ra, uint64_t len)
{
    RamAddr page = ra & PAGE_MASK;
    CodePage *p = g_hash_table_lookup(s->pages, page_key(page));
    if (!p || !map_overlaps(p, ra, len)) {
        return;
    }
    bool any = false;
    for (Tb *tb = p->first, *next; tb; tb = next) {
        int n = page_side(tb, page);
        RamAddr from, to;
        next = tb->page_next[n];
        tb_extent(tb, n, &from, &to);
        if (ra < to && from < ra + len) {
            any = true;
            invalidate(s, tb); /* may free p with its last TB */
        }
    }
    if (!any) {
        map_page(p, page);
    } else if (s->torture) {
        torture_new_code(s->torture);
    }
}

/* RAM_WATCH_CODE: page_unlink() disarms the bit when the last TB goes. */
static bool code_written(void *opaque, RamAddr ra, uint64_t len)
{
    invalidate_page(opaque, ra, len);
    return false;
}

TcgState *cache_of(Machine *m)
{
    return m->cpus->len ? tcg_state(g_ptr_array_index(m->cpus, 0)) : NULL;
}

bool tcg_code_at(Machine *m, RamAddr ra, uint64_t len)
{
    TcgState *s = cache_of(m);
    CodePage *p = s ? g_hash_table_lookup(s->pages, page_key(ra)) : NULL;
    return p && map_overlaps(p, ra, len);
}

void tcg_invalidate(Machine *m, RamAddr ra, uint64_t len)
{
    TcgState *s = cache_of(m);
    while (s && len) {
        uint64_t n = MIN(len, PAGE_SIZE - (ra & ~PAGE_MASK));
        invalidate_page(s, ra, n);
        ra += n;
        len -= n;
    }
}

/* --- modes ---------------------------------------------------------------------- */

typedef struct TbMode {
    GuestAddr base;
    uint32_t flags;
    uint32_t limit;
} TbMode;

static guint mode_hash(gconstpointer p)
{
    const TbMode *m = p;
    return m->base * 31 + m->flags * 7 + m->limit;
}

static gboolean mode_equal(gconstpointer a, gconstpointer b)
{
    return !memcmp(a, b, sizeof(TbMode));
}

uint32_t cache_mode(TcgState *s, const TbKey *key, TbLimit limit)
{
    TbMode mode = { key->base, key->flags, limit };
    gpointer found = g_hash_table_lookup(s->modes, &mode);
    if (!found) {
        found = GUINT_TO_POINTER(g_hash_table_size(s->modes) + 1);
        g_hash_table_insert(s->modes, g_memdup2(&mode, sizeof mode), found);
    }
    return GPOINTER_TO_UINT(found);
}

/* --- whole cache --------------------------------------------------------------- */

void tb_free(TcgState *s, Tb *tb)
{
    s->backend->release(tb);
    g_free(tb->words);
    g_free(tb);
}

void cache_collect(TcgState *s)
{
    for (guint i = 0; i < s->garbage->len; i++) {
        tb_free(s, g_ptr_array_index(s->garbage, i));
    }
    g_ptr_array_set_size(s->garbage, 0);
    if (!s->tb_count) {
        s->backend->flush(s);
        g_hash_table_remove_all(s->modes);
    }
}

void cache_flush(TcgState *s)
{
    for (unsigned i = 0; i < s->hash_size; i++) {
        while (s->hash[i]) {
            invalidate(s, s->hash[i]);
        }
    }
    g_hash_table_remove_all(s->stale);
    s->flushes++;
}

void tcg_flush_all(Machine *m)
{
    TcgState *s = cache_of(m);
    if (s && s->tb_count) {
        cache_flush(s);
    }
}

/* A power of two. */
static unsigned hash_size(const TcgState *s)
{
    unsigned size = 65536;
    while (size < tcg_tb_bytes(s) / MIB * HASH_PER_MIB) {
        size *= 2;
    }
    return size;
}

TcgState *cache_new(Machine *m)
{
    static const AccelOptions defaults;
    TcgState *s = g_new0(TcgState, 1);
    s->machine = m;
    s->options = m->config.accel ? m->config.accel : &defaults;
    s->no_tb.limit = TB_NO_LIMIT;
    s->hash_size = hash_size(s);
    s->hash = g_new0(Tb *, s->hash_size);
    s->pages = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    s->last_here = g_hash_table_new(NULL, NULL);
    s->stale = g_hash_table_new(NULL, NULL);
    s->garbage = g_ptr_array_new();
    s->modes = g_hash_table_new_full(mode_hash, mode_equal, g_free, NULL);
    ram_watch_set(m, RAM_WATCH_CODE, code_written, s);
    return s;
}

void cache_free(TcgState *s)
{
    cache_flush(s);
    cache_collect(s);
    s->backend->fini(s);
    g_free(s->hash);
    g_hash_table_destroy(s->pages);
    g_hash_table_destroy(s->last_here);
    g_hash_table_destroy(s->stale);
    g_hash_table_destroy(s->modes);
    g_ptr_array_free(s->garbage, TRUE);
    ir_block_free(s->ir);
    once_fini(s);
    torture_set(s, 0);
    g_free(s);
}
