/*
 * The softmmu TLB: a cache of page walks that the guest cannot see.
 *
 * Why it cannot: a cached translation never outlives the page-table entries
 * it was made from. Words of RAM that served a walk are noted and their pages
 * watched; a store to such a word is the last of its TB and drops all
 * translations, so the next instruction is fetched through new ones. Accessed and dirty bits are set by walks, and an
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
#include "vm/page-trace.h"
#include "vm/work.h"

static unsigned tlb_index(GuestAddr va)
{
    return (va >> PAGE_BITS) & (TLB_SIZE - 1);
}

static AddressSpace *cpu_memory(Cpu *cpu)
{
    return cpu->cls->memory ? cpu->cls->memory(cpu) : cpu->machine->memory;
}

/* --- filling ------------------------------------------------------------------ */

/* A debugger's may be switched off. */
static bool is_on(const Cpu *cpu, const Watchpoint *w)
{
    return w->owner == BREAK_CPU || !cpu->machine->debug.quiet;
}

/* True if a watchpoint for this kind of access touches the page. */
static bool page_has_watchpoint(Cpu *cpu, GuestAddr page, MmuAccess access)
{
    for (guint i = 0; i < cpu->watchpoints->len; i++) {
        const Watchpoint *w = &g_array_index(cpu->watchpoints, Watchpoint, i);
        if ((w->access & (1 << access)) && is_on(cpu, w) && w->addr < page + PAGE_SIZE &&
            page < w->addr + w->len) {
            return true;
        }
    }
    return false;
}

/* True if the page's first access of the kind must be noted. */
static bool must_note(const Cpu *cpu, GuestAddr page, MmuAccess access)
{
    const PageTrace *t = cpu->machine->debug.trace;
    return t && access != MMU_FETCH && !page_trace_has(t, access, page);
}

