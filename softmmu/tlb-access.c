/*
 * Accesses of CPUs to guest memory that do not hit the TLB's fast entries:
 * devices, ROM, watched pages, watchpoints, accesses across two pages; and what
 * helpers call. Vectors are in tlb-vector.c.
 */
#include "base/bytes.h"
#include "tlb-rooms.h"

/* --- slow accesses ------------------------------------------------------- */

static TlbPart part_of(Cpu *cpu, GuestAddr va, unsigned size, MmuAccess access,
                       unsigned mode)
{
    MmuAccess right = mode & MMU_UPDATE ? MMU_STORE : access;
    const TlbInfo *info = tlb_lookup(cpu, va, right, mode);
    const TlbEntry *e = tlb_entry(cpu, va, access, mode & ~MMU_FLAGS);
    if (tlb_must_note(cpu, va, access)) {
        page_trace_note_page(cpu->machine, cpu->machine->debug.trace, access,
                             va);
    }
    if (access == MMU_STORE) {
        cpu_note_line(cpu, va);
    }
    TlbPart p = { .va = va,
                  .size = size,
                  .phys = info->phys + (va & ~PAGE_MASK) };
    if (info->is_ram) {
        p.host = (uint8_t *)(uintptr_t)(va + e->addend);
        p.ram = info->ram + (va & ~PAGE_MASK);
    }
    return p;
}

static void require_addressable(Cpu *cpu, GuestAddr last, unsigned mode)
{
    const CpuClass *cls = cpu->cls;
    if (cls->addressable && !cls->addressable(cpu, last, mode)) {
        cpu_raise(cpu);
    }
}

void cpu_bad_target(Cpu *cpu, uint64_t target)
{
    cpu->cls->bad_target(cpu, target);
    cpu_raise(cpu);
}

/* Splits an access; returns the number of parts. */
unsigned tlb_split(Cpu *cpu, GuestAddr va, unsigned size, MmuAccess access,
                   unsigned mode, TlbPart part[2])
{
    unsigned first = size;
    if (tlb_crosses(va, size)) {
        require_addressable(cpu, va + size - 1, mode);
        first = PAGE_SIZE - (va & ~PAGE_MASK);
        part[0] = part_of(cpu, va, first, access, mode);
        part[1] = part_of(cpu, va + first, size - first, access, mode);
    } else {
        part[0] = part_of(cpu, va, size, access, mode);
    }
    if (cpu->watchpoints->len) {
        tlb_check_watch(cpu, va, size, access);
    }
    return first == size ? 1 : 2;
}

static bool is_device(Cpu *cpu, const TlbPart *p)
{
    const MemRange *r = address_space_find(tlb_memory(cpu), p->phys);
    return !p->host && r && r->region->kind == MEM_IO;
}

/* A device sees an exact icount, and what it changes takes effect at once. */
void tlb_prepare_load(Cpu *cpu, const TlbPart *p)
{
    if (is_device(cpu, p)) {
        cpu_need_last_insn(cpu);
    }
}

/* Nothing at all, or ROM: a store goes nowhere. */
static bool is_lost(Cpu *cpu, const TlbPart *p)
{
    if (p->host) {
        const MemRange *r = address_space_find(tlb_memory(cpu), p->phys);
        return !r || (r->readonly && !mem_range_takes_stores(r));
    }
    for (unsigned i = 0; i < p->size; i++) {
        if (address_space_find(tlb_memory(cpu), p->phys + i)) {
            return false;
        }
    }
    return true;
}

static bool is_flash(Cpu *cpu, const TlbPart *p)
{
    const MemRange *r = address_space_find(tlb_memory(cpu), p->phys);
    return r && mem_range_takes_stores(r);
}

/* The next instruction must be looked up anew if its code or its translation
 * may change. What cannot be read back must not be taken for memory by later
 * loads of the TB. */
void tlb_prepare_store(Cpu *cpu, TlbPart *p)
{
    Machine *m = cpu->machine;
    p->lost = is_lost(cpu, p);
    if (p->lost) {
        cpu_drop_store(cpu);
        return;
    }
    if (p->host && is_flash(cpu, p)) {
        p->host = NULL;    /* a device is stored to */
    }
    if (!p->host) {
        cpu_need_last_insn(cpu);
        return;
    }
    unsigned bits = ram_watch_bits(m, p->ram);
    if ((bits & RAM_WATCH_QUERY) ||
        ((bits & RAM_WATCH_CODE) && tb_code_at(m, p->ram, p->size)) ||
        ((bits & RAM_WATCH_WALK) && tlb_walked_at(m, p->ram, p->size))) {
        cpu_need_last_insn(cpu);
    }
}

