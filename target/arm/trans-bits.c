/*
 * Bit fields, reversals and counts of A64, and instructions that set flags by
 * hand (C4.1.86, C4.1.89).
 */
#include "translate.h"

static bool fields_are_undefined(A64Trans *t, bool sf, unsigned n,
                                 unsigned immr, unsigned imms)
{
    if (sf == (bool)n && (sf || (immr < 32 && imms < 32))) {
        return false;
    }
    t_undefined(t);
    return true;
}

/* Where a field of a source goes: bits [from, from + len) to `to`. */
typedef struct Move {
    unsigned from, to, len;
} Move;

static Move move_of(unsigned immr, unsigned imms, bool sf)
{
    unsigned bits = sf ? 64 : 32;
    if (imms >= immr) {
        return (Move){ immr, 0, imms - immr + 1 };
    }
    return (Move){ 0, bits - immr, imms + 1 };
}

/* Bits [from, from + len) of v at the bottom. */
static IrVal field(A64Trans *t, IrVal v, unsigned from, unsigned len)
{
    return from || len < 64 ? ir_extract(t->ir, v, from, len) : v;
}

void trans_ubfm(A64Trans *t, const A64_immr_imms_n_rd_rn_sf *a)
{
    if (fields_are_undefined(t, a->sf, a->n, a->immr, a->imms)) {
        return;
    }
    Move m = move_of(a->immr, a->imms, a->sf);
    IrVal v = field(t, t_get(t, a->rn, a->sf), m.from, m.len);
    t_set(t, a->rd, m.to ? ir_op2i(t->ir, IR_SHL, v, m.to) : v, a->sf);
}

void trans_sbfm(A64Trans *t, const A64_immr_imms_n_rd_rn_sf *a)
{
    if (fields_are_undefined(t, a->sf, a->n, a->immr, a->imms)) {
        return;
    }
    Move m = move_of(a->immr, a->imms, a->sf);
    IrVal v = ir_op2i(t->ir, IR_SHL, t_get(t, a->rn, true),
                      64 - m.from - m.len);
    v = ir_op2i(t->ir, IR_SAR, v, 64 - m.len);
    t_set(t, a->rd, m.to ? ir_op2i(t->ir, IR_SHL, v, m.to) : v, a->sf);
}

void trans_bfm(A64Trans *t, const A64_immr_imms_n_rd_rn_sf *a)
{
    if (fields_are_undefined(t, a->sf, a->n, a->immr, a->imms)) {
        return;
    }
    Move m = move_of(a->immr, a->imms, a->sf);
    IrVal v = field(t, t_get(t, a->rn, a->sf), m.from, m.len);
    IrVal into = t_get(t, a->rd, a->sf);
    t_set(t, a->rd, m.len < 64 ? ir_deposit(t->ir, into, v, m.to, m.len) : v,
          a->sf);
}

void trans_extr(A64Trans *t, const A64_imms_n_rd_rm_rn_sf *a)
{
    IrBlock *ir = t->ir;
    unsigned bits = a->sf ? 64 : 32;
    if (fields_are_undefined(t, a->sf, a->n, 0, a->imms)) {
        return;
    }
    IrVal low = t_get(t, a->rm, a->sf), high = t_get(t, a->rn, a->sf);
    if (a->imms) {
        low = ir_op2i(ir, IR_SHR, low, a->imms);
        high = ir_op2i(ir, IR_SHL, high, bits - a->imms);
        low = ir_op2(ir, IR_OR, low, high);
    }
    t_set(t, a->rd, low, a->sf);
}

/* --- one source ----------------------------------------------------------- */

/* Neighbouring groups of `by` bits change places. */
static IrVal swap_groups(A64Trans *t, IrVal v, unsigned by, uint64_t mask)
{
    IrBlock *ir = t->ir;
    IrVal up = ir_op2i(ir, IR_SHL, ir_op2i(ir, IR_AND, v, mask), by);
    IrVal down = ir_op2i(ir, IR_AND, ir_op2i(ir, IR_SHR, v, by), mask);
    return ir_op2(ir, IR_OR, up, down);
}

