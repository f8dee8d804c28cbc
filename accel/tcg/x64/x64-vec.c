/*
 * Vector operations: one instruction of the host where x64-vec-ops.def has it
 * and the host as well, else the row's portable function.
 *
 * With AVX all are the three-operand forms of VEX; before it the result
 * overwrites the first operand. Operands never change places: which NaN comes
 * out depends on it. The two kinds of code are not mixed with upper halves of
 * YMM registers, so changing between them costs nothing.
 */
#include "x64-gen.h"
#include "x64-host.h"
#include "x64-vec-emit.h"

typedef enum VecForm {
    FORM_NO_ROW,
    FORM_2,                /* vector = vector op vector */
    FORM_2_IMM,            /* the same by the row's immediate */
    FORM_MOVE,             /* FORM_2 and FORM_2_IMM whose forms with memory do */
    FORM_MOVE_IMM,         /* something else */
    FORM_1,                /* vector = op vector */
    FORM_1_IMM,
    FORM_1_CONST,          /* by an immediate of the table */
    FORM_SHIFT,            /* /digit in the table, by the immediate */
    FORM_BLENDV,           /* three vectors, the last in an immediate */
    FORM_ZLO32,
    FORM_LEGACY,           /* FORM_2 that has no VEX form */
    FORM_LEGACY_IMM,
    FORM_LEGACY_XMM0,      /* the same with a third operand, in XMM0 */
    FORM_FROM,             /* vector = integer */
    FORM_INT,              /* vector = vector op integer */
    FORM_INS,              /* the same by an immediate */
    FORM_TO,               /* integer = op vector */
    FORM_TO_IMM,
    FORM_EXT,              /* the same, encoded like a store */
    FORM_TEST,             /* integer from ZF and CF of a comparison */
    FORM_COM,              /* integer from ZF, PF and CF */
    FORM_CMP,              /* FORM_2_IMM whose upper predicates are AVX's */
    FORM_FMA,
    FORM_F16,              /* FORM_1_IMM, encoded like a store */
    FORM_STRI,             /* PCMPISTRI and PCMPESTRI */
    FORM_STRM,             /* the same for a mask, which comes in XMM0 */
    FORM_PERM8X32,
} VecForm;

typedef struct VecNative {
    uint8_t form;          /* VecForm */
    uint8_t k;
    uint16_t need;
    uint32_t code;
} VecNative;

static const VecNative natives[VEC_OP_COUNT] = {
#define VEC_NATIVE(row, form, need, code, k) \
    [VEC_##row] = { form, k, need, code },
#include "x64-vec-ops.def"
#undef VEC_NATIVE
};

#define CODE_WIDE 0x1000000

/* An operation being compiled. */
typedef struct Op {
    const IrInst *i;
    const VecNative *row;
    uint32_t code;
    bool wide;
    unsigned imm;
} Op;

static bool has_avx(const Gen *g)
{
    return g->x->features & HOST_AVX;
}

static void emit(Gen *g, const Op *o, unsigned reg, unsigned vvvv, unsigned rm)
{
    if (has_avx(g)) {
        asm_vex_rr(&g->a, o->code, o->wide, reg, vvvv, rm);
    } else {
        asm_vec_rr(&g->a, o->code, o->wide, reg, rm);
    }
}

/* The same with a last operand that may be in memory. */
static void emit_src(Gen *g, const Op *o, unsigned reg, unsigned vvvv, VecSrc b)
{
    if (b.reg == HOST_NONE) {
        asm_vex_rm(&g->a, o->code, o->wide, reg, vvvv, b.mem);
    } else {
        emit(g, o, reg, vvvv, b.reg);
    }
}

/* --- vectors to vectors --------------------------------------------------------------- */

/* dst = a op b; without VEX dst is a first. b stays locked, so that it is not
 * dst unless it is a as well. */
static void op_move(Gen *g, const Op *o, bool legacy)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    unsigned b = x64_vec_use(g, o->i->arg[1]);
    x64_vec_release_args(g);
    unsigned dst = x64_vec_def(g, a);
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
    emit_src(g, o, x64_vec_def(g, a), a, b);
}

static void op_1(Gen *g, const Op *o)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    x64_vec_release_args(g);
    emit(g, o, x64_vec_def(g, a), 0, a);
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
    asm_vec_rr(&g->a, o->code, false, 7, dst);
    asm_8(&g->a, 12);
    asm_vec_rr(&g->a, o->code, false, 3, dst);
    asm_8(&g->a, 12);
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

/* --- fused multiply-add ------------------------------------------------------------------ */

