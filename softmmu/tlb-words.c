/*
 * Which words of RAM page walks have read: what makes the TLB invisible (tlb.c).
 * A store to such a word drops the translations that were made from it, and as
 * few others as can be: a kernel stores to page tables millions of times.
 *
 * A word that gave a translation, the leaf of a walk, knows the place of the TLB
 * that this went to. A word that led on to another table knows between which
 * addresses the pages are for which it did. Either may say too much, never too
 * little.
 */
#include "tlb-rooms.h"

#define PAGE_WORDS (PAGE_SIZE / 8)
/* A page without such words any more is watched for some stores: as long as a
 * kernel that changes an entry needs until it is walked again. */
#define IDLE_STORES 16u

/* Where the translations of a leaf are: an index of the TLB, and the sets as
 * bits. A word may hold two entries, of pages side by side. */
#define LEAF_INDEX (TLB_SIZE - 1)
#define LEAF_SETS_SHIFT 16
#define LEAF_PAIR  BIT(30)
#define LEAF_MANY  BIT(31) /* anywhere */

typedef struct WordRange {
    GuestAddr first, last;
} WordRange;

/* A page of RAM with such words, 8 bytes each. */
typedef struct WalkedPage {
    RamAddr page;
    unsigned words;        /* that are noted */
    unsigned idle_stores;  /* since there were any */
    uint64_t upper[PAGE_WORDS / 64], leaf[PAGE_WORDS / 64];
    uint32_t leaf_at[PAGE_WORDS];
    WordRange *range;      /* of upper words; NULL: there was none */
} WalkedPage;

/* --- the map ------------------------------------------------------------- */

/* All CPUs share one, so that a store by one drops what others cached. */
static CpuTlb *map_owner(Machine *m)
{
    return &((Cpu *)g_ptr_array_index(m->cpus, 0))->tlb;
}

static gpointer map_key(RamAddr ra)
{
    return GSIZE_TO_POINTER(ra >> PAGE_BITS);
}

static WalkedPage **last_used(Machine *m, RamAddr ra)
{
    return &map_owner(m)->walked_last[(ra >> PAGE_BITS) % TLB_TRAIL];
}

static void page_free(gpointer opaque)
{
    WalkedPage *p = opaque;
    g_free(p->range);
    g_free(p);
}

void tlb_walked_forget(Machine *m)
{
    CpuTlb *owner = map_owner(m);
    g_hash_table_remove_all(owner->walked);
    memset(owner->walked_last, 0, sizeof owner->walked_last);
}

/* The page's words, or NULL if no walk came through it. */
static WalkedPage *page_find(Machine *m, RamAddr ra)
{
    WalkedPage **last = last_used(m, ra);
    if (!*last || (*last)->page != (ra & PAGE_MASK)) {
        WalkedPage *p = g_hash_table_lookup(map_owner(m)->walked, map_key(ra));
        if (!p) {
            return NULL;
        }
        *last = p;
    }
    return *last;
}

/* The same; it is made if there is none, and watched. */
static WalkedPage *page_watched(Machine *m, RamAddr ra)
{
    WalkedPage *p = page_find(m, ra);
    if (!p) {
        p = g_new0(WalkedPage, 1);
        p->page = ra & PAGE_MASK;
        g_hash_table_insert(map_owner(m)->walked, map_key(ra), p);
    }
    if (!(ram_watch_bits(m, ra) & RAM_WATCH_WALK)) {
        ram_watch_arm(m, RAM_WATCH_WALK, ra);
    }
    return p;
}

static void page_forget(Machine *m, WalkedPage *p)
{
    *last_used(m, p->page) = NULL;
    g_hash_table_remove(map_owner(m)->walked, map_key(p->page));
}

static unsigned word_of(RamAddr ra)
{
    return (ra & ~PAGE_MASK) / 8;
}

static bool word_in(const uint64_t *words, unsigned n)
{
    return words[n / 64] & BIT(n % 64);
}

/* True if it was noted before. */
static bool word_note(WalkedPage *p, uint64_t *words, unsigned n)
{
    bool known = word_in(words, n);
    words[n / 64] |= BIT(n % 64);
    p->words += !known;
    p->idle_stores = 0;
    return known;
}

static void word_forget(WalkedPage *p, uint64_t *words, unsigned n)
{
    words[n / 64] &= ~BIT(n % 64);
    p->words--;
}

/* --- noting -------------------------------------------------------------- */

void tlb_note_leaf(Cpu *cpu, RamAddr ra, unsigned place)
{
    WalkedPage *p = page_watched(cpu->machine, ra);
    unsigned n = word_of(ra);
    uint32_t index = place & LEAF_INDEX;
    uint32_t set = BIT(LEAF_SETS_SHIFT + (place >> TLB_BITS));
    if (!word_note(p, p->leaf, n)) {
        p->leaf_at[n] = index;
    }
    uint32_t other = (p->leaf_at[n] & LEAF_INDEX) ^ index;
    p->leaf_at[n] |= set | (other == 1 ? LEAF_PAIR : other ? LEAF_MANY : 0);
}

