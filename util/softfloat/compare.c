/*
 * Comparison, minimum and maximum, and what a value is (IEEE 754-2019, 5.11,
 * 9.6; SDM vol. 2, MINPS, COMISS, FXAM).
 */
#include "formats.h"

static int magnitude_compare(const Parts *a, const Parts *b)
{
    if (a->kind != b->kind || a->kind != PARTS_NUMBER) {
        return (int)a->kind - (int)b->kind; /* zero, number, infinity */
    }
    if (a->exp != b->exp) {
        return a->exp < b->exp ? -1 : 1;
    }
    return a->sig < b->sig ? -1 : a->sig > b->sig;
}

SfRelation parts_compare(const Parts *a, const Parts *b)
{
    if (a->kind == PARTS_ZERO && b->kind == PARTS_ZERO) {
        return SF_EQUAL;
    }
    if (a->sign != b->sign) {
        return a->sign ? SF_LESS : SF_GREATER;
    }
    int order = magnitude_compare(a, b);
    if (order == 0) {
        return SF_EQUAL;
    }
    return (order < 0) ^ a->sign ? SF_LESS : SF_GREATER;
}

static SfRelation compare_flagged(const Parts *a, const Parts *b,
                                  bool signalling, SfEnv *env)
{
    if (parts_any_nan(a, b)) {
        if (signalling || a->kind > PARTS_QNAN || b->kind > PARTS_QNAN) {
            env->flags |= SF_INVALID;
        }
        return SF_UNORDERED;
    }
    parts_note_denormal(a, env);
    parts_note_denormal(b, env);
    return parts_compare(a, b);
}

/* Which operand a minimum or maximum is. */
typedef enum Choice { CHOICE_A, CHOICE_B, CHOICE_NAN } Choice;

static Choice choose_number(const Parts *a, const Parts *b, SfMinMax rule,
                            bool max)
{
    SfRelation r = parts_compare(a, b);
    if (r != SF_EQUAL) {
        return (r == SF_GREATER) == max ? CHOICE_A : CHOICE_B;
    }
    if (rule == SF_MM_X86) {
        return CHOICE_B;
    }
    return a->sign == max ? CHOICE_B : CHOICE_A; /* -0 < +0 */
}

static Choice choose_nan(const Parts *a, const Parts *b, SfMinMax rule,
                         SfEnv *env)
{
    bool signalling = a->kind > PARTS_QNAN || b->kind > PARTS_QNAN;
    if (signalling || rule == SF_MM_X86) {
        env->flags |= SF_INVALID;
    }
    if (rule == SF_MM_X86) {
        return CHOICE_B;
    }
    bool both = parts_is_nan(a) && parts_is_nan(b);
    if (both || rule == SF_MM_PROPAGATE_2019 ||
        (rule == SF_MM_NUM_2008 && signalling)) {
        return CHOICE_NAN;
    }
    return parts_is_nan(a) ? CHOICE_B : CHOICE_A;
}

static Choice choose(const Parts *a, const Parts *b, SfMinMax rule, bool max,
                     SfEnv *env)
{
    if (parts_any_nan(a, b)) {
        return choose_nan(a, b, rule, env);
    }
    parts_note_denormal(a, env);
    parts_note_denormal(b, env);
    return choose_number(a, b, rule, max);
}

/* A chosen operand is returned as it is, but for a denormal that was flushed.*/
#define SF_DEFINE(T, p)                                                        \
    static T p##_minmax(T a, T b, SfMinMax rule, bool max, SfEnv *env)         \
    {                                                                          \
        Parts pa = p##_unpack(a, env), pb = p##_unpack(b, env);                \
        Choice which = choose(&pa, &pb, rule, max, env);                       \
        if (which == CHOICE_NAN) {                                             \
            pa = parts_nan2(&pa, &pb, env);                                    \
            return p##_pack(&pa);                                              \
        }                                                                      \
        const Parts *r = which == CHOICE_A ? &pa : &pb;                        \
        return r->kind == PARTS_ZERO ? p##_pack(r)                             \
               : which == CHOICE_A   ? a                                       \
                                     : b;                                        \
    }                                                                          \
    T p##_min(T a, T b, SfMinMax rule, SfEnv *env)                             \
    {                                                                          \
        return p##_minmax(a, b, rule, false, env);                             \
    }                                                                          \
    T p##_max(T a, T b, SfMinMax rule, SfEnv *env)                             \
    {                                                                          \
        return p##_minmax(a, b, rule, true, env);                              \
    }                                                                          \
    SfRelation p##_compare(T a, T b, bool signalling, SfEnv *env)              \
    {                                                                          \
        Parts pa = p##_unpack(a, env), pb = p##_unpack(b, env);                \
        return compare_flagged(&pa, &pb, signalling, env);                     \
    }
SF_FORMATS(SF_DEFINE)

static SfClass parts_classify(const Parts *p)
{
    static const SfClass special[] = {
        [PARTS_ZERO] = SF_CLASS_ZERO,
        [PARTS_INF] = SF_CLASS_INF,
        [PARTS_QNAN] = SF_CLASS_QNAN,
        [PARTS_SNAN] = SF_CLASS_SNAN,
    };
    if (p->kind == PARTS_NUMBER) {
        return p->denormal ? SF_CLASS_DENORMAL : SF_CLASS_NORMAL;
    }
    return special[p->kind];
}

#define SF_DEFINE_CLASSIFY(T, p)                                               \
    SfClass p##_classify(T a)                                                  \
    {                                                                          \
        SfEnv keep = { 0 };                                                    \
        Parts r = p##_unpack(a, &keep);                                        \
        return parts_classify(&r);                                             \
    }
SF_DEFINE_CLASSIFY(Sf16, sf16)
SF_DEFINE_CLASSIFY(SfB16, sfb16)
SF_DEFINE_CLASSIFY(Sf32, sf32)
SF_DEFINE_CLASSIFY(Sf64, sf64)
SF_DEFINE_CLASSIFY(Sf128, sf128)

SfClass sf80_classify(Sf80 a)
{
    unsigned exp = a.sign_exp & 0x7fff;
    bool integer = a.frac >> 63;
    if (exp == 0 && integer) {
        return SF_CLASS_PSEUDO_DENORMAL;
    }
    if (exp == 0 || integer) {
        SfEnv keep = { 0 };
        Parts r = sf80_unpack(a, &keep);
        return parts_classify(&r);
    }
    if (exp != 0x7fff) {
        return SF_CLASS_UNNORMAL;
    }
    return a.frac ? SF_CLASS_PSEUDO_NAN : SF_CLASS_PSEUDO_INF;
}
