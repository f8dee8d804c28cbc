/*
 * Which pages were touched in which part of the run. See coverage.h.
 */
#include "coverage.h"

#include "lines.h"

/* Nobody skips an interval shorter than that. */
#define FEWEST_INSNS 4096u
/* Then neighbours are put together. */
#define MOST_INTERVALS 1024u

typedef struct Interval {
    Icount from, to;
    GArray *seen[PAGE_TRACE_KINDS];       /* Word, by index; all NULL: unknown */
    GArray *lines;         /* lines.h: of what was stored to; NULL: any */
} Interval;

struct Coverage {
    Machine *m;
    GArray *intervals;     /* Interval, without gaps; the last is unknown */
    PageTrace *trace;      /* what is being noted */
    bool is_open;
    Icount opened;
    uint64_t bytes;
    uint64_t line_bytes;   /* of them, of lines */
    uint64_t most_line_bytes;
};

static Interval *interval(const Coverage *c, guint i)
{
    return &g_array_index(c->intervals, Interval, i);
}

static bool known(const Interval *v)
{
    return v->seen[0];
}

Coverage *coverage_new(Machine *m, Icount start, uint64_t most_line_bytes)
{
    Coverage *c = g_new0(Coverage, 1);
    c->m = m;
    c->most_line_bytes = most_line_bytes;
    c->intervals = g_array_new(FALSE, TRUE, sizeof(Interval));
    c->trace = g_new0(PageTrace, 1);
    Interval all = { .from = start, .to = ICOUNT_NONE };
    g_array_append_val(c->intervals, all);
    page_trace_lines(m, true);
    return c;
}

static void count_lines(Coverage *c, const Interval *v, int sign)
{
    int64_t bytes = sign * (int64_t)lines_bytes(v->lines);
    c->bytes += bytes;
    c->line_bytes += bytes;
}

static void forget_lines(Coverage *c, Interval *v)
{
    count_lines(c, v, -1);
    g_clear_pointer(&v->lines, g_array_unref);
}

static void forget(Coverage *c, Interval *v)
{
    forget_lines(c, v);
    for (unsigned a = 0; a < PAGE_TRACE_KINDS && known(v); a++) {
        c->bytes -= v->seen[a]->len * sizeof(Word);
    }
    for (unsigned a = 0; a < PAGE_TRACE_KINDS; a++) {
        g_clear_pointer(&v->seen[a], g_array_unref);
    }
}

void coverage_free(Coverage *c)
{
    if (!c) {
        return;
    }
    page_trace_end(c->m);
    page_trace_lines(c->m, false);
    for (guint i = 0; i < c->intervals->len; i++) {
        forget(c, interval(c, i));
    }
    g_array_free(c->intervals, TRUE);
    g_free(c->trace);
    g_free(c);
}

uint64_t coverage_bytes(const Coverage *c)
{
    return c->bytes + sizeof *c->trace;
}

/* The index of the interval that icount is in. */
static guint find(const Coverage *c, Icount icount)
{
    guint lo = 0, hi = c->intervals->len - 1;
    while (lo < hi) {
        guint mid = lo + (hi - lo + 1) / 2;
        if (interval(c, mid)->from <= icount) {
            lo = mid;
        } else {
            hi = mid - 1;
        }
    }
    return lo;
}

/* --- growing ------------------------------------------------------------------------ */

static GArray *pack(const PageTrace *t, unsigned kind)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(Word));
    for (unsigned n = 0; n < PAGE_TRACE_WORDS; n += 64) {
        for (uint64_t left = t->used[kind][n / 64]; left; left &= left - 1) {
            unsigned index = n + __builtin_ctzll(left);
            Word w = { index, t->seen[kind][index] };
            g_array_append_val(out, w);
        }
    }
    return out;
}

static const Word *word(const GArray *words, guint i)
{
    return &g_array_index(words, Word, i);
}

