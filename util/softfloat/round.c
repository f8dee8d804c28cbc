/*
 * Rounding, once and at the end, with overflow, underflow and their flags
 * (IEEE 754-2019, 4.3, 7.4 to 7.6; SDM vol. 1, 4.9.1).
 */
#include "parts.h"

/* The bias of a result whose overflow or underflow is unmasked (SDM vol. 1,
 * 8.5.4 and 8.5.5). */
#define X87_BIAS 24576

bool parts_goes_up(const Parts *p, U128 rest, U128 half, SfRound mode)
{
    switch (mode) {
    case SF_NEAREST_EVEN:
        return rest > half || (rest == half && (p->sig & half << 1));
    case SF_NEAREST_AWAY:
        return rest >= half;
    case SF_UP:
        return !p->sign && rest;
    case SF_DOWN:
        return p->sign && rest;
    case SF_ODD:
        return rest && !(p->sig & half << 1);
    case SF_ZERO:
        break;
    }
    return false;
}

/* Cuts p to `precision` bits counted from bit 127, and returns the flags that
 * this gives. A carry out of the top makes the exponent larger. */
static unsigned parts_cut(Parts *p, unsigned precision, SfRound mode)
{
    U128 unit = (U128)1 << (128 - precision);
    U128 rest = p->sig & (unit - 1);
    if (!rest) {
        return 0;
    }
    bool up = parts_goes_up(p, rest, unit >> 1, mode);
    p->sig -= rest;
    if (!up) {
        return SF_INEXACT;
    }
    p->sig += unit;
    if (!p->sig) {
        p->sig = U128_TOP;
        p->exp++;
    }
    return SF_INEXACT | SF_ROUNDED_UP;
}

/* The result of an overflow: infinity, or the largest number (IEEE 7.4). */
static unsigned parts_overflow(Parts *p, const SfFormat *f, unsigned precision,
                               SfRound mode)
{
    if (mode == SF_NEAREST_EVEN || mode == SF_NEAREST_AWAY ||
        mode == (p->sign ? SF_DOWN : SF_UP)) {
        p->kind = PARTS_INF;
        return SF_INEXACT | SF_ROUNDED_UP;
    }
    p->exp = f->emax;
    p->sig = ~(U128)0 << (128 - precision);
    return SF_INEXACT;
}

/* The x87's answer to an unmasked overflow: the exponent is less by a bias.
 * FSCALE may be above the end even then. Returns further flags. */
static unsigned parts_bias_down(Parts *p, const SfFormat *f)
{
    p->exp -= X87_BIAS;
    if (p->exp <= f->emax) {
        return 0;
    }
    *p = parts_inf(p->sign);
    return SF_INEXACT | SF_ROUNDED_UP;
}

static unsigned parts_bias_up(Parts *p, const SfFormat *f)
{
    p->exp += X87_BIAS;
    if (p->exp >= f->emin) {
        return 0;
    }
    *p = parts_zero(p->sign);
    return SF_INEXACT;
}

/* Makes p denormal, its exponent being below the format's. */
static unsigned parts_denormalize(Parts *p, const SfFormat *f,
                                  unsigned precision, SfRound mode)
{
    p->sig = u128_shr_jam(p->sig, f->emin - p->exp);
    p->exp = f->emin;
    unsigned flags = parts_cut(p, precision, mode);
    if (!p->sig) {
        *p = parts_zero(p->sign);
    }
    return flags;
}

/* p's exponent is below the format's; returns flags. `whole` is p rounded as
 * if exponents had no bound: whether that is tiny, and inexact, is what x86
 * asks (IEEE 754-1985, 7.4; SDM vol. 1, 4.9.1.5). */
static unsigned parts_round_small(Parts *p, const SfFormat *f,
                                  unsigned precision, const SfEnv *env)
{
    Parts whole = *p;
    unsigned flags = parts_cut(&whole, precision, env->rounding);
    bool tiny = env->tiny_before || whole.exp < f->emin;
    if (env->denormal_out == SF_OUT_ZERO_BEFORE) {
        *p = parts_zero(p->sign);
        return SF_UNDERFLOW;
    }
    if (tiny && (env->unmasked & SF_UNDERFLOW)) {
        if (!f->x87) { /* a trap follows: only flags matter */
            parts_denormalize(p, f, precision, env->rounding);
            return flags | SF_UNDERFLOW;
        }
        *p = whole;
        return flags | SF_UNDERFLOW | parts_bias_up(p, f);
    }
    if (tiny && env->denormal_out == SF_OUT_ZERO_AFTER) {
        *p = parts_zero(p->sign);
        return SF_UNDERFLOW | SF_INEXACT;
    }
    flags = parts_denormalize(p, f, precision, env->rounding);
    return flags | (tiny && flags ? SF_UNDERFLOW : 0);
}

/* p is above the largest number; `flags` are those of having been cut. */
static unsigned parts_round_large(Parts *p, const SfFormat *f,
                                  unsigned precision, unsigned flags,
                                  const SfEnv *env)
{
    bool unmasked = env->unmasked & SF_OVERFLOW;
    if (unmasked && f->x87) {
        return flags | SF_OVERFLOW | parts_bias_down(p, f);
    }
    unsigned all = parts_overflow(p, f, precision, env->rounding);
    return SF_OVERFLOW | (unmasked ? flags : all);
}

void parts_round_to(Parts *p, const SfFormat *f, unsigned precision, SfEnv *env)
{
    if (p->exp < f->emin) {
        env->flags |= parts_round_small(p, f, precision, env);
        return;
    }
    unsigned flags = parts_cut(p, precision, env->rounding);
    if (p->exp > f->emax) {
        flags = parts_round_large(p, f, precision, flags, env);
    }
    env->flags |= flags;
}
