/*
 * The form that all arithmetic works in, whatever the format: a sign, an
 * exponent without bias or bounds, and a significand of 128 bits. An operation
 * unpacks its operands, computes exactly or with a sticky last bit, rounds
 * once to its format, and packs.
 */
#ifndef SOFTFLOAT_PARTS_H
#define SOFTFLOAT_PARTS_H

#include "base/softfloat.h"
#include "wide.h"

typedef enum PartsKind {
    PARTS_ZERO,
    PARTS_NUMBER,
    PARTS_INF,
    PARTS_QNAN, /* the NaNs are last: see parts_is_nan() */
    PARTS_SNAN,
    PARTS_BAD, /* an x87 encoding that is no value */
} PartsKind;

/* A number is sig / 2^127 * 2^exp with bit 127 of sig set; when rounding made
 * it denormal, bit 127 is clear and exp is the format's smallest. A NaN has
 * its payload from bit 126 (the quiet bit) down, and bit 127 set. */
typedef struct Parts {
    U128 sig;
    int32_t exp;
    uint8_t kind; /* PartsKind */
    bool sign;
    bool denormal; /* was a denormal operand and was not flushed */
} Parts;

typedef struct SfFormat {
    uint8_t precision; /* bits of the significand, the first included */
    uint8_t total;     /* bits of the format */
    int16_t emin, emax;
    bool x87; /* integer bit stored; obeys env->precision */
} SfFormat;

static const SfFormat sf16_format = { 11, 16, -14, 15, false };
static const SfFormat sfb16_format = { 8, 16, -126, 127, false };
static const SfFormat sf32_format = { 24, 32, -126, 127, false };
static const SfFormat sf64_format = { 53, 64, -1022, 1023, false };
static const SfFormat sf80_format = { 64, 80, -16382, 16383, true };
static const SfFormat sf128_format = { 113, 128, -16382, 16383, false };

/* Type and prefix of each format, for the wrappers at the end of each file. */
#define SF_FORMATS(_)                                                   \
    _(Sf16, sf16) _(SfB16, sfb16) _(Sf32, sf32) _(Sf64, sf64)           \
    _(Sf80, sf80) _(Sf128, sf128)

static inline bool parts_is_nan(const Parts *p)
{
    return p->kind >= PARTS_QNAN;
}

static inline bool parts_any_nan(const Parts *a, const Parts *b)
{
    return parts_is_nan(a) || parts_is_nan(b);
}

static inline Parts parts_zero(bool sign)
{
    return (Parts){ .kind = PARTS_ZERO, .sign = sign };
}

static inline Parts parts_inf(bool sign)
{
    return (Parts){ .kind = PARTS_INF, .sign = sign };
}

static inline Parts parts_number(bool sign, int32_t exp, U128 sig)
{
    return (Parts){
        .kind = PARTS_NUMBER, .sign = sign, .exp = exp, .sig = sig
    };
}

/* A number from any significand that is not 0, its bit 127 worth 2^exp. */
static inline Parts parts_normalize(bool sign, int32_t exp, U128 sig)
{
    int n = u128_clz(sig);
    return parts_number(sign, exp - n, sig << n);
}

/* Raises SF_DENORMAL where the environment wants that of operands. */
static inline void parts_note_denormal(const Parts *p, SfEnv *env)
{
    if (p->denormal && env->denormal_in == SF_IN_FLAG) {
        env->flags |= SF_DENORMAL;
    }
}

/* nan.c: what an operation on NaNs gives; invalid is raised if one was
 * signalling. */
Parts parts_default_nan(const SfEnv *env);
Parts parts_invalid(SfEnv *env); /* the default NaN, and SF_INVALID */
Parts parts_nan1(const Parts *a, SfEnv *env);
Parts parts_nan2(const Parts *a, const Parts *b, SfEnv *env);
Parts parts_nan3(const Parts *a, const Parts *b, const Parts *c, SfEnv *env);

/* round.c: rounds a number to a format, or to `precision` bits in its range. */
void parts_round_to(Parts *p, const SfFormat *f, unsigned precision,
                    SfEnv *env);
/* Does a magnitude that ends in `rest` (of which `half` is a tie) go up? */
bool parts_goes_up(const Parts *p, U128 rest, U128 half, SfRound mode);

static inline void parts_round(Parts *p, const SfFormat *f, SfEnv *env)
{
    if (p->kind == PARTS_NUMBER) {
        parts_round_to(p, f, f->precision, env);
    }
}

/* The same, for the operations that obey the x87's precision control. */
static inline void parts_round_pc(Parts *p, const SfFormat *f, SfEnv *env)
{
    if (p->kind == PARTS_NUMBER) {
        bool pc = f->x87 && env->precision;
        parts_round_to(p, f, pc ? env->precision : f->precision, env);
    }
}

/* add.c, mul.c, div.c, sqrt.c: exact, or with a sticky last bit. */
Parts parts_add(const Parts *a, const Parts *b, bool subtract, SfEnv *env);
Parts parts_mul(const Parts *a, const Parts *b, SfEnv *env);
Parts parts_div(const Parts *a, const Parts *b, SfEnv *env);
Parts parts_sqrt(const Parts *a, unsigned precision, SfEnv *env);

/* compare.c: of values that are no NaNs. */
SfRelation parts_compare(const Parts *a, const Parts *b);

#endif
