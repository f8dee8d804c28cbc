/*
 * The GICv2's distributor registers (IHI 0048B, 4.3). Those with a bit per
 * interrupt are rows of a table; private interrupts are banked by vCPU.
 */
#include "gicv2.h"

#include "base/log.h"

enum {
    D_CTLR = 0x000, D_TYPER = 0x004, D_IIDR = 0x008, D_BITS = 0x080,
    D_BITS_END = 0x400, D_PRIORITY = 0x400, D_TARGET = 0x800, D_CONFIG = 0xc00,
    D_SGIR = 0xf00, D_CLEAR_SGI = 0xf10, D_SET_SGI = 0xf20, D_ID = 0xfd0,
};

#define IIDR 0x0200143bu       /* Arm, a GIC-400 */
/* ICPIDR2: architecture version 2. */
static const uint8_t ids[] = { 4, 0, 0, 0, 0, 0, 0, 0, 0x90, 0xb4, 0x2b, 0,
                               0x0d, 0xf0, 0x05, 0xb1 };

/* --- a bit per interrupt -------------------------------------------------- */

typedef enum BitKind { B_GROUP, B_SET_ENABLE, B_CLEAR_ENABLE, B_SET_PENDING,
                       B_CLEAR_PENDING, B_SET_ACTIVE, B_CLEAR_ACTIVE } BitKind;

static uint8_t *mask_of(Gicv2 *g, BitKind kind, unsigned irq)
{
    switch (kind) {
    case B_GROUP:
        return &g->s.group[irq];
    case B_SET_ENABLE:
    case B_CLEAR_ENABLE:
        return &g->s.enabled[irq];
    case B_SET_PENDING:
    case B_CLEAR_PENDING:
        return &g->s.latched[irq];
    default:
        return &g->s.active[irq];
    }
}

static bool bit_read(Gicv2 *g, BitKind kind, unsigned irq, unsigned cpu)
{
    if (kind == B_SET_PENDING || kind == B_CLEAR_PENDING) {
        return gicv2_is_pending(g, irq, cpu);
    }
    return *mask_of(g, kind, irq) >> cpu & 1;
}

static void bit_write(Gicv2 *g, BitKind kind, unsigned irq, unsigned cpu,
                      bool bit)
{
    uint8_t cpus = irq < GIC_PRIVATE ? 1u << cpu : 0xff;
    uint8_t *mask = mask_of(g, kind, irq);
    bool sets = kind == B_SET_ENABLE || kind == B_SET_PENDING ||
                kind == B_SET_ACTIVE;
    bool pending = kind == B_SET_PENDING || kind == B_CLEAR_PENDING;
    if (irq < 16 && (pending || kind == B_CLEAR_ENABLE)) {
        return;
    }
    if (kind == B_GROUP) {
        *mask = bit ? *mask | cpus : *mask & ~cpus;
    } else if (bit) {
        *mask = sets ? *mask | cpus : *mask & ~cpus;
    }
}

/* Register of 32 interrupts at offset; its kind and first interrupt. */
static unsigned bits_at(PhysAddr offset, BitKind *kind)
{
    *kind = (offset - D_BITS) / 0x80;
    return (offset & 0x7f) * 8;
}

static uint32_t bits_read(Gicv2 *g, PhysAddr offset, unsigned cpu)
{
    BitKind kind;
    unsigned first = bits_at(offset, &kind);
    uint32_t v = 0;
    for (unsigned i = 0; i < 32 && first + i < GIC_IRQS; i++) {
        v |= (uint32_t)bit_read(g, kind, first + i, cpu) << i;
    }
    return v;
}

static void bits_write(Gicv2 *g, PhysAddr offset, unsigned cpu, uint32_t v)
{
    BitKind kind;
    unsigned first = bits_at(offset, &kind);
    for (unsigned i = 0; i < 32 && first + i < GIC_IRQS; i++) {
        bit_write(g, kind, first + i, cpu, v >> i & 1);
    }
}

/* --- bytes: priorities, targets, senders ---------------------------------- */

static uint8_t byte_read(Gicv2 *g, PhysAddr offset, unsigned cpu)
{
    unsigned irq = offset & 0x3ff;
    if (offset >= D_CLEAR_SGI && offset < D_SET_SGI + 16) {
        return g->s.sources[cpu * 16 + (offset & 15)];
    }
    if (irq >= GIC_IRQS) {
        return 0;
    }
    if (offset < D_TARGET) {
        return *gicv2_priority(g, irq, cpu);
    }
    return irq < GIC_PRIVATE ? 1u << cpu : g->s.target[irq];
}

static void sgi_sources_write(Gicv2 *g, PhysAddr offset, unsigned cpu,
                              uint8_t v)
{
    unsigned irq = offset & 15;
    uint8_t *sources = &g->s.sources[cpu * 16 + irq];
    *sources = offset < D_SET_SGI ? *sources & ~v : *sources | v;
    g->s.latched[irq] = *sources ? g->s.latched[irq] | 1u << cpu
                                 : g->s.latched[irq] & ~(1u << cpu);
}

