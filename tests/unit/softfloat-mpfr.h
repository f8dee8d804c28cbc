/*
 * What GNU MPFR says of an operation in a format: the rounded result, and the
 * flags that IEEE 754 wants. A judge for softfloat that shares nothing with it.
 */
#ifndef SOFTFLOAT_MPFR_H
#define SOFTFLOAT_MPFR_H

#include "base/softfloat.h"

#include <mpfr.h>

typedef unsigned __int128 Bits; /* any format's; of Sf80, sign_exp is on top */

typedef struct JudgeFormat {
    const char *name;
    unsigned exp_bits, frac_bits; /* frac_bits holds a stored integer bit */
    bool integer_bit;
} JudgeFormat;

/* Sets r to a function of the operands rounded by rnd, and returns MPFR's
 * ternary value. It must be right for any precision of r. */
typedef int (*JudgeFn)(mpfr_t r, mpfr_t *const in, mpfr_rnd_t rnd);

typedef struct Judgement {
    Bits bits;
    unsigned flags; /* SF_INVALID, OVERFLOW, UNDERFLOW, INEXACT */
    bool nan;
} Judgement;

/* The exact value of bits, which are no NaN or invalid encoding. */
void judge_value(mpfr_t r, const JudgeFormat *f, Bits bits);
bool judge_is_nan(const JudgeFormat *f, Bits bits);
/* fn of up to three operands, as env rounds it into f (env's rounding and
 * tiny_before count, no flushing). */
Judgement judge(const JudgeFormat *f, JudgeFn fn, mpfr_t *const in,
                const SfEnv *env);

#endif
