/*
 * Conditions: comparisons, whose flags may be there already, and what is made of
 * them. See x64-ops.c.
 */
#include "x64-ops.h"

/* ORDER ir-cond (vm/ir-conds.def) */
static const uint8_t host_cc[] = { CC_E, CC_NE, CC_B, CC_AE, CC_BE, CC_A,
                                   CC_L, CC_GE, CC_LE, CC_G, CC_NE, CC_E };
/* The same with operands exchanged. */
static const uint8_t swapped[] = { IR_EQ, IR_NE, IR_GTU, IR_LEU, IR_GEU,
                                   IR_LTU, IR_GT, IR_LE, IR_GE, IR_LT,
                                   IR_TST, IR_TSTZ };

/* The flags are there already: cc, or HOST_NONE. */
static unsigned flags_known(const Gen *g, const IrInst *i, bool wide)
{
    uint64_t y;
    if (g->flags_wide != wide || g->flags == FLAGS_UNKNOWN) {
        return HOST_NONE;
    }
    if (g->flags == FLAGS_COMPARE && g->flags_x == i->arg[0] &&
        g->flags_y == i->arg[1] && i->cond < IR_TST) {
        return host_cc[i->cond];
    }
    if (g->flags_result != i->arg[0] || !x64_const(g, i->arg[1], &y) || y) {
        return HOST_NONE;
    }
    switch (i->cond) {
    case IR_EQ:
    case IR_NE:
        return host_cc[i->cond];
    case IR_LT:
        return CC_S;
    case IR_GE:
        return CC_NS;
    default:
        return HOST_NONE;
    }
}

static void test_imm(Gen *g, bool wide, unsigned host, int32_t imm)
{
    if (imm >= 0 && imm < 0x100) {
        asm_op(&g->a, 0xf6, host >> 3, host >= 4);
        asm_8(&g->a, 0xc0 | (host & 7));
        asm_8(&g->a, imm);
    } else {
        asm_rr(&g->a, OP_GROUP3, wide && imm < 0, 0, host);
        asm_32(&g->a, imm);
    }
}

static unsigned compare_bits(Gen *g, const IrInst *i, bool wide)
{
    unsigned x = x64_use(g, i->arg[0]);
    uint64_t mask;
    bool constant = x64_const(g, i->arg[1], &mask);
    if (constant && (fits32(mask) || !wide)) {
        test_imm(g, wide, x, mask);
    } else if (constant && !(mask & (mask - 1)) && mask) {
        asm_rr(&g->a, 0x0fba, true, 4, x); /* bt */
        asm_8(&g->a, __builtin_ctzll(mask));
        return i->cond == IR_TST ? CC_B : CC_AE;
    } else {
        asm_rr(&g->a, OP_TEST, wide, x64_use(g, i->arg[1]), x);
    }
    return host_cc[i->cond];
}

static void compare_values(Gen *g, IrVal x, IrVal y, bool wide)
{
    uint64_t zero;
    Src a = x64_src(g, x, wide), b = x64_src(g, y, wide);
    if (a.kind == SRC_REG && x64_const(g, y, &zero) && !zero) {
        asm_rr(&g->a, OP_TEST, wide, a.reg, a.reg);
    } else if (a.kind == SRC_MEM && b.kind != SRC_MEM) {
        if (b.kind == SRC_IMM) {
            asm_alu_mem_imm(&g->a, ALU_CMP, wide, a.mem, b.imm);
        } else {
            asm_rm(&g->a, ALU_CMP << 3 | 1, wide, b.reg, a.mem);
        }
    } else {
        x64_alu_src(g, ALU_CMP, wide, x64_use(g, x), b);
    }
}

unsigned x64_compare(Gen *g, const IrInst *i)
{
    bool wide = g->val[g->n].compares_wide;
    unsigned known = flags_known(g, i, wide);
    uint64_t k;
    if (known != HOST_NONE) {
        return known;
    }
    if (i->cond >= IR_TST) {
        return compare_bits(g, i, wide);
    }
    if (x64_const(g, i->arg[0], &k)) {
        compare_values(g, i->arg[1], i->arg[0], wide);
        return host_cc[swapped[i->cond]];
    }
    compare_values(g, i->arg[0], i->arg[1], wide);
    return host_cc[i->cond];
}

static void op_setcond(Gen *g, const IrInst *i)
{
    unsigned cc = x64_compare(g, i);
    x64_release_args(g);
    unsigned dst = x64_def(g, HOST_NONE);
    asm_op(&g->a, OP_SETCC | cc, dst >> 3, dst >= 4);
    asm_8(&g->a, 0xc0 | (dst & 7));
    asm_rr8(&g->a, OP_MOVZX8, dst, dst);
}

/* Moves do not touch the flags, so operands are brought in behind the
 * comparison. */
static void op_select(Gen *g, const IrInst *i)
{
    bool wide = type_is_wide(i);
    unsigned cc = x64_compare(g, i);
    unsigned yes = x64_use(g, i->arg[2]);
    Src no = x64_src(g, i->arg[3], wide);
    x64_release_args(g);
    unsigned dst = x64_def(g, prefer_reg(no));
    if (dst == yes && !is_reg(no, dst)) {
        if (no.kind == SRC_IMM) {
            no.reg = x64_scratch(g);
            x64_move(g, wide, no.reg, no);
            no.kind = SRC_REG;
        }
        if (no.kind == SRC_MEM) {
            asm_rm(&g->a, OP_CMOV | (cc ^ 1), wide, dst, no.mem);
        } else {
            asm_rr(&g->a, OP_CMOV | (cc ^ 1), wide, dst, no.reg);
        }
        return;
    }
    x64_move_if_other(g, wide, dst, no);
    asm_rr(&g->a, OP_CMOV | cc, wide, dst, yes);
}

bool x64_condition(Gen *g, const IrInst *i)
{
    switch (i->op) {
    case IR_SETCOND: op_setcond(g, i); return true;
    case IR_SELECT: op_select(g, i); return true;
    default: return false;
    }
}