static void byte_write(Gicv2 *g, PhysAddr offset, unsigned cpu, uint8_t v)
{
    unsigned irq = offset & 0x3ff;
    if (offset >= D_CLEAR_SGI && offset < D_SET_SGI + 16) {
        sgi_sources_write(g, offset, cpu, v);
    } else if (irq < GIC_IRQS && offset < D_TARGET) {
        *gicv2_priority(g, irq, cpu) = v & PRIORITY_MASK;
    } else if (irq < GIC_IRQS && irq >= GIC_PRIVATE) {
        g->s.target[irq] = v & ((1u << g->cpus) - 1);
    }
}

/* --- words ---------------------------------------------------------------- */

/* GICD_ICFGR: two bits each, the upper one says edge. */
static uint32_t config_read(const Gicv2 *g, PhysAddr offset)
{
    unsigned first = (offset - D_CONFIG) * 4;
    uint32_t v = 0;
    for (unsigned i = 0; i < 16 && first + i < GIC_IRQS; i++) {
        v |= g->s.edge[first + i] ? 2u << 2 * i : 0;
    }
    return v;
}

static void config_write(Gicv2 *g, PhysAddr offset, uint32_t v)
{
    unsigned first = (offset - D_CONFIG) * 4;
    for (unsigned i = 0; i < 16 && first + i < GIC_IRQS; i++) {
        if (first + i >= 16) {
            g->s.edge[first + i] = v >> (2 * i + 1) & 1 ? 0xff : 0;
        }
    }
}

/* GICD_SGIR (4.3.15): to a list, to all others, or to oneself. */
static void send_sgi(Gicv2 *g, unsigned cpu, uint32_t v)
{
    unsigned irq = v & 15, how = v >> 24 & 3;
    uint8_t all = (1u << g->cpus) - 1;
    uint8_t to = how == 0 ? v >> 16 : how == 1 ? ~(1u << cpu) : 1u << cpu;
    for (unsigned n = 0; n < g->cpus; n++) {
        if (to & all & 1u << n) {
            g->s.sources[n * 16 + irq] |= 1u << cpu;
            g->s.latched[irq] |= 1u << n;
        }
    }
}

static uint32_t word_read(Gicv2 *g, PhysAddr offset, unsigned cpu)
{
    switch (offset) {
    case D_CTLR:
        return g->s.dist_ctlr;
    case D_TYPER:
        return (GIC_IRQS / 32 - 1) | (g->cpus - 1) << 5;
    case D_IIDR:
        return IIDR;
    }
    if (offset >= D_ID) {
        return ids[(offset - D_ID) / 4 % sizeof ids];
    }
    if (offset >= D_CONFIG && offset < D_SGIR) {
        return config_read(g, offset);
    }
    return offset >= D_BITS && offset < D_BITS_END
               ? bits_read(g, offset, cpu) : 0;
}

static void word_write(Gicv2 *g, PhysAddr offset, unsigned cpu, uint32_t v)
{
    if (offset == D_CTLR) {
        g->s.dist_ctlr = v & 3;
    } else if (offset == D_SGIR) {
        send_sgi(g, cpu, v);
    } else if (offset >= D_CONFIG && offset < D_SGIR) {
        config_write(g, offset, v);
    } else if (offset >= D_BITS && offset < D_BITS_END) {
        bits_write(g, offset, cpu, v);
    } else {
        guest_error("GICv2: a write to distributor register %#x\n",
                    (unsigned)offset);
    }
}

/* --- accesses ------------------------------------------------------------- */

static bool has_bytes(PhysAddr offset)
{
    return (offset >= D_PRIORITY && offset < D_CONFIG) ||
           (offset >= D_CLEAR_SGI && offset < D_SET_SGI + 16);
}

static uint64_t dist_read(void *opaque, PhysAddr offset, unsigned size)
{
    Gicv2 *g = opaque;
    unsigned cpu = gicv2_accessor(g);
    uint64_t v = 0;
    if (!has_bytes(offset)) {
        v = word_read(g, offset & ~3u, cpu) >> 8 * (offset & 3);
        return size == 4 ? v : v & ((1u << 8 * size) - 1);
    }
    for (unsigned i = 0; i < size; i++) {
        v |= (uint64_t)byte_read(g, offset + i, cpu) << 8 * i;
    }
    return v;
}

static void dist_write(void *opaque, PhysAddr offset, uint64_t v,
                       unsigned size)
{
    Gicv2 *g = opaque;
    unsigned cpu = gicv2_accessor(g);
    if (has_bytes(offset)) {
        for (unsigned i = 0; i < size; i++) {
            byte_write(g, offset + i, cpu, v >> 8 * i);
        }
    } else if (size == 4) {
        word_write(g, offset, cpu, v);
    }
    gicv2_update(g);
}

const MemOps gicv2_dist_ops = { dist_read, dist_write, 1, 4 };
