/*
 * The table of operations on numbers of 80 bits (base/x80.h).
 */
#include "base/x80.h"

#include "base/bits.h"

const X80Info x80_ops[X80_OP_COUNT] = {
#define X80_OP(name, text, sig, c1, meaning) \
    [X80_##name] = { text, sig, X80_C1_##c1 },
#include "base/x80-ops.def"
#undef X80_OP
};

/* --- constants --------------------------------------------------------------- */

/* As rounded down, and whether rounding to nearest goes up from there. ORDER
 * x80-const */
static const struct {
    Sf80 down;
    bool inexact, near_up;
} constants[X80_K_COUNT] = {
    { { UINT64_C(0x8000000000000000), 0x3fff }, false, false },
    { { UINT64_C(0xd49a784bcd1b8afe), 0x4000 }, true, false },
    { { UINT64_C(0xb8aa3b295c17f0bb), 0x3fff }, true, true },
    { { UINT64_C(0xc90fdaa22168c234), 0x4000 }, true, true },
    { { UINT64_C(0x9a209a84fbcff798), 0x3ffd }, true, true },
    { { UINT64_C(0xb17217f7d1cf79ab), 0x3ffe }, true, true },
    { { 0, 0 }, false, false },
};

Sf80 x80_constant(X80Const k, SfRound rounding)
{
    Sf80 v = constants[k].down;
    bool up = rounding == SF_UP ||
              (rounding == SF_NEAREST_EVEN && constants[k].near_up);
    v.frac += up && constants[k].inexact;
    return v;
}

/* --- flags --------------------------------------------------------------------- */

static void tell(SfEnv *env, const SfEnv *own, X80C1 c1)
{
    unsigned flags = env->flags;
    if (c1 != X80_C1_KEEP) {
        flags &= ~SF_ROUNDED_UP;
    }
    if (c1 == X80_C1_ROUND) {
        flags |= own->flags & SF_ROUNDED_UP;
    }
    env->flags = flags | (own->flags & SF_ALL);
}

static SfEnv own_env(const SfEnv *env)
{
    SfEnv own = *env;
    own.flags = 0;
    return own;
}

/* --- arithmetic ------------------------------------------------------------------ */

/* ORDER x80-arith: rows that differ in their second operand alone. */
typedef enum Arith { ADD, MUL, SUB, SUBR, DIV, DIVR } Arith;

static Sf80 compute(Arith op, Sf80 a, Sf80 b, SfEnv *env)
{
    switch (op) {
    case ADD: return sf80_add(a, b, env);
    case MUL: return sf80_mul(a, b, env);
    case SUB: return sf80_sub(a, b, env);
    case SUBR: return sf80_sub(b, a, env);
    case DIV: return sf80_div(a, b, env);
    case DIVR: return sf80_div(b, a, env);
    }
    g_assert_not_reached();
}

Sf80 x80_widen(X80Kind kind, uint64_t v, bool *denormal)
{
    SfEnv env = sf_env_x87(0x37f);
    Sf80 r = kind == X80_F32 ? sf32_to_sf80(v, &env) : sf64_to_sf80(v, &env);
    *denormal = env.flags & SF_DENORMAL;
    if (env.flags & SF_INVALID) {
        r.frac &= ~BIT(62);
    }
    return r;
}

/* Whether an operation looks at a denormal in memory it says of a denormal of
 * 80 bits. */
static Sf80 with_memory(Arith op, const X80Args *v, X80Kind kind, SfEnv *env)
{
    bool denormal;
    Sf80 b = x80_widen(kind, v->x, &denormal);
    if (denormal) {
        SfEnv probe = own_env(env);
        compute(op, v->a, (Sf80){ 1, b.sign_exp & 0x8000 }, &probe);
        env->flags |= probe.flags & SF_DENORMAL;
    }
    return compute(op, v->a, b, env);
}

static unsigned relation(Sf80 a, Sf80 b, bool signalling, SfEnv *env)
{
    switch (sf80_compare(a, b, signalling, env)) {
    case SF_UNORDERED: return 0x45;
    case SF_LESS: return 1;
    case SF_EQUAL: return 0x40;
    default: return 0;
    }
}

static unsigned relation_memory(const X80Args *v, X80Kind kind, SfEnv *env)
{
    bool denormal;
    Sf80 b = x80_widen(kind, v->x, &denormal);
    if (denormal) {
        SfEnv probe = own_env(env);
        relation(v->a, (Sf80){ 1, b.sign_exp & 0x8000 }, true, &probe);
        env->flags |= probe.flags & SF_DENORMAL;
    }
    return relation(v->a, b, true, env);
}

static Sf80 sign_set_to(Sf80 a, unsigned sign)
{
    return (Sf80){ a.frac, (a.sign_exp & 0x7fff) | sign };
}

static void compare_rows(X80Op op, X80Args *v, SfEnv *env)
{
    switch (op) {
    case X80_COM: case X80_COMI:
        v->r = relation(v->a, v->b, true, env);
        break;
    case X80_UCOM: case X80_UCOMI:
        v->r = relation(v->a, v->b, false, env);
        break;
    case X80_COMF32: v->r = relation_memory(v, X80_F32, env); break;
    case X80_COMF64: v->r = relation_memory(v, X80_F64, env); break;
    case X80_C1CLEAR: break;
    default: g_assert_not_reached();
    }
}

static void do_row(X80Op op, X80Args *v, SfEnv *env)
{
    switch (op) {
    case X80_ADD: v->out = compute(ADD, v->a, v->b, env); break;
    case X80_MUL: v->out = compute(MUL, v->a, v->b, env); break;
    case X80_SUB: v->out = compute(SUB, v->a, v->b, env); break;
    case X80_DIV: v->out = compute(DIV, v->a, v->b, env); break;
    case X80_ADDF32: v->out = with_memory(ADD, v, X80_F32, env); break;
    case X80_MULF32: v->out = with_memory(MUL, v, X80_F32, env); break;
    case X80_SUBF32: v->out = with_memory(SUB, v, X80_F32, env); break;
    case X80_SUBRF32: v->out = with_memory(SUBR, v, X80_F32, env); break;
    case X80_DIVF32: v->out = with_memory(DIV, v, X80_F32, env); break;
    case X80_DIVRF32: v->out = with_memory(DIVR, v, X80_F32, env); break;
    case X80_ADDF64: v->out = with_memory(ADD, v, X80_F64, env); break;
    case X80_MULF64: v->out = with_memory(MUL, v, X80_F64, env); break;
    case X80_SUBF64: v->out = with_memory(SUB, v, X80_F64, env); break;
    case X80_SUBRF64: v->out = with_memory(SUBR, v, X80_F64, env); break;
    case X80_DIVF64: v->out = with_memory(DIV, v, X80_F64, env); break;
    case X80_DIVRF64: v->out = with_memory(DIVR, v, X80_F64, env); break;
    case X80_SQRT: v->out = sf80_sqrt(v->a, env); break;
    case X80_RINT:
        v->out = sf80_round_int(v->a, env->rounding, true, env);
        break;
    case X80_CHS: v->out = sign_set_to(v->a, ~v->a.sign_exp & 0x8000); break;
    case X80_ABS: v->out = sign_set_to(v->a, 0); break;
    case X80_CONST: v->out = x80_constant(v->imm, env->rounding); break;
    case X80_SEL: v->out = v->x ? v->b : v->a; break;
    default: compare_rows(op, v, env); break;
    }
}

void x80_do(X80Op op, X80Args *v, SfEnv *env)
{
    SfEnv own = own_env(env);
    do_row(op, v, &own);
    tell(env, &own, x80_ops[op].c1);
}

/* --- memory -------------------------------------------------------------------------- */

static Sf80 load(X80Kind kind, const uint64_t bytes[2], SfEnv *env)
{
    switch (kind) {
    case X80_F32: return sf32_to_sf80(bytes[0], env);
    case X80_F64: return sf64_to_sf80(bytes[0], env);
    case X80_F80: return (Sf80){ bytes[0], bytes[1] };
    case X80_I16: return sf80_from_int64((int16_t)bytes[0], env);
    case X80_I32: return sf80_from_int64((int32_t)bytes[0], env);
    default: return sf80_from_int64(bytes[0], env);
    }
}

Sf80 x80_load(X80Kind kind, const uint64_t bytes[2], SfEnv *env)
{
    SfEnv own = own_env(env);
    Sf80 v = load(kind, bytes, &own);
    tell(env, &own, X80_C1_CLEAR);
    return v;
}

static uint64_t to_int(X80Kind kind, Sf80 v, SfEnv *env)
{
    static const uint8_t bits[] = { [X80_I16] = 16, [X80_I32] = 32,
                                    [X80_I64] = 64, [X80_T16] = 16,
                                    [X80_T32] = 32, [X80_T64] = 64 };
    return sf80_to_int(v, SF_INT(bits[kind]) | SF_INT_INDEFINITE |
                              (kind >= X80_T16 ? SF_INT_TRUNCATE : 0), env);
}

void x80_store(X80Kind kind, Sf80 v, uint64_t bytes[2], SfEnv *env)
{
    SfEnv own = own_env(env);
    bytes[1] = 0;
    switch (kind) {
    case X80_F32: bytes[0] = sf80_to_sf32(v, &own); break;
    case X80_F64: bytes[0] = sf80_to_sf64(v, &own); break;
    case X80_F80:
        bytes[0] = v.frac;
        bytes[1] = v.sign_exp;
        break;
    default: bytes[0] = to_int(kind, v, &own); break;
    }
    tell(env, &own, X80_C1_ROUND);
}
