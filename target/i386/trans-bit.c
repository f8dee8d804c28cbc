/*
 * Bit tests and scans, POPCNT and the like, ADCX/ADOX, CRC32.
 */
#include "translate.h"

typedef struct BitPlace {
    IrVal old;             /* the word that holds the bit */
    IrVal linear;          /* where it is, or IR_NO_VAL for a register */
    IrVal bit;             /* in the word */
    unsigned bytes;
} BitPlace;

/* A register offset into memory reaches beyond the operand: signed, in units
 * of the operand's size (vol. 2, BT). */
static IrVal bit_string_linear(X86Trans *t, IrVal offset, unsigned bytes)
{
    IrVal at = widen_signed(t, offset, bytes);
    at = ir_op2i(t->ir, IR_SAR, at, 3);
    at = ir_op2i(t->ir, IR_AND, at, ~(uint64_t)(bytes - 1));
    IrVal ea = ir_op2(t->ir, IR_ADD, mem_effective(t), at);
    return mem_linear(t, t->in.seg, clean(t, ea, t->in.addrsize), bytes,
                      t->store);
}

static BitPlace bit_place(X86Trans *t, bool store)
{
    BitPlace p = { .bytes = op_bytes(t, 0), .linear = IR_NO_VAL };
    t->store = store;
    IrVal offset = op_load(t, 1);
    if (!op_is_memory(t, 0)) {
        p.old = op_load(t, 0);
    } else if (t->in.row->op[1].method == OPM_G) {
        p.linear = bit_string_linear(t, offset, p.bytes);
    } else {
        p.linear = mem_operand(t, p.bytes);
    }
    if (p.linear != IR_NO_VAL) {
        p.old = store ? mem_ld_update(t, p.linear, p.bytes)
                      : mem_ld(t, p.linear, p.bytes);
    }
    p.bit = ir_op2i(t->ir, IR_AND, offset, p.bytes * 8 - 1);
    return p;
}

static void place_store(X86Trans *t, const BitPlace *p, IrVal v)
{
    if (p->linear != IR_NO_VAL) {
        mem_st(t, p->linear, v, p->bytes);
    } else {
        op_store(t, 0, v);
    }
}

/* CF = the bit; the other flags stay. */
static void set_carry_bit(X86Trans *t, const BitPlace *p, IrVal old_flags)
{
    IrVal bit = ir_op2(t->ir, IR_SHR, p->old, p->bit);
    flags_set_eflags(t, ir_deposit(t->ir, old_flags, bit, 0, 1));
}

void trans_bt(X86Trans *t)
{
    BitPlace p = bit_place(t, false);
    set_carry_bit(t, &p, flags_all(t));
}

static void bit_change(X86Trans *t, IrOp op)
{
    BitPlace p = bit_place(t, true);
    IrVal mask = ir_op2(t->ir, IR_SHL, k64(t, 1), p.bit);
    IrVal flags = flags_all(t);
    place_store(t, &p, ir_op2(t->ir, op, p.old, mask));
    set_carry_bit(t, &p, flags);
}

void trans_bts(X86Trans *t)
{
    bit_change(t, IR_OR);
}

void trans_btr(X86Trans *t)
{
    bit_change(t, IR_ANDC);
}

void trans_btc(X86Trans *t)
{
    bit_change(t, IR_XOR);
}

/* A zero source sets ZF and leaves the destination alone; the other flags
 * are those of the source. */
static void scan(X86Trans *t, bool reverse)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal v = op_load(t, 1), old = ir_get(t->ir, t->in.reg);
    IrVal n = ir_op1(t->ir, reverse ? IR_CLZ : IR_CTZ, v);
    if (reverse) {
        n = ir_op2i(t->ir, IR_XOR, n, 63);
    }
    if (bytes == 2) {
        n = ir_deposit(t->ir, old, n, 0, 16);
    }
    IrVal r = ir_select(t->ir, IR_EQ, v, k64(t, 0), old, n);
    ir_set(t->ir, t->in.reg, r);
    flags_set(t, CC_LOGIC, bytes, v, IR_NO_VAL);
}

void trans_bsf(X86Trans *t)
{
    scan(t, false);
}

void trans_bsr(X86Trans *t)
{
    scan(t, true);
}

/* CF = source is zero, ZF = result is zero; the others are cleared. */
static void count_flags(X86Trans *t, IrVal source, IrVal result)
{
    IrVal zero = k64(t, 0);
    IrVal cf = cond_value(t, (Cond){ IR_EQ, source, zero });
    IrVal zf = cond_value(t, (Cond){ IR_EQ, result, zero });
    flags_set_eflags(t, ir_deposit(t->ir, cf, zf, 6, 1));
}

void trans_tzcnt(X86Trans *t)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal v = op_load(t, 1), stop = v;
    if (bytes < 8) {
        stop = ir_op2i(t->ir, IR_OR, v, BIT(bytes * 8));
    }
    IrVal n = ir_op1(t->ir, IR_CTZ, stop);
    op_store(t, 0, n);
    count_flags(t, v, n);
}

void trans_lzcnt(X86Trans *t)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal v = op_load(t, 1);
    IrVal n = ir_op2i(t->ir, IR_SUB, ir_op1(t->ir, IR_CLZ, v),
                      64 - bytes * 8);
    op_store(t, 0, n);
    count_flags(t, v, n);
}

void trans_popcnt(X86Trans *t)
{
    IrVal v = op_load(t, 1);
    op_store(t, 0, ir_op1(t->ir, IR_POPCNT, v));
    IrVal zf = cond_value(t, (Cond){ IR_EQ, v, k64(t, 0) });
    flags_set_eflags(t, ir_op2i(t->ir, IR_SHL, zf, 6));
}

void trans_crc32(X86Trans *t)
{
    IrVal v = op_load(t, 1);
    IrVal crc = reg_get(t, t->in.reg, 4);
    ir_set(t->ir, t->in.reg, CALL(t, crc32, crc, v, k64(t, op_bytes(t, 1))));
}

/* Adds with one flag as carry in and out; the others stay. */
static void add_with_flag(X86Trans *t, unsigned flag_bit)
{
    unsigned bytes = op_bytes(t, 0);
    IrVal b = op_load(t, 1), a = op_load(t, 0);
    IrVal flags = flags_all(t);
    IrVal in = ir_extract(t->ir, flags, flag_bit, 1);
    IrVal ab = ir_op2(t->ir, IR_ADD, a, b);
    IrVal sum = ir_op2(t->ir, IR_ADD, ab, in);
    IrVal out;
    if (bytes == 8) {
        IrVal c1 = cond_value(t, (Cond){ IR_LTU, ab, a });
        IrVal c2 = cond_value(t, (Cond){ IR_LTU, sum, ab });
        out = ir_op2(t->ir, IR_OR, c1, c2);
    } else {
        out = ir_extract(t->ir, sum, 32, 1);
    }
    op_store(t, 0, clean(t, sum, bytes));
    flags_set_eflags(t, ir_deposit(t->ir, flags, out, flag_bit, 1));
}

void trans_adcx(X86Trans *t)
{
    add_with_flag(t, 0);
}

void trans_adox(X86Trans *t)
{
    add_with_flag(t, 11);
}