static uint64_t tag_of(Cpu *cpu, const TlbInfo *info, bool readonly,
                       MmuAccess access)
{
    if (!(info->prot & (1 << access))) {
        return TLB_INVALID;
    }
    bool slow = !info->is_ram || must_note(cpu, info->page, access) ||
                page_has_watchpoint(cpu, info->page, access);
    if (access == MMU_STORE && !slow) {
        slow = readonly || ram_watch_bits(cpu->machine, info->ram);
        if (!slow) {
            ram_note_direct_store(cpu->machine, info->ram);
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

static TlbEntry *numbered_entry(Cpu *cpu, unsigned n)
{
    return &cpu->tlb.entry[n >> TLB_BITS][n & (TLB_SIZE - 1)];
}

/* Flushes and the like look at what was filled only, unless it is a lot. */
static void note_filled(CpuTlb *t, unsigned mode, unsigned index)
{
    if (t->filled_count < TLB_FILLED) {
        t->filled[t->filled_count] = mode << TLB_BITS | index;
    }
    t->filled_count++;
}

typedef void EntryFn(Cpu *cpu, unsigned n, void *opaque);

/* Calls fn for every entry that may be in use, perhaps more than once. */
static void for_entries(Cpu *cpu, EntryFn *fn, void *opaque)
{
    const CpuTlb *t = &cpu->tlb;
    bool all = t->filled_count > TLB_FILLED;
    unsigned count = all ? MMU_MODES * TLB_SIZE : t->filled_count;
    for (unsigned k = 0; k < count; k++) {
        fn(cpu, all ? k : t->filled[k], opaque);
    }
}

#define NO_LEAF UINT64_MAX

/* An entry goes: the jump cache may not know more than the TLB, or it would not
 * hear of changes to the page's translation. */
static void forget_code(Cpu *cpu, unsigned mode, unsigned index)
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
    forget_code(cpu, mode, tlb_index(va));
    note_filled(&cpu->tlb, mode, tlb_index(va));
    const MemRange *r = address_space_find(cpu_memory(cpu), res->phys);
    info->readonly = r && r->readonly;
    info->page = va & PAGE_MASK;
    info->phys = res->phys & PAGE_MASK;
    /* A page that only partly is RAM is treated like a device's. */
    info->is_ram = r && r->region->kind == MEM_RAM &&
                   r->start <= info->phys &&
                   r->end - info->phys >= PAGE_SIZE - 1;
    info->prot = res->prot;
    info->leaf = cpu->tlb.trail_len
        ? cpu->tlb.trail[cpu->tlb.trail_len - 1] & ~(RamAddr)7 : NO_LEAF;
    e->addend = 0;
    if (info->is_ram) {
        PhysAddr offset = r->offset + (info->phys - r->start);
        /* Only RAM that is page-aligned in its block can be mapped. */
        info->is_ram = !(offset & ~PAGE_MASK);
        info->ram = r->region->ram->base + offset;
        e->addend = (uintptr_t)r->region->ram->host + offset - info->page;
    }
    for (MmuAccess a = MMU_LOAD; a <= MMU_FETCH; a++) {
        e->tag[a] = tag_of(cpu, info, info->readonly, a);
    }
    cpu->tlb.fills++;
    cpu->tlb.empty = false;
}

static bool hit(Cpu *cpu, GuestAddr va, MmuAccess access, unsigned mode)
{
    const TlbEntry *e = &cpu->tlb.entry[mode][tlb_index(va)];
    return (e->tag[access] & ~(uint64_t)TLB_SLOW) == (va & PAGE_MASK);
}

/* --- the words that walks have read ---------------------------------------------- */

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

static void walked_forget_all(Machine *m)
{
    CpuTlb *owner = walked_owner(m);
    g_hash_table_remove_all(owner->walked);
    memset(owner->walked_last, 0, sizeof owner->walked_last);
}

/* The page's words, or NULL if no walk came through it. */
static WalkedPage *walked_find(Machine *m, RamAddr ra)
{
    WalkedPage **last = &walked_owner(m)->walked_last[(ra >> PAGE_BITS) %
                                                      TLB_TRAIL];
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

static void note_walked(Cpu *cpu, RamAddr ra, bool is_leaf)
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

static bool walked_at(Machine *m, RamAddr ra, uint64_t len)
{
    const WalkedPage *p = walked_find(m, ra);
    for (unsigned n = first_word(ra); p && n <= last_word(ra, len); n++) {
        if (word_in(p->upper, n) || word_in(p->leaf, n)) {
            return true;
        }
    }
    return false;
}

/* Makes sure that the page of va is in the TLB for the access, or raises. Only
 * a walk that gave a translation leaves a trail: what is not present is not
 * cached. */
static const TlbInfo *lookup(Cpu *cpu, GuestAddr va, MmuAccess access,
                             unsigned flagged)
{
    unsigned mode = flagged & ~MMU_FLAGS;
    if (!hit(cpu, va, access, mode)) {
        MmuResult res;
        cpu->tlb.trail_len = 0;
        machine_work(cpu->machine, WORK_WALK);
        if (!cpu->cls->walk(cpu, va, access, flagged & ~MMU_UPDATE, false,
                            &res)) {
            cpu_raise(cpu);
        }
        unsigned n = cpu->tlb.trail_len;
        for (unsigned i = 0; i < n; i++) {
            note_walked(cpu, cpu->tlb.trail[i], i + 1 == n);
        }
        fill(cpu, va, mode, &res);
    }
    TlbInfo *info = &cpu->tlb.info[mode][tlb_index(va)];
    info->fetched |= access == MMU_FETCH;
    return info;
}

/* --- watchpoints ------------------------------------------------------------------ */

/* One watchpoint that an access hits. The CPU's own ones are kept apart: the
 * guest must not notice that a debugger watches the same bytes. */
static void note_watch(Cpu *cpu, const WatchHit *now)
{
    WatchHit *hit = &cpu->watch_hit;
    if (now->watch.owner == BREAK_CPU) {
        if (cpu->own_hit_count == CPU_OWN_HITS) {
            return;
        }
        hit = &cpu->own_hits[cpu->own_hit_count++];
    } else if (hit->valid) {
        return;
    }
    *hit = *now;
    cpu_kick(cpu);
}

/* Only instructions hit watchpoints, not the delivery of exceptions. */
static void check_watch(Cpu *cpu, GuestAddr va, unsigned size,
                        MmuAccess access)
{
    for (guint i = 0; cpu->in_tb && i < cpu->watchpoints->len; i++) {
        const Watchpoint *w = &g_array_index(cpu->watchpoints, Watchpoint, i);
        if (!(w->access & (1 << access)) || !is_on(cpu, w) ||
            va >= w->addr + w->len || w->addr >= va + size) {
            continue;
        }
        cpu_need_last_insn(cpu);
        WatchHit now = {
            .valid = true, .access = access, .watch = *w,
            .addr = MAX(va, w->addr),
            .len = MIN(va + size, w->addr + w->len) - MAX(va, w->addr),
            .cpu = cpu->index,
        };
        Icount icount;
        cpu_present_insn(cpu, &icount, &now.pc);
        note_watch(cpu, &now);
    }
}

/* --- slow accesses ----------------------------------------------------------------- */

/* The part of an access that is inside one page. What an access needs is found
 * out for all its parts before the first is made: the fault of the second page
 * leaves the first as it was, and nothing restarts the instruction later. */
typedef struct Part {
    GuestAddr va;
    PhysAddr phys;
    RamAddr ram;           /* if host */
    uint8_t *host;         /* NULL: not RAM */
    unsigned size;
    bool lost;             /* what is stored goes nowhere */
} Part;

static bool crosses(GuestAddr va, unsigned size)
{
    return ((va + size - 1) ^ va) & PAGE_MASK;
}

static Part part_of(Cpu *cpu, GuestAddr va, unsigned size, MmuAccess access,
                    unsigned mode)
{
    MmuAccess right = mode & MMU_UPDATE ? MMU_STORE : access;
    const TlbInfo *info = lookup(cpu, va, right, mode);
    const TlbEntry *e =
        &cpu->tlb.entry[mode & ~MMU_FLAGS][tlb_index(va)];
    if (must_note(cpu, va, access)) {
        page_trace_note(cpu->machine->debug.trace, access, va);
    }
    Part p = { .va = va, .size = size,
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
static unsigned split(Cpu *cpu, GuestAddr va, unsigned size, MmuAccess access,
                      unsigned mode, Part part[2])
{
    unsigned first = size;
    if (crosses(va, size)) {
        require_addressable(cpu, va + size - 1, mode);
        first = PAGE_SIZE - (va & ~PAGE_MASK);
        part[0] = part_of(cpu, va, first, access, mode);
        part[1] = part_of(cpu, va + first, size - first, access, mode);
    } else {
        part[0] = part_of(cpu, va, size, access, mode);
    }
    if (cpu->watchpoints->len) {
        check_watch(cpu, va, size, access);
    }
    return first == size ? 1 : 2;
}

static bool is_device(Cpu *cpu, const Part *p)
{
    const MemRange *r = address_space_find(cpu_memory(cpu), p->phys);
    return !p->host && r && r->region->kind == MEM_IO;
}

/* A device sees an exact icount, and what it changes takes effect at once. */
static void prepare_load(Cpu *cpu, const Part *p)
{
    if (is_device(cpu, p)) {
        cpu_need_last_insn(cpu);
    }
}

/* Nothing at all, or ROM: a store goes nowhere. */
static bool is_lost(Cpu *cpu, const Part *p)
{
    if (p->host) {
        const MemRange *r = address_space_find(cpu_memory(cpu), p->phys);
        return !r || r->readonly;
    }
    for (unsigned i = 0; i < p->size; i++) {
        if (address_space_find(cpu_memory(cpu), p->phys + i)) {
            return false;
        }
    }
    return true;
}

/* The next instruction must be looked up anew if its code or its translation
 * may change. What cannot be read back must not be taken for memory by later
 * loads of the TB. */
static void prepare_store(Cpu *cpu, Part *p)
{
    Machine *m = cpu->machine;
    p->lost = is_lost(cpu, p);
    if (p->lost) {
        cpu_drop_store(cpu);
        return;
    }
    if (!p->host) {
        cpu_need_last_insn(cpu);
        return;
    }
    unsigned bits = ram_watch_bits(m, p->ram);
    if ((bits & RAM_WATCH_QUERY) ||
        ((bits & RAM_WATCH_CODE) && tb_code_at(m, p->ram, p->size)) ||
        ((bits & RAM_WATCH_WALK) && walked_at(m, p->ram, p->size))) {
        cpu_need_last_insn(cpu);
    }
}

static uint64_t load_part(Cpu *cpu, const Part *p, unsigned size)
{
    return p->host ? bytes_ld_le(p->host, size)
                   : address_space_ld(cpu_memory(cpu), p->phys, size);
}

/* If nobody watches any more, the next store is fast. The TLB may have been
 * flushed by a watcher. */
static void may_be_fast_now(Cpu *cpu, const Part *p, unsigned mode)
{
    const TlbInfo *info = &cpu->tlb.info[mode][tlb_index(p->va)];
    if (!ram_watch_bits(cpu->machine, p->ram) &&
        hit(cpu, p->va, MMU_STORE, mode)) {
        TlbEntry *e = &cpu->tlb.entry[mode][tlb_index(p->va)];
        e->tag[MMU_STORE] = tag_of(cpu, info, false, MMU_STORE);
    }
}

/* The same after a load: only the trace makes loads of RAM slow for a while. */
static void loads_may_be_fast_now(Cpu *cpu, const Part *p, unsigned mode)
{
    if (p->host && cpu->machine->debug.trace &&
        hit(cpu, p->va, MMU_LOAD, mode)) {
        const TlbInfo *info = &cpu->tlb.info[mode][tlb_index(p->va)];
        TlbEntry *e = &cpu->tlb.entry[mode][tlb_index(p->va)];
        e->tag[MMU_LOAD] = tag_of(cpu, info, false, MMU_LOAD);
    }
}

static void store_part(Cpu *cpu, const Part *p, uint64_t v, unsigned size)
{
    if (p->lost) {
        return;
    }
    if (!p->host) {
        address_space_st(cpu_memory(cpu), p->phys, v, size);
    } else {
        ram_will_write(cpu->machine, p->ram, size);
        bytes_st_le(p->host, size, v);
    }
}

/* The bytes of a part of an access across two pages, one at a time. */
static Part part_byte(const Part *p, unsigned i)
{
    Part b = *p;
    b.va += i;
    b.phys += i;
    b.ram += i;
    b.host += b.host ? i : 0;
    return b;
}

static uint64_t load_bytes(Cpu *cpu, const Part *p)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < p->size; i++) {
        Part b = part_byte(p, i);
        v |= load_part(cpu, &b, 1) << (8 * i);
    }
    return v;
}

static void store_bytes(Cpu *cpu, const Part *p, uint64_t v)
{
    for (unsigned i = 0; i < p->size; i++) {
        Part b = part_byte(p, i);
        store_part(cpu, &b, (uint8_t)(v >> (8 * i)), 1);
    }
}

static bool is_watched(const Cpu *cpu, GuestAddr va, unsigned size,
                       MmuAccess access)
{
    for (guint i = 0; i < cpu->watchpoints->len; i++) {
        const Watchpoint *w = &g_array_index(cpu->watchpoints, Watchpoint, i);
        if ((w->access & (1 << access)) && va < w->addr + w->len &&
            w->addr < va + size) {
            return true;
        }
    }
    return false;
}

/* Where it is in RAM, if the access is slow only because a watchpoint is
 * elsewhere in the page: a busy page would make a search slow. Else NULL. */
static uint8_t *beside_watchpoint(Cpu *cpu, GuestAddr va, unsigned size,
                                  MmuAccess access, unsigned mode)
{
    const TlbInfo *info = &cpu->tlb.info[mode][tlb_index(va)];
    if (!cpu->watchpoints->len || crosses(va, size) ||
        !hit(cpu, va, access, mode) || !info->is_ram ||
        must_note(cpu, va, access) || is_watched(cpu, va, size, access)) {
        return NULL;
    }
    if (access == MMU_STORE &&
        (info->readonly || ram_watch_bits(cpu->machine, info->ram))) {
        return NULL;
    }
    const TlbEntry *e = &cpu->tlb.entry[mode][tlb_index(va)];
    return (uint8_t *)(uintptr_t)(va + e->addend);
}

uint64_t tlb_load_slow(Cpu *cpu, GuestAddr va, unsigned size, unsigned mode)
{
    Part part[2];
    cpu->tlb.slow++;
    const uint8_t *host =
        mode & MMU_UPDATE ? NULL
                          : beside_watchpoint(cpu, va, size, MMU_LOAD,
                                              mode & ~MMU_FLAGS);
    if (host) {
        return bytes_ld_le(host, size);
    }
    unsigned parts = split(cpu, va, size, MMU_LOAD, mode, part);
    mode &= ~MMU_FLAGS;
    if (parts == 1) {
        prepare_load(cpu, &part[0]);
        loads_may_be_fast_now(cpu, &part[0], mode);
        return load_part(cpu, &part[0], size);
    }
    prepare_load(cpu, &part[0]);
    prepare_load(cpu, &part[1]);
    uint64_t v = load_bytes(cpu, &part[0]);
    return v | load_bytes(cpu, &part[1]) << (8 * part[0].size);
}

void tlb_store_slow(Cpu *cpu, GuestAddr va, uint64_t v, unsigned size,
                    unsigned mode)
{
    Part part[2];
    cpu->tlb.slow++;
    uint8_t *host = beside_watchpoint(cpu, va, size, MMU_STORE,
                                      mode & ~MMU_FLAGS);
    if (host) {
        bytes_st_le(host, size, v);
        return;
    }
    unsigned parts = split(cpu, va, size, MMU_STORE, mode, part);
    mode &= ~MMU_FLAGS;
    if (parts == 1) {
        prepare_store(cpu, &part[0]);
        store_part(cpu, &part[0], v, size);
    } else {
        prepare_store(cpu, &part[0]);
        prepare_store(cpu, &part[1]);
        store_bytes(cpu, &part[0], v);
        store_bytes(cpu, &part[1], v >> (8 * part[0].size));
    }
    if (part[0].host && !part[0].lost) {
        may_be_fast_now(cpu, &part[0], mode);
    }
}

/* --- vectors --------------------------------------------------------------------------- */

/* What is not RAM is accessed in the largest pieces that a device knows. */
static unsigned piece_bytes(unsigned left)
{
    return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

static void load_wide(Cpu *cpu, const Part *p, uint8_t *out)
{
    if (p->host) {
        memcpy(out, p->host, p->size);
        return;
    }
    for (unsigned at = 0, n; at < p->size; at += n) {
        Part piece = part_byte(p, at);
        n = piece_bytes(p->size - at);
        bytes_st_le(out + at, n, load_part(cpu, &piece, n));
    }
}

static void store_wide(Cpu *cpu, const Part *p, const uint8_t *from)
{
    if (p->host && !p->lost) {
        ram_will_write(cpu->machine, p->ram, p->size);
        memcpy(p->host, from, p->size);
        return;
    }
    for (unsigned at = 0, n; at < p->size; at += n) {
        Part piece = part_byte(p, at);
        n = piece_bytes(p->size - at);
        store_part(cpu, &piece, bytes_ld_le(from + at, n), n);
    }
}

static void check_alignment(Cpu *cpu, GuestAddr va, IrMem mem)
{
    if ((mem & IR_MEM_ALIGN) && (va & (ir_mem_size(mem) - 1))) {
        cpu->cls->unaligned(cpu, va);
        cpu_raise(cpu);
    }
}

void tlb_load_vec(Cpu *cpu, GuestAddr va, V128 *out, IrMem mem)
{
    Part part[2];
    uint8_t bytes[16] = { 0 };
    unsigned mode = ir_mem_mode(mem);
    cpu->tlb.slow++;
    check_alignment(cpu, va, mem);
    unsigned count = split(cpu, va, ir_mem_size(mem), MMU_LOAD,
                           ir_mem_access(mem), part);
    for (unsigned n = 0; n < count; n++) {
        prepare_load(cpu, &part[n]);
    }
    if (count == 1) {
        loads_may_be_fast_now(cpu, &part[0], mode);
    }
    for (unsigned n = 0; n < count; n++) {
        load_wide(cpu, &part[n], bytes + (n ? part[0].size : 0));
    }
    out->w[0] = bytes_ld_le64(bytes);
    out->w[1] = bytes_ld_le64(bytes + 8);
}

void tlb_store_vec(Cpu *cpu, GuestAddr va, const V128 *v, IrMem mem)
{
    Part part[2];
    uint8_t bytes[16];
    unsigned mode = ir_mem_mode(mem);
    cpu->tlb.slow++;
    bytes_st_le64(bytes, v->w[0]);
    bytes_st_le64(bytes + 8, v->w[1]);
    check_alignment(cpu, va, mem);
    unsigned count = split(cpu, va, ir_mem_size(mem), MMU_STORE,
                           ir_mem_access(mem), part);
    for (unsigned n = 0; n < count; n++) {
        prepare_store(cpu, &part[n]);
    }
    for (unsigned n = 0; n < count; n++) {
        store_wide(cpu, &part[n], bytes + (n ? part[0].size : 0));
    }
    if (part[0].host && !part[0].lost) {
        may_be_fast_now(cpu, &part[0], mode);
    }
}

/* --- for helpers --------------------------------------------------------------------- */

static void *fast_host(Cpu *cpu, GuestAddr va, uint64_t len, MmuAccess access,
                       unsigned mode)
{
    const TlbEntry *e =
        &cpu->tlb.entry[mode & ~MMU_FLAGS][tlb_index(va)];
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
    if (last != (va & PAGE_MASK)) {
        require_addressable(cpu, va + len - 1, mode);
    }
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
    Part p = part_of(cpu, va, 1, MMU_FETCH, mode);
    return load_part(cpu, &p, 1);
}

/* --- page walks -------------------------------------------------------------------------- */

/* The RAM behind an entry of a page table, or NULL. Devices do not serve walks: nobody
 * could say at which icount they are asked. */
static uint8_t *walk_ram(Cpu *cpu, PhysAddr pa, unsigned size, RamAddr *ra)
{
    const MemRange *r = address_space_find(cpu_memory(cpu), pa);
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
    const uint8_t *host = walk_ram(cpu, pa, size, &ra);
    if (!host) {
        return bits_mask(8 * size);
    }
    if (cpu->tlb.trail_len < TLB_TRAIL) {
        cpu->tlb.trail[cpu->tlb.trail_len++] = ra;
    } else {
        note_walked(cpu, ra, false);
    }
    return bytes_ld_le(host, size);
}

/* Setting A or D takes nothing from what is cached: everyone but the TLB is
 * told. If the entry lies in translated code, that must be looked up anew. */
void walk_st(Cpu *cpu, PhysAddr pa, uint64_t v, unsigned size)
{
    RamAddr ra;
    Machine *m = cpu->machine;
    const MemRange *r = address_space_find(cpu_memory(cpu), pa);
    uint8_t *host = walk_ram(cpu, pa, size, &ra);
    if (!host || r->readonly) {
        return;
    }
    /* The TB may have loaded the entry and hold it for unchanged. */
    cpu_need_last_insn(cpu);
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
        forget_code(cpu, mode, index);
        clear_entry(&cpu->tlb.entry[mode][index]);
    }
}

/* A word that gave translations of pages, and nothing else, is written: those
 * pages' entries go. */
static void drop_translations(Machine *m, RamAddr word)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        cpu_stop_chain(cpu);
        for_entries(cpu, drop_if_from, &word);
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
            walked_forget_all(m);
            return true;
        }
        if (word_in(p->leaf, n)) {
            drop_translations(m, p->page + 8 * n);
            p->leaf[n / 64] &= ~BIT(n % 64);
        }
    }
    return false;
}

