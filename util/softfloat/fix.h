/*
 * Numbers of 128 bits for the x87's functions: fractions in [0, 1), worth
 * value / 2^128, and what is made of them. Computed from the series named
 * beside each table with 400 bits, and checked against GNU MPFR by
 * tests/unit/test-softfloat-mpfr.
 */
#ifndef SOFTFLOAT_FIX_H
#define SOFTFLOAT_FIX_H

#include "formats.h"

typedef struct Fix {
    uint64_t hi, lo;
} Fix;

/* 1/2!, 1/3!, ... 1/34! */
#define FIX_FACTORIALS 33
extern const Fix fix_inverse_factorial[FIX_FACTORIALS];
/* 1/3, 1/5, ... 1/55 */
#define FIX_ODDS 27
extern const Fix fix_inverse_odd[FIX_ODDS];
/* atan(i/32), i = 0..32 */
extern const Fix fix_atan[33];

static inline U128 fix_value(Fix f)
{
    return u128_make(f.hi, f.lo);
}

static inline U128 fix_mul(U128 a, U128 b)
{
    return u128_mul(a, b).hi;
}

/* A number below 1 as a fraction. */
static inline U128 fix_from_parts(const Parts *p)
{
    return p->exp < -128 ? 0 : p->sig >> (-1 - p->exp);
}

/* x * (c[0] +- x * (c[step] +- x * (c[2 * step] ...))): `terms` of them, the
 * signs alternating or all plus. x and all that comes of it is below 1. */
U128 fix_series(U128 x, const Fix *c, unsigned step, unsigned terms,
                bool alternate);

Parts parts_pi(int exp); /* pi * 2^exp, to 128 bits */
Parts parts_ln2(void);
Parts parts_two_over_ln2(void);

/* 1 + f and 1 - f; where f is less than the last bit, just above and just
 * below 1, as the functions that it comes from never give 1 itself. */
static inline Parts parts_one_plus(U128 f)
{
    return parts_number(false, 0, U128_TOP | f >> 1 | 1);
}

static inline Parts parts_one_minus(U128 f)
{
    return parts_normalize(false, -1, f ? -f : ~(U128)0);
}

#endif
