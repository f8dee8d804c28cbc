/*
 * Integer arithmetic, logic and moves.
 */
#include "translate.h"

static IrVal op2_clean(X86Trans *t, IrOp op, IrVal a, IrVal b, unsigned bytes)
{
    return clean(t, ir_op2(t->ir, op, a, b), bytes);
}

/* --- two operands ----------------------------------------------------------*/

void trans_add(X86Trans *t)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal a = op_modify(t, 0), b = op_load(t, 1);
    IrVal dst = op2_clean(t, IR_ADD, a, b, bytes);
    op_store(t, 0, dst);
    flags_set(t, CC_ADD, bytes, dst, b);
}

void trans_sub(X86Trans *t)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal a = op_modify(t, 0), b = op_load(t, 1);
    IrVal dst = op2_clean(t, IR_SUB, a, b, bytes);
    op_store(t, 0, dst);
    flags_set_sub(t, bytes, a, b, dst);
}

void trans_cmp(X86Trans *t)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal a = op_load(t, 0), b = op_load(t, 1);
    flags_set_sub(t, bytes, a, b, op2_clean(t, IR_SUB, a, b, bytes));
}

static void add_carry(X86Trans *t, IrOp op, CcOp cc)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal a = op_modify(t, 0), b = op_load(t, 1);
    IrVal carry = flags_carry(t);
    IrVal part = ir_op2(t->ir, op, a, b);
    IrVal dst = op2_clean(t, op, part, carry, bytes);
    op_store(t, 0, dst);
    flags_set_carry(t, cc, bytes, dst, b, carry);
}

void trans_adc(X86Trans *t)
{
    add_carry(t, IR_ADD, CC_ADC);
}

void trans_sbb(X86Trans *t)
{
    add_carry(t, IR_SUB, CC_SBB);
}

static void logic(X86Trans *t, IrOp op)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal a = op_modify(t, 0), b = op_load(t, 1);
    IrVal dst = ir_op2(t->ir, op, a, b);
    op_store(t, 0, dst);
    flags_set(t, CC_LOGIC, bytes, dst, IR_NO_VAL);
}

void trans_or(X86Trans *t)
{
    logic(t, IR_OR);
}

void trans_and(X86Trans *t)
{
    logic(t, IR_AND);
}

/* XOR and SUB of a register with itself need not read it. */
void trans_xor(X86Trans *t)
{
    const X86Insn *in = &t->in;
    if (in->mod == 3 && in->rm == in->reg && t->in.row->op[1].method != OPM_I &&
        t->in.row->op[1].method != OPM_IS) {
        IrVal zero = k64(t, 0);
        op_store(t, 0, zero);
        flags_set(t, CC_LOGIC, op_bytes(t, 0), zero, IR_NO_VAL);
        return;
    }
    logic(t, IR_XOR);
}

void trans_test(X86Trans *t)
{
    IrVal a = op_load(t, 0), b = op_load(t, 1);
    flags_set(t, CC_LOGIC, op_bytes(t, 0), ir_op2(t->ir, IR_AND, a, b),
              IR_NO_VAL);
}

/* --- one operand -----------------------------------------------------------*/

static void inc_dec(X86Trans *t, IrOp op, CcOp cc)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal a = op_modify(t, 0);
    IrVal carry = flags_carry(t);
    IrVal dst = op2_clean(t, op, a, k64(t, 1), bytes);
    op_store(t, 0, dst);
    flags_set(t, cc, bytes, dst, carry);
}

void trans_inc(X86Trans *t)
{
    inc_dec(t, IR_ADD, CC_INC);
}

void trans_dec(X86Trans *t)
{
    inc_dec(t, IR_SUB, CC_DEC);
}

void trans_not(X86Trans *t)
{
    IrVal a = op_modify(t, 0);
    op_store(t, 0, clean(t, ir_op1(t->ir, IR_NOT, a), op_bytes(t, 0)));
}

void trans_neg(X86Trans *t)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal a = op_modify(t, 0);
    IrVal dst = clean(t, ir_op1(t->ir, IR_NEG, a), bytes);
    op_store(t, 0, dst);
    flags_set_sub(t, bytes, k64(t, 0), a, dst);
}

/* --- multiplication --------------------------------------------------------*/

/* Sets rDX:rAX (AX for bytes). */
static void set_product(X86Trans *t, unsigned bytes, IrVal low, IrVal high)
{
    if (bytes == 1) {
        reg_set(t, X86_RAX, ir_deposit(t->ir, low, high, 8, 8), 2);
        return;
    }
    reg_set(t, X86_RAX, low, bytes);
    reg_set(t, X86_RDX, high, bytes);
}

