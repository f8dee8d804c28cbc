/*
 * Between bit patterns and Parts, one pair of functions a format.
 */
#ifndef SOFTFLOAT_FORMATS_H
#define SOFTFLOAT_FORMATS_H

#include "parts.h"

/* The kind and significand of a value whose exponent is all ones. */
static inline void parts_set_special(Parts *p, U128 frac)
{
    bool quiet = frac >> 126 & 1;
    p->kind = !frac ? PARTS_INF : quiet ? PARTS_QNAN : PARTS_SNAN;
    p->sig = frac | U128_TOP;
}

/* A value whose biased exponent is 0; frac has the weight of 2^exp at bit 127.
 * Flushing is noted at once, before anything is known of other operands. */
static inline void parts_set_denormal(Parts *p, int exp, U128 frac, SfEnv *env)
{
    bool flush = env->denormal_in >= SF_IN_ZERO;
    if (frac && !flush) {
        int n = u128_clz(frac);
        p->kind = PARTS_NUMBER;
        p->denormal = true;
        p->sig = frac << n;
        p->exp = exp - n;
    } else if (frac && env->denormal_in == SF_IN_ZERO_FLAG) {
        env->flags |= SF_DENORMAL;
    }
}

/* frac: the fraction with its first bit at bit 126. */
static inline Parts parts_unpack(bool sign, unsigned exp, U128 frac,
                                 const SfFormat *f, SfEnv *env)
{
    Parts p = { .sign = sign };
    if (exp == 0) {
        parts_set_denormal(&p, f->emin, frac, env);
    } else if (exp == 2u * f->emax + 1) {
        parts_set_special(&p, frac);
    } else {
        p.kind = PARTS_NUMBER;
        p.exp = (int)exp - f->emax;
        p.sig = frac | U128_TOP;
    }
    return p;
}

static inline Parts parts_unpack_small(uint64_t bits, const SfFormat *f,
                                       SfEnv *env)
{
    unsigned n = f->precision - 1;
    uint64_t frac = bits & ((UINT64_C(1) << n) - 1);
    unsigned exp = bits >> n & (2u * f->emax + 1);
    return parts_unpack(bits >> (f->total - 1) & 1, exp,
                        (U128)(frac << (63 - n)) << 64, f, env);
}

/* The biased exponent of a rounded value. */
static inline unsigned parts_exponent(const Parts *p, const SfFormat *f)
{
    switch (p->kind) {
    case PARTS_ZERO:
        return 0;
    case PARTS_NUMBER:
        return p->sig & U128_TOP ? p->exp + f->emax : 0;
    default:
        return 2u * f->emax + 1;
    }
}

/* The fraction of a rounded value, its first bit at bit 126. */
static inline U128 parts_fraction(const Parts *p)
{
    bool none = p->kind == PARTS_ZERO || p->kind == PARTS_INF;
    return none ? 0 : p->sig & ~U128_TOP;
}

static inline uint64_t parts_pack_small(const Parts *p, const SfFormat *f)
{
    unsigned n = f->precision - 1;
    uint64_t frac = u128_hi(parts_fraction(p)) >> (63 - n);
    return (uint64_t)p->sign << (f->total - 1) |
           (uint64_t)parts_exponent(p, f) << n | frac;
}

#define SF_SMALL(T, p)                                                         \
    static inline Parts p##_unpack(T a, SfEnv *env)                            \
    {                                                                          \
        return parts_unpack_small(a, &p##_format, env);                        \
    }                                                                          \
    static inline T p##_pack(const Parts *r)                                   \
    {                                                                          \
        return (T)parts_pack_small(r, &p##_format);                            \
    }
SF_SMALL(Sf16, sf16)
SF_SMALL(SfB16, sfb16)
SF_SMALL(Sf32, sf32)
SF_SMALL(Sf64, sf64)

static inline Parts sf128_unpack(Sf128 a, SfEnv *env)
{
    return parts_unpack(a.hi >> 63, a.hi >> 48 & 0x7fff,
                        u128_make(a.hi, a.lo) << 16 >> 1, &sf128_format, env);
}

static inline Sf128 sf128_pack(const Parts *p)
{
    U128 bits = parts_fraction(p) >> 15;
    bits |= (U128)parts_exponent(p, &sf128_format) << 112;
    bits |= (U128)p->sign << 127;
    return (Sf128){ .lo = (uint64_t)bits, .hi = u128_hi(bits) };
}

static inline Parts sf80_unpack(Sf80 a, SfEnv *env)
{
    Parts p = { .sign = a.sign_exp >> 15 };
    unsigned exp = a.sign_exp & 0x7fff;
    bool integer = a.frac >> 63;
    if (exp == 0) {
        parts_set_denormal(&p, sf80_format.emin, (U128)a.frac << 64, env);
    } else if (!integer) {
        p.kind = PARTS_BAD;
    } else if (exp == 0x7fff) {
        parts_set_special(&p, (U128)a.frac << 65 >> 1);
    } else {
        p.kind = PARTS_NUMBER;
        p.exp = (int)exp - 16383;
        p.sig = (U128)a.frac << 64;
    }
    return p;
}

static inline Sf80 sf80_pack(const Parts *p)
{
    uint64_t frac = p->kind == PARTS_ZERO  ? 0
                    : p->kind == PARTS_INF ? UINT64_C(1) << 63
                                           : u128_hi(p->sig);
    return (Sf80){ frac, p->sign << 15 | parts_exponent(p, &sf80_format) };
}

#endif