void tlb_note_upper(Cpu *cpu, RamAddr ra, GuestAddr first, GuestAddr last)
{
    WalkedPage *p = page_watched(cpu->machine, ra);
    unsigned n = word_of(ra);
    if (!p->range) {
        p->range = g_new(WordRange, PAGE_WORDS);
    }
    WordRange *r = &p->range[n];
    if (!word_note(p, p->upper, n)) {
        *r = (WordRange){ first, last };
    }
    r->first = MIN(r->first, first);
    r->last = MAX(r->last, last);
}

bool tlb_walked_at(Machine *m, RamAddr ra, uint64_t len)
{
    const WalkedPage *p = page_find(m, ra);
    for (unsigned n = word_of(ra); p && n <= word_of(ra + len - 1); n++) {
        if (word_in(p->upper, n) || word_in(p->leaf, n)) {
            return true;
        }
    }
    return false;
}

/* --- a store to a word --------------------------------------------------- */

static void drop_if_from(Cpu *cpu, unsigned place, void *opaque)
{
    const RamAddr *word = opaque;
    if (tlb_info_at(cpu, place)->leaf == *word) {
        tlb_drop(cpu, place);
    }
}

static void drop_leaf(Cpu *cpu, uint32_t at, RamAddr word)
{
    unsigned index = at & LEAF_INDEX;
    if (at & LEAF_MANY) {
        tlb_for_places(cpu, drop_if_from, &word);
        return;
    }
    for (unsigned set = 0; set < TLB_SETS; set++) {
        if (!(at & BIT(LEAF_SETS_SHIFT + set))) {
            continue;
        }
        drop_if_from(cpu, set << TLB_BITS | index, &word);
        if (at & LEAF_PAIR) {
            drop_if_from(cpu, set << TLB_BITS | (index ^ 1), &word);
        }
    }
}

static void drop_if_within(Cpu *cpu, unsigned place, void *opaque)
{
    const WordRange *r = opaque;
    GuestAddr page = tlb_info_at(cpu, place)->page;
    if (page >= (r->first & PAGE_MASK) && page <= r->last) {
        tlb_drop(cpu, place);
    }
}

static void word_written(Cpu *cpu, WalkedPage *p, unsigned n)
{
    cpu_stop_chain(cpu);
    if (word_in(p->upper, n)) {
        WordRange *r = &p->range[n];
        tlb_for_range(cpu, r->first, r->last, drop_if_within, r);
    }
    if (word_in(p->leaf, n)) {
        drop_leaf(cpu, p->leaf_at[n], p->page + 8 * n);
    }
}

/* True if to look for what one of these words led to is more work than to fill
 * all of the TLB again. */
static bool costs_more_than_flush(Machine *m, const WalkedPage *p, RamAddr ra,
                                  uint64_t len)
{
    for (unsigned n = word_of(ra); n <= word_of(ra + len - 1); n++) {
        for (guint i = 0; word_in(p->upper, n) && i < m->cpus->len; i++) {
            if (tlb_range_is_large(g_ptr_array_index(m->cpus, i),
                                   p->range[n].first, p->range[n].last)) {
                return true;
            }
        }
    }
    return false;
}

/* RAM_WATCH_WALK: a page with page tables is written. True if nobody needs to
 * know of the next time. */
static bool table_written(void *opaque, RamAddr ra, uint64_t len)
{
    Machine *m = opaque;
    WalkedPage *p = page_find(m, ra);
    if (p && costs_more_than_flush(m, p, ra, len)) {
        tlb_flush_all(m);
        tlb_walked_forget(m);
        return true;
    }
    for (unsigned n = word_of(ra); p && n <= word_of(ra + len - 1); n++) {
        bool upper = word_in(p->upper, n), leaf = word_in(p->leaf, n);
        for (guint i = 0; (upper || leaf) && i < m->cpus->len; i++) {
            word_written(g_ptr_array_index(m->cpus, i), p, n);
        }
        if (upper) {
            word_forget(p, p->upper, n);
        }
        if (leaf) {
            word_forget(p, p->leaf, n);
        }
    }
    if (p && !p->words && ++p->idle_stores > IDLE_STORES) {
        page_forget(m, p);
        p = NULL;
    }
    return !p;
}

void tlb_words_init(Cpu *cpu)
{
    cpu->tlb.walked = g_hash_table_new_full(NULL, NULL, NULL, page_free);
    ram_watch_set(cpu->machine, RAM_WATCH_WALK, table_written, cpu->machine);
}

void tlb_words_free(Cpu *cpu)
{
    g_clear_pointer(&cpu->tlb.walked, g_hash_table_destroy);
}