/* --- flushing ---------------------------------------------------------------------------- */

static void clear_numbered(Cpu *cpu, unsigned n, void *opaque)
{
    clear_entry(numbered_entry(cpu, n));
}

void tlb_init(Cpu *cpu)
{
    cpu->tlb.empty = false;
    cpu->tlb.filled_count = UINT_MAX; /* not initialised: clear all */
    cpu->tlb.walked = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    tlb_flush(cpu);
    ram_watch_set(cpu->machine, RAM_WATCH_WALK, table_written, cpu->machine);
}

void tlb_free(Cpu *cpu)
{
    g_clear_pointer(&cpu->tlb.walked, g_hash_table_destroy);
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
        walked_forget_all(m);
    }
}

void tlb_flush(Cpu *cpu)
{
    cpu_stop_chain(cpu);
    if (cpu->tlb.empty) {
        return; /* so is the jump cache: to fill it takes a fetch */
    }
    jump_cache_flush(cpu);
    for_entries(cpu, clear_numbered, NULL);
    cpu->tlb.filled_count = 0;
    cpu->tlb.flushes++;
    cpu->tlb.empty = true;
    forget_walked(cpu->machine);
}

void tlb_flush_page(Cpu *cpu, GuestAddr va)
{
    cpu_stop_chain(cpu);
    jump_cache_flush_page(cpu, va);
    for (unsigned mode = 0; mode < MMU_MODES; mode++) {
        forget_code(cpu, mode, tlb_index(va));
        clear_entry(&cpu->tlb.entry[mode][tlb_index(va)]);
    }
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
        for_entries(g_ptr_array_index(m->cpus, i), revoke_store, page);
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
        for_entries(g_ptr_array_index(m->cpus, i), revoke_all, NULL);
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
