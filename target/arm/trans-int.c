/*
 * Arithmetic, logic and moves of A64 (C4.1.86, C4.1.89).
 */
#include "translate.h"

/* --- immediates ----------------------------------------------------------- */

void trans_adr(A64Trans *t, const A64_imm_rd *a)
{
    t_set(t, a->rd, k64(t, t->pc + a->imm), true);
}

void trans_adrp(A64Trans *t, const A64_imm_rd *a)
{
    t_set(t, a->rd, k64(t, (t->pc & ~UINT64_C(0xfff)) + a->imm), true);
}

/* The end of every addition and subtraction; to_sp: rd 31 is sp. */
static void add_or_sub(A64Trans *t, IrVal x, IrVal y, bool sub, bool set,
                       unsigned rd, bool sf, bool to_sp)
{
    IrVal r;
    if (set) {
        r = sub ? t_sub_flags(t, x, y, sf) : t_add_flags(t, x, y, sf);
        t_set(t, rd, r, true);
        return;
    }
    r = ir_op2(t->ir, sub ? IR_SUB : IR_ADD, x, y);
    if (to_sp) {
        t_set_sp(t, rd, r, sf);
    } else {
        t_set(t, rd, r, sf);
    }
}

void trans_addsub_imm(A64Trans *t, const A64_imm_rd_rn_set_sf_sh_sub *a)
{
    IrVal y = k64(t, a->sh ? a->imm << 12 : a->imm);
    add_or_sub(t, t_get_sp(t, a->rn, a->sf), y, a->sub, a->set, a->rd, a->sf,
               true);
}

void trans_addsub_ext(A64Trans *t, const A64_imm_opt_rd_rm_rn_set_sf_sub *a)
{
    if (a->imm > 4) {
        t_undefined(t);
        return;
    }
    IrVal y = t_clean(t, t_extended(t, a->rm, a->opt, a->imm), a->sf);
    add_or_sub(t, t_get_sp(t, a->rn, a->sf), y, a->sub, a->set, a->rd, a->sf,
               true);
}

/* ORDER a64-shift */
enum { SHIFT_LSL, SHIFT_LSR, SHIFT_ASR, SHIFT_ROR };

/* A clean value shifted by a value below its width, or modulo it. */
static IrVal shifted(A64Trans *t, IrVal v, unsigned kind, IrVal by, bool sf)
{
    static const uint8_t ops[] = { IR_SHL, IR_SHR, IR_SAR, IR_ROTR };
    IrBlock *ir = t->ir;
    if (sf) {
        return ir_op2(ir, ops[kind], v, by);
    }
    IrVal half = ir_op2(ir, ops[kind], ir_op1(ir, IR_TRUNC, v),
                        ir_op1(ir, IR_TRUNC, by));
    return ir_op1(ir, IR_ZEXT64, half);
}

/* Rm shifted by a constant; false: there is no such shift. */
static bool shifted_rm(A64Trans *t, unsigned rm, unsigned kind, unsigned by,
                       bool sf, IrVal *out)
{
    if (!sf && by > 31) {
        t_undefined(t);
        return false;
    }
    IrVal v = t_get(t, rm, sf);
    *out = by ? shifted(t, v, kind, k64(t, by), sf) : v;
    return true;
}

void trans_addsub_reg(A64Trans *t, const A64_imm_rd_rm_rn_set_sf_shift_sub *a)
{
    IrVal y;
    if (shifted_rm(t, a->rm, a->shift, a->imm, a->sf, &y)) {
        add_or_sub(t, t_get(t, a->rn, a->sf), y, a->sub, a->set, a->rd,
                   a->sf, false);
    }
}

/* Subtraction adds the complement (shared/functions/integer/AddWithCarry). */
void trans_adc(A64Trans *t, const A64_rd_rm_rn_set_sf_sub *a)
{
    IrBlock *ir = t->ir;
    IrVal x = t_get(t, a->rn, a->sf), y = t_get(t, a->rm, a->sf);
    IrVal carry = ir_get(ir, ARM_CF);
    if (a->sub) {
        y = t_clean(t, ir_op1(ir, IR_NOT, y), a->sf);
    }
    IrVal r = a->set ? t_adc_flags(t, x, y, carry, a->sf)
                     : ir_op2(ir, IR_ADD, ir_op2(ir, IR_ADD, x, y), carry);
    t_set(t, a->rd, r, a->sf);
}

