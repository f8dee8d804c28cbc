/*
 * Operands of x86 instructions: registers, memory, immediates; effective and
 * linear addresses (SDM vol. 1, 3.7; vol. 3, 5.3).
 */
#include "translate.h"

static unsigned size_code(unsigned bytes)
{
    return bytes == 1 ? IR_MEM_8 : bytes == 2 ? IR_MEM_16 :
           bytes == 4 ? IR_MEM_32 : IR_MEM_64;
}

IrVal clean(X86Trans *t, IrVal v, unsigned bytes)
{
    return bytes == 8 ? v : ir_zext(t->ir, v, bytes * 8);
}

IrVal widen_signed(X86Trans *t, IrVal v, unsigned bytes)
{
    return bytes == 8 ? v : ir_sext(t->ir, v, bytes * 8);
}

/* Without REX, byte registers 4 to 7 are AH, CH, DH, BH. */
static bool is_high_byte(const X86Trans *t, unsigned reg, unsigned bytes)
{
    return bytes == 1 && reg >= 4 && reg < 8 && !t->in.rex;
}

IrVal reg_get(X86Trans *t, unsigned reg, unsigned bytes)
{
    return clean(t, ir_get(t->ir, reg), bytes);
}

void reg_set(X86Trans *t, unsigned reg, IrVal v, unsigned bytes)
{
    if (bytes < 4) {
        v = ir_deposit(t->ir, ir_get(t->ir, reg), v, 0, bytes * 8);
    }
    ir_set(t->ir, reg, v);
}

static IrVal encoded_get(X86Trans *t, unsigned reg, unsigned bytes)
{
    if (is_high_byte(t, reg, bytes)) {
        return ir_extract(t->ir, ir_get(t->ir, reg - 4), 8, 8);
    }
    return reg_get(t, reg, bytes);
}

static void encoded_set(X86Trans *t, unsigned reg, IrVal v, unsigned bytes)
{
    if (is_high_byte(t, reg, bytes)) {
        IrVal old = ir_get(t->ir, reg - 4);
        ir_set(t->ir, reg - 4, ir_deposit(t->ir, old, v, 8, 8));
    } else {
        reg_set(t, reg, v, bytes);
    }
}

unsigned op_bytes(const X86Trans *t, unsigned n)
{
    const OpSpec *op = &t->in.row->op[n];
    return op->size == OPS_n ? (t_code64(t) ? 8 : 4)
                             : x86_operand_bytes(&t->in, op->size);
}

bool op_is_memory(const X86Trans *t, unsigned n)
{
    unsigned method = t->in.row->op[n].method;
    return method == OPM_O ||
           ((method == OPM_E || method == OPM_M) && t->in.mod != 3);
}

static IrVal base_value(X86Trans *t)
{
    if (t->in.base == X86_RSP && t->sp_override != IR_NO_VAL) {
        return t->sp_override;
    }
    return ir_get(t->ir, t->in.base);
}

static IrVal add_index(X86Trans *t, IrVal sum)
{
    IrVal index = ir_get(t->ir, t->in.index);
    if (t->in.scale) {
        index = ir_op2i(t->ir, IR_SHL, index, t->in.scale);
    }
    return sum == IR_NO_VAL ? index : ir_op2(t->ir, IR_ADD, sum, index);
}

IrVal mem_effective(X86Trans *t)
{
    const X86Insn *in = &t->in;
    unsigned bytes = in->addrsize;
    uint64_t disp = in->disp;
    IrVal sum = IR_NO_VAL;
    if (in->base == BASE_RIP) {
        disp += t->next;
    } else if (in->base >= 0) {
        sum = base_value(t);
    }
    if (in->index >= 0) {
        sum = add_index(t, sum);
    }
    if (sum == IR_NO_VAL) {
        return k64(t, disp & bits_mask(bytes * 8));
    }
    if (disp) {
        sum = ir_op2i(t->ir, IR_ADD, sum, disp);
    }
    return clean(t, sum, bytes);
}

/* Whether an access through seg needs limit and type checks here. */
static bool needs_check(const X86Trans *t, unsigned seg)
{
    unsigned flags = t->tc->flags;
    if (flags & TB_CS64) {
        return false;
    }
    if (seg == SEG_CS || !(flags & TB_BIG_REAL)) {
        return !(flags & TB_FLAT) || seg == SEG_CS || seg >= SEG_FS;
    }
    return false;
}

static bool has_base(const X86Trans *t, unsigned seg)
{
    return seg >= SEG_FS || !(t->tc->flags & (TB_CS64 | TB_FLAT));
}

IrVal mem_linear(X86Trans *t, unsigned seg, IrVal offset, unsigned bytes,
                 bool store)
{
    if (needs_check(t, seg)) {
        CALL(t, seg_check, k64(t, seg), offset, k64(t, bytes),
             k64(t, store));
    }
    t->on_stack = seg == SEG_SS;
    if (!has_base(t, seg)) {
        return offset;
    }
    IrVal base = ir_get(t->ir, X86_ES_BASE + seg);
    IrVal sum = ir_op2(t->ir, IR_ADD, offset, base);
    return t_code64(t) ? sum : ir_zext(t->ir, sum, 32);
}

