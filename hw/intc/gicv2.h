/*
 * The GICv2's state, shared by distributor and CPU interface.
 */
#ifndef HW_INTC_GICV2_H
#define HW_INTC_GICV2_H

#include "hw/gic.h"

#define GIC_IRQS (GIC_PRIVATE + GIC_SPIS)
#define SPURIOUS 1023u
/* Five bits of priority are there, the upper ones. */
#define PRIORITY_MASK 0xf8u
#define IDLE_PRIORITY 0x100u

typedef uint8_t GicMasks[GIC_IRQS];      /* an interrupt: a bit per vCPU */
typedef uint8_t GicPrivate[GICV2_CPUS * GIC_PRIVATE];
typedef uint8_t GicSources[GICV2_CPUS * 16];
typedef uint32_t GicWords[GICV2_CPUS];

/* Of shared interrupts all bits of a mask are alike. */
#define GICV2_STATE(_)                                                       \
    _(uint32_t, STATE_U32, dist_ctlr, 0, 1, "GICD_CTLR")                     \
    _(GicMasks, STATE_U8, enabled, 0, 1, "GICD_ISENABLER")                   \
    _(GicMasks, STATE_U8, latched, 0, 1, "pending by an edge or a write")    \
    _(GicMasks, STATE_U8, line, 0, 1, "levels of the inputs")                \
    _(GicMasks, STATE_U8, active, 0, 1, "GICD_ISACTIVER")                    \
    _(GicMasks, STATE_U8, group, 0, 1, "GICD_IGROUPR")                       \
    _(GicMasks, STATE_U8, edge, 0, 1, "GICD_ICFGR: edge-triggered")          \
    _(GicMasks, STATE_U8, priority, 0, 1, "GICD_IPRIORITYR of SPIs")         \
    _(GicMasks, STATE_U8, target, 0, 1, "GICD_ITARGETSR")                    \
    _(GicPrivate, STATE_U8, own_priority, 0, 1, "the same of private ones")  \
    _(GicSources, STATE_U8, sources, 0, 1, "who sent an SGI: a bit each")    \
    _(GicWords, STATE_U32, ctlr, 0, 1, "GICC_CTLR")                          \
    _(GicWords, STATE_U32, pmr, 0, 1, "GICC_PMR")                            \
    _(GicWords, STATE_U32, bpr, 2, 1, "GICC_BPR")                            \
    _(GicWords, STATE_U32, abpr, 3, 1, "GICC_ABPR")                          \
    _(GicWords, STATE_U32, apr, 0, 1, "GICC_APR0: active priorities")

STATE_STRUCT(Gicv2State, GICV2_STATE);

typedef struct Gicv2 {
    Device dev;
    Gicv2State s;
    unsigned cpus;
    MemRegion dist, cpu;
} Gicv2;

/* The vCPU that makes the present access. */
unsigned gicv2_accessor(const Gicv2 *g);
/* The priority of an interrupt as a vCPU has it. */
uint8_t *gicv2_priority(Gicv2 *g, unsigned irq, unsigned cpu);
/* True if it waits to be taken by this vCPU, enabled or not. */
bool gicv2_is_pending(const Gicv2 *g, unsigned irq, unsigned cpu);
/* The best interrupt that the interface of a vCPU may signal now; SPURIOUS if
 * there is none. */
unsigned gicv2_best(Gicv2 *g, unsigned cpu);
/* Drives the lines to all vCPUs after a change. */
void gicv2_update(Gicv2 *g);

extern const MemOps gicv2_dist_ops, gicv2_cpu_ops;

#endif
