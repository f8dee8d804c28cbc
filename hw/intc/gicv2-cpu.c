/*
 * The GICv2's CPU interface (IHI 0048B, 4.4): a vCPU takes an interrupt and
 * says when it is done. Each sees its own.
 */
#include "gicv2.h"

#include "base/log.h"

enum {
    C_CTLR = 0x00, C_PMR = 0x04, C_BPR = 0x08, C_IAR = 0x0c, C_EOIR = 0x10,
    C_RPR = 0x14, C_HPPIR = 0x18, C_ABPR = 0x1c, C_AIAR = 0x20, C_AEOIR = 0x24,
    C_AHPPIR = 0x28, C_APR = 0xd0, C_IIDR = 0xfc, C_DIR = 0x1000,
};

#define IIDR 0x0202143bu
#define CTLR_EOI_MODE 0x200u

/* An SGI's sender stands behind its number. */
static uint32_t with_sender(Gicv2 *g, unsigned cpu, unsigned irq)
{
    if (irq >= 16) {
        return irq;
    }
    uint8_t sources = g->s.sources[cpu * 16 + irq];
    return irq | (sources ? (unsigned)__builtin_ctz(sources) << 10 : 0);
}

/* An SGI goes on pending for its other senders. */
static void take_pending(Gicv2 *g, unsigned cpu, unsigned irq)
{
    uint8_t cpus = irq < GIC_PRIVATE ? 1u << cpu : 0xff;
    if (irq < 16) {
        uint8_t *sources = &g->s.sources[cpu * 16 + irq];
        *sources &= *sources - 1;
        if (*sources) {
            return;
        }
    }
    g->s.latched[irq] &= ~cpus;
}

static uint32_t acknowledge(Gicv2 *g, unsigned cpu)
{
    unsigned irq = gicv2_best(g, cpu);
    if (irq == SPURIOUS) {
        return SPURIOUS;
    }
    uint32_t answer = with_sender(g, cpu, irq);
    take_pending(g, cpu, irq);
    g->s.active[irq] |= irq < GIC_PRIVATE ? 1u << cpu : 0xff;
    g->s.apr[cpu] |= 1u << (*gicv2_priority(g, irq, cpu) >> 3);
    return answer;
}

static void deactivate(Gicv2 *g, unsigned cpu, unsigned irq)
{
    if (irq < GIC_IRQS) {
        g->s.active[irq] &= irq < GIC_PRIVATE ? ~(1u << cpu) : 0;
    }
}

static void end_of_interrupt(Gicv2 *g, unsigned cpu, uint32_t v)
{
    unsigned irq = v & 0x3ff;
    if (irq >= GIC_IRQS) {
        return;
    }
    g->s.apr[cpu] &= g->s.apr[cpu] - 1;
    if (!(g->s.ctlr[cpu] & CTLR_EOI_MODE)) {
        deactivate(g, cpu, irq);
    }
}

static uint32_t running_priority(const Gicv2 *g, unsigned cpu)
{
    uint32_t apr = g->s.apr[cpu];
    return apr ? (uint32_t)__builtin_ctz(apr) << 3 : 0xff;
}

static uint64_t cpu_read(void *opaque, PhysAddr offset, unsigned size)
{
    Gicv2 *g = opaque;
    unsigned cpu = gicv2_accessor(g);
    uint32_t v;
    switch (offset) {
    case C_CTLR:
        return g->s.ctlr[cpu];
    case C_PMR:
        return g->s.pmr[cpu];
    case C_BPR:
        return g->s.bpr[cpu];
    case C_ABPR:
        return g->s.abpr[cpu];
    case C_IAR:
    case C_AIAR:
        v = acknowledge(g, cpu);
        gicv2_update(g);
        return v;
    case C_RPR:
        return running_priority(g, cpu);
    case C_HPPIR:
    case C_AHPPIR:
        return with_sender(g, cpu, gicv2_best(g, cpu));
    case C_APR:
        return g->s.apr[cpu];
    case C_IIDR:
        return IIDR;
    default:
        return 0;
    }
}

static void cpu_write(void *opaque, PhysAddr offset, uint64_t v, unsigned size)
{
    Gicv2 *g = opaque;
    unsigned cpu = gicv2_accessor(g);
    switch (offset) {
    case C_CTLR:
        g->s.ctlr[cpu] = v & 0x27f;
        break;
    case C_PMR:
        g->s.pmr[cpu] = v & PRIORITY_MASK;
        break;
    case C_BPR:
        g->s.bpr[cpu] = MAX(v & 7, 2);
        break;
    case C_ABPR:
        g->s.abpr[cpu] = MAX(v & 7, 3);
        break;
    case C_EOIR:
    case C_AEOIR:
        end_of_interrupt(g, cpu, v);
        break;
    case C_APR:
        g->s.apr[cpu] = v;
        break;
    case C_DIR:
        deactivate(g, cpu, v & 0x3ff);
        break;
    default:
        guest_error("GICv2: a write to CPU interface register %#x\n",
                    (unsigned)offset);
    }
    gicv2_update(g);
}

const MemOps gicv2_cpu_ops = { cpu_read, cpu_write, 4, 4 };
