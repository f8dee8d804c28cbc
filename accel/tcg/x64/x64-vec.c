/*
 * Vector operations: one instruction of the host where x64-vec-ops.def has it
 * and the host as well, else the row's portable function.
 *
 * With AVX all are the three-operand forms of VEX; before it the result
 * overwrites the first operand. Operands never change places: which NaN comes
 * out depends on it. The two kinds of code are not mixed with upper halves of
 * YMM registers, so changing between them costs nothing.
 */
#include "x64-vec.h"

static const VecNative natives[VEC_OP_COUNT] = {
#define VEC_NATIVE(row, form, need, code, k) \
    [VEC_##row] = { form, k, need, code },
#include "x64-vec-ops.def"
#undef VEC_NATIVE
};

static const VecWide wides[VEC_OP_COUNT] = {
#define VEC_WIDE(row, kind, code, bits) \
    [VEC_##row] = { PAIR_##kind, bits, code },
#include "x64-vec-wide.def"
#undef VEC_WIDE
};

#define CODE_WIDE 0x1000000

void x64_vec_emit(Gen *g, const Op *o, unsigned reg, unsigned vvvv, unsigned rm)
{
    if (has_avx(g)) {
        asm_vex_rr(&g->a, o->code, o->wide, reg, vvvv, rm);
    } else {
        asm_vec_rr(&g->a, o->code, o->wide, reg, rm);
    }
}

/* The same with a last operand that may be in memory. */
void x64_vec_emit_src(Gen *g, const Op *o, unsigned reg, unsigned vvvv, VecSrc b)
{
    if (b.reg == HOST_NONE) {
        asm_vex_rm(&g->a, o->code, o->wide, reg, vvvv, b.mem);
    } else {
        x64_vec_emit(g, o, reg, vvvv, b.reg);
    }
}

/* --- vectors to vectors --------------------------------------------------------------- */

/* Instructions that have no VEX form would wait for the upper halves that they
 * keep (vol. 1, 14.1.2), but for those that have values. */
static void clean_uppers(Gen *g)
{
    bool used = false;
    for (unsigned t = 0; t < HOST_VECS; t++) {
        used |= g->in_upper[t] != IR_NO_VAL;
    }
    if (!used && g->uppers_dirty) {
        asm_vzeroupper(&g->a);
        g->uppers_dirty = false;
    }
}

/* dst = a op b; without VEX dst is a first. b stays locked, so that it is not
 * dst unless it is a as well. */
static void op_move(Gen *g, const Op *o, bool legacy)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    unsigned b = x64_vec_use(g, o->i->arg[1]);
    x64_vec_release_args(g);
    unsigned dst = x64_vec_def(g, a);
    if (legacy) {
        clean_uppers(g);
    }
    if (legacy || !has_avx(g)) {
        asm_vec_mov(&g->a, dst, a);
        asm_vec_rr(&g->a, o->code, o->wide, dst, b);
    } else {
        asm_vex_rr(&g->a, o->code, o->wide, dst, a, b);
    }
}

static void op_2(Gen *g, const Op *o)
{
    if (!has_avx(g)) {
        op_move(g, o, false);
        return;
    }
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    VecSrc b = x64_vec_src(g, o->i->arg[1]);
    x64_vec_release_args(g);
    x64_vec_emit_src(g, o, x64_vec_def(g, a), a, b);
}

static void op_1(Gen *g, const Op *o)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    x64_vec_release_args(g);
    x64_vec_emit(g, o, x64_vec_def(g, a), 0, a);
}

static void op_shift(Gen *g, const Op *o)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    x64_vec_release_args(g);
    unsigned dst = x64_vec_def(g, a);
    if (has_avx(g)) {
        asm_vex_rr(&g->a, o->code, false, o->row->k, dst, a);
    } else {
        asm_vec_mov(&g->a, dst, a);
        asm_vec_rr(&g->a, o->code, false, o->row->k, dst);
    }
    asm_8(&g->a, MIN(o->imm, 255));
}

/* Twelve bytes to the left and back. */
static void op_zlo32(Gen *g, const Op *o)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    x64_vec_release_args(g);
    unsigned dst = x64_vec_def(g, a);
    asm_vec_mov(&g->a, dst, a);
    for (unsigned k = 0; k < 2; k++) {
        x64_vec_emit(g, o, k ? 3 : 7, dst, dst);
        asm_8(&g->a, 12);
    }
}

static void op_blendv(Gen *g, const Op *o)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    unsigned b = x64_vec_use(g, o->i->arg[1]);
    unsigned c = x64_vec_use(g, o->i->arg[2]);
    x64_vec_release_args(g);
    asm_vex_rr(&g->a, o->code, false, x64_vec_def(g, a), a, b);
    asm_8(&g->a, c << 4);
}

