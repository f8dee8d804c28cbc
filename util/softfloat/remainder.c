/*
 * Remainders: IEEE 754-2019's (5.3.1), and the steps of the x87's FPREM and
 * FPREM1 (SDM vol. 2), all by long division of significands.
 */
#include "formats.h"

/* a reduced by b: its magnitude as `sig` with b's exponent, below b; `flip` if
 * it is to have the other sign than a. */
typedef struct Reduced {
    U128 sig;
    uint64_t quotient; /* its low bits */
    bool flip;
} Reduced;

/* `steps` bits of the quotient of a by b, as if a's exponent were larger by
 * steps - 1 than b's. Significands end in zeros: halves lose nothing. */
static Reduced reduce(U128 a, U128 b, unsigned steps)
{
    Reduced r = { .sig = a };
    for (; steps; steps--) {
        r.quotient <<= 1;
        if (r.sig >= b) {
            r.sig -= b;
            r.quotient |= 1;
        }
        if (steps > 1) {
            r.sig <<= 1;
        }
    }
    return r;
}

/* To the nearest quotient, an even one if two are as near. */
static void reduce_nearest(Reduced *r, U128 b)
{
    U128 rest = b - r->sig;
    if (r->sig > rest || (r->sig == rest && (r->quotient & 1))) {
        r->sig = rest;
        r->flip = true;
        r->quotient++;
    }
}

/* What is no division of two numbers; true if *r is then the result. */
static bool remainder_special(const Parts *a, const Parts *b, Parts *r,
                              SfEnv *env)
{
    if (parts_any_nan(a, b)) {
        *r = parts_nan2(a, b, env);
        return true;
    }
    if (a->kind == PARTS_INF || b->kind == PARTS_ZERO) {
        *r = parts_invalid(env);
        return true;
    }
    parts_note_denormal(a, env);
    parts_note_denormal(b, env);
    *r = *a;
    return a->kind == PARTS_ZERO || b->kind == PARTS_INF;
}

static Parts reduced_parts(const Reduced *r, const Parts *a, int32_t exp)
{
    if (!r->sig) {
        return parts_zero(a->sign);
    }
    return parts_normalize(a->sign ^ r->flip, exp + 1, r->sig);
}

/* The whole of a / b, or with `nearest` off its truncation. */
static Parts remainder_whole(const Parts *a, const Parts *b, bool nearest,
                             uint64_t *quotient)
{
    int32_t distance = a->exp - b->exp;
    if (distance < -1 || (distance < 0 && !nearest)) {
        *quotient = 0;
        return *a;
    }
    Reduced r = { .sig = a->sig >> 2 };
    if (distance >= 0) {
        r = reduce(a->sig >> 1, b->sig >> 1, distance + 1);
    }
    if (nearest) {
        reduce_nearest(&r, b->sig >> 1);
    }
    *quotient = r.quotient;
    return reduced_parts(&r, a, b->exp);
}

static Parts parts_remainder(const Parts *a, const Parts *b, SfEnv *env)
{
    Parts r;
    uint64_t quotient;
    if (!remainder_special(a, b, &r, env)) {
        r = remainder_whole(a, b, true, &quotient);
    }
    return r;
}

#define SF_DEFINE(T, p)                                                        \
    T p##_remainder(T a, T b, SfEnv *env)                                      \
    {                                                                          \
        Parts pa = p##_unpack(a, env), pb = p##_unpack(b, env);                \
        Parts r = parts_remainder(&pa, &pb, env);                              \
        parts_round(&r, &p##_format, env);                                     \
        return p##_pack(&r);                                                   \
    }
SF_FORMATS(SF_DEFINE)

/* A step that leaves the exponents less far apart by 32 to 63: the manual
 * leaves the number to the processor. */
static Parts prem_partial(const Parts *a, const Parts *b)
{
    int32_t distance = a->exp - b->exp;
    int32_t n = 32 + distance % 32;
    Reduced r = reduce(a->sig >> 1, b->sig >> 1, n + 1);
    return reduced_parts(&r, a, b->exp + distance - n);
}

SfPrem sf80_prem(Sf80 a, Sf80 b, bool nearest, SfEnv *env)
{
    Parts pa = sf80_unpack(a, env), pb = sf80_unpack(b, env), r;
    SfPrem out = { 0 };
    uint64_t quotient = 0;
    if (!remainder_special(&pa, &pb, &r, env)) {
        out.partial = pa.exp - pb.exp >= 64;
        r = out.partial ? prem_partial(&pa, &pb)
                        : remainder_whole(&pa, &pb, nearest, &quotient);
    }
    out.quotient = quotient & 7;
    SfEnv still = { 0 }; /* by infinity, nothing is done: nothing underflows */
    parts_round(&r, &sf80_format, pb.kind == PARTS_INF ? &still : env);
    out.rest = sf80_pack(&r);
    return out;
}
