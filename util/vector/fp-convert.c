/*
 * Vectors: rounding to integers and conversion of floating point (SDM vol. 2,
 * ROUNDPS, CVTPS2PD to CVTTSD2SI, VCVTPH2PS, VCVTPS2PH).
 */
#include "fp.h"

/* imm of ROUNDPS: bits 0, 1 a mode, or bit 2 the environment's. */
static inline SfRound imm_rounding(uint32_t imm, const SfEnv *e)
{
    return (SfRound)(imm & 4 ? e->rounding : imm & 3);
}

#define VEC_ROUND(bits)                                                     \
    static uint64_t round##bits(uint##bits##_t a, uint32_t imm, SfEnv *e)   \
    {                                                                       \
        return sf##bits##_round_int(a, imm_rounding(imm, e), !(imm & 8), e); \
    }                                                                       \
    VEC_F(FROUND##bits, bits, round##bits(FP_A(bits, n), v->imm, &e))       \
    VEC_FS(FROUND##bits##S, bits, round##bits(FP_B(bits, 0), v->imm, &e))
VEC_ROUND(32)
VEC_ROUND(64)

VEC_F(F32TO64, 64, sf32_to_sf64(FP_A(32, n), &e))
VEC_F(F64TO32, 32, n < 2 ? sf64_to_sf32(v->a.w[n], &e) : 0)
VEC_FS(F32TO64S, 64, sf32_to_sf64(FP_B(32, 0), &e))
VEC_FS(F64TO32S, 32, sf64_to_sf32(v->b.w[0], &e))

VEC_F(I32TOF32, 32, sf32_from_int64((int32_t)FP_A(32, n), &e))
VEC_F(I32TOF64, 64, sf64_from_int64((int32_t)FP_A(32, n), &e))
VEC_FS(SI32TOF32, 32, sf32_from_int64((int32_t)v->x, &e))
VEC_FS(SI64TOF32, 32, sf32_from_int64((int64_t)v->x, &e))
VEC_FS(SI32TOF64, 64, sf64_from_int64((int32_t)v->x, &e))
VEC_FS(SI64TOF64, 64, sf64_from_int64((int64_t)v->x, &e))

#define ROUNDED(bits) (SF_INT(bits) | SF_INT_INDEFINITE)
#define CHOPPED(bits) (ROUNDED(bits) | SF_INT_TRUNCATE)
VEC_F(F32TOI32, 32, sf32_to_int(FP_A(32, n), ROUNDED(32), &e))
VEC_F(F32TOI32T, 32, sf32_to_int(FP_A(32, n), CHOPPED(32), &e))
VEC_F(F64TOI32, 32, n < 2 ? sf64_to_int(v->a.w[n], ROUNDED(32), &e) : 0)
VEC_F(F64TOI32T, 32, n < 2 ? sf64_to_int(v->a.w[n], CHOPPED(32), &e) : 0)
VEC_FI(F32TOSI32, (uint32_t)sf32_to_int(FP_A(32, 0), ROUNDED(32), &e))
VEC_FI(F32TOSI64, sf32_to_int(FP_A(32, 0), ROUNDED(64), &e))
VEC_FI(F64TOSI32, (uint32_t)sf64_to_int(v->a.w[0], ROUNDED(32), &e))
VEC_FI(F64TOSI64, sf64_to_int(v->a.w[0], ROUNDED(64), &e))
VEC_FI(F32TOSI32T, (uint32_t)sf32_to_int(FP_A(32, 0), CHOPPED(32), &e))
VEC_FI(F32TOSI64T, sf32_to_int(FP_A(32, 0), CHOPPED(64), &e))
VEC_FI(F64TOSI32T, (uint32_t)sf64_to_int(v->a.w[0], CHOPPED(32), &e))
VEC_FI(F64TOSI64T, sf64_to_int(v->a.w[0], CHOPPED(64), &e))

/* F16C's own rules: a denormal half is neither flushed nor told, and a
 * denormal result stays (SDM vol. 2, VCVTPH2PS, VCVTPS2PH). */
static uint64_t half_to_single(Sf16 a, SfEnv *e)
{
    e->denormal_in = SF_IN_KEEP;
    return sf16_to_sf32(a, e);
}

static uint64_t single_to_half(Sf32 a, uint32_t imm, SfEnv *e)
{
    e->rounding = imm_rounding(imm, e);
    e->denormal_out = SF_OUT_KEEP;
    return sf32_to_sf16(a, e);
}
VEC_F(F16TO32, 32, half_to_single(vec_u16(&v->a, n), &e))
VEC_F(F32TO16, 16, n < 4 ? single_to_half(FP_A(32, n), v->imm, &e) : 0)