/* --- logic ---------------------------------------------------------------- */

/* DecodeBitMasks (shared/functions): false if these fields say nothing. */
static bool bit_mask(unsigned n, unsigned imms, unsigned immr, bool sf,
                     uint64_t *mask)
{
    unsigned length = n << 6 | (~imms & 0x3f);
    if (length < 2 || (n && !sf)) {
        return false;
    }
    unsigned bits = 1u << (31 - __builtin_clz(length));
    unsigned ones = (imms & (bits - 1)) + 1, turn = immr & (bits - 1);
    if (ones == bits) {
        return false;
    }
    uint64_t element = BIT(ones) - 1;
    if (turn) {
        uint64_t high = element << (bits - turn);
        element = element >> turn | (bits < 64 ? high & (BIT(bits) - 1) : high);
    }
    for (; bits < 64; bits *= 2) {
        element |= element << bits;
    }
    *mask = sf ? element : (uint32_t)element;
    return true;
}

/* ORDER a64-logic (insn.decode): and, orr, eor, ands */
static void logic(A64Trans *t, unsigned op, IrVal x, IrVal y, unsigned rd,
                  bool sf, bool to_sp)
{
    static const uint8_t ops[] = { IR_AND, IR_OR, IR_XOR, IR_AND };
    IrVal r = ir_op2(t->ir, ops[op], x, y);
    if (op == 3) {
        t_logic_flags(t, t_clean(t, r, sf), sf);
    }
    if (to_sp && op != 3) {
        t_set_sp(t, rd, r, sf);
    } else {
        t_set(t, rd, r, sf);
    }
}

void trans_logic_imm(A64Trans *t, const A64_immr_imms_n_op_rd_rn_sf *a)
{
    uint64_t mask;
    if (!bit_mask(a->n, a->imms, a->immr, a->sf, &mask)) {
        t_undefined(t);
        return;
    }
    logic(t, a->op, t_get(t, a->rn, a->sf), k64(t, mask), a->rd, a->sf, true);
}

void trans_logic_reg(A64Trans *t, const A64_imm_n_op_rd_rm_rn_sf_shift *a)
{
    IrVal y;
    if (!shifted_rm(t, a->rm, a->shift, a->imm, a->sf, &y)) {
        return;
    }
    if (a->n) {
        y = t_clean(t, ir_op1(t->ir, IR_NOT, y), a->sf);
    }
    logic(t, a->op, t_get(t, a->rn, a->sf), y, a->rd, a->sf, false);
}

/* --- moves ---------------------------------------------------------------- */

static bool move_is_undefined(A64Trans *t, unsigned hw, bool sf)
{
    if (!sf && hw > 1) {
        t_undefined(t);
        return true;
    }
    return false;
}

void trans_movz(A64Trans *t, const A64_hw_imm_rd_sf *a)
{
    if (!move_is_undefined(t, a->hw, a->sf)) {
        t_set(t, a->rd, k64(t, (uint64_t)a->imm << 16 * a->hw), true);
    }
}

void trans_movn(A64Trans *t, const A64_hw_imm_rd_sf *a)
{
    if (!move_is_undefined(t, a->hw, a->sf)) {
        t_set(t, a->rd, k64(t, ~((uint64_t)a->imm << 16 * a->hw)), a->sf);
    }
}

void trans_movk(A64Trans *t, const A64_hw_imm_rd_sf *a)
{
    if (!move_is_undefined(t, a->hw, a->sf)) {
        IrVal v = ir_deposit(t->ir, t_get(t, a->rd, a->sf), k64(t, a->imm),
                             16 * a->hw, 16);
        t_set(t, a->rd, v, a->sf);
    }
}

/* --- products and quotients ----------------------------------------------- */

void trans_madd(A64Trans *t, const A64_ra_rd_rm_rn_sf_sub *a)
{
    IrBlock *ir = t->ir;
    IrVal product = ir_op2(ir, IR_MUL, t_get(t, a->rn, a->sf),
                           t_get(t, a->rm, a->sf));
    IrVal r = ir_op2(ir, a->sub ? IR_SUB : IR_ADD, t_get(t, a->ra, a->sf),
                     product);
    t_set(t, a->rd, r, a->sf);
}

