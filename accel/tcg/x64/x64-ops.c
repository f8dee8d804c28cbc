/*
 * Simple ops: each compiles to one to three host instructions.
 *
 * The host's two-operand forms overwrite their first operand, and the result
 * may be meant for the register of either: what goes first is decided here.
 */
#include "x64-ops.h"

void x64_move(Gen *g, bool wide, unsigned host, Src s)
{
    switch (s.kind) {
    case SRC_REG:
        if (s.reg != host || !wide) {
            asm_mov(&g->a, wide, host, s.reg);
        }
        break;
    case SRC_MEM:
        asm_load(&g->a, wide, host, s.mem);
        break;
    case SRC_IMM:
        asm_mov_imm(&g->a, host, wide ? (uint64_t)(int64_t)s.imm
                                      : (uint32_t)s.imm);
        break;
    }
}

/* A move that need not clear the upper half. */
void x64_move_if_other(Gen *g, bool wide, unsigned host, Src s)
{
    if (s.kind != SRC_REG || s.reg != host) {
        x64_move(g, wide, host, s);
    }
}

void x64_alu_src(Gen *g, unsigned alu, bool wide, unsigned host, Src s)
{
    switch (s.kind) {
    case SRC_REG:
        asm_alu(&g->a, alu, wide, host, s.reg);
        break;
    case SRC_MEM:
        asm_alu_mem(&g->a, alu, wide, host, s.mem);
        break;
    case SRC_IMM:
        asm_alu_imm(&g->a, alu, wide, host, s.imm);
        break;
    }
}

static void flags_of_result(Gen *g, bool wide)
{
    g->flags = FLAGS_RESULT;
    g->flags_result = g->n;
    g->flags_wide = wide;
}

/* --- addition, subtraction, logic ------------------------------------------------ */

static void lea(Gen *g, bool wide, unsigned dst, HostMem m)
{
    asm_rm(&g->a, OP_LEA, wide, dst, m);
}

static void op_lea(Gen *g, const IrInst *i)
{
    bool wide = op_is_wide(g);
    unsigned base = x64_use(g, i->arg[0]), index = x64_use(g, i->arg[1]);
    x64_release_args(g);
    unsigned dst = x64_def(g, base);
    HostMem m = { base, index, i->mem, i->imm };
    lea(g, wide, dst, m);
}

/* True if the sum is made without overwriting an operand. */
static bool add_by_lea(Gen *g, bool wide, unsigned dst, Src a, Src b)
{
    if (a.kind != SRC_REG || is_reg(a, dst) || is_reg(b, dst) ||
        b.kind == SRC_MEM) {
        return false;
    }
    lea(g, wide, dst, b.kind == SRC_IMM ? host_mem(a.reg, b.imm)
                                        : host_mem_index(a.reg, b.reg, 0));
    return true;
}

static void op_alu(Gen *g, const IrInst *i, unsigned alu)
{
    bool wide = op_is_wide(g);
    Src a = x64_src(g, i->arg[0], wide), b = x64_src(g, i->arg[1], wide);
    x64_release_args(g);
    unsigned dst = x64_def(g, prefer_reg(a));
    if (is_reg(b, dst) && !is_reg(a, dst)) {
        Src t = a;
        if (alu == ALU_SUB) {
            asm_rr(&g->a, OP_GROUP3, wide, 3, dst); /* neg */
            alu = ALU_ADD;
            x64_alu_src(g, alu, wide, dst, a);
            return;
        }
        a = b;
        b = t;
    } else if (alu == ALU_ADD && add_by_lea(g, wide, dst, a, b)) {
        return;
    }
    x64_move_if_other(g, wide, dst, a);
    x64_alu_src(g, alu, wide, dst, b);
    flags_of_result(g, wide);
    if (alu == ALU_SUB) {
        g->flags = FLAGS_COMPARE;
        g->flags_x = i->arg[0];
        g->flags_y = i->arg[1];
    }
}

/* AND with a mask that is no immediate, or that a move does as well. */
static bool op_and_mask(Gen *g, const IrInst *i)
{
    uint64_t mask;
    if (!x64_const(g, i->arg[1], &mask) || (mask != 0xff && mask != 0xffff)) {
        return false;
    }
    Src a = x64_src(g, i->arg[0], false);
    if (a.kind != SRC_REG) {
        return false;
    }
    x64_release_args(g);
    unsigned dst = x64_def(g, a.reg);
    if (mask == 0xff) {
        asm_rr8(&g->a, OP_MOVZX8, dst, a.reg);
    } else {
        asm_rr(&g->a, OP_MOVZX16, false, dst, a.reg);
    }
    return true;
}

static void op_andc(Gen *g, const IrInst *i)
{
    bool wide = op_is_wide(g);
    unsigned a = x64_use(g, i->arg[0]);
    Src b = x64_src(g, i->arg[1], wide);
    unsigned t = x64_scratch(g);
    x64_move(g, wide, t, b);
    asm_rr(&g->a, OP_GROUP3, wide, 2, t); /* not */
    asm_alu(&g->a, ALU_AND, wide, t, a);
    x64_release_args(g);
    asm_mov(&g->a, true, x64_def(g, t), t);
}

/* NOT and NEG. */
static void op_unary(Gen *g, const IrInst *i, unsigned digit)
{
    bool wide = op_is_wide(g);
    Src a = x64_src(g, i->arg[0], wide);
    x64_release_args(g);
    unsigned dst = x64_def(g, prefer_reg(a));
    x64_move_if_other(g, wide, dst, a);
    asm_rr(&g->a, OP_GROUP3, wide, digit, dst);
}