/* The operand that the result overwrites: 0 a, 1 b, 2 c; each has a form that
 * takes the NaNs of a, b, c in this order. Scalar forms: the one whose upper
 * lanes stay. */
static unsigned fma_keeps(Gen *g, const Op *o, bool scalar)
{
    if (scalar) {
        return o->imm >> 6 & 3;
    }
    for (unsigned k = 0; k < 3; k++) {
        if (g->val[o->i->arg[k]].last <= g->n) {
            return k;
        }
    }
    return 2;
}

/* Opcodes of the 132 forms, vol. 2, VFMADD132PD and following. */
static unsigned fma_opcode(unsigned imm, bool scalar)
{
    static const uint8_t by_signs[] = { 0x98, 0x9c, 0x9a, 0x9e };
    return imm & 0x10 ? 0x96 : imm & 0x20 ? 0x97
           : by_signs[imm & 3] + (scalar ? 1 : 0);
}

/* No instruction negates the result, or an operand of the alternating forms. */
static bool fma_exists(unsigned imm)
{
    unsigned alternates = imm & 0x30;
    return !(imm & SF_FMA_NEG_RESULT) && imm >> 6 < 3 &&
           (!alternates || (alternates != 0x30 && !(imm & 3)));
}

static void op_fma(Gen *g, const Op *o)
{
    /* By what is overwritten: the other two, and the form's distance. */
    static const uint8_t forms[3][3] = { { 2, 1, 0x00 }, { 0, 2, 0x10 },
                                         { 0, 1, 0x20 } };
    bool scalar = o->code & 1;
    unsigned keep = fma_keeps(g, o, scalar);
    const uint8_t *form = forms[keep];
    unsigned a = x64_vec_use(g, o->i->arg[keep]);
    unsigned b = x64_vec_use(g, o->i->arg[form[0]]);
    VecSrc c = x64_vec_src(g, o->i->arg[form[1]]);
    x64_vec_release_args(g);
    unsigned dst = x64_vec_def(g, a);
    asm_vec_mov(&g->a, dst, a);
    Op fma = *o;
    fma.code = 0x663800 | (fma_opcode(o->imm, scalar) + form[2]);
    emit_src(g, &fma, dst, b, c);
}

/* --- vectors and integers ------------------------------------------------------------------ */

static void op_from(Gen *g, const Op *o)
{
    unsigned x = x64_use(g, o->i->arg[0]);
    x64_vec_release_args(g);
    emit(g, o, x64_vec_def(g, HOST_NONE), 0, x);
}

static void op_int(Gen *g, const Op *o)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    unsigned x = x64_use(g, o->i->arg[1]);
    x64_vec_release_args(g);
    unsigned dst = x64_vec_def(g, a);
    if (!has_avx(g)) {
        asm_vec_mov(&g->a, dst, a);
    }
    emit(g, o, dst, a, x);
}

static void op_to(Gen *g, const Op *o)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    x64_vec_release_args(g);
    emit(g, o, x64_def(g, HOST_NONE), 0, a);
}

/* The lowest lane of 32 or 64 bits, which every host can get at. */
static bool is_movd(const Op *o)
{
    return o->row->form == FORM_EXT && o->row->k <= 3 &&
           !(o->imm & o->row->k);
}

static void op_ext(Gen *g, const Op *o)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    x64_vec_release_args(g);
    unsigned dst = x64_def(g, HOST_NONE);
    if (is_movd(o)) {
        asm_vec_rr(&g->a, VOP_MOVD_FROM, o->wide, a, dst);
        return;
    }
    emit(g, o, a, 0, dst);
    asm_8(&g->a, o->imm & o->row->k);
}

static void setcc(Gen *g, unsigned cc, unsigned dst)
{
    asm_op(&g->a, OP_SETCC | cc, dst >> 3, dst >= 4);
    asm_8(&g->a, 0xc0 | (dst & 7));
    asm_rr8(&g->a, OP_MOVZX8, dst, dst);
}

static void compare(Gen *g, const Op *o)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    emit_src(g, o, a, 0, x64_vec_src(g, o->i->arg[1]));
    x64_vec_release_args(g);
}

/* ZF | CF << 1 */
static void op_test(Gen *g, const Op *o)
{
    unsigned t = x64_scratch(g), dst = x64_def(g, HOST_NONE);
    compare(g, o);
    setcc(g, CC_E, dst);
    setcc(g, CC_B, t);
    asm_rm(&g->a, OP_LEA, false, dst, (HostMem){ dst, t, 1, 0 });
}