static IrVal reverse_bytes(A64Trans *t, IrVal v, bool sf)
{
    IrVal r = ir_op1(t->ir, IR_BSWAP, v);
    return sf ? r : ir_op2i(t->ir, IR_SHR, r, 32);
}

void trans_rbit(A64Trans *t, const A64_rd_rn_sf *a)
{
    IrVal v = t_get(t, a->rn, a->sf);
    v = swap_groups(t, v, 1, UINT64_C(0x5555555555555555));
    v = swap_groups(t, v, 2, UINT64_C(0x3333333333333333));
    v = swap_groups(t, v, 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
    t_set(t, a->rd, reverse_bytes(t, v, a->sf), a->sf);
}

void trans_rev16(A64Trans *t, const A64_rd_rn_sf *a)
{
    IrVal v = t_get(t, a->rn, a->sf);
    t_set(t, a->rd, swap_groups(t, v, 8, UINT64_C(0x00ff00ff00ff00ff)),
          a->sf);
}

void trans_rev(A64Trans *t, const A64_rd_rn_sf *a)
{
    t_set(t, a->rd, reverse_bytes(t, t_get(t, a->rn, a->sf), a->sf), true);
}

void trans_rev32(A64Trans *t, const A64_rd_rn *a)
{
    IrVal all = reverse_bytes(t, t_get(t, a->rn, true), true);
    t_set(t, a->rd, ir_op2(t->ir, IR_ROTL, all, k64(t, 32)), true);
}

static IrVal leading_zeroes(A64Trans *t, IrVal v, bool sf)
{
    IrBlock *ir = t->ir;
    if (sf) {
        return ir_op1(ir, IR_CLZ, v);
    }
    return ir_op1(ir, IR_ZEXT64, ir_op1(ir, IR_CLZ, ir_op1(ir, IR_TRUNC, v)));
}

void trans_clz(A64Trans *t, const A64_rd_rn_sf *a)
{
    t_set(t, a->rd, leading_zeroes(t, t_get(t, a->rn, a->sf), a->sf), true);
}

/* Bits below the sign that equal it: zeroes of v xor v shifted by one, behind
 * the top one. */
void trans_cls(A64Trans *t, const A64_rd_rn_sf *a)
{
    IrBlock *ir = t->ir;
    IrVal v = t_get(t, a->rn, a->sf);
    IrVal wide = a->sf ? v : ir_sext(ir, v, 32);
    IrVal differ = ir_op2(ir, IR_XOR, wide, ir_op2i(ir, IR_SAR, wide, 1));
    IrVal zeroes = leading_zeroes(t, t_clean(t, differ, a->sf), a->sf);
    t_set(t, a->rd, ir_op2i(ir, IR_SUB, zeroes, 1), true);
}

/* --- flags by hand -------------------------------------------------------- */

void trans_rmif(A64Trans *t, const A64_imm_mask_rn *a)
{
    IrBlock *ir = t->ir;
    IrVal v = t_get(t, a->rn, true);
    v = a->imm ? ir_op2i(ir, IR_ROTR, v, a->imm) : v;
    Flags f = { ir_get(ir, ARM_NF), ir_get(ir, ARM_ZF), ir_get(ir, ARM_CF),
                ir_get(ir, ARM_VF) };
    f.n = a->mask & 8 ? ir_op2i(ir, IR_SHL, v, 60) : f.n;
    f.z = a->mask & 4 ? ir_op2i(ir, IR_XOR, ir_extract(ir, v, 2, 1), 1) : f.z;
    f.c = a->mask & 2 ? ir_extract(ir, v, 1, 1) : f.c;
    f.v = a->mask & 1 ? ir_op2i(ir, IR_SHL, v, 63) : f.v;
    t_set_flags(t, &f);
}

void trans_setf(A64Trans *t, const A64_bits_rn *a)
{
    IrBlock *ir = t->ir;
    IrVal v = t_get(t, a->rn, true);
    IrVal top = ir_op2i(ir, IR_SHL, v, 64 - a->bits);
    IrVal next = ir_op2i(ir, IR_SHL, v, 63 - a->bits);
    Flags f = { top, top, ir_get(ir, ARM_CF), ir_op2(ir, IR_XOR, top, next) };
    t_set_flags(t, &f);
}
