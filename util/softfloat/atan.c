/*
 * FPATAN (SDM vol. 2): the angle of the point (x, y), from a table of
 * arctangents and a short series in 128 bits.
 */
#include "fix.h"

/* atan(r) = r - r^3/3 + r^5/5 ..., |r| <= 1/64 */
static Parts atan_series(const Parts *r, SfEnv *env)
{
    U128 f = fix_from_parts(r);
    U128 sum = fix_series(fix_mul(f, f), fix_inverse_odd, 1, 12, true);
    Parts factor = parts_one_minus(sum);
    return parts_mul(r, &factor, env);
}

/* v * i, i <= 64 */
static Parts times(const Parts *v, unsigned i, SfEnv *env)
{
    Parts factor = parts_normalize(false, 127, i);
    return parts_mul(v, &factor, env);
}

/* i with i/32 nearest to a/b, both positive and a <= b. */
static unsigned atan_index(const Parts *a, const Parts *b)
{
    int distance = b->exp - a->exp;
    if (distance > 8) {
        return 0;
    }
    uint64_t top = u128_hi(a->sig) >> (8 + distance);
    uint64_t bottom = u128_hi(b->sig) >> 8;
    return (64 * top / bottom + 1) / 2;
}

/* atan(a/b), both positive and a <= b: atan(i/32) + atan((a/b - i/32) /
 * (1 + a/b * i/32)). */
static Parts atan_ratio(const Parts *a, const Parts *b, SfEnv *env)
{
    unsigned i = atan_index(a, b);
    if (i == 0) {
        Parts r = parts_div(a, b, env);
        return atan_series(&r, env);
    }
    Parts base = parts_normalize(false, -1, fix_value(fix_atan[i]));
    Parts a32 = times(a, 32, env), b32 = times(b, 32, env);
    Parts ai = times(a, i, env), bi = times(b, i, env);
    Parts above = parts_add(&a32, &bi, true, env);
    Parts below = parts_add(&b32, &ai, false, env);
    if (above.kind == PARTS_ZERO) {
        return base;
    }
    Parts r = parts_div(&above, &below, env);
    r = atan_series(&r, env);
    return parts_add(&base, &r, false, env);
}

/* The angle of two numbers in the first quadrant. */
static Parts atan_numbers(const Parts *x, const Parts *y, SfEnv *env)
{
    Parts px = *x, py = *y;
    px.sign = py.sign = false;
    if (parts_compare(&py, &px) != SF_GREATER) {
        return atan_ratio(&py, &px, env);
    }
    Parts right = parts_pi(-1), r = atan_ratio(&px, &py, env);
    return parts_add(&right, &r, true, env);
}

/* Where one of them is a zero or an infinity (SDM vol. 2, table 3-29). */
static Parts atan_special(const Parts *x, const Parts *y)
{
    if (x->kind == PARTS_INF && y->kind == PARTS_INF) {
        return parts_pi(-2);
    }
    if (y->kind == PARTS_ZERO || x->kind == PARTS_INF) {
        return parts_zero(false);
    }
    return parts_pi(-1);
}

static Parts parts_patan(const Parts *x, const Parts *y, SfEnv *env)
{
    if (parts_any_nan(x, y)) {
        return parts_nan2(x, y, env);
    }
    parts_note_denormal(x, env);
    parts_note_denormal(y, env);
    bool numbers = x->kind == PARTS_NUMBER && y->kind == PARTS_NUMBER;
    Parts r = numbers ? atan_numbers(x, y, env) : atan_special(x, y);
    if (x->sign) {
        Parts straight = parts_pi(0);
        r = parts_add(&straight, &r, true, env);
    }
    r.sign = y->sign;
    r.sig |= 1; /* never exact */
    return r;
}

Sf80 sf80_patan(Sf80 x, Sf80 y, SfEnv *env)
{
    Parts px = sf80_unpack(x, env), py = sf80_unpack(y, env);
    Parts r = parts_patan(&px, &py, env);
    parts_round(&r, &sf80_format, env);
    return sf80_pack(&r);
}
