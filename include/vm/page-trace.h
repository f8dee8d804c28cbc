/*
 * Which pages the CPUs touch while somebody wants to know, which lines of 16
 * bytes they execute, and to which lines of 64 bytes they store.
 *
 * Implemented by softmmu/page-trace.c, fed by the TLB's slow paths (loads,
 * stores) and by accel/tcg where it looks TBs up (execution); asked by replay,
 * which skips what cannot hold a breakpoint or watchpoint. Addresses are
 * virtual ones; replay adds the pages of RAM that were written by anybody. The
 * answer "no" is exact; "yes" may be wrong, because pages, lines of code, and
 * lines of data may share a bit with others 256 MiB, 4 MiB and 256 MiB away.
 *
 * Why "no" is exact. When a trace begins, every fast path is closed: the TLB's
 * entries are slow, the jump cache is empty, and no TB leads to another by a
 * chain that asks nobody. So the first access to a page passes the slow path,
 * which notes it; and the first entry to a TB passes the lookup, which notes
 * all its bytes. Afterwards there is nothing new to note.
 *
 * Lines of data are different, as a page that is fast has many: every store notes
 * its own, the fast ones of generated code and of helpers as well, in Cpu.lines.
 * They do that all the time (page_trace_lines()), so that there is one kind of
 * translated code; the lines of a page are wiped when the page is first stored
 * to while a trace goes on. A store notes the line of its first byte, and none is
 * longer than PAGE_TRACE_ACCESS; in two pages it is two stores.
 *
 * Two things are for those who ask:
 * - A load may do without a look of its own behind a store to the same page in
 *   the same TB (groups of accesses, forwarding): what was stored to may have
 *   been loaded from.
 * - Code in a segment is noted twice, at its linear address and at its offset,
 *   because a debugger may know it by either.
 * What is only about to be executed (the fetch faults, or a debug register
 * stops it) is noted as well: a breakpoint there comes first.
 */
#ifndef VM_PAGE_TRACE_H
#define VM_PAGE_TRACE_H

#include "base/bits.h"
#include "vm/cpu.h"

#define PAGE_TRACE_BITS  18
#define PAGE_TRACE_WORDS (1u << (PAGE_TRACE_BITS - 6))

/* Behind the MmuAccesses: pages of RAM that were written, and lines of code;
 * MMU_FETCH is their pages. */
#define PAGE_TRACE_RAM   (MMU_FETCH + 1)
#define PAGE_TRACE_LINE  (PAGE_TRACE_RAM + 1)
#define PAGE_TRACE_KINDS (PAGE_TRACE_LINE + 1)
#define PAGE_TRACE_LINE_BITS 4
#define PAGE_TRACE_ACCESS 16u  /* bytes */
/* Pages that have lines of their own in Cpu.lines. */
#define PAGE_TRACE_SLOTS (CPU_LINES >> (PAGE_BITS - CPU_LINE_BITS))

typedef struct PageTrace {
    uint64_t seen[PAGE_TRACE_KINDS][PAGE_TRACE_WORDS]; /* a bit per page or line */
    /* A bit per word that is not 0: mostly these are few. */
    uint64_t used[PAGE_TRACE_KINDS][PAGE_TRACE_WORDS / 64];
    /* A bit for each slot of Cpu.lines that was wiped. */
    uint64_t wiped[PAGE_TRACE_SLOTS / 64];
} PageTrace;

static inline unsigned page_trace_shift(unsigned kind)
{
    return kind == PAGE_TRACE_LINE ? PAGE_TRACE_LINE_BITS : PAGE_BITS;
}

/* The bit of an address's page or line. Of a page the lower bits say its slot in
 * Cpu.lines, as they are; the rest is folded. */
static inline unsigned page_trace_bit(unsigned kind, GuestAddr va)
{
    uint64_t n = va >> page_trace_shift(kind);
    if (kind == PAGE_TRACE_LINE) {
        n ^= n >> PAGE_TRACE_BITS ^ n >> (2 * PAGE_TRACE_BITS) ^
             n >> (3 * PAGE_TRACE_BITS);
        return n & (BIT(PAGE_TRACE_BITS) - 1);
    }
    uint64_t rest = n / PAGE_TRACE_SLOTS;
    for (unsigned shift = 32; shift > 1; shift /= 2) {
        rest ^= rest >> shift;
    }
    unsigned rest_bits = BIT(PAGE_TRACE_BITS) / PAGE_TRACE_SLOTS - 1;
    return n % PAGE_TRACE_SLOTS | (rest & rest_bits) * PAGE_TRACE_SLOTS;
}

static inline bool page_trace_has(const PageTrace *t, unsigned kind,
                                  GuestAddr va)
{
    unsigned n = page_trace_bit(kind, va);
    return t->seen[kind][n / 64] & BIT(n % 64);
}

static inline void page_trace_note(PageTrace *t, unsigned kind, GuestAddr va)
{
    unsigned n = page_trace_bit(kind, va);
    t->seen[kind][n / 64] |= BIT(n % 64);
    t->used[kind][n / 64 / 64] |= BIT(n / 64 % 64);
}

/* The first load from or store to a page while t is noted. */
void page_trace_note_page(Machine *m, PageTrace *t, MmuAccess access,
                          GuestAddr va);
/* A bit for each of the 64 lines of a page (its bit of page_trace_bit()) that
 * was stored to since the page was. */
uint64_t page_trace_lines_of(Machine *m, unsigned page);

/* Code at [first, last] is executed, or about to be: its pages and lines. */
static inline void page_trace_note_code(PageTrace *t, GuestAddr first,
                                        GuestAddr last)
{
    page_trace_note(t, MMU_FETCH, first);
    page_trace_note(t, MMU_FETCH, last);
    const GuestAddr line = BIT(PAGE_TRACE_LINE_BITS);
    GuestAddr end = last & -line;
    for (GuestAddr va = first & -line; va != end + line; va += line) {
        page_trace_note(t, PAGE_TRACE_LINE, va);
    }
}

/* The same of code in a segment at base: by linear address, and by offset. */
static inline void page_trace_note_insns(PageTrace *t, GuestAddr base,
                                         GuestAddr first, GuestAddr last)
{
    GuestAddr from = cpu_code_offset(first, base);
    GuestAddr to = cpu_code_offset(last, base);
    page_trace_note_code(t, first, last);
    if (base && from <= to) {
        page_trace_note_code(t, from, to);
    } else if (base) {
        page_trace_note_code(t, from, UINT32_MAX);
        page_trace_note_code(t, 0, to);
    }
}

/* Clears t (all zero at first), which stays the caller's, and notes pages and
 * lines in it from now on. Fast paths have to pass the slow ones once for each
 * of them. Between slices only. */
void page_trace_begin(Machine *m, PageTrace *t);
/* Nothing is noted any more. */
void page_trace_end(Machine *m);
/* Lines of data are noted from now on, or no more. Translations are dropped. */
void page_trace_lines(Machine *m, bool on);

#endif
