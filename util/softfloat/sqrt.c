/*
 * The square root (IEEE 754-2019, 5.4.1): a root of 16 bits found bit by bit
 * is doubled twice, each time by one division of what remains ("Karatsuba
 * square root", P. Zimmermann, 1999); bits beyond the 64th, which only the
 * wide formats need, follow one by one.
 */
#include "formats.h"

/* The root of n rounded down, and *rest = n - root^2. */
static uint32_t root_of_32(uint32_t n, uint32_t *rest)
{
    uint32_t root = 0;
    for (uint32_t bit = 1u << 30; bit; bit >>= 2) {
        uint32_t trial = root + bit;
        root >>= 1;
        if (n >= trial) {
            n -= trial;
            root += bit;
        }
    }
    *rest = n;
    return root;
}

/* n >= 2^62 */
static uint64_t root_of_64(uint64_t n, uint64_t *rest)
{
    uint32_t r1;
    uint64_t s1 = root_of_32(n >> 32, &r1);
    uint64_t part = (uint64_t)r1 << 16 | (n >> 16 & 0xffff);
    uint64_t q = part / (2 * s1), u = part % (2 * s1);
    uint64_t s = (s1 << 16) + q;
    int64_t r = (int64_t)(u << 16 | (n & 0xffff)) - (int64_t)(q * q);
    if (r < 0) {
        r += 2 * (int64_t)s - 1;
        s--;
    }
    *rest = r;
    return s;
}

/* n >= 2^126 */
static U128 root_of_128(U128 n, U128 *rest)
{
    uint64_t r1, lo = (uint64_t)n;
    U128 s1 = root_of_64(u128_hi(n), &r1);
    U128 part = (U128)r1 << 32 | lo >> 32;
    U128 q = part / (uint64_t)(2 * s1), u = part - q * (2 * s1);
    U128 s = (s1 << 32) + q;
    __int128 r = (__int128)(u << 32 | (uint32_t)lo) - (__int128)(q * q);
    if (r < 0) {
        r += 2 * (__int128)s - 1;
        s--;
    }
    *rest = r;
    return s;
}

static Parts sqrt_number(const Parts *a, unsigned precision)
{
    bool odd = a->exp & 1;
    U128 rest, root = root_of_128(odd ? a->sig : a->sig >> 1, &rest);
    unsigned digits = 64;
    for (; digits < precision + 2; digits++) {
        U128 trial = (root << 2) + 1;
        rest <<= 2;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root++;
        }
    }
    U128 sig = root << (128 - digits) | (rest != 0);
    return parts_number(false, (a->exp - odd) / 2, sig);
}

Parts parts_sqrt(const Parts *a, unsigned precision, SfEnv *env)
{
    if (parts_is_nan(a)) {
        return parts_nan1(a, env);
    }
    if (a->kind == PARTS_ZERO || (a->kind == PARTS_INF && !a->sign)) {
        return *a;
    }
    if (a->sign) {
        return parts_invalid(env);
    }
    parts_note_denormal(a, env);
    return sqrt_number(a, precision);
}

#define SF_DEFINE(T, p)                                                        \
    T p##_sqrt(T a, SfEnv *env)                                                \
    {                                                                          \
        Parts pa = p##_unpack(a, env);                                         \
        Parts r = parts_sqrt(&pa, p##_format.precision, env);                  \
        parts_round_pc(&r, &p##_format, env);                                  \
        return p##_pack(&r);                                                   \
    }
SF_FORMATS(SF_DEFINE)
