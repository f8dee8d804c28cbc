/*
 * Operands that floating-point arithmetic stumbles over.
 */
#include "softfloat-operands.h"

#include <stdlib.h>

uint64_t operands_random(Operands *o)
{
    uint64_t high = g_rand_int(o->rand);
    return high << 32 | g_rand_int(o->rand);
}

unsigned operands_cases(unsigned standard)
{
    const char *cases = getenv("REPRISE_CASES");
    return cases ? strtoul(cases, NULL, 0) : standard;
}

/* n bits: random, few ones, few zeros, or a run of ones that ends somewhere. */
static uint64_t random_fraction(Operands *o, unsigned n)
{
    uint64_t r = operands_random(o), mask = bits_mask(n);
    unsigned at = operands_random(o) % n;
    switch (operands_random(o) % 8) {
    case 0:
        return 0;
    case 1:
        return mask;
    case 2:
        return UINT64_C(1) << at;
    case 3:
        return mask ^ UINT64_C(1) << at;
    case 4:
        return mask >> at;
    case 5:
        return mask & ~(mask >> at);
    case 6:
        return r & mask & ~(mask >> at);
    default:
        return r & mask;
    }
}

static uint64_t random_exponent(Operands *o, unsigned n)
{
    uint64_t max = bits_mask(n), bias = max / 2, r = operands_random(o);
    switch (operands_random(o) % 10) {
    case 0:
        return 0;
    case 1:
        return max;
    case 2:
        return max - 1 - r % 4;
    case 3:
        return 1 + r % 4;
    case 4:
        return (bias - 3 + r % 6) & max;
    case 5: /* around where an integer overflows, a product underflows */
        return (bias + r % 70) & max;
    case 6:
        return (bias / 2 + r % 70) & max;
    case 7:
        return (bias * 3 / 2 - r % 70) & max;
    default:
        return r & max;
    }
}

uint64_t operands_next(Operands *o, unsigned exp_bits, unsigned frac_bits)
{
    unsigned kind = operands_random(o) % 16;
    uint64_t sign = operands_random(o) & 1;
    if (kind == 0) { /* near the last one */
        o->last += operands_random(o) % 5 - 2;
    } else if (kind == 1) { /* the same, or its opposite */
        o->last ^= (operands_random(o) & 1) << (exp_bits + frac_bits);
    } else if (kind == 2) { /* near its exponent */
        uint64_t exp = o->last >> frac_bits;
        exp += operands_random(o) % (2 * frac_bits + 8) - frac_bits - 4;
        o->last = exp << frac_bits | random_fraction(o, frac_bits);
    } else {
        o->last = sign << exp_bits | random_exponent(o, exp_bits);
        o->last = o->last << frac_bits | random_fraction(o, frac_bits);
    }
    return o->last &= bits_mask(1 + exp_bits + frac_bits);
}

Sf80 operands_next80(Operands *o, bool valid)
{
    Sf80 v;
    uint64_t sign = operands_random(o) & 1;
    v.sign_exp = sign << 15 | random_exponent(o, 15);
    v.frac = random_fraction(o, 64);
    bool denormal = !(v.sign_exp & 0x7fff);
    if (operands_random(o) % 4 == 0) { /* comparable with the last one */
        uint64_t exp = o->last + operands_random(o) % 140 - 70;
        v.sign_exp = sign << 15 | (exp & 0x7fff);
        denormal = !(v.sign_exp & 0x7fff);
    }
    if (valid || operands_random(o) % 16) {
        v.frac = denormal ? v.frac & INT64_MAX : v.frac | BIT(63);
    }
    o->last = v.sign_exp & 0x7fff;
    return v;
}

uint64_t operands_integer(Operands *o)
{
    uint64_t v = random_fraction(o, 1 + operands_random(o) % 64);
    return operands_random(o) & 1 ? -v : v;
}
