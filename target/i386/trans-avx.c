/*
 * Vector instructions that are more than one row for each 128 bits: what moves
 * lanes between the halves of YMM registers, multiplies and adds, compares
 * strings, or stores by a mask; MXCSR.
 */
#include "trans-vec.h"

/* --- between halves ------------------------------------------------------------- */

/* Half 0 or 1 of the first source, 0 or 1 of the second, or zero. */
static IrVal chosen_half(X86Trans *t, const unsigned which[2], unsigned control)
{
    if (control & 8) {
        return ir_vec_const(t->ir, 0);
    }
    return vec_load(t, which[control >> 1 & 1], control & 1);
}

void trans_vperm2x128(X86Trans *t)
{
    unsigned which[2], imm = t->in.imm[0];
    vec_sources(t, 2, which);
    vec_load(t, which[1], 0); /* memory is read whatever imm says */
    vec_load(t, which[1], 1);
    IrVal low = chosen_half(t, which, imm & 15);
    vec_store(t, 0, low, chosen_half(t, which, imm >> 4 & 15));
}

void trans_vinsert128(X86Trans *t)
{
    IrVal v = vec_load(t, 2, 0);
    bool upper = t->in.imm[0] & 1;
    IrVal low = upper ? vec_load(t, 1, 0) : v;
    vec_store(t, 0, low, upper ? v : vec_load(t, 1, 1));
}

void trans_vextract128(X86Trans *t)
{
    vec_store(t, 0, vec_load(t, 1, t->in.imm[0] & 1), IR_NO_VAL);
}

/* A 64-bit lane of four by two bits of the immediate, in the low lane. */
static IrVal lane_low(X86Trans *t, unsigned choice)
{
    IrVal v = vec_load(t, 1, choice >> 1 & 1);
    return choice & 1 ? ir_vec2(t->ir, VEC_UNPKHI64, 0, v, v) : v;
}

static IrVal lane_pair(X86Trans *t, unsigned choices)
{
    IrVal low = lane_low(t, choices & 3);
    return ir_vec2(t->ir, VEC_UNPKLO64, 0, low, lane_low(t, choices >> 2 & 3));
}

void trans_vpermq(X86Trans *t)
{
    unsigned imm = t->in.imm[0];
    vec_load(t, 1, 0); /* memory is read whatever imm says */
    vec_load(t, 1, 1);
    IrVal low = lane_pair(t, imm & 15);
    vec_store(t, 0, low, lane_pair(t, imm >> 4 & 15));
}

/* The indices are the first source, the table the second. */
void trans_vpermd(X86Trans *t)
{
    IrVal a = vec_load(t, 2, 0), b = vec_load(t, 2, 1), half[2];
    for (unsigned part = 0; part < 2; part++) {
        IrVal args[3] = { a, b, vec_load(t, 1, part) };
        half[part] = ir_vec(t->ir, VEC_PERM8X32, 0, args);
    }
    vec_store(t, 0, half[0], half[1]);
}

static void clear_registers(X86Trans *t, unsigned first)
{
    IrVal zero = ir_vec_const(t->ir, 0);
    for (unsigned n = 0; n < (t_code64(t) ? 16 : 8); n++) {
        ir_set(t->ir, first + n, zero);
    }
}

void trans_vzeroupper(X86Trans *t)
{
    clear_registers(t, X86_YMMH0);
}

void trans_vzeroall(X86Trans *t)
{
    clear_registers(t, X86_XMM0);
    clear_registers(t, X86_YMMH0);
}

/* --- FMA (vol. 1, 14.5) -------------------------------------------------------------- */

/* The width of lanes is VEX.W in every mode. */
static VecOp fma_row(const X86Trans *t)
{
    return t->in.rex & 8 ? t->in.row->vec_w : t->in.row->vec;
}

/* arg= how the product and addend are signed, and in bits 8, 9 the form: which
 * operands are factors and which is added. The order decides which NaN comes
 * out, so it is the row's (see vec-ops.def). */
static IrVal fma_part(X86Trans *t, const unsigned *order, unsigned part)
{
    unsigned imm = t->in.row->arg & 0xff;
    IrVal v[3], args[3];
    for (unsigned n = 3; n--;) {
        v[n] = vec_load(t, n, part);
    }
    for (unsigned n = 0; n < 3; n++) {
        args[n] = v[order[n]];
        if (order[n] == 0) { /* a scalar keeps the rest of the destination */
            imm |= n << 6;
        }
    }
    return ir_vec(t->ir, fma_row(t), imm, args);
}

void trans_fma(X86Trans *t)
{
    static const unsigned orders[3][3] = { { 0, 2, 1 }, { 1, 0, 2 },
                                           { 1, 2, 0 } };
    const unsigned *order = orders[t->in.row->arg >> 8];
    IrVal high = IR_NO_VAL;
    if (vec_parts(t, 0) == 2) {
        vec_both_halves(t, fma_row(t), t->in.row->arg & 0xff, order);
    }
    IrVal low = fma_part(t, order, 0);
    if (vec_parts(t, 0) == 2) {
        high = fma_part(t, order, 1);
    }
    vec_store(t, 0, low, high);
}

/* --- strings (vol. 2, 4.1) --------------------------------------------------------------- */

