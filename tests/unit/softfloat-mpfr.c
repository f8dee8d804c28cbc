/*
 * What GNU MPFR says of an operation in a format.
 */
#include "softfloat-mpfr.h"

static int judge_bias(const JudgeFormat *f)
{
    return (1 << (f->exp_bits - 1)) - 1;
}

static int judge_precision(const JudgeFormat *f)
{
    return f->frac_bits + !f->integer_bit;
}

static Bits judge_fraction(const JudgeFormat *f, Bits bits)
{
    return bits & (((Bits)1 << f->frac_bits) - 1);
}

static int judge_exponent(const JudgeFormat *f, Bits bits)
{
    return bits >> f->frac_bits & ((1u << f->exp_bits) - 1);
}

static bool judge_sign(const JudgeFormat *f, Bits bits)
{
    return bits >> (f->frac_bits + f->exp_bits) & 1;
}

/* The fraction without the x87's integer bit. */
static Bits judge_payload(const JudgeFormat *f, Bits bits)
{
    Bits frac = judge_fraction(f, bits);
    return f->integer_bit ? frac & ~((Bits)1 << 63) : frac;
}

bool judge_is_nan(const JudgeFormat *f, Bits bits)
{
    int exp = judge_exponent(f, bits);
    if (f->integer_bit && exp && !(bits >> 63 & 1)) {
        return true;
    }
    return exp == 2 * judge_bias(f) + 1 && judge_payload(f, bits);
}

void judge_value(mpfr_t r, const JudgeFormat *f, Bits bits)
{
    int exp = judge_exponent(f, bits);
    Bits frac = judge_fraction(f, bits);
    mpfr_set_prec(r, 128);
    if (exp == 2 * judge_bias(f) + 1) {
        mpfr_set_inf(r, 1);
    } else {
        if (exp && !f->integer_bit) {
            frac |= (Bits)1 << f->frac_bits;
        }
        mpfr_set_ui(r, (uint64_t)(frac >> 64), MPFR_RNDN);
        mpfr_mul_2ui(r, r, 64, MPFR_RNDN);
        mpfr_add_ui(r, r, (uint64_t)frac, MPFR_RNDN);
        mpfr_mul_2si(r, r, MAX(exp, 1) - judge_bias(f) -
                     (judge_precision(f) - 1), MPFR_RNDN);
    }
    mpfr_setsign(r, r, judge_sign(f, bits), MPFR_RNDN);
}

/* The bits of a value that f can hold. */
static Bits judge_bits(const JudgeFormat *f, mpfr_t v)
{
    int bias = judge_bias(f), precision = judge_precision(f);
    Bits sign = (Bits)!!mpfr_signbit(v) << (f->frac_bits + f->exp_bits);
    if (mpfr_zero_p(v)) {
        return sign;
    }
    if (mpfr_inf_p(v)) {
        Bits integer = f->integer_bit ? (Bits)1 << 63 : 0;
        return sign | (Bits)(2 * bias + 1) << f->frac_bits | integer;
    }
    int exp = MAX(mpfr_get_exp(v) - 1, 1 - bias);
    mpz_t z;
    mpz_init(z);
    mpfr_t scaled;
    mpfr_init2(scaled, 128);
    mpfr_mul_2si(scaled, v, precision - 1 - exp, MPFR_RNDN);
    g_assert_true(mpfr_integer_p(scaled));
    mpfr_get_z(z, scaled, MPFR_RNDN);
    uint64_t limbs[2] = { 0 };
    mpz_export(limbs, NULL, -1, 8, 0, 0, z);
    mpfr_clear(scaled);
    mpz_clear(z);
    Bits frac = (Bits)limbs[1] << 64 | limbs[0];
    bool normal = frac >> (precision - 1);
    return sign | (Bits)(normal ? exp + bias : 0) << f->frac_bits |
           judge_fraction(f, frac);
}

typedef struct Range {
    int precision;
    long emin, emax; /* MPFR's */
} Range;

/* fn within a range, with denormals at its lower end. The result is in r. */
static int judge_run(mpfr_t r, JudgeFn fn, mpfr_t *const in, Range range,
                     mpfr_rnd_t rnd)
{
    mpfr_exp_t emin = mpfr_get_emin(), emax = mpfr_get_emax();
    mpfr_set_prec(r, range.precision);
    mpfr_set_emin(range.emin);
    mpfr_set_emax(range.emax);
    mpfr_clear_flags();
    int ternary = fn(r, in, rnd);
    ternary = mpfr_check_range(r, ternary, rnd);
    ternary = mpfr_subnormalize(r, ternary, rnd);
    mpfr_set_emin(emin);
    mpfr_set_emax(emax);
    return ternary;
}

/* Is the exact result between two numbers of the range, as far from both? */
static bool judge_is_tie(JudgeFn fn, mpfr_t *const in, Range range,
                         mpfr_t toward_zero)
{
    mpfr_t finer;
    mpfr_init(finer);
    Range fine = { range.precision + 1, range.emin - 1, range.emax };
    int ternary = judge_run(finer, fn, in, fine, MPFR_RNDZ);
    bool tie = ternary == 0 && !mpfr_equal_p(finer, toward_zero);
    mpfr_clear(finer);
    return tie;
}

static int judge_round(mpfr_t r, JudgeFn fn, mpfr_t *const in, Range range,
                       SfRound rounding)
{
    static const mpfr_rnd_t modes[] = { MPFR_RNDN, MPFR_RNDD, MPFR_RNDU,
                                        MPFR_RNDZ };
    if (rounding <= SF_ZERO) {
        return judge_run(r, fn, in, range, modes[rounding]);
    }
    int ternary = judge_run(r, fn, in, range, MPFR_RNDZ);
    if (rounding == SF_NEAREST_AWAY && ternary) {
        bool tie = judge_is_tie(fn, in, range, r);
        return judge_run(r, fn, in, range, tie ? MPFR_RNDA : MPFR_RNDN);
    }
    return ternary;
}

static bool judge_is_tiny(const JudgeFormat *f, JudgeFn fn, mpfr_t *const in,
                          const SfEnv *env)
{
    Range unbounded = { judge_precision(f), -200000, 200000 };
    mpfr_t r;
    mpfr_init(r);
    judge_round(r, fn, in, unbounded,
                env->tiny_before ? SF_ZERO : env->rounding);
    bool tiny = mpfr_zero_p(r) || (mpfr_regular_p(r) &&
                                   mpfr_get_exp(r) - 1 < 1 - judge_bias(f));
    mpfr_clear(r);
    return tiny;
}

Judgement judge(const JudgeFormat *f, JudgeFn fn, mpfr_t *const in,
                const SfEnv *env)
{
    int bias = judge_bias(f), precision = judge_precision(f);
    Range range = { precision, 1 - bias - precision + 2, bias + 1 };
    mpfr_t r;
    mpfr_init(r);
    int ternary = judge_round(r, fn, in, range, env->rounding);
    Judgement j = { .nan = mpfr_nan_p(r) };
    if (j.nan) {
        j.flags = SF_INVALID;
    } else {
        j.bits = judge_bits(f, r);
        bool overflow = ternary && mpfr_overflow_p();
        j.flags = (ternary ? SF_INEXACT : 0) | (overflow ? SF_OVERFLOW : 0);
        if (ternary && env->rounding == SF_ODD) {
            j.bits |= 1;
        }
        if (ternary && judge_is_tiny(f, fn, in, env)) {
            j.flags |= SF_UNDERFLOW;
        }
    }
    mpfr_clear(r);
    return j;
}
