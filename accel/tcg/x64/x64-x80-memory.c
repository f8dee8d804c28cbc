/*
 * Numbers of 80 bits: loads and stores, which convert. See x64-x80.c.
 */
#include "x64-x80-stack.h"

void x64_x80_before_load(Gen *g)
{
    x64_x80_ensure(g);
    if (g->x80.depth == X80_DEPTH) {
        x64_x80_tell_c1(g);
        x64_x80_make_room(g, IR_NO_VAL, IR_NO_VAL);
    }
}

void x64_x80_before_store(Gen *g, IrVal v)
{
    x64_x80_ensure(g);
    unsigned i = x64_x80_place(g, v);
    /* One more for forms that only pop. */
    if (i != 0 || g->x80.depth == X80_DEPTH) {
        x64_x80_tell_c1(g);
        x64_x80_exchange(g, x64_x80_use(g, v, IR_NO_VAL));
        x64_x80_make_room(g, v, IR_NO_VAL);
        x64_x80_exchange(g, x64_x80_place(g, v));
    }
}

/* Opcode and digit of the load, of the store and of the store that pops (0: there
 * is none). ORDER x80-kind */
static const uint8_t forms[][6] = {
    [X80_F32] = { 0xd9, 0, 0xd9, 2, 0xd9, 3 },
    [X80_F64] = { 0xdd, 0, 0xdd, 2, 0xdd, 3 },
    [X80_F80] = { 0xdb, 5, 0, 0, 0xdb, 7 },
    [X80_I16] = { 0xdf, 0, 0xdf, 2, 0xdf, 3 },
    [X80_I32] = { 0xdb, 0, 0xdb, 2, 0xdb, 3 },
    [X80_I64] = { 0xdf, 5, 0, 0, 0xdf, 7 },
    [X80_T16] = { 0, 0, 0xdf, 2, 0xdf, 3 },
    [X80_T32] = { 0, 0, 0xdb, 2, 0xdb, 3 },
    [X80_T64] = { 0, 0, 0, 0, 0xdf, 7 },
};

void x64_x80_emit_load(Gen *g, const IrInst *i, HostMem m)
{
    const uint8_t *f = forms[ir_mem_x80(i->mem)];
    x80_rm(g, f[0], f[1], m);
}

static void load_control(Gen *g, unsigned bits)
{
    HostMem cw = x64_frame(g, FRAME_X80_CW);
    asm_store_imm(&g->a, 1, cw, 0x7f | bits << 8);
    x80_rm(g, 0xd9, 5, cw);                /* fldcw */
}

/* FISTTP is not on every host: FIST that truncates. */
void x64_x80_emit_store(Gen *g, const IrInst *i, HostMem m, bool pops)
{
    const uint8_t *f = forms[ir_mem_x80(i->mem)];
    bool truncates = i->mem & IR_MEM_TRUNC;
    if (truncates) {
        load_control(g, (g->x80.mode & 0xf) | SF_ZERO << 2);
    }
    if (!pops && f[2]) {
        x80_rm(g, f[2], f[3], m);
    } else {
        if (!pops) {
            x80_rr(g, 0xd9, 0xc0);         /* fld st(0) */
        }
        x80_rm(g, f[4], f[5], m);
    }
    if (truncates) {
        load_control(g, g->x80.mode & 0xf);
    }
}

void x64_x80_load_from(Gen *g, const IrInst *i, HostMem m)
{
    x64_x80_emit_load(g, i, m);
    x64_x80_pushed(g, g->n);
    x64_x80_done(g, X80_C1_CLEAR);
}

void x64_x80_store_to(Gen *g, const IrInst *i, HostMem m)
{
    bool pops = x64_x80_dies(g, i->arg[1]);
    x64_x80_emit_store(g, i, m, pops);
    g->x80.depth -= pops;
    x64_x80_done(g, X80_C1_ROUND);
}
