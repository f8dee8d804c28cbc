/*
 * Register allocation: frame states. At a place that may fault, where each value
 * is that a guest register is to become.
 */
#include "x64-alloc.h"

/* Where a value is once the slow path or the call has put everything there. */
static void find_place(Gen *g, IrVal v, X64Row *row)
{
    v = x64_root(g, v);
    const Value *x = value(g, v);
    row->kind = x64_const(g, v, &row->where) ? ROW_CONST : ROW_PLACE;
    if (row->kind == ROW_CONST) {
        return;
    }
    if (x->vreg >= 0 && x->slot < 0 && x->reg < 0) {
        row->where = offsetof(Cpu, frame) + 8 * FRAME_VEC_SAVE +
                     32 * x->vreg + (x->upper ? 16 : 0);
        g->site_vec = true;
    } else if (x->slot >= 0) {
        row->where = offsetof(Cpu, frame) + 8 * (FRAME_SLOTS + x->slot);
    } else if (x->pins) {
        unsigned pin = __builtin_ctz(x->pins);
        row->where = guest_reg(g, g->x->pin_reg[pin])->offset;
    } else if (x->reg >= 0) {
        row->where = guest_reg(g, x->reg)->offset;
    } else {
        g_assert(x->temp != HOST_NONE);
        row->where = offsetof(Cpu, frame) + 8 * (FRAME_SAVE + x->temp);
    }
}

static unsigned bytes_of(IrType type)
{
    return type == IR_V128 ? 16 : type == IR_I64 ? 8 : 4;
}

static void add_leaf(Gen *g, IrVal v, void *opaque)
{
    X64Row row = { .site = g->sites, .v = v, .leaf = true,
                   .bytes = bytes_of(g->inst[v].type) };
    find_place(g, v, &row);
    g_array_append_val(g->rows, row);
}

static void add_row(Gen *g, const IrFrame *f)
{
    const IrReg *r = guest_reg(g, f->reg);
    X64Row row = { .site = g->sites, .v = f->value, .kind = ROW_LAZY,
                   .bytes = bytes_of(r->type), .reg = r->offset };
    if (g->inst[f->value].lazy) {
        x64_leaves(g, f->value, add_leaf, NULL);
    } else {
        find_place(g, f->value, &row);
    }
    g_array_append_val(g->rows, row);
}

unsigned x64_site(Gen *g)
{
    g->sites++;
    g->site_vec = false;
    g->stamp++;
    for (guint k = g->frame; k < g->frame_end; k++) {
        add_row(g, &g_array_index(g->ir->frames, IrFrame, k));
    }
    return g->sites;
}

static void save_leaf(Gen *g, IrVal v, void *opaque)
{
    v = x64_root(g, v);
    if (x64_elsewhere(g, v)) {
        return;
    }
    if (g->inst[v].type == IR_V128) {
        x64_vec_spill(g, v);
    } else if (value(g, v)->temp != HOST_NONE) {
        x64_spill(g, v, value(g, v)->temp);
    }
}

void x64_save_frame(Gen *g)
{
    g->stamp++;
    for (guint k = g->frame; k < g->frame_end; k++) {
        x64_leaves(g, g_array_index(g->ir->frames, IrFrame, k).value,
                   save_leaf, NULL);
    }
}
