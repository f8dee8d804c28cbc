/*
 * Digests of the whole state, cheap enough to be taken all the time.
 *
 * RAM's part is a sum of one number for each page, made of the page's bytes
 * and its number (nothing for a page of zeroes). A sum does not depend on the
 * order in which pages changed, so the digest is a pure function of the state
 * whatever way led there, and only pages written since the last time have to
 * be looked at. The sum is kept for each of a few ranges, so that a difference
 * can be located.
 */
#include "base/digest.h"

#include "internal.h"

struct RamDigest {
    Machine *m;
    DirtySet *dirty;
    uint64_t pages;
    uint64_t *part;        /* by page */
    uint64_t sum[DIGEST_RANGES];
};

static unsigned range_of(const RamDigest *rd, uint64_t page)
{
    return page * DIGEST_RANGES / rd->pages;
}

static uint64_t page_part(Machine *m, uint64_t page)
{
    const uint8_t *p = ram_host(m, page << PAGE_BITS);
    if (!p[0] && !memcmp(p, p + 1, PAGE_SIZE - 1)) {
        return 0;
    }
    return digest_mix(digest_bytes(p, PAGE_SIZE), page);
}

static void page_update(RamDigest *rd, uint64_t page)
{
    uint64_t part = page_part(rd->m, page);
    rd->sum[range_of(rd, page)] += part - rd->part[page];
    rd->part[page] = part;
}

RamDigest *ram_digest_new(Machine *m)
{
    RamDigest *rd = g_new0(RamDigest, 1);
    rd->m = m;
    rd->pages = ram_total_bytes(m) >> PAGE_BITS;
    rd->part = g_new0(uint64_t, MAX(rd->pages, 1));
    for (uint64_t page = 0; page < rd->pages; page++) {
        page_update(rd, page);
    }
    rd->dirty = dirty_set_new(m, RAM_WATCH_DIGEST);
    return rd;
}

void ram_digest_free(RamDigest *rd)
{
    if (rd) {
        dirty_set_free(rd->dirty);
        g_free(rd->part);
        g_free(rd);
    }
}

static void add_section(void *opaque, const Section *s)
{
    uint64_t v = state_digest(s->table, s->object);
    g_array_append_val((GArray *)opaque, v);
}

void digest_take(RamDigest *rd, Digest *d)
{
    const GArray *dirty = dirty_set_pages(rd->dirty);
    for (guint i = 0; i < dirty->len; i++) {
        page_update(rd, g_array_index(dirty, uint64_t, i));
    }
    dirty_set_clean(rd->dirty);
    d->icount = machine_icount(rd->m);
    d->sections = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    machine_sections(rd->m, add_section, d->sections);
    memcpy(d->ram, rd->sum, sizeof d->ram);
    d->total = digest_bytes(d->ram, sizeof d->ram);
    for (guint i = 0; i < d->sections->len; i++) {
        d->total = digest_mix(d->total,
                              g_array_index(d->sections, uint64_t, i));
    }
}

/* --- reports ----------------------------------------------------------------------- */

typedef struct Compare {
    const Digest *recorded, *now;
    guint index;
    GString *out;
} Compare;

static void compare_section(void *opaque, const Section *s)
{
    Compare *c = opaque;
    guint i = c->index++;
    if (i >= c->recorded->sections->len ||
        g_array_index(c->recorded->sections, uint64_t, i) !=
            g_array_index(c->now->sections, uint64_t, i)) {
        g_string_append_printf(c->out, "%s%s", c->out->len ? ", " : "",
                               s->name);
    }
}

/* "pc.ram+0x40000", for a RamAddr. */
static void print_place(Machine *m, RamAddr ra, GString *out)
{
    const RamBlock *b = ram_block_at(m, ra);
    g_string_append_printf(out, "%s+0x%" G_GINT64_MODIFIER "x", b->name,
                           ra - b->base);
}

static void compare_ram(Machine *m, const Compare *c)
{
    uint64_t pages = ram_total_bytes(m) >> PAGE_BITS;
    for (unsigned i = 0; i < DIGEST_RANGES; i++) {
        uint64_t first = (pages * i + DIGEST_RANGES - 1) / DIGEST_RANGES;
        uint64_t next = (pages * (i + 1) + DIGEST_RANGES - 1) / DIGEST_RANGES;
        if (c->recorded->ram[i] == c->now->ram[i] || first == next) {
            continue;
        }
        g_string_append_printf(c->out, "%sRAM ", c->out->len ? ", " : "");
        print_place(m, first << PAGE_BITS, c->out);
        g_string_append(c->out, " to ");
        print_place(m, (next << PAGE_BITS) - 1, c->out);
    }
}

char *digest_compare(Machine *m, const Digest *recorded, const Digest *now)
{
    Compare c = { recorded, now, 0, g_string_new(NULL) };
    machine_sections(m, compare_section, &c);
    compare_ram(m, &c);
    return g_string_free(c.out, FALSE);
}
