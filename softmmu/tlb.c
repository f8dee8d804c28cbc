/*
 * The softmmu TLB: a cache of page walks that the guest cannot see.
 *
 * Why it cannot: a cached translation never outlives the page-table entries
 * it was made from. Pages of RAM that served a walk are watched; a store to
 * one drops all translations. Accessed and dirty bits are set by walks, and an
 * entry for stores exists only after a walk for a store, so which bits are set
 * does not depend on what happened to be cached. See DESIGN, section 5.
 *
 * An access is fast if the page is plain RAM that nobody watches. Everything
 * else carries TLB_SLOW in its tag and ends here: devices, ROM, watched pages,
 * watchpoints, accesses across two pages.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "vm/cpu.h"

static unsigned tlb_index(GuestAddr va)
{
    return (va >> PAGE_BITS) & (TLB_SIZE - 1);
}

static AddressSpace *cpu_memory(Cpu *cpu)
{
    return cpu->cls->memory ? cpu->cls->memory(cpu) : cpu->machine->memory;
}

/* --- filling ------------------------------------------------------------------ */

/* True if a watchpoint for this kind of access touches the page. */
static bool page_has_watchpoint(Cpu *cpu, GuestAddr page, MmuAccess access)
{
    for (guint i = 0; i < cpu->watchpoints->len; i++) {
        const Watchpoint *w = &g_array_index(cpu->watchpoints, Watchpoint, i);
        if ((w->access & (1 << access)) && w->addr < page + PAGE_SIZE &&
            page < w->addr + w->len) {
            return true;
        }
    }
    return false;
}

static uint64_t tag_of(Cpu *cpu, const TlbInfo *info, bool readonly,
                       MmuAccess access)
{
    if (!(info->prot & (1 << access))) {
        return TLB_INVALID;
    }
    bool slow = !info->is_ram || page_has_watchpoint(cpu, info->page, access);
    if (access == MMU_STORE && !slow) {
        slow = readonly || ram_watch_bits(cpu->machine, info->ram);
        if (!slow) {
            ram_note_direct_store(cpu->machine, info->ram);
        }
    }
    return info->page | (slow ? TLB_SLOW : 0);
}

static void fill(Cpu *cpu, GuestAddr va, unsigned mode, const MmuResult *res)
{
    TlbEntry *e = &cpu->tlb.entry[mode][tlb_index(va)];
    TlbInfo *info = &cpu->tlb.info[mode][tlb_index(va)];
    const MemRange *r = address_space_find(cpu_memory(cpu), res->phys);
    bool readonly = r && r->readonly;
    info->page = va & PAGE_MASK;
    info->phys = res->phys & PAGE_MASK;
    /* A page that only partly is RAM is treated like a device's. */
    info->is_ram = r && r->region->kind == MEM_RAM &&
                   r->start <= info->phys &&
                   r->end - info->phys >= PAGE_SIZE - 1;
    info->prot = res->prot;
    e->addend = 0;
    if (info->is_ram) {
        PhysAddr offset = r->offset + (info->phys - r->start);
        /* Only RAM that is page-aligned in its block can be mapped. */
        info->is_ram = !(offset & ~PAGE_MASK);
        info->ram = r->region->ram->base + offset;
        e->addend = (uintptr_t)r->region->ram->host + offset - info->page;
    }
    for (MmuAccess a = MMU_LOAD; a <= MMU_FETCH; a++) {
        e->tag[a] = tag_of(cpu, info, readonly, a);
    }
    cpu->tlb.fills++;
    cpu->tlb.empty = false;
}

static bool hit(Cpu *cpu, GuestAddr va, MmuAccess access, unsigned mode)
{
    const TlbEntry *e = &cpu->tlb.entry[mode][tlb_index(va)];
    return (e->tag[access] & ~(uint64_t)TLB_SLOW) == (va & PAGE_MASK);
}

/* Makes sure that the page of va is in the TLB for the access, or raises. */
static const TlbInfo *lookup(Cpu *cpu, GuestAddr va, MmuAccess access,
                             unsigned mode)
{
    if (!hit(cpu, va, access, mode)) {
        MmuResult res;
        if (!cpu->cls->walk(cpu, va, access, mode, false, &res)) {
            cpu_raise(cpu);
        }
        fill(cpu, va, mode, &res);
    }
    return &cpu->tlb.info[mode][tlb_index(va)];
}

/* --- watchpoints ------------------------------------------------------------------ */