void trans_maddl(A64Trans *t, const A64_ra_rd_rm_rn_sub_u *a)
{
    IrBlock *ir = t->ir;
    IrVal x = t_get(t, a->rn, true), y = t_get(t, a->rm, true);
    x = a->u ? ir_zext(ir, x, 32) : ir_sext(ir, x, 32);
    y = a->u ? ir_zext(ir, y, 32) : ir_sext(ir, y, 32);
    IrVal r = ir_op2(ir, a->sub ? IR_SUB : IR_ADD, t_get(t, a->ra, true),
                     ir_op2(ir, IR_MUL, x, y));
    t_set(t, a->rd, r, true);
}

void trans_mulh(A64Trans *t, const A64_rd_rm_rn_u *a)
{
    t_set(t, a->rd, ir_op2(t->ir, a->u ? IR_MULUH : IR_MULSH,
                           t_get(t, a->rn, true), t_get(t, a->rm, true)),
          true);
}

void trans_div(A64Trans *t, const A64_rd_rm_rn_sf_u *a)
{
    IrVal x = t_get(t, a->rn, a->sf), y = t_get(t, a->rm, a->sf);
    IrVal bytes = k64(t, a->sf ? 8 : 4);
    IrVal r = a->u ? CALL(t, udiv, x, y, bytes) : CALL(t, sdiv, x, y, bytes);
    t_set(t, a->rd, r, a->sf);
}

void trans_shiftv(A64Trans *t, const A64_rd_rm_rn_sf_shift *a)
{
    IrVal v = shifted(t, t_get(t, a->rn, a->sf), a->shift,
                      t_get(t, a->rm, a->sf), a->sf);
    t_set(t, a->rd, v, true);
}

void trans_crc32(A64Trans *t, const A64_c_rd_rm_rn_sf_size *a)
{
    if (a->sf != (a->size == 3)) {
        t_undefined(t);
        return;
    }
    IrVal crc = t_get(t, a->rn, false), v = t_get(t, a->rm, true);
    IrVal bytes = k64(t, 1u << a->size);
    t_set(t, a->rd, a->c ? CALL(t, crc32c, crc, v, bytes)
                         : CALL(t, crc32, crc, v, bytes), false);
}

/* --- choices -------------------------------------------------------------- */

void trans_csel(A64Trans *t, const A64_cond_inc_inv_rd_rm_rn_sf *a)
{
    IrBlock *ir = t->ir;
    IrVal other = t_get(t, a->rm, a->sf);
    other = a->inv ? ir_op1(ir, IR_NOT, other) : other;
    other = a->inc ? ir_op2i(ir, IR_ADD, other, 1) : other;
    Cond c = t_cond(t, a->cond);
    t_set(t, a->rd, ir_select(ir, c.cond, c.x, c.y, t_get(t, a->rn, a->sf),
                              other), a->sf);
}

/* The flags of a comparison if the condition holds, else constants. */
static void compare_if(A64Trans *t, unsigned cond, unsigned nzcv, Flags f)
{
    IrBlock *ir = t->ir;
    Cond c = t_cond(t, cond);
    IrVal n = k64(t, nzcv & 8 ? BIT(63) : 0), z = k64(t, !(nzcv & 4));
    IrVal cf = k64(t, nzcv >> 1 & 1), v = k64(t, nzcv & 1 ? BIT(63) : 0);
    Flags chosen = {
        ir_select(ir, c.cond, c.x, c.y, f.n, n),
        ir_select(ir, c.cond, c.x, c.y, f.z, z),
        ir_select(ir, c.cond, c.x, c.y, f.c, cf),
        ir_select(ir, c.cond, c.x, c.y, f.v, v),
    };
    t_set_flags(t, &chosen);
}

static Flags compared(A64Trans *t, unsigned rn, IrVal y, bool sub, bool sf)
{
    IrVal unused, x = t_get(t, rn, sf);
    return sub ? t_flags_sub(t, x, y, sf, &unused)
               : t_flags_add(t, x, y, sf, &unused);
}

void trans_ccmp_reg(A64Trans *t, const A64_cond_nzcv_rm_rn_sf_sub *a)
{
    compare_if(t, a->cond, a->nzcv,
               compared(t, a->rn, t_get(t, a->rm, a->sf), a->sub, a->sf));
}

void trans_ccmp_imm(A64Trans *t, const A64_cond_imm_nzcv_rn_sf_sub *a)
{
    compare_if(t, a->cond, a->nzcv,
               compared(t, a->rn, k64(t, a->imm), a->sub, a->sf));
}