static void op_legacy_xmm0(Gen *g, const Op *o)
{
    x64_vec_take(g, 0);
    unsigned c = x64_vec_use(g, o->i->arg[2]);
    asm_vec_mov(&g->a, 0, c);
    op_move(g, o, true);
}

static void op_f16(Gen *g, const Op *o)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    x64_vec_release_args(g);
    asm_vex_rr(&g->a, o->code, false, a, 0, x64_vec_def(g, a));
    asm_8(&g->a, o->imm);
}

/* --- the table ------------------------------------------------------------------------------ */

static bool is_native(const Gen *g, const Op *o)
{
    unsigned have = g->x->features;
    if (o->row->form == FORM_NO_ROW || o->i->op == IR_FVECX ||
        ((o->row->need & have) != o->row->need && !x64_vec_is_movd(o)) ||
        (o->i->op == IR_FVEC && !x64_fp_is_host(g->cpu))) {
        return false;
    }
    switch (o->row->form) {
    case FORM_CMP:
        return (have & HOST_AVX) || o->imm < 8;
    case FORM_FMA:
        return x64_vec_fma_exists(o->imm);
    case FORM_COM:
        return have & HOST_LAHF;
    default:
        return true;
    }
}

static void op_native(Gen *g, const Op *o)
{
    switch (o->row->form) {
    case FORM_2: op_2(g, o); break;
    case FORM_2_IMM: case FORM_CMP:
        op_2(g, o);
        asm_8(&g->a, o->imm);
        break;
    case FORM_MOVE: op_move(g, o, false); break;
    case FORM_MOVE_IMM:
        op_move(g, o, false);
        asm_8(&g->a, o->imm);
        break;
    case FORM_LEGACY: op_move(g, o, true); break;
    case FORM_LEGACY_IMM:
        op_move(g, o, true);
        asm_8(&g->a, o->imm);
        break;
    case FORM_LEGACY_XMM0: op_legacy_xmm0(g, o); break;
    case FORM_1: op_1(g, o); break;
    case FORM_1_IMM:
        op_1(g, o);
        asm_8(&g->a, o->imm);
        break;
    case FORM_1_CONST:
        op_1(g, o);
        asm_8(&g->a, o->row->k);
        break;
    case FORM_SHIFT: op_shift(g, o); break;
    case FORM_BLENDV: op_blendv(g, o); break;
    case FORM_ZLO32: op_zlo32(g, o); break;
    case FORM_FROM: x64_vec_from(g, o); break;
    case FORM_INT: x64_vec_int(g, o); break;
    case FORM_INS:
        x64_vec_int(g, o);
        asm_8(&g->a, o->imm & o->row->k);
        break;
    case FORM_TO: x64_vec_to(g, o); break;
    case FORM_TO_IMM:
        x64_vec_to(g, o);
        asm_8(&g->a, o->imm & o->row->k);
        break;
    case FORM_EXT: x64_vec_ext(g, o); break;
    case FORM_TEST: x64_vec_test(g, o); break;
    case FORM_COM: x64_vec_com(g, o); break;
    case FORM_FMA: x64_vec_fma(g, o); break;
    case FORM_F16: op_f16(g, o); break;
    case FORM_STRI: x64_vec_stri(g, o); break;
    case FORM_STRM: x64_vec_strm(g, o); break;
    case FORM_PERM8X32: x64_vec_perm8x32(g, o); break;
    default: g_assert_not_reached();
    }
}

static Op op_of(const IrInst *i)
{
    const VecNative *row = &natives[ir_vec_op(i)];
    return (Op){ .i = i, .row = row, .code = row->code & ~CODE_WIDE,
                 .wide = row->code & CODE_WIDE, .imm = ir_vec_imm(i) };
}

const VecWide *x64_vec_wide(const Gen *g, const IrInst *i)
{
    const VecWide *w = &wides[ir_vec_op(i)];
    Op o = op_of(i);
    return w->kind && g->x->pairs && is_native(g, &o) ? w : NULL;
}

void x64_vec(Gen *g, const IrInst *i)
{
    Op o = op_of(i);
    if (!is_native(g, &o)) {
        x64_vec_portable(g, i);
        return;
    }
    if (i->op == IR_FVEC) {
        x64_fp_ensure(g);
    }
    if (g->val[g->n].pair) {
        g->uppers_dirty = true;
        x64_vec_pair_op(g, &o);
    } else {
        op_native(g, &o);
    }
}