static void note_watch(Cpu *cpu, const Watchpoint *w, GuestAddr va,
                       unsigned size, MmuAccess access)
{
    if (cpu->watch_hit.valid || !cpu->in_tb) {
        return;
    }
    cpu_need_last_insn(cpu);
    cpu->watch_hit = (WatchHit){
        .valid = true,
        .addr = MAX(va, w->addr),
        .len = MIN(va + size, w->addr + w->len) - MAX(va, w->addr),
        .access = access,
        .watch = *w,
    };
    cpu_kick(cpu);
}

static void check_watch(Cpu *cpu, GuestAddr va, unsigned size,
                        MmuAccess access)
{
    for (guint i = 0; i < cpu->watchpoints->len; i++) {
        const Watchpoint *w = &g_array_index(cpu->watchpoints, Watchpoint, i);
        if ((w->access & (1 << access)) && va < w->addr + w->len &&
            w->addr < va + size) {
            note_watch(cpu, w, va, size, access);
        }
    }
}

/* --- one access inside one page ------------------------------------------------------ */

static PhysAddr phys_of(const TlbInfo *info, GuestAddr va)
{
    return info->phys + (va - info->page);
}

static uint64_t load_page(Cpu *cpu, GuestAddr va, unsigned size, unsigned mode)
{
    const TlbInfo *info = lookup(cpu, va, MMU_LOAD, mode);
    if (cpu->watchpoints->len) {
        check_watch(cpu, va, size, MMU_LOAD);
    }
    if (info->is_ram) {
        const TlbEntry *e = &cpu->tlb.entry[mode][tlb_index(va)];
        return bytes_ld_le((void *)(uintptr_t)(va + e->addend), size);
    }
    PhysAddr pa = phys_of(info, va);
    AddressSpace *as = cpu_memory(cpu);
    const MemRange *r = address_space_find(as, pa);
    if (r && r->region->kind == MEM_IO) {
        cpu_need_last_insn(cpu);
    }
    return address_space_ld(as, pa, size);
}

/* A store into a page with TBs ends the TB after this instruction: its own
 * code may be what changes. */
static void store_ram(Cpu *cpu, GuestAddr va, uint64_t v, unsigned size,
                      unsigned mode)
{
    Machine *m = cpu->machine;
    TlbEntry *e = &cpu->tlb.entry[mode][tlb_index(va)];
    TlbInfo *info = &cpu->tlb.info[mode][tlb_index(va)];
    RamAddr ra = info->ram + (va - info->page);
    uint8_t *host = (uint8_t *)(uintptr_t)(va + e->addend);
    if (ram_watch_bits(m, ra) & RAM_WATCH_CODE) {
        cpu_need_last_insn(cpu);
    }
    ram_will_write(m, ra, size);
    bytes_st_le(host, size, v);
    /* If nobody watches any more, the next store is fast. The TLB may have
     * been flushed by a watcher. */
    if (!ram_watch_bits(m, ra) && hit(cpu, va, MMU_STORE, mode)) {
        e->tag[MMU_STORE] = tag_of(cpu, info, false, MMU_STORE);
    }
}

static bool page_readonly(Cpu *cpu, PhysAddr pa)
{
    const MemRange *r = address_space_find(cpu_memory(cpu), pa);
    return !r || r->readonly;
}

static void store_page(Cpu *cpu, GuestAddr va, uint64_t v, unsigned size,
                       unsigned mode)
{
    const TlbInfo *info = lookup(cpu, va, MMU_STORE, mode);
    if (cpu->watchpoints->len) {
        check_watch(cpu, va, size, MMU_STORE);
    }
    PhysAddr pa = phys_of(info, va);
    if (info->is_ram) {
        if (!page_readonly(cpu, pa)) {
            store_ram(cpu, va, v, size, mode);
        }
        return;
    }
    AddressSpace *as = cpu_memory(cpu);
    const MemRange *r = address_space_find(as, pa);
    if (r && r->region->kind == MEM_IO) {
        cpu_need_last_insn(cpu);
    }
    address_space_st(as, pa, v, size);
}

static bool crosses(GuestAddr va, unsigned size)
{
    return ((va + size - 1) ^ va) & PAGE_MASK;
}

uint64_t tlb_load_slow(Cpu *cpu, GuestAddr va, unsigned size, unsigned mode)
{
    cpu->tlb.slow++;
    if (!crosses(va, size)) {
        return load_page(cpu, va, size, mode);
    }
    unsigned first = PAGE_SIZE - (va & ~PAGE_MASK);
    lookup(cpu, va, MMU_LOAD, mode);
    lookup(cpu, va + first, MMU_LOAD, mode);
    uint64_t v = 0;
    for (unsigned i = 0; i < size; i++) {
        v |= load_page(cpu, va + i, 1, mode) << (8 * i);
    }
    return v;
}

