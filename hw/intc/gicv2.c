/*
 * Arm's Generic Interrupt Controller, version 2 (IHI 0048B), without the
 * Security Extensions: which interrupt goes to which vCPU. The registers are
 * in gicv2-dist.c and gicv2-cpu.c.
 */
#include "gicv2.h"

#include "pins/arm.h"
#include "vm/turn.h"

/* GICC_CTLR */
enum { CTLR_GROUP0 = 1, CTLR_GROUP1 = 2, CTLR_FIQ = 8 };

unsigned gicv2_accessor(const Gicv2 *g)
{
    return machine_cpu(g->dev.machine)->index;
}

uint8_t *gicv2_priority(Gicv2 *g, unsigned irq, unsigned cpu)
{
    return irq < GIC_PRIVATE ? &g->s.own_priority[cpu * GIC_PRIVATE + irq]
                             : &g->s.priority[irq];
}

bool gicv2_is_pending(const Gicv2 *g, unsigned irq, unsigned cpu)
{
    uint8_t by_line = g->s.edge[irq] ? 0 : g->s.line[irq];
    return (g->s.latched[irq] | by_line) >> cpu & 1;
}

/* 3.3: whether this interrupt may go to this vCPU now. */
static bool is_candidate(const Gicv2 *g, unsigned irq, unsigned cpu)
{
    const Gicv2State *s = &g->s;
    uint8_t pending = s->latched[irq] | (s->line[irq] & ~s->edge[irq]);
    uint8_t ready = pending & s->enabled[irq] & ~s->active[irq] &
                    s->target[irq];
    bool grouped = s->group[irq] >> cpu & 1;
    uint32_t enable = grouped ? CTLR_GROUP1 : CTLR_GROUP0;
    return (ready >> cpu & 1) && (s->dist_ctlr & enable) &&
           (s->ctlr[cpu] & enable);
}

/* The group priority that is running: the best of those active. */
static unsigned running(const Gicv2 *g, unsigned cpu)
{
    uint32_t apr = g->s.apr[cpu];
    return apr ? (unsigned)__builtin_ctz(apr) << 3 : IDLE_PRIORITY;
}

/* Bits of a priority that decide whether it preempts (table 3-1). */
static unsigned group_part(const Gicv2 *g, unsigned irq, unsigned cpu,
                           unsigned priority)
{
    bool grouped = g->s.group[irq] >> cpu & 1;
    unsigned point = grouped ? g->s.abpr[cpu] - 1 : g->s.bpr[cpu];
    return priority & ~((2u << point) - 1) & 0xff;
}

unsigned gicv2_best(Gicv2 *g, unsigned cpu)
{
    unsigned best = SPURIOUS, lowest = IDLE_PRIORITY;
    for (unsigned irq = 0; irq < GIC_IRQS; irq++) {
        if (is_candidate(g, irq, cpu) &&
            *gicv2_priority(g, irq, cpu) < lowest) {
            best = irq;
            lowest = *gicv2_priority(g, irq, cpu);
        }
    }
    bool signals = best != SPURIOUS && lowest < g->s.pmr[cpu] &&
                   group_part(g, best, cpu, lowest) < running(g, cpu);
    return signals ? best : SPURIOUS;
}

static void update_cpu(Gicv2 *g, unsigned n)
{
    Cpu *cpu = g_ptr_array_index(g->dev.machine->cpus, n);
    const ArmPins *pins = arm_pins(cpu);
    unsigned irq = gicv2_best(g, n);
    bool some = irq != SPURIOUS;
    bool fiq = some && (g->s.ctlr[n] & CTLR_FIQ) &&
               !(g->s.group[irq] >> n & 1);
    pins->set_fiq(cpu, fiq);
    pins->set_irq(cpu, some && !fiq);
}

void gicv2_update(Gicv2 *g)
{
    for (unsigned n = 0; n < g->cpus; n++) {
        update_cpu(g, n);
    }
}

/* --- inputs --------------------------------------------------------------- */

static void set_line(Gicv2 *g, unsigned irq, uint8_t cpus, bool level)
{
    uint8_t before = g->s.line[irq];
    g->s.line[irq] = level ? before | cpus : before & ~cpus;
    if (g->s.edge[irq]) {
        g->s.latched[irq] |= g->s.line[irq] & ~before;
    }
    gicv2_update(g);
}

void gicv2_spi(void *dev, int n, bool level)
{
    set_line(dev, GIC_PRIVATE + n, 0xff, level);
}

void gicv2_ppi(void *dev, int n, bool level)
{
    set_line(dev, n % GIC_PRIVATE, 1u << n / GIC_PRIVATE, level);
}

/* --- the device ----------------------------------------------------------- */

static bool gicv2_realize(Device *dev, Error **errp)
{
    Gicv2 *g = (Gicv2 *)dev;
    mem_init_io(&g->dist, "gic_dist", GICV2_DIST_BYTES, &gicv2_dist_ops, g);
    mem_init_io(&g->cpu, "gic_cpu", GICV2_CPU_BYTES, &gicv2_cpu_ops, g);
    return true;
}

/* SGIs are always enabled and have edges. */
static void gicv2_reset(Device *dev)
{
    Gicv2 *g = (Gicv2 *)dev;
    for (unsigned irq = 0; irq < 16; irq++) {
        g->s.enabled[irq] = g->s.edge[irq] = 0xff;
    }
    for (unsigned irq = 0; irq < GIC_PRIVATE; irq++) {
        g->s.target[irq] = 0xff;
    }
    gicv2_update(g);
}

void gicv2_connect_cpus(Device *dev)
{
    Gicv2 *g = (Gicv2 *)dev;
    g->cpus = g->dev.machine->cpus->len;
}

MemRegion *gicv2_dist_region(Device *dev)
{
    return &((Gicv2 *)dev)->dist;
}

MemRegion *gicv2_cpu_region(Device *dev)
{
    return &((Gicv2 *)dev)->cpu;
}

static STATE_TABLE(gicv2_state, "gicv2", 1, Gicv2State, GICV2_STATE)

const DeviceClass gicv2_class = {
    .name = "arm_gic",
    .desc = "ARM GICv2",
    .size = sizeof(Gicv2),
    .state_offset = offsetof(Gicv2, s),
    .state = gicv2_state,
    .realize = gicv2_realize,
    .reset = gicv2_reset,
};
