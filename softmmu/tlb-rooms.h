/*
 * What the files of the TLB share: tlb.c (entries), tlb-filled.c (which are in
 * use), tlb-walk.c (page walks), tlb-words.c (what those have read),
 * tlb-access.c and tlb-vector.c (accesses), tlb-debug.c (watchpoints).
 */
#ifndef SOFTMMU_TLB_ROOMS_H
#define SOFTMMU_TLB_ROOMS_H

#include "base/bits.h"
#include "vm/cpu.h"
#include "vm/page-trace.h"

#define NO_LEAF UINT64_MAX

static inline unsigned tlb_index(GuestAddr va)
{
    return (va >> PAGE_BITS) & (TLB_SIZE - 1);
}

/* Where the entries of a mode (without flags) for a kind of access are. */
static inline unsigned tlb_set(unsigned mode, MmuAccess access)
{
    return mode + (access == MMU_FETCH ? MMU_MODES : 0);
}

static inline TlbEntry *tlb_entry(Cpu *cpu, GuestAddr va, MmuAccess access,
                                  unsigned mode)
{
    return &cpu->tlb.entry[tlb_set(mode, access)][tlb_index(va)];
}

static inline TlbInfo *tlb_info(Cpu *cpu, GuestAddr va, MmuAccess access,
                                unsigned mode)
{
    return &cpu->tlb.info[tlb_set(mode, access)][tlb_index(va)];
}

/* A place is a set and an index in one number. */
static inline TlbEntry *tlb_entry_at(Cpu *cpu, unsigned place)
{
    return &cpu->tlb.entry[place >> TLB_BITS][place & (TLB_SIZE - 1)];
}

static inline TlbInfo *tlb_info_at(Cpu *cpu, unsigned place)
{
    return &cpu->tlb.info[place >> TLB_BITS][place & (TLB_SIZE - 1)];
}

static inline AddressSpace *tlb_memory(Cpu *cpu)
{
    return cpu->cls->memory ? cpu->cls->memory(cpu) : cpu->machine->memory;
}

/* True if the page's first access of the kind must be noted. */
static inline bool tlb_must_note(const Cpu *cpu, GuestAddr page,
                                 MmuAccess access)
{
    const PageTrace *t = cpu->machine->debug.trace;
    return t && access != MMU_FETCH && !page_trace_has(t, access, page);
}

static inline bool tlb_hit(Cpu *cpu, GuestAddr va, MmuAccess access,
                           unsigned mode)
{
    const TlbEntry *e = tlb_entry(cpu, va, access, mode);
    return (e->tag[access] & ~(uint64_t)TLB_SLOW) == (va & PAGE_MASK);
}

/* --- tlb.c -------------------------------------------------------------------
 */

/* What an entry's tag is for the access. */
uint64_t tlb_tag(Cpu *cpu, const TlbInfo *info, bool readonly,
                 MmuAccess access);
/* A place's entry goes, and what the jump cache knows of its page. */
void tlb_drop(Cpu *cpu, unsigned place);
/* Makes sure that the page of va is in the TLB for the access, or raises.
 * flagged: the MMU mode with its flags. */
const TlbInfo *tlb_lookup(Cpu *cpu, GuestAddr va, MmuAccess access,
                          unsigned flagged);

/* --- tlb-filled.c ------------------------------------------------------------
 */

/* The list that a page's place is in. */
unsigned tlb_half(GuestAddr va);
/* A place has been filled for va. */
void tlb_note_filled(Cpu *cpu, GuestAddr va, unsigned place);
/* True if there were more than a half's list holds. */
bool tlb_is_large(const Cpu *cpu, unsigned half);
typedef void TlbPlaceFn(Cpu *cpu, unsigned place, void *opaque);
/* Calls fn for every place that pages of a half may have; others may be among
 * them. */