/* Merges two lists. */
static GArray *both(const GArray *a, const GArray *b)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(Word));
    guint i = 0, k = 0;
    while (i < a->len || k < b->len) {
        bool take_a = k == b->len ||
                      (i < a->len && word(a, i)->index <= word(b, k)->index);
        bool take_b = i == a->len ||
                      (k < b->len && word(b, k)->index <= word(a, i)->index);
        Word w = take_a ? *word(a, i) : *word(b, k);
        w.bits |= take_a && take_b ? word(b, k)->bits : 0;
        g_array_append_val(out, w);
        i += take_a;
        k += take_b;
    }
    return out;
}

static void note_bytes(Coverage *c, const Interval *v)
{
    for (unsigned a = 0; a < PAGE_TRACE_KINDS; a++) {
        c->bytes += v->seen[a]->len * sizeof(Word);
    }
    count_lines(c, v, 1);
}

/* While there are too many, those go that take the most. */
static void limit_lines(Coverage *c)
{
    while (c->line_bytes > c->most_line_bytes) {
        Interval *worst = NULL;
        for (guint i = 0; i < c->intervals->len; i++) {
            Interval *v = interval(c, i);
            if (v->lines && (!worst || v->lines->len > worst->lines->len)) {
                worst = v;
            }
        }
        forget_lines(c, worst);
    }
}

/* --- intervals ------------------------------------------------------------------- */

/* Interval i takes in its successor; both are known. */
static void join(Coverage *c, guint i)
{
    Interval *a = interval(c, i), *b = interval(c, i + 1);
    Interval v = { .from = a->from, .to = b->to };
    for (unsigned k = 0; k < PAGE_TRACE_KINDS; k++) {
        v.seen[k] = both(a->seen[k], b->seen[k]);
    }
    v.lines = lines_both(a->lines, a->seen[MMU_STORE], b->lines,
                         b->seen[MMU_STORE]);
    note_bytes(c, &v);
    forget(c, a);
    forget(c, b);
    *a = v;
    g_array_remove_index(c->intervals, i + 1);
}

/* The two known neighbours that are shortest together become one. */
static void join_shortest(Coverage *c)
{
    guint best = 0;
    uint64_t least = UINT64_MAX;
    for (guint i = 0; i + 1 < c->intervals->len; i++) {
        const Interval *a = interval(c, i), *b = interval(c, i + 1);
        if (known(a) && known(b) && b->to - a->from < least) {
            least = b->to - a->from;
            best = i;
        }
    }
    if (least != UINT64_MAX) {
        join(c, best);
    }
}

/* The unknown interval i is known in [from, to) now. */
static void carve(Coverage *c, guint i, Interval v)
{
    Interval *old = interval(c, i);
    Icount end = old->to;
    if (old->from < v.from) {
        old->to = v.from;
        g_array_insert_val(c->intervals, ++i, v);
    } else {
        *old = v;
    }
    if (v.to < end) {
        Interval rest = { .from = v.to, .to = end };
        g_array_insert_val(c->intervals, i + 1, rest);
    }
    note_bytes(c, &v);
    if (c->intervals->len > MOST_INTERVALS) {
        join_shortest(c);
    }
    limit_lines(c);
}

void coverage_open(Coverage *c, Icount now)
{
    if (!c->is_open && !known(interval(c, find(c, now)))) {
        bool whole = c->m->sched.at_boundary || now == interval(c, 0)->from;
        page_trace_begin(c->m, c->trace);
        c->is_open = true;
        /* Part of what happens at this icount may be over. */
        c->opened = whole ? now : now + 1;
    }
}

void coverage_close(Coverage *c, Icount now)
{
    if (!c->is_open) {
        return;
    }
    page_trace_end(c->m);
    c->is_open = false;
    guint i = find(c, c->opened);
    const Interval *old = interval(c, i);
    Interval v = { .from = c->opened, .to = MIN(now, old->to) };
    bool all = v.from == old->from && v.to == old->to;
    if (known(old) || (v.to < v.from + FEWEST_INSNS && !all)) {
        return;
    }
    for (unsigned a = 0; a < PAGE_TRACE_KINDS; a++) {
        v.seen[a] = pack(c->trace, a);
    }
    v.lines = lines_pack(c->m, c->trace);
    carve(c, i, v);
}

