/*
 * RAM blocks and the notice of first writes.
 *
 * All blocks share one address space, RamAddr, so that one array of watch
 * bits covers every page of RAM, ROM and video memory. A page without armed
 * bits may be written directly by translated code; `direct` remembers which
 * pages somebody may be writing that way, so that arming a bit knows when
 * TLB entries must be revoked. See vm/memory.h.
 */
#include "vm/memory-walk.h"
#include "vm/memory.h"

#include <sys/mman.h>

#include "base/bits.h"
#include "softmmu.h"
#include "vm/cpu.h"
#include "vm/machine.h"

#define WATCHERS 6
#define DIRECT_MANY (TLB_SIZE + 1)

struct RamState {
    GPtrArray *blocks;     /* RamBlock * */
    uint64_t total_bytes;
    uint8_t *bits;         /* RamWatch mask by page */
    /* Where in TLBs a direct store mapping may be, by page: 0: nowhere; above,
     * an index and one; DIRECT_MANY: more than one. */
    uint16_t *direct;
    struct {
        RamWatchFn *fn;
        void *opaque;
    } watcher[WATCHERS];
};

struct RamState *ram_state_new(void)
{
    struct RamState *r = g_new0(struct RamState, 1);
    r->blocks = g_ptr_array_new();
    return r;
}

void ram_state_free(struct RamState *r)
{
    for (guint i = 0; i < r->blocks->len; i++) {
        RamBlock *b = g_ptr_array_index(r->blocks, i);
        munmap(b->host, b->size_bytes);
        g_free(b->name);
        g_free(b);
    }
    g_ptr_array_free(r->blocks, TRUE);
    g_free(r->bits);
    g_free(r->direct);
    g_free(r);
}

/* Anonymous memory, so that pages the guest never touches cost nothing. */
static uint8_t *ram_map(const char *name, uint64_t size_bytes)
{
    void *p = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        g_error("cannot allocate %" G_GUINT64_FORMAT " bytes for %s",
                size_bytes, name);
    }
    return p;
}

RamBlock *ram_block_new(Machine *m, const char *name, uint64_t size_bytes)
{
    struct RamState *r = m->ram;
    g_assert(size_bytes && !(size_bytes & ~PAGE_MASK));
    RamBlock *b = g_new0(RamBlock, 1);
    b->machine = m;
    b->name = g_strdup(name);
    b->size_bytes = size_bytes;
    b->base = r->total_bytes;
    b->host = ram_map(name, size_bytes);
    uint64_t old_pages = r->total_bytes >> PAGE_BITS;
    r->total_bytes += size_bytes;
    uint64_t pages = r->total_bytes >> PAGE_BITS;
    r->bits = g_realloc(r->bits, pages);
    r->direct = g_renew(uint16_t, r->direct, pages);
    memset(r->bits + old_pages, 0, pages - old_pages);
    memset(r->direct + old_pages, 0,
           (pages - old_pages) * sizeof r->direct[0]);
    g_ptr_array_add(r->blocks, b);
    return b;
}

RamBlock *rom_block_new(Machine *m, const char *name, const void *data,
                        size_t len)
{
    RamBlock *b = ram_block_new(m, name, bits_align_up(MAX(len, 1), PAGE_SIZE));
    memcpy(b->host, data, len);
    b->readonly = true;
    return b;
}

const GPtrArray *ram_blocks(Machine *m)
{
    return m->ram->blocks;
}

uint64_t ram_total_bytes(Machine *m)
{
    return m->ram->total_bytes;
}

RamBlock *ram_block_at(Machine *m, RamAddr ra)
{
    for (guint i = 0; i < m->ram->blocks->len; i++) {
        RamBlock *b = g_ptr_array_index(m->ram->blocks, i);
        if (ra - b->base < b->size_bytes) {
            return b;
        }
    }
    g_assert_not_reached();
}

