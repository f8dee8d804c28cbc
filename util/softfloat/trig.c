/*
 * FSIN, FCOS, FSINCOS and FPTAN. The operand is reduced exactly, with the 66
 * bits of pi that the x87 documents (SDM vol. 1, 8.3.8), so that large operands
 * give the processor's results and not the mathematical ones; the reduced
 * operand, in [-pi/4, pi/4], goes through Taylor's series in 128 bits.
 */
#include "fix.h"

/* pi/2 is this / 2^65. */
#define HALF_PI_66 u128_make(0x3, 0x243f6a8885a308d3)

/* |a| = quadrant * pi/2 +- |rest| */
typedef struct Reduction {
    Parts rest;
    unsigned quadrant;
} Reduction;

/* a's exponent is below 63. */
static Reduction trig_reduce(const Parts *a)
{
    Reduction r = { .rest = *a };
    r.rest.sign = false;
    if (a->exp < -1) {
        return r;
    }
    U128 units = (U128)u128_hi(a->sig) << (a->exp + 2);
    U128 quotient = units / HALF_PI_66;
    U128 rest = units - quotient * HALF_PI_66;
    bool over = rest > HALF_PI_66 - rest;
    rest = over ? HALF_PI_66 - rest : rest;
    r.quadrant = ((unsigned)quotient + over) & 3;
    r.rest = parts_normalize(over, 127 - 65, rest);
    return r;
}

static U128 trig_square(const Parts *r)
{
    U128 f = fix_from_parts(r);
    return fix_mul(f, f);
}

/* sin(r) = r - r^3/3! + r^5/5! ... */
static Parts sin_series(const Parts *r, SfEnv *env)
{
    U128 sum =
        fix_series(trig_square(r), &fix_inverse_factorial[1], 2, 16, true);
    Parts factor = parts_one_minus(sum);
    return parts_mul(r, &factor, env);
}

/* cos(r) = 1 - r^2/2! + r^4/4! ... */
static Parts cos_series(const Parts *r)
{
    U128 sum =
        fix_series(trig_square(r), &fix_inverse_factorial[0], 2, 17, true);
    return parts_one_minus(sum);
}

/* The sine of quadrant * pi/2 + rest: the cosine is that of one quadrant on. */
static Parts trig_sin(const Reduction *r, unsigned quadrant, SfEnv *env)
{
    Parts v = quadrant & 1 ? cos_series(&r->rest) : sin_series(&r->rest, env);
    v.sign ^= quadrant >> 1 & 1;
    v.sig |= 1; /* never exact */
    return v;
}

/* tan(r) = r + r^3/3 ... where a quotient would lose on which side of r it
 * is, otherwise sine by cosine. */
static Parts trig_tan(const Reduction *r, SfEnv *env)
{
    if (!(r->quadrant & 1) && r->rest.exp < -40) {
        Parts factor = parts_one_plus(trig_square(&r->rest) / 3);
        return parts_mul(&r->rest, &factor, env);
    }
    Parts sine = trig_sin(r, r->quadrant, env);
    Parts cosine = trig_sin(r, (r->quadrant + 1) & 3, env);
    Parts v = parts_div(&sine, &cosine, env);
    v.sig |= 1;
    return v;
}

static bool trig_too_large(const Parts *a)
{
    return a->kind == PARTS_NUMBER && a->exp >= 63;
}

/* NaNs and infinities: true if *r is then the result. */
static bool trig_special(const Parts *a, Parts *r, SfEnv *env)
{
    if (parts_is_nan(a)) {
        *r = parts_nan1(a, env);
    } else if (a->kind == PARTS_INF) {
        *r = parts_invalid(env);
    } else {
        parts_note_denormal(a, env);
        return false;
    }
    return true;
}

static Sf80 trig_pack(Parts r, SfEnv *env)
{
    parts_round(&r, &sf80_format, env);
    return sf80_pack(&r);
}

/* The rounding of two results: C1 tells of the one that is asked for last. */
static Sf80 trig_second(Parts r, SfEnv *env)
{
    env->flags &= ~SF_ROUNDED_UP;
    return trig_pack(r, env);
}

bool sf80_sincos(Sf80 a, Sf80 *sine, Sf80 *cosine, SfEnv *env)
{
    Parts pa = sf80_unpack(a, env);
    if (trig_too_large(&pa)) {
        return false;
    }
    Parts s, c;
    if (trig_special(&pa, &s, env)) {
        c = s;
    } else if (pa.kind == PARTS_ZERO) {
        s = pa;
        c = parts_number(false, 0, U128_TOP);
    } else {
        Reduction r = trig_reduce(&pa);
        s = trig_sin(&r, r.quadrant, env);
        c = trig_sin(&r, (r.quadrant + 1) & 3, env);
        s.sign ^= pa.sign;
    }
    if (sine) {
        *sine = trig_pack(s, env);
    }
    if (cosine) {
        *cosine = trig_second(c, env);
    }
    return true;
}

bool sf80_tan(Sf80 a, Sf80 *tangent, SfEnv *env)
{
    Parts pa = sf80_unpack(a, env);
    if (trig_too_large(&pa)) {
        return false;
    }
    Parts t = pa;
    if (!trig_special(&pa, &t, env) && pa.kind == PARTS_NUMBER) {
        Reduction r = trig_reduce(&pa);
        t = trig_tan(&r, env);
        t.sign ^= pa.sign;
    }
    *tangent = trig_pack(t, env);
    return true;
}
