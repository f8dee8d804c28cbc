/*
 * Guest memory.
 *
 * An access probes the TLB inline (x64-probe.c): index, tag, host address. What
 * does not hit goes to the TB's cold part (x64-slow.c).
 */
#include "x64-access.h"

/* --- values at the host's address --------------------------------------------------- */

const uint32_t x64_load_ops[2][4] = {
    { OP_MOVZX8, OP_MOVZX16, OP_MOV_LD, OP_MOV_LD },
    { OP_MOVSX8, OP_MOVSX16, OP_MOVSXD, OP_MOV_LD },
};

/* dst = what is at m, extended as the load asks for. */
void x64_load_value(Gen *g, const IrInst *i, unsigned dst, HostMem m)
{
    unsigned size = ir_mem_log2(i->mem);
    bool sign = i->mem & IR_MEM_SIGN;
    bool wide = i->type == IR_I64 && (sign || size == 3);
    if (sign && size == 2 && !wide) {
        sign = false;
    }
    asm_rm(&g->a, x64_load_ops[sign][size], wide, dst, m);
}

static uint32_t wide_move(const Gen *g, const IrInst *i)
{
    return is_pair(g, i) ? VEX_256 : 0;
}

void x64_load_vector(Gen *g, const IrInst *i, unsigned dst, HostMem m)
{
    static const uint32_t ops[] = { VOP_MOVSS_LD, VOP_MOVQ_LD, VOP_MOVUPS_LD };
    uint32_t op = ops[ir_mem_log2(i->mem) - 2];
    asm_vec_move(&g->a, op | wide_move(g, i), dst, m);
}

void x64_store_vector(Gen *g, const IrInst *i, HostMem m, unsigned src)
{
    static const uint32_t ops[] = { VOP_MOVSS_ST, VOP_MOVQ_ST, VOP_MOVUPS_ST };
    uint32_t op = ops[ir_mem_log2(i->mem) - 2];
    asm_vec_move(&g->a, op | wide_move(g, i), src, m);
}

/* --- loads and stores ------------------------------------------------------------------- */

static void load_vec(Gen *g, const IrInst *i)
{
    Access a;
    uint8_t *miss;
    unsigned dst = x64_vec_def(g, HOST_NONE);
    g->uppers_dirty |= is_pair(g, i);
    x64_access_begin(g, i, MMU_LOAD, &a);
    HostMem m = x64_access_host(g, &a, &miss);
    Cold *c = x64_access_cold(g, &a, miss, x64_site(g));
    x64_load_vector(g, i, dst, m);
    c->vec = dst;
    x64_access_end(g, &a, c);
    x64_release_args(g);
}

static void store_vec(Gen *g, const IrInst *i)
{
    Access a;
    uint8_t *miss;
    unsigned src = is_pair(g, i)
        ? x64_vec_both(g, i->arg[1], x64_operand(g, g->n, i->nargs))
        : x64_vec_use(g, i->arg[1]);
    x64_access_begin(g, i, MMU_STORE, &a);
    HostMem m = x64_access_host(g, &a, &miss);
    x64_store_vector(g, i, m, src);
    Cold *c = x64_access_cold(g, &a, miss, x64_site(g));
    c->vec = src;
    x64_access_end(g, &a, c);
    x64_vec_release_args(g);
}

static void load_number(Gen *g, const IrInst *i)
{
    Access a;
    uint8_t *miss;
    x64_x80_before_load(g);
    x64_access_begin(g, i, MMU_LOAD, &a);
    HostMem m = x64_access_host(g, &a, &miss);
    Cold *c = x64_access_cold(g, &a, miss, x64_site(g));
    x64_x80_load_from(g, i, m);
    x64_access_end(g, &a, c);
    x64_release_args(g);
}