void tlb_store_slow(Cpu *cpu, GuestAddr va, uint64_t v, unsigned size,
                    unsigned mode)
{
    cpu->tlb.slow++;
    if (!crosses(va, size)) {
        store_page(cpu, va, v, size, mode);
        return;
    }
    /* Both pages must allow it before the first byte is written, and nothing
     * may restart the instruction once one is. */
    unsigned first = PAGE_SIZE - (va & ~PAGE_MASK);
    lookup(cpu, va, MMU_STORE, mode);
    lookup(cpu, va + first, MMU_STORE, mode);
    cpu_need_last_insn(cpu);
    for (unsigned i = 0; i < size; i++) {
        store_page(cpu, va + i, (uint8_t)(v >> (8 * i)), 1, mode);
    }
}

/* --- for helpers --------------------------------------------------------------------- */

static void *fast_host(Cpu *cpu, GuestAddr va, uint64_t len, MmuAccess access,
                       unsigned mode)
{
    const TlbEntry *e = &cpu->tlb.entry[mode][tlb_index(va)];
    if (e->tag[access] != (va & PAGE_MASK) || crosses(va, len)) {
        return NULL;
    }
    return (void *)(uintptr_t)(va + e->addend);
}

uint64_t cpu_ld(Cpu *cpu, GuestAddr va, unsigned size, unsigned mode)
{
    const void *host = fast_host(cpu, va, size, MMU_LOAD, mode);
    return host ? bytes_ld_le(host, size)
                : tlb_load_slow(cpu, va, size, mode);
}

void cpu_st(Cpu *cpu, GuestAddr va, uint64_t v, unsigned size, unsigned mode)
{
    void *host = fast_host(cpu, va, size, MMU_STORE, mode);
    if (host) {
        bytes_st_le(host, size, v);
    } else {
        tlb_store_slow(cpu, va, v, size, mode);
    }
}

void cpu_probe(Cpu *cpu, GuestAddr va, uint64_t len, MmuAccess access,
               unsigned mode)
{
    if (!len) {
        return;
    }
    GuestAddr last = (va + len - 1) & PAGE_MASK;
    for (GuestAddr page = va & PAGE_MASK;; page += PAGE_SIZE) {
        lookup(cpu, page == (va & PAGE_MASK) ? va : page, access, mode);
        if (page == last) {
            return;
        }
    }
}

void *cpu_direct(Cpu *cpu, GuestAddr va, uint64_t len, MmuAccess access,
                 unsigned mode)
{
    lookup(cpu, va, access, mode);
    return fast_host(cpu, va, len, access, mode);
}

bool cpu_fetch_ram(Cpu *cpu, GuestAddr va, unsigned mode, RamAddr *ra)
{
    const TlbInfo *info = lookup(cpu, va, MMU_FETCH, mode);
    *ra = info->ram + (va - info->page);
    return info->is_ram;
}

uint8_t cpu_fetch_byte(Cpu *cpu, GuestAddr va, unsigned mode)
{
    const TlbInfo *info = lookup(cpu, va, MMU_FETCH, mode);
    return address_space_ld(cpu_memory(cpu), phys_of(info, va), 1);
}

/* --- page walks -------------------------------------------------------------------------- */

/* The RAM behind an entry of a page table, or NULL. */
static bool walk_ram(Cpu *cpu, PhysAddr pa, unsigned size, RamAddr *ra)
{
    const MemRange *r = address_space_find(cpu_memory(cpu), pa);
    if (!r || r->region->kind != MEM_RAM || r->end - pa < size - 1) {
        return false;
    }
    *ra = r->region->ram->base + r->offset + (pa - r->start);
    return true;
}

uint64_t walk_ld(Cpu *cpu, PhysAddr pa, unsigned size)
{
    RamAddr ra;
    if (!walk_ram(cpu, pa, size, &ra)) {
        return address_space_ld(cpu_memory(cpu), pa, size);
    }
    if (!(ram_watch_bits(cpu->machine, ra) & RAM_WATCH_WALK)) {
        ram_watch_arm(cpu->machine, RAM_WATCH_WALK, ra);
    }
    return bytes_ld_le(ram_host(cpu->machine, ra), size);
}

