/*
 * The softmmu TLB: a cache of page walks that the guest cannot see.
 *
 * Why it cannot: a cached translation never outlives the page-table entries
 * it was made from. Words of RAM that served a walk are noted and their pages
 * watched (tlb-words.c); a store to such a word is the last of its TB and drops
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
            ram_note_direct_store(cpu->machine, info->ram,
                                  tlb_index(info->page));
        }
    }
    return info->page | (slow ? TLB_SLOW : 0);
}

static void clear_entry(TlbEntry *e)
{
    for (MmuAccess a = MMU_LOAD; a <= MMU_FETCH; a++) {
        e->tag[a] = TLB_INVALID;
    }
}

/* The jump cache may not know more than the TLB, or it would not hear of changes
 * to the page's translation. */
static void forget_code(Cpu *cpu, TlbInfo *info)
{
    if (info->fetched) {
        jump_cache_flush_page(cpu, info->page);
        info->fetched = false;
    }
}

void tlb_drop(Cpu *cpu, unsigned place)
{
    forget_code(cpu, tlb_info_at(cpu, place));
    clear_entry(tlb_entry_at(cpu, place));
}

/* What is known of the page, whatever it is accessed for. */
static void fill_info(Cpu *cpu, TlbInfo *info, TlbEntry *e, GuestAddr va,
                      const MmuResult *res)
{
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
}

static void fill(Cpu *cpu, GuestAddr va, unsigned set, const MmuResult *res)
{
    TlbEntry *e = &cpu->tlb.entry[set][tlb_index(va)];
    TlbInfo *info = &cpu->tlb.info[set][tlb_index(va)];
    forget_code(cpu, info);
    tlb_note_filled(cpu, va, set << TLB_BITS | tlb_index(va));
    fill_info(cpu, info, e, va, res);
    clear_entry(e);
    if (set >= MMU_MODES) {
        e->tag[MMU_FETCH] = tlb_tag(cpu, info, info->readonly, MMU_FETCH);
    } else {
        e->tag[MMU_LOAD] = tlb_tag(cpu, info, info->readonly, MMU_LOAD);
        e->tag[MMU_STORE] = tlb_tag(cpu, info, info->readonly, MMU_STORE);
    }
    cpu->tlb.fills++;
    cpu->tlb.empty = false;
}

/* The present walk for va gave a translation. */
static void note_trail(Cpu *cpu, GuestAddr va, unsigned set)
{
    const CpuTlb *t = &cpu->tlb;
    unsigned n = t->trail_len;
    for (unsigned i = 0; i + 1 < n; i++) {
        tlb_note_upper(cpu, t->trail[i], va, va);
    }
    if (n) {
        tlb_note_leaf(cpu, t->trail[n - 1], set << TLB_BITS | tlb_index(va));
    }
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
        note_trail(cpu, va, tlb_set(mode, access));
        fill(cpu, va, tlb_set(mode, access), &res);
    }
    TlbInfo *info = tlb_info(cpu, va, access, mode);
    info->fetched |= access == MMU_FETCH;
    return info;
}

/* --- flushing ------------------------------------------------------------ */

static void clear_place(Cpu *cpu, unsigned place, void *opaque)
{
    TlbInfo *info = tlb_info_at(cpu, place);
    clear_entry(tlb_entry_at(cpu, place));
    info->listed = 0;
    info->fetched = false; /* nothing is in the jump cache */
}

static void clear_all(Cpu *cpu)
{
    CpuTlb *t = &cpu->tlb;
    tlb_for_places(cpu, clear_place, NULL);
    t->filled[0].count = t->filled[1].count = 0;
    t->mixed = false;
    t->empty = true;
}

void tlb_init(Cpu *cpu)
{
    cpu->tlb.empty = false;
    cpu->tlb.filled[0].count = UINT_MAX; /* not initialised: clear all */
    tlb_words_init(cpu);
    tlb_flush(cpu);
}

void tlb_free(Cpu *cpu)
{
    tlb_words_free(cpu);
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
    clear_all(cpu);
    cpu->tlb.flushes++;
    forget_walked(cpu->machine);
}

void tlb_flush_all(Machine *m)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        tlb_flush(g_ptr_array_index(m->cpus, i));
    }
}

/* opaque: a page of RAM, or NULL for all. */
static void revoke_store(Cpu *cpu, unsigned place, void *opaque)
{
    const RamAddr *page = opaque;
    TlbEntry *e = tlb_entry_at(cpu, place);
    const TlbInfo *info = tlb_info_at(cpu, place);
    if (!(e->tag[MMU_STORE] & TLB_INVALID) && info->is_ram &&
        (!page || info->ram == *page)) {
        e->tag[MMU_STORE] |= TLB_SLOW;
    }
}

void tlb_revoke_stores(Machine *m, RamAddr ra, unsigned index)
{
    RamAddr page = ra & PAGE_MASK;
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        if (index == TLB_SIZE) {
            tlb_for_places(cpu, revoke_store, &page);
            continue;
        }
        for (unsigned set = 0; set < MMU_MODES; set++) {
            revoke_store(cpu, set << TLB_BITS | index, &page);
        }
    }
}

void tlb_revoke_all_stores(Machine *m)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        tlb_for_places(g_ptr_array_index(m->cpus, i), revoke_store, NULL);
    }
}

static void revoke_all(Cpu *cpu, unsigned place, void *opaque)
{
    TlbEntry *e = tlb_entry_at(cpu, place);
    for (MmuAccess a = MMU_LOAD; a <= MMU_STORE; a++) {
        if (!(e->tag[a] & TLB_INVALID)) {
            e->tag[a] |= TLB_SLOW;
        }
    }
}

void tlb_revoke_all(Machine *m)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        tlb_for_places(g_ptr_array_index(m->cpus, i), revoke_all, NULL);
    }
}