/* ZF << 6 | PF << 2 | CF: of the byte that LAHF loads the other bits are 0, but
 * for bit 1 (vol. 2, LAHF). */
static void op_com(Gen *g, const Op *o)
{
    enum { LAHF = 0x9f, ZF_PF_CF = 0x45 };
    x64_take(g, RAX);
    compare(g, o);
    asm_8(&g->a, LAHF);
    unsigned dst = x64_def(g, RAX);
    asm_mov(&g->a, true, dst, RAX);
    asm_shift_imm(&g->a, SH_SHR, false, dst, 8);
    asm_alu_imm(&g->a, ALU_AND, false, dst, ZF_PF_CF);
}

/* --- strings, permutations ------------------------------------------------------------------ */

/* The row's lengths in EAX and EDX if the instruction looks at them. */
static void string_compare(Gen *g, const Op *o)
{
    bool implicit = o->imm & VEC_STR_IMPLICIT;
    x64_take(g, RAX);
    x64_take(g, RCX);
    x64_take(g, RDX);
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    unsigned b = x64_vec_use(g, o->i->arg[1]);
    if (!implicit) {
        x64_copy_to(g, RDX, o->i->arg[2]);
        asm_mov(&g->a, false, RAX, RDX);
        asm_shift_imm(&g->a, SH_SHR, true, RDX, 32);
    }
    asm_vec_rr(&g->a, o->code + (implicit ? 2 : 0), false, a, b);
    asm_8(&g->a, o->imm);
    x64_vec_release_args(g);
}

/* ECX | CF << 8 | ZF << 9 | SF << 10 | OF << 11 */
static void op_stri(Gen *g, const Op *o)
{
    static const uint8_t flags[] = { CC_O, CC_S, CC_E, CC_B };
    string_compare(g, o);
    for (unsigned n = 0; n < 4; n++) {
        setcc(g, flags[n], n ? RDX : RAX);
        if (n) {
            asm_rm(&g->a, OP_LEA, false, RAX, (HostMem){ RDX, RAX, 1, 0 });
        }
    }
    asm_shift_imm(&g->a, SH_SHL, false, RAX, 8);
    asm_alu(&g->a, ALU_OR, false, RAX, RCX);
    asm_mov(&g->a, true, x64_def(g, RAX), RAX);
}

static void op_strm(Gen *g, const Op *o)
{
    x64_vec_take(g, 0);
    string_compare(g, o);
    asm_vec_mov(&g->a, x64_vec_def(g, 0), 0);
}

/* From a by the low two bits of each index, and from b; the third bit says
 * which of them. */
static void op_perm8x32(Gen *g, const Op *o)
{
    enum { VPERMILPS = 0x66380c, PSLLD = 0x660f72, VBLENDVPS = 0x663a4a };
    unsigned from_a = x64_vec_scratch(g), from_b = x64_vec_scratch(g);
    unsigned index = x64_vec_use(g, o->i->arg[2]);
    asm_vex_rr(&g->a, VPERMILPS, false, from_a,
               x64_vec_use(g, o->i->arg[0]), index);
    asm_vex_rr(&g->a, VPERMILPS, false, from_b,
               x64_vec_use(g, o->i->arg[1]), index);
    x64_vec_release_args(g);
    unsigned dst = x64_vec_def(g, index);
    asm_vex_rr(&g->a, PSLLD, false, 6, dst, index);
    asm_8(&g->a, 29);
    asm_vex_rr(&g->a, VBLENDVPS, false, dst, from_a, from_b);
    asm_8(&g->a, dst << 4);
}

/* --- the portable function --------------------------------------------------------------- */

static HostMem args_mem(const Gen *g, size_t offset)
{
    HostMem m = x64_frame(g, FRAME_VEC_ARGS);
    m.disp += offset;
    return m;
}

static void pass_operands(Gen *g, const IrInst *i)
{
    static const size_t places[] = { offsetof(VecArgs, a), offsetof(VecArgs, b),
                                     offsetof(VecArgs, c) };
    G_STATIC_ASSERT(sizeof(VecArgs) <=
                    8 * (FRAME_SLOTS - FRAME_VEC_ARGS));
    for (unsigned k = 0; k < i->nargs; k++) {
        IrType type = g->inst[i->arg[k]].type;
        HostMem x = args_mem(g, offsetof(VecArgs, x));
        if (type == IR_V128) {
            asm_vec_store(&g->a, args_mem(g, places[k]),
                          x64_vec_use(g, i->arg[k]));
            continue;
        }
        asm_store(&g->a, type == IR_I64, x, x64_use(g, i->arg[k]));
        if (type == IR_I32) {
            x.disp += 4;
            asm_store_imm(&g->a, 2, x, 0);
        }
    }
    asm_store_imm(&g->a, 2, args_mem(g, offsetof(VecArgs, imm)),
                  ir_vec_imm(i));
}

