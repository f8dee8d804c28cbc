/*
 * The plain made-up processor's vectors and numbers of 80 bits.
 */
#include <string.h>

#include "base/bits.h"
#include "tiny-model.h"

/* --- vectors ---------------------------------------------------------------------- */

bool model_vector_memory(Step *st, const TinyInsn *in)
{
    TinyState *s = &st->m->s;
    bool load = in->op == TINY_VLD;
    uint64_t none[2] = { 0, 0 };
    uint64_t *v = load ? none : s->v[in->d];
    if (!model_access(st, model_address(s, in), tiny_vec_mem(in), v,
                      load ? MMU_LOAD : MMU_STORE)) {
        return false;
    }
    if (load) {
        memcpy(s->v[in->d], none, sizeof none);
    }
    return true;
}

/* By the row's own function. */
bool model_vec(Step *st, const TinyInsn *in)
{
    TinyState *s = &st->m->s;
    VecOp op = tiny_vec_op(in);
    const char *sig = vec_ops[op].sig;
    VecArgs v = { .x = s->r[in->s], .imm = tiny_vec_imm(in) };
    SfEnv env = sf_env_sse(s->fp);
    memcpy(&v.a, s->v[in->d], sizeof v.a);
    memcpy(&v.b, s->v[in->s], sizeof v.b);
    memcpy(&v.c, s->v[(in->s + 1) & 7], sizeof v.c);
    if (strchr(sig + 2, '4')) {
        v.x = (uint32_t)v.x;
    }
    vec_ops[op].fn(&v, &env);
    if (vec_ops[op].env) {
        s->fp |= env.flags;
        if (env.flags & env.unmasked) {
            st->cause = CAUSE_FP | env.flags << 8;
            return false;
        }
    }
    if (sig[0] == 'v') {
        memcpy(s->v[in->d], &v.out, sizeof v.out);
    } else {
        s->r[in->d] = v.r;
    }
    return true;
}

/* --- numbers of 80 bits ------------------------------------------------------------- */

static SfEnv x80_env(const TinyState *s)
{
    SfEnv env = sf_env_x87(s->xcontrol | SF_ALL);
    env.flags = s->xflags;
    return env;
}

static void note_flags(TinyState *s, const SfEnv *env)
{
    s->xflags = env->flags & TINY_X80_FLAGS;
}

static Sf80 number(const uint64_t w[2])
{
    return (Sf80){ w[0], w[1] };
}

static void put_number(uint64_t w[2], Sf80 v)
{
    w[0] = v.frac;
    w[1] = v.sign_exp;
}

void model_xop(TinyState *s, const TinyInsn *in)
{
    X80Op op = tiny_x80_op(in);
    const char *sig = x80_ops[op].sig;
    SfEnv env = x80_env(s);
    X80Args v = { .a = number(s->f[in->d]), .b = number(s->f[in->s]),
                  .x = s->r[in->s], .imm = tiny_x80_imm(in) };
    if (strchr(sig + 2, '4')) {
        v.x = (uint32_t)v.x;
    }
    x80_do(op, &v, &env);
    note_flags(s, &env);
    if (sig[0] == 'x') {
        put_number(s->f[in->d], v.out);
    } else if (sig[0] != '-') {
        s->r[in->d] = v.r;
    }
}

/* The bits of memory beyond a load's are 0. */
static bool model_xld(Step *st, const TinyInsn *in)
{
    TinyState *s = &st->m->s;
    IrMem mem = tiny_x80_mem(in);
    uint64_t bytes[2] = { 0, 0 };
    SfEnv env = x80_env(s);
    if (!model_access(st, model_address(s, in), mem, bytes, MMU_LOAD)) {
        return false;
    }
    put_number(s->f[in->d], x80_load(ir_mem_x80(mem), bytes, &env));
    note_flags(s, &env);
    return true;
}

/* Flags are those before, if it faults. */
static bool model_xst(Step *st, const TinyInsn *in)
{
    TinyState *s = &st->m->s;
    IrMem mem = tiny_x80_mem(in);
    uint64_t bytes[2] = { 0, 0 };
    SfEnv env = x80_env(s);
    x80_store(ir_mem_x80(mem), number(s->f[in->d]), bytes, &env);
    if (!model_access(st, model_address(s, in), mem, bytes, MMU_STORE)) {
        return false;
    }
    note_flags(s, &env);
    return true;
}

bool model_x80_memory(Step *st, const TinyInsn *in)
{
    return in->op == TINY_XLD ? model_xld(st, in) : model_xst(st, in);
}
