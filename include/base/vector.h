/*
 * Operations on 128-bit vectors, one table for every target and back end.
 *
 * A row of base/vec-ops.def is an operation: its name, what it takes and gives,
 * and whether it is floating point. Implemented by util/vector in portable C,
 * which is what the operation means: the interpreter calls it, a native back
 * end calls it where it has no instruction of the host with the same bits, and
 * tests compare the two. Targets write IR that names rows (vm/ir.h).
 *
 * Wider registers are several vectors, and scalars are lane 0 of one: so one
 * size serves SSE, AVX and AdvSIMD. Lanes are numbered from the least
 * significant bits, whatever the host.
 */
#ifndef BASE_VECTOR_H
#define BASE_VECTOR_H

#include "base/softfloat.h"
#include "base/types.h"

/* 16 bytes as two words, the low one first; use vec_u8() and friends to get at
 * smaller lanes, so that a big-endian host sees the same. */
typedef struct V128 {
    uint64_t w[2];
} V128;

typedef enum VecOp {
#define VEC_OP(name, text, sig, flags, meaning) VEC_##name,
#include "base/vec-ops.def"
#undef VEC_OP
    VEC_OP_COUNT
} VecOp;

/* Operands and results of one operation. Which of them count is what the
 * row's signature says; the others are not looked at or written. The result
 * may not be an operand's place: out is separate. */
typedef struct VecArgs {
    V128 out;              /* 'v' result */
    V128 a, b, c;          /* 'v' operands, in order */
    uint64_t x;            /* '4' or '8' operand (zero-extended) */
    uint64_t r;            /* '4' or '8' result (zero-extended) */
    uint32_t imm;          /* immediate; 0 if the row has none */
} VecArgs;

/* In PCMPSTRI's and PCMPSTRM's imm: strings end before their first zero element
 * (PCMPISTRx); x is not looked at. */
#define VEC_STR_IMPLICIT 0x10000u

/* Operations of several steps, each with its own exceptions, do this many of them
 * (0: all) if imm says so in the bits from VEC_STEPS_SHIFT on. */
#define VEC_STEPS_SHIFT 8
static inline unsigned vec_steps(VecOp op)
{
    return op == VEC_FDP32 ? 3 : op == VEC_FDP64 ? 2 : 1;
}

/* env: rounding, NaN and denormal rules of rows with flag E, which add to its
 * flags what sf_flags_told() tells of all lanes together: as MXCSR, so never
 * SF_ROUNDED_UP. Others do not look at it (NULL is fine). A result with one of
 * env->unmasked among the operation's own flags is not to be used. */
typedef void VecFn(VecArgs *v, SfEnv *env);

typedef struct VecInfo {
    const char *name;      /* as in IR text: "add32" */
    const char *sig;       /* RESULT ':' OPERANDS, see base/vec-ops.def */
    bool env;              /* flag E */
    VecFn *fn;
} VecInfo;

/* ORDER vec-op: indexed by VecOp. */
extern const VecInfo vec_ops[VEC_OP_COUNT];

/* --- lanes -------------------------------------------------------------------- */

static inline uint64_t vec_lane(const V128 *v, unsigned bits, unsigned n)
{
    unsigned at = n * bits;
    uint64_t w = v->w[at / 64] >> (at % 64);
    return bits == 64 ? w : w & ((UINT64_C(1) << bits) - 1);
}

static inline void vec_set_lane(V128 *v, unsigned bits, unsigned n,
                                uint64_t value)
{
    unsigned at = n * bits;
    uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    v->w[at / 64] &= ~(mask << (at % 64));
    v->w[at / 64] |= (value & mask) << (at % 64);
}

static inline uint8_t vec_u8(const V128 *v, unsigned n)
{
    return v->w[n / 8] >> (n % 8 * 8);
}

static inline uint16_t vec_u16(const V128 *v, unsigned n)
{
    return v->w[n / 4] >> (n % 4 * 16);
}

static inline uint32_t vec_u32(const V128 *v, unsigned n)
{
    return v->w[n / 2] >> (n % 2 * 32);
}

#endif
