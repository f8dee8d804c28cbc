/*
 * Accesses across two pages that are both fast. Generated code looks at one entry
 * of the TLB only, so these come to the slow path although there is nothing slow
 * about them: loops over vectors that are not aligned have one in each page.
 */
#include <string.h>

#include "tlb-rooms.h"

/* The bytes on both pages, as far as each goes. */
typedef struct Across {
    uint8_t *host[2];
    unsigned first;        /* bytes on the first page */
} Across;

static uint8_t *fast(Cpu *cpu, GuestAddr va, MmuAccess access, unsigned mode)
{
    const TlbEntry *e = &cpu->tlb.entry[mode][tlb_index(va)];
    return e->tag[access] == (va & PAGE_MASK)
               ? (uint8_t *)(uintptr_t)(va + e->addend) : NULL;
}

/* False: it is in one page, or something is to be looked at. */
static bool find(Cpu *cpu, GuestAddr va, unsigned size, MmuAccess access,
                 unsigned mode, Across *a)
{
    if (!tlb_crosses(va, size) || (mode & MMU_UPDATE)) {
        return false;
    }
    GuestAddr next = (va & PAGE_MASK) + PAGE_SIZE;
    a->first = next - va;
    a->host[0] = fast(cpu, va, access, mode & ~MMU_FLAGS);
    a->host[1] = fast(cpu, next, access, mode & ~MMU_FLAGS);
    return a->host[0] && a->host[1];
}

bool tlb_load_across(Cpu *cpu, GuestAddr va, void *out, unsigned size,
                     unsigned mode)
{
    Across a;
    if (!find(cpu, va, size, MMU_LOAD, mode, &a)) {
        return false;
    }
    memcpy(out, a.host[0], a.first);
    memcpy((uint8_t *)out + a.first, a.host[1], size - a.first);
    return true;
}

static void note_lines(Cpu *cpu, GuestAddr va, unsigned size)
{
    for (unsigned at = 0; at < size; at += PAGE_TRACE_ACCESS) {
        cpu_note_line(cpu, va + at);
    }
}

bool tlb_store_across(Cpu *cpu, GuestAddr va, const void *from, unsigned size,
                      unsigned mode)
{
    Across a;
    if (!find(cpu, va, size, MMU_STORE, mode, &a)) {
        return false;
    }
    note_lines(cpu, va, a.first);
    note_lines(cpu, va + a.first, size - a.first);
    memcpy(a.host[0], from, a.first);
    memcpy(a.host[1], (const uint8_t *)from + a.first, size - a.first);
    return true;
}
