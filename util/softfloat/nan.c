/*
 * Which NaN comes out. IEEE 754 (6.2.3) leaves the choice to the processor, and
 * every family chooses otherwise: SSE the first operand (SDM vol. 1, table
 * 4-7), the x87 the larger significand (same table), Arm a signalling one
 * (Arm ARM, FPProcessNaNs), RISC-V none of them ("F", 11.3).
 */
#include "formats.h"

Parts parts_default_nan(const SfEnv *env)
{
    return (Parts){ .kind = PARTS_QNAN,
                    .sign = env->nan_negative,
                    .sig = (U128)3 << 126 };
}

Parts parts_invalid(SfEnv *env)
{
    env->flags |= SF_INVALID;
    return parts_default_nan(env);
}

static Parts parts_quieted(const Parts *a)
{
    Parts r = *a;
    r.kind = PARTS_QNAN;
    r.sig |= (U128)1 << 126;
    return r;
}

Parts parts_nan1(const Parts *a, SfEnv *env)
{
    if (a->kind != PARTS_QNAN) {
        env->flags |= SF_INVALID;
    }
    bool none = env->nan_rule == SF_NAN_DEFAULT || a->kind == PARTS_BAD;
    return none ? parts_default_nan(env) : parts_quieted(a);
}

/* The x87's choice (SDM vol. 1, table 4-7). */
static const Parts *x87_choice(const Parts *a, const Parts *b)
{
    if (!parts_is_nan(a) || !parts_is_nan(b)) {
        return parts_is_nan(a) ? a : b;
    }
    if (a->kind != b->kind) {
        return a->kind == PARTS_QNAN ? a : b;
    }
    if (a->sig != b->sig) {
        return a->sig > b->sig ? a : b;
    }
    return a->sign ? b : a;
}

static const Parts *first_of_kind(const Parts *const ops[], PartsKind kind)
{
    for (int i = 0; i < 3; i++) {
        if (ops[i] && ops[i]->kind == kind) {
            return ops[i];
        }
    }
    return NULL;
}

/* ops in order of precedence; the third may be null. */
static Parts parts_choose(const Parts *const ops[], SfEnv *env)
{
    const Parts *signalling = first_of_kind(ops, PARTS_SNAN);
    const Parts *bad = first_of_kind(ops, PARTS_BAD);
    if (signalling || bad) {
        env->flags |= SF_INVALID;
    }
    if (bad || env->nan_rule == SF_NAN_DEFAULT) {
        return parts_default_nan(env);
    }
    if (env->nan_rule == SF_NAN_X87) {
        return parts_quieted(x87_choice(ops[0], ops[1]));
    }
    if (env->nan_rule == SF_NAN_ARM && signalling) {
        return parts_quieted(signalling);
    }
    int first = parts_is_nan(ops[0]) ? 0 : parts_is_nan(ops[1]) ? 1 : 2;
    return parts_quieted(ops[first]);
}

Parts parts_nan2(const Parts *a, const Parts *b, SfEnv *env)
{
    const Parts *const ops[3] = { a, b, NULL };
    return parts_choose(ops, env);
}

Parts parts_nan3(const Parts *a, const Parts *b, const Parts *c, SfEnv *env)
{
    /* Arm's FPProcessNaNs3 looks at the addend first. */
    bool arm = env->nan_rule == SF_NAN_ARM;
    const Parts *const abc[3] = { a, b, c }, *const cab[3] = { c, a, b };
    return parts_choose(arm ? cab : abc, env);
}

#define SF_DEFINE(T, p)                                                        \
    T p##_default_nan(const SfEnv *env)                                        \
    {                                                                          \
        Parts r = parts_default_nan(env);                                      \
        return p##_pack(&r);                                                   \
    }                                                                          \
    T p##_quiet(T a, SfEnv *env)                                               \
    {                                                                          \
        SfEnv keep = { 0 };                                                    \
        Parts r = p##_unpack(a, &keep);                                        \
        if (!parts_is_nan(&r)) {                                               \
            return a;                                                          \
        }                                                                      \
        r = parts_nan1(&r, env);                                               \
        return p##_pack(&r);                                                   \
    }
SF_FORMATS(SF_DEFINE)
