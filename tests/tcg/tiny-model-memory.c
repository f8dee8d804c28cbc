/*
 * The plain made-up processor's memory: every access walks the page table.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "tiny-model.h"

static uint8_t *plain(TinyModel *m, uint64_t pa)
{
    return pa < TINY_RAM_BYTES ? &m->ram[pa]
           : pa - TINY_ROM_AT < TINY_ROM_BYTES ? &m->rom[pa - TINY_ROM_AT]
                                               : NULL;
}

static bool is_io(uint64_t pa)
{
    return pa - TINY_IO_AT < TINY_IO_BYTES;
}

static bool walk(Step *st, uint64_t va, MmuAccess access, uint64_t *pa)
{
    va &= TINY_ADDR_MASK;
    uint8_t *at = st->m->ram + TINY_TABLE(st->m->s.table) +
                  (va >> PAGE_BITS) * 8;
    uint64_t entry = bytes_ld_le(at, 8);
    if (!(entry & TINY_P) || (access == MMU_STORE && !(entry & TINY_W))) {
        st->cause = CAUSE_PAGE | va << 8;
        return false;
    }
    entry |= TINY_A | (access == MMU_STORE ? TINY_D : 0);
    bytes_st_le(at, 8, entry);
    *pa = (entry & 0xff000) | (va & ~PAGE_MASK);
    return true;
}

static uint64_t phys_ld(TinyModel *m, uint64_t pa, unsigned size)
{
    if (is_io(pa)) {
        return tiny_io(&m->s, pa - TINY_IO_AT, 0, size, m->icount, false);
    }
    uint8_t *at = plain(m, pa);
    return at ? bytes_ld_le(at, size) : bits_mask(8 * size);
}

void model_phys_st(TinyModel *m, uint64_t pa, uint64_t v, unsigned size)
{
    if (is_io(pa)) {
        tiny_io(&m->s, pa - TINY_IO_AT, v & bits_mask(8 * size), size,
                m->icount, true);
    } else if (pa < TINY_RAM_BYTES) {
        bytes_st_le(m->ram + pa, size, v);
    }
}

static void watch(TinyModel *m, uint64_t va, unsigned size, MmuAccess access)
{
    for (unsigned i = 0; i < 2; i++) {
        TinyWatch *w = &m->watch[i];
        if ((w->access & 1u << access) && va < w->addr + w->len &&
            w->addr < va + size) {
            w->hit = true;
            w->hit_addr = MAX(va, w->addr);
        }
    }
}

bool model_resolve(Step *st, uint64_t va, unsigned size, MmuAccess access,
                   uint64_t *pa)
{
    unsigned first = PAGE_SIZE - (va & ~PAGE_MASK);
    if (!walk(st, va, access, &pa[0])) {
        return false;
    }
    if (first < size && !walk(st, va + first, access, &pa[first])) {
        return false;
    }
    for (unsigned i = 1; i < size; i++) {
        pa[i] = i == first ? pa[i] : pa[i - 1] + 1;
    }
    return true;
}

static bool crosses(uint64_t va, unsigned size)
{
    return (va & ~PAGE_MASK) + size > PAGE_SIZE;
}

bool model_ld(Step *st, uint64_t va, unsigned size, uint64_t *v)
{
    uint64_t pa[16];
    if (!model_resolve(st, va, size, MMU_LOAD, pa)) {
        return false;
    }
    watch(st->m, va, size, MMU_LOAD);
    if (!crosses(va, size)) {
        *v = phys_ld(st->m, pa[0], size);
        return true;
    }
    *v = 0;
    for (unsigned i = 0; i < size; i++) {
        *v |= phys_ld(st->m, pa[i], 1) << (8 * i);
    }
    return true;
}

bool model_st(Step *st, uint64_t va, uint64_t v, unsigned size)
{
    uint64_t pa[8];
    if (!model_resolve(st, va, size, MMU_STORE, pa)) {
        return false;
    }
    watch(st->m, va, size, MMU_STORE);
    if (!crosses(va, size)) {
        model_phys_st(st->m, pa[0], v, size);
        return true;
    }
    for (unsigned i = 0; i < size; i++) {
        model_phys_st(st->m, pa[i], v >> (8 * i), 1);
    }
    return true;
}

/* --- vectors ----------------------------------------------------------------------- */

/* A page's part of a vector; a device sees the largest pieces it knows. */
static void vector_part(TinyModel *m, uint64_t pa, uint8_t *bytes, unsigned size,
                        bool write)
{
    for (unsigned at = 0, n; at < size; at += n) {
        unsigned left = size - at;
        n = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
        if (write) {
            model_phys_st(m, pa + at, bytes_ld_le(bytes + at, n), n);
        } else {
            bytes_st_le(bytes + at, n, phys_ld(m, pa + at, n));
        }
    }
}

bool model_access(Step *st, uint64_t va, IrMem mem, uint64_t *v,
                  MmuAccess access)
{
    unsigned size = ir_mem_size(mem), first = PAGE_SIZE - (va & ~PAGE_MASK);
    uint64_t pa[16];
    uint8_t bytes[16] = { 0 };
    bool write = access == MMU_STORE;
    if ((mem & IR_MEM_ALIGN) && va % ir_mem_span(mem)) {
        st->cause = CAUSE_ALIGN | va << 8;
        return false;
    }
    /* Of a first half the page of the other one is looked at first. */
    uint64_t end = (va + ir_mem_span(mem) - 1) & PAGE_MASK;
    if (write && (mem & IR_MEM_PAIR) && end > va &&
        !walk(st, end, access, pa)) {
        return false;
    }
    if (!model_resolve(st, va, size, access, pa)) {
        return false;
    }
    watch(st->m, va, size, access);
    bytes_st_le(bytes, 8, v[0]);
    bytes_st_le(bytes + 8, 8, v[1]);
    vector_part(st->m, pa[0], bytes, MIN(first, size), write);
    if (first < size) {
        vector_part(st->m, pa[first], bytes + first, size - first, write);
    }
    if (!write) {
        v[0] = bytes_ld_le(bytes, 8);
        v[1] = bytes_ld_le(bytes + 8, 8);
    }
    return true;
}

/* A page is walked once an instruction. A fault is noted; the byte is then
 * of no importance. */
uint8_t model_fetch(void *opaque, unsigned offset)
{
    Step *st = opaque;
    uint64_t va = st->m->s.pc + offset;
    if (st->cause) {
        return 0;
    }
    if ((va & PAGE_MASK) != st->code_page) {
        if (!walk(st, va, MMU_FETCH, &st->code_phys)) {
            return 0;
        }
        st->code_page = va & PAGE_MASK;
        st->code_phys &= PAGE_MASK;
    }
    return phys_ld(st->m, st->code_phys | (va & ~PAGE_MASK), 1);
}
