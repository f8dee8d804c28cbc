/*
 * The softmmu TLB: a cache of page walks that the guest cannot see.
 *
 * Why it cannot: a cached translation never outlives the page-table entries
 * it was made from. Words of RAM that served a walk are noted and their pages
 * watched (tlb-walk.c); a store to such a word is the last of its TB and drops
 * all translations, so the next instruction is fetched through new ones.
 * Accessed and dirty bits are set by walks, and an entry for stores exists only
 * after a walk for a store, so which bits are set does not depend on what
 * happened to be cached. See DESIGN, section 5.
 *
 * An access is fast if the page is plain RAM that nobody watches. Everything
 * else carries TLB_SLOW in its tag and ends in tlb-access.c: devices, ROM,
 * watched pages, watchpoints, accesses across two pages.
 */
#include "tlb-rooms.h"
#include "vm/work.h"

/* --- filling ------------------------------------------------------------- */

uint64_t tlb_tag(Cpu *cpu, const TlbInfo *info, bool readonly, MmuAccess access)
{
    if (!(info->prot & (1 << access))) {
        return TLB_INVALID;
    }
    bool slow = !info->is_ram || tlb_must_note(cpu, info->page, access) ||
                tlb_page_has_watchpoint(cpu, info->page, access);
    if (access == MMU_STORE && !slow) {
        slow = readonly || ram_watch_bits(cpu->machine, info->ram);
        if (!slow) {
            ram_note_direct_store(cpu->machine, info->ram);
        }
    }
    return info->page | (slow ? TLB_SLOW : 0);
}

void tlb_clear_entry(TlbEntry *e)
{
    for (MmuAccess a = MMU_LOAD; a <= MMU_FETCH; a++) {
        e->tag[a] = TLB_INVALID;
    }
}

static TlbEntry *numbered_entry(Cpu *cpu, unsigned n)
{
    return &cpu->tlb.entry[n >> TLB_BITS][n & (TLB_SIZE - 1)];
}

/* Flushes and the like look at what was filled only, unless it is a lot. */
static void note_filled(CpuTlb *t, unsigned mode, unsigned index)
{
    if (t->info[mode][index].listed) {
        return;
    }
    t->info[mode][index].listed = true;
    if (t->filled_count < TLB_FILLED) {
        t->filled[t->filled_count] = mode << TLB_BITS | index;
    }
    t->filled_count++;
}

/* Calls fn for every entry that may be in use, once each. */
void tlb_for_entries(Cpu *cpu, TlbEntryFn *fn, void *opaque)
{
    const CpuTlb *t = &cpu->tlb;
    bool all = t->filled_count > TLB_FILLED;
    unsigned count = all ? MMU_MODES * TLB_SIZE : t->filled_count;
    for (unsigned k = 0; k < count; k++) {
        fn(cpu, all ? k : t->filled[k], opaque);
    }
}

/* An entry goes: the jump cache may not know more than the TLB, or it would not
 * hear of changes to the page's translation. */
void tlb_forget_code(Cpu *cpu, unsigned mode, unsigned index)
{
    TlbInfo *info = &cpu->tlb.info[mode][index];
    if (info->fetched) {
        jump_cache_flush_page(cpu, info->page);
        info->fetched = false;
    }
}

static void fill(Cpu *cpu, GuestAddr va, unsigned mode, const MmuResult *res)
{
    TlbEntry *e = &cpu->tlb.entry[mode][tlb_index(va)];
    TlbInfo *info = &cpu->tlb.info[mode][tlb_index(va)];
    tlb_forget_code(cpu, mode, tlb_index(va));
    note_filled(&cpu->tlb, mode, tlb_index(va));
    const MemRange *r = address_space_find(tlb_memory(cpu), res->phys);
    info->readonly = r && r->readonly;
    info->page = va & PAGE_MASK;
    info->phys = res->phys & PAGE_MASK;
    /* A page that only partly is RAM is treated like a device's. */
    info->is_ram = r && r->region->kind == MEM_RAM && r->start <= info->phys &&
                   r->end - info->phys >= PAGE_SIZE - 1;
    info->prot = res->prot;
    info->leaf = cpu->tlb.trail_len
                     ? cpu->tlb.trail[cpu->tlb.trail_len - 1] & ~(RamAddr)7
                     : NO_LEAF;
    e->addend = 0;
    if (info->is_ram) {
        PhysAddr offset = r->offset + (info->phys - r->start);
        /* Only RAM that is page-aligned in its block can be mapped. */
        info->is_ram = !(offset & ~PAGE_MASK);
        info->ram = r->region->ram->base + offset;
        e->addend = (uintptr_t)r->region->ram->host + offset - info->page;
    }
    for (MmuAccess a = MMU_LOAD; a <= MMU_FETCH; a++) {
        e->tag[a] = tlb_tag(cpu, info, info->readonly, a);
    }
    cpu->tlb.fills++;
    cpu->tlb.empty = false;
}

