/*
 * Sets of pages, and lines of data. See lines.h, and vm/page-trace.h for what
 * they are made from.
 */
#include "lines.h"

/* --- sets of pages --------------------------------------------------------- */

bool words_have(const GArray *words, unsigned n)
{
    guint lo = 0, hi = words->len;
    while (lo < hi) {
        guint mid = lo + (hi - lo) / 2;
        const Word *w = &g_array_index(words, Word, mid);
        if (w->index == n / 64) {
            return w->bits & BIT(n % 64);
        }
        if (w->index < n / 64) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return false;
}

/* --- lines ----------------------------------------------------------------- */

static const Lines *line_at(const GArray *lines, guint i)
{
    return &g_array_index(lines, Lines, i);
}

uint64_t lines_bytes(const GArray *lines)
{
    return lines ? lines->len * sizeof(Lines) : 0;
}

static void pack_word(Machine *m, const PageTrace *t, unsigned word,
                      GArray *out)
{
    for (uint64_t left = t->seen[MMU_STORE][word]; left; left &= left - 1) {
        unsigned page = word * 64 + __builtin_ctzll(left);
        Lines l = { page, page_trace_lines_of(m, page) };
        if (l.mask != UINT64_MAX) {
            g_array_append_val(out, l);
        }
    }
}

GArray *lines_pack(Machine *m, const PageTrace *t)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(Lines));
    for (unsigned n = 0; n < PAGE_TRACE_WORDS / 64; n++) {
        uint64_t left = t->used[MMU_STORE][n];
        for (; left; left &= left - 1) {
            pack_word(m, t, n * 64 + __builtin_ctzll(left), out);
        }
    }
    return out;
}

/* A page of one list only; the other may have all of it. */
static void add_alone(GArray *out, const Lines *l, const GArray *other_pages)
{
    if (!words_have(other_pages, l->page)) {
        g_array_append_val(out, *l);
    }
}

GArray *lines_both(const GArray *a, const GArray *a_pages, const GArray *b,
                   const GArray *b_pages)
{
    if (!a || !b) {
        return NULL;
    }
    GArray *out = g_array_new(FALSE, FALSE, sizeof(Lines));
    guint i = 0, k = 0;
    while (i < a->len || k < b->len) {
        uint32_t in_a = i < a->len ? line_at(a, i)->page : UINT32_MAX;
        uint32_t in_b = k < b->len ? line_at(b, k)->page : UINT32_MAX;
        if (in_a < in_b) {
            add_alone(out, line_at(a, i++), b_pages);
        } else if (in_b < in_a) {
            add_alone(out, line_at(b, k++), a_pages);
        } else {
            Lines l = { in_a, line_at(a, i++)->mask | line_at(b, k++)->mask };
            g_array_append_val(out, l);
        }
    }
    return out;
}

/* The lines in which a store to [first, last] may begin. Their page is where the
 * store goes: one that comes from the page before is two stores. */
static uint64_t lines_for(uint64_t first, uint64_t last)
{
    uint64_t page = first & PAGE_MASK, before = PAGE_TRACE_ACCESS - 1;
    first -= MIN(first - page, before);
    unsigned from = (first - page) >> CPU_LINE_BITS;
    unsigned to = (last - page) >> CPU_LINE_BITS;
    return bits_mask(to - from + 1) << from;
}

bool lines_have(const GArray *lines, uint64_t first, uint64_t last)
{
    unsigned page = page_trace_bit(MMU_STORE, first);
    guint lo = 0, hi = lines->len;
    while (lo < hi) {
        guint mid = lo + (hi - lo) / 2;
        const Lines *l = line_at(lines, mid);
        if (l->page == page) {
            return l->mask & lines_for(first, last);
        }
        if (l->page < page) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return true;
}
