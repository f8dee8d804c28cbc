/*
 * Which places of the TLB may be in use: two lists, so that dropping some costs
 * what was filled and not the size of the TLB, and a change of the root leaves a
 * kernel's half alone.
 */
#include "tlb-rooms.h"

/* The upper half of long mode, or from 3 GiB on: there kernels keep what all
 * processes have in common. Where one does not, nothing is wrong, but slower. */
unsigned tlb_half(GuestAddr va)
{
    return va >> 63 || va >> 30 == 3;
}

/* A place may be in both lists: refilled for a page of the other half. */
void tlb_note_filled(Cpu *cpu, GuestAddr va, unsigned place)
{
    CpuTlb *t = &cpu->tlb;
    TlbInfo *info = tlb_info_at(cpu, place);
    unsigned half = tlb_half(va);
    TlbFilled *f = &t->filled[half];
    t->mixed |= half && !(va >> 63);
    if (info->listed & BIT(half)) {
        return;
    }
    info->listed |= BIT(half);
    if (f->count < TLB_FILLED) {
        f->place[f->count] = place;
    }
    f->count++;
}

bool tlb_is_large(const Cpu *cpu, unsigned half)
{
    return cpu->tlb.filled[half].count > TLB_FILLED;
}

static void for_all(Cpu *cpu, TlbPlaceFn *fn, void *opaque)
{
    for (unsigned place = 0; place < TLB_SETS * TLB_SIZE; place++) {
        fn(cpu, place, opaque);
    }
}

void tlb_for_half(Cpu *cpu, unsigned half, TlbPlaceFn *fn, void *opaque)
{
    const TlbFilled *f = &cpu->tlb.filled[half];
    if (tlb_is_large(cpu, half)) {
        for_all(cpu, fn, opaque);
        return;
    }
    for (unsigned k = 0; k < f->count; k++) {
        fn(cpu, f->place[k], opaque);
    }
}

void tlb_for_places(Cpu *cpu, TlbPlaceFn *fn, void *opaque)
{
    if (tlb_is_large(cpu, 0) || tlb_is_large(cpu, 1)) {
        for_all(cpu, fn, opaque);
        return;
    }
    tlb_for_half(cpu, 0, fn, opaque);
    tlb_for_half(cpu, 1, fn, opaque);
}

/* Pages of [first, last] may be in the list of a half. */
static bool range_meets(const Cpu *cpu, GuestAddr first, GuestAddr last,
                        unsigned half)
{
    return half ? last >> 63 || cpu->tlb.mixed : !(first >> 63);
}

bool tlb_range_is_large(const Cpu *cpu, GuestAddr first, GuestAddr last)
{
    return (range_meets(cpu, first, last, 0) && tlb_is_large(cpu, 0)) ||
           (range_meets(cpu, first, last, 1) && tlb_is_large(cpu, 1));
}

void tlb_for_range(Cpu *cpu, GuestAddr first, GuestAddr last, TlbPlaceFn *fn,
                   void *opaque)
{
    for (unsigned half = 0; half < TLB_HALVES; half++) {
        if (range_meets(cpu, first, last, half)) {
            tlb_for_half(cpu, half, fn, opaque);
        }
    }
}
