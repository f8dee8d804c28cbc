/*
 * Both halves of registers of 32 bytes at once: what x64-pair.c has found becomes
 * instructions of AVX2. Where halves are not in one register already, they are
 * brought together, which is right for any two vectors.
 */
#include "vm/tlb.h"
#include "x64-access.h"
#include "x64-vec.h"

static Value *value(Gen *g, IrVal v)
{
    return &g->val[v];
}

/* --- bringing halves together ----------------------------------------------------- */

enum { VINSERTF128 = 0x663a18 | VEX_256, VPERM2F128 = 0x663a06 | VEX_256 };

static bool in_register(Gen *g, IrVal v)
{
    return value(g, v)->vreg >= 0;
}

/* Both stay where they are. */
static unsigned permute(Gen *g, IrVal low, IrVal high)
{
    const Value *l = value(g, low), *h = value(g, high);
    g->vec_locked |= BIT(l->vreg) | BIT(h->vreg);
    unsigned t = x64_vec_scratch(g);
    asm_vex_rr(&g->a, VPERM2F128, false, t, l->vreg, h->vreg);
    asm_8(&g->a, (l->upper ? 1 : 0) | (h->upper ? 3 : 2) << 4);
    return t;
}

/* The high half moves to where the low one is, or both to another register:
 * always if they are one value, because nobody would know what the upper half
 * holds, and the instruction's next operand could take it. */
static unsigned insert(Gen *g, IrVal low, IrVal high)
{
    unsigned from = x64_vec_use(g, low);
    VecSrc s = x64_vec_src(g, high);
    bool in_place = low != high && g->in_upper[from] == IR_NO_VAL;
    unsigned t = in_place ? from : x64_vec_scratch(g);
    if (s.reg == HOST_NONE) {
        asm_vex_rm(&g->a, VINSERTF128, false, t, from, s.mem);
    } else {
        asm_vex_rr(&g->a, VINSERTF128, false, t, from, s.reg);
    }
    asm_8(&g->a, 1);
    if (low != high) {
        x64_vec_forget(g, low);
        x64_vec_hold(g, t, false, low);
        x64_vec_forget(g, high);
        x64_vec_hold(g, t, true, high);
    }
    return t;
}

unsigned x64_vec_both(Gen *g, IrVal low, IrVal high)
{
    g->uppers_dirty = true;
    const Value *l = value(g, low), *h = value(g, high);
    uint64_t a, b;
    unsigned t;
    if (low != high && in_register(g, low) && h->vreg == l->vreg &&
        !l->upper && h->upper) {
        t = l->vreg;
    } else if (x64_const(g, low, &a) && x64_const(g, high, &b) && a == b) {
        t = x64_vec_scratch(g);
        x64_vec_constant(g, t, a, true);
    } else if (in_register(g, low) && in_register(g, high)) {
        t = permute(g, low, high);
    } else {
        t = insert(g, low, high);
    }
    g->vec_locked |= BIT(t);
    return t;
}

/* Operand k of both halves. */
static unsigned both(Gen *g, const Op *o, unsigned k)
{
    const IrInst *second = &g->inst[g->val[g->n].twin];
    return x64_vec_both(g, o->i->arg[k], second->arg[k]);
}

/* --- operations --------------------------------------------------------------------- */

static unsigned immediate(Gen *g, const Op *o)
{
    const VecWide *w = x64_vec_wide(g, o->i);
    unsigned high = ir_vec_imm(&g->inst[g->val[g->n].twin]);
    return w->bits && w->kind == PAIR_LANES
        ? (o->imm & ((1u << w->bits) - 1)) | high << w->bits : o->imm;
}

static unsigned result(Gen *g, unsigned prefer)
{
    x64_vec_release_args(g);
    return x64_vec_def(g, prefer);
}

static void wide_2(Gen *g, const Op *o, uint32_t code)
{
    unsigned a = both(g, o, 0);
    unsigned b = g->val[g->n].pair == PAIR_COUNT ? x64_vec_use(g, o->i->arg[1])
                                                 : both(g, o, 1);
    asm_vex_rr(&g->a, code, o->wide, result(g, a), a, b);
}

