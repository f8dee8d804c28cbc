/*
 * Page walks, and which words of RAM they have read: what makes the TLB
 * invisible (tlb.c). A store to such a word drops the translations made from
 * it.
 */
#include "base/bytes.h"
#include "tlb-rooms.h"

/* --- the words that walks have read -------------------------------------- */

/* 8-byte words of a page, a bit each: those that led on to other tables, and
 * those that gave the translation itself. */
typedef struct WalkedPage {
    RamAddr page;
    uint64_t upper[PAGE_SIZE / 8 / 64], leaf[PAGE_SIZE / 8 / 64];
} WalkedPage;

/* All CPUs share one map, so that a store by one drops what others cached. */
static CpuTlb *walked_owner(Machine *m)
{
    return &((Cpu *)g_ptr_array_index(m->cpus, 0))->tlb;
}

static GHashTable *walked(Machine *m)
{
    return walked_owner(m)->walked;
}

static gpointer walked_key(RamAddr ra)
{
    return GSIZE_TO_POINTER(ra >> PAGE_BITS);
}

void tlb_walked_forget(Machine *m)
{
    CpuTlb *owner = walked_owner(m);
    g_hash_table_remove_all(owner->walked);
    memset(owner->walked_last, 0, sizeof owner->walked_last);
}

/* The page's words, or NULL if no walk came through it. */
static WalkedPage *walked_find(Machine *m, RamAddr ra)
{
    WalkedPage **last =
        &walked_owner(m)->walked_last[(ra >> PAGE_BITS) % TLB_TRAIL];
    if (!*last || (*last)->page != (ra & PAGE_MASK)) {
        WalkedPage *p = g_hash_table_lookup(walked(m), walked_key(ra));
        if (!p) {
            return NULL;
        }
        *last = p;
    }
    return *last;
}

static WalkedPage *walked_page(Machine *m, RamAddr ra)
{
    WalkedPage *p = walked_find(m, ra);
    if (!p) {
        p = g_new0(WalkedPage, 1);
        p->page = ra & PAGE_MASK;
        g_hash_table_insert(walked(m), walked_key(ra), p);
    }
    return p;
}

void tlb_note_walked(Cpu *cpu, RamAddr ra, bool is_leaf)
{
    Machine *m = cpu->machine;
    WalkedPage *p = walked_page(m, ra);
    unsigned n = (ra & ~PAGE_MASK) / 8;
    uint64_t *words = is_leaf ? p->leaf : p->upper;
    words[n / 64] |= BIT(n % 64);
    if (!(ram_watch_bits(m, ra) & RAM_WATCH_WALK)) {
        ram_watch_arm(m, RAM_WATCH_WALK, ra);
    }
}

static bool word_in(const uint64_t *words, unsigned n)
{
    return words[n / 64] & BIT(n % 64);
}

/* The words that [ra, ra + len) touches, inside one page. */
static unsigned first_word(RamAddr ra)
{
    return (ra & ~PAGE_MASK) / 8;
}

static unsigned last_word(RamAddr ra, uint64_t len)
{
    return ((ra & ~PAGE_MASK) + len - 1) / 8;
}

bool tlb_walked_at(Machine *m, RamAddr ra, uint64_t len)
{
    const WalkedPage *p = walked_find(m, ra);
    for (unsigned n = first_word(ra); p && n <= last_word(ra, len); n++) {
        if (word_in(p->upper, n) || word_in(p->leaf, n)) {
            return true;
        }
    }
    return false;
}

/* --- walks --------------------------------------------------------------- */

uint8_t *tlb_walk_ram(Cpu *cpu, PhysAddr pa, unsigned size, RamAddr *ra)
{
    const MemRange *r = address_space_find(tlb_memory(cpu), pa);
    if (!r || r->region->kind != MEM_RAM || r->end - pa < size - 1) {
        return NULL;
    }
    uint64_t offset = r->offset + (pa - r->start);
    *ra = r->region->ram->base + offset;
    return r->region->ram->host + offset;
}

uint64_t walk_ld(Cpu *cpu, PhysAddr pa, unsigned size)
{
    RamAddr ra;
    const uint8_t *host = tlb_walk_ram(cpu, pa, size, &ra);
    if (!host) {
        return bits_mask(8 * size);
    }
    if (cpu->tlb.trail_len < TLB_TRAIL) {
        cpu->tlb.trail[cpu->tlb.trail_len++] = ra;
    } else {
        tlb_note_walked(cpu, ra, false);
    }
    return bytes_ld_le(host, size);
}

/* Setting A or D takes nothing from what is cached: everyone but the TLB is
 * told. If the entry lies in translated code, that must be looked up anew. */
void walk_st(Cpu *cpu, PhysAddr pa, uint64_t v, unsigned size)
{
    RamAddr ra;
    Machine *m = cpu->machine;
    const MemRange *r = address_space_find(tlb_memory(cpu), pa);
    uint8_t *host = tlb_walk_ram(cpu, pa, size, &ra);
    if (!host || r->readonly) {
        return;
    }
    /* The TB may have loaded the entry and hold it for unchanged. That is
     * once for each page: hot code must not be cut there for good. */
    cpu_need_last_insn_once(cpu);
    if ((ram_watch_bits(m, ra) & RAM_WATCH_CODE) && tb_code_at(m, ra, size)) {
        cpu_stop_chain(cpu);
    }
    bool armed = ram_watch_bits(m, ra) & RAM_WATCH_WALK;
    ram_watch_disarm(m, RAM_WATCH_WALK, ra);
    ram_will_write(m, ra, size);
    bytes_st_le(host, size, v);
    if (armed) {
        ram_watch_arm(m, RAM_WATCH_WALK, ra);
    }
}

static void drop_if_from(Cpu *cpu, unsigned n, void *opaque)
{
    const RamAddr *word = opaque;
    unsigned mode = n >> TLB_BITS, index = n & (TLB_SIZE - 1);
    if (cpu->tlb.info[mode][index].leaf == *word) {
        tlb_forget_code(cpu, mode, index);
        tlb_clear_entry(&cpu->tlb.entry[mode][index]);
    }
}

/* A word that gave translations of pages, and nothing else, is written: those
 * pages' entries go. */
static void drop_translations(Machine *m, RamAddr word)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        cpu_stop_chain(cpu);
        tlb_for_entries(cpu, drop_if_from, &word);
    }
}

static bool is_large(Machine *m)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        const Cpu *cpu = g_ptr_array_index(m->cpus, i);
        if (cpu->tlb.filled_count > TLB_FILLED) {
            return true;
        }
    }
    return false;
}

/* RAM_WATCH_WALK: a page with page tables is written. */
static bool table_written(void *opaque, RamAddr ra, uint64_t len)
{
    Machine *m = opaque;
    WalkedPage *p = walked_find(m, ra);
    if (!p) {
        return true;
    }
    for (unsigned n = first_word(ra); n <= last_word(ra, len); n++) {
        if (word_in(p->upper, n) || (word_in(p->leaf, n) && is_large(m))) {
            tlb_flush_all(m);
            tlb_walked_forget(m);
            return true;
        }
        if (word_in(p->leaf, n)) {
            drop_translations(m, p->page + 8 * n);
            p->leaf[n / 64] &= ~BIT(n % 64);
        }
    }
    return false;
}

void tlb_walk_init(Cpu *cpu)
{
    cpu->tlb.walked = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    ram_watch_set(cpu->machine, RAM_WATCH_WALK, table_written, cpu->machine);
}

void tlb_walk_free(Cpu *cpu)
{
    g_clear_pointer(&cpu->tlb.walked, g_hash_table_destroy);
}
