/*
 * Which pages the CPUs touch while somebody wants to know.
 *
 * Implemented by softmmu/page-trace.c, fed by the TLB's slow paths (loads,
 * stores) and by accel/tcg where it looks TBs up (execution); asked by replay,
 * which skips what cannot hold a breakpoint or watchpoint. Pages are virtual
 * ones; replay adds the pages of RAM that were written by anybody. The answer "no" is exact; "yes" may be wrong, because pages 1 GiB
 * apart may share a bit.
 */
#ifndef VM_PAGE_TRACE_H
#define VM_PAGE_TRACE_H

#include "base/bits.h"
#include "vm/cpu.h"

#define PAGE_TRACE_BITS  18
#define PAGE_TRACE_WORDS (1u << (PAGE_TRACE_BITS - 6))

/* Behind the MmuAccesses: pages of RAM that were written. */
#define PAGE_TRACE_RAM   (MMU_FETCH + 1)
#define PAGE_TRACE_KINDS (PAGE_TRACE_RAM + 1)

typedef struct PageTrace {
    uint64_t seen[PAGE_TRACE_KINDS][PAGE_TRACE_WORDS]; /* a bit per page */
    /* A bit per word that is not 0: mostly these are few. */
    uint64_t used[PAGE_TRACE_KINDS][PAGE_TRACE_WORDS / 64];
} PageTrace;

/* The bit of an address's page. */
static inline unsigned page_trace_bit(GuestAddr va)
{
    uint64_t page = va >> PAGE_BITS;
    page ^= page >> PAGE_TRACE_BITS ^ page >> (2 * PAGE_TRACE_BITS);
    return page & (BIT(PAGE_TRACE_BITS) - 1);
}

static inline bool page_trace_has(const PageTrace *t, unsigned access,
                                  GuestAddr va)
{
    unsigned n = page_trace_bit(va);
    return t->seen[access][n / 64] & BIT(n % 64);
}

static inline void page_trace_note(PageTrace *t, unsigned access,
                                   GuestAddr va)
{
    unsigned n = page_trace_bit(va);
    t->seen[access][n / 64] |= BIT(n % 64);
    t->used[access][n / 64 / 64] |= BIT(n / 64 % 64);
}

/* Clears t (all zero at first), which stays the caller's, and notes pages in it from now on. Fast
 * paths have to pass the slow ones once for each page. Between slices only. */
void page_trace_begin(Machine *m, PageTrace *t);
/* Nothing is noted any more. */
void page_trace_end(Machine *m);

#endif