static void call(Gen *g, uintptr_t fn)
{
    asm_mov_imm(&g->a, RAX, fn);
    asm_call_reg(&g->a, RAX);
}

/* It computes with integers only and so may run under any MXCSR. */
static void call_plain(Gen *g, const IrInst *i)
{
    x64_save_for_call(g, false);
    x64_sync_pins(g, false);
    asm_rm(&g->a, OP_LEA, true, RDI, args_mem(g, 0));
    asm_rm(&g->a, OP_LEA, true, RSI, x64_env(g, offsetof(Cpu, fp)));
    call(g, (uintptr_t)vec_ops[ir_vec_op(i)].fn);
}

/* It may leave the TB. */
static void call_checked(Gen *g, const IrInst *i)
{
    x64_x80_flush(g);
    x64_fp_drop(g);
    x64_save_for_call(g, false);
    x64_save_frame(g);
    x64_sync_pins(g, true);
    unsigned site = x64_site(g);
    asm_store(&g->a, true, x64_env(g, offsetof(Cpu, budget)), HOST_BUDGET);
    x64_note_place(g, g->insn, site);
    x64_lea_cpu(g->x, &g->a);
    asm_mov_imm(&g->a, RSI, ir_vec_op(i));
    asm_rm(&g->a, OP_LEA, true, RDX, args_mem(g, 0));
    call(g, (uintptr_t)tcg_vec_checked);
}

static void take_result(Gen *g, const IrInst *i)
{
    if (!g->val[g->n].uses) {
        return;
    }
    if (i->type == IR_V128) {
        asm_vec_load(&g->a, x64_vec_def(g, HOST_NONE),
                     args_mem(g, offsetof(VecArgs, out)));
    } else {
        asm_load(&g->a, i->type == IR_I64, x64_def(g, HOST_NONE),
                 args_mem(g, offsetof(VecArgs, r)));
    }
}

static void op_portable(Gen *g, const IrInst *i)
{
    pass_operands(g, i);
    if (i->op == IR_FVECX) {
        call_checked(g, i);
    } else {
        call_plain(g, i);
    }
    x64_after_call(g, false);
    take_result(g, i);
}

/* --- the table ------------------------------------------------------------------------------ */

static bool is_native(Gen *g, const Op *o)
{
    unsigned have = g->x->features;
    if (o->row->form == FORM_NO_ROW || o->i->op == IR_FVECX ||
        ((o->row->need & have) != o->row->need && !is_movd(o)) ||
        (o->i->op == IR_FVEC && !x64_fp_is_host(g->cpu))) {
        return false;
    }
    switch (o->row->form) {
    case FORM_CMP:
        return (have & HOST_AVX) || o->imm < 8;
    case FORM_FMA:
        return fma_exists(o->imm);
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
    case FORM_FROM: op_from(g, o); break;
    case FORM_INT: op_int(g, o); break;
    case FORM_INS:
        op_int(g, o);
        asm_8(&g->a, o->imm & o->row->k);
        break;
    case FORM_TO: op_to(g, o); break;
    case FORM_TO_IMM:
        op_to(g, o);
        asm_8(&g->a, o->imm & o->row->k);
        break;
    case FORM_EXT: op_ext(g, o); break;
    case FORM_TEST: op_test(g, o); break;
    case FORM_COM: op_com(g, o); break;
    case FORM_FMA: op_fma(g, o); break;
    case FORM_F16: op_f16(g, o); break;
    case FORM_STRI: op_stri(g, o); break;
    case FORM_STRM: op_strm(g, o); break;
    case FORM_PERM8X32: op_perm8x32(g, o); break;
    default: g_assert_not_reached();
    }
}

void x64_vec(Gen *g, const IrInst *i)
{
    const VecNative *row = &natives[ir_vec_op(i)];
    Op o = { .i = i, .row = row, .code = row->code & ~CODE_WIDE,
             .wide = row->code & CODE_WIDE, .imm = ir_vec_imm(i) };
    if (!is_native(g, &o)) {
        op_portable(g, i);
        return;
    }
    if (i->op == IR_FVEC) {
        x64_fp_ensure(g);
    }
    op_native(g, &o);
}
