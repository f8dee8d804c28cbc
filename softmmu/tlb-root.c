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

/* --- entries of the topmost tables --------------------------------------- */

/* The first page that a slot of the table leads to, and the last. */
static GuestAddr slot_begin(const TlbRoots *r, unsigned slot)
{
    unsigned bits = r->shift + r->index_bits;
    uint64_t va = (uint64_t)slot << r->shift;
    return bits > 32 ? (GuestAddr)bits_sext(va, bits) : va;
}

static GuestAddr slot_end(const TlbRoots *r, unsigned slot)
{
    return slot_begin(r, slot) + (bits_mask(r->shift) & PAGE_MASK);
}

/* True if a walk begins with the same entry in both. */
static bool slot_keeps(const TlbRoots *r, unsigned slot)
{
    unsigned at = slot * r->entry_bytes;
    uint64_t entry = bytes_ld_le(r->after + at, r->entry_bytes);
    return entry == bytes_ld_le(r->before + at, r->entry_bytes) &&
           (entry & r->valid) == r->valid;
}

/* A write to the new root's entry must be noticed from now on. */
static void slot_note(Cpu *cpu, const TlbRoots *r, unsigned slot)
{
    if (r->in_ram) {
        tlb_note_upper(cpu, r->ram + slot * r->entry_bytes,
                       slot_begin(r, slot), slot_end(r, slot));
    }
}

/* --- the upper half ------------------------------------------------------ */

/* True if all that is cached for the upper half stays: a kernel's processes
 * have that in common. Where an entry is the same, but is not one that a walk
 * can have used, nothing is cached that began with it. */
static bool upper_half_stays(Cpu *cpu, const TlbRoots *r)
{
    unsigned slots = 1u << r->index_bits;
    bool wide = r->shift + r->index_bits > 32;
    unsigned first = wide ? slots / 2 : slots - slots / 4;
    unsigned at = first * r->entry_bytes;
    if (tlb_half(slot_begin(r, first)) != 1 || (wide && cpu->tlb.mixed) ||
        memcmp(r->before + at, r->after + at,
               (slots - first) * r->entry_bytes) != 0) {
        return false;
    }
    for (unsigned slot = first; slot < slots; slot++) {
        if (slot_keeps(r, slot)) {
            slot_note(cpu, r, slot);
        }
    }
    return true;
}

/* --- one place after another --------------------------------------------- */

static bool is_used(const TlbEntry *e)
{
    return !(e->tag[MMU_LOAD] & e->tag[MMU_STORE] & e->tag[MMU_FETCH] &
             TLB_INVALID);
}

static void keep_or_drop(Cpu *cpu, unsigned place, void *opaque)
{
    const TlbRoots *r = opaque;
    GuestAddr page = tlb_info_at(cpu, place)->page;
    unsigned slot = bits_extract(page, r->shift, r->index_bits);
    if (is_used(tlb_entry_at(cpu, place)) && slot_keeps(r, slot)) {
        slot_note(cpu, r, slot);
    } else {
        tlb_drop(cpu, place);
    }
}

/* Places that are not used any more leave the list. */
static void shorten(Cpu *cpu, unsigned half)
{
    TlbFilled *f = &cpu->tlb.filled[half];
    unsigned kept = 0;
    bool low = false;
    for (unsigned k = 0; k < f->count; k++) {
        TlbInfo *info = tlb_info_at(cpu, f->place[k]);
        if (is_used(tlb_entry_at(cpu, f->place[k])) &&
            tlb_half(info->page) == half) {
            f->place[kept++] = f->place[k];
            low |= !(info->page >> 63);
        } else {
            info->listed &= ~BIT(half);
        }
    }
    f->count = kept;
    cpu->tlb.mixed = half ? low : cpu->tlb.mixed;
}

void tlb_change_root(Cpu *cpu, const TlbRoots *r)
{
    if (r->before == r->after) {
        return;
    }
    bool upper_stays = upper_half_stays(cpu, r);
    if (tlb_is_large(cpu, 0) || (!upper_stays && tlb_is_large(cpu, 1))) {
        tlb_flush(cpu);
        return;
    }
    cpu_stop_chain(cpu);
    for (unsigned half = 0; half < TLB_HALVES; half++) {
        if (half == 0 || !upper_stays) {
            tlb_for_half(cpu, half, keep_or_drop, (void *)r);
            shorten(cpu, half);
        }
    }
}
