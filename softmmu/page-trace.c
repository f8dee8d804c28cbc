/*
 * Which pages the CPUs touch. See vm/page-trace.h.
 */
#include "vm/page-trace.h"

#include <string.h>

#include "base/bytes.h"
#include "vm/cpu.h"

static void clear(PageTrace *t)
{
    for (unsigned kind = 0; kind < PAGE_TRACE_KINDS; kind++) {
        for (unsigned n = 0; n < PAGE_TRACE_WORDS; n += 64) {
            if (t->used[kind][n / 64]) {
                memset(&t->seen[kind][n], 0, 64 * sizeof(uint64_t));
            }
        }
    }
    memset(t->used, 0, sizeof t->used);
    memset(t->wiped, 0, sizeof t->wiped);
}

/* --- lines of data ------------------------------------------------------------- */

#define SLOT_LINES (PAGE_SIZE >> CPU_LINE_BITS)
G_STATIC_ASSERT(SLOT_LINES == 64);

static uint8_t *slot_lines(Machine *m, guint cpu, unsigned slot)
{
    Cpu *c = g_ptr_array_index(m->cpus, cpu);
    return &c->lines[slot * SLOT_LINES];
}

/* What was noted before belongs to the past. */
static void wipe(Machine *m, PageTrace *t, unsigned slot)
{
    if (t->wiped[slot / 64] & BIT(slot % 64)) {
        return; /* it is another page's, too */
    }
    t->wiped[slot / 64] |= BIT(slot % 64);
    for (guint i = 0; i < m->cpus->len; i++) {
        memset(slot_lines(m, i, slot), 0, SLOT_LINES);
    }
}

void page_trace_note_page(Machine *m, PageTrace *t, MmuAccess access,
                          GuestAddr va)
{
    page_trace_note(t, access, va);
    if (access == MMU_STORE) {
        wipe(m, t, page_trace_bit(access, va) % PAGE_TRACE_SLOTS);
    }
}

/* The lowest bits of eight bytes that are 0 or 1. */
static uint64_t gather(uint64_t bytes)
{
    return bytes * UINT64_C(0x0102040810204080) >> 56;
}

static uint64_t slot_mask(const uint8_t *lines)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < SLOT_LINES; i += 8) {
        mask |= gather(bytes_ld_le64(lines + i)) << i;
    }
    return mask;
}

uint64_t page_trace_lines_of(Machine *m, unsigned page)
{
    uint64_t mask = 0;
    for (guint i = 0; i < m->cpus->len; i++) {
        mask |= slot_mask(slot_lines(m, i, page % PAGE_TRACE_SLOTS));
    }
    return mask;
}

void page_trace_lines(Machine *m, bool on)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        ((Cpu *)g_ptr_array_index(m->cpus, i))->notes_lines = on;
    }
    tb_flush_all(m);
}

/* --- beginning and end ---------------------------------------------------------- */

void page_trace_begin(Machine *m, PageTrace *t)
{
    clear(t);
    m->debug.trace = t;
    tlb_revoke_all(m);
    tb_unchain_all(m);
    for (guint i = 0; i < m->cpus->len; i++) {
        jump_cache_flush(g_ptr_array_index(m->cpus, i));
    }
}

void page_trace_end(Machine *m)
{
    m->debug.trace = NULL;
}