void trans_mul(X86Trans *t)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal a = reg_get(t, X86_RAX, bytes), b = op_load(t, 0);
    IrVal full = ir_op2(t->ir, IR_MUL, a, b);
    IrVal low = clean(t, full, bytes);
    IrVal high = bytes == 8 ? ir_op2(t->ir, IR_MULUH, a, b)
                            : ir_extract(t->ir, full, bytes * 8, bytes * 8);
    set_product(t, bytes, low, high);
    flags_set(t, CC_MUL, bytes, low, high);
}

/* a * b, signed; *over: non-zero if the product does not fit. `high` may be
 * NULL. */
static IrVal signed_product(X86Trans *t, IrVal a, IrVal b, unsigned bytes,
                            IrVal *high, IrVal *over)
{
    IrVal x = widen_signed(t, a, bytes), y = widen_signed(t, b, bytes);
    IrVal full = ir_op2(t->ir, IR_MUL, x, y);
    if (bytes == 8) {
        *high = ir_op2(t->ir, IR_MULSH, x, y);
        *over = ir_op2(t->ir, IR_XOR, *high,
                       ir_op2i(t->ir, IR_SAR, full, 63));
        return full;
    }
    *high = ir_extract(t->ir, full, bytes * 8, bytes * 8);
    *over = ir_op2(t->ir, IR_XOR, full, ir_sext(t->ir, full, bytes * 8));
    return clean(t, full, bytes);
}

void trans_imul(X86Trans *t)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal high, over;
    IrVal a = reg_get(t, X86_RAX, bytes), b = op_load(t, 0);
    IrVal low = signed_product(t, a, b, bytes, &high, &over);
    set_product(t, bytes, low, high);
    flags_set(t, CC_MUL, bytes, low, over);
}

static void imul_to_reg(X86Trans *t, unsigned first, unsigned second)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal high, over;
    IrVal a = op_load(t, first), b = op_load(t, second);
    IrVal low = signed_product(t, a, b, bytes, &high, &over);
    op_store(t, 0, low);
    flags_set(t, CC_MUL, bytes, low, over);
}

void trans_imul2(X86Trans *t)
{
    imul_to_reg(t, 0, 1);
}

void trans_imul3(X86Trans *t)
{
    imul_to_reg(t, 1, 2);
}

/* --- moves -----------------------------------------------------------------*/

void trans_mov(X86Trans *t)
{
    op_store(t, 0, op_load(t, 1));
}

void trans_movzx(X86Trans *t)
{
    op_store(t, 0, op_load(t, 1));
}

void trans_movsx(X86Trans *t)
{
    IrVal v = widen_signed(t, op_load(t, 1), op_bytes(t, 1));
    op_store(t, 0, clean(t, v, op_bytes(t, 0)));
}

void trans_movsxd(X86Trans *t)
{
    trans_movsx(t);
}

void trans_lea(X86Trans *t)
{
    op_store(t, 0, clean(t, mem_effective(t), t->in.opsize));
}

void trans_xchg(X86Trans *t)
{
    IrVal a = op_modify(t, 0), b = op_load(t, 1);
    op_store(t, 0, b);
    op_store(t, 1, a);
}

void trans_nop(X86Trans *t)
{
}

/* Where nobody could use the time it is a NOP. */
static void trans_pause(X86Trans *t)
{
    const Cpu *cpu = t->tc->cpu;
    if (cpu->machine->cpus->len > 1) {
        CALL0(t, pause);
        t_jump(t, k64(t, t->next), IR_EXIT_LOOP);
    }
}

/* 90 is NOP even where XCHG EAX,EAX would clear bits, and F3 90 is PAUSE. */
void trans_xchg_acc(X86Trans *t)
{
    if (t->in.rm != X86_RAX) {
        trans_xchg(t);
    } else if (t->in.rep) {
        trans_pause(t);
    }
}

void trans_xadd(X86Trans *t)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal a = op_modify(t, 0), b = op_load(t, 1);
    IrVal sum = op2_clean(t, IR_ADD, a, b, bytes);
    if (op_is_memory(t, 0)) {
        op_store(t, 0, sum);
        op_store(t, 1, a);
    } else {
        op_store(t, 1, a);
        op_store(t, 0, sum);
    }
    flags_set(t, CC_ADD, bytes, sum, b);
}

