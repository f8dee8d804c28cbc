/*
 * What the rows of the vector table are written with: each macro defines the
 * function of one row from an expression of lanes.
 */
#ifndef VECTOR_LANES_H
#define VECTOR_LANES_H

#include "base/bits.h"
#include "base/vector.h"

/* The function of every row: vec_ADD8() and so on. */
#define VEC_OP(name, text, sig, flags, meaning) VecFn vec_##name;
#include "base/vec-ops.def"
#undef VEC_OP

/* Lane n of v as a signed number. */
static inline int64_t vec_signed(const V128 *v, unsigned bits, unsigned n)
{
    return bits_sext(vec_lane(v, bits, n), bits);
}

/* Lane 2n + odd of a and b laid end to end, b above. */
static inline uint64_t vec_pair(const VecArgs *v, unsigned bits, unsigned n,
                                unsigned odd)
{
    unsigned half = 64 / bits;
    return vec_lane(n < half ? &v->a : &v->b, bits, n % half * 2 + odd);
}

/* v as the nearest signed, or unsigned, number of so many bits. */
static inline int64_t sat_signed(int64_t v, unsigned bits)
{
    int64_t max = (int64_t)bits_mask(bits - 1);
    return CLAMP(v, -max - 1, max);
}

static inline int64_t sat_unsigned(int64_t v, unsigned bits)
{
    int64_t max = (int64_t)bits_mask(bits);
    return CLAMP(v, 0, max);
}

/* All bits of a lane (which takes what it has room for) if `yes`. */
static inline uint64_t lane_mask(bool yes)
{
    return yes ? UINT64_MAX : 0;
}

/* A row whose result is `expr` in each lane n of `bits` bits. */
#define VEC_EACH(NAME, bits, expr)                              \
    void vec_##NAME(VecArgs *v, SfEnv *env)                     \
    {                                                           \
        V128 r = { { 0, 0 } };                                  \
        for (unsigned n = 0; n < 128 / (bits); n++) {           \
            vec_set_lane(&r, bits, n, (uint64_t)(expr));        \
        }                                                       \
        v->out = r;                                             \
    }

/* The same, of the lanes a and b: unsigned in U, signed in S. */
#define VEC_LANES(NAME, bits, type, get, expr)                  \
    static inline uint64_t lane_##NAME(type a, type b)          \
    {                                                           \
        return (uint64_t)(expr);                                \
    }                                                           \
    VEC_EACH(NAME, bits, lane_##NAME(get(&v->a, bits, n),       \
                                     get(&v->b, bits, n)))
#define VEC_U(NAME, bits, expr) VEC_LANES(NAME, bits, uint64_t, vec_lane, expr)
#define VEC_S(NAME, bits, expr) VEC_LANES(NAME, bits, int64_t, vec_signed, expr)

/* Of the lane a alone. */
#define VEC_LANE(NAME, bits, type, get, expr)                   \
    static inline uint64_t lane_##NAME(type a)                  \
    {                                                           \
        return (uint64_t)(expr);                                \
    }                                                           \
    VEC_EACH(NAME, bits, lane_##NAME(get(&v->a, bits, n)))
#define VEC_S1(NAME, bits, expr) VEC_LANE(NAME, bits, int64_t, vec_signed, expr)

#endif
