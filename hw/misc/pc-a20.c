/*
 * The A20 gate of a PC: one flip-flop that the keyboard controller and port
 * 0x92 both set, wired to the CPU's A20M#.
 *
 * Chip sets differ in how they combine the two. Here the last write wins and
 * both ports read the gate itself, so that software which closes A20 by one
 * way and opens it by the other finds what it expects.
 */
#include "hw/pc-chips.h"
#include "vm/machine.h"

#define A20_STATE(_) \
    _(bool, STATE_BOOL, open, true, 1, "address line 20 works")

STATE_STRUCT(A20State, A20_STATE);
static STATE_TABLE(a20_state, "pc-a20", 1, A20State, A20_STATE)

typedef struct A20Gate {
    Device dev;
    A20State s;
    IrqLine line;
} A20Gate;

IrqLine *pc_a20_line(Device *gate)
{
    return &((A20Gate *)gate)->line;
}

void pc_a20_set(Device *gate, bool open)
{
    A20Gate *g = (A20Gate *)gate;
    if (g->s.open != open) {
        g->s.open = open;
        irq_set(&g->line, open);
    }
}

bool pc_a20_is_open(Device *gate)
{
    return ((A20Gate *)gate)->s.open;
}

static void a20_reset(Device *dev)
{
    A20Gate *g = (A20Gate *)dev;
    irq_set(&g->line, g->s.open);
}

const DeviceClass pc_a20_class = {
    .name = "pc-a20",
    .desc = "A20 gate",
    .category = "Misc",
    .size = sizeof(A20Gate),
    .state_offset = offsetof(A20Gate, s),
    .state = a20_state,
    .reset = a20_reset,
};
