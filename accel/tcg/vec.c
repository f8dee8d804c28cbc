/*
 * Operations on vectors and on numbers of 80 bits as a back end calls them: in
 * memory, one at a time.
 */
#include "tb.h"

void tcg_vec_checked(Cpu *cpu, VecOp op, VecArgs *v)
{
    SfEnv env = cpu->fp;
    env.flags = 0;
    vec_ops[op].fn(v, &env);
    /* The rows themselves leave out what an unmasked exception hides: only they
     * know in which of their steps it came. */
    cpu->fp.flags |= env.flags;
    if (env.flags & env.unmasked) {
        cpu->cls->fp_trap(cpu, env.flags);
        cpu_raise(cpu);
    }
}

V128 tcg_vec(Cpu *cpu, const IrInst *i, const V128 *const in[3], uint64_t x)
{
    const VecInfo *row = &vec_ops[ir_vec_op(i)];
    VecArgs v = { .x = x, .imm = ir_vec_imm(i) };
    V128 *const operand[3] = { &v.a, &v.b, &v.c };
    for (unsigned k = 0; row->sig[2 + k] == 'v'; k++) {
        *operand[k] = *in[k];
    }
    if (i->op == IR_FVECX) {
        tcg_vec_checked(cpu, ir_vec_op(i), &v);
    } else {
        row->fn(&v, &cpu->fp);
    }
    return row->sig[0] == 'v' ? v.out : (V128){ { v.r, 0 } };
}

static Sf80 number(const V128 *v)
{
    return (Sf80){ v->w[0], v->w[1] };
}

static V128 bits_of(Sf80 v)
{
    return (V128){ { v.frac, v.sign_exp } };
}

V128 tcg_x80(Cpu *cpu, const IrInst *i, const V128 *const in[2], uint64_t x)
{
    const char *sig = x80_ops[ir_x80_op(i)].sig;
    X80Args v = { .x = x, .imm = ir_x80_imm(i) };
    Sf80 *const operand[2] = { &v.a, &v.b };
    for (unsigned k = 0; sig[2 + k] == 'x'; k++) {
        *operand[k] = number(in[k]);
    }
    x80_do(ir_x80_op(i), &v, &cpu->fp80);
    return sig[0] == 'x' ? bits_of(v.out) : (V128){ { v.r, 0 } };
}

V128 tcg_x80_load(Cpu *cpu, const V128 *bytes, IrMem mem)
{
    return bits_of(x80_load(ir_mem_x80(mem), bytes->w, &cpu->fp80));
}

V128 tcg_x80_bytes(const V128 *v, IrMem mem, SfEnv *env)
{
    V128 bytes;
    x80_store(ir_mem_x80(mem), number(v), bytes.w, env);
    return bytes;
}