void tlb_for_half(Cpu *cpu, unsigned half, TlbPlaceFn *fn, void *opaque);
/* Calls fn for every place that may be in use, at least once. */
void tlb_for_places(Cpu *cpu, TlbPlaceFn *fn, void *opaque);
/* The same for the places that pages of [first, last] may have. */
void tlb_for_range(Cpu *cpu, GuestAddr first, GuestAddr last, TlbPlaceFn *fn,
                   void *opaque);
/* True if a list that it would look through did not hold all. */
bool tlb_range_is_large(const Cpu *cpu, GuestAddr first, GuestAddr last);

/* --- tlb-walk.c --------------------------------------------------------------
 */

/* The RAM behind an entry of a page table, or NULL. Devices do not serve walks:
 * nobody could say at which icount they are asked. */
uint8_t *tlb_walk_ram(Cpu *cpu, PhysAddr pa, unsigned size, RamAddr *ra);

/* --- tlb-words.c -------------------------------------------------------------
 */

void tlb_words_init(Cpu *cpu);
void tlb_words_free(Cpu *cpu);
/* A walk for a place read the word at ra last: it gives the translation. */
void tlb_note_leaf(Cpu *cpu, RamAddr ra, unsigned place);
/* A walk for a page of [first, last] read the word at ra and went on. */
void tlb_note_upper(Cpu *cpu, RamAddr ra, GuestAddr first, GuestAddr last);
/* True if a cached translation was made from [ra, ra + len), in one page. */
bool tlb_walked_at(Machine *m, RamAddr ra, uint64_t len);
/* Nothing is cached any more. */
void tlb_walked_forget(Machine *m);

/* --- tlb-debug.c -------------------------------------------------------------
 */

/* True if a watchpoint for this kind of access touches the page. */
bool tlb_page_has_watchpoint(Cpu *cpu, GuestAddr page, MmuAccess access);
/* True if one touches these bytes, whoever it belongs to. */
bool tlb_is_watched(const Cpu *cpu, GuestAddr va, unsigned size,
                    MmuAccess access);
/* An access is going to be made: notes the watchpoints that it hits. */
void tlb_check_watch(Cpu *cpu, GuestAddr va, unsigned size, MmuAccess access);

/* --- tlb-access.c ------------------------------------------------------------
 */

/* The part of an access that is inside one page. What an access needs is found
 * out for all its parts before the first is made: the fault of the second page
 * leaves the first as it was, and nothing restarts the instruction later. */
typedef struct TlbPart {
    GuestAddr va;
    PhysAddr phys;
    RamAddr ram;   /* if host */
    uint8_t *host; /* NULL: not RAM */
    unsigned size;
    bool lost; /* what is stored goes nowhere */
} TlbPart;

static inline bool tlb_crosses(GuestAddr va, unsigned size)
{
    return ((va + size - 1) ^ va) & PAGE_MASK;
}

/* Splits an access; returns the number of parts. May raise. */
unsigned tlb_split(Cpu *cpu, GuestAddr va, unsigned size, MmuAccess access,
                   unsigned mode, TlbPart part[2]);
/* Before the first part is accessed: what has to be so for each. */
void tlb_prepare_load(Cpu *cpu, const TlbPart *p);
void tlb_prepare_store(Cpu *cpu, TlbPart *p);
/* What a store within a page would raise or wait for, ahead of it. */
void tlb_probe_store(Cpu *cpu, GuestAddr va, unsigned size, unsigned mode);
/* The bytes of a part of an access across two pages, one at a time. */
TlbPart tlb_part_byte(const TlbPart *p, unsigned i);
uint64_t tlb_load_part(Cpu *cpu, const TlbPart *p, unsigned size);
void tlb_store_part(Cpu *cpu, const TlbPart *p, uint64_t v, unsigned size);
/* After it: the next one may not need the slow path. */
void tlb_loads_may_be_fast(Cpu *cpu, const TlbPart *p, unsigned mode);
void tlb_stores_may_be_fast(Cpu *cpu, const TlbPart *p, unsigned mode);

#endif
