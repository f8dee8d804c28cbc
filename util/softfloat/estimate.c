/*
 * RCPSS and RSQRTSS. Their error is documented, their bits are not, and
 * processors differ. What is computed here is the reciprocal, or its root, of
 * the middle of the interval of operands with the same first 11 (10) bits of
 * fraction, rounded to 13 bits: within 1.5 * 2^-12, and the same bits as
 * Intel's processors give.
 */
#include "base/bits.h"
#include "base/softfloat.h"

#define SIGN UINT32_C(0x80000000)
#define INF UINT32_C(0x7f800000)
#define QUIET UINT32_C(0x00400000)
#define DEFAULT UINT32_C(0xffc00000)

/* v of 13 bits, the first of them set, times 2^(exp - 126 - 13). */
static Sf32 estimate_pack(uint32_t sign, int exp, uint32_t v)
{
    return exp <= 0 ? sign : sign | (uint32_t)exp << 23 | (v & 0xfff) << 11;
}

Sf32 sf32_rcp_estimate(Sf32 a)
{
    uint32_t sign = a & SIGN, magnitude = a & ~SIGN;
    if (magnitude > INF) {
        return a | QUIET;
    }
    if (magnitude == INF) {
        return sign;
    }
    int exp = magnitude >> 23;
    if (exp == 0) {
        return sign | INF;
    }
    /* The middle is d / 4096: 8192 * 4096 / d, rounded (d is odd). */
    uint32_t d = 4097 + 2 * bits_extract(a, 12, 11);
    return estimate_pack(sign, 253 - exp, ((1u << 26) + d) / (2 * d));
}

/* The root of a number below 2^30, rounded down. */
static uint32_t estimate_root(uint32_t n)
{
    uint32_t root = 0;
    for (uint32_t bit = 1u << 28; bit; bit >>= 2) {
        uint32_t trial = root + bit;
        root >>= 1;
        if (n >= trial) {
            n -= trial;
            root += bit;
        }
    }
    return root;
}

Sf32 sf32_rsqrt_estimate(Sf32 a)
{
    uint32_t sign = a & SIGN, magnitude = a & ~SIGN;
    if (magnitude > INF) {
        return a | QUIET;
    }
    int exp = magnitude >> 23;
    if (exp == 0) {
        return sign | INF;
    }
    if (sign) {
        return DEFAULT;
    }
    if (magnitude == INF) {
        return 0;
    }
    /* The middle is d / 2048, twice that where the exponent is odd: 8192 times
     * the root of its inverse, rounded from a root of one more bit. */
    uint64_t d = 2049 + 2 * bits_extract(a, 13, 10);
    bool odd = (exp - 127) & 1;
    uint32_t twice = estimate_root((UINT64_C(1) << 39) / (d << odd));
    return estimate_pack(0, 126 - ((exp - 127 - odd) / 2), (twice + 1) / 2);
}
