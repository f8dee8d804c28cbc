/*
 * Accesses to an address space by devices, helpers and debuggers: find the
 * range, then RAM or a device's MemOps. See vm/memory.h.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "memory-view.h"
#include "vm/machine.h"
#include "vm/memory-walk.h"
#include "vm/work.h"

const MemRange *address_space_find(AddressSpace *as, PhysAddr addr)
{
    const MemRange *view = (const MemRange *)as->view->data;
    guint lo = 0, hi = as->view->len;
    if (as->last < hi && addr - view[as->last].start <=
                             view[as->last].end - view[as->last].start) {
        return &view[as->last];
    }
    while (lo < hi) {
        guint mid = (lo + hi) / 2;
        if (addr < view[mid].start) {
            hi = mid;
        } else if (addr > view[mid].end) {
            lo = mid + 1;
        } else {
            as->last = mid;
            return &view[mid];
        }
    }
    return NULL;
}

const MemRange *address_space_next(AddressSpace *as, PhysAddr addr)
{
    for (guint i = 0; i < as->view->len; i++) {
        const MemRange *r = &g_array_index(as->view, MemRange, i);
        if (r->end >= addr) {
            return r;
        }
    }
    return NULL;
}

/* --- devices ---------------------------------------------------------------- */

static unsigned ops_max(const MemOps *ops)
{
    return ops->max_size ? ops->max_size : 8;
}

/* One call of the device, widened to its smallest size if need be. */
static uint64_t io_read_once(const MemRegion *r, PhysAddr offset,
                             unsigned size)
{
    unsigned min = MAX(r->ops->min_size, 1);
    if (!r->ops->read) {
        return bits_mask(8 * size);
    }
    if (size >= min) {
        return r->ops->read(r->opaque, offset, size) & bits_mask(8 * size);
    }
    PhysAddr aligned = offset & ~(PhysAddr)(min - 1);
    uint64_t v = r->ops->read(r->opaque, aligned, min);
    return bits_extract(v, 8 * (offset - aligned), 8 * size);
}

static void io_write_once(const MemRegion *r, PhysAddr offset, uint64_t v,
                          unsigned size)
{
    unsigned min = MAX(r->ops->min_size, 1);
    if (!r->ops->write) {
        return;
    }
    if (size < min) {
        PhysAddr aligned = offset & ~(PhysAddr)(min - 1);
        v <<= 8 * (offset - aligned);
        offset = aligned;
        size = min;
    }
    r->ops->write(r->opaque, offset, v & bits_mask(8 * size), size);
}

uint64_t mem_io_read(const MemRange *range, PhysAddr addr, unsigned size)
{
    const MemRegion *r = range->region;
    PhysAddr offset = addr - range->start + range->offset;
    unsigned step = MIN(size, ops_max(r->ops));
    uint64_t v = 0;
    for (unsigned done = 0; done < size; done += step) {
        v |= io_read_once(r, offset + done, step) << (8 * done);
    }
    return v;
}

void mem_io_write(const MemRange *range, PhysAddr addr, uint64_t v,
                  unsigned size)
{
    const MemRegion *r = range->region;
    PhysAddr offset = addr - range->start + range->offset;
    unsigned step = MIN(size, ops_max(r->ops));
    for (unsigned done = 0; done < size; done += step) {
        io_write_once(r, offset + done, v >> (8 * done), step);
    }
}

/* --- bytes -------------------------------------------------------------------- */

static uint8_t *range_host(const MemRange *r, PhysAddr addr)
{
    return r->region->ram->host + r->offset + (addr - r->start);
}

static void range_write_ram(const MemRange *r, PhysAddr addr, const void *buf,
                            uint64_t len)
{
    RamBlock *b = r->region->ram;
    ram_will_write(b->machine, b->base + r->offset + (addr - r->start), len);
    memcpy(range_host(r, addr), buf, len);
}

