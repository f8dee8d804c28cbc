/*
 * The TLB across a change of the page tables' root.
 *
 * A cached translation never outlives its page-table entries (tlb.c), so all
 * that a new root can change is which entry of the topmost table a walk begins
 * with. Where both roots have the same one there, the rest of the walk is the
 * same, too, and what is cached stays: a kernel's half of the address space,
 * or everything if the guest loads the same root to flush its TLB.
 */
#include "base/bytes.h"
#include "tlb-rooms.h"

const uint8_t *walk_table(Cpu *cpu, PhysAddr pa, unsigned len, RamAddr *ra)
{
    return tlb_walk_ram(cpu, pa, len, ra);
}

/* True if va's walk begins with the same entry in both. A write to the new one
 * must be noticed from now on. */
static bool root_keeps(Cpu *cpu, const TlbRoots *r, GuestAddr va)
{
    unsigned at = bits_extract(va, r->shift, r->index_bits) * r->entry_bytes;
    uint64_t entry = bytes_ld_le(r->after + at, r->entry_bytes);
    if (entry != bytes_ld_le(r->before + at, r->entry_bytes) ||
        (entry & r->valid) != r->valid) {
        return false;
    }
    if (r->in_ram && r->before != r->after) {
        tlb_note_walked(cpu, r->ram + at, false);
    }
    return true;
}

static bool is_used(const TlbEntry *e)
{
    return !(e->tag[MMU_LOAD] & e->tag[MMU_STORE] & e->tag[MMU_FETCH] &
             TLB_INVALID);
}

/* True if an entry of the list stays. */
static bool entry_stays(Cpu *cpu, unsigned n, const TlbRoots *r)
{
    unsigned mode = n >> TLB_BITS, index = n & (TLB_SIZE - 1);
    TlbEntry *e = &cpu->tlb.entry[mode][index];
    TlbInfo *info = &cpu->tlb.info[mode][index];
    if (is_used(e) && root_keeps(cpu, r, info->page)) {
        return true;
    }
    tlb_forget_code(cpu, mode, index);
    tlb_clear_entry(e);
    info->listed = false;
    return false;
}

void tlb_change_root(Cpu *cpu, const TlbRoots *r)
{
    CpuTlb *t = &cpu->tlb;
    unsigned kept = 0;

    if (t->filled_count > TLB_FILLED) {
        tlb_flush(cpu);
        return;
    }
    cpu_stop_chain(cpu);
    for (unsigned k = 0; k < t->filled_count; k++) {
        if (entry_stays(cpu, t->filled[k], r)) {
            t->filled[kept++] = t->filled[k];
        }
    }
    t->filled_count = kept;
}
