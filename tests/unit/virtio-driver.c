/*
 * A driver for virtio-pci devices of a made-up PC. See virtio-driver.h.
 */
#include "virtio-driver.h"

uint64_t ram_ld(Machine *m, PhysAddr a, unsigned size)
{
    return address_space_ld(m->memory, a, size);
}

void ram_st(Machine *m, PhysAddr a, uint64_t v, unsigned size)
{
    address_space_st(m->memory, a, v, size);
}

void vd_attach(Vd *d, Machine *m, unsigned devfn, bool legacy)
{
    *d = (Vd){ .m = m, .devfn = devfn, .legacy = legacy };
    pci_cfg_write(m, devfn, 0x10, VD_LEGACY, 4);
    pci_cfg_write(m, devfn, 0x14, VD_MSIX, 4);
    pci_cfg_write(m, devfn, 0x20, VD_MODERN, 4);
    pci_cfg_write(m, devfn, 0x24, 0, 4);
    pci_cfg_write(m, devfn, 4, 7, 2);
}

uint64_t vd_common(Vd *d, unsigned at, unsigned size)
{
    return ram_ld(d->m, VD_MODERN + at, size);
}

void vd_set_common(Vd *d, unsigned at, uint64_t v, unsigned size)
{
    ram_st(d->m, VD_MODERN + at, v, size);
}

uint64_t vd_config(Vd *d, unsigned at, unsigned size)
{
    return d->legacy ? in_port(d->m, VD_LEGACY + 20 + at, size)
                     : ram_ld(d->m, VD_MODERN + VD_CONFIG + at, size);
}

uint8_t vd_status(Vd *d)
{
    return d->legacy ? in_port(d->m, VD_LEGACY + 18, 1)
                     : vd_common(d, 0x14, 1);
}

void vd_set_status(Vd *d, uint8_t status)
{
    if (d->legacy) {
        out_port(d->m, VD_LEGACY + 18, status, 1);
    } else {
        vd_set_common(d, 0x14, status, 1);
    }
}

uint64_t vd_offered(Vd *d)
{
    if (d->legacy) {
        return in_port(d->m, VD_LEGACY, 4);
    }
    vd_set_common(d, 0, 0, 4);
    uint64_t f = vd_common(d, 4, 4);
    vd_set_common(d, 0, 1, 4);
    return f | vd_common(d, 4, 4) << 32;
}

void vd_start(Vd *d, uint64_t features)
{
    vd_set_status(d, 0);
    g_assert_cmphex(vd_status(d), ==, 0);
    vd_set_status(d, 3);
    d->features = features & vd_offered(d);
    if (d->legacy) {
        out_port(d->m, VD_LEGACY + 4, d->features, 4);
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        vd_set_common(d, 8, i, 4);
        vd_set_common(d, 12, d->features >> (32 * i), 4);
    }
    vd_set_status(d, 11);
    g_assert_cmphex(vd_status(d), ==, 11);
}

void vd_queue(Vd *d, VdQueue *q, unsigned n)
{
    uint64_t base = VD_RINGS + n * 0x10000;

    *q = (VdQueue){ .n = n, .desc = base, .table = base + 0x8000,
                    .wrap = true, .used_wrap = true };
    for (unsigned i = 0; i < 0x10000; i += 8) {
        ram_st(d->m, base + i, 0, 8);
    }
    if (d->legacy) {
        out_port(d->m, VD_LEGACY + 14, n, 2);
        q->size = in_port(d->m, VD_LEGACY + 12, 2);
        q->driver = base + 16 * q->size;
        q->device = (q->driver + 6 + 2 * q->size + 4095) & ~4095ull;
        out_port(d->m, VD_LEGACY + 8, base >> 12, 4);
        return;
    }
    q->driver = base + 0x4000;
    q->device = base + 0x6000;
    vd_set_common(d, 0x16, n, 2);
    q->size = vd_common(d, 0x18, 2);
    vd_set_common(d, 0x20, q->desc, 8);
    vd_set_common(d, 0x28, q->driver, 8);
    vd_set_common(d, 0x30, q->device, 8);
    vd_set_common(d, 0x1c, 1, 2);
}

void vd_go(Vd *d)
{
    vd_set_status(d, vd_status(d) | 4);
}

