/*
 * To and from integers, and to integral values in the same format (IEEE
 * 754-2019, 5.4.1, 5.8, 5.9). None of the former raises SF_DENORMAL (SDM
 * vol. 2, CVTPS2DQ, FIST); of the latter, FRNDINT does.
 */
#include "formats.h"

/* Rounds a number to an integer below 2^66; larger ones must not come. Returns
 * the flags: SF_INEXACT and SF_ROUNDED_UP. */
static unsigned parts_integer(const Parts *p, SfRound mode, U128 *out)
{
    Parts q = *p;
    if (q.exp < 0) { /* unit is worth bit 128: only the rest is there */
        U128 rest = u128_shr_jam(q.sig, -1 - q.exp);
        q.sig = 0;
        *out = parts_goes_up(&q, rest, U128_TOP, mode);
        return SF_INEXACT | (*out ? SF_ROUNDED_UP : 0);
    }
    U128 unit = U128_TOP >> q.exp;
    U128 rest = q.sig & (unit - 1);
    bool up = rest && parts_goes_up(&q, rest, unit >> 1, mode);
    *out = (q.sig >> (127 - q.exp)) + up;
    return (rest ? SF_INEXACT : 0) | (up ? SF_ROUNDED_UP : 0);
}

/* The largest magnitude that a `how` integer of this sign can have. */
static U128 int_limit(unsigned how, bool sign)
{
    unsigned bits = how & SF_INT_BITS;
    if (how & SF_INT_UNSIGNED) {
        return sign ? 0 : ((U128)1 << bits) - 1;
    }
    return ((U128)1 << (bits - 1)) - !sign;
}

/* The magnitude modulo 2^64, for numbers of any size. */
static uint64_t int_modulo(const Parts *p)
{
    if (p->kind != PARTS_NUMBER || p->exp < 0 || p->exp > 190) {
        return 0;
    }
    U128 v =
        p->exp <= 127 ? p->sig >> (127 - p->exp) : p->sig << (p->exp - 127);
    return p->sign ? -(uint64_t)v : (uint64_t)v;
}

static uint64_t int_extend(uint64_t v, unsigned how)
{
    unsigned shift = 64 - (how & SF_INT_BITS);
    if (how & SF_INT_UNSIGNED) {
        return v << shift >> shift;
    }
    return (uint64_t)((int64_t)(v << shift) >> shift);
}

/* What does not fit, or is no number. */
static uint64_t int_invalid(const Parts *p, unsigned how, SfEnv *env)
{
    bool nan = parts_is_nan(p);
    env->flags |= SF_INVALID;
    if (how & SF_INT_INDEFINITE) {
        uint64_t top = UINT64_C(1) << ((how & SF_INT_BITS) - 1);
        return int_extend(how & SF_INT_UNSIGNED ? UINT64_MAX : top, how);
    }
    if (how & SF_INT_WRAP) {
        return int_extend(int_modulo(p), how);
    }
    if (nan && (how & SF_INT_NAN_ZERO)) {
        return 0;
    }
    bool sign = p->sign && !nan;
    uint64_t limit = (uint64_t)int_limit(how, sign);
    return int_extend(sign ? -limit : limit, how);
}

static uint64_t parts_to_int(const Parts *p, unsigned how, SfEnv *env)
{
    if (p->kind == PARTS_ZERO) {
        return 0;
    }
    if (p->kind != PARTS_NUMBER || p->exp > 64) {
        return int_invalid(p, how, env);
    }
    U128 magnitude;
    SfRound mode = how & SF_INT_TRUNCATE ? SF_ZERO : env->rounding;
    unsigned flags = parts_integer(p, mode, &magnitude);
    if (magnitude > int_limit(how, p->sign)) {
        return int_invalid(p, how, env);
    }
    env->flags |= how & SF_INT_QUIET ? 0 : flags;
    uint64_t v = (uint64_t)magnitude;
    return int_extend(p->sign ? -v : v, how);
}

static Parts parts_round_int(const Parts *p, const SfFormat *f, SfRound mode,
                             SfEnv *env)
{
    if (parts_is_nan(p)) {
        return parts_nan1(p, env);
    }
    if (f->x87) {
        parts_note_denormal(p, env);
    }
    if (p->kind != PARTS_NUMBER || p->exp >= f->precision - 1) {
        return *p;
    }
    /* 2^112 is the largest exponent here; a carry makes it 2^113. */
    U128 magnitude;
    env->flags |= parts_integer(p, mode, &magnitude);
    return magnitude ? parts_normalize(p->sign, 127, magnitude)
                     : parts_zero(p->sign);
}

static Parts parts_from_uint(bool sign, uint64_t i)
{
    return i ? parts_normalize(sign, 63, (U128)i << 64) : parts_zero(false);
}

#define SF_DEFINE(T, p)                                                        \
    uint64_t p##_to_int(T a, unsigned how, SfEnv *env)                         \
    {                                                                          \
        Parts pa = p##_unpack(a, env);                                         \
        return parts_to_int(&pa, how, env);                                    \
    }                                                                          \
    T p##_from_int64(int64_t i, SfEnv *env)                                    \
    {                                                                          \
        uint64_t magnitude = i < 0 ? -(uint64_t)i : (uint64_t)i;               \
        Parts r = parts_from_uint(i < 0, magnitude);                           \
        parts_round(&r, &p##_format, env);                                     \
        return p##_pack(&r);                                                   \
    }                                                                          \
    T p##_from_uint64(uint64_t i, SfEnv *env)                                  \
    {                                                                          \
        Parts r = parts_from_uint(false, i);                                   \
        parts_round(&r, &p##_format, env);                                     \
        return p##_pack(&r);                                                   \
    }                                                                          \
    T p##_round_int(T a, SfRound mode, bool inexact, SfEnv *env)               \
    {                                                                          \
        Parts pa = p##_unpack(a, env);                                         \
        unsigned before = env->flags;                                          \
        Parts r = parts_round_int(&pa, &p##_format, mode, env);                \
        if (!inexact) {                                                        \
            env->flags &= before | ~(unsigned)SF_INEXACT;                      \
        }                                                                      \
        return p##_pack(&r);                                                   \
    }
SF_FORMATS(SF_DEFINE)