IrVal linear_add(X86Trans *t, IrVal linear, uint64_t n)
{
    IrVal sum = ir_op2i(t->ir, IR_ADD, linear, n);
    return t_code64(t) ? sum : ir_zext(t->ir, sum, 32);
}

IrVal mem_operand(X86Trans *t, unsigned bytes)
{
    if (t->linear == IR_NO_VAL) {
        t->linear = mem_linear(t, t->in.seg, mem_effective(t), bytes,
                               t->store);
    }
    t->on_stack = t->in.seg == SEG_SS;
    return t->linear;
}

unsigned access_mode(const X86Trans *t)
{
    return t->tc->mmu_data | (t->on_stack && t_code64(t) ? MMU_TARGET : 0);
}

static IrMem mem_code(X86Trans *t, IrVal linear, unsigned bytes)
{
    if ((t->tc->flags & TB_AC) && bytes > 1) {
        CALL(t, align_check, linear, k64(t, bytes));
    }
    return size_code(bytes) | IR_MEM_MODE(access_mode(t));
}

IrVal mem_ld(X86Trans *t, IrVal linear, unsigned bytes)
{
    IrMem mem = mem_code(t, linear, bytes);
    return ir_ld(t->ir, IR_I64, linear, mem);
}

IrVal mem_ld_update(X86Trans *t, IrVal linear, unsigned bytes)
{
    IrMem mem = mem_code(t, linear, bytes) | IR_MEM_MODE(MMU_UPDATE);
    return ir_ld(t->ir, IR_I64, linear, mem);
}

void mem_st(X86Trans *t, IrVal linear, IrVal v, unsigned bytes)
{
    IrMem mem = mem_code(t, linear, bytes);
    ir_st(t->ir, linear, v, mem);
}

IrVal seg_selector(X86Trans *t, unsigned seg)
{
    uint32_t offset = offsetof(X86Cpu, s.seg_sel) + seg * sizeof(uint16_t);
    return ir_ldenv(t->ir, IR_I64, offset, IR_MEM_16);
}

/* The offset of an O operand is its only memory address. */
static IrVal moffs_operand(X86Trans *t, unsigned bytes)
{
    return mem_linear(t, t->in.seg, k64(t, t->in.imm[0]), bytes, t->store);
}

static IrVal immediate(X86Trans *t, unsigned n)
{
    const OpSpec *op = t->in.row->op;
    unsigned index = 0;
    for (unsigned i = 0; i < n; i++) {
        index += op[i].method == OPM_I || op[i].method == OPM_IS;
    }
    unsigned bytes = op[n].method == OPM_IS ? t->in.opsize : op_bytes(t, n);
    if (op[n].size == OPS_z) {
        bytes = t->in.opsize;
    }
    return k64(t, t->in.imm[index] & bits_mask(bytes * 8));
}

IrVal op_load(X86Trans *t, unsigned n)
{
    const OpSpec *op = &t->in.row->op[n];
    unsigned bytes = op_bytes(t, n);
    switch (op->method) {
    case OPM_E:
    case OPM_M:
        return op_is_memory(t, n)
            ? mem_ld(t, mem_operand(t, bytes), bytes)
            : encoded_get(t, t->in.rm, bytes);
    case OPM_O:
        return mem_ld(t, moffs_operand(t, bytes), bytes);
    case OPM_G:
        return encoded_get(t, t->in.reg, bytes);
    case OPM_B:
        return reg_get(t, t->in.vvvv, bytes);
    case OPM_Z:
    case OPM_R:
        return encoded_get(t, t->in.rm, bytes);
    case OPM_REG:
        return reg_get(t, op->reg, bytes);
    case OPM_ONE:
        return k64(t, 1);
    case OPM_I:
    case OPM_IS:
        return immediate(t, n);
    default:
        g_assert_not_reached();
    }
}

IrVal op_modify(X86Trans *t, unsigned n)
{
    if (!op_is_memory(t, n)) {
        return op_load(t, n);
    }
    unsigned bytes = op_bytes(t, n);
    t->store = true;
    return mem_ld_update(t, mem_operand(t, bytes), bytes);
}

void op_store(X86Trans *t, unsigned n, IrVal v)
{
    const OpSpec *op = &t->in.row->op[n];
    unsigned bytes = op_bytes(t, n);
    if (op_is_memory(t, n)) {
        t->store = true;
        mem_st(t, op->method == OPM_O ? moffs_operand(t, bytes)
                                      : mem_operand(t, bytes), v, bytes);
        return;
    }
    switch (op->method) {
    case OPM_E:
    case OPM_Z:
    case OPM_R:
        encoded_set(t, t->in.rm, v, bytes);
        break;
    case OPM_G:
        encoded_set(t, t->in.reg, v, bytes);
        break;
    case OPM_B:
        reg_set(t, t->in.vvvv, v, bytes);
        break;
    case OPM_REG:
        reg_set(t, op->reg, v, bytes);
        break;
    default:
        g_assert_not_reached();
    }
}