void tlb_probe_store(Cpu *cpu, GuestAddr va, unsigned size, unsigned mode)
{
    TlbPart p = part_of(cpu, va, size, MMU_STORE, mode);
    tlb_prepare_store(cpu, &p);
}

uint64_t tlb_load_part(Cpu *cpu, const TlbPart *p, unsigned size)
{
    return p->host ? bytes_ld_le(p->host, size)
                   : address_space_ld(tlb_memory(cpu), p->phys, size);
}

/* If nobody watches any more, the next store is fast. The TLB may have been
 * flushed by a watcher. */
void tlb_stores_may_be_fast(Cpu *cpu, const TlbPart *p, unsigned mode)
{
    const TlbInfo *info = &cpu->tlb.info[mode][tlb_index(p->va)];
    if (!ram_watch_bits(cpu->machine, p->ram) &&
        tlb_hit(cpu, p->va, MMU_STORE, mode)) {
        TlbEntry *e = &cpu->tlb.entry[mode][tlb_index(p->va)];
        e->tag[MMU_STORE] = tlb_tag(cpu, info, false, MMU_STORE);
    }
}

/* The same after a load: only the trace makes loads of RAM slow for a while. */
void tlb_loads_may_be_fast(Cpu *cpu, const TlbPart *p, unsigned mode)
{
    if (p->host && cpu->machine->debug.trace &&
        tlb_hit(cpu, p->va, MMU_LOAD, mode)) {
        const TlbInfo *info = &cpu->tlb.info[mode][tlb_index(p->va)];
        TlbEntry *e = &cpu->tlb.entry[mode][tlb_index(p->va)];
        e->tag[MMU_LOAD] = tlb_tag(cpu, info, false, MMU_LOAD);
    }
}

void tlb_store_part(Cpu *cpu, const TlbPart *p, uint64_t v, unsigned size)
{
    if (p->lost) {
        return;
    }
    if (!p->host) {
        address_space_st(tlb_memory(cpu), p->phys, v, size);
    } else {
        ram_will_write(cpu->machine, p->ram, size);
        bytes_st_le(p->host, size, v);
    }
}

/* The bytes of a part of an access across two pages, one at a time. */
TlbPart tlb_part_byte(const TlbPart *p, unsigned i)
{
    TlbPart b = *p;
    b.va += i;
    b.phys += i;
    b.ram += i;
    b.host += b.host ? i : 0;
    return b;
}

static uint64_t load_bytes(Cpu *cpu, const TlbPart *p)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < p->size; i++) {
        TlbPart b = tlb_part_byte(p, i);
        v |= tlb_load_part(cpu, &b, 1) << (8 * i);
    }
    return v;
}

static void store_bytes(Cpu *cpu, const TlbPart *p, uint64_t v)
{
    for (unsigned i = 0; i < p->size; i++) {
        TlbPart b = tlb_part_byte(p, i);
        tlb_store_part(cpu, &b, (uint8_t)(v >> (8 * i)), 1);
    }
}

/* Where it is in RAM, if the access is slow only because a watchpoint is
 * elsewhere in the page: a busy page would make a search slow. Else NULL. */
static uint8_t *beside_watchpoint(Cpu *cpu, GuestAddr va, unsigned size,
                                  MmuAccess access, unsigned mode)
{
    const TlbInfo *info = &cpu->tlb.info[mode][tlb_index(va)];
    if (!cpu->watchpoints->len || tlb_crosses(va, size) ||
        !tlb_hit(cpu, va, access, mode) || !info->is_ram ||
        tlb_must_note(cpu, va, access) ||
        tlb_is_watched(cpu, va, size, access)) {
        return NULL;
    }
    if (access == MMU_STORE &&
        (info->readonly || ram_watch_bits(cpu->machine, info->ram))) {
        return NULL;
    }
    const TlbEntry *e = &cpu->tlb.entry[mode][tlb_index(va)];
    if (access == MMU_STORE) {
        cpu_note_line(cpu, va);
    }
    return (uint8_t *)(uintptr_t)(va + e->addend);
}