Icount coverage_due(const Coverage *c, Icount now)
{
    for (guint i = find(c, now) + 1; !c->is_open && i < c->intervals->len;
         i++) {
        if (!known(interval(c, i))) {
            return interval(c, i)->from;
        }
    }
    return ICOUNT_NONE;
}

void coverage_cut(Coverage *c, Icount icount)
{
    coverage_close(c, icount);
    guint i = find(c, icount);
    while (c->intervals->len > i + 1) {
        forget(c, interval(c, c->intervals->len - 1));
        g_array_set_size(c->intervals, c->intervals->len - 1);
    }
    Interval *v = interval(c, i);
    if (known(v) && v->from < icount) {
        Interval rest = { .from = icount, .to = ICOUNT_NONE };
        v->to = icount;
        g_array_append_val(c->intervals, rest);
    } else {
        forget(c, v);
        v->to = ICOUNT_NONE;
    }
}

/* --- asking ----------------------------------------------------------------------------- */

static bool has_bit(const Interval *v, unsigned kind, unsigned n)
{
    return words_have(v->seen[kind], n);
}

/* [first, last] is in one page, or for code in one line. See vm/page-trace.h
 * for what is not noted by itself. */
static bool touched(const Interval *v, unsigned kind, uint64_t first,
                    uint64_t last)
{
    unsigned n = page_trace_bit(kind, first);
    switch (kind) {
    case MMU_LOAD:
        return has_bit(v, MMU_LOAD, n) || has_bit(v, MMU_STORE, n);
    case MMU_STORE:
        return has_bit(v, MMU_STORE, n) &&
               (!v->lines || lines_have(v->lines, first, last));
    case MMU_FETCH:
        return has_bit(v, MMU_FETCH, n) &&
               has_bit(v, PAGE_TRACE_LINE,
                       page_trace_bit(PAGE_TRACE_LINE, first));
    default:
        return has_bit(v, kind, n);
    }
}

static bool may_have(const Interval *v, const PageQuery *q)
{
    unsigned shift = page_trace_shift(q->kind == MMU_FETCH ? PAGE_TRACE_LINE
                                                           : q->kind);
    uint64_t rest = BIT(shift) - 1, first = q->first;
    while (!touched(v, q->kind, first, MIN(first | rest, q->last))) {
        if ((first | rest) >= q->last) {
            return false;
        }
        first = (first | rest) + 1;
    }
    return true;
}

static bool may_have_any(const Interval *v, const GArray *queries)
{
    for (guint i = 0; i < queries->len; i++) {
        if (!known(v) ||
            may_have(v, &g_array_index(queries, PageQuery, i))) {
            return true;
        }
    }
    return false;
}

bool coverage_find(const Coverage *c, Icount before, const GArray *queries,
                   Icount *from, Icount *to)
{
    if (before <= interval(c, 0)->from) {
        return false;
    }
    for (guint i = find(c, before - 1) + 1; i-- > 0;) {
        const Interval *v = interval(c, i);
        if (may_have_any(v, queries)) {
            *from = v->from;
            *to = MIN(before, v->to);
            return true;
        }
    }
    return false;
}

/* --- for people --------------------------------------------------------------------- */

void coverage_print(const Coverage *c, GString *out)
{
    unsigned count = 0;
    uint64_t insns = 0;
    for (guint i = 0; i < c->intervals->len; i++) {
        const Interval *v = interval(c, i);
        count += known(v);
        insns += known(v) ? v->to - v->from : 0;
    }
    g_string_append_printf(out, "%u intervals known, %" G_GUINT64_FORMAT
                           " instructions, %" G_GUINT64_FORMAT " KiB\n",
                           count, insns, c->bytes / KIB);
}
