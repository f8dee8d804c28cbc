/*
 * Simple ops on bits: counts, extensions, fields. See x64-ops.c.
 */
#include "base/bits.h"
#include "x64-ops.h"

/* --- counting bits -------------------------------------------------------------------------- */

/* Without LZCNT and TZCNT: BSR and BSF leave their result alone for zero, on
 * every processor, though only AMD's manual says so. */
static void count_by_scan(Gen *g, const IrInst *i, bool leading)
{
    bool wide = type_is_wide(i);
    unsigned bits = wide ? 64 : 32;
    unsigned a = x64_use(g, i->arg[0]), t = x64_scratch(g);
    asm_mov_imm(&g->a, t, leading ? 2 * bits - 1 : bits);
    asm_rr(&g->a, leading ? OP_BSR : OP_BSF, wide, t, a);
    if (leading) {
        asm_alu_imm(&g->a, ALU_XOR, false, t, bits - 1);
    }
    x64_release_args(g);
    asm_mov(&g->a, true, x64_def(g, t), t);
}

static void op_count(Gen *g, const IrInst *i, unsigned opcode)
{
    unsigned a = x64_use(g, i->arg[0]);
    x64_release_args(g);
    asm_rr(&g->a, opcode, type_is_wide(i), x64_def(g, a), a);
}

/* Without POPCNT: sums of ever wider fields (Warren, Hacker's Delight, 5-1). */
static void popcnt_by_sums(Gen *g, const IrInst *i)
{
    static const uint64_t mask[] = { 0x5555555555555555, 0x3333333333333333,
                                     0x0f0f0f0f0f0f0f0f };
    unsigned t = x64_scratch(g), u = x64_scratch(g), m = x64_scratch(g);
    x64_copy_to(g, t, i->arg[0]);
    if (!type_is_wide(i)) {
        asm_mov(&g->a, false, t, t);
    }
    for (unsigned k = 0; k < 3; k++) {
        asm_mov_imm(&g->a, m, mask[k]);
        asm_mov(&g->a, true, u, t);
        asm_shift_imm(&g->a, SH_SHR, true, u, 1 << k);
        asm_alu(&g->a, ALU_AND, true, u, m);
        asm_alu(&g->a, ALU_AND, true, t, m);
        asm_alu(&g->a, ALU_ADD, true, t, u);
    }
    asm_mov_imm(&g->a, m, 0x0101010101010101);
    asm_rr(&g->a, OP_IMUL, true, t, m);
    asm_shift_imm(&g->a, SH_SHR, true, t, 56);
    x64_release_args(g);
    asm_mov(&g->a, true, x64_def(g, t), t);
}

static void op_bswap(Gen *g, const IrInst *i)
{
    bool wide = type_is_wide(i);
    Src a = x64_src(g, i->arg[0], wide);
    x64_release_args(g);
    unsigned dst = x64_def(g, prefer_reg(a));
    x64_move_if_other(g, wide, dst, a);
    asm_bswap(&g->a, wide, dst);
}

/* --- extensions and fields --------------------------------------------------------------------- */

static void op_zext(Gen *g, const IrInst *i, unsigned bits)
{
    unsigned a = x64_use(g, i->arg[0]);
    x64_release_args(g);
    unsigned dst = x64_def(g, a);
    if (bits == 8) {
        asm_rr8(&g->a, OP_MOVZX8, dst, a);
    } else if (bits == 16) {
        asm_rr(&g->a, OP_MOVZX16, false, dst, a);
    } else {
        asm_mov(&g->a, false, dst, a);
    }
}

static void op_sext(Gen *g, const IrInst *i, unsigned bits)
{
    bool wide = type_is_wide(i);
    unsigned a = x64_use(g, i->arg[0]);
    x64_release_args(g);
    unsigned dst = x64_def(g, a);
    if (bits == 8) {
        asm_op(&g->a, OP_MOVSX8, asm_rex(wide, dst, 0, a), a >= 4);
        asm_8(&g->a, 0xc0 | (dst & 7) << 3 | (a & 7));
    } else {
        asm_rr(&g->a, bits == 16 ? OP_MOVSX16 : OP_MOVSXD, wide, dst, a);
    }
}