static void wide_1(Gen *g, const Op *o, uint32_t code)
{
    bool single = g->val[g->n].pair != PAIR_LANES;
    unsigned a = single ? x64_vec_use(g, o->i->arg[0]) : both(g, o, 0);
    asm_vex_rr(&g->a, code, o->wide, result(g, a), 0, a);
}

static void wide_shift(Gen *g, const Op *o, uint32_t code)
{
    unsigned a = both(g, o, 0);
    asm_vex_rr(&g->a, code, false, o->row->k, result(g, a), a);
    asm_8(&g->a, MIN(o->imm, 255));
}

static void wide_blendv(Gen *g, const Op *o, uint32_t code)
{
    unsigned a = both(g, o, 0), b = both(g, o, 1), c = both(g, o, 2);
    asm_vex_rr(&g->a, code, false, result(g, a), a, b);
    asm_8(&g->a, c << 4);
}

/* The table is one register, the first two operands; the indices another. */
static void wide_table(Gen *g, const Op *o, uint32_t code)
{
    unsigned table = x64_vec_both(g, o->i->arg[0], o->i->arg[1]);
    unsigned index = both(g, o, 2);
    asm_vex_rr(&g->a, code, false, result(g, index), index, table);
}

static void wide_fma(Gen *g, const Op *o)
{
    VecFma f = x64_vec_fma_form(g, o);
    unsigned a = both(g, o, f.keeps), b = both(g, o, f.factor);
    unsigned c = both(g, o, f.last);
    unsigned dst = result(g, a);
    asm_vec_mov_wide(&g->a, true, dst, a);
    asm_vex_rr(&g->a, f.code | VEX_256, o->wide, dst, b, c);
}

void x64_vec_pair_op(Gen *g, const Op *o)
{
    const VecWide *w = x64_vec_wide(g, o->i);
    uint32_t code = (w->code ? w->code : o->code) | VEX_256;
    switch (o->row->form) {
    case FORM_2: wide_2(g, o, code); break;
    case FORM_2_IMM: case FORM_CMP:
        wide_2(g, o, code);
        asm_8(&g->a, immediate(g, o));
        break;
    case FORM_1: wide_1(g, o, code); break;
    case FORM_1_IMM:
        wide_1(g, o, code);
        asm_8(&g->a, immediate(g, o));
        break;
    case FORM_1_CONST:
        wide_1(g, o, code);
        if (!w->code) {
            asm_8(&g->a, o->row->k);
        }
        break;
    case FORM_SHIFT: wide_shift(g, o, code); break;
    case FORM_BLENDV: wide_blendv(g, o, code); break;
    case FORM_FMA: wide_fma(g, o); break;
    case FORM_PERM8X32: wide_table(g, o, code); break;
    default: g_assert_not_reached();
    }
}

/* --- slow paths ------------------------------------------------------------------------ */

#define FIRST_ONLY (IR_MEM_PAIR | IR_MEM_ALIGN)

void x64_load_pair_slow(Cpu *cpu, GuestAddr va, V128 *out, IrMem mem)
{
    if (!(mem & IR_MEM_ALIGN) &&
        tlb_load_across(cpu, va, out, 32, ir_mem_access(mem))) {
        return;
    }
    tlb_load_vec(cpu, va, &out[0], mem);
    tlb_load_vec(cpu, va + 16, &out[1], mem & ~FIRST_ONLY);
}

void x64_store_pair_slow(Cpu *cpu, GuestAddr va, const V128 *v, IrMem mem)
{
    if (!(mem & IR_MEM_ALIGN) &&
        tlb_store_across(cpu, va, v, 32, ir_mem_access(mem))) {
        return;
    }
    tlb_store_vec(cpu, va, &v[0], mem);
    tlb_store_vec(cpu, va + 16, &v[1], mem & ~FIRST_ONLY);
}