/* Bytes from addr, which is in no range, to the next range. */
static uint64_t gap(const AddressSpace *as, PhysAddr addr)
{
    const MemRange *view = (const MemRange *)as->view->data;
    guint lo = 0, hi = as->view->len;
    while (lo < hi) {
        guint mid = (lo + hi) / 2;
        if (addr < view[mid].start) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return lo < as->view->len ? view[lo].start - addr : UINT64_MAX - addr;
}

/* How many bytes from addr, at most len, are answered alike; *r may be NULL. */
static uint64_t piece(AddressSpace *as, PhysAddr addr, uint64_t len,
                      const MemRange **r)
{
    *r = address_space_find(as, addr);
    if (!*r) {
        return CLAMP(gap(as, addr), 1, len);
    }
    uint64_t n = MIN(len - 1, (*r)->end - addr) + 1;
    return (*r)->region->kind == MEM_RAM ? n : MIN(n, 1);
}

/* The largest natural access at addr that fits in len bytes of the range. */
static unsigned io_size(const MemRange *r, PhysAddr addr, uint64_t len)
{
    unsigned size = MIN(ops_max(r->region->ops), 8);
    while (size > 1 && (size > len || (addr & (size - 1)) ||
                        r->end - addr < size - 1)) {
        size /= 2;
    }
    return size;
}

void address_space_read(AddressSpace *as, PhysAddr addr, void *buf,
                        uint64_t len)
{
    uint8_t *p = buf;
    while (len) {
        const MemRange *r;
        uint64_t n = piece(as, addr, len, &r);
        machine_work(as->machine, WORK_ACCESS + n / WORK_COPY_BYTES);
        if (!r) {
            memset(p, 0xff, n);
        } else if (r->region->kind == MEM_RAM) {
            memcpy(p, range_host(r, addr), n);
        } else {
            n = io_size(r, addr, len);
            bytes_st_le(p, n, mem_io_read(r, addr, n));
        }
        addr += n;
        p += n;
        len -= n;
    }
}

void address_space_write(AddressSpace *as, PhysAddr addr, const void *buf,
                         uint64_t len)
{
    const uint8_t *p = buf;
    while (len) {
        const MemRange *r;
        uint64_t n = piece(as, addr, len, &r);
        machine_work(as->machine, WORK_ACCESS + n / WORK_COPY_BYTES);
        if (r && !mem_range_takes_stores(r)) {
            if (!r->readonly) {
                range_write_ram(r, addr, p, n);
            }
        } else if (r) {
            n = io_size(r, addr, len);
            mem_io_write(r, addr, bytes_ld_le(p, n), n);
        }
        addr += n;
        p += n;
        len -= n;
    }
}

/* How much of [addr, addr + len) is one piece of RAM; 0: there is none. */
static uint64_t ram_piece(AddressSpace *as, PhysAddr addr, uint64_t len,
                          bool write)
{
    const MemRange *r = address_space_find(as, addr);

    if (!r || r->region->kind != MEM_RAM || (write && r->readonly)) {
        return 0;
    }
    return MIN(len - 1, r->end - addr) + 1;
}

bool address_space_read_ram(AddressSpace *as, PhysAddr addr, void *buf,
                            uint64_t len)
{
    uint8_t *p = buf;
    while (len) {
        uint64_t n = ram_piece(as, addr, len, false);
        if (!n) {
            return false;
        }
        address_space_read(as, addr, p, n);
        addr += n;
        p += n;
        len -= n;
    }
    return true;
}

bool address_space_write_ram(AddressSpace *as, PhysAddr addr, const void *buf,
                             uint64_t len)
{
    const uint8_t *p = buf;
    while (len) {
        uint64_t n = ram_piece(as, addr, len, true);
        if (!n) {
            return false;
        }
        address_space_write(as, addr, p, n);
        addr += n;
        p += n;
        len -= n;
    }
    return true;
}

static bool inside(const MemRange *r, PhysAddr addr, unsigned size)
{
    return r && r->end - addr >= size - 1;
}

uint64_t address_space_ld(AddressSpace *as, PhysAddr addr, unsigned size)
{
    const MemRange *r = address_space_find(as, addr);
    if (inside(r, addr, size)) {
        machine_work(as->machine, WORK_ACCESS);
        return r->region->kind == MEM_RAM
                   ? bytes_ld_le(range_host(r, addr), size)
                   : mem_io_read(r, addr, size);
    }
    uint8_t buf[8];
    address_space_read(as, addr, buf, size);
    return bytes_ld_le(buf, size);
}

void address_space_st(AddressSpace *as, PhysAddr addr, uint64_t v,
                      unsigned size)
{
    const MemRange *r = address_space_find(as, addr);
    if (inside(r, addr, size) && mem_range_takes_stores(r)) {
        machine_work(as->machine, WORK_ACCESS);
        mem_io_write(r, addr, v, size);
        return;
    }
    uint8_t buf[8];
    bytes_st_le(buf, size, v);
    address_space_write(as, addr, buf, size);
}

/* --- debuggers ------------------------------------------------------------------ */

bool address_space_read_debug(AddressSpace *as, PhysAddr addr, void *buf,
                              uint64_t len)
{
    uint8_t *p = buf;
    while (len) {
        const MemRange *r;
        uint64_t n = piece(as, addr, len, &r);
        if (!r || r->region->kind != MEM_RAM) {
            return false;
        }
        memcpy(p, range_host(r, addr), n);
        addr += n;
        p += n;
        len -= n;
    }
    return true;
}

bool address_space_write_debug(AddressSpace *as, PhysAddr addr,
                               const void *buf, uint64_t len)
{
    const uint8_t *p = buf;
    while (len) {
        const MemRange *r;
        uint64_t n = piece(as, addr, len, &r);
        if (!r || r->region->kind != MEM_RAM) {
            return false;
        }
        range_write_ram(r, addr, p, n);
        addr += n;
        p += n;
        len -= n;
    }
    return true;
}
