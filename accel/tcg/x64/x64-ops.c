/*
 * Simple ops: each compiles to one to three host instructions.
 *
 * The host's two-operand forms overwrite their first operand, and the result
 * may be meant for the register of either: what goes first is decided here.
 */
#include "base/bits.h"
#include "x64-gen.h"

static bool op_is_wide(const Gen *g)
{
    return !g->val[g->n].narrow;
}

static bool type_is_wide(const IrInst *i)
{
    return i->type == IR_I64;
}

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
static void move_if_other(Gen *g, bool wide, unsigned host, Src s)
{
    if (s.kind != SRC_REG || s.reg != host) {
        x64_move(g, wide, host, s);
    }
}

static void alu_src(Gen *g, unsigned alu, bool wide, unsigned host, Src s)
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

static bool is_reg(Src s, unsigned host)
{
    return s.kind == SRC_REG && s.reg == host;
}

static unsigned prefer_reg(Src s)
{
    return s.kind == SRC_REG ? s.reg : HOST_NONE;
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
            alu_src(g, alu, wide, dst, a);
            return;
        }
        a = b;
        b = t;
    } else if (alu == ALU_ADD && add_by_lea(g, wide, dst, a, b)) {
        return;
    }
    move_if_other(g, wide, dst, a);
    alu_src(g, alu, wide, dst, b);
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
    move_if_other(g, wide, dst, a);
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
    move_if_other(g, wide, dst, a);
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
    move_if_other(g, wide, dst, a);
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
    move_if_other(g, wide, dst, a);
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
    move_if_other(g, wide, dst, a);
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

/* --- conditions ------------------------------------------------------------------------------ */

/* ORDER ir-cond */
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
        alu_src(g, ALU_CMP, wide, x64_use(g, x), b);
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
    move_if_other(g, wide, dst, no);
    asm_rr(&g->a, OP_CMOV | cc, wide, dst, yes);
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
    case IR_SETCOND: op_setcond(g, i); break;
    case IR_SELECT: op_select(g, i); break;
    default: g_assert_not_reached();
    }
}