uint64_t tlb_load_slow(Cpu *cpu, GuestAddr va, unsigned size, unsigned mode)
{
    TlbPart part[2];
    cpu->tlb.slow++;
    const uint8_t *host =
        mode & MMU_UPDATE
            ? NULL
            : beside_watchpoint(cpu, va, size, MMU_LOAD, mode & ~MMU_FLAGS);
    if (host) {
        return bytes_ld_le(host, size);
    }
    uint8_t across[8];
    if (tlb_load_across(cpu, va, across, size, mode)) {
        return bytes_ld_le(across, size);
    }
    unsigned parts = tlb_split(cpu, va, size, MMU_LOAD, mode, part);
    mode &= ~MMU_FLAGS;
    if (parts == 1) {
        tlb_prepare_load(cpu, &part[0]);
        tlb_loads_may_be_fast(cpu, &part[0], mode);
        return tlb_load_part(cpu, &part[0], size);
    }
    tlb_prepare_load(cpu, &part[0]);
    tlb_prepare_load(cpu, &part[1]);
    uint64_t v = load_bytes(cpu, &part[0]);
    return v | load_bytes(cpu, &part[1]) << (8 * part[0].size);
}

void tlb_store_slow(Cpu *cpu, GuestAddr va, uint64_t v, unsigned size,
                    unsigned mode)
{
    TlbPart part[2];
    cpu->tlb.slow++;
    uint8_t *host =
        beside_watchpoint(cpu, va, size, MMU_STORE, mode & ~MMU_FLAGS);
    if (host) {
        bytes_st_le(host, size, v);
        return;
    }
    uint8_t across[8];
    bytes_st_le(across, size, v);
    if (tlb_store_across(cpu, va, across, size, mode)) {
        return;
    }
    unsigned parts = tlb_split(cpu, va, size, MMU_STORE, mode, part);
    mode &= ~MMU_FLAGS;
    if (parts == 1) {
        tlb_prepare_store(cpu, &part[0]);
        tlb_store_part(cpu, &part[0], v, size);
    } else {
        tlb_prepare_store(cpu, &part[0]);
        tlb_prepare_store(cpu, &part[1]);
        store_bytes(cpu, &part[0], v);
        store_bytes(cpu, &part[1], v >> (8 * part[0].size));
    }
    if (part[0].host && !part[0].lost) {
        tlb_stores_may_be_fast(cpu, &part[0], mode);
    }
}

/* --- for helpers --------------------------------------------------------- */

static void *fast_host(Cpu *cpu, GuestAddr va, uint64_t len, MmuAccess access,
                       unsigned mode)
{
    const TlbEntry *e = tlb_entry(cpu, va, access, mode & ~MMU_FLAGS);
    if (e->tag[access] != (va & PAGE_MASK) || tlb_crosses(va, len)) {
        return NULL;
    }
    return (void *)(uintptr_t)(va + e->addend);
}

uint64_t cpu_ld(Cpu *cpu, GuestAddr va, unsigned size, unsigned mode)
{
    const void *host = fast_host(cpu, va, size, MMU_LOAD, mode);
    return host ? bytes_ld_le(host, size) : tlb_load_slow(cpu, va, size, mode);
}

void cpu_st(Cpu *cpu, GuestAddr va, uint64_t v, unsigned size, unsigned mode)
{
    void *host = fast_host(cpu, va, size, MMU_STORE, mode);
    if (host) {
        cpu_note_line(cpu, va);
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
    if (last != (va & PAGE_MASK)) {
        require_addressable(cpu, va + len - 1, mode);
    }
    for (GuestAddr page = va & PAGE_MASK;; page += PAGE_SIZE) {
        tlb_lookup(cpu, page == (va & PAGE_MASK) ? va : page, access, mode);
        if (page == last) {
            return;
        }
    }
}

void *cpu_direct(Cpu *cpu, GuestAddr va, uint64_t len, MmuAccess access,
                 unsigned mode)
{
    tlb_lookup(cpu, va, access, mode);
    void *host = fast_host(cpu, va, len, access, mode);
    const GuestAddr line = BIT(CPU_LINE_BITS), end = va + len;
    bool notes = host && access == MMU_STORE && cpu->notes_lines;
    for (GuestAddr at = va; notes && at < end; at = (at & -line) + line) {
        cpu_note_line(cpu, at);
    }
    return host;
}

bool cpu_fetch_ram(Cpu *cpu, GuestAddr va, unsigned mode, RamAddr *ra)
{
    const TlbInfo *info = tlb_lookup(cpu, va, MMU_FETCH, mode);
    *ra = info->ram + (va - info->page);
    return info->is_ram;
}

uint8_t cpu_fetch_byte(Cpu *cpu, GuestAddr va, unsigned mode)
{
    TlbPart p = part_of(cpu, va, 1, MMU_FETCH, mode);
    return tlb_load_part(cpu, &p, 1);
}
