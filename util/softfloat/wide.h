/*
 * Integers of 128 and 256 bits, as significands need them: shifts that
 * remember what fell off ("jam": the lowest bit is set if any lost bit was).
 */
#ifndef SOFTFLOAT_WIDE_H
#define SOFTFLOAT_WIDE_H

#include "base/types.h"

typedef unsigned __int128 U128;

typedef struct U256 {
    U128 hi, lo;
} U256;

#define U128_TOP ((U128)1 << 127)

static inline U128 u128_make(uint64_t hi, uint64_t lo)
{
    return (U128)hi << 64 | lo;
}

static inline uint64_t u128_hi(U128 v)
{
    return (uint64_t)(v >> 64);
}

/* Leading zeros of v, which is not 0. */
static inline int u128_clz(U128 v)
{
    uint64_t hi = u128_hi(v);
    return hi ? __builtin_clzll(hi) : 64 + __builtin_clzll((uint64_t)v);
}

static inline U128 u128_shr_jam(U128 v, unsigned n)
{
    if (n == 0) {
        return v;
    }
    if (n > 127) {
        return v != 0;
    }
    return v >> n | ((v << (128 - n)) != 0);
}

static inline bool u256_is_zero(U256 v)
{
    return !(v.hi | v.lo);
}

static inline U256 u256_shl(U256 v, unsigned n)
{
    if (n == 0) {
        return v;
    }
    if (n > 127) {
        return (U256){ n > 255 ? 0 : v.lo << (n - 128), 0 };
    }
    return (U256){ v.hi << n | v.lo >> (128 - n), v.lo << n };
}

static inline U256 u256_shr_jam(U256 v, unsigned n)
{
    if (n == 0) {
        return v;
    }
    if (n > 127) {
        return (U256){ 0, u128_shr_jam(v.hi, n - 128) | (v.lo != 0) };
    }
    bool lost = (v.lo << (128 - n)) != 0;
    return (U256){ v.hi >> n, v.hi << (128 - n) | v.lo >> n | lost };
}

/* a - b, a >= b */
static inline U256 u256_sub(U256 a, U256 b)
{
    return (U256){ a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo };
}

/* a + b modulo 2^256 */
static inline U256 u256_add(U256 a, U256 b)
{
    U128 lo = a.lo + b.lo;
    return (U256){ a.hi + b.hi + (lo < a.lo), lo };
}

static inline bool u256_less(U256 a, U256 b)
{
    return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

static inline int u256_clz(U256 v)
{
    return v.hi ? u128_clz(v.hi) : 128 + u128_clz(v.lo);
}

/* The exact product. */
static inline U256 u128_mul(U128 a, U128 b)
{
    uint64_t ah = u128_hi(a), al = (uint64_t)a;
    uint64_t bh = u128_hi(b), bl = (uint64_t)b;
    U128 low = (U128)al * bl, high = (U128)ah * bh;
    U128 m1 = (U128)ah * bl, m2 = (U128)al * bh;
    U128 middle = (low >> 64) + (uint64_t)m1 + (uint64_t)m2;
    return (U256){ high + (m1 >> 64) + (m2 >> 64) + (middle >> 64),
                   middle << 64 | (uint64_t)low };
}

#endif