/* --- multiplication ------------------------------------------------------------------- */

static void op_mul(Gen *g, const IrInst *i)
{
    bool wide = op_is_wide(g);
    Src a = x64_src(g, i->arg[0], wide), b = x64_src(g, i->arg[1], wide);
    x64_release_args(g);
    unsigned dst = x64_def(g, prefer_reg(a));
    if (b.kind == SRC_IMM && a.kind == SRC_REG) {
        asm_rr(&g->a, OP_IMUL_IMM, wide, dst, a.reg);
        asm_32(&g->a, b.imm);
        return;
    }
    if (is_reg(b, dst) && !is_reg(a, dst)) {
        Src t = a;
        a = b;
        b = t;
    }
    x64_move_if_other(g, wide, dst, a);
    if (b.kind == SRC_REG) {
        asm_rr(&g->a, OP_IMUL, wide, dst, b.reg);
    } else if (b.kind == SRC_MEM) {
        asm_rm(&g->a, OP_IMUL, wide, dst, b.mem);
    } else {
        asm_rr(&g->a, OP_IMUL_IMM, wide, dst, dst);
        asm_32(&g->a, b.imm);
    }
}

/* MULUH and MULSH: RDX:RAX = RAX * operand. */
static void op_mul_high(Gen *g, const IrInst *i, unsigned digit)
{
    bool wide = type_is_wide(i);
    x64_take(g, RAX);
    x64_take(g, RDX);
    x64_copy_to(g, RAX, i->arg[0]);
    unsigned b = x64_use(g, i->arg[1]);
    asm_rr(&g->a, OP_GROUP3, wide, digit, b);
    x64_release_args(g);
    asm_mov(&g->a, true, x64_def(g, RDX), RDX);
}

/* --- shifts ------------------------------------------------------------------------------ */

static void shift_by_constant(Gen *g, const IrInst *i, unsigned sh,
                              unsigned count)
{
    bool wide = op_is_wide(g);
    Src a = x64_src(g, i->arg[0], wide);
    x64_release_args(g);
    unsigned dst = x64_def(g, prefer_reg(a));
    bool rotates = sh == SH_ROL || sh == SH_ROR;
    if (rotates && g->x->bmi2 && a.kind == SRC_REG && a.reg != dst) {
        unsigned bits = wide ? 64 : 32;
        asm_rorx(&g->a, wide, dst, a.reg,
                 (sh == SH_ROL ? bits - count : count) & (bits - 1));
        return;
    }
    x64_move_if_other(g, wide, dst, a);
    if (count || !wide) {
        asm_shift_imm(&g->a, sh, wide, dst, count);
    }
}

/* The count goes to CL; a value there moves out. */
static void shift_by_cl(Gen *g, const IrInst *i, unsigned sh)
{
    bool wide = op_is_wide(g);
    x64_take(g, RCX);
    x64_copy_to(g, RCX, i->arg[1]);
    unsigned t = x64_scratch(g);
    x64_copy_to(g, t, i->arg[0]);
    asm_shift_cl(&g->a, sh, wide, t);
    x64_release_args(g);
    asm_mov(&g->a, true, x64_def(g, t), t);
}

static void op_shift(Gen *g, const IrInst *i, unsigned sh)
{
    bool wide = op_is_wide(g);
    uint64_t count;
    if (x64_const(g, i->arg[1], &count)) {
        shift_by_constant(g, i, sh, count & (wide ? 63 : 31));
        return;
    }
    if (!g->x->bmi2 || sh == SH_ROL || sh == SH_ROR) {
        shift_by_cl(g, i, sh);
        return;
    }
    unsigned a = x64_use(g, i->arg[0]), n = x64_use(g, i->arg[1]);
    x64_release_args(g);
    unsigned dst = x64_def(g, a);
    asm_shift_bmi2(&g->a, sh, wide, (uint8_t[]){ dst, n, a });
}

/* --- the table -------------------------------------------------------------------------------- */

static void op_addition(Gen *g, const IrInst *i)
{
    if (i->cond) {
        op_lea(g, i);
    } else {
        op_alu(g, i, ALU_ADD);
    }
}

void x64_op(Gen *g, const IrInst *i)
{
    switch (i->op) {
    case IR_ADD: op_addition(g, i); break;
    case IR_SUB: op_alu(g, i, ALU_SUB); break;
    case IR_AND:
        if (!op_and_mask(g, i)) {
            op_alu(g, i, ALU_AND);
        }
        break;
    case IR_OR: op_alu(g, i, ALU_OR); break;
    case IR_XOR: op_alu(g, i, ALU_XOR); break;
    case IR_ANDC: op_andc(g, i); break;
    case IR_NOT: op_unary(g, i, 2); break;
    case IR_NEG: op_unary(g, i, 3); break;
    case IR_MUL: op_mul(g, i); break;
    case IR_MULUH: op_mul_high(g, i, 4); break;
    case IR_MULSH: op_mul_high(g, i, 5); break;
    case IR_SHL: op_shift(g, i, SH_SHL); break;
    case IR_SHR: op_shift(g, i, SH_SHR); break;
    case IR_SAR: op_shift(g, i, SH_SAR); break;
    case IR_ROTL: op_shift(g, i, SH_ROL); break;
    case IR_ROTR: op_shift(g, i, SH_ROR); break;
    default: {
        bool done = x64_bits(g, i) || x64_condition(g, i);
        g_assert(done);
        break;
    }
    }
}