uint8_t *ram_host(Machine *m, RamAddr ra)
{
    RamBlock *b = ram_block_at(m, ra);
    return b->host + (ra - b->base);
}

/* --- watching --------------------------------------------------------------- */

void ram_watch_set(Machine *m, RamWatch bit, RamWatchFn *fn, void *opaque)
{
    unsigned n = g_bit_nth_lsf(bit, -1);
    g_assert(n < WATCHERS);
    m->ram->watcher[n].fn = fn;
    m->ram->watcher[n].opaque = opaque;
}

void ram_watch_arm(Machine *m, RamWatch bit, RamAddr ra)
{
    struct RamState *r = m->ram;
    uint64_t page = ra >> PAGE_BITS;
    g_assert(ra < r->total_bytes);
    r->bits[page] |= bit;
    unsigned direct = r->direct[page];
    if (direct) {
        r->direct[page] = 0;
        tlb_revoke_stores(m, ra & PAGE_MASK, direct - 1);
    }
}

void ram_watch_arm_all(Machine *m, RamWatch bit)
{
    struct RamState *r = m->ram;
    uint64_t pages = r->total_bytes >> PAGE_BITS;
    for (uint64_t i = 0; i < pages; i++) {
        r->bits[i] |= bit;
    }
    memset(r->direct, 0, pages * sizeof r->direct[0]);
    tlb_revoke_all_stores(m);
}

void ram_watch_arm_pages(Machine *m, RamWatch bit, const GArray *pages)
{
    struct RamState *r = m->ram;
    bool direct = false;
    for (guint i = 0; i < pages->len; i++) {
        uint64_t page = g_array_index(pages, uint64_t, i);
        r->bits[page] |= bit;
        direct |= r->direct[page];
        r->direct[page] = 0;
    }
    if (direct) {
        tlb_revoke_all_stores(m);
    }
}

void ram_watch_disarm(Machine *m, RamWatch bit, RamAddr ra)
{
    m->ram->bits[ra >> PAGE_BITS] &= ~bit;
}

unsigned ram_watch_bits(Machine *m, RamAddr ra)
{
    return m->ram->bits[ra >> PAGE_BITS];
}

void ram_note_direct_store(Machine *m, RamAddr ra, unsigned index)
{
    uint16_t *direct = &m->ram->direct[ra >> PAGE_BITS];
    *direct = !*direct || *direct == index + 1 ? index + 1 : DIRECT_MANY;
}

static void page_will_write(Machine *m, RamAddr ra, uint64_t len)
{
    struct RamState *r = m->ram;
    uint64_t page = ra >> PAGE_BITS;
    for (unsigned n = 0; n < WATCHERS && r->bits[page]; n++) {
        if ((r->bits[page] & (1u << n)) && r->watcher[n].fn &&
            r->watcher[n].fn(r->watcher[n].opaque, ra, len)) {
            r->bits[page] &= ~(1u << n);
        }
    }
}

void ram_will_write(Machine *m, RamAddr ra, uint64_t len)
{
    g_assert(ra + len <= m->ram->total_bytes);
    while (len) {
        uint64_t n = MIN(len, PAGE_SIZE - (ra & ~PAGE_MASK));
        if (m->ram->bits[ra >> PAGE_BITS]) {
            page_will_write(m, ra, n);
        }
        ra += n;
        len -= n;
    }
}

void ram_print_blocks(Machine *m, bool roms, GString *out)
{
    const GPtrArray *blocks = ram_blocks(m);
    g_string_append_printf(out, "%24s %18s %18s\n", "Block Name", "Offset",
                           "Bytes");
    for (guint i = 0; i < blocks->len; i++) {
        const RamBlock *b = g_ptr_array_index(blocks, i);
        if (!roms || b->readonly) {
            g_string_append_printf(out, "%24s 0x%016" G_GINT64_MODIFIER "x 0x%016"
                                   G_GINT64_MODIFIER "x\n", b->name, b->base,
                                   b->size_bytes);
        }
    }
}
