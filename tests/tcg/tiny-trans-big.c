/*
 * The same of vectors and numbers of 80 bits; see tiny.h.
 */
#include "tiny-parts.h"

/* --- vectors ---------------------------------------------------------------------- */

static void trans_vec(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    VecOp op = tiny_vec_op(in);
    const char *sig = vec_ops[op].sig;
    const unsigned regs[] = { in->d, in->s, (in->s + 1) & 7 };
    IrVal args[4];
    unsigned n = 0;
    for (; sig[2 + n] == 'v'; n++) {
        args[n] = ir_get(b, TINY_REG_V0 + regs[n]);
    }
    if (sig[2 + n] == '8') {
        args[n] = ir_get(b, in->s);
    } else if (sig[2 + n]) {
        args[n] = ir_op1(b, IR_TRUNC, ir_get(b, in->s));
    }
    IrVal r = ir_vec(b, op, tiny_vec_imm(in), args);
    if (sig[0] == 'v') {
        ir_set(b, TINY_REG_V0 + in->d, r);
    } else {
        ir_set(b, in->d, sig[0] == '8' ? r : ir_op1(b, IR_ZEXT64, r));
    }
}

void tiny_trans_vector(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    IrMem mem = tiny_vec_mem(in) | IR_MEM_MODE(tc->mmu_data);
    unsigned d = TINY_REG_V0 + in->d;
    switch (in->op) {
    case TINY_VMOV:
        ir_set(b, d, ir_get(b, TINY_REG_V0 + in->s));
        break;
    case TINY_VSET:
        ir_set(b, d, ir_vec_const(b, tiny_vec_const(in)));
        break;
    case TINY_VLD:
        ir_set(b, d, ir_ld(b, IR_V128, tiny_address(b, in), mem));
        break;
    case TINY_VST:
        ir_st(b, tiny_address(b, in), ir_get(b, d), mem);
        break;
    default:
        trans_vec(tc, in);
        break;
    }
}

/* --- numbers of 80 bits ------------------------------------------------------------- */

static void trans_xop(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    X80Op op = tiny_x80_op(in);
    const char *sig = x80_ops[op].sig;
    const unsigned regs[] = { in->d, in->s };
    IrVal args[3];
    unsigned n = 0;
    for (; sig[2 + n] == 'x'; n++) {
        args[n] = ir_get(b, TINY_REG_F0 + regs[n]);
    }
    if (sig[2 + n]) {
        IrVal x = ir_get(b, in->s);
        args[n] = sig[2 + n] == '8' ? x : ir_op1(b, IR_TRUNC, x);
    }
    IrVal r = ir_x80(b, op, tiny_x80_imm(in), args);
    if (sig[0] == 'x') {
        ir_set(b, TINY_REG_F0 + in->d, r);
    } else if (sig[0] != '-') {
        ir_set(b, in->d, ir_op1(b, IR_ZEXT64, r));
    }
}

static void trans_xspecial(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    uint64_t v[2];
    tiny_x80_special(in, v);
    const IrVal args[] = { ir_const(b, IR_I64, in->d), ir_const(b, IR_I64, v[0]),
                           ir_const(b, IR_I64, v[1]) };
    ir_call(b, &tiny_h_xspecial, args);
}

void tiny_trans_x80(TranslateContext *tc, const TinyInsn *in)
{
    IrBlock *b = tc->ir;
    unsigned d = TINY_REG_F0 + in->d;
    IrMem mem = tiny_x80_mem(in) | IR_MEM_MODE(tc->mmu_data);
    switch (in->op) {
    case TINY_XMOV:
        ir_set(b, d, ir_get(b, TINY_REG_F0 + in->s));
        break;
    case TINY_XLD:
        ir_set(b, d, ir_ld(b, IR_F80, tiny_address(b, in), mem));
        break;
    case TINY_XST:
        ir_st(b, tiny_address(b, in), ir_get(b, d), mem);
        break;
    case TINY_XSPECIAL:
        trans_xspecial(tc, in);
        break;
    default:
        trans_xop(tc, in);
        break;
    }
}