/* The magnitude of a length beyond 32 bits is more than a vector has. */
static IrVal string_length(X86Trans *t, unsigned reg)
{
    IrVal v = ir_get(t->ir, reg);
    if (t->in.opsize != 8) {
        return clean(t, v, 4);
    }
    IrVal most = k64(t, 64), least = k64(t, (uint32_t)-64);
    IrVal r = ir_select(t->ir, IR_GT, v, most, most, v);
    r = ir_select(t->ir, IR_LT, v, k64(t, -64), least, r);
    return clean(t, r, 4);
}

static void string_flags(X86Trans *t, IrVal r)
{
    static const uint8_t flag[4] = { 0, 6, 7, 11 }; /* CF ZF SF OF */
    IrVal flags = k64(t, 0);
    for (unsigned n = 0; n < 4; n++) {
        IrVal bit = ir_extract(t->ir, r, 8 + n, 1);
        flags = ir_deposit(t->ir, flags, bit, flag[n], 1);
    }
    flags_set_eflags(t, flags);
}

/* arg= bit 0: an index to ECX, else a mask to XMM0; bit 1: without lengths. */
void trans_pcmpstr(X86Trans *t)
{
    bool implicit = t->in.row->arg & 2;
    unsigned imm = (t->in.imm[0] & 0xff) | (implicit ? VEC_STR_IMPLICIT : 0);
    IrVal b = vec_load(t, 1, 0), a = vec_load(t, 0, 0), x = k64(t, 0);
    if (!implicit) {
        IrVal high = ir_op2i(t->ir, IR_SHL, string_length(t, X86_RDX), 32);
        x = ir_op2(t->ir, IR_OR, string_length(t, X86_RAX), high);
    }
    IrVal args[3] = { a, b, x };
    IrVal r = ir_op1(t->ir, IR_ZEXT64,
                     ir_vec(t->ir, VEC_PCMPSTRI, imm, args));
    if (t->in.row->arg & 1) {
        ir_set(t->ir, X86_RCX, ir_extract(t->ir, r, 0, 8));
    } else {
        IrVal mask = ir_vec(t->ir, VEC_PCMPSTRM, imm, args);
        ir_set(t->ir, X86_XMM0, mask);
        if (t->in.vex) {
            ir_set(t->ir, X86_YMMH0, ir_vec_const(t->ir, 0));
        }
    }
    string_flags(t, r);
}

/* --- MXCSR ----------------------------------------------------------------------------------- */

void trans_ldmxcsr(X86Trans *t)
{
    CALL(t, ldmxcsr, op_load(t, 0));
}

void trans_stmxcsr(X86Trans *t)
{
    t->store = true;
    op_store(t, 0, CALL0(t, stmxcsr));
}

/* --- by mask ------------------------------------------------------------------------------------ */

/* Where MASKMOVDQU and MASKMOVQ store. Alignment of 8 bytes is checked whatever
 * the mask says. */
static IrVal maskmov_linear(X86Trans *t, unsigned bytes)
{
    IrVal di = reg_get(t, X86_RDI, t->in.addrsize);
    IrVal linear = mem_linear(t, t->in.seg, di, bytes, true);
    if (t->tc->flags & TB_AC) {
        CALL(t, align_check, linear, k64(t, 8));
    }
    return linear;
}

void trans_maskmov(X86Trans *t)
{
    IrVal linear = maskmov_linear(t, 16);
    CALL(t, maskmov, linear, k64(t, t->in.reg), k64(t, t->in.rm),
         k64(t, access_mode(t)));
}

void trans_maskmovq(X86Trans *t)
{
    IrVal linear = maskmov_linear(t, 8);
    CALL(t, maskmovq, linear, k64(t, t->in.reg & 7), k64(t, t->in.rm & 7),
         k64(t, access_mode(t)));
}

static IrVal mask_operands(X86Trans *t)
{
    return k64(t, t->in.reg | t->in.vvvv << 8 | t->in.row->arg << 16 |
                  t->in.vex_256 << 24);
}

void trans_vmaskmov_load(X86Trans *t)
{
    IrVal linear = mem_operand(t, t->in.vex_256 ? 32 : 16);
    CALL(t, vmaskmov_load, linear, mask_operands(t), k64(t, access_mode(t)));
}

void trans_vmaskmov_store(X86Trans *t)
{
    t->store = true;
    IrVal linear = mem_operand(t, t->in.vex_256 ? 32 : 16);
    CALL(t, vmaskmov_store, linear, mask_operands(t), k64(t, access_mode(t)));
}

/* Destination, index and mask must be three registers. The helper adds the
 * elements' indices to the base, in the address size. */
void trans_gather(X86Trans *t)
{
    const X86Insn *in = &t->in;
    if (in->reg == in->vvvv || in->reg == in->vsib || in->vvvv == in->vsib) {
        t_raise(t, EXC_UD);
        return;
    }
    uint64_t how = in->reg | in->vvvv << 4 | in->vsib << 8 |
                   (uint64_t)in->row->arg << 12 | in->scale << 20 |
                   in->vex_256 << 24 | in->seg << 25 |
                   (in->addrsize == 8) << 28;
    t->on_stack = in->seg == SEG_SS;
    CALL(t, gather, mem_effective(t), k64(t, how), k64(t, access_mode(t)));
}