static void store_number(Gen *g, const IrInst *i)
{
    Access a;
    uint8_t *miss;
    x64_x80_before_store(g, i->arg[1]);
    x64_access_begin(g, i, MMU_STORE, &a);
    HostMem m = x64_access_host(g, &a, &miss);
    Cold *c = x64_access_cold(g, &a, miss, x64_site(g));
    c->pops = x64_x80_dies(g, i->arg[1]);
    x64_x80_store_to(g, i, m);
    x64_access_end(g, &a, c);
    x64_release_args(g);
}

void x64_load(Gen *g, const IrInst *i)
{
    Access a;
    uint8_t *miss;
    if (i->type == IR_F80) {
        load_number(g, i);
        return;
    }
    if (is_vector(i)) {
        load_vec(g, i);
        return;
    }
    x64_access_begin(g, i, MMU_LOAD, &a);
    HostMem m = x64_access_host(g, &a, &miss);
    Cold *c = x64_access_cold(g, &a, miss, x64_site(g));
    x64_release_args(g);
    unsigned dst = x64_def(g, a.constant ? a.s1 : a.s2);
    x64_load_value(g, i, dst, m);
    c->result = dst;
    x64_access_end(g, &a, c);
}

/* Only what fits an immediate of the store's size is stored as one. */
static bool store_imm(const Gen *g, const IrInst *i, uint64_t *imm)
{
    return x64_const(g, i->arg[1], imm) && fits32(*imm);
}

void x64_store(Gen *g, const IrInst *i)
{
    Access a;
    uint8_t *miss;
    uint64_t imm = 0;
    if (i->type == IR_F80) {
        store_number(g, i);
        return;
    }
    if (is_vector(i)) {
        store_vec(g, i);
        return;
    }
    x64_access_begin(g, i, MMU_STORE, &a);
    bool constant = store_imm(g, i, &imm);
    unsigned value = constant ? HOST_NONE : x64_use(g, i->arg[1]);
    HostMem m = x64_access_host(g, &a, &miss);
    if (constant) {
        asm_store_imm(&g->a, ir_mem_log2(i->mem), m, imm);
    } else {
        asm_store_size(&g->a, ir_mem_log2(i->mem), m, value);
    }
    Cold *c = x64_access_cold(g, &a, miss, x64_site(g));
    c->value = value;
    c->value_imm = imm;
    x64_access_end(g, &a, c);
    x64_release_args(g);
}

/* --- targets of jumps --------------------------------------------------------------------- */

static void cold_canon(Gen *g, const Cold *c)
{
    asm_patch(c->from, g->a.p);
    asm_alu_imm(&g->a, ALU_CMP, true, c->scratch, ~c->imm);
    asm_patch(asm_jcc(&g->a, CC_E), c->back);
    asm_store(&g->a, true, x64_frame(g, FRAME_ARG0), c->address);
    x64_note_place(g, c->fault, c->site);
    if (c->saves_vec) {
        asm_call_to(&g->a, g->x->save_vec);
    }
    asm_call_to(&g->a, g->x->bad_target);
}

/* The topmost bits are all zero or all one. Most jumps stay in the half of the
 * address space where they are: that is looked at first, the other half and the
 * fault are cold. */
void x64_canon(Gen *g, const IrInst *i)
{
    x64_x80_flush(g);
    unsigned v = x64_use(g, i->arg[0]), t = x64_scratch(g);
    bool upper = (int64_t)g->tb->key.pc < 0;
    asm_mov(&g->a, true, t, v);
    asm_shift_imm(&g->a, SH_SAR, true, t, i->imm - 1);
    if (upper) {
        asm_alu_imm(&g->a, ALU_CMP, true, t, -1);
    }
    Cold *c = x64_cold(g, cold_canon, asm_jcc(&g->a, CC_NE));
    c->back = g->a.p;
    c->scratch = t;
    c->imm = upper ? UINT64_MAX : 0;
    c->fault = g->insn;
    c->site = x64_site(g);
    c->saves_vec = g->site_vec;
    c->address = v;
    x64_release_args(g);
}
