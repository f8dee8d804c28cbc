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

/* Would p, rounded as if exponents had no bound, be below the smallest
 * normal number? */
static bool parts_is_tiny(const Parts *p, const SfFormat *f,
                          unsigned precision, const SfEnv *env)
{
    Parts q = *p;
    if (!env->tiny_before) {
        parts_cut(&q, precision, env->rounding);
    }
    return q.exp < f->emin;
}

static void parts_flush(Parts *p, unsigned flags, SfEnv *env)
{
    *p = parts_zero(p->sign);
    env->flags |= flags;
}

/* p's exponent is below the format's. */
static void parts_round_small(Parts *p, const SfFormat *f, unsigned precision,
                              SfEnv *env)
{
    bool tiny = parts_is_tiny(p, f, precision, env);
    bool unmasked = env->unmasked & SF_UNDERFLOW;
    if (env->denormal_out == SF_OUT_ZERO_BEFORE) {
        parts_flush(p, SF_UNDERFLOW, env);
        return;
    }
    if (env->denormal_out == SF_OUT_ZERO_AFTER && tiny && !unmasked) {
        parts_flush(p, SF_UNDERFLOW | SF_INEXACT, env);
        return;
    }
    if (tiny && unmasked && f->x87) {
        p->exp += X87_BIAS;
        env->flags |= SF_UNDERFLOW | parts_cut(p, precision, env->rounding);
        return;
    }
    p->sig = u128_shr_jam(p->sig, f->emin - p->exp);
    p->exp = f->emin;
    unsigned flags = parts_cut(p, precision, env->rounding);
    if (tiny && (unmasked || flags)) {
        flags |= SF_UNDERFLOW;
    }
    env->flags |= flags;
    if (!p->sig) {
        *p = parts_zero(p->sign);
    }
}

void parts_round_to(Parts *p, const SfFormat *f, unsigned precision,
                    SfEnv *env)
{
    if (p->exp < f->emin) {
        parts_round_small(p, f, precision, env);
        return;
    }
    unsigned flags = parts_cut(p, precision, env->rounding);
    if (p->exp > f->emax) {
        bool unmasked = env->unmasked & SF_OVERFLOW;
        if (unmasked && f->x87) {
            p->exp -= X87_BIAS;
        } else {
            unsigned all = parts_overflow(p, f, precision, env->rounding);
            flags = unmasked ? flags : all;
        }
        flags |= SF_OVERFLOW;
    }
    env->flags |= flags;
}