/* What a register holds after loading v into its low bytes. */
static IrVal merged(X86Trans *t, IrVal old, IrVal v, unsigned bytes)
{
    return bytes < 4 ? ir_deposit(t->ir, old, v, 0, bytes * 8) : v;
}

/* Memory is written in any case (vol. 2, CMPXCHG); of registers only the
 * destination or only RAX. */
void trans_cmpxchg(X86Trans *t)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal old = op_modify(t, 0), src = op_load(t, 1);
    IrVal acc = reg_get(t, X86_RAX, bytes);
    IrVal rax = ir_get(t->ir, X86_RAX);
    IrVal loaded = merged(t, rax, old, bytes);
    IrVal new_rax = ir_select(t->ir, IR_EQ, acc, old, rax, loaded);
    if (op_is_memory(t, 0)) {
        op_store(t, 0, ir_select(t->ir, IR_EQ, acc, old, src, old));
        ir_set(t->ir, X86_RAX, new_rax);
    } else {
        ir_set(t->ir, X86_RAX, new_rax);
        IrVal kept = bytes == 4 ? ir_get(t->ir, t->in.rm) : op_load(t, 0);
        op_store(t, 0, ir_select(t->ir, IR_EQ, acc, old, src, kept));
    }
    flags_set_sub(t, bytes, acc, old, op2_clean(t, IR_SUB, acc, old, bytes));
}

/* CMPXCHG8B, and with REX.W CMPXCHG16B. */
void trans_cmpxchg8b(X86Trans *t)
{
    bool wide = t->in.rex & 8;
    if (wide && !(t->st->features[FEAT_1_ECX] & BIT(13))) {
        t_raise(t, EXC_UD);
        return;
    }
    t->store = true;
    IrVal linear = mem_operand(t, wide ? 16 : 8);
    IrVal mode = k64(t, access_mode(t));
    if ((t->tc->flags & TB_AC) && !wide) {
        CALL(t, align_check, linear, k64(t, 8));
    }
    if (wide) {
        CALL(t, cmpxchg16b, linear, flags_all(t), mode);
    } else {
        CALL(t, cmpxchg8b, linear, flags_all(t), mode);
    }
    flags_forget(t);
}

void trans_bswap(X86Trans *t)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal v = op_load(t, 0);
    if (bytes == 8) {
        v = ir_op1(t->ir, IR_BSWAP, v);
    } else if (bytes == 4) {
        v = ir_op1(t->ir, IR_ZEXT64, ir_op1(t->ir, IR_BSWAP,
                                            ir_op1(t->ir, IR_TRUNC, v)));
    } else {
        v = k64(t, 0); /* undefined; processors clear the register */
    }
    op_store(t, 0, v);
}

void trans_movbe(X86Trans *t)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal v = ir_op1(t->ir, IR_BSWAP, op_load(t, 1));
    op_store(t, 0, bytes == 8 ? v : ir_op2i(t->ir, IR_SHR, v,
                                            64 - bytes * 8));
}

/* CBW, CWDE, CDQE. */
void trans_cbw(X86Trans *t)
{
    unsigned bytes = t->in.opsize;
    IrVal v = reg_get(t, X86_RAX, bytes / 2);
    reg_set(t, X86_RAX, clean(t, widen_signed(t, v, bytes / 2), bytes),
            bytes);
}

/* CWD, CDQ, CQO. */
void trans_cwd(X86Trans *t)
{
    unsigned bytes = t->in.opsize;
    IrVal v = widen_signed(t, reg_get(t, X86_RAX, bytes), bytes);
    IrVal sign = ir_op2i(t->ir, IR_SAR, v, 63);
    reg_set(t, X86_RDX, clean(t, sign, bytes), bytes);
}

void trans_xlat(X86Trans *t)
{
    IrVal sum = ir_op2(t->ir, IR_ADD, ir_get(t->ir, X86_RBX),
                       reg_get(t, X86_RAX, 1));
    IrVal linear = mem_linear(t, t->in.seg, clean(t, sum, t->in.addrsize), 1,
                              false);
    reg_set(t, X86_RAX, mem_ld(t, linear, 1), 1);
}

void trans_setcc(X86Trans *t)
{
    op_store(t, 0, cond_value(t, flags_cond(t, t->in.opcode & 15)));
}

void trans_cmov(X86Trans *t)
{
    IrVal b = op_load(t, 1), a = op_load(t, 0);
    Cond c = flags_cond(t, t->in.opcode & 15);
    op_store(t, 0, ir_select(t->ir, c.cond, c.x, c.y, b, a));
}
