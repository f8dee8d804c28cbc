/*
 * Vectors: bit by bit, and tests of bits (SDM vol. 2, PAND, PTEST, VTESTPS).
 */
#include "lanes.h"

VEC_U(AND, 64, a & b)
VEC_U(ANDN, 64, ~a & b)
VEC_U(OR, 64, a | b)
VEC_U(XOR, 64, a ^ b)

/* ZF and CF of a test that looks at the bits of `mask` in each word. */
static void vec_test(VecArgs *v, uint64_t mask)
{
    uint64_t both = 0, only_b = 0;
    for (unsigned n = 0; n < 2; n++) {
        both |= v->a.w[n] & v->b.w[n] & mask;
        only_b |= ~v->a.w[n] & v->b.w[n] & mask;
    }
    v->r = (both == 0 ? 1 : 0) | (only_b == 0 ? 2 : 0);
}

void vec_TEST(VecArgs *v, SfEnv *env)
{
    vec_test(v, UINT64_MAX);
}

void vec_TESTF32(VecArgs *v, SfEnv *env)
{
    vec_test(v, UINT64_C(0x8000000080000000));
}

void vec_TESTF64(VecArgs *v, SfEnv *env)
{
    vec_test(v, BIT(63));
}