/* Makes sure that the page of va is in the TLB for the access, or raises. Only
 * a walk that gave a translation leaves a trail: what is not present is not
 * cached. */
const TlbInfo *tlb_lookup(Cpu *cpu, GuestAddr va, MmuAccess access,
                          unsigned flagged)
{
    unsigned mode = flagged & ~MMU_FLAGS;
    if (!tlb_hit(cpu, va, access, mode)) {
        MmuResult res;
        cpu->tlb.trail_len = 0;
        machine_work(cpu->machine, WORK_WALK);
        if (!cpu->cls->walk(cpu, va, access, flagged & ~MMU_UPDATE, false,
                            &res)) {
            cpu_raise(cpu);
        }
        unsigned n = cpu->tlb.trail_len;
        for (unsigned i = 0; i < n; i++) {
            tlb_note_walked(cpu, cpu->tlb.trail[i], i + 1 == n);
        }
        fill(cpu, va, mode, &res);
    }
    TlbInfo *info = &cpu->tlb.info[mode][tlb_index(va)];
    info->fetched |= access == MMU_FETCH;
    return info;
}

/* --- flushing ------------------------------------------------------------ */

static void clear_numbered(Cpu *cpu, unsigned n, void *opaque)
{
    tlb_clear_entry(numbered_entry(cpu, n));
    cpu->tlb.info[n >> TLB_BITS][n & (TLB_SIZE - 1)].listed = false;
}

void tlb_init(Cpu *cpu)
{
    cpu->tlb.empty = false;
    cpu->tlb.filled_count = UINT_MAX; /* not initialised: clear all */
    tlb_walk_init(cpu);
    tlb_flush(cpu);
}

void tlb_free(Cpu *cpu)
{
    tlb_walk_free(cpu);
}

/* Where nothing is cached, no word of a page table matters. */
static void forget_walked(Machine *m)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        if (!((Cpu *)g_ptr_array_index(m->cpus, i))->tlb.empty) {
            return;
        }
    }
    if (m->cpus->len) {
        tlb_walked_forget(m);
    }
}

void tlb_flush(Cpu *cpu)
{
    cpu_stop_chain(cpu);
    if (cpu->tlb.empty) {
        return; /* so is the jump cache: to fill it takes a fetch */
    }
    jump_cache_flush(cpu);
    tlb_for_entries(cpu, clear_numbered, NULL);
    cpu->tlb.filled_count = 0;
    cpu->tlb.flushes++;
    cpu->tlb.empty = true;
    forget_walked(cpu->machine);
}

void tlb_flush_all(Machine *m)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        tlb_flush(g_ptr_array_index(m->cpus, i));
    }
}

static void revoke_store(Cpu *cpu, unsigned n, void *opaque)
{
    const RamAddr *page = opaque;
    TlbEntry *e = numbered_entry(cpu, n);
    const TlbInfo *info = &cpu->tlb.info[n >> TLB_BITS][n & (TLB_SIZE - 1)];
    if (!(e->tag[MMU_STORE] & TLB_INVALID) && info->is_ram &&
        (!page || info->ram == *page)) {
        e->tag[MMU_STORE] |= TLB_SLOW;
    }
}

/* page NULL: all pages. */
static void revoke_stores(Machine *m, RamAddr *page)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        tlb_for_entries(g_ptr_array_index(m->cpus, i), revoke_store, page);
    }
}

void tlb_revoke_stores(Machine *m, RamAddr ra)
{
    RamAddr page = ra & PAGE_MASK;
    revoke_stores(m, &page);
}

void tlb_revoke_all_stores(Machine *m)
{
    revoke_stores(m, NULL);
}

static void revoke_all(Cpu *cpu, unsigned n, void *opaque)
{
    TlbEntry *e = numbered_entry(cpu, n);
    for (MmuAccess a = MMU_LOAD; a <= MMU_STORE; a++) {
        if (!(e->tag[a] & TLB_INVALID)) {
            e->tag[a] |= TLB_SLOW;
        }
    }
}

void tlb_revoke_all(Machine *m)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        tlb_for_entries(g_ptr_array_index(m->cpus, i), revoke_all, NULL);
    }
}