void walk_st(Cpu *cpu, PhysAddr pa, uint64_t v, unsigned size)
{
    RamAddr ra;
    const MemRange *r = address_space_find(cpu_memory(cpu), pa);
    if (!walk_ram(cpu, pa, size, &ra) || r->readonly) {
        return;
    }
    /* Setting A or D takes nothing from what is cached: everyone but the TLB
     * is told. */
    Machine *m = cpu->machine;
    ram_watch_disarm(m, RAM_WATCH_WALK, ra);
    ram_will_write(m, ra, size);
    bytes_st_le(ram_host(m, ra), size, v);
    ram_watch_arm(m, RAM_WATCH_WALK, ra);
}

/* RAM_WATCH_WALK: a page table was written. */
static bool table_written(void *opaque, RamAddr ra, uint64_t len)
{
    tlb_flush_all(opaque);
    return true;
}

/* --- flushing ---------------------------------------------------------------------------- */

static void clear_entry(TlbEntry *e)
{
    for (MmuAccess a = MMU_LOAD; a <= MMU_FETCH; a++) {
        e->tag[a] = TLB_INVALID;
    }
}

void tlb_init(Cpu *cpu)
{
    cpu->tlb.empty = false;
    tlb_flush(cpu);
    ram_watch_set(cpu->machine, RAM_WATCH_WALK, table_written, cpu->machine);
}

void tlb_flush(Cpu *cpu)
{
    memset(cpu->jump_cache, 0, sizeof cpu->jump_cache);
    if (cpu->tlb.empty) {
        return;
    }
    for (unsigned mode = 0; mode < MMU_MODES; mode++) {
        for (unsigned i = 0; i < TLB_SIZE; i++) {
            clear_entry(&cpu->tlb.entry[mode][i]);
        }
    }
    cpu->tlb.flushes++;
    cpu->tlb.empty = true;
}

void tlb_flush_page(Cpu *cpu, GuestAddr va)
{
    memset(cpu->jump_cache, 0, sizeof cpu->jump_cache);
    for (unsigned mode = 0; mode < MMU_MODES; mode++) {
        clear_entry(&cpu->tlb.entry[mode][tlb_index(va)]);
    }
}

void tlb_flush_all(Machine *m)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        tlb_flush(g_ptr_array_index(m->cpus, i));
    }
}

static void revoke_stores(Cpu *cpu, bool all, RamAddr page)
{
    for (unsigned mode = 0; mode < MMU_MODES; mode++) {
        for (unsigned i = 0; i < TLB_SIZE; i++) {
            TlbEntry *e = &cpu->tlb.entry[mode][i];
            const TlbInfo *info = &cpu->tlb.info[mode][i];
            if (!(e->tag[MMU_STORE] & TLB_INVALID) && info->is_ram &&
                (all || info->ram == page)) {
                e->tag[MMU_STORE] |= TLB_SLOW;
            }
        }
    }
}

void tlb_revoke_stores(Machine *m, RamAddr ra)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        revoke_stores(g_ptr_array_index(m->cpus, i), false, ra & PAGE_MASK);
    }
}

void tlb_revoke_all_stores(Machine *m)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        revoke_stores(g_ptr_array_index(m->cpus, i), true, 0);
    }
}

/* --- debuggers ---------------------------------------------------------------------------- */

bool cpu_translate_debug(Cpu *cpu, GuestAddr va, PhysAddr *pa)
{
    MmuResult res;
    if (!cpu->cls->walk(cpu, va, MMU_LOAD, cpu->cls->mmu_mode(cpu, true), true,
                        &res)) {
        return false;
    }
    *pa = res.phys;
    return true;
}

static bool debug_access(Cpu *cpu, GuestAddr va, uint8_t *buf, uint64_t len,
                         bool write)
{
    while (len) {
        uint64_t n = MIN(len, PAGE_SIZE - (va & ~PAGE_MASK));
        PhysAddr pa;
        AddressSpace *as = cpu_memory(cpu);
        if (!cpu_translate_debug(cpu, va, &pa) ||
            !(write ? address_space_write_debug(as, pa, buf, n)
                    : address_space_read_debug(as, pa, buf, n))) {
            return false;
        }
        va += n;
        buf += n;
        len -= n;
    }
    return true;
}

bool cpu_read_debug(Cpu *cpu, GuestAddr va, void *buf, uint64_t len)
{
    return debug_access(cpu, va, buf, len, false);
}

bool cpu_write_debug(Cpu *cpu, GuestAddr va, const void *buf, uint64_t len)
{
    return debug_access(cpu, va, (uint8_t *)buf, len, true);
}