static void op_extract(Gen *g, const IrInst *i)
{
    unsigned pos = i->imm & 255, len = i->imm >> 8;
    bool wide = type_is_wide(i) && pos + len > 32;
    Src a = x64_src(g, i->arg[0], wide);
    x64_release_args(g);
    unsigned dst = x64_def(g, prefer_reg(a));
    x64_move(g, wide, dst, a);
    if (pos) {
        asm_shift_imm(&g->a, SH_SHR, wide, dst, pos);
    }
    if (pos + len == (wide ? 64 : 32)) {
        return;
    }
    if (len == 8) {
        asm_rr8(&g->a, OP_MOVZX8, dst, dst);
    } else if (len == 16) {
        asm_rr(&g->a, OP_MOVZX16, false, dst, dst);
    } else if (len < 32) {
        asm_alu_imm(&g->a, ALU_AND, false, dst, bits_mask(len));
    } else if (len == 32) {
        asm_mov(&g->a, false, dst, dst);
    } else {
        asm_shift_imm(&g->a, SH_SHL, true, dst, 64 - len);
        asm_shift_imm(&g->a, SH_SHR, true, dst, 64 - len);
    }
}

/* The low 8 or 16 bits: the host's own partial writes. False: not that. */
static bool deposit_low(Gen *g, const IrInst *i)
{
    unsigned len = i->imm >> 8;
    if ((i->imm & 255) || (len != 8 && len != 16)) {
        return false;
    }
    bool wide = type_is_wide(i);
    Src a = x64_src(g, i->arg[0], wide);
    unsigned b = x64_use(g, i->arg[1]);
    x64_release_args(g);
    unsigned dst = x64_def(g, prefer_reg(a));
    if (dst == b && !is_reg(a, dst)) {
        /* The field is where the result goes: it waits in a scratch. */
        unsigned t = x64_scratch(g);
        asm_mov(&g->a, true, t, b);
        b = t;
    }
    x64_move_if_other(g, wide, dst, a);
    if (len == 8) {
        asm_rr8(&g->a, OP_MOV_LD8, dst, b);
    } else {
        asm_rr(&g->a, 0x66008b, false, dst, b);
    }
    return true;
}

static void and_mask(Gen *g, bool wide, unsigned host, uint64_t mask)
{
    if (!wide || fits32(mask)) {
        asm_alu_imm(&g->a, ALU_AND, wide, host, mask);
    } else {
        unsigned t = x64_scratch(g);
        asm_mov_imm(&g->a, t, mask);
        asm_alu(&g->a, ALU_AND, wide, host, t);
    }
}

static void op_deposit(Gen *g, const IrInst *i)
{
    unsigned pos = i->imm & 255, len = i->imm >> 8;
    bool wide = type_is_wide(i);
    if (deposit_low(g, i)) {
        return;
    }
    uint64_t field = bits_mask(len) << pos;
    unsigned t = x64_scratch(g), u = x64_scratch(g);
    x64_copy_to(g, t, i->arg[1]);
    x64_copy_to(g, u, i->arg[0]);
    and_mask(g, wide, t, bits_mask(len));
    if (pos) {
        asm_shift_imm(&g->a, SH_SHL, wide, t, pos);
    }
    and_mask(g, wide, u, wide ? ~field : (uint32_t)~field);
    asm_alu(&g->a, ALU_OR, wide, u, t);
    x64_release_args(g);
    asm_mov(&g->a, true, x64_def(g, u), u);
}

/* --- the table -------------------------------------------------------------------------------- */

bool x64_bits(Gen *g, const IrInst *i)
{
    switch (i->op) {
    case IR_CLZ:
        g->x->lzcnt ? op_count(g, i, OP_LZCNT) : count_by_scan(g, i, true);
        break;
    case IR_CTZ:
        g->x->bmi1 ? op_count(g, i, OP_TZCNT) : count_by_scan(g, i, false);
        break;
    case IR_POPCNT:
        g->x->popcnt ? op_count(g, i, OP_POPCNT) : popcnt_by_sums(g, i);
        break;
    case IR_BSWAP: op_bswap(g, i); break;
    case IR_ZEXT: op_zext(g, i, i->imm); break;
    case IR_ZEXT64: op_zext(g, i, 32); break;
    case IR_SEXT: op_sext(g, i, i->imm); break;
    case IR_SEXT64: op_sext(g, i, 32); break;
    case IR_EXTRACT: op_extract(g, i); break;
    case IR_DEPOSIT: op_deposit(g, i); break;
    default: return false;
    }
    return true;
}