static void put_desc(Vd *d, uint64_t at, const VdSeg *s, uint16_t w12,
                     uint16_t w14)
{
    ram_st(d->m, at, s->addr, 8);
    ram_st(d->m, at + 8, s->len, 4);
    ram_st(d->m, at + 12, w12, 2);
    ram_st(d->m, at + 14, w14, 2);
}

/* Where the id-th indirect table is: of at most 16 entries. */
static VdSeg put_table(Vd *d, VdQueue *q, uint16_t id, const VdSeg *seg,
                       unsigned count)
{
    uint64_t at = q->table + id % 64 * 256;
    bool packed = d->features & VD_PACKED;

    for (unsigned i = 0; i < count; i++) {
        uint16_t flags = seg[i].write ? 2 : 0;
        if (!packed && i + 1 < count) {
            flags |= 1;
        }
        put_desc(d, at + 16 * i, &seg[i], packed ? 0 : flags,
                 packed ? flags : i + 1);
    }
    return (VdSeg){ at, 16 * count, false };
}

static void add_packed(Vd *d, VdQueue *q, uint16_t id, const VdSeg *seg,
                       unsigned count, unsigned extra)
{
    unsigned first = q->next;
    uint16_t first_flags = 0;

    for (unsigned i = 0; i < count; i++) {
        uint16_t flags = extra | (seg[i].write ? 2 : 0) |
                         (i + 1 < count ? 1 : 0) |
                         (q->wrap ? 0x80 : 0x8000);
        if (i == 0) {
            first_flags = flags;
        }
        put_desc(d, q->desc + 16 * q->next, &seg[i], id,
                 i == 0 ? flags ^ 0x8080 : flags);
        if (++q->next == q->size) {
            q->next = 0;
            q->wrap = !q->wrap;
        }
    }
    ram_st(d->m, q->desc + 16 * first + 14, first_flags, 2);
}

static void add_split(Vd *d, VdQueue *q, uint16_t id, const VdSeg *seg,
                      unsigned count, unsigned extra)
{
    /* The number of a chain is that of its head. */
    unsigned at = id;
    for (unsigned i = 0; i < count; i++) {
        unsigned next = i ? at + 1 : q->size / 2 + id * 4 % (q->size / 2);
        uint16_t flags = extra | (seg[i].write ? 2 : 0) |
                         (i + 1 < count ? 1 : 0);
        put_desc(d, q->desc + 16 * at, &seg[i], flags, next);
        at = next;
    }
    ram_st(d->m, q->driver + 4 + 2 * (q->next % q->size), id, 2);
    ram_st(d->m, q->driver + 2, ++q->next, 2);
}

void vd_add(Vd *d, VdQueue *q, uint16_t id, const VdSeg *seg, unsigned count)
{
    unsigned extra = 0;
    VdSeg table;

    if (d->features & VD_INDIRECT) {
        table = put_table(d, q, id, seg, count);
        seg = &table;
        count = 1;
        extra = 4;
    }
    if (d->features & VD_PACKED) {
        add_packed(d, q, id, seg, count, extra);
    } else {
        add_split(d, q, id, seg, count, extra);
    }
}

void vd_kick(Vd *d, const VdQueue *q)
{
    if (d->legacy) {
        out_port(d->m, VD_LEGACY + 16, q->n, 2);
    } else {
        ram_st(d->m, VD_MODERN + VD_NOTIFY + 4 * q->n, q->n, 2);
    }
}

static int take_packed(Vd *d, VdQueue *q, uint32_t *len)
{
    uint64_t at = q->desc + 16 * q->used;
    uint16_t flags = ram_ld(d->m, at + 14, 2);

    if (!!(flags & 0x80) != q->used_wrap ||
        !!(flags & 0x8000) != q->used_wrap) {
        return -1;
    }
    *len = ram_ld(d->m, at + 8, 4);
    return ram_ld(d->m, at + 12, 2);
}

int vd_take(Vd *d, VdQueue *q, uint32_t *len)
{
    if (d->features & VD_PACKED) {
        return take_packed(d, q, len);
    }
    if ((uint16_t)ram_ld(d->m, q->device + 2, 2) == q->used) {
        return -1;
    }
    uint64_t at = q->device + 4 + 8 * (q->used % q->size);
    *len = ram_ld(d->m, at + 4, 4);
    q->used++;
    return ram_ld(d->m, at, 4);
}
